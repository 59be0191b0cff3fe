"""Reasons: contributions of features, grouped by theme and told in words that are true of the client.

A reason says what the client's file holds and by how many points the model moved the probability for it. It claims no
cause: the sign is the model's, the sentence is the fact.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from appetence.errors import AppetenceError
from appetence.explain.groups import strongest_groups
from appetence.explain.wording import Language, say_all
from appetence.features.catalogue import Feature, Theme

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

BASELINE, OTHER = "baseline", "other"
"""The two rows that are no reason: what is expected of any client, and all that is not listed."""

SMALLEST = 0.005
"""Points: a reason that would be shown as 0.00 is not listed."""

TEXTS: dict[str, dict[Language, str]] = {
    BASELINE: {"en": "Expected of any client of the book", "fr": "Niveau attendu pour tout client du portefeuille"},
    OTHER: {"en": "All other reasons together", "fr": "Tous les autres motifs réunis"},
}

SCHEMA = pa.schema(
    [
        pa.field("client_id", pa.string(), nullable=False),
        pa.field("rank", pa.int64(), nullable=False),
        pa.field("theme", pa.string(), nullable=False),
        pa.field("feature", pa.string()),
        pa.field("value", pa.string()),
        pa.field("points", pa.float64(), nullable=False),
        pa.field("actionable", pa.bool_(), nullable=False),
        pa.field("text_en", pa.string(), nullable=False),
        pa.field("text_fr", pa.string(), nullable=False),
    ]
)
"""The columns of `score_reasons` that a question's model knows; the run adds its id, the month and the question."""


def strongest_reasons(
    client_ids: pa.Array | pa.ChunkedArray | Sequence[str],
    points: Floats,
    features: Sequence[Feature],
    values: pa.Table,
    themes: Mapping[str, Theme],
    *,
    probability: Floats,
    baseline: float,
    k: int = 5,
    currency: str = "EUR",
) -> pa.Table:
    """Return the strongest reasons of every client for one question.

    Parameters
    ----------
    client_ids
        The n clients.
    points
        Shape (n, f): by how much each feature moved the probability, from `baseline` to `probability`.
    features
        The f features, in the order of the columns of `points`.
    values
        n rows with a column per feature: what is said of the client.
    themes
        Per name, the theme that features are grouped under.
    probability
        Shape (n,), in [0, 1].
    baseline
        The probability expected of any client.
    k
        How many reasons to list at most.
    currency
        ISO 4217, of amounts.

    Returns
    -------
    pyarrow.Table
        `SCHEMA`, in the order of clients and rank: the baseline (rank 0), up to k themes by |points|, and all else
        together. `points` are percentage points and a client's add up to 100 × the probability. A theme speaks through
        the feature that moved the probability most in the theme's own direction.

    Raises
    ------
    AppetenceError
        Shapes that do not match.
    """
    points = np.asarray(points, dtype=np.float64)
    probability = np.asarray(probability, dtype=np.float64)
    _check_shapes(len(client_ids), points, features, values, probability)
    names = list(dict.fromkeys(feature.theme for feature in features))
    listed, moved, speaker = _strongest(points, [names.index(feature.theme) for feature in features], len(names), k)
    moved *= 100
    moved[np.abs(moved) < SMALLEST] = 0.0
    first = np.full(len(points), 100 * baseline)
    rest = 100 * probability - first - moved.sum(axis=1)

    kept = np.pad(moved != 0, ((0, 0), (1, 1)), constant_values=True)
    client = np.nonzero(kept)[0]
    theme = np.pad(listed, ((0, 0), (1, 1)), constant_values=len(names))[kept]  # len(names): baseline, then other
    feature = np.pad(speaker, ((0, 0), (1, 1)), constant_values=-1)[kept]
    rank = (np.cumsum(kept, axis=1) - 1)[kept]
    theme[feature < 0] += rank[feature < 0] > 0
    told = [themes[name] for name in names]
    said = list(_all_said(feature, client, features, values))
    return pa.Table.from_arrays(
        [
            pa.array(client_ids, pa.string()).take(pa.array(client)),
            pa.array(rank),
            pa.array([*names, BASELINE, OTHER], pa.string()).take(pa.array(theme)),
            pa.array([f.name for f in features], pa.string()).take(pa.array(feature, mask=feature < 0)),
            _values(said, len(feature)),
            pa.array(np.column_stack([first, moved, rest])[kept]),
            pa.array(np.array([*(t.actionable for t in told), False, False])[theme]),
            _texts(said, rank, "en", currency),
            _texts(said, rank, "fr", currency),
        ],
        schema=SCHEMA,
    )


def _strongest(points: Floats, theme_of: Sequence[int], themes: int, k: int) -> tuple[Integers, Floats, Integers]:
    """Return, per row, the themes of greatest |points|, their points and the features that speak for them."""
    shape = len(points), min(k, themes)
    listed, moved, speaker = np.zeros(shape, np.int64), np.zeros(shape), np.zeros(shape, np.int64)
    rows = np.ascontiguousarray(points)
    strongest_groups(rows, np.array(theme_of, np.int64), themes, listed, moved, speaker, np.zeros(len(points)))
    return listed, moved, speaker


def by_theme_and_speaker(
    points: Floats, theme_of: Sequence[int], themes: int, may_speak: npt.NDArray[np.bool_] | None = None
) -> tuple[Floats, Integers]:
    """Return, per row and theme, the sum of its features' points and the feature that speaks for it.

    Parameters
    ----------
    points
        (n, f) of features.
    theme_of
        Per feature, the number of its theme.
    may_speak
        (n, f) which features may speak; all by default. A theme of which none may is spoken for by -1.
    """
    by_theme = np.zeros((len(points), themes))
    speaker = np.full((len(points), themes), -1, dtype=np.int64)
    for theme in range(themes):
        columns = np.flatnonzero(np.asarray(theme_of) == theme)
        by_theme[:, theme] = points[:, columns].sum(axis=1)
        with_it = points[:, columns] * np.sign(by_theme[:, [theme]])
        if may_speak is not None:
            with_it[~may_speak[:, columns]] = -np.inf
        speaker[:, theme] = columns[np.argmax(with_it, axis=1)]
        speaker[np.isneginf(with_it).all(axis=1), theme] = -1
    return by_theme, speaker


class _Said(NamedTuple):
    """Which rows tell of a feature, and its values there: every distinct one once, with the rows' places among them."""

    feature: Feature
    rows: Integers
    distinct: pa.Array
    places: Integers


def _all_said(feature: Integers, client: Integers, features: Sequence[Feature], values: pa.Table) -> Iterator[_Said]:
    for j in np.unique(feature[feature >= 0]):
        rows = np.flatnonzero(feature == j)
        told = values.column(features[j].name).take(pa.array(client[rows])).combine_chunks()
        encoded = told.dictionary_encode(null_encoding="encode")
        yield _Said(features[j], rows, encoded.dictionary, encoded.indices.to_numpy())


def _texts(said: Sequence[_Said], rank: Integers, language: Language, currency: str) -> pa.Array:
    """Return each row's sentence; a sentence is made once per distinct value of a feature."""
    pool = [TEXTS[BASELINE][language], TEXTS[OTHER][language]]
    place = (rank > 0).astype(np.int64)
    for of in said:
        place[of.rows] = len(pool) + of.places
        pool += say_all(of.feature, of.distinct.to_pylist(), language, currency)
    return pa.array(pool, pa.string()).take(pa.array(place))


def _values(said: Sequence[_Said], n_rows: int) -> pa.Array:
    """Return the value of each row's feature as text, null where it is unknown or the row is no reason."""
    pieces, place = [pa.nulls(1, pa.string())], np.zeros(n_rows, dtype=np.int64)
    taken = 1
    for of in said:
        piece = of.distinct
        if pa.types.is_floating(piece.type):
            piece = pc.if_else(pc.is_finite(piece), piece, None)
        pieces.append(piece.cast(pa.string()))
        place[of.rows] = taken + of.places
        taken += len(piece)
    return pa.concat_arrays(pieces).take(pa.array(place))


def _check_shapes(
    clients: int, points: Floats, features: Sequence[Feature], values: pa.Table, probability: Floats
) -> None:
    expected = (clients, len(features))
    if points.shape != expected or values.num_rows != clients or probability.shape != (clients,):
        raise AppetenceError(
            f"points must have a row per client and a column per feature, {expected}, with as many values and scores",
            f"{points.shape}, {values.num_rows} values and {probability.shape} scores",
        )
    if not (np.isfinite(points).all() and np.isfinite(probability).all()):
        raise AppetenceError("points and probabilities must be finite", f"{(~np.isfinite(points)).sum()} that are not")
