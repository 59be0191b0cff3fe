"""Curves of held-out scores against scikit-learn, scipy and numbers worked by hand."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest
from sklearn.calibration import calibration_curve

from appetence.models import metrics
from appetence.models.evaluation import within_dates
from appetence.models.fitting import Predictions
from appetence.models.held_out import BEST, BY_MONEY, MODEL, gains_curve, measure_held_out, reliability, wilson
from appetence.models.outflows import Outflows

DATES = np.array(["2023-01-01", "2023-07-01"], "datetime64[D]")
SHARES = np.linspace(0.0, 1.0, 51)


def predictions(n: int = 2_000, seed: int = 0, **changes: object) -> Predictions:
    rng = np.random.default_rng(seed)
    p = rng.beta(1, 8, n)
    y = (rng.random(n) < p).astype(np.int64)
    given = {"rows": np.arange(n), "y": y, "p": p, "baselines": {"base rate": np.full(n, 0.1)}}
    return Predictions(**(given | {"unit": np.arange(n) // 2, "date": np.repeat(DATES, n // 2)} | changes))


def test_reliability_is_scikit_learns_and_its_error_the_mean_distance():
    tested = predictions()
    bins, error, _ = reliability(tested.y.astype(float), tested.p, tested.unit, 50, 0)
    observed, mean = calibration_curve(tested.y, tested.p, n_bins=10, strategy="quantile")
    np.testing.assert_allclose([one.observed for one in bins], observed)
    np.testing.assert_allclose([one.mean_score for one in bins], mean)
    assert error == pytest.approx(np.abs(observed - mean).mean())  # bins of equal size
    assert all(one.low <= one.observed <= one.high for one in bins)


def test_perfect_probabilities_have_the_error_that_chance_gives_them():
    tested = predictions(4_000)
    rng = np.random.default_rng(1)
    found = [
        reliability((rng.random(4_000) < tested.p).astype(float), tested.p, tested.unit, 2, 0)[1:] for _ in range(100)
    ]
    errors, chance = np.array(found).T
    assert np.ptp(chance) == 0  # it depends on the probabilities alone
    assert chance[0] == pytest.approx(errors.mean(), rel=0.06)


def test_intervals_know_of_empty_bins_and_of_households():
    y, p = np.zeros(1_000), np.linspace(0.001, 0.02, 1_000)
    lowest = reliability(y, p, np.arange(1_000), 50, 0)[0][0]
    wanted = binomtest(0, 100).proportion_ci(method="wilson")
    assert (lowest.low, lowest.high) == pytest.approx((wanted.low, wanted.high), abs=1e-12)
    together = np.repeat(np.arange(20) % 4 == 0, 50).astype(float)  # twenty units that do the same
    alone = reliability(together, np.full(1_000, 0.25), np.arange(1_000), 200, 0)[0][0]
    drawn = reliability(together, np.full(1_000, 0.25), np.arange(1_000) // 50, 200, 0)[0][0]
    assert drawn.high - drawn.low > 3 * (alone.high - alone.low)


@given(events=st.integers(0, 40), rows=st.integers(40, 400))
@settings(max_examples=30, deadline=None)
def test_wilson_is_scipys(events, rows):
    low, high = wilson(np.array([events / rows]), np.array([float(rows)]))
    wanted = binomtest(events, rows).proportion_ci(method="wilson")
    assert (low[0], high[0]) == pytest.approx((wanted.low, wanted.high), abs=1e-12)


@given(seed=st.integers(0, 1_000), digits=st.integers(1, 6))
@settings(max_examples=15, deadline=None)
def test_gains_are_the_capture_at_every_share_with_ties(seed, digits):
    tested = predictions(300, seed)
    y, score = tested.y.astype(float), np.round(tested.p, digits)
    curve = gains_curve(y, score, tested.date, SHARES)
    for share, value in zip(SHARES[1:], curve[1:], strict=True):
        capture = within_dates(partial(metrics.capture_at, share=share), tested.date)
        assert value == pytest.approx(capture(y, score, None))
    assert curve[0] == 0.0


def test_gains_by_hand():
    date = np.repeat(DATES[:1], 4)
    found = gains_curve(np.array([1.0, 0, 1, 0]), np.array([0.9, 0.8, 0.2, 0.1]), date, np.array([0.25, 0.5, 0.75]))
    assert found.tolist() == [0.5, 0.5, 1.0]


def test_curves_of_a_question_without_money_have_none_and_of_attrition_weigh_what_clients_hold():
    tested = predictions()
    plain = measure_held_out(tested, None, 20, 0)
    assert (plain.stake, plain.money) == (None, ())
    gains = {curve.name: np.array(curve.found) for curve in plain.gains}
    assert list(gains) == [MODEL, "base rate", BEST]
    np.testing.assert_allclose(gains["base rate"], SHARES, atol=1e-6)
    assert (gains[BEST] >= gains[MODEL] - 1e-9).all()

    assets = np.random.default_rng(2).lognormal(8, 2, 2_000)
    held = measure_held_out(tested, np.where(np.arange(2_000) % 50 == 0, np.nan, assets), 20, 0)
    money = {curve.name: np.array(curve.found) for curve in held.money}
    assert held.stake == "assets"
    top = tested.p[:1_000].argsort()[::-1][:100]
    other = 1_000 + tested.p[1_000:].argsort()[::-1][:100]
    rows = np.concatenate([top, other])
    lost = np.where(np.arange(2_000) % 50 == 0, 0.0, assets) * tested.y
    assert money[MODEL][5] == pytest.approx(lost[rows].sum() / lost.sum(), abs=1e-6)
    assert money[BY_MONEY][5] > money[MODEL][5]


def test_money_that_left_is_ranked_by_what_was_expected():
    tested = predictions()
    lost = tested.y * np.linspace(1.0, 100.0, 2_000)
    money = Outflows(lost, lost + 1.0, {"mean outflow": np.ones(2_000)})
    found = measure_held_out(predictions(outflows=money), None, 20, 0)
    curves = {curve.name: curve.found for curve in found.money}
    assert found.stake == "outflow"
    assert curves[BY_MONEY] == curves[BEST]  # what was expected has the order of what left
    assert curves["mean outflow"][25] == pytest.approx(0.5, abs=1e-6)


def test_scores_are_spread_over_bins_of_the_log_odds_and_a_shift_is_seen():
    tested = predictions()
    found = measure_held_out(tested, None, 20, 0)
    margin = np.log(tested.p / (1 - tested.p))
    counted = np.histogram(margin[tested.y == 1], found.spread.edges)[0]
    assert abs(np.array(found.spread.happened) - counted / counted.sum()).sum() < 0.01  # edges are kept rounded
    assert sum(found.spread.did_not) == pytest.approx(1.0, abs=1e-4)
    (same,) = found.shifts
    assert same.date == "2023-07-01"
    assert same.psi < same.limit
    moved = np.where(tested.date == DATES[1], tested.p**0.5, tested.p)
    (shift,) = measure_held_out(predictions(p=moved), None, 20, 0).shifts
    assert shift.psi > 10 * shift.limit
    constant = measure_held_out(predictions(p=np.full(2_000, 0.1)), None, 20, 0)
    assert len(constant.reliability) == 1
    assert constant.shifts[0].psi == 0.0
