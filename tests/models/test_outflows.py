from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appetence.models.dataset import Amounts
from appetence.models.outflows import (
    CARRIED,
    MEAN_OUTFLOW,
    MEAN_SHARE,
    Outflows,
    measure_outflows,
    plain_forecasts,
    pooled_outflows,
)

LOST = np.array([0.0, 100.0, 0.0, 300.0])
EXPECTED = np.array([10.0, 50.0, 20.0, 120.0])
PLAIN = {MEAN_SHARE: np.array([100.0, 100.0, 0.0, 0.0])}


def test_the_figures_are_those_worked_out_by_hand():
    """Errors 10 + 50 + 20 + 180 over four rows; the plain forecast's 100 + 0 + 0 + 300."""
    found = measure_outflows(Outflows(LOST, EXPECTED, PLAIN), np.arange(4), 50, seed=1)
    assert (found.realised, found.model.promised, found.rows) == (400.0, 200.0, 4)
    assert found.model.ratio.value == pytest.approx(2.0)
    assert found.model.mae.value == pytest.approx(65.0)
    assert found.nothing == pytest.approx(100.0)
    plain = found.baselines[MEAN_SHARE]
    assert (plain.promised, plain.ratio.value, plain.mae.value) == (200.0, pytest.approx(2.0), pytest.approx(100.0))
    assert found.gains[MEAN_SHARE].value == pytest.approx(35.0)
    # a tenth of four rows is two fifths of the one with most expected
    assert found.model.capture_10.value == pytest.approx(0.4 * 300 / 400)
    assert plain.capture_10.value == pytest.approx(0.2 * 100 / 400)  # two rows tie for the first place
    assert [row["realised"] for row in found.deciles] == [0.0, 0.0, 100.0, 300.0]
    flat = found.flat()
    assert flat["outflow/mae"] == pytest.approx(65.0)
    assert flat["outflow/mean_share_of_balances/mae"] == pytest.approx(100.0)
    assert found.csv().splitlines()[0] == "decile,rows,promised,realised"


def test_units_move_together_in_the_intervals():
    one_unit = measure_outflows(Outflows(LOST, EXPECTED, PLAIN), np.zeros(4, dtype=int), 30, seed=1)
    for found in (one_unit.model.ratio, one_unit.model.mae, one_unit.gains[MEAN_SHARE]):
        assert found.low == pytest.approx(found.value) == pytest.approx(found.high)
    apart = measure_outflows(Outflows(LOST, EXPECTED, PLAIN), np.arange(4), 30, seed=1)
    assert apart.model.mae.low < 65 < apart.model.mae.high


@settings(max_examples=20, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 1e6), st.floats(0, 1e6)), min_size=1, max_size=40), st.integers(0, 99))
def test_totals_and_errors_against_plain_sums(pairs, seed):
    lost, expected = (np.array(column) for column in zip(*pairs, strict=True))
    found = measure_outflows(Outflows(lost, expected, {}), np.arange(len(lost)) // 2, 20, seed)
    assert found.model.promised == pytest.approx(sum(expected))
    assert found.model.mae.value == pytest.approx(sum(abs(a - b) for a, b in pairs) / len(pairs))
    assert sum(row["realised"] for row in found.deciles) == pytest.approx(found.realised)
    assert sum(row["rows"] for row in found.deciles) == len(pairs)
    assert all(np.isfinite(value) for value in found.flat().values())


def test_nothing_expected_and_nothing_lost_have_no_ratio_and_stop_nothing():
    nothing = np.zeros(4)
    found = measure_outflows(Outflows(nothing, nothing, {MEAN_OUTFLOW: nothing}), np.arange(4), 20, seed=1)
    assert np.isnan(found.model.ratio.value)
    assert found.as_dict()["model"]["realised_over_promised"] == {"value": None, "low": None, "high": None}
    assert "outflow/ratio" not in found.flat()


def test_plain_rules_expect_what_one_works_out_by_hand(make_labelled):
    labelled = make_labelled(6)
    base, lost = np.array([100.0, 300.0, 100.0, 500.0, 50.0, 200.0]), np.array([0.0, 90.0, 0.0, 0.0, 0.0, 0.0])
    labelled = replace(labelled, amounts=Amounts(base, lost))
    cuts = [day.astype(object) for day in np.unique(labelled.cut)]
    known, test = labelled.block(cuts[:1]), labelled.block(cuts[1:])
    assert known.amounts.base.tolist() == [100.0, 100.0, 50.0]
    known = replace(known, amounts=Amounts(known.amounts.base, np.array([0.0, 25.0, 0.0])))
    X = test.X.assign(net_flow_6m=[-80.0, 40.0, np.nan])
    found = plain_forecasts(known, test, X, horizon=12)
    assert found[MEAN_OUTFLOW].tolist() == pytest.approx([25 / 3] * 3)
    assert found[MEAN_SHARE].tolist() == pytest.approx([30.0, 50.0, 20.0])
    assert found[CARRIED].tolist() == [160.0, 0.0, 0.0]
    assert plain_forecasts(known, test, X, horizon=24)[CARRIED][0] == 300.0  # no more than there is
    assert CARRIED not in plain_forecasts(known, test, test.X, horizon=12)


def test_dates_are_put_together_with_the_forecasts_that_all_have():
    first = Outflows(LOST, EXPECTED, PLAIN | {CARRIED: LOST})
    found = pooled_outflows([first, Outflows(LOST, EXPECTED, PLAIN)])
    assert set(found.baselines) == {MEAN_SHARE}
    assert len(found.lost) == 8
    assert pooled_outflows([None]) is None
    assert found.where(np.array([1])).lost.tolist() == [100.0]
