"""How a feature's contribution follows its value: means by bin or by level, apart where another feature matters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import BaseModel, ConfigDict

from appetence.models.metrics import slices

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Kind = Literal["number", "flag", "category"]

MOST_BINS, MOST_LEVELS = 12, 12
FEWEST_ROWS = 10
"""Rows behind every mean that is told: with fewer it says little, and may point to people."""

ENOUGH_SPLIT = 0.2
"""Share of a contribution's spread within the bins that another feature must explain to be shown: chance alone explains
about two bins' worth of rows, near 1 % of 2,000."""

_SPREAD = (10, 90)  # percentiles of the contributions in a bin


class Mean(BaseModel):
    """Contributions of the rows of one bin or level, in log-odds: their mean, and the 10th and 90th percentile.

    `value` is the mean of the feature in a bin of numbers, and `level` the name of a level; both None where the value
    is missing, and `level` empty for all rare levels together.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    value: float | None = None
    level: str | None = None
    rows: int
    mean: float
    low: float
    high: float


class Split(BaseModel):
    """The same bins, apart by another feature: (value, mean contribution) of its lower half or "no", and of its upper.

    `at` is the median that parts the halves; None for a yes or no. `explains` is a share of the spread within bins.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    feature: str
    at: float | None
    explains: float
    low: tuple[tuple[float, float], ...]
    high: tuple[tuple[float, float], ...]


class Shape(BaseModel):
    """One feature's contributions against its values."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    feature: str
    kind: Kind
    means: tuple[Mean, ...]
    split: Split | None = None


def kind_of_values(values: pd.Series[Any]) -> Kind:
    """Say whether a feature's values are numbers, a yes or no, or levels.

    >>> kind_of_values(pd.Series([True, False])), kind_of_values(pd.Series(["a", "b"]))
    ('flag', 'category')
    """
    if pd.api.types.is_bool_dtype(values.dtype):
        return "flag"
    return "number" if pd.api.types.is_numeric_dtype(values.dtype) else "category"


def as_numbers(values: pd.Series[Any]) -> Floats:
    """Return (n,) numbers or flags as floats, NaN where missing."""
    return values.to_numpy(dtype=np.float64, na_value=np.nan)


def shape_of(X: pd.DataFrame, phi: Floats, feature: str, others: Sequence[str]) -> Shape:
    """Return how a feature's contributions follow its values.

    Parameters
    ----------
    X
        (n, features) rows.
    phi
        (n,) the feature's contributions.
    others
        Features that may part the rows, the strongest first.
    """
    kind = kind_of_values(X[feature])
    if kind == "category":
        return Shape(feature=feature, kind=kind, means=_by_level(X[feature], phi))
    values = as_numbers(X[feature])
    known = np.flatnonzero(np.isfinite(values))
    if len(known) < FEWEST_ROWS:
        return Shape(feature=feature, kind=kind, means=_missing(phi))
    bins = _bins(values[known])
    middle = np.bincount(bins, values[known]) / np.bincount(bins)
    means = [_mean(phi[known[bins == k]], value=float(middle[k])) for k in range(len(middle))]
    missing = phi[~np.isfinite(values)]
    means += [*_missing(missing)] if len(missing) >= FEWEST_ROWS else []
    split = _split(X.iloc[known], phi[known], bins, middle, [name for name in others if name != feature])
    return Shape(feature=feature, kind=kind, means=tuple(means), split=split)


def _bins(values: Floats) -> Ints:
    """Return each value's bin, of equal size as far as ties allow and none with fewer than `FEWEST_ROWS` rows."""
    bins = slices(values, n_bins=int(np.clip(len(values) // (2 * FEWEST_ROWS), 1, MOST_BINS)))
    counts, merged, held = np.bincount(bins), [], 0
    number = 0
    for count in counts:  # a bin with too few rows goes with those above it
        merged.append(number)
        held += int(count)
        if held >= FEWEST_ROWS:
            number, held = number + 1, 0
    if held and number:
        merged = [min(place, number - 1) for place in merged]  # the last ones with those below
    found: Ints = np.asarray(merged, dtype=np.int64)[bins]
    return found


def _by_level(values: pd.Series[Any], phi: Floats) -> tuple[Mean, ...]:
    """Return a mean per level with rows enough, the highest first; then all rare levels together, and the missing."""
    names = values.astype("object").where(values.notna(), None)
    codes, levels = pd.factorize(names)
    counts = np.bincount(codes[codes >= 0], minlength=len(levels))
    usual = [k for k in np.argsort(-counts, kind="stable")[:MOST_LEVELS] if counts[k] >= FEWEST_ROWS]
    means = sorted((_mean(phi[codes == k], level=str(levels[k])) for k in usual), key=lambda one: -one.mean)
    rare = phi[(codes >= 0) & ~np.isin(codes, usual)]
    missing = phi[codes < 0]
    means += [_mean(rare, level="")] if len(rare) >= FEWEST_ROWS else []
    return (*means, *(_missing(missing) if len(missing) >= FEWEST_ROWS else ()))


def _missing(phi: Floats) -> tuple[Mean, ...]:
    return (_mean(phi),)


def _mean(phi: Floats, value: float | None = None, level: str | None = None) -> Mean:
    low, high = np.percentile(phi, _SPREAD)
    return Mean(
        value=None if value is None else float(f"{value:.6g}"),
        level=level,
        rows=len(phi),
        mean=round(float(phi.mean()), 5),
        low=round(float(low), 5),
        high=round(float(high), 5),
    )


def _split(X: pd.DataFrame, phi: Floats, bins: Ints, middle: Floats, others: Sequence[str]) -> Split | None:
    """Return the other feature that explains most of the spread within bins, if it explains enough."""
    rest = phi - (np.bincount(bins, phi) / np.bincount(bins))[bins]
    spread = float(rest @ rest)
    if spread <= 1e-12 * len(phi):
        return None
    best: tuple[float, str, float | None, npt.NDArray[np.bool_]] | None = None
    for name in others:
        if kind_of_values(X[name]) == "category":
            continue
        values = as_numbers(X[name])
        known = values[np.isfinite(values)]
        if len(known) < 2 * FEWEST_ROWS:
            continue
        at = 0.5 if kind_of_values(X[name]) == "flag" else float(np.median(known))
        upper = values > at
        cells = 2 * bins + upper
        counts = np.bincount(cells, minlength=2 * len(middle))
        sums = np.bincount(cells, rest, 2 * len(middle))
        explains = float((sums**2 / np.maximum(counts, 1)).sum()) / spread
        if min(int(upper.sum()), int((~upper).sum())) >= 2 * FEWEST_ROWS and (best is None or explains > best[0]):
            best = explains, name, None if kind_of_values(X[name]) == "flag" else at, upper
    if best is None or best[0] < ENOUGH_SPLIT:
        return None
    explains, name, told, upper = best

    def line(side: npt.NDArray[np.bool_]) -> tuple[tuple[float, float], ...]:
        inside = [np.flatnonzero(side & (bins == k)) for k in range(len(middle))]
        return tuple(
            (float(f"{middle[k]:.6g}"), round(float(phi[rows].mean()), 5))
            for k, rows in enumerate(inside)
            if len(rows) >= FEWEST_ROWS
        )

    return Split(
        feature=name,
        at=None if told is None else float(f"{told:.6g}"),
        explains=round(explains, 4),
        low=line(~upper),
        high=line(upper),
    )
