from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from appetence.config import TrackingSettings, TrainingSettings
from appetence.models.outcome import Outcome
from appetence.models.promotion import FIRST_THAT_BEATS, NO_CHAMPION, keep_training
from appetence.models.registry import load_models, resolve
from appetence.models.tracking import CHALLENGER, CHAMPION, FALLBACK, TrackingStore
from appetence.models.training import TrainingResult
from appetence.models.verdicts import one_product

SETTINGS = TrainingSettings(tests=1, bootstrap=20)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("promotion")


@pytest.fixture
def firm(request) -> str:
    """A firm of its own for each test, all in one store: making its tables is what takes time."""
    return str(request.node.name)[5:45]


@pytest.fixture
def store(folder, firm) -> TrackingStore:
    return TrackingStore(TrackingSettings(directory=str(folder)), firm)


def as_state(result: TrainingResult, state: str, name: str = "attrition") -> TrainingResult:
    """The same training with a model that beats its baselines, or with the fallback of one that does not."""
    outcome = result.outcomes[name]
    fallback = replace(outcome.model) if state == "fallback" else None
    return replace(result, outcomes={name: replace(outcome, state=state, fallback=fallback)})


def test_the_first_version_that_beats_is_champion_and_stays(store, firm, trained):
    first = keep_training(store, firm, as_state(trained, "beats"), SETTINGS)
    assert first["attrition"].version == 1
    assert first["attrition"].approved_by == FIRST_THAT_BEATS
    assert first["attrition"].reason == trained.outcomes["attrition"].verdict
    later = keep_training(store, firm, as_state(trained, "beats"), SETTINGS)
    assert (later["attrition"].version, later["attrition"].aliases) == (2, (CHALLENGER,))
    assert keep_training(store, firm, as_state(trained, "fallback"), SETTINGS) == {}
    assert store.version_at(f"{firm}.attrition", CHALLENGER).version == 2
    champion = store.version_at(f"{firm}.attrition", CHAMPION)
    assert champion is not None
    assert champion.version == 1
    assert store.version_at(f"{firm}.attrition", FALLBACK) is None


def test_a_fallback_scores_until_a_version_beats(store, firm, trained):
    kept = keep_training(store, firm, as_state(trained, "fallback"), SETTINGS)
    assert kept["attrition"].approved_by == NO_CHAMPION
    ref = resolve(store, firm, "attrition")
    assert ref is not None
    assert (ref.alias, ref.version) == (FALLBACK, 2)  # version 1 is the model that did not beat its baselines
    keep_training(store, firm, as_state(trained, "beats"), SETTINGS)
    ref = resolve(store, firm, "attrition")
    assert ref is not None
    assert (ref.alias, ref.version) == (CHAMPION, 3)


def test_what_was_trained_is_what_is_loaded(store, firm, trained):
    keep_training(store, firm, trained, SETTINGS)
    refs = [resolve(store, firm, name) for name in trained.outcomes]
    assert all(ref is not None for ref in refs)
    loaded = load_models([ref for ref in refs if ref is not None])
    for name, artefact in loaded.items():
        outcome = trained.outcomes[name]
        expected = outcome.model if outcome.state == "beats" else outcome.fallback
        assert artefact.contract == expected.contract


def test_a_refusal_is_kept_with_the_book_it_was_said_of(store, firm, trained):
    refused = replace(trained, outcomes={"buy": Outcome("buy", "refused", one_product())})
    assert keep_training(store, firm, refused, SETTINGS) == {}
    assert store.refusals(trained.book_fingerprint) == {"buy": one_product()}
    assert store.refusals("0" * 64) == {}


def test_runs_hold_figures_curves_and_settings_and_no_client(store, firm, folder, trained, simulated):
    import mlflow

    keep_training(store, firm, trained, SETTINGS)
    client = mlflow.MlflowClient(tracking_uri=store.uri)
    experiment = client.get_experiment_by_name(firm).experiment_id
    runs = {run.info.run_name: run for run in client.search_runs([experiment])}
    assert set(runs) == {f"{firm} training", *trained.outcomes}
    run = runs["attrition"]
    assert run.data.tags["mlflow.parentRunId"] == runs[f"{firm} training"].info.run_id
    assert run.data.metrics["auc"] == pytest.approx(trained.outcomes["attrition"].evaluation.metrics["auc"].value)
    assert run.data.params["horizon"] == "6"
    assert len(run.data.params["label_hash"]) == 64
    files = {path.name for path in Path(folder, "artifacts", run.info.run_id).rglob("*")}
    evaluation = trained.outcomes["attrition"].evaluation
    gains = client.get_metric_history(run.info.run_id, "gains")  # what the page of a run draws
    assert [point.step for point in gains][-1] == 100
    assert [point.value for point in gains] == [row["share_of_events"] for row in evaluation.gains]
    observed = client.get_metric_history(run.info.run_id, "decile_observed")
    assert sum(point.value for point in observed) == evaluation.events
    learnt, tested = run.inputs.dataset_inputs  # its list of datasets
    assert [(d.dataset.name, d.tags[0].value) for d in (learnt, tested)] == [
        ("attrition", "training"),
        ("attrition tests", "evaluation"),
    ]
    assert learnt.dataset.digest == run.data.params["label_hash"][:36]
    assert json.loads(learnt.dataset.source) == {"book_fingerprint": trained.book_fingerprint}
    assert json.loads(tested.dataset.profile)["events"] == evaluation.events
    assert runs[f"{firm} training"].inputs.dataset_inputs[0].dataset.digest == trained.book_fingerprint[:36]
    assert files >= {"evaluation.json", "gains.csv", "calibration.csv", "features.json", "model.txt", "contract.json"}

    ids = set(pq.read_table(simulated / "clients.parquet", columns=["client_id"])["client_id"].to_pylist())
    names = set(pq.read_table(simulated / "clients.parquet", columns=["name"])["name"].drop_null().to_pylist())
    text = "\n".join(path.read_text() for path in Path(folder, "artifacts").rglob("*") if path.is_file())
    words = set(text.replace('"', " ").replace(",", " ").split())
    assert not words & ids
    assert not any(name in text for name in names)
