"""Tuning: search parameters by time folds inside the training period, then see what that gained out of time.

Blocks stand in time order, train < tune < calibrate < test. The dates that judge a trial are fit cuts of the first test
date's model: their label windows close before that date, and they lie before its calibration cuts. At each of them the
procedure of training is repeated as it would have been run then. The test dates are scored once, after the search, with
the best parameters and with those in use, on the same rows; they choose nothing.
"""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import asdict, dataclass, replace
from importlib import metadata
from typing import Literal

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from appetence import __version__
from appetence.book import Book
from appetence.config import Asking, FeatureSettings, TrainingSettings, TuningSettings
from appetence.models import metrics
from appetence.models.blocks import Blocks, Origin, plan_blocks
from appetence.models.dataset import Labelled
from appetence.models.fitting import (
    Parameters,
    Predictions,
    can_fit,
    check_parameters,
    label_hash,
    pooled,
    predict_test,
)
from appetence.models.outcome import why_not_modelled
from appetence.models.preparing import prepare
from appetence.models.questions import Question, ask
from appetence.models.search import Clock, Study, Trial
from appetence.models.search_space import SPACE
from appetence.models.tracking import TrackingStore
from appetence.models.tuning_folds import months_to_tune, plan_folds
from appetence.models.tuning_record import StudyRecord, recorded
from appetence.models.tuning_result import TuningResult, compare
from appetence.models.verdicts import (
    Figures,
    Verdict,
    no_time_to_tune,
    nothing_better,
    too_few_to_tune,
    too_short_to_tune,
    tuned,
)
from appetence.months import Month
from appetence.progress import Progress, part, silent

_DEPENDS_ON = ("lightgbm", "numpy", "optuna", "scikit-learn")
_SCORED = "scored"


def tune_question(
    book: Book,
    name: str,
    asking: Asking,
    features: FeatureSettings,
    training: TrainingSettings,
    tuning: TuningSettings,
    store: TrackingStore,
    progress: Progress = silent,
) -> TuningResult:
    """Search the parameters of one question, or go on with the search, and test what it found.

    Parameters
    ----------
    name
        `attrition`, `buy:<product_id>` …
    store
        Where runs are kept; the study lies in its folder.

    Raises
    ------
    UsageError
        An unknown question, feature group or parameter.
    TuningError
        Another process is at the same search.
    """
    until = time.monotonic() + 60.0 * tuning.time_budget
    check_parameters(training.parameters)
    asked = ask(book, asking, [name])
    if not asked.questions:
        return TuningResult(name, "refused", asked.refused[name])
    question = asked.questions[0]
    blocks = plan_blocks(book.observed_from, book.observed_until, question.window, training)
    folds = _folds(book, question, blocks, training, tuning.folds)
    if blocks is None or not folds:
        return TuningResult(name, "refused", _too_short(book, question, training))
    dates = {question: Blocks((*folds, *blocks.tests), blocks.tests[-1])}
    labelled = prepare(book, dates, features, training, part(progress, 0.0, 0.1)).labelled[question]
    labelled = replace(labelled, amounts=None)  # judged by probabilities: what is about money is not fitted
    tests = [origin for origin in blocks.tests if can_fit(labelled, origin)]
    refusal = why_not_modelled(question, labelled, tests)
    folds = tuple(origin for origin in folds if can_fit(labelled, origin))
    if refusal is None and not folds:
        refusal = too_few_to_tune(question.kind)
    if refusal is not None:
        return TuningResult(name, "refused", refusal)
    fingerprint = book.fingerprint(book.observed_until)
    digest = _digest(question, labelled, folds, tests, training, features, fingerprint)
    task = _Task(question, labelled, folds, tuple(tests), training)
    clock = Clock(until, reserve=2 * len(tests))
    params = {"folds": len(folds), "seed": training.seed, "horizon": question.window.horizon}
    with (
        threadpool_limits(1),  # one BLAS thread, as in training: the same order of sums, the same bits
        Study(store.directory, f"{name} {digest}", training.parameters, training.seed) as study,
        recorded(store, study, name, fingerprint, params) as record,
    ):
        return task.run(study, record, tuning, clock, part(progress, 0.1, 1.0))


@dataclass(frozen=True)
class _Task:
    """A question with the folds of its search and its test dates."""

    question: Question
    labelled: Labelled
    folds: tuple[Origin, ...]
    tests: tuple[Origin, ...]
    training: TrainingSettings

    def run(
        self, study: Study, record: StudyRecord, tuning: TuningSettings, clock: Clock, progress: Progress
    ) -> TuningResult:
        """Search, then test once, and keep all of it in MLflow."""

        def on_trial(_: Trial) -> None:
            record.keep_trials(study)
            done = len(study.finished)
            progress(f"trying parameters: {done} of {tuning.trials} done", 0.9 * done / tuning.trials)

        progress(f"trying parameters: {len(study.finished)} of {tuning.trials} done", 0.0)
        study.search(self._judge, len(self.folds), tuning.trials, clock, on_trial)
        record.keep_trials(study)
        result = self._result(study, tuning, progress)
        figures = {f"inside.{key}": value for key, value in result.inside.items()} | dict(result.outside)
        figures = {key.replace(" ", "_"): value for key, value in figures.items() if np.isfinite(value)}
        told = json.dumps(result.as_dict(), ensure_ascii=False, indent=1, sort_keys=True)
        record.end(study, result.verdict, result.state, figures, {"tuning.json": told})
        return result

    def _judge(self, parameters: Parameters, fold: int) -> float:
        found = self._predicted(self.folds[fold], parameters)
        return metrics.log_loss(found.y, found.p)

    def _predicted(self, origin: Origin, parameters: Parameters) -> Predictions:
        plain = replace(self.question, baselines=())  # parameters are held against parameters
        return predict_test(plain, self.labelled, origin, parameters, self.training.seed)

    def _result(self, study: Study, tuning: TuningSettings, progress: Progress) -> TuningResult:
        finished, best = study.finished, study.best
        base = next((trial for trial in finished if trial.in_use), None)
        common = TuningResult(
            question=self.question.name,
            state="unfinished",
            verdict=no_time_to_tune(tuning.time_budget, len(finished)),
            study=study.name,
            folds=tuple(str(origin.test) for origin in self.folds),
            tests=tuple(str(origin.test) for origin in self.tests),
            trials={state: sum(t.state == state for t in study.trials) for state in {t.state for t in study.trials}},
            in_use=dict(self.training.parameters),
        )
        if best is None or base is None or len(finished) < 2:
            return common
        progress("testing what was found", 0.9)
        outside = self._scored(study, best)
        own, other = (Figures(outside[f"{key}_auc"], outside[f"{key}_log_loss"]) for key in ("tuned", "in_use"))
        dates = len(self.tests)
        worth = outside["gain_low"] > 0
        if best.in_use:
            verdict = nothing_better(len(finished), other, dates)
        else:
            verdict = tuned(worth, (outside["gain"], outside["gain_low"], outside["gain_high"]), own, other, dates)
        inside = {"tuned": best.loss, "in use": base.loss}
        state: Literal["gained", "nothing"] = "gained" if worth else "nothing"
        return replace(common, state=state, verdict=verdict, best=best.parameters, inside=inside, outside=outside)

    def _scored(self, study: Study, best: Trial) -> dict[str, float]:
        """Score the test dates, unless the study has these very parameters' figures already."""
        known: dict[str, dict[str, float]] = study.noted(_SCORED) or {}
        key = json.dumps(dict(best.parameters), sort_keys=True)
        if key not in known:
            in_use = pooled([self._predicted(origin, self.training.parameters) for origin in self.tests])
            own = in_use if best.in_use else pooled([self._predicted(origin, best.parameters) for origin in self.tests])
            known[key] = compare(own, in_use, self.training.bootstrap, self.training.seed)
            study.note(_SCORED, known)
        return {**known[key], "times_scored": float(len(known))}


def _folds(
    book: Book, question: Question, blocks: Blocks | None, training: TrainingSettings, wanted: int
) -> tuple[Origin, ...]:
    if blocks is None:
        return ()
    return plan_folds(blocks.tests[0], book.observed_from, question.window, training, wanted)


def _too_short(book: Book, question: Question, training: TrainingSettings) -> Verdict:
    months = Month.of(book.observed_until) - Month.of(book.observed_from)
    return too_short_to_tune(months_to_tune(question.window, training), months, question.window.horizon)


def _digest(
    question: Question,
    labelled: Labelled,
    folds: tuple[Origin, ...],
    tests: list[Origin],
    training: TrainingSettings,
    features: FeatureSettings,
    fingerprint: str,
) -> str:
    """Return a hash of all that the losses and the test depend on: another book, or setting, is another study."""
    settings = {
        "book": fingerprint,
        "labels": label_hash(labelled),
        "origins": [[str(cut) for cut in origin.cuts] for origin in (*folds, *tests)],
        "window": asdict(question.window),
        "training": training.model_dump(mode="json"),
        "features": [features.model_dump(mode="json"), list(labelled.features)],
        "space": {name: str(known) for name, known in SPACE.items()},
        "versions": [__version__, *(f"{package} {metadata.version(package)}" for package in _DEPENDS_ON)],
    }
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode())
    digest.update(np.ascontiguousarray(pd.util.hash_pandas_object(labelled.X, index=False).to_numpy()).tobytes())
    return digest.hexdigest()[:16]
