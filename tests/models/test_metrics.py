"""Metrics against scikit-learn, and against numbers worked by hand."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk
from sklearn.linear_model import LogisticRegression

from appetence.models import metrics


def sample(n: int = 500, seed: int = 0, ties: bool = True) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    p = rng.beta(1, 4, n)
    y = (rng.random(n) < p).astype(float)
    return y, np.round(p, 2) if ties else p, rng.integers(0, 4, n).astype(float)


@pytest.mark.parametrize(
    ("own", "theirs"),
    [
        (metrics.auc, sk.roc_auc_score),
        (metrics.average_precision, sk.average_precision_score),
        (metrics.log_loss, partial(sk.log_loss, labels=[0, 1])),
        (metrics.brier, sk.brier_score_loss),
    ],
)
@given(seed=st.integers(0, 10_000), weighted=st.booleans())
@settings(max_examples=25, deadline=None)
def test_agrees_with_scikit_learn(own, theirs, seed, weighted):
    y, p, w = sample(200, seed)
    p = p.clip(0.01, 0.99)  # scikit-learn clips elsewhere than at 1e-15
    w = w if weighted else None
    assert own(y, p, w) == pytest.approx(theirs(y, p, sample_weight=w), abs=1e-12)


def test_one_class_has_no_ranking_but_a_loss():
    y, p = np.zeros(5), np.linspace(0.1, 0.5, 5)
    assert np.isnan(metrics.auc(y, p))
    assert np.isnan(metrics.average_precision(y, p))
    assert np.isnan(metrics.capture_at(y, p))
    assert metrics.log_loss(y, p) == pytest.approx(-np.log(1 - p).mean())


def test_calibration_line_is_the_unpenalised_logistic_fit():
    y, p, w = sample(2_000, ties=False)
    distorted = p**1.5
    slope, intercept = metrics.calibration_slope_intercept(y, distorted, w)
    reference = LogisticRegression(C=np.inf, tol=1e-10, max_iter=1_000)
    reference.fit(np.log(distorted / (1 - distorted))[:, None], y, sample_weight=w)
    assert slope == pytest.approx(reference.coef_[0, 0], abs=1e-5)
    assert intercept == pytest.approx(reference.intercept_[0], abs=1e-5)
    assert slope < 1  # the scores were made too extreme


def test_calibration_line_is_not_defined_where_scores_separate_the_classes():
    assert all(np.isnan(metrics.calibration_slope_intercept([0, 0, 1, 1], [0.1, 0.2, 0.3, 0.4])))
    assert all(np.isnan(metrics.calibration_slope_intercept([0, 0], [0.1, 0.2])))


def test_observed_over_expected_by_hand():
    y, p, w = [1, 0, 1, 0], [0.5, 0.25, 0.5, 0.25], [1, 1, 2, 0]
    assert metrics.observed_expected(y, p) == pytest.approx(2 / 1.5)
    assert metrics.observed_expected(y, p, w) == pytest.approx(3 / 1.75)
    assert np.isnan(metrics.observed_expected([1], [0.0]))


def test_reliability_bins_sum_to_the_whole_and_keep_ties_together():
    y, p, w = sample(1_000)
    bins = metrics.reliability_bins(y, p, w)
    assert sum(b.rows for b in bins) == 1_000
    assert sum(b.observed for b in bins) == pytest.approx(w @ y)
    assert sum(b.expected for b in bins) == pytest.approx(w @ p)
    assert [b.mean_score for b in bins] == sorted(b.mean_score for b in bins)
    assert len(metrics.reliability_bins([0, 1, 0], [0.2, 0.2, 0.2])) == 1
    halves = metrics.reliability_bins([0, 1, 1, 1], [0.1, 0.3, 0.5, 0.7], n_bins=2)
    assert [(b.rows, b.observed, b.expected) for b in halves] == [
        (2, 1.0, pytest.approx(0.4)),
        (2, 2.0, pytest.approx(1.2)),
    ]
    assert halves[0].ratio == pytest.approx(2.5)


def test_lift_and_capture_by_hand():
    y = [1, 0, 1, 0, 0, 0, 0, 0, 1, 0]
    p = [0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1, 0.05]
    assert metrics.capture_at(y, p, share=0.1) == pytest.approx(1 / 3)
    assert metrics.lift_at(y, p, share=0.1) == pytest.approx(10 / 3)
    assert metrics.capture_at(y, p, share=0.25) == pytest.approx(1.5 / 3)  # half of the third row fits
    money = [100, 5, 300, 5, 5, 5, 5, 5, 600, 5]
    assert metrics.capture_at(y, p, share=0.3, money=money) == pytest.approx(400 / 1_000)
    assert metrics.capture_at(y, p, share=1.0, money=money) == 1.0


def test_constant_scores_have_no_lift():
    y, _, w = sample(300)
    assert metrics.lift_at(y, np.full(300, 0.3), w) == pytest.approx(1.0)
    assert metrics.auc(y, np.full(300, 0.3), w) == pytest.approx(0.5)


def test_interval_holds_the_value_and_resamples_groups_as_wholes():
    y, p, _ = sample(400, ties=False)
    alone = metrics.bootstrap_intervals(metrics.auc, y, p, n=100, seed=1)
    assert alone.low < alone.value < alone.high
    twice = [np.concatenate([a, a]) for a in (y, p)]
    groups = np.tile(np.arange(400), 2)
    together = metrics.bootstrap_intervals(metrics.auc, *twice, groups, n=100, seed=1)
    assert (together.low, together.high) == pytest.approx((alone.low, alone.high))  # copies are no new evidence
    naive = metrics.bootstrap_intervals(metrics.auc, *twice, n=100, seed=1)
    assert naive.high - naive.low < 0.85 * (alone.high - alone.low)


def test_interval_agrees_with_resampling_rows_by_hand():
    y, p, _ = sample(60)
    groups = np.arange(60) // 3
    rng = np.random.default_rng([7, 0x626F6F74])
    values = []
    for _ in range(50):
        drawn = rng.integers(0, 20, 20)
        rows = np.concatenate([np.flatnonzero(groups == g) for g in drawn])
        values.append(metrics.brier(y[rows], p[rows]))
    found = metrics.bootstrap_intervals(metrics.brier, y, p, groups, n=50, seed=7)
    assert (found.low, found.high) == pytest.approx(tuple(np.quantile(values, [0.025, 0.975])))


def test_paired_difference_is_narrower_than_its_parts():
    y, p, _ = sample(600, ties=False)
    worse = p + np.random.default_rng(3).normal(0, 0.1, 600)
    found = metrics.paired_difference(metrics.auc, y, p, worse, n=100)
    single = metrics.bootstrap_intervals(metrics.auc, y, p, n=100)
    assert found.value == pytest.approx(metrics.auc(y, p) - metrics.auc(y, worse))
    assert 0 < found.low < found.high
    assert found.high - found.low < single.high - single.low


def test_same_seed_same_interval():
    y, p, _ = sample(100)
    first = metrics.bootstrap_intervals(metrics.brier, y, p, n=20, seed=5)
    assert first == metrics.bootstrap_intervals(metrics.brier, y, p, n=20, seed=5)
    assert first != metrics.bootstrap_intervals(metrics.brier, y, p, n=20, seed=6)


@pytest.mark.parametrize(
    ("y", "p", "weight", "message"),
    [
        ([0, 1], [0.1], None, "one shape"),
        ([0, 2], [0.1, 0.2], None, "labels must be 0 or 1"),
        ([0, 1], [0.1, np.nan], None, "finite"),
        ([0, 1], [0.1, 1.2], None, "probabilities"),
        ([0, 1], [0.1, 0.2], [1, -1], "weights"),
    ],
)
def test_refuses_what_cannot_be_judged(y, p, weight, message):
    with pytest.raises(metrics.MetricError, match=message):
        metrics.brier(y, p, weight)
    with pytest.raises(metrics.MetricError, match="share"):
        metrics.capture_at([0, 1], [0.1, 0.2], share=0.0)
