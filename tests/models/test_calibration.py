"""Platt calibration: recovered where the block is large, drawn to the identity where it is small."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import expit

from appetence.models.calibration import (
    SHIFT_PRIOR_SD,
    SLOPE_PRIOR_SD,
    SMALLEST_SLOPE,
    Calibration,
    fit_calibration,
    fit_line,
)


def block(n: int, slope: float, intercept: float, seed: int = 0, level: float = -2.0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    scores = rng.normal(level, 1.2, n)
    return scores, (rng.random(n) < expit(slope * scores + intercept)).astype(float)


def test_identity_changes_nothing():
    scores = np.linspace(-3, 3, 7)
    np.testing.assert_array_equal(Calibration()(scores), scores)


def test_a_large_block_recovers_slope_and_intercept():
    scores, y = block(200_000, 0.6, -0.5)
    found = fit_calibration(scores, y, np.ones(len(y)))
    assert found.slope == pytest.approx(0.6, abs=0.02)
    assert found.intercept == pytest.approx(-0.5, abs=0.05)
    assert expit(found(scores)).sum() == pytest.approx(y.sum(), rel=0.001)


def test_agrees_with_a_general_optimiser():
    scores, y = block(400, 0.5, 0.3)
    weight = np.random.default_rng(1).uniform(0.5, 2, 400)
    mean = np.average(scores, weights=weight)

    def posterior(theta: np.ndarray) -> float:
        eta = mean + theta[0] * (scores - mean) + theta[1]
        prior = ((theta[0] - 1) / SLOPE_PRIOR_SD) ** 2 / 2 + (theta[1] / SHIFT_PRIOR_SD) ** 2 / 2
        return float((weight * (np.logaddexp(0, eta) - y * eta)).sum() + prior)

    slope, shift = minimize(posterior, [1.0, 0.0], method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-12}).x
    found = fit_calibration(scores, y, weight)
    assert found.slope == pytest.approx(slope, abs=1e-6)
    assert found.intercept == pytest.approx(mean * (1 - slope) + shift, abs=1e-5)


def test_few_positives_move_the_slope_less():
    moved = []
    for n in (100, 1_000, 100_000):
        scores, y = block(n, 0.3, 0.0, level=-1.0)
        raw, _ = fit_line(scores, y, np.ones(n))
        moved.append((1 - fit_calibration(scores, y, np.ones(n)).slope) / (1 - raw))
    assert 0 < moved[0] < 0.8 < moved[1] < moved[2] < 1.0


def test_fewer_than_ten_positives_move_the_level_alone():
    scores, _ = block(500, 1.0, 0.0)
    y = np.zeros(500)
    y[:9] = 1
    found = fit_calibration(scores, y, np.ones(500))
    assert found.slope == 1.0
    assert 9 < expit(found(scores)).sum() < expit(scores).sum()


@pytest.mark.parametrize("outcome", [0.0, 1.0])
def test_one_class_stays_finite(outcome):
    scores, _ = block(50, 1.0, 0.0, level=0.0)
    found = fit_calibration(scores, np.full(50, outcome), np.ones(50))
    assert found.slope == 1.0
    assert np.isfinite(found.intercept)
    assert (found.intercept > 0) == (outcome == 1.0)


def test_the_ranking_is_never_reversed():
    scores, y = block(50_000, -1.0, -4.0)
    found = fit_calibration(scores, y, np.ones(len(y)))
    assert found.slope == SMALLEST_SLOPE
    assert expit(found(scores)).mean() == pytest.approx(y.mean(), rel=0.01)


def test_constant_scores_move_the_level():
    y = np.arange(1_000) % 4 == 0
    found = fit_calibration(np.full(1_000, -3.0), y.astype(float), np.ones(1_000))
    assert found.slope == 1.0
    assert expit(found(np.array([-3.0])))[0] == pytest.approx(0.25, abs=0.01)


def test_weight_zero_is_absence():
    scores, y = block(300, 0.7, 0.2)
    weight = (np.arange(300) < 200).astype(float)
    whole = fit_calibration(scores, y, weight)
    part = fit_calibration(scores[:200], y[:200], np.ones(200))
    assert (whole.slope, whole.intercept) == pytest.approx((part.slope, part.intercept))


def test_the_line_is_found_from_far_away_too():
    x = np.linspace(-400, 900, 3_000)
    y = (np.random.default_rng(0).random(3_000) < expit(0.02 * x - 5)).astype(float)
    slope, intercept = fit_line(x, y, np.ones(3_000))
    p = expit(slope * x + intercept)  # at the maximum the residuals are orthogonal to both columns
    assert p.sum() == pytest.approx(y.sum(), rel=1e-6)
    assert p @ x == pytest.approx(y @ x, rel=1e-6)
