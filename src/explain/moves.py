"""Why a score moved: from one month's published probability to a later one's, in steps that add up.

With the earlier model f₀ = a₀·g₀ + b₀ (g the model's log-odds, a and b its calibration), the later model f₁, and the
client's features x₀ and x₁ at the two cuts, the log-odds go from the one published, L₀, to the one published, L₁, in
this order, each step changing one thing and leaving what comes after it as it was:

1. facts: f₀(x₀) - L₀, with x₀ as the book tells it today. What was learnt late or corrected since is here; where the
   book tells the same as it did, it is nothing.
2. client: f₀(x₁) - f₀(x₀), by feature: the difference of exact Shapley values, both of f₀ and from the same baseline.
3. model: a₀·(g₁(x₁) - g₀(x₁)), under the earlier calibration.
4. calibration: L₁ - (a₀·g₁(x₁) + b₀), all that is left: the same model's answer, read on the later scale.

The order is a choice: the client comes before the model, because a reader asks first what the client did, and is told
it by the model whose score was read then. What model and calibration undo of each other (a model trained on more events
answers higher, its calibration takes that back) stands in both with opposite signs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
from scipy.special import logit

from appetence.explain.contributions import explain_blocks, probability_points
from appetence.explain.moves_words import say_changes, say_unchanged
from appetence.explain.reasons import by_theme_and_speaker
from appetence.explain.wording import Language
from appetence.features.catalogue import Feature, Theme
from appetence.models.artefact import Artefact

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

CLIENT, FACTS, MODEL, CALIBRATION = "client", "facts", "model", "calibration"
REST, TOTAL, NEW = "rest", "total", "new"
"""Values of `score_moves.part`: four steps; what is not listed; a whole that cannot be told apart; no score then."""

SMALLEST = 0.05
"""Points: a step that would be shown as 0.0 is not listed."""

BLOCK = 8_192
_CERTAIN = 1e-15  # a probability of 0 or 1 has no log-odds

SCHEMA = pa.schema(
    [
        pa.field("client_id", pa.string(), nullable=False),
        pa.field("rank", pa.int64(), nullable=False),
        pa.field("part", pa.string(), nullable=False),
        pa.field("theme", pa.string()),
        pa.field("feature", pa.string()),
        pa.field("points", pa.float64()),
        pa.field("text_en", pa.string(), nullable=False),
        pa.field("text_fr", pa.string(), nullable=False),
    ]
)
"""The columns of `score_moves` that a question knows; the job adds the run, the question, and against what."""


@dataclass(frozen=True)
class Steps:
    """Steps of n clients in log-odds, in the order of this module.

    Attributes
    ----------
    start
        (n,) log-odds published before.
    facts, model, calibration
        (n,).
    client
        (n, f), by feature of the earlier model.
    """

    start: Floats
    facts: Floats
    client: Floats
    model: Floats
    calibration: Floats

    def points(self) -> tuple[Floats, Floats, Floats, Floats]:
        """Return facts, client, model and calibration in percentage points: they add up to the published difference.

        The difference of the two probabilities is shared in proportion to the steps; see
        `appetence.explain.contributions.probability_points`.
        """
        whole = np.column_stack([self.facts, self.model, self.calibration, self.client])
        points = 100 * probability_points(whole, self.start)
        return points[:, 0], points[:, 3:], points[:, 1], points[:, 2]


def log_odds(probability: Floats) -> Floats:
    """Return the log-odds, finite also of certainties."""
    found: Floats = logit(np.clip(probability, _CERTAIN, 1 - _CERTAIN))
    return found


def steps_between(
    earlier: Artefact,
    frame: pd.DataFrame,
    old: Integers,
    new: Integers,
    before: Floats,
    now: Floats,
    answers: Floats | None,
) -> Iterator[Steps]:
    """Yield the steps of blocks of `BLOCK` clients.

    Parameters
    ----------
    earlier
        The model of then.
    frame
        Feature rows of both cuts as it reads them.
    old, new
        (n,) the clients' rows of `frame` at the earlier and at the later cut.
    before, now
        (n,) published probabilities.
    answers
        (n,) what the model of now answers at the later cut; see `uncalibrated`. None where the model is the same.
    """
    slope, intercept = _calibration(earlier)
    for at, (phi, odds) in zip(range(0, len(old), BLOCK), _contributions(earlier, frame, old, new), strict=True):
        rows = len(odds) // 2
        part = slice(at, at + rows)
        start, end = log_odds(before[part]), log_odds(now[part])
        model = np.zeros(rows) if answers is None else slope * answers[part] + intercept - odds[rows:]
        yield Steps(start, odds[:rows] - start, phi[rows:] - phi[:rows], model, end - odds[rows:] - model)


def uncalibrated(artefact: Artefact, frame: pd.DataFrame) -> Floats:
    """Return (n,) a model's log-odds before its calibration; a base rate has none."""
    slope, intercept = _calibration(artefact)
    odds: Floats = (log_odds(artefact.predict(frame)) - intercept) / slope
    return odds


def _contributions(
    artefact: Artefact, frame: pd.DataFrame, old: Integers, new: Integers
) -> Iterator[tuple[Floats, Floats]]:
    """Yield per block contributions and log-odds: of its clients' earlier rows, and below them of the later ones."""
    if artefact.classifier is None:
        odds = float(log_odds(np.array([artefact.probability or 0.0]))[0])
        for at in range(0, len(old), BLOCK):
            rows = 2 * len(old[at : at + BLOCK])
            yield np.zeros((rows, 0)), np.full(rows, odds)
        return
    both = [part[at : at + BLOCK] for at in range(0, len(old), BLOCK) for part in (old, new)]
    order = np.concatenate(both) if both else old
    for found in explain_blocks(artefact.classifier, frame[list(artefact.features)].iloc[order], 2 * BLOCK):
        yield found.phi, found.raw


def _calibration(artefact: Artefact) -> tuple[float, float]:
    if artefact.classifier is None:
        return 1.0, 0.0
    return artefact.classifier.calibration_.slope, artefact.classifier.calibration_.intercept


@dataclass(frozen=True)
class Told:
    """How the moves of one question are told.

    Attributes
    ----------
    features
        The f features of the earlier model.
    themes
        By name.
    texts
        Per part that is not the client's, and `REST`, its sentence by language.
    months
        Between the two cuts.
    """

    features: Sequence[Feature]
    themes: Mapping[str, Theme]
    texts: Mapping[str, Mapping[Language, str]]
    months: int
    currency: str
    k: int


def strongest_moves(
    client_ids: pa.Array, steps: Steps, then: pa.Table, now: pa.Table, difference: Floats, told: Told
) -> pa.Table:
    """Return the strongest steps of every client, and the rest.

    Parameters
    ----------
    client_ids
        The n clients.
    then, now
        n rows with a column per feature: what is said of the client at either cut.
    difference
        (n,) published points: 100 × the difference of the two probabilities.

    Returns
    -------
    pyarrow.Table
        `SCHEMA`, in the order of clients and rank: at most k themes of the client's, then facts, model and calibration
        where they count, and last what is left. `points` add up to the difference. A theme speaks through the feature
        that moved most in the theme's own direction, out of those whose value changed.
    """
    facts, client, model, calibration = steps.points()
    names = list(dict.fromkeys(feature.theme for feature in told.features))
    changed = _changed(then, now, told.features)
    by_theme, speaker = by_theme_and_speaker(
        client, [names.index(feature.theme) for feature in told.features], len(names), changed
    )
    listed = np.argsort(-np.abs(by_theme), axis=1, kind="stable")[:, : told.k]
    moved = np.take_along_axis(by_theme, listed, axis=1)
    spoken = np.take_along_axis(speaker, listed, axis=1)
    points = np.column_stack([moved, facts, model, calibration])
    points[np.abs(points) < SMALLEST] = 0.0
    points = np.column_stack([points, difference - points.sum(axis=1)])

    kept = points != 0
    kept[:, -1] = True
    n, k = len(points), listed.shape[1]
    part = np.broadcast_to(np.array([*[0] * k, 1, 2, 3, 4]), kept.shape)[kept]
    theme = np.column_stack([listed, np.full((n, 4), -1)])[kept]
    feature = np.column_stack([spoken, np.full((n, 4), -1)])[kept]
    row = np.nonzero(kept)[0]
    parts = [CLIENT, FACTS, MODEL, CALIBRATION, REST]
    return pa.Table.from_arrays(
        [
            client_ids.take(pa.array(row)),
            pa.array((np.cumsum(kept, axis=1))[kept]),
            pa.array(parts, pa.string()).take(pa.array(part)),
            pa.array(names, pa.string()).take(pa.array(theme, mask=theme < 0)),
            pa.array([f.name for f in told.features], pa.string()).take(pa.array(feature, mask=feature < 0)),
            pa.array(points[kept]),
            _texts(part, theme, feature, row, then, now, names, parts, told, "en"),
            _texts(part, theme, feature, row, then, now, names, parts, told, "fr"),
        ],
        schema=SCHEMA,
    )


def _changed(then: pa.Table, now: pa.Table, features: Sequence[Feature]) -> Flags:
    """Return (n, f) whether a feature's value is another one; unknown twice is the same."""
    found = np.zeros((now.num_rows, len(features)), dtype=bool)
    for j, feature in enumerate(features):
        old, new = (table.column(feature.name).combine_chunks() for table in (then, now))
        both = np.asarray(old.is_null()) & np.asarray(new.is_null())
        old, new = (pd.Series(values.to_pandas()) for values in (old, new))
        found[:, j] = ~both & (old.to_numpy() != new.to_numpy())
    return found


def _texts(
    part: Integers,
    theme: Integers,
    feature: Integers,
    row: Integers,
    then: pa.Table,
    now: pa.Table,
    names: Sequence[str],
    parts: Sequence[str],
    told: Told,
    language: Language,
) -> pa.Array:
    """Return each row's sentence; a sentence is made once per distinct change of a feature."""
    pool = ["", *(told.texts[name][language] for name in parts[1:])]
    place = part.astype(np.int64).copy()
    for number in np.unique(theme[(theme >= 0) & (feature < 0)]):
        place[(theme == number) & (feature < 0)] = len(pool)
        pool.append(say_unchanged(told.themes[names[number]], language))
    for j in np.unique(feature[feature >= 0]):
        rows = np.flatnonzero(feature == j)
        values = (table.column(told.features[j].name).take(pa.array(row[rows])).to_pylist() for table in (then, now))
        pairs = list(zip(*values, strict=True))
        distinct = {pair: at for at, pair in enumerate(dict.fromkeys(pairs), start=len(pool))}
        place[rows] = [distinct[pair] for pair in pairs]
        pool += say_changes(told.features[j], distinct, told.months, language, told.currency)
    return pa.array(pool, pa.string()).take(pa.array(place))
