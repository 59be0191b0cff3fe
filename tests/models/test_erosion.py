"""Silent erosion from training to the stored model: one training on a simulated book, looked at from all sides."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from appetence.config import TrackingSettings, TrainingSettings
from appetence.errors import ArtefactError
from appetence.models import metrics
from appetence.models.artefact import CONTRACT_FILE, GOLDEN_FILE, MODEL_FILE, SEVERITY_FILE, Artefact
from appetence.models.promotion import keep_training
from appetence.models.registry import load_models, resolve
from appetence.models.severity import Severity
from appetence.models.tracking import TrackingStore
from appetence.models.training import TrainingResult

SETTINGS = TrainingSettings(tests=1, bootstrap=20, parameters={"max_rounds": 20})


@pytest.fixture(scope="module")
def outcome(trained: TrainingResult):
    return trained.outcomes["erosion"]


@pytest.fixture
def saved(outcome, tmp_path):
    outcome.model.save(tmp_path)
    return tmp_path


def test_the_planted_draining_is_found_out_of_time(outcome, trained, simulated):
    """The model never sees who drains; the truth beside the book knows."""
    tested = outcome.tested
    truth = pq.read_table(simulated / "truth" / "attrition.parquet", columns=["client_id", "cut", "draining"])
    draining = truth.to_pandas().set_index(["client_id", "cut"])["draining"]
    clients = np.array(trained.material.clients.to_pylist())[tested.rows]
    drains = draining.loc[list(zip(clients, tested.date.astype(object), strict=True))].to_numpy()
    assert drains.sum() > 10
    assert tested.y[drains].mean() > 2 * tested.y[~drains].mean()
    assert metrics.auc(drains.astype(int), tested.p) > 0.6


def test_its_error_in_money_is_that_of_the_test_rows(outcome):
    money, tested = outcome.evaluation.outflow, outcome.tested
    assert tested.outflows.lost[tested.y == 0].sum() == 0
    assert (tested.outflows.lost[tested.y == 1] > 0).all()
    assert money.realised == pytest.approx(tested.outflows.lost.sum())
    assert money.model.mae.value == pytest.approx(np.abs(tested.outflows.expected - tested.outflows.lost).mean())
    assert set(money.baselines) == {"mean outflow", "mean share of balances", "last months carried forward"}
    assert 0.3 < money.model.ratio.value < 3
    assert money.model.ratio.low < money.model.ratio.value < money.model.ratio.high
    assert "in money" in outcome.verdict.en
    assert "en montants" in outcome.verdict.fr
    told = json.loads(json.dumps(outcome.evaluation.as_dict()))["outflow"]
    assert told["model"]["promised"] == pytest.approx(tested.outflows.expected.sum())
    assert "outflow/mae_low" in outcome.evaluation.flat()
    assert outcome.evaluation.texts()["curves/outflow.csv"].count("\n") == 11


def test_what_is_loaded_tells_the_same_money(outcome, saved):
    model = outcome.model
    assert {path.name for path in saved.iterdir()} == {MODEL_FILE, CONTRACT_FILE, GOLDEN_FILE, SEVERITY_FILE}
    loaded = Artefact.load(saved)
    loaded.check_golden()
    X = model.golden.frame()
    np.testing.assert_allclose(loaded.predict_share(X), model.predict_share(X), rtol=0, atol=1e-12)
    assert len(set(np.round(model.predict_share(X), 6))) > 3
    assert loaded.contract.loss.threshold == 0.2
    with pytest.raises(ArtefactError, match="must get all its features"):
        loaded.predict_share(X.iloc[:, 1:])


def edit(path, change):
    stored = json.loads(path.read_text())
    change(stored)
    path.write_text(json.dumps(stored))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c["loss"].update(threshold=0.0), "loss.threshold"),
        (lambda c: c["loss"].update(mean_share=1.5), "loss.mean_share"),
        (lambda c: c["loss"].update(min_balance=-1.0), "loss.min_balance"),
        (lambda c: c.update(loss=None), "which share of the money"),
        (lambda c: c.update(question="attrition"), "no other question does"),
        (lambda c: c["loss"]["classifier"]["features"][0].update(name="other"), "must read features"),
        (lambda c: c["loss"]["classifier"].pop("linear"), "must be complete"),
        (lambda c: c["loss"].update(threshold=0.3), "probabilities stored with them"),
        (lambda c: c["loss"]["classifier"]["calibration"].update(intercept=0.5), "probabilities stored with them"),
    ],
)
def test_a_contract_that_was_altered_is_refused(saved, change, message):
    edit(saved / CONTRACT_FILE, change)
    with pytest.raises(ArtefactError, match=message):
        Artefact.load(saved).check_golden()


def test_files_that_do_not_belong_together_are_refused(saved):
    (saved / SEVERITY_FILE).unlink()
    with pytest.raises(ArtefactError, match=r"must hold severity\.txt"):
        Artefact.load(saved)
    (saved / SEVERITY_FILE).write_text("tree\n")
    with pytest.raises(ArtefactError, match=r"severity\.txt and contract\.json must hold a classifier"):
        Artefact.load(saved)


def test_golden_shares_are_asked_of_erosion_and_of_nothing_else(outcome, artefact):
    without = replace(outcome.model, golden=outcome.model.golden.model_copy(update={"shares": None}))
    with pytest.raises(ArtefactError, match="must hold shares"):
        without.check_golden()
    with pytest.raises(ArtefactError, match="must be about money"):
        artefact.predict_share(pd.DataFrame())


def test_a_rate_stands_beside_a_mean_share(outcome, tmp_path):
    """What scores where no model beats its baselines: no trees, and the same files as any constant."""
    contract = outcome.model.contract
    loss = contract.loss.model_copy(update={"classifier": None})
    changes = {"kind": "constant", "features": (), "classifier": None, "probability": 0.1, "loss": loss}
    golden = outcome.model.golden.model_copy(
        update={"rows": {}, "probabilities": [0.1], "shares": [contract.loss.mean_share]}
    )
    rate = Artefact(contract.model_copy(update=changes), golden, None, None, Severity(0.2, contract.loss.mean_share))
    assert sorted(rate.save(tmp_path)) == [CONTRACT_FILE, GOLDEN_FILE]
    loaded = Artefact.load(tmp_path)
    loaded.check_golden()
    assert loaded.predict_share(pd.DataFrame({"a": [1, 2]})).tolist() == [contract.loss.mean_share] * 2
    edit(tmp_path / CONTRACT_FILE, lambda c: c["loss"].update(classifier={}))
    with pytest.raises(ArtefactError, match="beside a constant"):
        Artefact.load(tmp_path)


def test_it_is_verified_by_its_hashes_and_tried_elsewhere_like_any_model(trained, outcome, tmp_path):
    store = TrackingStore(TrackingSettings(directory=str(tmp_path)), "firm")
    only = replace(trained, outcomes={"erosion": replace(outcome, state="beats", fallback=None)})
    keep_training(store, "firm", only, SETTINGS)
    ref = resolve(store, "firm", "erosion")
    assert SEVERITY_FILE in ref.stored.sha256
    loaded = load_models([ref])["erosion"]
    X = outcome.model.golden.frame()
    np.testing.assert_allclose(loaded.predict_share(X), outcome.model.predict_share(X), rtol=0, atol=1e-12)
    file = ref.stored.directory / SEVERITY_FILE
    file.write_text(file.read_text().replace("leaf_value=", "leaf_value=9"))
    with pytest.raises(ArtefactError, match=r"another severity\.txt"):
        load_models([ref])
