"""How good scores are: ranking, probabilities, lift and money; pure functions, with weights where they are natural.

Throughout, `y` are labels (0 or 1), `p` scores or probabilities and `weight` row weights, all of shape (n_rows,).
A metric that the rows do not define (one class only, say) is NaN: a resample without events must not stop a run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import logit

from appetence.errors import AppetenceError
from appetence.models.calibration import fit_line

Floats = npt.NDArray[np.float64]
Metric = Callable[[Any, Any, Any], float]
"""A metric of (y, p, weight), or of (y, p, weight, …) with the rest bound by `functools.partial`."""

_SMALLEST = 1e-15


class MetricError(AppetenceError, ValueError):
    """Labels, scores or weights that no metric can be taken of."""


@dataclass(frozen=True)
class Interval:
    """A figure with the bounds of its bootstrap interval."""

    value: float
    low: float
    high: float
    share: float = 0.95


@dataclass(frozen=True)
class Bin:
    """Expected and observed events of one slice of the rows, in the order of their scores."""

    rows: int
    mean_score: float
    expected: float
    observed: float

    @property
    def ratio(self) -> float:
        """Observed over expected; NaN where nothing was expected."""
        return self.observed / self.expected if self.expected > 0 else float("nan")


def auc(y: Any, p: Any, weight: Any = None) -> float:
    """Return the area under the ROC curve: the weighted chance that an event outscores a non-event, ties half."""
    y, p, w = _checked(y, p, weight)
    position = _places(p)
    events, others = np.bincount(position, w * y), np.bincount(position, w * (1.0 - y))
    pairs = events.sum() * others.sum()
    below = np.cumsum(others) - others / 2.0
    return float(events @ below / pairs) if pairs > 0 else float("nan")


def average_precision(y: Any, p: Any, weight: Any = None) -> float:
    """Return Σ (recall step) × precision over the distinct scores, from the highest."""
    y, p, w = _checked(y, p, weight)
    position = _places(p)
    position = position.max() - position  # from the highest score
    events, rows = np.bincount(position, w * y), np.bincount(position, w)
    if events.sum() == 0:
        return float("nan")
    events, rows = events[rows > 0], rows[rows > 0]
    precision = np.cumsum(events) / np.cumsum(rows)
    return float(events @ precision / events.sum())


def log_loss(y: Any, p: Any, weight: Any = None) -> float:
    """Return the mean of -log(probability of what happened), probabilities kept 1e-15 from 0 and 1."""
    y, p, w = _checked(y, p, weight, probabilities=True)
    p = np.clip(p, _SMALLEST, 1.0 - _SMALLEST)
    return float(np.average(-(y * np.log(p) + (1.0 - y) * np.log1p(-p)), weights=w))


def brier(y: Any, p: Any, weight: Any = None) -> float:
    """Return the mean squared difference of probability and outcome (Brier 1950)."""
    y, p, w = _checked(y, p, weight, probabilities=True)
    return float(np.average((p - y) ** 2, weights=w))


def calibration_slope_intercept(y: Any, p: Any, weight: Any = None) -> tuple[float, float]:
    """Return slope and intercept of logit P(y) = intercept + slope × logit p (Cox 1958).

    A slope below 1 says that the scores are too extreme. Where scores separate the classes, or one is absent, there is
    no finite answer: NaN.
    """
    y, p, w = _checked(y, p, weight, probabilities=True)
    return fit_line(logit(np.clip(p, _SMALLEST, 1.0 - _SMALLEST)), y, w)


def observed_expected(y: Any, p: Any, weight: Any = None) -> float:
    """Return observed over expected events."""
    y, p, w = _checked(y, p, weight, probabilities=True)
    expected = float(w @ p)
    return float(w @ y) / expected if expected > 0 else float("nan")


def reliability_bins(y: Any, p: Any, weight: Any = None, n_bins: int = 10) -> list[Bin]:
    """Return expected and observed events by slices of equal weight, from the lowest scores.

    Rows of equal score stay in one slice, so that fewer than `n_bins` may come back.
    """
    y, p, w = _checked(y, p, weight, probabilities=True)
    numbers = slices(p, w, n_bins)
    bins = []
    for number in range(int(numbers.max()) + 1):
        inside = numbers == number
        expected = float(w[inside] @ p[inside])
        total = float(w[inside].sum())
        mean_score = expected / total if total > 0 else float("nan")
        bins.append(Bin(int(inside.sum()), mean_score, expected, float(w[inside] @ y[inside])))
    return bins


def slices(p: Any, weight: Any = None, n_bins: int = 10) -> npt.NDArray[np.int64]:
    """Return (n_rows,) each row's slice, from 0 for the lowest scores: of equal weight as far as ties allow.

    Rows of equal score stay in one slice; slices that this leaves empty are not counted.
    """
    position = _places(np.asarray(p, dtype=np.float64))
    mass = np.bincount(position, weight)
    middle = (np.cumsum(mass) - mass / 2.0) / mass.sum()
    numbers = np.minimum((middle * n_bins).astype(np.int64), n_bins - 1)[position]
    found: npt.NDArray[np.int64] = np.unique(numbers, return_inverse=True)[1]
    return found


def capture_at(y: Any, p: Any, weight: Any = None, *, share: float = 0.1, money: Any = None) -> float:
    """Return the share of all events, or of the money lost with them, found in the `share` of rows scored highest.

    Rows of equal score at the edge count by the part of them that fits.

    Parameters
    ----------
    y, p, weight
        See the module.
    share
        Share of the weight that can be contacted, in (0, 1].
    money
        Amount at stake of each row, not negative; None to count events.
    """
    y, p, w = _checked(y, p, weight)
    if not 0.0 < share <= 1.0:
        raise MetricError("share must be in (0, 1]", share, "0.1 is the tenth scored highest")
    stake = y if money is None else y * np.asarray(money, dtype=np.float64)
    if stake.shape != y.shape or not np.isfinite(stake).all() or (stake < 0).any():
        raise MetricError("money must hold one finite amount per row, none negative", f"shape {stake.shape}")
    position = _places(p)
    position = position.max() - position  # from the highest score
    mass, found = np.bincount(position, w), np.bincount(position, w * stake)
    if found.sum() == 0:
        return float("nan")
    before = np.cumsum(mass) - mass
    part = np.clip((share * mass.sum() - before) / np.where(mass > 0, mass, 1.0), 0.0, 1.0)
    return float(part @ found / found.sum())


def lift_at(y: Any, p: Any, weight: Any = None, *, share: float = 0.1, money: Any = None) -> float:
    """Return how many times more events the `share` of rows scored highest holds than rows drawn at random."""
    return capture_at(y, p, weight, share=share, money=money) / share


def bootstrap_intervals(
    metric: Metric, y: Any, p: Any, groups: Any = None, n: int = 200, seed: int = 0, weight: Any = None
) -> Interval:
    """Return a metric with its percentile interval over resamples of whole groups.

    Parameters
    ----------
    metric
        Function of (y, p, weight).
    y, p, weight
        See the module.
    groups
        What moves together and is drawn together: households. None where rows are independent.
    n
        Resamples.
    seed
        Of the draws.

    Notes
    -----
    A group drawn twice has twice its weight: every metric here takes that as two copies of its rows (Efron 1979; for
    clusters, Field and Welsh 2007). Resamples in which the metric is not defined are left out. Rows keep their places,
    so that a metric may know more of them, such as their dates.
    """
    y, p, w = _checked(y, p, weight)
    values = [metric(y, p, w * times) for times in _resamples(groups, len(y), n, seed)]
    return percentile_interval(metric(y, p, w), values)


def paired_difference(
    metric: Metric, y: Any, first: Any, second: Any, groups: Any = None, n: int = 200, seed: int = 0, weight: Any = None
) -> Interval:
    """Return metric(first) - metric(second) with its interval, both taken on the same resamples of whole groups."""
    y, first, w = _checked(y, first, weight)
    _, second, _ = _checked(y, second, weight)
    values = [
        metric(y, first, w * times) - metric(y, second, w * times) for times in _resamples(groups, len(y), n, seed)
    ]
    return percentile_interval(metric(y, first, w) - metric(y, second, w), values)


def log_loss_gain(
    y: Any, first: Any, second: Any, groups: Any, n: int, seed: int | Sequence[int]
) -> tuple[Interval, float]:
    """Return by how much the log-loss of `first` is smaller than that of `second`, and in which share of resamples.

    Many times quicker than `paired_difference`, of which this is the case of the log-loss: see `resampled_means`.
    """
    y = np.asarray(y)
    per_row = _row_losses(y, np.asarray(second)) - _row_losses(y, np.asarray(first))
    drawn = resampled_means(per_row[:, None], groups, n, seed)[:, 0]
    return percentile_interval(float(per_row.mean()), drawn), float((drawn > 0).mean())


def resampled_means(values: Floats, groups: Any, n: int, seed: int | Sequence[int]) -> Floats:
    """Return the means of columns over resamples of whole groups, (n, columns): the same groups for all columns.

    Values are added up by group once, so that a resample costs as many steps as there are groups.

    Parameters
    ----------
    values
        (n_rows, columns).
    """
    unit = np.unique(groups, return_inverse=True)[1]
    total = np.column_stack([np.bincount(unit, column) for column in values.T])
    rows = np.bincount(unit).astype(np.float64)
    rng = np.random.default_rng(seed)
    drawn = np.empty((n, values.shape[1]))
    for i in range(n):
        times = np.bincount(rng.integers(0, len(total), len(total)), minlength=len(total))
        drawn[i] = (times @ total) / (times @ rows)
    return drawn


def _row_losses(y: npt.NDArray[Any], p: Floats) -> Floats:
    p = np.clip(p, 1e-15, 1.0 - 1e-15)
    return -np.where(y == 1, np.log(p), np.log1p(-p))


def _checked(y: Any, p: Any, weight: Any, probabilities: bool = False) -> tuple[Floats, Floats, Floats]:
    y, p = np.asarray(y, dtype=np.float64), np.asarray(p, dtype=np.float64)
    w = np.ones_like(y) if weight is None else np.asarray(weight, dtype=np.float64)
    if y.ndim != 1 or y.shape != p.shape or y.shape != w.shape or not len(y):
        raise MetricError("y, p and weight must have one shape (n_rows,)", f"{y.shape}, {p.shape} and {w.shape}")
    if not np.isin(y, (0.0, 1.0)).all():
        raise MetricError("labels must be 0 or 1", f"{int((~np.isin(y, (0.0, 1.0))).sum())} others")
    if not np.isfinite(p).all() or (probabilities and not ((p >= 0) & (p <= 1)).all()):
        raise MetricError("scores must be finite, and probabilities in [0, 1]", "others among them")
    if not np.isfinite(w).all() or (w < 0).any():
        raise MetricError("weights must be finite and not negative", f"{int((~(w >= 0)).sum())} others")
    return y, p, w


def _places(p: Floats) -> npt.NDArray[np.int64]:
    """Return the place of each row's score among the distinct scores, from the lowest."""
    steps = np.diff(p)
    if (steps >= 0).all():
        return np.concatenate([[0], np.cumsum(steps > 0)])
    places: npt.NDArray[np.int64] = np.unique(p, return_inverse=True)[1]
    return places


def _resamples(groups: Any, n_rows: int, n: int, seed: int) -> Iterator[Floats]:
    """Yield, for each resample, how many times each row was drawn."""
    unit = np.arange(n_rows) if groups is None else np.unique(np.asarray(groups), return_inverse=True)[1]
    if len(unit) != n_rows:
        raise MetricError("groups must name one group per row", f"{len(unit)} for {n_rows} rows")
    units = int(unit.max()) + 1
    rng = np.random.default_rng([seed, 0x626F6F74])
    for _ in range(n):
        yield np.bincount(rng.integers(0, units, units), minlength=units)[unit].astype(np.float64)


def percentile_interval(value: float, drawn: Any, share: float = 0.95) -> Interval:
    """Return a figure with the bounds of a share of its resamples; those in which it is NaN are left out."""
    defined = np.asarray(drawn, dtype=np.float64)
    defined = defined[~np.isnan(defined)]
    if not len(defined):
        return Interval(value, float("nan"), float("nan"), share)
    low, high = np.quantile(defined, [(1.0 - share) / 2.0, (1.0 + share) / 2.0])
    return Interval(value, float(low), float(high), share)
