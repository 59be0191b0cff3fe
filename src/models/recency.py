"""Whether older rows should count for less: chosen at each origin from what was known there, never from what judges it.

Where effects drift, rows of years ago teach what no longer holds; where they do not, leaving rows out only adds noise.
So a model learns from all of its rows alike unless one that halves a row's weight every `HALF_LIFE` months is better on
later rows of other households by more than one standard error (the one-standard-error rule of Breiman et al. 1984,
section 3.4.3, with the plain model as the simpler one).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

Recency = Literal["auto", "never", "always"]
"""Chosen by evidence; all rows alike; or halved weights whatever the evidence, to measure what the choice is worth."""

HALF_LIFE = 24
"""Months in which a row's weight halves: a row of four years ago counts a quarter. One candidate, set beforehand."""

SHORTEST_SPAN = 12
"""Months between the first and the last fit cut below which weights would hardly differ, and nothing is chosen."""

_MONTH = "datetime64[M]"


def recency_weights(cut: npt.NDArray[np.datetime64], half_life: int | None) -> Floats | None:
    """Return (n,) weights of rows by their cut: 1 at the newest, halved every `half_life` months; None for all alike.

    >>> cuts = np.array(["2020-01-01", "2021-01-01", "2022-01-01"], dtype="datetime64[D]")
    >>> recency_weights(cuts, 24).round(3).tolist()
    [0.5, 0.707, 1.0]
    """
    if half_life is None:
        return None
    age = (cut.max().astype(_MONTH) - cut.astype(_MONTH)).astype(np.int64)
    return np.asarray(0.5 ** (age / half_life), dtype=np.float64)


def long_enough(cut: npt.NDArray[np.datetime64]) -> bool:
    """Say whether the cuts of a fit span so long that weights could matter."""
    return int((cut.max().astype(_MONTH) - cut.min().astype(_MONTH)).astype(np.int64)) >= SHORTEST_SPAN


def surely_better(y: Ints, plain: Floats, other: Floats, units: Sequence[Ints]) -> bool:
    """Say whether one model's log-loss is smaller than a plainer one's by more than a standard error.

    Parameters
    ----------
    y
        (n,) what happened.
    plain, other
        (n,) log-odds of both models.
    units
        Codings, of shape (n,), of what moves together: the largest standard error of any of them is asked for.
    """
    gain = _losses(y, plain) - _losses(y, other)
    return all(float(gain.sum()) > _standard_error(gain, coding) for coding in units)


def _losses(y: Ints, log_odds: Floats) -> Floats:
    return np.asarray(np.logaddexp(0.0, log_odds) - y * log_odds, dtype=np.float64)


def _standard_error(gain: Floats, coding: Ints) -> float:
    """Return the standard error of a sum over units drawn with replacement; infinite for a single one."""
    _, place = np.unique(coding, return_inverse=True)
    sums = np.bincount(place, gain)
    return float(sums.std(ddof=1) * np.sqrt(len(sums))) if len(sums) > 1 else float("inf")
