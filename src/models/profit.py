"""What a retention campaign could earn at best with these scores: the expected maximum profit for churn (EMPC).

Verbraken, Verbeke and Baesens (2013), A novel profit maximizing metric for measuring classification performance of
customer churn prediction models, IEEE Transactions on Knowledge and Data Engineering 25(5), equations 10 to 14. A
campaign calls the clients scored highest. Who would leave and is called stays with probability γ, takes the incentive
and keeps the lifetime value; who would have stayed takes the incentive anyway; every call costs. The best depth of the
campaign depends on γ, which nobody knows beforehand: γ ~ Beta.

The constants are those of the paper. They make scores comparable, and are no forecast of what a firm would earn.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import isotonic_regression
from scipy.special import betainc

Floats = npt.NDArray[np.float64]

LIFETIME_VALUE = 200.0
"""Of a client who stays, in units of money."""

INCENTIVE, CONTACT = 10.0, 1.0
"""Cost of the offer, and of the call, in the same units."""

ACCEPTANCE = (6.0, 14.0)
"""Parameters of the beta distribution of γ, the share of would-be leavers who accept: 0.30 on average."""


@dataclass(frozen=True)
class Profit:
    """Expected maximum profit per client, and the share of clients that the best campaigns are expected to call."""

    value: float
    share: float


def expected_maximum_profit(y: Any, p: Any, weight: Any = None) -> Profit:
    """Return the EMPC of scores, on the convex hull of their ROC curve.

    For a given γ a depth of the campaign is best where the hull's slope is such that the next clients cost as much as
    they bring: between the γ at which one edge of the hull begins to pay and that of the next, the same corner is best,
    and its profit is linear in γ. The integral is therefore a sum over the corners, exact up to rounding.

    Parameters
    ----------
    y
        (n,) 1 for who left.
    p
        (n,) scores.
    weight
        (n,) weights of the rows; None for 1.

    Returns
    -------
    Profit
        NaN for both where nobody left, or nobody stayed.
    """
    y, p = np.asarray(y, dtype=np.float64), np.asarray(p, dtype=np.float64)
    weight = np.ones_like(y) if weight is None else np.asarray(weight, dtype=np.float64)
    place = np.unique(p, return_inverse=True)[1]
    events, rows = (np.bincount(place, one)[::-1].astype(np.float64) for one in (weight * y, weight))
    return profit_of_groups(events, rows)


def profit_of_groups(events: Floats, rows: Floats) -> Profit:
    """Return the EMPC of rows that are grouped by their score: leavers and clients of each, from the highest score."""
    total, leavers = float(rows.sum()), float(events.sum())
    if not 0 < leavers < total:
        return Profit(float("nan"), float("nan"))
    found, called = hull(events, rows)
    gone, stayed = found / total, (called - found) / total  # shares of the book: π0·F0 and π1·F1
    begins = _begins_to_pay(np.diff(gone), np.diff(stayed))
    low, high = np.append(0.0, begins), np.append(begins, 1.0)
    mass, mean = _beta(low, high)
    kept = LIFETIME_VALUE - INCENTIVE
    value = kept * (mean @ gone) - CONTACT * (mass @ gone) - (INCENTIVE + CONTACT) * (mass @ stayed)
    return Profit(float(value), float(mass @ (gone + stayed)))


def hull(events: Floats, rows: Floats) -> tuple[Floats, Floats]:
    """Return the corners of the ROC curve's convex hull, from nobody called to everybody.

    The hull's edges are the blocks of the isotonic regression of outcome on score (Fawcett and Niculescu-Mizil 2007).

    Parameters
    ----------
    events, rows
        Leavers and clients per distinct score, from the highest.

    Returns
    -------
    tuple
        Leavers found, and clients called, at each corner: weights, both starting at 0.
    """
    events, rows = events[rows > 0], rows[rows > 0]
    blocks = isotonic_regression(events / rows, weights=rows, increasing=False).blocks
    at = blocks[1:] - 1  # the last score of each block
    return np.append(0.0, np.cumsum(events)[at]), np.append(0.0, np.cumsum(rows)[at])


def _begins_to_pay(gone: Floats, stayed: Floats) -> Floats:
    """Return per edge of the hull the γ, in [0, 1], from which its clients bring more than they cost."""
    with np.errstate(divide="ignore"):
        cost = CONTACT + (INCENTIVE + CONTACT) * np.where(gone > 0, stayed / np.where(gone > 0, gone, 1.0), np.inf)
    return np.clip(cost / (LIFETIME_VALUE - INCENTIVE), 0.0, 1.0)


def _beta(low: Floats, high: Floats) -> tuple[Floats, Floats]:
    """Return ∫ h(γ) dγ and ∫ γ·h(γ) dγ between bounds, h the density of the acceptance."""
    a, b = ACCEPTANCE
    mass = betainc(a, b, high) - betainc(a, b, low)
    mean = a / (a + b) * (betainc(a + 1.0, b, high) - betainc(a + 1.0, b, low))
    return mass, mean
