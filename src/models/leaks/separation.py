"""How well something tells events from the rest within strata, with an error that knows of households."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import norm

from appetence.models.leaks.material import halves

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

_PRIOR = 5.0


@dataclass(frozen=True)
class Separation:
    """An AUC taken within strata.

    Attributes
    ----------
    auc
        The chance that an event outscores another row of its stratum, ties half; NaN without events.
    error
        Its standard error, households being what varies.
    events, others
        Households with an event, and rows without.
    """

    auc: float
    error: float
    events: int
    others: int

    def low(self, z: float, floor: float = 0.0) -> float:
        """Return the lower bound, `z` errors down; `floor` is the least error believed."""
        return self.auc - z * max(self.error, floor)


class Ground:
    """Rows on which scores are judged.

    Parameters
    ----------
    y
        (n,) 0 or 1.
    stratum, household
        (n,) codes.
    by_halves
        Whether scores come from `rate_places`, so that each half of the households is a stratum of its own.
    """

    def __init__(self, y: Ints, stratum: Ints, household: Ints, *, by_halves: bool = False) -> None:
        self.y, self.side = y, halves(household)
        self._household = np.unique(household, return_inverse=True)[1]
        codes = stratum * 2 + self.side if by_halves else stratum
        names, self._stratum = np.unique(codes, return_inverse=True)
        self._strata = len(names)
        self._m = np.bincount(self._stratum, y, minlength=self._strata)
        self._n = np.bincount(self._stratum, 1 - y, minlength=self._strata)
        both = (self._m > 0) & (self._n > 0)
        weight = np.where(both, self._m * self._n / np.maximum(self._m + self._n, 1), 0.0)
        self._weight = weight / weight.sum() if both.any() else weight
        self.events = len(np.unique(household[(y == 1) & both[self._stratum]])) if len(y) else 0
        self.others = int(self._n[both].sum())

    def separation(self, score: npt.ArrayLike) -> Separation:
        """Return the stratified AUC of a score and its error.

        Strata count by m·n / (m + n), m events and n others (van Elteren 1960): a stratum without both says nothing.
        The error is that of DeLong, DeLong and Clarke-Pearson (1988), their components summed by household first.

        Parameters
        ----------
        score
            (n,) floats, or places from 0 as integers.
        """
        if not self.others:
            return Separation(float("nan"), float("nan"), self.events, 0)
        score = np.asarray(score)
        place = score if score.dtype.kind == "i" else _places(score, self._stratum)
        places = int(place.max()) + 1
        cell, shape = self._stratum * places + place, (self._strata, places)
        events = np.bincount(cell, self.y, minlength=self._strata * places).reshape(shape)
        others = np.bincount(cell, 1 - self.y, minlength=self._strata * places).reshape(shape)
        m, n = np.maximum(self._m, 1), np.maximum(self._n, 1)
        below = (np.cumsum(others, axis=1) - others / 2.0) / n[:, None]
        above = (self._m[:, None] - np.cumsum(events, axis=1) + events / 2.0) / m[:, None]
        auc = (events * below).sum(axis=1) / m
        of_event = (below - auc[:, None]) * (self._weight / m)[:, None]
        of_other = (above - auc[:, None]) * (self._weight / n)[:, None]
        part = np.where(self.y == 1, of_event.ravel()[cell], of_other.ravel()[cell])
        summed = np.bincount(self._household, part)
        return Separation(float(self._weight @ auc), float(np.sqrt(summed @ summed)), self.events, self.others)

    def rate_places(self, levels: Ints) -> Ints:
        """Return for each row the place of its level's rate among the *other* half of the households, smoothed.

        That makes any column, whatever its order or lack of one, a score that is high where events are frequent; that
        of a column without signal has an AUC of .5 on average, since no row helps to score its own household.
        """
        size = int(levels.max()) + 1
        rates = np.zeros((2, size))
        for own in (0, 1):
            learn = self.side != own
            rate = float(self.y[learn].mean()) if learn.any() else 0.0
            events = np.bincount(levels[learn], self.y[learn], minlength=size)
            rates[own] = (events + _PRIOR * rate) / (np.bincount(levels[learn], minlength=size) + _PRIOR)
        places = np.unique(rates, return_inverse=True)[1].reshape(rates.shape)
        return places[self.side.astype(np.int64), levels].astype(np.int64)


def _places(score: npt.NDArray[np.float64], stratum: Ints) -> Ints:
    """Return each row's place among the distinct scores of its stratum."""
    order = np.lexsort((score, stratum))
    first = np.r_[True, stratum[order][1:] != stratum[order][:-1]]
    step = np.cumsum(first | np.r_[True, score[order][1:] != score[order][:-1]])
    place = np.empty(len(order), dtype=np.int64)
    place[order] = step - np.maximum.accumulate(np.where(first, step, 0))
    return place


def critical(alarm: float, tests: int) -> float:
    """Return how many errors away from its limit one of so many tests must lie (Bonferroni), one-sided.

    >>> round(critical(0.002, 100), 2)
    4.11
    """
    return float(norm.isf(alarm / max(tests, 1)))


def expected_error(auc: float, events: int, others: int) -> float:
    """Return the error that an AUC is expected to have (Hanley and McNeil 1982, eq. 2, exponential scores).

    The floor under what was measured: few events that all lie above the rest measure an error of zero.
    """
    first, second = auc / (2.0 - auc), 2.0 * auc**2 / (1.0 + auc)
    spread = auc * (1.0 - auc) + (events - 1) * (first - auc**2) + (others - 1) * (second - auc**2)
    return float(np.sqrt(spread / max(events * others, 1)))
