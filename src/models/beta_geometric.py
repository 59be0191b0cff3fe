"""The shifted-beta-geometric: how a cohort thins out when its members differ in a constant chance of leaving.

Each member leaves in every period with a chance of its own, drawn from a beta distribution. Those who leave easily go
first, so that the hazard of those who remain falls with time: h(t) = α / (α + β + t) after t completed periods (Fader &
Hardie 2007, "How to project customer retention", equations 5 to 8). Two numbers describe all periods to come, beyond
any that were seen.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.special import betaln

Floats = npt.NDArray[np.float64]

_BOUNDS = (-8.0, 14.0)
"""Of log α and log β. Where members do not differ both grow without end: a constant hazard, to five digits, here."""


@dataclass(frozen=True)
class BetaGeometric:
    """A fitted shifted-beta-geometric.

    Attributes
    ----------
    alpha, beta
        Of the beta distribution of members' chances; α / (α + β) is the hazard of the first period.
    """

    alpha: float
    beta: float

    def hazard(self, completed: npt.ArrayLike) -> Floats:
        """Return the chance of leaving in the next period after some completed ones, of the same shape.

        >>> BetaGeometric(1.0, 3.0).hazard([0, 1, 4]).round(3).tolist()
        [0.25, 0.2, 0.125]
        """
        return np.asarray(self.alpha / (self.alpha + self.beta + np.asarray(completed, dtype=np.float64)))

    def survival(self, completed: npt.ArrayLike) -> Floats:
        """Return the share of a cohort that is left after some periods, of the same shape."""
        after = np.asarray(completed, dtype=np.float64)
        return np.asarray(np.exp(betaln(self.alpha, self.beta + after) - betaln(self.alpha, self.beta)))

    def leaving(self, completed: npt.ArrayLike, ahead: int) -> Floats:
        """Return the chance of leaving within the next `ahead` periods for who has completed some; the same shape."""
        after = np.asarray(completed, dtype=np.float64)
        remain = betaln(self.alpha, self.beta + after + ahead) - betaln(self.alpha, self.beta + after)
        return np.asarray(-np.expm1(remain))


def fit_beta_geometric(events: Floats, at_risk: Floats) -> BetaGeometric | None:
    """Fit by maximum likelihood on counts by completed periods.

    Counts from any number of cohorts may be added up, and members may come under observation late or go out of it
    early: each period of each member is one trial, at risk or not.

    Parameters
    ----------
    events, at_risk
        Shape (periods,): members who left in the period after k completed ones, and members observed in it.

    Returns
    -------
    BetaGeometric or None
        None without any event, or without any period survived: there is nothing to project from.

    Examples
    --------
    A cohort of 1,000, of whom 869, 743 and 653 remain after one, two and three periods:

    >>> remain = np.array([1000.0, 869.0, 743.0, 653.0])
    >>> found = fit_beta_geometric(-np.diff(remain), remain[:-1])
    >>> round(float(found.survival(3)), 2)
    0.65
    """
    stayed = at_risk - events
    if events.sum() <= 0 or stayed.sum() <= 0:
        return None
    completed = np.arange(len(events), dtype=np.float64)

    def loss(logs: Floats) -> tuple[float, Floats]:
        alpha, beta = np.exp(logs)
        total = alpha + beta + completed
        value = -float(events @ np.log(alpha / total) + stayed @ np.log((beta + completed) / total))
        of_alpha = events * (1.0 / alpha - 1.0 / total) - stayed / total
        of_beta = -events / total + stayed * (1.0 / (beta + completed) - 1.0 / total)
        return value, -np.array([alpha * of_alpha.sum(), beta * of_beta.sum()])

    rate = float(events.sum() / at_risk.sum())
    starts = [np.log([rate * scale, (1.0 - rate) * scale]) for scale in (1.0, 30.0, 1000.0)]
    found = [minimize(loss, np.clip(s, *_BOUNDS), jac=True, bounds=[_BOUNDS] * 2, method="L-BFGS-B") for s in starts]
    best = min(found, key=lambda one: one.fun)
    return BetaGeometric(*(float(value) for value in np.exp(best.x)))
