from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit

from appetence.models import metrics
from appetence.models.backtests.draws import Rows, draw_units, figures_of, interval
from appetence.models.evaluation import within_dates
from appetence.models.profit import expected_maximum_profit

DATES = ("2023-01-01", "2023-07-01")


def parts(n: int = 600, seed: int = 1, digits: int = 3) -> dict[str, Rows]:
    """Rows of two dates with ties, of the same 60 units."""
    rng = np.random.default_rng(seed)
    found = {}
    for date in DATES:
        x = rng.normal(size=n)
        y = (rng.random(n) < expit(x - 2)).astype(float)
        p = np.round(expit(0.8 * x - 1.8), digits)
        found[date] = Rows(y, p, rng.integers(0, 60, n), rng.lognormal(size=n), True)
    return found


def plainly(rows: dict[str, Rows], times: np.ndarray) -> dict[str, float]:
    """The same figures of one draw by the plain functions, over dates joined."""
    y, p, money = (np.concatenate([getattr(one, name) for one in rows.values()]) for name in ("y", "p", "money"))
    w = np.concatenate([times[one.unit] for one in rows.values()]).astype(float)
    date = np.repeat(np.array(list(rows), dtype="datetime64[D]"), [len(one.y) for one in rows.values()])
    caught = {
        d: metrics.capture_at(y[date == d], p[date == d], w[date == d], money=money[date == d]) for d in set(date)
    }
    stake = {d: float(w[date == d] @ (y * money)[date == d]) for d in set(date)}
    profit = {d: expected_maximum_profit(y[date == d], p[date == d], w[date == d]).value for d in set(date)}
    mass = {d: w[date == d].sum() for d in set(date)}
    days = list(caught)
    return {
        "auc": within_dates(metrics.auc, date)(y, p, w),
        "average_precision": within_dates(metrics.average_precision, date)(y, p, w),
        "lift_10": within_dates(partial(metrics.lift_at, share=0.1), date)(y, p, w),
        "money_10": np.average([caught[d] for d in days], weights=[stake[d] for d in days]),
        "empc": np.average([profit[d] for d in days], weights=[mass[d] for d in days]),
        "log_loss": metrics.log_loss(y, p, w),
        "brier": metrics.brier(y, p, w),
        "calibration_slope": metrics.calibration_slope_intercept(y, p, w)[0],
        "observed_expected": metrics.observed_expected(y, p, w),
    }


def test_every_figure_of_every_draw_is_that_of_the_plain_function():
    rows, times = parts(), draw_units(60, 12, seed=3)
    found = figures_of(rows, times)
    for k, draw in enumerate(times):
        expected = plainly(rows, draw)
        assert set(expected) == set(found.pooled)
        for name, value in expected.items():
            assert found.pooled[name][k] == pytest.approx(value, rel=1e-6), name
        for date in DATES:
            for name, value in plainly({date: rows[date]}, draw).items():
                assert found.by_date[date][name][k] == pytest.approx(value, rel=1e-6), name


def test_draws_are_whole_units_and_the_first_is_the_data():
    times = draw_units(50, 30, seed=1)
    assert np.array_equal(times[0], np.ones(50))
    assert np.array_equal(times.sum(axis=1), np.full(31, 50))
    assert not np.array_equal(draw_units(50, 30, seed=2)[1:], times[1:])


def test_a_constant_score_has_an_auc_of_a_half_and_no_slope():
    rows = {date: Rows(one.y, np.full(len(one.y), 0.1), one.unit) for date, one in parts().items()}
    found = figures_of(rows, draw_units(60, 5, seed=1)).pooled
    assert found["auc"] == pytest.approx(np.full(6, 0.5))
    assert found["lift_10"] == pytest.approx(np.ones(6))
    assert np.isnan(found["calibration_slope"]).all()
    assert "calibration_slope" not in figures_of(rows, draw_units(60, 5, seed=1), slope=False).pooled
    assert "money_10" not in found
    assert "empc" not in found


def test_a_date_without_events_says_nothing_of_the_order():
    rows = parts()
    quiet = rows | {"2024-01-01": Rows(np.zeros(50), np.linspace(0.1, 0.2, 50), np.arange(50), np.ones(50), True)}
    times = draw_units(60, 5, seed=1)
    with_it, without = figures_of(quiet, times), figures_of(rows, times)
    for name in ("auc", "average_precision", "lift_10", "money_10"):
        assert with_it.pooled[name] == pytest.approx(without.pooled[name])
    assert with_it.pooled["log_loss"][0] != without.pooled["log_loss"][0]
    assert np.isnan(with_it.by_date["2024-01-01"]["auc"]).all()


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 40), st.integers(0, 2))
def test_small_and_tied_rows_agree_too(seed, n, digits):
    rows, times = parts(n, seed, digits), draw_units(60, 3, seed)
    found = figures_of(rows, times).pooled
    date = DATES[0]
    one = {date: rows[date]}
    alone = figures_of(one, times).pooled
    for k, draw in enumerate(times):
        w = draw[rows[date].unit].astype(float)
        if w.sum() == 0:
            continue
        for name, metric in (("auc", metrics.auc), ("log_loss", metrics.log_loss), ("brier", metrics.brier)):
            assert alone[name][k] == pytest.approx(metric(rows[date].y, rows[date].p, w), nan_ok=True), name
    assert np.isfinite(found["log_loss"][0])


def test_an_interval_is_of_the_draws_that_have_the_figure():
    found = interval(np.array([5.0, 1.0, np.nan, 2.0, 3.0]))
    assert found.value == 5.0
    assert (found.low, found.high) == pytest.approx(tuple(np.quantile([1.0, 2.0, 3.0], [0.025, 0.975])))
    assert np.isnan(interval(np.array([1.0, np.nan])).low)
