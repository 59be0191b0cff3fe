import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as reference
from sklearn.linear_model import LogisticRegression

from appetence.models.metrics import (
    auc,
    average_precision,
    bootstrap_interval,
    brier,
    calibration_slope_intercept,
    capture_at,
    lift_at,
    log_loss,
    map_at_k,
    observed_expected,
)

scored = st.lists(
    st.tuples(st.booleans(), st.sampled_from([0.01, 0.1, 0.2, 0.35, 0.5, 0.9])), min_size=4, max_size=60
).filter(lambda rows: len({y for y, _ in rows}) == 2)


def arrays(rows):
    return np.array([int(y) for y, _ in rows]), np.array([p for _, p in rows])


@given(scored)
def test_ranking_and_losses_are_those_of_scikit_learn_ties_included(rows):
    y, p = arrays(rows)
    assert auc(y, p) == pytest.approx(reference.roc_auc_score(y, p))
    assert average_precision(y, p) == pytest.approx(reference.average_precision_score(y, p))
    assert log_loss(y, p) == pytest.approx(reference.log_loss(y, p))
    assert brier(y, p) == pytest.approx(reference.brier_score_loss(y, p))


def test_one_class_says_nothing():
    y, p = np.zeros(5, dtype=int), np.full(5, 0.2)
    figures = [auc(y, p), average_precision(y, p), lift_at(y, p, 0.1), capture_at(y, p, 0.1)]
    assert all(math.isnan(value) for value in (*figures, *calibration_slope_intercept(y, p)))
    assert observed_expected(y, p) == 0


def test_slope_and_intercept_are_those_of_a_logistic_regression_on_the_log_odds():
    rng = np.random.default_rng(5)
    z = rng.normal(-2, 1.5, 20_000)
    y = (rng.random(len(z)) < 1 / (1 + np.exp(-(0.6 * z + 0.4)))).astype(int)
    slope, intercept = calibration_slope_intercept(y, 1 / (1 + np.exp(-z)))
    fitted = LogisticRegression(C=np.inf).fit(z[:, None], y)
    assert slope == pytest.approx(fitted.coef_[0, 0], abs=1e-3)
    assert intercept == pytest.approx(fitted.intercept_[0], abs=1e-3)


def test_lift_capture_and_observed_to_expected_by_hand():
    y = np.array([1, 0, 1, 0, 0, 0, 0, 0, 0, 1])
    p = np.array([0.9, 0.8, 0.3, 0.2, 0.2, 0.2, 0.1, 0.1, 0.1, 0.1])
    assert lift_at(y, p, 0.2) == pytest.approx(0.5 / 0.3)
    assert capture_at(y, p, 0.3) == pytest.approx(2 / 3)
    assert capture_at(y, p, 0.1, money=np.array([10.0, 5, 20, 0, 0, 0, 0, 0, 0, 70])) == pytest.approx(0.1)
    assert observed_expected(y, p) == pytest.approx(1.0)


def test_map_at_k_by_hand():
    relevant = np.array([[1.0, 0, 1], [0, 0, 1], [0, 0, 0], [1, 0, 0]])
    score = np.array([[0.9, 0.5, 0.1], [0.1, 0.2, 0.3], [0.3, 0.2, 0.1], [0.1, 0.5, np.nan]])
    # rows: (1/1 + 2/3) / 2, 1, 0, 1/2
    assert map_at_k(relevant, score, 3) == pytest.approx((5 / 6 + 1 + 0 + 0.5) / 4)
    assert map_at_k(relevant, score, 1) == pytest.approx((1 + 1 + 0 + 0) / 4)


def test_what_could_not_be_proposed_is_never_a_hit():
    assert map_at_k(np.array([[1.0, 0.0]]), np.array([[np.nan, 0.1]]), 2) == 0.0


def test_the_interval_covers_the_truth_as_often_as_it_says():
    rng = np.random.default_rng(11)
    covered = 0
    for seed in range(60):
        # households of five share their fate: rows are far from independent
        y = np.repeat((rng.random(80) < 0.3).astype(int), 5)
        low, high = bootstrap_interval(
            lambda y, p: float(y.mean()), y, np.ones(400), np.repeat(np.arange(80), 5), 200, seed
        )
        covered += low <= 0.3 <= high
    assert covered >= 50


def test_the_interval_is_the_same_for_the_same_seed_and_draws_whole_groups():
    y, groups = np.array([1, 1, 0, 0]), np.array(["a", "a", "b", "b"])
    seen = set()

    def watch(y, p):
        seen.add(float(y.sum()))
        return float(y.mean())

    first = bootstrap_interval(watch, y, np.ones(4), groups, 50, 3)
    assert first == bootstrap_interval(watch, y, np.ones(4), groups, 50, 3)
    assert seen == {0.0, 2.0, 4.0}


def test_an_interval_of_nothing_is_unknown():
    low, high = bootstrap_interval(auc, np.zeros(4, dtype=int), np.ones(4), np.arange(4), 20, 1)
    assert math.isnan(low)
    assert math.isnan(high)
