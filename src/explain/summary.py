"""What a model leans on: its exact contributions over a sample of rows, summed up so that no client can be found in it.

Kept are means over rows, and for the strongest features the contributions themselves, each beside the fifth of the rows
that its value falls in. They are shuffled feature by feature: no two numbers can be put together as one client's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import BaseModel, ConfigDict
from scipy.stats import rankdata

from appetence.explain.contributions import explain
from appetence.explain.shapes import FEWEST_ROWS, Kind, Shape, as_numbers, kind_of_values, shape_of
from appetence.features.catalogue import Feature, Theme
from appetence.models import PropensityClassifier

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

MOST_DOTS = 500
"""Rows drawn of each feature: more dots lie on one another."""

WEIGHTS, STRONGEST, SHAPES, CANDIDATES = 40, 12, 8, 15
"""Features whose weights are kept, whose contributions, and whose shapes; those that may part a shape."""

FIFTHS = 5
MISSING, LEVEL = -1, -2
"""In place of a value's fifth: no value; a level, which has no order."""

_SEED = 0x73756D


class _Stored(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class FeatureWeight(_Stored):
    """How much a feature moves scores.

    Attributes
    ----------
    mean, points
        Mean of |contribution|, in log-odds and in points of probability (9 is nine points).
    linear, trees
        The same mean, in log-odds, of the linear part's and the trees' share in it.
    relation
        Rank correlation of value and contribution: near 1, higher values raise the score. None of levels, and where
        nothing varies.
    """

    name: str
    label: dict[str, str]
    theme: str
    unit: str
    kind: Kind
    mean: float
    points: float
    linear: float
    trees: float
    relation: float | None


class ThemeWeight(_Stored):
    """How much the features of a theme move scores together: within a theme they may cancel out."""

    name: str
    label: dict[str, str]
    actionable: bool
    features: int
    mean: float
    points: float


class Swarm(_Stored):
    """Contributions of a feature in log-odds, and the fifth (0 to 4) of each one's value, `MISSING` or `LEVEL`."""

    feature: str
    contributions: tuple[float, ...]
    fifths: tuple[int, ...]


class Summary(_Stored):
    """What a model leans on, over a sample of rows.

    Attributes
    ----------
    rows
        Of the sample.
    baseline, mean
        Probability that contributions start from, and the mean probability of the rows.
    gap
        Largest difference of a row's contributions, added up, from its log-odds.
    features, themes
        The strongest first: at most `WEIGHTS` features, and all themes.
    read, used
        Features that the model reads, and how many of them move any score.
    swarms, shapes
        Of the strongest features.
    """

    rows: int
    baseline: float
    mean: float
    gap: float
    read: int
    used: int
    features: tuple[FeatureWeight, ...]
    themes: tuple[ThemeWeight, ...]
    swarms: tuple[Swarm, ...] = ()
    shapes: tuple[Shape, ...] = ()


def summarise(
    classifier: PropensityClassifier,
    X: pd.DataFrame,
    features: Sequence[Feature],
    themes: Mapping[str, Theme],
    seed: int,
    *,
    floor: float = 0.0,
    drawn: bool = True,
) -> Summary:
    """Sum up the contributions to the scores of some rows.

    Parameters
    ----------
    classifier
        A fitted estimator with named features.
    X
        (n, features) rows with at least its columns.
    features, themes
        Those that it reads, in any order, and what they are grouped under.
    seed
        Of the rows that are drawn, and of their shuffling.
    floor
        Where the estimate begins, in [0, 1): a share that is never below it is floor + (1 - floor) × probability.
    drawn
        Whether swarms and shapes are wanted.
    """
    names = [str(name) for name in classifier.feature_names_in_]
    known = {feature.name: feature for feature in features}
    X = X[names]
    found = explain(classifier, X)
    linear = classifier.calibration_.slope * classifier.linear_contributions(X)
    points = 100.0 * (1.0 - floor) * found.points
    size = np.abs(found.phi).mean(axis=0)
    order = [int(j) for j in np.argsort(-size, kind="stable") if size[j] > 0]
    weights = tuple(
        _weight(known[names[j]], X[names[j]], found.phi[:, j], linear[:, j], points[:, j]) for j in order[:WEIGHTS]
    )
    ranked = [names[j] for j in order]
    rng = np.random.default_rng([seed, _SEED])
    swarms = [_swarm(X[names[j]], found.phi[:, j], names[j], rng) for j in order[:STRONGEST]]
    shapes = [shape_of(X, found.phi[:, j], names[j], ranked[:CANDIDATES]) for j in order[:SHAPES]] if drawn else []
    return Summary(
        rows=len(X),
        baseline=floor + (1.0 - floor) * found.baseline,
        mean=floor + (1.0 - floor) * float(found.probability.mean()),
        gap=float(np.abs(found.raw - classifier.decision_function(X)).max()),
        read=len(names),
        used=len(order),
        features=weights,
        themes=_themes([known[name].theme for name in names], themes, found.phi, points),
        swarms=tuple(swarms) if drawn and len(X) >= FEWEST_ROWS else (),
        shapes=tuple(shapes) if len(X) >= FEWEST_ROWS else (),
    )


def _weight(feature: Feature, values: pd.Series[Any], phi: Floats, linear: Floats, points: Floats) -> FeatureWeight:
    kind = kind_of_values(values)
    return FeatureWeight(
        name=feature.name,
        label={"en": feature.en.label, "fr": feature.fr.label},
        theme=feature.theme,
        unit=feature.unit.value,
        kind=kind,
        mean=float(np.abs(phi).mean()),
        points=float(np.abs(points).mean()),
        linear=float(np.abs(linear).mean()),
        trees=float(np.abs(phi - linear).mean()),
        relation=None if kind == "category" else _relation(as_numbers(values), phi),
    )


def _relation(values: Floats, phi: Floats) -> float | None:
    """Return Spearman's rank correlation over known values."""
    known = np.isfinite(values)
    if known.sum() < 2:
        return None
    first, second = rankdata(values[known]), rankdata(phi[known])
    if np.ptp(first) == 0 or np.ptp(second) == 0:
        return None
    return float(np.corrcoef(first, second)[0, 1])


def _themes(
    theme_of: Sequence[str], themes: Mapping[str, Theme], phi: Floats, points: Floats
) -> tuple[ThemeWeight, ...]:
    found = []
    for name in dict.fromkeys(theme_of):
        inside = [j for j, one in enumerate(theme_of) if one == name and np.any(phi[:, j])]
        if inside:
            theme = themes[name]
            found.append(
                ThemeWeight(
                    name=name,
                    label={"en": theme.label_en, "fr": theme.label_fr},
                    actionable=theme.actionable,
                    features=len(inside),
                    mean=float(np.abs(phi[:, inside].sum(axis=1)).mean()),
                    points=float(np.abs(points[:, inside].sum(axis=1)).mean()),
                )
            )
    return tuple(sorted(found, key=lambda one: -one.mean))


def _swarm(values: pd.Series[Any], phi: Floats, name: str, rng: np.random.Generator) -> Swarm:
    """Draw rows anew for every feature, so that dots of two features are not of the same clients in the same order."""
    rows = rng.permutation(len(phi))[:MOST_DOTS]
    fifths = _fifths(values)[rows]
    shown = np.round(phi[rows], 3)
    return Swarm(feature=name, contributions=tuple(shown.tolist()), fifths=tuple(fifths.tolist()))


def _fifths(values: pd.Series[Any]) -> Ints:
    """Return the fifth of the known values that each one falls in, by the middle of its ties."""
    if kind_of_values(values) == "category":
        return np.full(len(values), LEVEL, dtype=np.int64)
    numbers = as_numbers(values)
    known = np.isfinite(numbers)
    fifths = np.full(len(numbers), MISSING, dtype=np.int64)
    if kind_of_values(values) == "flag":
        fifths[known] = np.where(numbers[known] > 0, FIFTHS - 1, 0)
    else:
        middle = (rankdata(numbers[known]) - 0.5) / max(1, int(known.sum()))
        fifths[known] = np.minimum((middle * FIFTHS).astype(np.int64), FIFTHS - 1)
    return fifths
