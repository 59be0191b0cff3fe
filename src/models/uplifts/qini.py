"""How well an order finds whom offers change: Qini curve and coefficient, and what the first ones offered bring.

Throughout, `y` are purchases (0 or 1), `score` the order (the highest first), `weight` row weights and `offered` which
rows got the offer, all of shape (n_rows,). Signatures are those of `appetence.models.metrics.Metric`, so that the
bootstrap there serves. Rows of equal score count by the part of them that fits.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

DEPTHS: Floats = np.linspace(0.0, 1.0, 21)
"""Shares of the clients at which the curve is read: twentieths, so that each holds some of the held out."""


@dataclass(frozen=True)
class _Reached:
    """Sums over the first clients, at each depth: offered and held out, and those of them who bought."""

    offered: Floats
    offered_bought: Floats
    held_out: Floats
    held_out_bought: Floats


def qini_curve(y: Any, score: Any, weight: Any = None, *, offered: Mask) -> Floats:
    """Return the purchases that offers add, per client that could be offered, were only the first `DEPTHS` offered.

    g(φ) = (R_t(φ) - R_c(φ) · N_t(φ) / N_c(φ)) / N_t(1), with R purchases and N clients among the first φ, of those
    offered (t) and held out (c) (Radcliffe 2007). 0 where one side has nobody yet: nothing can be said.
    """
    at = _reached(y, score, weight, offered, DEPTHS)
    both = (at.offered > 0) & (at.held_out > 0)
    ratio = np.where(both, at.offered / np.where(both, at.held_out, 1.0), 0.0)
    total = at.offered[-1]
    if total <= 0 or at.held_out[-1] <= 0:
        return np.full(len(DEPTHS), np.nan)
    gained: Floats = np.where(both, at.offered_bought - at.held_out_bought * ratio, 0.0) / total
    return gained


def qini(y: Any, score: Any, weight: Any = None, *, offered: Mask) -> float:
    """Return the area between the Qini curve and its chord: purchases added per client, above offering at random.

    It is the mean over all depths, and 0 for an order that knows nothing.
    """
    curve = qini_curve(y, score, weight, offered=offered)
    return float(np.trapezoid(curve - DEPTHS * curve[-1], DEPTHS))


def qini_coefficient(y: Any, score: Any, weight: Any = None, *, offered: Mask) -> float:
    """Return the area of `qini` as a share of the most there could be, were nobody put off by an offer.

    The best order gains one purchase per client until all that offers add has been found: with u added per client its
    area is u (1 - u) / 2 (Radcliffe 2007, q0). NaN where offers add nothing.
    """
    curve = qini_curve(y, score, weight, offered=offered)
    added = float(curve[-1])
    best = added * (1.0 - added) / 2.0
    return float(np.trapezoid(curve - DEPTHS * added, DEPTHS)) / best if best > 0 else float("nan")


def uplift_at(y: Any, score: Any, weight: Any = None, *, offered: Mask, share: float = 1.0) -> float:
    """Return the purchases that an offer adds per offer among the first `share` of the clients.

    The rate of purchase of those offered less that of those held out; NaN where one side has nobody.
    """
    at = _reached(y, score, weight, offered, np.array([share]))
    if at.offered[0] <= 0 or at.held_out[0] <= 0:
        return float("nan")
    return float(at.offered_bought[0] / at.offered[0] - at.held_out_bought[0] / at.held_out[0])


def rank_within(score: Floats, stratum: Ints) -> Floats:
    """Return each score's place in its stratum, between 0 and 1, equal scores in one place.

    A campaign's product and date are given; what is chosen is whom to offer it to. An order is therefore taken within
    each campaign, and the campaigns' first ones together.
    """
    ranked = np.empty(len(score))
    for code in np.unique(stratum):
        rows = stratum == code
        ranked[rows] = (rankdata(score[rows]) - 0.5) / rows.sum()
    return ranked


def _reached(y: Any, score: Any, weight: Any, offered: Mask, depths: Floats) -> _Reached:
    y, score = np.asarray(y, dtype=np.float64), np.asarray(score, dtype=np.float64)
    w = np.ones_like(y) if weight is None else np.asarray(weight, dtype=np.float64)
    distinct, place = np.unique(-score, return_inverse=True)
    mass = np.bincount(place, w, len(distinct))
    share = np.concatenate([[0.0], np.cumsum(mass) / mass.sum()])

    def up_to(values: Floats) -> Floats:
        found: Floats = np.interp(
            depths, share, np.concatenate([[0.0], np.cumsum(np.bincount(place, values, len(distinct)))])
        )
        return found

    return _Reached(up_to(w * offered), up_to(w * offered * y), up_to(w * ~offered), up_to(w * ~offered * y))
