"""How long clients stay, read off the book alone: Kaplan-Meier curves of all clients and of each joining cohort.

A competing exit (death, term, insurer) ends a client's observation; a curve says what share would be left if nobody
went otherwise than by choice.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from appetence.models.survival import Counts, count_exits

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

FEWEST_MEMBERS = 50
"""A cohort of fewer clients has no curve of its own."""

_NORMAL_95 = 1.959964
_FEWEST_AT_RISK = 10.0  # a curve ends where fewer are left to look at: one exit more would move it by a tenth


@dataclass(frozen=True)
class KaplanMeier:
    """A survival curve with pointwise 95 % intervals.

    Attributes
    ----------
    survival, low, high
        Shape (months + 1,): share left after k completed months, 1 at k = 0.
    clients, events
        Clients followed, and how many of them left by choice.
    """

    survival: Floats
    low: Floats
    high: Floats
    clients: int
    events: int

    def leaving(self, tenure: Ints, ahead: int) -> Floats:
        """Return (clients,) the chance of leaving within `ahead` months for clients of some completed months.

        Where the curve has ended, the mean hazard of its last year goes on.
        """
        hazards = -np.diff(self.survival) / np.maximum(self.survival[:-1], 1e-12)
        recent = hazards[-12:].mean() if len(hazards) else 0.0
        reach = int(tenure.max(initial=0)) + ahead + 1
        longer = np.concatenate([hazards, np.full(max(reach - len(hazards), 0), recent)])
        log_left = np.concatenate([[0.0], np.cumsum(np.log1p(-np.minimum(longer, 1.0 - 1e-12)))])
        return np.asarray(-np.expm1(log_left[tenure + ahead] - log_left[tenure]))


def kaplan_meier(counts: Counts, clients: int) -> KaplanMeier:
    """Return the product-limit estimate of staying, with Greenwood's variance on the log-log scale.

    Clients come under observation late where the book begins after they joined (delayed entry): tenures at which
    nobody was seen have no hazard, and the curve reads "of those who were there when the book began".

    Parameters
    ----------
    counts
        Exits and clients at risk by completed months.
    clients
        How many clients that is.
    """
    seen = np.flatnonzero(counts.at_risk >= _FEWEST_AT_RISK)
    months = int(seen[-1]) + 1 if len(seen) else 0
    left, at_risk = counts.left[:months], counts.at_risk[:months]
    with np.errstate(divide="ignore", invalid="ignore"):
        hazard = np.where(at_risk > 0, left / np.maximum(at_risk, 1.0), 0.0)
        survival = np.cumprod(1.0 - hazard)
        greenwood = np.cumsum(np.where(at_risk > left, left / np.maximum(at_risk * (at_risk - left), 1.0), 0.0))
        spread = np.where(survival < 1.0, np.sqrt(greenwood) / np.maximum(-np.log(survival), 1e-12), 0.0)
        low, high = (survival ** np.exp(sign * _NORMAL_95 * spread) for sign in (1.0, -1.0))
    return KaplanMeier(_from_one(survival), _from_one(low), _from_one(high), clients, int(left.sum()))


def _from_one(curve: npt.ArrayLike) -> Floats:
    return np.concatenate([np.ones(1), np.nan_to_num(np.asarray(curve, dtype=np.float64))])


def by_cohort(start: Ints, end: Ints, kind: npt.NDArray[np.str_], first: int, last: int) -> dict[int, KaplanMeier]:
    """Return a curve per year of joining, for the years with `FEWEST_MEMBERS` clients that joined under observation.

    Parameters
    ----------
    start, end, kind, first, last
        As of `count_exits`, months counted from January of year 0.
    """
    years = start // 12
    found = {}
    for year in np.unique(years[(start >= first) & (start < last)]):
        of_year = (years == year) & (start >= first) & (start < last)
        if of_year.sum() >= FEWEST_MEMBERS:
            counts = count_exits(start[of_year], end[of_year], kind[of_year], first, last)
            found[int(year)] = kaplan_meier(counts, int(of_year.sum()))
    return found
