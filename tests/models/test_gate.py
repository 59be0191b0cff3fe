from __future__ import annotations

import datetime as dt
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appetence.book import open_book
from appetence.config import BookSettings, ErosionSettings, FeatureSettings, TrainingSettings
from appetence.errors import ArtefactError
from appetence.models.artefact import Artefact, Contract, Golden
from appetence.models.blocks import Window
from appetence.models.gate import Contender, Duel, hold_against
from appetence.models.metrics import log_loss, log_loss_gain
from appetence.models.questions import Question
from appetence.models.rows import as_answered, learnt_until, matured_cuts, newest_cut

FEATURES = FeatureSettings(groups=("tenure", "holdings", "balances", "interactions"))
SETTINGS = TrainingSettings(bootstrap=40)
ATTRITION = Question("attrition", Window(6), 20, ("base rate",))
EARLY = ("2021-07-01", "2021-10-01")


def constant(artefact: Artefact, probability: float) -> Artefact:
    """A base rate for the question of another model, made from the same dates."""
    parts = {"kind": "constant", "features": (), "classifier": None, "probability": probability}
    contract = Contract.model_validate(dict(artefact.contract) | parts)
    return Artefact(contract, Golden(rows={}, probabilities=[probability]), None)


def made_from(artefact: Artefact, *cuts: str) -> Artefact:
    """The same model, said to be made from other cuts."""
    origins = artefact.contract.origins.model_copy(update={"fitted_on": cuts, "calibrated_on": ()})
    return replace(artefact, contract=artefact.contract.model_copy(update={"origins": origins}))


@pytest.fixture(scope="module")
def book(simulated):
    with open_book(BookSettings(directory=str(simulated))) as opened:
        yield opened


@pytest.fixture(scope="module")
def model(trained) -> Artefact:
    return trained.outcomes["attrition"].model


def drawn(n: int = 4_000, seed: int = 0):
    """Labels, the probabilities they were drawn from, and households of four rows."""
    rng = np.random.default_rng(seed)
    p = 1 / (1 + np.exp(-rng.normal(-2, 1, n)))
    return (rng.random(n) < p).astype(int), p, np.arange(n) // 4


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.floats(-1, 1))
def test_the_gain_is_the_difference_of_the_two_log_losses(seed, shift):
    y, p, household = drawn(200, seed)
    other = 1 / (1 + (1 / p - 1) * np.exp(-shift))
    gain, better = log_loss_gain(y, p, other, household, 50, seed)
    assert gain.value == pytest.approx(log_loss(y, other) - log_loss(y, p), abs=1e-12)
    assert gain.low <= gain.high
    back, worse = log_loss_gain(y, other, p, household, 50, seed)
    assert (back.low, back.high) == pytest.approx((-gain.high, -gain.low), abs=1e-12)
    assert better + worse <= 1.0


def test_whole_households_are_drawn():
    """Rows that repeat each other within a household say no more than one of them."""
    y, p, _ = drawn(1_000)
    other = np.full_like(p, y.mean())
    once, _ = log_loss_gain(y, p, other, np.arange(1_000), 400, 1)
    repeated = [np.repeat(values, 9) for values in (y, p, other, np.arange(1_000))]
    together, _ = log_loss_gain(*repeated, 400, 1)
    assert together.high - together.low == pytest.approx(once.high - once.low, rel=1e-9)


def test_probabilities_that_are_off_by_a_factor_are_seen_in_level_and_slope():
    y, p, household = drawn()
    high = 1 / (1 + (1 / p - 1) * np.exp(-0.7))
    bold = 1 / (1 + np.exp(-2 * np.log(p / (1 - p)) - 2))
    off = Duel.fought(y, high, p, household, 100, 3)
    assert off.level.low > 0
    assert off.figures["observed_expected"][0] < 0.7
    steep = Duel.fought(y, bold, p, household, 100, 3)
    assert steep.slope.low > 0
    assert steep.figures["calibration_slope"][0] == pytest.approx(0.5, abs=0.05)
    better = Duel.fought(y, p, high, household, 100, 3)
    assert better.level.high < 0
    assert better.better == 1.0


def test_cuts_are_the_newest_that_are_over():
    window = Window(6, 1)
    newest = newest_cut(dt.date(2024, 1, 1), window)
    assert newest == dt.date(2023, 6, 1)
    assert window.closes(newest) == dt.date(2024, 1, 1)
    assert matured_cuts(dt.date(2023, 1, 1), newest, 2, 3) == [dt.date(2023, m, 1) for m in (2, 4, 6)]
    assert matured_cuts(dt.date(2023, 5, 1), newest, 2, 3) == [dt.date(2023, 6, 1)]
    assert matured_cuts(dt.date(2023, 7, 1), newest, 2, 3) == []


def test_a_model_is_better_than_a_constant_on_months_that_neither_has_seen(book, model):
    new, old = made_from(model, *EARLY), made_from(constant(model, 0.03), *EARLY)
    assert learnt_until(new, Window(6)) == dt.date(2022, 4, 1)
    gate = hold_against(book, ATTRITION, Contender(2, new, False), Contender(1, old, False), FEATURES, SETTINGS)
    assert gate.wins
    assert gate.learnt == ()
    assert gate.cuts == ("2022-07-01", "2022-10-01", "2023-01-01")
    assert gate.figures["log_loss_old"] - gate.figures["log_loss_new"] == pytest.approx(gate.figures["gain"])
    assert "version 2 wins over version 1" in gate.verdict.en
    assert "Neither version had learnt" in gate.verdict.en
    assert "la version 2 l’emporte sur la version 1" in gate.verdict.fr
    back = hold_against(book, ATTRITION, Contender(1, old, False), Contender(2, new, False), FEATURES, SETTINGS)
    assert not back.wins
    assert "its log-loss is not smaller" in back.verdict.en
    assert back.figures["calibration_slope_new"] != back.figures["calibration_slope_new"]  # a constant has none


def test_who_has_learnt_from_the_months_compared_on_is_said_and_must_have_beaten_its_baselines(book, model):
    old = made_from(constant(model, 0.03), *EARLY)
    fought = [
        hold_against(book, ATTRITION, Contender(7, model, beats), Contender(1, old, False), FEATURES, SETTINGS)
        for beats in (True, False)
    ]
    assert [gate.wins for gate in fought] == [True, False]
    assert {gate.learnt for gate in fought} == {(7,)}
    assert "Version 7 learnt from events of these months, which favours it" in fought[0].verdict.en
    assert "did not beat its baselines" in fought[1].verdict.en
    both = hold_against(
        book, ATTRITION, Contender(7, model, True), Contender(1, constant(model, 0.03), False), FEATURES, SETTINGS
    )
    assert both.learnt == (7, 1)
    assert "Both versions learnt" in both.verdict.en


def test_what_cannot_be_compared_is_decided_by_its_own_test_or_refused(book, model):
    fewer = FEATURES.model_copy(update={"groups": ("tenure",)})
    rate = constant(model, 0.03)
    # the model in use reads what is switched off: it cannot score, and must not stand in the way
    stuck = hold_against(book, ATTRITION, Contender(2, rate, True), Contender(1, model, True), fewer, SETTINGS)
    assert stuck.wins
    assert "cannot score any more (no feature" in stuck.verdict.en
    with pytest.raises(ArtefactError, match=r"must get all features.*appetence promote attrition"):
        hold_against(book, ATTRITION, Contender(2, model, True), None, fewer, SETTINGS)
    assert hold_against(book, ATTRITION, Contender(1, rate, True), None, fewer, SETTINGS).wins
    assert not hold_against(book, ATTRITION, Contender(1, rate, False), None, fewer, SETTINGS).wins
    longer = replace(rate, contract=rate.contract.model_copy(update={"horizon": 3}))
    other = hold_against(book, ATTRITION, Contender(2, rate, True), Contender(1, longer, True), fewer, SETTINGS)
    assert (other.wins, other.figures) == (False, {})
    assert "different windows" in other.verdict.en


def test_versions_of_a_question_that_asked_something_else_are_not_compared(book, model):
    """The labels are those that the config asks for now: a version made for others would be judged on strange ones."""

    def version(number: int, definition: str) -> Contender:
        contract = model.contract.model_copy(update={"definition": definition})
        return Contender(number, made_from(replace(model, contract=contract), *EARLY), True)

    gate = hold_against(book, ATTRITION, version(2, ""), version(1, "other"), FEATURES, SETTINGS)
    assert not gate.wins
    assert gate.verdict.en.startswith("version 1 was made for another target or population")
    gate = hold_against(book, ATTRITION, version(2, "other"), version(1, ""), FEATURES, SETTINGS)
    assert gate.verdict.en.startswith("version 2 was made for another target")


def test_versions_of_erosion_are_compared_at_their_own_threshold_or_not_at_all(book, trained):
    """The config has moved to another threshold since: the models still answer for theirs."""
    model = made_from(trained.outcomes["erosion"].model, *EARLY)
    asked = Question("erosion", Window(3), 20, ("base rate",), rule=ErosionSettings(threshold=0.5, min_balance=50_000))
    answered = as_answered(asked, model)
    assert (answered.window, answered.rule.threshold, answered.rule.min_balance) == (Window(6), 0.2, 1000.0)
    features = FeatureSettings(groups=FEATURES.groups)
    same = hold_against(book, asked, Contender(2, model, True), Contender(1, model, True), features, SETTINGS)
    assert same.cuts
    assert same.figures["gain"] == pytest.approx(0.0)
    loss = model.contract.loss.model_copy(update={"threshold": 0.3})
    other = replace(model, contract=model.contract.model_copy(update={"loss": loss}))
    refused = hold_against(book, asked, Contender(2, model, True), Contender(1, other, True), features, SETTINGS)
    assert not refused.wins
    assert "another share of the balances" in refused.verdict.en
    assert "même part des encours" in refused.verdict.fr
