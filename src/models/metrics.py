"""How good probabilities are: ranking, calibration, what a list of the top clients catches; with intervals.

All take labels `y` (n,) in {0, 1} and probabilities `p` (n,). A figure that the rows cannot give (one class only, no
event) is NaN, not an error: a small test block says nothing, which an interval should show.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.special import expit, logit
from scipy.stats import rankdata

Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int64]

_TINY = 1e-15


def auc(y: Labels, p: Floats) -> float:
    """Chance that a client to whom it happened has the higher score than one to whom it did not; ties count half.

    Examples
    --------
    >>> auc(np.array([0, 1, 1]), np.array([0.1, 0.1, 0.7]))
    0.75
    """
    events = float(y.sum())
    others = len(y) - events
    if events == 0 or others == 0:
        return float("nan")
    return float((rankdata(p)[y == 1].sum() - events * (events + 1) / 2) / (events * others))


def average_precision(y: Labels, p: Floats) -> float:
    """Mean, over the events, of the share of events among all rows scored at least as high."""
    events = float(y.sum())
    if events == 0:
        return float("nan")
    order = np.argsort(-p, kind="stable")
    last_of_tie = np.flatnonzero(np.append(np.diff(p[order]) != 0, True))
    caught = np.cumsum(y[order])[last_of_tie].astype(np.float64)
    return float((np.diff(caught, prepend=0.0) * caught / (last_of_tie + 1)).sum() / events)


def log_loss(y: Labels, p: Floats) -> float:
    """Mean negative log-likelihood, in nats."""
    p = np.clip(p, _TINY, 1 - _TINY)
    return float(-np.where(y == 1, np.log(p), np.log1p(-p)).mean())


def brier(y: Labels, p: Floats) -> float:
    """Mean squared distance from what happened."""
    return float(((p - y) ** 2).mean())


def calibration_slope_intercept(y: Labels, p: Floats) -> tuple[float, float]:
    """Fit logit P(y) = intercept + slope · logit p by maximum likelihood (Cox 1958); (1, 0) is perfect.

    A slope below 1 says that the probabilities are too extreme.
    """
    x = logit(np.clip(p, _TINY, 1 - _TINY))
    if y.min() == y.max() or np.ptp(x) == 0:
        return float("nan"), float("nan")

    def loss(theta: Floats) -> tuple[float, Floats]:
        z = theta[1] + theta[0] * x
        off = expit(z) - y
        return float((np.logaddexp(0, z) - y * z).mean()), np.array([(off * x).mean(), off.mean()])

    found = minimize(loss, np.array([1.0, 0.0]), jac=True, method="BFGS").x
    return float(found[0]), float(found[1])


def observed_expected(y: Labels, p: Floats) -> float:
    """Events seen over events expected; 2 says that the probabilities were half of what they should have been."""
    expected = float(p.sum())
    return float(y.sum()) / expected if expected > 0 else float("nan")


def _top(p: Floats, share: float) -> npt.NDArray[np.int64]:
    rows = max(int(np.ceil(share * len(p) - 1e-9)), 1)
    return np.argsort(-p, kind="stable")[:rows]


def lift_at(y: Labels, p: Floats, share: float) -> float:
    """Rate of events among the highest-scored `share` of rows, over the rate among all."""
    rate = float(y.mean())
    return float(y[_top(p, share)].mean()) / rate if rate > 0 else float("nan")


def capture_at(y: Labels, p: Floats, share: float, money: Floats | None = None) -> float:
    """Share of all events, or of the money they carry, found in the highest-scored `share` of rows."""
    weight = y.astype(np.float64) if money is None else y * money
    total = float(weight.sum())
    return float(weight[_top(p, share)].sum()) / total if total > 0 else float("nan")


def map_at_k(relevant: Floats, score: Floats, k: int) -> float:
    """Mean average precision of ranked lists, over all rows; a row with nothing relevant counts as zero.

    Parameters
    ----------
    relevant
        (n, items): 1 where the item was taken.
    score
        (n, items): the order, highest first; NaN where the item could not be proposed.
    k
        Length of the lists. A row's average precision is divided by min(k, number of relevant items).
    """
    order = np.argsort(-np.where(np.isnan(score), -np.inf, score), axis=1, kind="stable")[:, :k]
    hit = np.take_along_axis(np.where(np.isnan(score), 0.0, relevant), order, axis=1)
    precision = np.cumsum(hit, axis=1) / np.arange(1, order.shape[1] + 1)
    wanted = np.minimum(relevant.sum(axis=1), k)
    per_row = np.divide((precision * hit).sum(axis=1), wanted, out=np.zeros(len(wanted)), where=wanted > 0)
    return float(per_row.mean())


def bootstrap_interval(
    metric: Callable[[Labels, Floats], float],
    y: Labels,
    p: Floats,
    groups: npt.NDArray[Any],
    draws: int,
    seed: int,
    level: float = 0.95,
) -> tuple[float, float]:
    """Return the percentile interval of a metric when whole groups are drawn with replacement (Efron 1979).

    Parameters
    ----------
    groups
        (n,) what moves together: households, so that their rows do not pass for independent.
    draws, seed
        Of the bootstrap. A draw in which the metric is NaN is left out; with none left the interval is NaN.
    """
    _, unit = np.unique(groups, return_inverse=True)
    order = np.argsort(unit, kind="stable")
    starts = np.concatenate([[0], np.cumsum(np.bincount(unit))])
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(draws):
        drawn = rng.integers(0, len(starts) - 1, len(starts) - 1)
        rows = order[_ranges(starts[drawn], starts[drawn + 1])]
        found.append(metric(y[rows], p[rows]))
    values = np.array(found)
    values = values[np.isfinite(values)]
    if len(values) == 0:
        return float("nan"), float("nan")
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def _ranges(start: Labels, stop: Labels) -> Labels:
    """Put the ranges [start, stop) one after another."""
    length = stop - start
    before = np.cumsum(length) - length
    return np.repeat(start - before, length) + np.arange(int(length.sum()))
