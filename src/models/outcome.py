"""One question from labels to verdict: tested at earlier dates, then made again with the newest labels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from appetence.config import TrainingSettings
from appetence.models.artefact import Artefact
from appetence.models.baselines import BASE_RATE
from appetence.models.blocks import Blocks, Origin
from appetence.models.dataset import Labelled
from appetence.models.dependence import Dependence, choose_unit
from appetence.models.evaluation import Evaluation, evaluate
from appetence.models.fitting import (
    Predictions,
    Wrapping,
    can_fit,
    fit_fallback,
    fit_model,
    label_hash,
    pooled,
    predict_base_rate,
    predict_test,
)
from appetence.models.questions import Question
from appetence.models.verdicts import (
    Verdict,
    it_never_happened,
    nobody_asked,
    nobody_leaves,
    nobody_may_buy,
    nobody_may_buy_again,
    nothing_to_erode,
    too_few,
    too_few_before_tests,
)

SAMPLE = 2_000
"""Rows at most that a model is explained on: means of contributions over more of them look the same."""

_DRAWN = 0x64726177
ASSETS = "assets"
"""The feature that says what a client holds with us: what goes where the client leaves."""


@dataclass(frozen=True)
class Sample:
    """Rows that a model can be explained on, drawn from the newest cut that it learnt from.

    Attributes
    ----------
    X
        (n, features) of at most `SAMPLE` rows, without ids.
    cut
        ISO 8601.
    of
        Rows of the question at that cut.
    """

    X: pd.DataFrame
    cut: str
    of: int


@dataclass(frozen=True)
class Outcome:
    """What became of one question.

    Attributes
    ----------
    question
        Its name.
    state
        `beats`: the model beats its baselines; `fallback`: it does not, or there is too little to model; `refused`: the
        question cannot be asked of this book.
    verdict
        The state and its figures, or the reason, in a sentence.
    model
        The full model; None where there was too little to make one.
    fallback
        What scores instead of a model that does not beat its baselines.
    evaluation
        Figures of the tests; None where there was no test.
    facts
        Sizes of the blocks, and hashes of what was learnt from.
    tested
        The model's scores of the test rows, beside what happened; None where there was no test.
    definition
        Of a firm's own question that was refused: what it asked then.
    sample
        Rows to explain a model on; None where the question was refused.
    assets
        (m,) what the clients of the test rows held with us; None but for attrition, or where it is not known.
    """

    question: str
    state: Literal["beats", "fallback", "refused"]
    verdict: Verdict
    model: Artefact | None = None
    fallback: Artefact | None = None
    evaluation: Evaluation | None = None
    facts: Mapping[str, int | str] = field(default_factory=dict)
    tested: Predictions | None = field(default=None, repr=False)
    definition: str = ""
    sample: Sample | None = field(default=None, repr=False)
    assets: npt.NDArray[np.float64] | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Tried:
    """An outcome with the probabilities that would have been served at the test dates; None without any test rows."""

    outcome: Outcome
    served: Predictions | None


def try_question(
    question: Question,
    labelled: Labelled,
    blocks: Blocks,
    settings: TrainingSettings,
    book_fingerprint: str,
    prior: float,
) -> Tried:
    """Test a question at its test dates, and make the model, or the fallback, that will score.

    Parameters
    ----------
    labelled
        The question's rows at the cuts of `blocks`.
    prior
        The rate that a rare product's base rate is drawn towards.
    """
    reason = refusal_of(question, labelled)
    if reason is not None:
        return Tried(Outcome(question.name, "refused", reason, definition=question.definition), None)
    tests = [origin for origin in blocks.tests if can_fit(labelled, origin)]
    lacking = lacking_for(question, labelled, tests)
    if lacking is not None:
        return _not_modelled(question, labelled, blocks, settings, book_fingerprint, prior, lacking)
    parts = [predict_test(question, labelled, origin, settings.parameters, settings.seed) for origin in tests]
    predictions = pooled(parts).drawn_by(dependence_of(labelled, tests[0], settings), labelled)
    evaluation = evaluate(predictions, settings.bootstrap, settings.seed)
    wrapping = Wrapping(
        question, blocks.final, book_fingerprint, evaluation.summary(), evaluation.verdict, settings.seed
    )
    made = fit_model(labelled, blocks.final, settings.parameters, settings.seed)
    fallback = None
    if not evaluation.beats:
        fallback = fit_fallback(wrapping, labelled, settings.every, prior, settings.parameters)
    outcome = Outcome(
        question.name,
        "beats" if evaluation.beats else "fallback",
        evaluation.verdict,
        wrapping.classifier(made, labelled),
        fallback,
        evaluation,
        _facts(labelled, blocks.final, len(tests))
        | _told(predictions.dependence)
        | {"half_life_months": "none" if made.half_life is None else made.half_life},
        predictions,
        sample=sample_of(labelled, blocks.final, settings.seed),
        assets=_assets(question, labelled, predictions),
    )
    served = predictions if evaluation.beats else predictions.as_baseline(BASE_RATE)
    return Tried(outcome, served if question.product_id is not None else None)


def sample_of(labelled: Labelled, origin: Origin, seed: int) -> Sample:
    """Draw rows of the newest cut of an origin, with the topics that are read there."""
    newest = max((*origin.fit, *origin.calibrate))
    rows = labelled.at(origin).block([newest])
    return Sample(rows.where(drawn_rows(len(rows), seed)).X, newest.isoformat(), len(rows))


def drawn_rows(n: int, seed: int) -> npt.NDArray[np.bool_]:
    """Return (n,) which of n rows are drawn: at most `SAMPLE`, at random."""
    chosen = np.zeros(n, dtype=np.bool_)
    chosen[np.random.default_rng([seed, _DRAWN]).permutation(n)[:SAMPLE]] = True
    return chosen


def _assets(question: Question, labelled: Labelled, tested: Predictions) -> npt.NDArray[np.float64] | None:
    held = labelled.snapshots.X.get(ASSETS) if question.kind == "attrition" else None
    return None if held is None else held.iloc[tested.rows].to_numpy(dtype=np.float64, na_value=np.nan)


def refusal_of(question: Question, labelled: Labelled) -> Verdict | None:
    """Return why the question makes no sense in this book, if so."""
    if question.kind == "attrition":
        return nobody_leaves() if labelled.events == 0 else None
    if question.kind == "own":
        return nobody_asked() if len(labelled) == 0 else it_never_happened() if labelled.events == 0 else None
    if len(labelled):
        return None
    if question.kind == "erosion":
        return nothing_to_erode()
    reason = nobody_may_buy_again if question.kind == "rebuy" else nobody_may_buy
    return reason(question.product_id or question.name)


def lacking_for(question: Question, labelled: Labelled, tests: list[Origin]) -> Verdict | None:
    """Return why there is too little to model, if so."""
    if labelled.events < question.fewest_events:
        return too_few(labelled.events, question.fewest_events, question.kind)
    return None if tests else too_few_before_tests(question.kind)


def why_not_modelled(question: Question, labelled: Labelled, tests: list[Origin]) -> Verdict | None:
    """Return why a question is not modelled: it makes no sense in this book, or there is too little; None if it is."""
    return refusal_of(question, labelled) or lacking_for(question, labelled, tests)


def _not_modelled(
    question: Question,
    labelled: Labelled,
    blocks: Blocks,
    settings: TrainingSettings,
    book_fingerprint: str,
    prior: float,
    reason: Verdict,
) -> Tried:
    wrapping = Wrapping(question, blocks.final, book_fingerprint, {}, reason, settings.seed)
    fallback = fit_fallback(wrapping, labelled, settings.every, prior, settings.parameters)
    facts = _facts(labelled, blocks.final, 0)
    sample = sample_of(labelled, blocks.final, settings.seed)
    outcome = Outcome(question.name, "fallback", reason, fallback=fallback, facts=facts, sample=sample)
    served = None if question.product_id is None else predict_base_rate(labelled, blocks.tests, prior)
    return Tried(outcome, served)


def dependence_of(labelled: Labelled, first: Origin, settings: TrainingSettings) -> Dependence:
    """Choose what is resampled on what was known at the first test date, so that no test row has a say in it."""
    return choose_unit(labelled.block((*first.fit, *first.calibrate)), settings.unit)


def _told(dependence: Dependence) -> dict[str, int | str]:
    effects = {f"design_effect_{unit}": f"{effect.value:.2f}" for unit, effect in dependence.effects.items()}
    return {"intervals_by": dependence.unit, **effects}


def _facts(labelled: Labelled, final: Origin, tests: int) -> dict[str, int | str]:
    fit, calibrate = labelled.block(final.fit, held_out=False), labelled.block(final.calibrate, held_out=True)
    return {
        "rows": len(labelled),
        "events": labelled.events,
        "fit_rows": len(fit),
        "fit_events": fit.events,
        "calibration_rows": len(calibrate),
        "calibration_events": calibrate.events,
        "test_dates": tests,
        "label_hash": label_hash(labelled),
    }
