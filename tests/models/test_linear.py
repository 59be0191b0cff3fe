"""The linear part against scikit-learn, a grid over the evidence, and its own additivity."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from appetence.models.linear import LevelEffect, LinearFitter, LinearPart, NumberEffect, _quantiles, squash
from appetence.models.logistic import PRECISION_BOUNDS, Around, fit_logistic, refit_logistic


def problem(n: int = 400, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 6))
    y = (rng.random(n) < expit(X @ [1.0, -0.7, 0.4, 0, 0, 0] - 1)).astype(float)
    return X, y, rng.integers(1, 4, n).astype(float)


@pytest.mark.parametrize("precision", [0.5, 5.0, 80.0])
def test_agrees_with_scikit_learn_at_a_given_precision(precision):
    X, y, w = problem()
    coefficients, intercept, _ = fit_logistic(X, y, w, precision)
    reference = LogisticRegression(C=1 / precision, tol=1e-10, max_iter=1_000).fit(X, y, sample_weight=w)
    np.testing.assert_allclose(coefficients, reference.coef_[0], atol=1e-6)
    assert intercept == pytest.approx(reference.intercept_[0], abs=1e-6)


def test_precision_is_a_fixed_point_of_the_evidence():
    X, y, w = problem()
    beta, intercept, precision = fit_logistic(X, y, w)
    p = expit(X @ beta + intercept)
    design = np.column_stack([np.ones(len(X)), X])
    curvature = (design.T * (w * p * (1 - p))) @ design
    regular = curvature + precision * np.diag([0.0] + [1.0] * 6)
    effective = 6 - precision * np.trace(np.linalg.inv(regular)[1:, 1:])
    assert precision == pytest.approx(effective / (beta @ beta), rel=1e-5)


def test_weights_are_repetitions_and_the_start_does_not_matter():
    X, y, w = problem()
    rows = np.repeat(np.arange(len(y)), w.astype(int))
    weighted = fit_logistic(X, y, w)
    repeated = fit_logistic(X[rows], y[rows], np.ones(len(rows)))
    np.testing.assert_allclose(weighted[0], repeated[0], atol=1e-8)
    assert weighted[2] == pytest.approx(repeated[2])
    started = fit_logistic(X, y, w, 3.0, start=np.full(6, 2.0))
    np.testing.assert_allclose(started[0], fit_logistic(X, y, w, 3.0)[0], atol=1e-6)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_refit_on_a_part_finds_the_optimum_of_that_part(dtype):
    X, y, w = problem(3_000)
    wide = np.column_stack([X, X[:, :3] > 1]).astype(dtype)
    coefficients, level, precision = fit_logistic(wide, y, w)
    around = Around.of(wide, w, coefficients, level)
    part = np.arange(3_000) % 3 != 0
    found, intercept = refit_logistic(wide[part], y[part], w[part], precision, around)
    exact = fit_logistic(wide[part].astype(np.float64), y[part], w[part], precision)
    assert np.abs(exact[0] - coefficients).max() > 0.01
    np.testing.assert_allclose(found, exact[0], atol=3e-4)  # a standard error is .05
    assert intercept == pytest.approx(exact[1], abs=3e-4)


def test_half_the_precision_of_numbers_gives_the_same_evidence():
    X, y, w = problem(3_000)
    double, single = fit_logistic(X, y, w), fit_logistic(X.astype(np.float32), y, w)
    np.testing.assert_allclose(single[0], double[0], atol=1e-4)
    assert single[2] == pytest.approx(double[2], rel=1e-3)


@given(st.lists(st.integers(0, 9), min_size=1, max_size=120))
def test_quantiles_without_weights_are_those_of_equal_weights(values):
    x, share = np.array(values, dtype=float), np.array([0.5, 0.25, 0.75, 0.05, 0.95, 0.01, 0.99])
    np.testing.assert_array_equal(_quantiles(x, share, None), _quantiles(x, share, np.full(len(x), 1.0)))


def test_noise_is_shrunk_away_and_separation_stays_finite():
    rng = np.random.default_rng(1)
    noise = rng.normal(size=(300, 10))
    coefficients, _, precision = fit_logistic(noise, (np.arange(300) % 2).astype(float), np.ones(300))
    assert precision > 100
    assert np.abs(coefficients).max() < 0.1
    x = np.linspace(-1, 1, 40)[:, None]
    coefficients, _, precision = fit_logistic(x, (x[:, 0] > 0).astype(float), np.ones(40))
    assert precision == PRECISION_BOUNDS[0]
    reference = minimize(
        lambda b: np.logaddexp(0, x[:, 0] * b[0]).sum() - b[0] * x[x > 0].sum() + 0.5 * b[0] ** 2, [0.0]
    ).x
    assert coefficients[0] == pytest.approx(reference[0], rel=1e-3)


def test_squash_is_the_identity_near_the_centre_and_bounded_far_away():
    z = np.array([-1e12, -0.01, 0.0, 0.01, 1e12])
    np.testing.assert_allclose(squash(5 + 2 * z, 5.0, 2.0), [-3, -0.01, 0, 0.01, 3], rtol=1e-4, atol=1e-12)


def mixed(n: int = 900, seed: int = 2) -> tuple[np.ndarray, np.ndarray]:
    """Three columns: a number with missing values, one that is zero for most, and codes 0 to 4."""
    rng = np.random.default_rng(seed)
    encoded = np.column_stack(
        [rng.normal(3, 2, n), np.where(rng.random(n) < 0.9, 0, rng.exponential(5, n)), rng.integers(0, 4, n)]
    )
    encoded[rng.random(n) < 0.2, 0] = np.nan
    score = np.nan_to_num(encoded[:, 0] - 3, nan=2.0) * 0.6 + (encoded[:, 1] > 0) - (encoded[:, 2] == 3)
    return encoded, (rng.random(n) < expit(score)).astype(float)


def test_parts_add_up_are_centred_and_follow_the_effects():
    encoded, y = mixed()
    weight = np.random.default_rng(0).uniform(0.5, 2, len(y))
    part = LinearFitter(encoded, y, weight, [2], [5]).fit_all()
    contributions = part.contributions(encoded)
    np.testing.assert_allclose(contributions.sum(axis=1), part.margin(encoded), atol=1e-12)
    np.testing.assert_allclose(weight @ contributions / weight.sum(), 0, atol=1e-12)
    number, _, levels = part.effects
    assert isinstance(number, NumberEffect)
    assert number.slope > 0.5
    assert number.missing > 0.5
    assert isinstance(levels, LevelEffect)
    assert levels.effects[3] < min(levels.effects[:3])
    assert len(levels.effects) == 5  # a code that training never showed has the effect of an average level
    assert np.isfinite(part.contributions(np.array([[np.nan, np.nan, 4.0]]))).all()


def test_scaled_multiplies_everything_but_the_bias_given():
    encoded, y = mixed()
    part = LinearFitter(encoded, y, np.ones(len(y)), [2], [5]).fit_all()
    half = part.scaled(0.5, -2.0)
    np.testing.assert_allclose(half.contributions(encoded), 0.5 * part.contributions(encoded), atol=1e-12)
    assert half.bias == -2.0
    assert LinearPart.from_contract(half.to_contract()) == half


def test_cross_fitted_margins_have_not_seen_their_own_labels():
    encoded, y = mixed(300)
    folds = np.arange(300) % 3
    fitter = LinearFitter(encoded, y, np.ones(300), [2], [5])
    fitter.fit_all()
    before = fitter.cross_fit(folds)
    flipped = np.where(folds == 1, 1 - y, y)
    other = LinearFitter(encoded, flipped, np.ones(300), [2], [5])
    other.precision = fitter.precision
    np.testing.assert_allclose(other.cross_fit(folds)[folds == 1], before[folds == 1], atol=1e-5)
    assert np.abs(other.cross_fit(folds)[folds != 1] - before[folds != 1]).max() > 0.1


def test_nested_margins_have_not_seen_rows_outside():
    encoded, y = mixed(300)
    folds = np.arange(300) % 3
    train = np.flatnonzero(folds != 2)
    fitter = LinearFitter(encoded, y, np.ones(300), [2], [5])
    fitter.fit_all()
    other = LinearFitter(encoded, np.where(folds == 2, 1 - y, y), np.ones(300), [2], [5])
    other.precision = fitter.precision
    np.testing.assert_allclose(other.cross_fit(folds, train), fitter.cross_fit(folds, train), atol=1e-5)


@pytest.mark.parametrize("most", [10_000, 400])
def test_a_large_design_gives_the_margins_of_a_small_one(monkeypatch, most):
    monkeypatch.setattr("appetence.models.linear.MOST_ROWS", most)
    encoded, y = mixed(600)
    folds = np.arange(600) % 3
    exact = LinearFitter(encoded, y, np.ones(600), [2], [5])
    exact.fit_all()
    monkeypatch.setattr("appetence.models.linear.SINGLE_CELLS", 1)
    quick = LinearFitter(encoded, y, np.ones(600), [2], [5])
    part = quick.fit_all()
    np.testing.assert_allclose(quick.cross_fit(folds), exact.cross_fit(folds), atol=5e-3)
    rows = np.flatnonzero(folds == 0)
    np.testing.assert_allclose(quick.margins(np.arange(600), rows), part.margin(encoded)[rows], atol=1e-3)


def test_slopes_of_a_forbidden_sign_are_zero():
    X, y, w = problem()
    free = LinearFitter(X, y, w).fit_all()
    assert free.effects[0].slope > 0 > free.effects[1].slope
    held = LinearFitter(X, y, w, monotone=[-1, -1, 0, 0, 0, 0]).fit_all()
    assert held.effects[0].slope == 0
    assert held.effects[1].slope < 0


def test_many_rows_are_thinned_without_changing_the_answer(monkeypatch):
    X, y, _ = problem(4_000)
    full = LinearFitter(X, y, np.ones(4_000)).fit_all()
    monkeypatch.setattr("appetence.models.linear.MOST_ROWS", 3_000)
    thinned = LinearFitter(X, y, np.ones(4_000)).fit_all()
    assert thinned.effects[0] != full.effects[0]
    assert thinned.effects[0].slope == pytest.approx(full.effects[0].slope, abs=0.15)
