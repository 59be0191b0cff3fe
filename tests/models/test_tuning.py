from __future__ import annotations

import datetime as dt
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest
import yaml

from appetence.book import open_book
from appetence.config import (
    Asking,
    AttritionSettings,
    BookSettings,
    FeatureSettings,
    TrackingSettings,
    TrainingSettings,
    TuningSettings,
    load_config,
)
from appetence.errors import UsageError
from appetence.models.blocks import Origin, Window, plan_blocks
from appetence.models.fitting import Predictions
from appetence.models.questions import ask
from appetence.models.tracking import PARENT, TrackingStore
from appetence.models.tuning import _digest, tune_question
from appetence.models.tuning_folds import months_to_tune, plan_folds
from appetence.models.tuning_record import STUDY, TRIAL
from appetence.models.tuning_result import TuningResult, compare
from appetence.months import Month

ASKING = Asking(attrition=AttritionSettings(horizon=3, min_events=20))
FEATURES = FeatureSettings(groups=("tenure", "holdings"))
TRAINING = TrainingSettings(tests=1, bootstrap=20, parameters={"max_rounds": 8})
START = dt.date(2021, 1, 1)
EARLY, LATE = dt.date(2023, 1, 1), dt.date(2023, 7, 1)


def tuned(book, store, trials=4, training=TRAINING, minutes=10.0, name="attrition"):
    settings = TuningSettings(trials=trials, folds=2, time_budget=minutes)
    return tune_question(book, name, ASKING, FEATURES, training, settings, store)


@pytest.fixture(scope="module")
def book(simulated):
    with open_book(BookSettings(directory=str(simulated))) as opened:
        yield opened


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return TrackingStore(TrackingSettings(directory=str(tmp_path_factory.mktemp("tuning") / "mlruns")), "demo")


@pytest.fixture(scope="module")
def result(book, store) -> TuningResult:
    return tuned(book, store)


@pytest.mark.parametrize("horizon", [1, 3, 6])
@pytest.mark.parametrize("gap", [0, 2])
@pytest.mark.parametrize("months", [36, 48, 60])
def test_folds_lie_inside_the_training_period_and_in_time_order(horizon, gap, months):
    window, settings = Window(horizon, gap), TrainingSettings()
    blocks = plan_blocks(START, (Month.of(START) + months).start, window, settings)
    assert blocks is not None
    first = blocks.tests[0]
    folds = plan_folds(first, START, window, settings, 3)
    for fold in folds:
        assert max(fold.fit) < min(fold.calibrate) < fold.test < min(first.calibrate) < first.test
        assert window.closes(fold.test) <= first.test
        assert all(window.closes(cut) <= fold.test for cut in (*fold.fit, *fold.calibrate))
    assert [fold.test for fold in folds] == sorted((fold.test for fold in folds), reverse=True)
    assert bool(folds) == (months >= months_to_tune(window, settings))


def test_folds_are_as_far_apart_as_test_dates_where_the_book_is_long_enough():
    window, settings = Window(6), TrainingSettings()
    found = {}
    for months in (48, 72):
        blocks = plan_blocks(START, (Month.of(START) + months).start, window, settings)
        folds = plan_folds(blocks.tests[0], START, window, settings, 3)
        found[months] = [Month.of(fold.test) - Month.of(START) for fold in folds]
    # by hand: tests at 36 and 42 (60 and 66); their newest labels close at 36 (60), so that 30 and 27 calibrate
    assert found == {48: [24, 21, 18], 72: [48, 42, 36]}


def test_a_tuning_says_what_it_gained_whatever_that_is(result):
    assert result.state in ("gained", "nothing")
    assert result.verdict.en.startswith("tuning gained")
    assert "le réglage" in result.verdict.fr
    assert sum(result.trials.values()) == 4
    assert result.inside["tuned"] <= result.inside["in use"]
    assert result.outside["gain"] == pytest.approx(result.outside["in_use_log_loss"] - result.outside["tuned_log_loss"])
    assert result.outside["gain_low"] <= result.outside["gain"] <= result.outside["gain_high"]
    assert (result.state == "gained") == (result.outside["gain_low"] > 0)
    assert max(result.folds) < min(result.tests)
    assert result.best["max_rounds"] == 8
    assert json.loads(json.dumps(result.as_dict()))["verdict"] == result.verdict.en


def test_the_lines_hold_a_config_only_where_the_gain_is_certain(result):
    gained = replace(result, state="gained", best={"learning_rate": 0.02, "min_data_in_leaf": None})
    lines = list(gained.lines())
    pasted = yaml.safe_load("\n".join(lines[lines.index("training:") :]))
    assert TrainingSettings(**pasted["training"]).parameters == gained.best
    assert "training:" not in list(replace(result, state="nothing").lines())


def test_again_is_done_at_once_and_the_test_is_not_scored_again(book, store, result):
    began = time.monotonic()
    again = tuned(book, store)
    assert again == result
    assert again.outside["times_scored"] == 1.0
    assert time.monotonic() - began < 30


def test_mlflow_shows_the_study_with_its_trials_nested(store, result, book):
    import mlflow

    client = mlflow.MlflowClient(tracking_uri=store.uri)
    digest = result.study.rsplit(" ", 1)[-1]
    (parent,) = store.find({STUDY: digest})
    run = client.get_run(parent)
    assert run.info.status == "FINISHED"
    assert run.info.run_name == "tuning attrition"
    assert run.data.metrics["gain"] == pytest.approx(result.outside["gain"])
    assert run.data.tags["verdict_fr"] == result.verdict.fr
    assert {"study/trials.csv", "study/history.svg", "study/slices.svg"} <= {
        file.path for file in client.list_artifacts(parent, "study")
    }
    nested = store.find({PARENT: parent})
    assert sorted(tags[TRIAL] for tags in nested.values()) == ["0", "1", "2", "3"]
    for run_id, tags in nested.items():
        trial = client.get_run(run_id)
        assert len(trial.data.params) == 7
        assert trial.info.end_time >= trial.info.start_time
        history = client.get_metric_history(run_id, "fold_loss")
        assert [metric.step for metric in history] == list(range(len(history)))
        assert tags["tuning.state"] == "pruned" or np.mean([m.value for m in history]) == trial.data.metrics["loss"]
    assert store.refusals(book.fingerprint(book.observed_until)) == {}


def test_other_settings_begin_another_study_and_too_little_time_is_said_to_be(book, store, result):
    found = tuned(book, store, training=TRAINING.model_copy(update={"seed": 8}), minutes=0.0001)
    assert found.study != result.study
    assert found.trials == {}  # none of the other's
    assert found.state == "unfinished"
    assert "run the same command again" in found.verdict.en
    assert found.outside == {}


def test_whatever_the_losses_depend_on_names_the_study(book, make_labelled):
    labelled = make_labelled(200)
    (question,) = ask(book, ASKING, ["attrition"]).questions
    origin = Origin(LATE, (EARLY,), (EARLY,), LATE)
    turned = replace(labelled, y=1 - labelled.y)
    moved = replace(labelled, snapshots=replace(labelled.snapshots, X=labelled.snapshots.X.assign(tenure=1.0)))
    digests = {
        _digest(question, rows, (origin,), tests, training, features, fingerprint)
        for rows, tests, training, features, fingerprint in (
            (labelled, [origin], TRAINING, FEATURES, "a"),
            (turned, [origin], TRAINING, FEATURES, "a"),
            (moved, [origin], TRAINING, FEATURES, "a"),
            (labelled, [], TRAINING, FEATURES, "a"),
            (labelled, [origin], TrainingSettings(), FEATURES, "a"),
            (labelled, [origin], TRAINING, FeatureSettings(), "a"),
            (labelled, [origin], TRAINING, FEATURES, "b"),
        )
    }
    assert len(digests) == 7


def test_a_question_that_cannot_be_tuned_is_refused_with_the_reason(book, store, make_book):
    short = make_book(observed_from=dt.date(2022, 6, 1), observed_until=dt.date(2024, 1, 1))
    found = tuned(short, store)
    assert found.state == "refused"
    needed = months_to_tune(Window(3), TRAINING)
    assert f"needs {needed} months of book" in found.verdict.en
    assert "il y en a 19" in found.verdict.fr
    assert tuned(make_book(), store).verdict.en.startswith("Nobody leaves in this book")
    with pytest.raises(UsageError, match="Did you mean 'attrition'"):
        tuned(book, store, name="attritoin")


def test_the_comparison_is_of_the_same_rows_and_by_hand():
    y = np.array([1, 0, 0, 1])
    same = {"rows": np.arange(4), "y": y, "baselines": {}, "unit": np.array([0, 0, 1, 1])}
    dates = np.array(["2024-01-01"] * 2 + ["2024-07-01"] * 2, dtype="datetime64[D]")
    better = Predictions(p=np.array([0.8, 0.2, 0.2, 0.8]), date=dates, **same)
    worse = Predictions(p=np.array([0.5, 0.5, 0.6, 0.4]), date=dates, **same)
    found = compare(better, worse, draws=50, seed=1)
    losses = -np.log([0.5, 0.5, 0.4, 0.4]) + np.log([0.8, 0.8, 0.8, 0.8])
    assert found["gain"] == pytest.approx(losses.mean())
    assert losses[0] <= found["gain_low"] <= found["gain_high"] <= losses[2]
    assert (found["tuned_auc"], found["in_use_auc"]) == (1.0, 0.25)
    assert (found["rows"], found["events"]) == (4.0, 2.0)


def test_a_killed_search_goes_on_where_it_was(simulated, tmp_path, result):
    """Kill -9 in the middle; the finished trials stay, and the end is that of a search that nothing killed."""
    config = {
        "name": "firm",
        "book": {"directory": str(simulated)},
        "attrition": {"horizon": 3, "min_events": 20},
        "features": {"groups": ["tenure", "holdings"]},
        "training": {"tests": 1, "bootstrap": 20, "parameters": {"max_rounds": 8}},
        "tuning": {"folds": 2, "trials": 4},
        "scoring": {"database": str(tmp_path / "scores.duckdb")},
        "reports": {"directory": str(tmp_path / "reports")},
        "tracking": {"directory": str(tmp_path / "mlruns")},
    }
    path = tmp_path / "firm.yaml"
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    command = [sys.executable, "-m", "appetence", "tune", "attrition", "--config", str(path), "--json"]
    killed = subprocess.Popen([*command, "--trials", "400"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    database = tmp_path / "mlruns" / "tuning.db"
    try:
        deadline = time.monotonic() + 120
        while finished(database) < 2 and killed.poll() is None and time.monotonic() < deadline:
            time.sleep(0.02)
    finally:
        os.kill(killed.pid, signal.SIGKILL)
        killed.wait()
    before = {number: told for number, told in trials_in(database).items() if told[0] != "RUNNING"}
    assert 2 <= finished(database) < 4

    done = subprocess.run([*command, "--trials", "4"], capture_output=True, text=True, check=True)
    after = trials_in(database)
    assert {number: after[number] for number in before} == before
    assert not any(state in ("RUNNING", "WAITING") for state, _ in after.values())
    found = json.loads(done.stdout)
    assert finished(database) == 4
    for name in ("study", "best", "inside", "outside"):
        assert found[name] == getattr(result, name)
    store = TrackingStore(load_config(path).tracking, "firm")
    (parent,) = store.find({STUDY: found["study"].rsplit(" ", 1)[-1]})
    numbers = [int(tags[TRIAL]) for tags in store.find({PARENT: parent}).values()]
    assert sorted(numbers) == sorted(after)


def trials_in(database):
    """Return {trial: (state, loss)}, as the file has them."""
    with closing(sqlite3.connect(database)) as connection:
        text = "SELECT number, state, value FROM trials LEFT JOIN trial_values USING (trial_id)"
        return {number: (state, value) for number, state, value in connection.execute(text)}


def finished(database):
    if not database.exists():
        return 0
    try:
        return sum(state in ("COMPLETE", "PRUNED") for state, _ in trials_in(database).values())
    except sqlite3.OperationalError:  # the tables are being made
        return 0
