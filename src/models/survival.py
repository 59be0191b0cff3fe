"""How long clients stay: a life table by tenure with competing exits, bent to each client's own probability.

The attrition model answers one horizon. The life table has the shape over all months; a client's hazard of leaving is
taken as proportional to it, h_i(k) = 1 - (1 - h(t_i + k))^θ_i, with θ_i set so that the curve gives back the model's
probability at the model's horizon. So every horizon agrees with every other, and with the score that is explained.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

MAX_TENURE = 480
"""Months; longer tenures share the last hazard."""

_MONTHLY, _BAND = 24, 12  # hazards change fast in the first two years: by month there, by year later
_PRIOR_EVENTS = 5.0  # a band with fewer exits than this says less than the whole book does
_THETA_RANGE = (-20.0, 20.0)  # of log θ: from never leaving to leaving at once, whatever the life table says


@dataclass(frozen=True)
class LifeTable:
    """Monthly hazards by completed months of tenure.

    Parameters
    ----------
    leaving, other
        Shape (MAX_TENURE,): chance that a client of that tenure leaves by choice, or by a competing exit, in the month.
    events, exposure
        Exits by choice seen, and months of clients at risk, behind it.
    """

    leaving: Floats
    other: Floats
    events: int
    exposure: float


@dataclass(frozen=True)
class Counts:
    """Exits and clients at risk by completed months of tenure; the last month holds all longer tenures.

    Attributes
    ----------
    left, other
        Shape (MAX_TENURE,): clients who left by choice, or by a competing exit, in the month.
    at_risk
        Shape (MAX_TENURE,): clients observed in the month, those who exit in it too.
    """

    left: Floats
    other: Floats
    at_risk: Floats


def count_exits(start: Ints, end: Ints, kind: npt.NDArray[np.str_], first: int, last: int) -> Counts:
    """Count exits and months at risk by tenure, with delayed entry and right censoring.

    Parameters
    ----------
    start, end
        Shape (clients,): months, counted from any origin, in which the client came and went. `end` beyond `last` is
        censored.
    kind
        Shape (clients,): "left" for attrition, another word for a competing exit, "" for none.
    first, last
        The months observed: exits before `first` cannot be seen, nor those from `last` on.
    """
    seen = np.minimum(end, last)
    entry = np.maximum(start, first)
    at_risk = seen >= entry
    start, end, seen, entry, kind = start[at_risk], end[at_risk], seen[at_risk], entry[at_risk], kind[at_risk]
    exits = (end < last) & (kind != "")
    # a client who leaves during a month is at risk in it
    exposure = _exposure(entry - start, np.where(exits, seen - start + 1, seen - start))
    tenure = np.clip(end - start, 0, MAX_TENURE - 1)
    by_choice = np.bincount(tenure[exits & (kind == "left")], minlength=MAX_TENURE).astype(np.float64)
    otherwise = np.bincount(tenure[exits & (kind != "left")], minlength=MAX_TENURE).astype(np.float64)
    return Counts(by_choice, otherwise, exposure)


def fit_life_table(counts: Counts) -> LifeTable:
    """Turn counts into hazards (actuarial estimate), smoothed by bands of tenure."""
    return LifeTable(
        _smoothed(counts.left, counts.at_risk),
        _smoothed(counts.other, counts.at_risk),
        int(counts.left.sum()),
        float(counts.at_risk.sum()),
    )


def _exposure(from_tenure: Ints, to_tenure: Ints) -> Floats:
    """Count clients at risk in each month of tenure, each from one month up to but not including another."""
    steps = np.bincount(np.clip(from_tenure, 0, MAX_TENURE), minlength=MAX_TENURE + 1).astype(np.float64)
    steps -= np.bincount(np.clip(to_tenure, 0, MAX_TENURE), minlength=MAX_TENURE + 1)
    return np.cumsum(steps)[:MAX_TENURE]


def _smoothed(events: Floats, exposure: Floats) -> Floats:
    """Pool by bands of tenure, and shrink each band to the whole book (gamma prior worth `_PRIOR_EVENTS`)."""
    total = exposure.sum()
    overall = events.sum() / total if total > 0 else 0.0
    if overall == 0.0:
        return np.zeros(MAX_TENURE)
    months = np.arange(MAX_TENURE)
    band = np.where(months < _MONTHLY, months, _MONTHLY + (months - _MONTHLY) // _BAND)
    band_events = np.bincount(band, weights=events)
    band_exposure = np.bincount(band, weights=exposure)
    hazard = (band_events + _PRIOR_EVENTS) / (band_exposure + _PRIOR_EVENTS / overall)
    return np.minimum(hazard, 1.0)[band]


@dataclass(frozen=True)
class SurvivalCurves:
    """Each client's future, month by month.

    Parameters
    ----------
    staying
        Shape (clients, months): probability of still being a client at the end of month k = 1 …
    leaving
        Shape (clients, months): probability of having left by choice by then (cumulative incidence).
    """

    staying: Floats
    leaving: Floats


def survival_curves(
    table: LifeTable, tenure: Ints, probability: Floats | None, horizon: int, months: int
) -> SurvivalCurves:
    """Bend the life table to each client.

    Parameters
    ----------
    table
        Hazards of the book.
    tenure
        Shape (clients,): completed months with the firm at the cut.
    probability
        Shape (clients,): probability of leaving within `horizon` months; None leaves the life table as it is.
    horizon, months
        Of the probability; and how far the curves go (months ≥ 1).
    """
    ahead = np.clip(tenure[:, None] + np.arange(max(months, horizon))[None, :], 0, MAX_TENURE - 1)
    # a hazard of one, or of none at all, could not be bent
    leaving = np.log1p(-np.clip(table.leaving[ahead], 1e-9, 0.999))
    other = np.log1p(-np.clip(table.other[ahead], 0.0, 0.999))
    if probability is None:
        log_theta = np.where(table.events > 0, 0.0, -np.inf) * np.ones(len(tenure))
    else:
        log_theta = _solve(leaving[:, :horizon], other[:, :horizon], probability)
    curves = _curves(np.exp(log_theta)[:, None] * leaving, other)
    return SurvivalCurves(curves.staying[:, :months], curves.leaving[:, :months])


def _curves(log_leaving: Floats, log_other: Floats) -> SurvivalCurves:
    """Go from monthly log chances of not leaving and of no other exit to curves; leaving comes first in a month."""
    staying = np.exp(np.cumsum(log_leaving + log_other, axis=1))
    before = np.concatenate([np.ones((len(staying), 1)), staying[:, :-1]], axis=1)
    return SurvivalCurves(staying, np.cumsum(before * -np.expm1(log_leaving), axis=1))


def _solve(log_leaving: Floats, log_other: Floats, probability: Floats) -> Floats:
    """Find log θ by bisection: the probability of leaving grows with θ, so 60 halvings reach 1e-15 of the range."""
    low = np.full(len(probability), _THETA_RANGE[0])
    high = np.full(len(probability), _THETA_RANGE[1])
    for _ in range(60):
        middle = (low + high) / 2
        reached = _curves(np.exp(middle)[:, None] * log_leaving, log_other).leaving[:, -1]
        low, high = np.where(reached < probability, middle, low), np.where(reached < probability, high, middle)
    return (low + high) / 2
