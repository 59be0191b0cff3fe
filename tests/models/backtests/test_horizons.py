from __future__ import annotations

import datetime as dt
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from appetence.book import open_book
from appetence.config import BookSettings
from appetence.features.population import population
from appetence.models.backtests.horizons import BETA_GEOMETRIC, KAPLAN_MEIER, _means, _squared
from appetence.models.baselines import LIFE_TABLE
from appetence.targets.attrition import attrition_targets


@pytest.fixture(scope="module")
def found(backtested):
    return backtested.backtests["attrition"].horizons


def test_at_the_models_own_horizon_the_figures_are_those_of_the_model(backtested, found):
    whole = backtested.backtests["attrition"].pooled
    own = found.sheets[3]
    assert own.rows == whole.rows
    for name in ("auc", "log_loss", "calibration_slope", "observed_expected"):
        assert own.model[name].value == pytest.approx(whole.model[name].value, rel=1e-5), name


def test_only_dates_that_were_followed_as_long_count(found):
    # test dates at months 21, 24 and 27 of 30: one was followed for nine months, and none for twelve
    assert list(found.sheets) == [3, 6]
    assert (found.months, found.dates) == (6, 2)
    assert found.sheets[6].rows == found.rows < found.sheets[3].rows


def test_what_was_observed_is_what_the_targets_say(simulated, found):
    with open_book(BookSettings(directory=str(simulated))) as book:
        spine = population(book, [dt.date(2022, 10, 1), dt.date(2023, 1, 1)])
        for months in (3, 6):
            status = attrition_targets(book, spine, 0, months)["status"].to_pandas()
            status = status[~status.isin(["gone", "unknown"])]
            assert found.shares["observed"][months - 1] == pytest.approx((status == "left").mean())


def test_curves_rise_and_all_rules_stand_beside_the_model(found):
    assert set(found.brier) == {"", LIFE_TABLE, KAPLAN_MEIER, BETA_GEOMETRIC}
    assert set(found.ahead) == set(found.brier) - {""}
    for name, curve in found.shares.items():
        assert (np.diff(curve) >= -1e-12).all(), name
        assert 0 < curve[-1] < 0.2, name
    for name, one in found.ahead.items():
        assert one.value == pytest.approx(found.brier[name].value - found.brier[""].value)


@given(st.data())
def test_the_integrated_score_is_that_of_a_loop(data):
    rows, months = data.draw(st.integers(1, 8)), data.draw(st.integers(1, 6))
    chances = st.floats(0.0, 1.0)
    curve = np.array([[data.draw(chances) for _ in range(months)] for _ in range(rows)])
    left = np.array([data.draw(st.sampled_from([0, 1, 3, 10**9])) for _ in range(rows)])
    place = np.array([data.draw(st.integers(0, 2)) for _ in range(rows)])
    times = np.array([[1, 1, 1], [2, 0, 1]], dtype=np.uint16)
    by_hand = []
    for drawn in times:
        squares, count = 0.0, 0
        for row in range(rows):
            for month in range(months):
                happened = 1.0 if left[row] <= month else 0.0
                squares += drawn[place[row]] * (happened - curve[row][month]) ** 2
            count += drawn[place[row]] * months
        by_hand.append(squares / max(count, 1))
    assert _means(_squared(curve, left), place, times) == pytest.approx(by_hand)


def test_it_is_told_in_the_verdict_in_lines_and_in_figures(backtested, found):
    told = backtested.backtests["attrition"]
    assert "integrated Brier score over 6 months" in told.verdict.en
    assert "score de Brier intégré sur 6 mois" in told.verdict.fr
    lines = "\n".join(told.lines())
    assert "months ahead" in lines
    assert "Kaplan-Meier" in lines
    assert told.flat()["within_6m.auc"] == found.sheets[6].model["auc"].value
    assert told.flat()["integrated_brier"] == found.brier[""].value
    stored = json.loads(json.dumps(told.as_dict()))["horizons"]
    assert stored["integrated_brier"]["months"] == 6
    assert set(stored["share_left_by_month"]) == {"observed", "model", LIFE_TABLE, KAPLAN_MEIER, BETA_GEOMETRIC}
