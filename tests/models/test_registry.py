from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from appetence.config import TrackingSettings
from appetence.errors import ArtefactError
from appetence.models.registry import (
    ModelRef,
    load,
    load_models,
    model_name,
    recorded,
    resolve,
    try_in_another_process,
)
from appetence.models.tracking import CHAMPION, FALLBACK, RunRecord, TrackingStore, file_sha256
from appetence.models.verdicts import Verdict


@pytest.fixture(scope="module")
def store(tmp_path_factory) -> TrackingStore:
    return TrackingStore(TrackingSettings(directory=str(tmp_path_factory.mktemp("registry"))), "demo")


@pytest.fixture
def put(store, artefact, constant):
    """Register and approve an artefact, and return what the alias resolves to."""

    def make(firm: str, *, alias: str = CHAMPION, of=None) -> ModelRef:
        chosen = artefact if of is None else of
        with store.run(RunRecord(chosen.question)) as run_id:
            stored = store.register(model_name(firm, chosen.question), chosen, run_id)
        store.approve(stored, alias, "rule", Verdict("reason", "raison"))
        ref = resolve(store, firm, chosen.question)
        assert ref is not None
        return ref

    return make


def approved_again(ref: ModelRef) -> ModelRef:
    """The same files with the hashes they have now: an approval of what is corrupt."""
    hashes = {name: file_sha256(ref.stored.directory / name) for name in ref.stored.sha256}
    return replace(ref, stored=replace(ref.stored, sha256=hashes))


def test_a_champion_comes_before_a_fallback(store, put, artefact):
    assert resolve(store, "aliases", "attrition") is None
    first = put("aliases", alias=FALLBACK)
    assert (first.alias, first.version) == (FALLBACK, 1)
    second = put("aliases", alias=CHAMPION)
    assert (second.alias, second.version) == (CHAMPION, 2)
    assert second.name == "aliases.attrition"


def test_a_version_is_found_by_what_a_run_recorded_of_it_if_it_was_approved(store, put, artefact, constant):
    first = put("recorded")
    put("recorded", alias=FALLBACK)
    unapproved = put("recorded", of=constant)
    with store.run(RunRecord("attrition")) as run_id:
        never = store.register(model_name("recorded", "buy:home_loan"), replace_horizon(constant), run_id)
    found = recorded(store, "attrition", first.name, first.stored.sha256)
    assert found is not None
    assert (found.question, found.version) == ("attrition", 2)  # the same files twice: the newest is taken
    assert recorded(store, "attrition", first.name, {**first.stored.sha256, "model.txt": "0" * 64}) is None
    assert recorded(store, "attrition", first.name, {}) is None
    assert recorded(store, "attrition", "another.attrition", first.stored.sha256) is None
    assert recorded(store, "buy:home_loan", never.name, unapproved.stored.sha256) is not None
    assert recorded(store, "buy:home_loan", never.name, never.sha256) is None  # nobody ever approved it


def replace_horizon(made):
    return replace(made, contract=made.contract.model_copy(update={"horizon": 9}))


def test_several_models_are_loaded_at_once_and_score_as_before(put, artefact, constant):
    loaded = load_models([put("several"), put("several", alias=FALLBACK, of=constant)])
    assert set(loaded) == {"attrition", "buy:home_loan"}
    X = artefact.golden.frame()
    np.testing.assert_allclose(loaded["attrition"].predict(X), artefact.predict(X), rtol=0, atol=1e-12)
    assert loaded["buy:home_loan"].predict(X).tolist() == [0.0125] * len(X)
    assert load_models([]) == {}


@pytest.mark.parametrize("name", ["model.txt", "contract.json", "golden.json"])
def test_one_flipped_bit_is_refused(put, name):
    ref = put(f"flip_{name[:5]}")
    path = ref.stored.directory / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(ArtefactError, match=rf"Version 1 .* must be what was approved, but got another {name}"):
        load(ref)


def test_topics_are_approved_with_the_model_and_refused_when_changed(put, topical):
    ref = put("topics", of=topical)
    assert set(ref.stored.sha256) == {"model.txt", "contract.json", "golden.json", "topics.json"}
    assert load(ref).topics == topical.topics
    path = ref.stored.directory / "topics.json"
    path.write_text(path.read_text().replace("0.8", "0.7"))
    with pytest.raises(ArtefactError, match=r"must be what was approved, but got another topics\.json"):
        load(ref)
    path.write_text("{")
    with pytest.raises(ArtefactError, match=r"topics\.json must be part of a stored model"):
        load(approved_again(ref))


def test_a_missing_file_and_a_missing_approval_are_refused(put):
    ref = put("missing")
    with pytest.raises(ArtefactError, match="must have an approval"):
        load(replace(ref, stored=replace(ref.stored, sha256={})))
    (ref.stored.directory / "model.txt").unlink()
    with pytest.raises(ArtefactError, match=r"must have its file model\.txt"):
        load(ref)


def test_an_approved_name_outside_the_model_is_refused(put):
    ref = put("outside")
    hashes = {**ref.stored.sha256, "../../../../mlflow.db": "0" * 64}
    with pytest.raises(ArtefactError, match="must have an approval"):
        load(replace(ref, stored=replace(ref.stored, sha256=hashes)))


@pytest.mark.parametrize("keep", [0.0, 0.3, 0.7, 0.95])
def test_a_model_cut_short_is_refused_and_this_process_lives(put, keep):
    ref = put(f"cut{int(keep * 100)}")
    path = ref.stored.directory / "model.txt"
    text = path.read_text()
    path.write_text(text[: int(text.index("end of trees") * keep)])
    with pytest.raises(ArtefactError):
        load(approved_again(ref))


def test_a_model_with_a_changed_leaf_is_refused_by_its_golden_rows(put):
    ref = put("leaf")
    path = ref.stored.directory / "model.txt"
    lines = path.read_text().splitlines(keepends=True)
    at = next(i for i, line in enumerate(lines) if line.startswith("leaf_value=") and " " in line)
    old = lines[at].split("=")[1].split()
    new = " ".join(f"{float(value) + 0.01!r}" for value in old)
    lines[at] = f"leaf_value={new.ljust(len(' '.join(old)))[: len(' '.join(old))]}\n"
    path.write_text("".join(lines))
    with pytest.raises(ArtefactError):
        load(approved_again(ref))


def test_a_model_of_another_question_is_refused(put):
    ref = put("other")
    path = ref.stored.directory / "contract.json"
    contract = json.loads(path.read_text())
    contract |= {"question": "buy:card", "product_id": "card"}
    path.write_text(json.dumps(contract))
    with pytest.raises(ArtefactError, match="must answer 'attrition'"):
        load(approved_again(ref))


def test_the_trial_names_the_model_that_failed(saved, tmp_path):
    try_in_another_process([saved])
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(ArtefactError, match=r"must hold contract\.json"):
        try_in_another_process([saved, empty])


def test_names_of_products_are_safe_in_mlflow():
    assert model_name("demo", "attrition") == "demo.attrition"
    assert model_name("demo", "buy:home_loan") == "demo.buy.home_loan"
    assert model_name("demo", "buy:a:b/c") == "demo.buy.a%3Ab%2Fc"
