"""What sets apart the clients worth most, in the words of the feature catalogue."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa

from appetence.explain.glossary import in_words
from appetence.explain.wording import NO_BREAK, Language, say, share
from appetence.features.catalogue import Feature, Unit
from appetence.models.verdicts import Verdict

TOP = 0.1
"""Share of the clients that are called worth most."""

LEAST = 30
"""Clients of whom a trait must be known on each side, and who must have a code, for it to be told."""

BEFORE = ("profile", "situation", "origin")
"""Themes that can be seen of a prospect, too."""

CIRCULAR = ("profitability",)
"""Themes that say no more than that clients are worth much."""


@dataclass(frozen=True)
class Trait:
    """One trait of the clients worth most.

    Parameters
    ----------
    value, others
        Median of a number, share of a flag or a code: of the clients worth most, and of the others.
    code
        Of a code, which.
    effect
        Difference in standard deviations (of ranks for numbers, so that a few large amounts do not decide).
    words
        The trait as a sentence; of a flag or code with the two shares.
    """

    feature: str
    theme: str
    value: float
    others: float
    code: str | None
    effect: float
    words: Verdict


def best_clients(
    features: pd.DataFrame,
    worth: pa.Array | np.ndarray,
    catalogue: Sequence[Feature],
    currency: str = "EUR",
    themes: Sequence[str] | None = BEFORE,
    most: int = 8,
) -> tuple[Trait, ...]:
    """Return the traits in which the clients worth most differ most from the others.

    Parameters
    ----------
    features
        A row per client; columns that the catalogue does not know are not looked at.
    worth
        (clients,) value, NaN where it is not known: such clients are left out.
    themes
        Of the features told: those that can be seen of a prospect; None for all but what is circular.
    most
        Traits, one of each theme and feature, the strongest first.
    """
    values = np.asarray(worth, dtype=np.float64)
    known = np.isfinite(values)
    if known.sum() < LEAST / TOP:
        return ()
    features, values = features[known], values[known]
    best = values >= np.quantile(values, 1.0 - TOP)
    found = []
    for feature in catalogue:
        wanted = feature.theme in themes if themes is not None else feature.theme not in CIRCULAR
        if wanted and feature.name in features:
            column = features[feature.name]
            found += (
                [_coded(feature, column, best)]
                if feature.unit is Unit.CODE
                else [_numeric(feature, column, best, currency)]
            )
    told = sorted(
        (trait for trait in found if trait is not None), key=lambda trait: (-abs(trait.effect), trait.feature)
    )
    return tuple(told[:most])


def _numeric(feature: Feature, column: pd.Series, best: np.ndarray, currency: str) -> Trait | None:
    numbers = column.astype(float).to_numpy()
    seen = np.isfinite(numbers)
    inside, outside = seen & best, seen & ~best
    if inside.sum() < LEAST or outside.sum() < LEAST:
        return None
    ranks = pd.Series(numbers[seen]).rank().to_numpy()
    spread = ranks.std()
    if spread == 0:
        return None
    effect = (ranks[best[seen]].mean() - ranks[~best[seen]].mean()) / spread
    if feature.unit is Unit.FLAG:
        value, others = float(numbers[inside].mean()), float(numbers[outside].mean())
        return Trait(feature.name, feature.theme, value, others, None, effect, _shares(feature, None, value, others))
    value, others = float(np.median(numbers[inside])), float(np.median(numbers[outside]))
    if value == others:
        return None
    told = [
        f"{say(feature, value, language, currency)} ({label}{say(feature, others, language, currency)})"
        for language, label in _OTHERS
    ]
    return Trait(feature.name, feature.theme, value, others, None, effect, Verdict(*told))


def _coded(feature: Feature, column: pd.Series, best: np.ndarray) -> Trait | None:
    """Return the code in whose share the two sides differ most."""
    codes = column.astype(object).to_numpy()
    seen = ~pd.isna(codes)
    if (seen & best).sum() < LEAST or (seen & ~best).sum() < LEAST:
        return None
    strongest: Trait | None = None
    for code in sorted({str(one) for one in codes[seen]}):
        mine = codes == code
        if mine.sum() < LEAST:
            continue
        share = mine[seen].mean()
        value, others = float(mine[seen & best].mean()), float(mine[seen & ~best].mean())
        if not 0 < share < 1:
            continue
        effect = (value - others) / np.sqrt(share * (1 - share))
        if strongest is None or abs(effect) > abs(strongest.effect):
            strongest = Trait(
                feature.name, feature.theme, value, others, code, effect, _shares(feature, code, value, others)
            )
    return strongest


def _shares(feature: Feature, code: str | None, value: float, others: float) -> Verdict:
    told = []
    for language, colon, against in _AGAINST:
        label = getattr(feature, language).label
        name = f"{label}{colon}" if code is None else f"{label}{colon}{in_words(code, language)}, "
        told.append(f"{name}{share(value, language)} {against} {share(others, language)}")
    return Verdict(*told)


_OTHERS: tuple[tuple[Language, str], ...] = (("en", "others: "), ("fr", f"autres{NO_BREAK}: "))
_AGAINST: tuple[tuple[Language, str, str], ...] = (("en", ": ", "against"), ("fr", f"{NO_BREAK}: ", "contre"))
