"""Platt calibration in the log-odds: a slope and an intercept, so that explanations stay additive."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from appetence.models.logistic import fit_logistic

SLOPE_PRIOR_SD = 0.25
"""Prior standard deviation of the slope around 1: worth some 16 / var(score) positives."""

SHIFT_PRIOR_SD = 1.0
"""Prior standard deviation of the shift of the log-odds at the block's mean score: worth about one positive."""

FEWEST_FOR_SLOPE = 10
"""With fewer positives (or negatives) than this the slope stays 1 and only the intercept moves."""

SMALLEST_SLOPE = 0.05
"""The ranking is never reversed by a calibration block, however badly the scores did on it."""


@dataclass(frozen=True)
class Calibration:
    """calibrated log-odds = slope × log-odds + intercept."""

    slope: float = 1.0
    intercept: float = 0.0

    def __call__(self, log_odds: np.ndarray) -> np.ndarray:
        """Calibrate log-odds of any shape."""
        return self.slope * log_odds + self.intercept


def fit_calibration(log_odds: np.ndarray, y: np.ndarray, weight: np.ndarray) -> Calibration:
    """Fit the slope and the intercept by maximum a posteriori.

    The score is centred on the block's weighted mean m, f' = f - m, and the model is logit p = m + a·f' + d with
    Gaussian priors a ~ N(1, SLOPE_PRIOR_SD²) and d ~ N(0, SHIFT_PRIOR_SD²): centring keeps the two nearly independent,
    so that a block with few positives moves the level before the slope (Platt 1999, with the identity as prior).

    Parameters
    ----------
    log_odds
        Uncalibrated scores of the block, of shape (n_rows,).
    y, weight
        Labels (0 or 1) and weights, of shape (n_rows,). One class only is allowed.
    """
    mean = float(np.average(log_odds, weights=weight))
    centred = log_odds - mean
    events = float((weight * y).sum())
    fewest = min(events, float(weight.sum()) - events)
    slope_moves = fewest >= FEWEST_FOR_SLOPE and float(np.ptp(centred)) > 0
    slope, shift = _maximise(centred, mean, y, weight, slope_moves)
    if slope < SMALLEST_SLOPE:
        slope = SMALLEST_SLOPE
        _, shift = _maximise(slope * centred, mean, y, weight, slope_moves=False)
    return Calibration(slope, mean * (1.0 - slope) + shift)


def _maximise(
    centred: np.ndarray, mean: float, y: np.ndarray, weight: np.ndarray, slope_moves: bool
) -> tuple[float, float]:
    """Newton's method with step halving on the (convex) negative log posterior."""
    precision = np.array([SLOPE_PRIOR_SD**-2, SHIFT_PRIOR_SD**-2])
    free = np.array([slope_moves, True])
    design = np.column_stack([centred, np.ones_like(centred)])
    centre = np.array([1.0, 0.0])

    def loss(theta: np.ndarray) -> float:
        eta = mean + design @ theta
        penalty = 0.5 * float((precision * (theta - centre) ** 2).sum())
        return float((weight * (np.logaddexp(0.0, eta) - y * eta)).sum()) + penalty

    theta, value = centre.copy(), loss(centre)
    for _ in range(100):
        p = expit(mean + design @ theta)
        gradient = design.T @ (weight * (p - y)) + precision * (theta - centre)
        hessian = (design.T * (weight * p * (1.0 - p))) @ design + np.diag(precision)
        step = np.zeros(2)
        step[free] = np.linalg.solve(hessian[np.ix_(free, free)], gradient[free])
        size = 1.0
        while loss(theta - size * step) > value and size > 1e-8:
            size /= 2.0
        theta = theta - size * step
        value = loss(theta)
        if np.abs(size * step).max() < 1e-12:
            break
    return float(theta[0]), float(theta[1])


def fit_line(x: np.ndarray, y: np.ndarray, weight: np.ndarray) -> tuple[float, float]:
    """Fit logit P(y) = intercept + slope × x by maximum likelihood, without any prior.

    Returns
    -------
    slope, intercept
        NaN where the likelihood has no maximum: one class only, a constant x, or classes that x separates.
    """
    x, y, weight = x[weight > 0], y[weight > 0], weight[weight > 0]
    ones, zeros = x[y == 1], x[y == 0]
    if not len(ones) or not len(zeros) or ones.min() >= zeros.max() or ones.max() <= zeros.min():
        return float("nan"), float("nan")
    slope, intercept = 1.0, 0.0  # nearly right for most scores, so that plain Newton steps get there in a few
    for _ in range(25):
        p = expit(slope * x + intercept)
        curvature, residual = weight * p * (1.0 - p), weight * (y - p)
        c0, c1, c2 = curvature.sum(), (curvature * x).sum(), (curvature * x * x).sum()
        r0, r1 = residual.sum(), (residual * x).sum()
        determinant = c0 * c2 - c1 * c1
        if not determinant > 0:
            break
        steps = (c0 * r1 - c1 * r0) / determinant, (c2 * r0 - c1 * r1) / determinant
        slope, intercept = slope + float(steps[0]), intercept + float(steps[1])
        if max(map(abs, steps)) < 1e-8:
            return slope, intercept
    # Far from the start only steps that are held back are safe. So small a precision moves no digit that is shown.
    coefficients, intercept, _ = fit_logistic(x[:, None], y, weight, precision=1e-9)
    return float(coefficients[0]), intercept
