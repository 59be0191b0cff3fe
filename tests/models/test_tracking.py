from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from appetence.config import TrackingSettings
from appetence.models.artefact import Artefact
from appetence.models.registry import load, resolve
from appetence.models.tracking import CHAMPION, FALLBACK, RunRecord, TrackingStore, file_sha256
from appetence.models.verdicts import Verdict


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("tracking") / "mlruns"


@pytest.fixture(scope="module")
def store(folder) -> TrackingStore:
    return TrackingStore(TrackingSettings(directory=str(folder)), "demo")


def record(name: str = "attrition") -> RunRecord:
    return RunRecord(name, {"horizon": 6}, {"auc": 0.75}, {"verdict": "good"}, {"curves/gains.csv": "share\n0.1\n"})


def test_a_version_keeps_its_run_its_files_and_its_approval(store, folder, artefact):
    with store.run(RunRecord("training")) as parent, store.run(record(), parent) as run_id:
        stored = store.register("demo.attrition", artefact, run_id)
    assert (stored.aliases, stored.approved_by, stored.promotions) == ((), "", ())
    assert set(stored.sha256) == {"model.txt", "contract.json", "golden.json"}  # pinned before anyone approves
    approved = store.approve(stored, CHAMPION, "rule: first version that beats its baselines", Verdict("beats", "bat"))
    assert approved.aliases == (CHAMPION,)
    assert approved.approved_by == "rule: first version that beats its baselines"
    assert approved.reason == Verdict("beats", "bat")
    assert approved.approved_at.endswith("+00:00")
    assert approved == store.version_at("demo.attrition", CHAMPION)
    assert set(approved.sha256) == {"model.txt", "contract.json", "golden.json"}
    for name, digest in approved.sha256.items():
        assert hashlib.sha256((approved.directory / name).read_bytes()).hexdigest() == digest
    run = folder / "artifacts" / run_id / "artifacts"
    assert (run / "curves" / "gains.csv").read_text() == "share\n0.1\n"
    assert not list(folder.rglob("*.pkl"))
    assert not list(folder.rglob("*.joblib"))


def test_params_metrics_and_nesting_are_where_mlflow_shows_them(store):
    import mlflow

    with store.run(RunRecord("training")) as parent, store.run(record("buy:card"), parent) as child:
        pass
    client = mlflow.MlflowClient(tracking_uri=store.uri)
    run = client.get_run(child)
    assert run.data.params == {"horizon": "6"}
    assert run.data.metrics == {"auc": 0.75}
    assert run.data.tags["verdict"] == "good"
    assert run.data.tags["mlflow.parentRunId"] == parent
    assert run.info.status == client.get_run(parent).info.status == "FINISHED"


def test_a_run_that_fails_is_marked_so(store):
    import mlflow

    def fail() -> None:
        with store.run(record()) as run_id:
            ids.append(run_id)
            raise KeyboardInterrupt

    ids: list[str] = []
    with pytest.raises(KeyboardInterrupt):
        fail()
    assert mlflow.MlflowClient(tracking_uri=store.uri).get_run(ids[0]).info.status == "FAILED"


def test_aliases_that_do_not_exist_are_none(store, constant):
    assert store.version_at("demo.buy.nothing", CHAMPION) is None
    with store.run(record("buy:home_loan")) as run_id:
        stored = store.register("demo.buy.home_loan", constant, run_id)
    assert store.version_at("demo.buy.home_loan", CHAMPION) is None
    store.approve(stored, FALLBACK, "rule", Verdict("not modelled", "non modélisé"))
    found = store.version_at("demo.buy.home_loan", FALLBACK)
    assert found is not None
    assert set(found.sha256) == {"contract.json", "golden.json"}
    assert "demo.buy.home_loan" in store.names("demo.")
    assert store.names("other.") == []


@pytest.mark.parametrize("kind", ["artefact", "topical"])
def test_mlflows_own_loader_gives_the_same_probabilities(store, kind, request):
    import mlflow

    artefact = request.getfixturevalue(kind)
    with store.run(record()) as run_id:
        store.register(f"served_{kind}", artefact, run_id)
    X = artefact.golden.frame().assign(unused=1.0)
    mlflow.set_tracking_uri(store.uri)
    model = mlflow.pyfunc.load_model(f"models:/served_{kind}/1")
    served = model.predict(X)
    np.testing.assert_allclose(served, artefact.predict(X), rtol=0, atol=1e-9)


def test_a_store_that_was_moved_goes_on_working(artefact, tmp_path):
    old, new = tmp_path / "old place" / "mlruns", tmp_path / "new" / "mlruns"
    store = TrackingStore(TrackingSettings(directory=str(old)), "demo")
    with store.run(record()) as run_id:
        store.approve(store.register("demo.attrition", artefact, run_id), CHAMPION, "rule", Verdict("reason", "raison"))
    new.parent.mkdir()
    shutil.move(old, new)

    moved = TrackingStore(TrackingSettings(directory=str(new)), "demo")
    ref = resolve(moved, "demo", "attrition")
    assert ref is not None
    assert ref.stored.directory.is_relative_to(new)
    assert isinstance(load(ref), Artefact)
    with moved.run(record()) as run_id:
        again = moved.register("demo.attrition", artefact, run_id)
    assert again.version == 2
    assert again.directory.is_relative_to(new)
    assert not old.exists()


def test_a_copy_of_a_store_is_written_to_by_itself(tmp_path):
    store = TrackingStore(TrackingSettings(directory=str(tmp_path / "first")), "demo")
    with store.run(record()) as run_id:
        store.add_texts(run_id, {"notes/one.txt": "first"})
    shutil.copytree(tmp_path / "first", tmp_path / "copy")
    copy = TrackingStore(TrackingSettings(directory=str(tmp_path / "copy")), "demo")
    copy.add_texts(run_id, {"notes/one.txt": "copied"})
    assert (store.text(run_id, "notes/one.txt"), copy.text(run_id, "notes/one.txt")) == ("first", "copied")


def test_opening_a_store_says_nothing_and_sends_nothing(tmp_path):
    code = (
        "import sys\n"
        "from appetence.config import TrackingSettings\n"
        "from appetence.models.tracking import TrackingStore\n"
        "assert 'mlflow' not in sys.modules\n"
        "TrackingStore(TrackingSettings(directory=sys.argv[1]), 'demo')\n"
        "from mlflow.telemetry.utils import is_telemetry_disabled\n"
        "assert is_telemetry_disabled()\n"
    )
    ci = {"CI", "GITHUB_ACTIONS", "PYTEST_CURRENT_TEST", "MLFLOW_DISABLE_TELEMETRY", "MLFLOW_LOGGING_LEVEL"}
    env = {key: value for key, value in os.environ.items() if key not in ci}
    done = subprocess.run(
        [sys.executable, "-W", "error::UserWarning", "-c", code, str(tmp_path / "m")],
        capture_output=True,
        text=True,
        env=env,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_sha256_is_of_the_bytes(tmp_path):
    (tmp_path / "f").write_bytes(b"abc")
    assert file_sha256(tmp_path / "f") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
