"""Regularised logistic regression by Newton's method, its regularisation chosen by the evidence of the data."""

from __future__ import annotations

import numpy as np
from scipy.linalg import cho_factor, cho_solve, eigh
from scipy.special import expit

PRECISION_BOUNDS = (1.0, 1e6)
"""Prior precision of a coefficient: at least that of N(0, 1) on the log-odds of a feature of unit spread."""


def fit_logistic(
    design: np.ndarray,
    y: np.ndarray,
    weight: np.ndarray,
    precision: float | None = None,
    start: np.ndarray | None = None,
) -> tuple[np.ndarray, float, float]:
    """Fit a logistic regression with the prior N(0, 1/precision) on every coefficient and a free intercept.

    Newton's method. Without `precision` it is chosen by the evidence of the data (MacKay 1992, "The evidence framework
    applied to classification networks", eq. 2.13: precision = γ / ‖β‖² with γ the effective number of coefficients),
    solved to its fixed point in each step's quadratic approximation, which costs one decomposition.

    Parameters
    ----------
    design
        float64 of shape (n_rows, n_columns).
    y, weight
        Labels and weights, of shape (n_rows,); a weight of 2 counts as two rows.
    precision
        The prior's precision; None to choose it.
    start
        Coefficients to start from; the optimum does not depend on them.

    Returns
    -------
    coefficients, intercept, precision
    """
    free = precision is None
    coefficients = np.zeros(design.shape[1]) if start is None else start
    level = float(np.log((weight @ y + 0.5) / (weight @ (1.0 - y) + 0.5)))
    current = precision or PRECISION_BOUNDS[0]
    for _ in range(50):
        eta = level + design @ coefficients
        p = expit(eta)
        curvature = np.maximum(weight * p * (1.0 - p), 1e-12 * weight)
        mean = curvature @ design / curvature.sum()
        gradient = design.T @ (weight * (y - p))
        scaled = design * np.sqrt(curvature)[:, None]
        hessian = scaled.T @ scaled - curvature.sum() * np.outer(mean, mean)
        # Profile the intercept out: its own Newton step changes the slopes' gradient by the curvature-weighted mean.
        residual = float((weight * (y - p)).sum())
        target = gradient - residual * mean + hessian @ coefficients
        if free:
            current, proposal = _evidence_step(hessian, target)
        else:
            regular = hessian + current * np.eye(len(hessian))
            proposal = cho_solve(cho_factor(regular), target)
        step = proposal - coefficients
        level_step = residual / curvature.sum() - float(mean @ step)
        size = _step_size(design, y, weight, current, (level, coefficients), (level_step, step))
        coefficients, level = coefficients + size * step, level + size * level_step
        # Newton's error is squared with each step; the evidence moves the optimum, so that it is awaited longer.
        if np.abs(size * step).max(initial=abs(size * level_step)) < (1e-8 if free else 1e-4):
            break
    return coefficients, level, current


def _evidence_step(hessian: np.ndarray, target: np.ndarray) -> tuple[float, np.ndarray]:
    """Return the precision at the fixed point of the evidence, and the coefficients that go with it."""
    values, vectors = eigh(hessian)
    values, projected = np.maximum(values, 0.0), vectors.T @ target
    precision = PRECISION_BOUNDS[0]
    for _ in range(1_000):
        effective = float((values / (values + precision)).sum())
        squared = float(((projected / (values + precision)) ** 2).sum())
        updated = float(np.clip(effective / squared if squared > 0 else np.inf, *PRECISION_BOUNDS))
        if abs(updated - precision) <= 1e-12 * precision:
            break
        precision = updated
    return precision, vectors @ (projected / (values + precision))


def _step_size(
    design: np.ndarray,
    y: np.ndarray,
    weight: np.ndarray,
    precision: float,
    at: tuple[float, np.ndarray],
    step: tuple[float, np.ndarray],
) -> float:
    """Halve the step until the penalised loss does not grow."""
    eta, move = at[0] + design @ at[1], step[0] + design @ step[1]

    def loss(size: float) -> float:
        moved, beta = eta + size * move, at[1] + size * step[1]
        return float(weight @ (np.logaddexp(0.0, moved) - y * moved)) + 0.5 * precision * float(beta @ beta)

    here, size = loss(0.0), 1.0
    while size > 1e-6 and loss(size) > here + 1e-10 * abs(here):
        size /= 2.0
    return size
