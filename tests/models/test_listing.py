from __future__ import annotations

from dataclasses import replace

import pytest

from appetence.config import TrackingSettings, TrainingSettings
from appetence.errors import UsageError
from appetence.models.listing import compare, list_models
from appetence.models.promotion import keep_training
from appetence.models.tracking import TrackingStore

FEW, MANY = (TrainingSettings(tests=1, bootstrap=20, parameters={"max_rounds": n}) for n in (20, 300))


@pytest.fixture(scope="module")
def store(tmp_path_factory, trained) -> TrackingStore:
    """Two trainings of a firm, the second with other parameters and a model of attrition that reads less."""
    store = TrackingStore(TrackingSettings(directory=str(tmp_path_factory.mktemp("listing"))), "bank")
    outcome = replace(trained.outcomes["attrition"], state="beats", fallback=None)
    fewer = outcome.model.contract.model_copy(update={"features": outcome.model.features[1:]})
    keep_training(store, "bank", replace(trained, outcomes={**trained.outcomes, "attrition": outcome}), FEW)
    # what a listing shows is read from the files: nothing scores with this contract
    other = replace(outcome, model=replace(outcome.model, contract=fewer))
    keep_training(store, "bank", replace(trained, outcomes={"attrition": other}), MANY)
    return store


def test_every_version_is_there_with_what_its_training_said(store, trained):
    models = list_models(store, "bank")
    assert list(models.versions) == ["attrition", "erosion", "buy:livret_a", "buy:pel"]
    found = models.as_dict()
    first, second = found["attrition"]["versions"]
    assert (first["aliases"], second["aliases"]) == (["champion"], ["challenger"])
    tested = trained.outcomes["attrition"].evaluation
    assert first["figures"]["auc"] == pytest.approx(tested.metrics["auc"].value)
    assert set(first["baselines"]) == {"base rate", "life table", "logistic regression"}
    assert first["baselines"]["life table"]["log_loss"] == pytest.approx(
        tested.baselines["life table"].metrics["log_loss"]
    )
    origins = trained.outcomes["attrition"].model.contract.origins
    assert (first["fitted_on"], first["calibrated_on"]) == (list(origins.fitted_on), list(origins.calibrated_on))
    assert first["verdict_fr"] == trained.outcomes["attrition"].verdict.fr
    assert (second["approved_by"], second["why"]) == (None, None)
    text = "\n".join(models.lines())
    assert "version 2  [challenger]" in text
    assert "life table 0." in text
    assert "history" not in text
    rate = found["buy:pel"]["versions"][-1]
    assert (rate["kind"], rate["aliases"], rate["figures"]) == ("constant", ["fallback"], {})


def test_one_question_is_told_with_its_history(store):
    models = list_models(store, "bank", "attrition")
    assert list(models.versions) == ["attrition"]
    assert "version 1 became champion, by rule: first version" in "\n".join(models.lines())
    with pytest.raises(UsageError, match=r"'attrtion'.*Did you mean 'attrition'"):
        list_models(store, "bank", "attrtion")
    with pytest.raises(UsageError, match="Train first"):
        list_models(store, "nobody", "attrition")
    assert list(list_models(store, "nobody").lines()) == ["No model yet: appetence train"]


def test_two_versions_stand_side_by_side(store, trained):
    models = list_models(store, "bank", "attrition")
    found = compare(models, "attrition", (1, 2))
    assert found.removed == [trained.outcomes["attrition"].model.features[0]]
    assert found.added == []
    assert found.parameters == {"max_rounds": ("20", "300")}
    one, other = found.figures["log_loss"]
    assert one == other
    assert compare(models, "attrition", (2, 1)).added == found.removed
    assert "20  →  300" in "\n".join(found.lines())
    with pytest.raises(UsageError, match=r"but got 5\. There are: 1, 2"):
        compare(models, "attrition", (1, 5))


def test_a_version_whose_files_are_gone_is_listed_all_the_same(store, trained):
    keep_training(store, "gone", replace(trained, outcomes={"attrition": trained.outcomes["attrition"]}), FEW)
    (stored, *_) = store.versions("gone.attrition")
    (stored.directory / "contract.json").write_text("{")
    text = "\n".join(list_models(store, "gone").lines())
    assert "its contract cannot be read" in text
