from __future__ import annotations

import datetime as dt
from dataclasses import replace

import numpy as np
import pytest

from appetence.book import open_book
from appetence.config import BookSettings, FeatureSettings, TrainingSettings
from appetence.features.pipeline import build_features
from appetence.features.population import population
from appetence.models.artefact import Artefact, Contract, Golden
from appetence.models.baselines import BASE_RATE, LIFE_TABLE, LOGISTIC
from appetence.models.blocks import Window
from appetence.models.health import InUse, champions_health, health_lines
from appetence.models.questions import Question
from appetence.targets.attrition import attrition_targets

FEATURES = FeatureSettings(groups=("tenure", "holdings", "balances", "interactions"))
SETTINGS = TrainingSettings(bootstrap=40)
ATTRITION = Question("attrition", Window(6), 20, (BASE_RATE, LIFE_TABLE, LOGISTIC))
UNTIL, CUT = dt.date(2023, 7, 1), dt.date(2023, 1, 1)


@pytest.fixture(scope="module")
def book(simulated):
    with open_book(BookSettings(directory=str(simulated))) as opened:
        yield opened


def in_use(artefact: Artefact, *cuts: str, probability: float | None = None) -> InUse:
    """A champion of attrition said to be made from some cuts: the model, or a constant in its place."""
    contract = artefact.contract
    origins = contract.origins.model_copy(update={"fitted_on": cuts, "calibrated_on": ()})
    if probability is None:
        model = replace(artefact, contract=contract.model_copy(update={"origins": origins}))
        return InUse(ATTRITION, 4, model)
    parts = {"kind": "constant", "features": (), "classifier": None, "probability": probability, "origins": origins}
    contract = Contract.model_validate(dict(contract) | parts)
    return InUse(ATTRITION, 4, Artefact(contract, Golden(rows={}, probabilities=[probability]), None))


def test_a_champion_is_judged_on_the_newest_month_that_it_has_not_learnt_from(book, trained):
    model = trained.outcomes["attrition"].model
    found = champions_health(book, [in_use(model, "2022-01-01")], UNTIL, FEATURES, SETTINGS)["attrition"]
    assert (found.state, found.cut) == ("beats", CUT)
    assert set(found.gains) == {BASE_RATE, LIFE_TABLE}

    # the same figure, computed step by step from the book
    spine = population(book, [CUT])
    status = np.array(attrition_targets(book, spine, 0, 6)["status"].to_pylist())
    known = ~np.isin(status, ("unknown", "gone"))
    p = model.predict(build_features(book, spine, FEATURES).frame())[known]
    y = status[known] == "left"
    assert found.log_loss["model"] == pytest.approx(-np.where(y, np.log(p), np.log(1 - p)).mean())
    rates = []
    for cut in (dt.date(2021, 10, 1), dt.date(2022, 1, 1), dt.date(2022, 4, 1), dt.date(2022, 7, 1)):
        past = np.array(attrition_targets(book, population(book, [cut]), 0, 6)["status"].to_pylist())
        rates += list((past == "left")[~np.isin(past, ("unknown", "gone"))])
    rate = np.mean(rates)
    assert found.log_loss[BASE_RATE] == pytest.approx(-np.where(y, np.log(rate), np.log(1 - rate)).mean())
    assert found.gains[BASE_RATE].value == pytest.approx(found.log_loss[BASE_RATE] - found.log_loss["model"])


def test_one_that_is_behind_is_said_so_and_what_cannot_be_told_has_its_reason(book, trained):
    model = trained.outcomes["attrition"].model
    bold = champions_health(book, [in_use(model, "2022-01-01", probability=0.4)], UNTIL, FEATURES, SETTINGS)
    behind = bold["attrition"]
    assert behind.state == "behind"
    assert "version 4 no longer beats its plain baselines: at the cut 2023-01-01" in behind.verdict.en
    assert "la version 4 ne fait plus mieux que ses références simples" in behind.verdict.fr
    lines = list(health_lines(bold))
    assert lines[0].startswith("  warning: attrition: version 4 no longer beats")
    assert "appetence promote attrition" in lines[1]
    assert "0 of 1 beat" in lines[-1]

    # its newest label window, of 2022-10, ends after the cut that would be looked at
    fresh = champions_health(book, [in_use(model, "2022-10-01")], UNTIL, FEATURES, SETTINGS)
    assert (fresh["attrition"].state, fresh["attrition"].cut) == ("unknown", None)
    assert "the first will be at the end of 2023-09" in fresh["attrition"].verdict.en
    assert "nothing to tell yet" in "".join(health_lines(fresh))
    early = champions_health(book, [in_use(model, "2020-01-01")], dt.date(2022, 1, 1), FEATURES, SETTINGS)
    assert "too few months" in early["attrition"].verdict.en
    assert champions_health(book, [], UNTIL, FEATURES, SETTINGS) == {}
    assert list(health_lines({})) == []
