from __future__ import annotations

import csv
import datetime as dt
import io
import json
from dataclasses import replace

import numpy as np
import pytest

from appetence.config import Asking, BacktestSettings, TrainingSettings
from appetence.errors import UsageError
from appetence.models import metrics
from appetence.models.backtests.backtest import backtest_questions, gains_of, judge_question, make_bench
from appetence.models.backtests.result import Backtest
from appetence.models.blocks import Blocks, Origin, Window
from appetence.models.evaluation import evaluate
from appetence.models.fitting import pooled, predict_test
from appetence.models.questions import Question

DAYS = [dt.date(2023, 1, 1), dt.date(2023, 7, 1)]
QUESTION = Question("attrition", Window(6), 20, ("base rate", "life table"))
SETTINGS = TrainingSettings(bootstrap=30, parameters={"max_rounds": 5})


def test_every_date_is_judged_beside_the_baselines(backtested):
    found = backtested.backtests["attrition"]
    assert list(found.dates) == ["2022-10-01", "2023-01-01", "2023-04-01"]
    assert set(found.pooled.baselines) == {"base rate", "life table", "logistic regression"}
    assert {
        "auc",
        "average_precision",
        "lift_10",
        "log_loss",
        "brier",
        "calibration_slope",
        "observed_expected",
    } <= set(found.pooled.model)
    assert {"empc", "money_10"} <= set(found.pooled.model)
    assert found.pooled.rows == sum(sheet.rows for sheet in found.dates.values())
    for sheet in (found.pooled, *found.dates.values()):
        for name, one in sheet.model.items():
            assert one.low <= one.high or np.isnan(one.low), name
    assert found.dependence.unit == "household"
    assert found.units > 300


def test_products_are_ordered_by_base_rates_where_none_has_a_model(backtested):
    """One product, without buyers enough: whoever bought it was proposed it first, by every order."""
    assert set(backtested.refused) >= {"buy:pel"}
    ranking = backtested.ranking
    assert ranking.questions == ("buy:pel",)
    assert ranking.buyers > 3
    assert set(ranking.figures[3]) == {"model", "popularity", "association rules", "similar clients"}
    assert {one.value for one in ranking.figures[3].values()} == {1.0}
    assert json.loads(json.dumps(backtested.as_dict()))["ranking"]["buyers"] == ranking.buyers
    assert any(line.startswith("order of products") for line in backtested.lines())


def test_figures_are_those_that_training_would_tell(make_labelled):
    """The same predictions through `evaluate`, which resamples one figure at a time."""
    labelled = make_labelled(3_000)
    origin = Origin(DAYS[1], (DAYS[0],), (DAYS[0],), DAYS[1])
    predictions = pooled([predict_test(QUESTION, labelled, origin, {"max_rounds": 5}, seed=1)])
    bench = make_bench(predictions, labelled.snapshots, True, SETTINGS)
    whole, dates = bench.judge_by_date()
    found = evaluate(predictions, 200, seed=1)
    for name in ("auc", "average_precision", "lift_10", "log_loss", "brier", "calibration_slope", "observed_expected"):
        assert whole.model[name].value == pytest.approx(found.metrics[name].value, rel=1e-6)
        wide = found.metrics[name].high - found.metrics[name].low
        assert whole.model[name].high - whole.model[name].low == pytest.approx(wide, rel=0.6), name
    assert dates["2023-07-01"].model["auc"].value == pytest.approx(whole.model["auc"].value)
    gain = whole.ahead["life table"]["log_loss"].value
    assert gain == pytest.approx(found.baselines["life table"].gain.value)
    assert bench.judge(np.arange(len(predictions.y))).model["auc"] == whole.model["auc"]
    last = gains_of(predictions)[-1]
    assert last["model"] == last["life table"] == 1.0


def test_clients_never_seen_are_those_of_whose_household_nothing_was_learnt(make_labelled):
    labelled = make_labelled(3_000)
    snapshots = labelled.snapshots
    # of one household in eight the older cut is not there: nothing can have been learnt of them
    keep = np.flatnonzero(~((snapshots.cut < np.datetime64("2023-07-01")) & (snapshots.household % 8 == 0)))
    part = replace(labelled, rows=labelled.rows[keep], y=labelled.y[keep])
    origin = Origin(DAYS[1], (DAYS[0],), (DAYS[0],), DAYS[1])
    found = judge_question(QUESTION, part, Blocks((origin,), origin), settings=SETTINGS, drifts={})
    assert isinstance(found, Backtest)
    tested = snapshots.household[part.block([DAYS[1]]).rows]
    assert found.unseen.rows == int((tested % 8 == 0).sum())
    assert 0 < found.unseen.rows < found.pooled.rows
    assert found.drift == ()


def test_groups_make_up_the_whole_and_small_ones_have_no_figure(backtested):
    found = backtested.backtests["attrition"]
    by = {one.by for one in found.segments}
    assert {"tenure", "families", "age"} <= by
    of_tenure = [one.sheet for one in found.segments if one.by == "tenure"]
    assert sum(sheet.rows for sheet in of_tenure) == found.pooled.rows
    assert all(one.sheet.told == (one.sheet.events >= 20) for one in found.segments)
    assert any(not one.sheet.told for one in found.segments)


def test_drift_stands_beside_what_it_does_to_calibration(backtested):
    found = backtested.backtests["attrition"]
    assert [one.date for one in found.drift] == list(found.dates)
    assert all(0.4 < one.auc_without_time < 1 for one in found.drift)
    assert any("tenure" in one.of_time for one in found.drift) or found.drift[0].auc > 0.5
    lines = list(backtested.lines())
    assert any("adversarial AUC" in line and "slope" in line for line in lines)


def test_what_cannot_be_judged_is_said(backtested):
    assert list(backtested.refused) == ["buy:pel"]
    assert "5000 needed" in backtested.refused["buy:pel"].en


def test_it_is_told_as_json_csv_and_curves(backtested):
    told = json.loads(json.dumps(backtested.as_dict()))
    found = backtested.backtests["attrition"]
    assert told["questions"]["attrition"]["verdict_fr"] == found.verdict.fr
    assert told["questions"]["attrition"]["intervals_by"]["unit"] == "household"
    assert told["refused"]["buy:pel"]["verdict"].startswith("not modelled")
    rows = list(csv.DictReader(io.StringIO(found.texts()["figures.csv"])))
    assert {row["scorer"] for row in rows} == {"model", "base rate", "life table", "logistic regression"}
    row = next(row for row in rows if (row["rows_of"], row["scorer"], row["figure"]) == ("all", "model", "auc"))
    assert float(row["estimate"]) == pytest.approx(found.pooled.model["auc"].value)
    assert found.flat()["auc"] == found.pooled.model["auc"].value
    assert set(found.series()["at_date.auc"]) == {202210, 202301, 202304}


def test_reliability_is_that_of_all_rows(backtested):
    found = backtested.backtests["attrition"]
    assert sum(row["rows"] for row in found.deciles) == found.pooled.rows
    ratio = sum(row["observed"] for row in found.deciles) / sum(row["expected"] for row in found.deciles)
    assert ratio == pytest.approx(found.pooled.model["observed_expected"].value)
    assert isinstance(metrics.Interval(1, 1, 1), type(found.pooled.model["auc"]))


def test_a_wrong_question_is_told_before_any_work(make_book):
    from appetence.config import FeatureSettings

    settings = (Asking(), FeatureSettings(), SETTINGS, BacktestSettings())
    with pytest.raises(UsageError, match="attrition"):
        backtest_questions(make_book(), *settings, only={"atrition"})


def test_erosion_is_judged_in_money_too(backtested):
    found = backtested.backtests["erosion"]
    assert set(found.pooled.baselines) == {"base rate", "logistic regression"}
    assert "empc" not in found.pooled.model  # nobody leaves: what a client takes along is told in money below
    money, dates = found.outflow, found.outflow_dates
    assert list(dates) == list(found.dates)
    for name in ("realised", "rows"):
        assert getattr(money, name) == pytest.approx(sum(getattr(one, name) for one in dates.values()))
    assert money.model.promised == pytest.approx(sum(one.model.promised for one in dates.values()))
    assert sum(row["realised"] for row in money.deciles) == pytest.approx(money.realised)
    assert "in money" in found.verdict.en
    told = json.loads(json.dumps(found.as_dict()))["outflow"]
    assert set(told["dates"]) == set(dates)
    assert found.flat()["outflow/promised"] == pytest.approx(money.model.promised)
    assert backtested.backtests["attrition"].outflow is None
