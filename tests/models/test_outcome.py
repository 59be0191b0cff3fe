from __future__ import annotations

import datetime as dt
from dataclasses import replace

import numpy as np
import pytest

from appetence.config import TrainingSettings
from appetence.models.baselines import BASE_RATE
from appetence.models.blocks import Blocks, Origin, Window
from appetence.models.outcome import try_question
from appetence.models.questions import Question

EARLY, LATE = dt.date(2023, 1, 1), dt.date(2023, 7, 1)
BLOCKS = Blocks(
    tests=(Origin(at=LATE, fit=(EARLY,), calibrate=(EARLY,), test=LATE),),
    final=Origin(at=dt.date(2024, 1, 1), fit=(EARLY,), calibrate=(LATE,), test=None),
)
SETTINGS = TrainingSettings(bootstrap=50, parameters={"max_rounds": 20})
ATTRITION = Question("attrition", Window(6), 50, (BASE_RATE,))
CARD = Question("buy:card", Window(6), 50, (BASE_RATE,))
OWN = Question("complains", Window(6), 50, (BASE_RATE,))


def test_a_signal_is_found_and_its_sizes_are_told(make_labelled):
    labelled = make_labelled()
    tried = try_question(ATTRITION, labelled, BLOCKS, SETTINGS, "f" * 64, prior=0.0)
    outcome = tried.outcome
    assert outcome.state == "beats"
    assert outcome.fallback is None
    assert outcome.model.contract.origins.calibrated_on == ("2023-07-01",)
    assert outcome.model.contract.metrics["auc"] == outcome.evaluation.metrics["auc"].value
    fit = labelled.block([EARLY], held_out=False)
    assert outcome.facts["rows"] == 3_000
    assert outcome.facts["fit_rows"] == len(fit)
    assert outcome.facts["fit_events"] == fit.events
    assert outcome.facts["test_dates"] == 1
    assert tried.served is None  # only products are ranked


def test_what_is_served_is_the_model_where_it_beats_and_the_base_rate_where_not(make_labelled):
    good = try_question(CARD, make_labelled(), BLOCKS, SETTINGS, "f" * 64, prior=0.01)
    noise = try_question(CARD, make_labelled(rate=0.05), BLOCKS, SETTINGS, "f" * 64, prior=0.01)
    assert good.outcome.state == "beats"
    assert len(np.unique(good.served.p)) > 100
    assert noise.outcome.state == "fallback"
    assert noise.outcome.model is not None
    assert noise.outcome.fallback.kind == "constant"
    assert len(np.unique(noise.served.p)) == 1


def test_no_event_at_all_refuses_attrition_but_not_a_product(make_labelled):
    labelled = make_labelled(400)
    nothing = replace(labelled, y=np.zeros_like(labelled.y))
    attrition = try_question(ATTRITION, nothing, BLOCKS, SETTINGS, "f" * 64, prior=0.01).outcome
    assert (attrition.state, attrition.model, attrition.fallback) == ("refused", None, None)
    card = try_question(CARD, nothing, BLOCKS, SETTINGS, "f" * 64, prior=0.01).outcome
    assert card.verdict.en == "not modelled: 0 buyers, 50 needed"
    # windows of 6 months every 3: 400 rows count as 200, drawn towards 1 % as by 5 buyers
    assert card.fallback.probability == 5 / (200 + 500)
    nobody = labelled.block([])
    assert try_question(CARD, nobody, BLOCKS, SETTINGS, "f" * 64, prior=0.01).outcome.state == "refused"


def test_events_that_all_come_after_the_test_date_cannot_be_tested(make_labelled):
    labelled = make_labelled()
    late = replace(labelled, y=np.where(labelled.cut == np.datetime64(EARLY), 0, labelled.y))
    outcome = try_question(CARD, late, BLOCKS, SETTINGS, "f" * 64, prior=0.01).outcome
    assert outcome.verdict.en == "not modelled: too few buyers before every test date"
    assert outcome.model is None


def test_a_firms_own_question_is_refused_without_any_event_and_has_its_own_rate_with_few(make_labelled):
    labelled = make_labelled(400)
    nothing = replace(labelled, y=np.zeros_like(labelled.y))
    refused = try_question(OWN, nothing, BLOCKS, SETTINGS, "f" * 64, prior=0.01).outcome
    assert refused.verdict.en.startswith("It never happened in this book")
    assert try_question(OWN, labelled.block([]), BLOCKS, SETTINGS, "f" * 64, prior=0.01).outcome.state == "refused"
    few = replace(labelled, y=(np.arange(len(labelled)) < 8).astype(np.int64))  # of 4 clients
    found = try_question(OWN, few, BLOCKS, SETTINGS, "f" * 64, prior=0.01)
    assert found.outcome.verdict.en == "not modelled: 4 events, 50 needed"
    assert found.outcome.verdict.fr == "non modélisé : 4 événements, il en faut 50"
    # windows of 6 months every 3: 8 events in 400 rows count as 4 in 200, and no product's rate has a say
    assert found.outcome.fallback.probability == pytest.approx((4 + 0.5) / (200 + 1))
    assert found.served is None  # only products are ranked
