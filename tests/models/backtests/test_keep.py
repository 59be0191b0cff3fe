from __future__ import annotations

import pytest
from mlflow import MlflowClient

from appetence.config import BacktestSettings, TrackingSettings, TrainingSettings
from appetence.models.backtests.keep import keep_backtest
from appetence.models.tracking import TrackingStore


def test_a_backtest_is_a_run_with_one_for_each_question_and_curves_by_date(backtested, tmp_path):
    store = TrackingStore(TrackingSettings(directory=str(tmp_path / "mlruns")), "demo")
    run_id = keep_backtest(
        store, "demo", backtested, TrainingSettings(), BacktestSettings(), {"2023-06.html": "<!doctype html>"}
    )
    client = MlflowClient(tracking_uri=store.uri)
    parent = client.get_run(run_id)
    assert parent.data.tags["kind"] == "backtest"
    assert parent.data.metrics["ranking_map_at_3"] == backtested.ranking.figures[3]["model"].value
    assert {file.path for file in client.list_artifacts(run_id)} == {"2023-06.html", "backtest.json", "settings.json"}
    children = client.search_runs([parent.info.experiment_id], f"tags.mlflow.parentRunId = '{run_id}'")
    by_name = {one.info.run_name: one for one in children}
    assert set(by_name) == {"attrition", "erosion"}
    child = by_name["attrition"]
    found = backtested.backtests["attrition"]
    assert child.data.tags["verdict"] == found.verdict.en
    assert child.data.tags["verdict_fr"] == found.verdict.fr
    assert child.data.params["intervals_by"] == "household"
    assert child.data.metrics["auc"] == found.pooled.model["auc"].value
    curve = client.get_metric_history(child.info.run_id, "at_date.auc")
    assert {one.step: one.value for one in curve} == found.series()["at_date.auc"]
    assert {file.path for file in client.list_artifacts(child.info.run_id)} == {"backtest.json", "figures.csv"}
    money = backtested.backtests["erosion"].outflow
    assert by_name["erosion"].data.metrics["outflow/mae"] == money.model.mae.value
    steps = client.get_metric_history(by_name["erosion"].info.run_id, "at_date.outflow/realised")
    assert sum(one.value for one in steps) == pytest.approx(money.realised)
    # a backtest refuses nothing on behalf of the monthly job
    assert store.refusals(backtested.book_fingerprint) == {}
