"""One model at one origin: fitted on its blocks, scored on the test block, or wrapped up as an artefact."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from appetence import __version__
from appetence.errors import UsageError, did_you_mean
from appetence.features.topic_model import is_topic
from appetence.models.artefact import Artefact, Contract, Origins
from appetence.models.baselines import BASE_RATE, TENURE, fit_baselines, smoothed_rate
from appetence.models.blocks import Origin
from appetence.models.classifier import PropensityClassifier
from appetence.models.dataset import Labelled
from appetence.models.dependence import BY_HOUSEHOLD, Dependence
from appetence.models.golden import make_golden
from appetence.models.outflows import Outflows, plain_forecasts, pooled_outflows
from appetence.models.questions import Question
from appetence.models.recency import HALF_LIFE, Recency, long_enough, recency_weights, surely_better
from appetence.models.severity import Severity, fit_severity, mean_severity
from appetence.models.verdicts import Verdict

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Parameters = Mapping[str, float | int | bool | None]

FEWEST_TO_FIT = 10
"""Distinct clients in the fit block to whom it happened; below that even the trees' leaves would hold one each."""

_OURS = {"random_state", "n_jobs"}


@dataclass(frozen=True)
class Predictions:
    """Scores of rows that were never learnt from, of later dates, pooled over test dates.

    Attributes
    ----------
    rows
        (m,) positions of the rows in the snapshots.
    y
        (m,) what happened.
    p
        (m,) the model's probabilities.
    baselines
        {name: (m,) probabilities} on the same rows.
    unit
        (m,) codes of what is drawn as one in a bootstrap: households, or months of joining.
    date
        (m,) datetime64[D], the test date of each row.
    dependence
        Which of them the units are, and why.
    outflows
        Money expected to leave, and what did; None where the question is not about money.
    half_lives
        {test date: months in which a row's weight halved in its model, or None}
    """

    rows: Ints
    y: Ints
    p: Floats
    baselines: Mapping[str, Floats]
    unit: Ints
    date: npt.NDArray[np.datetime64]
    dependence: Dependence = BY_HOUSEHOLD
    outflows: Outflows | None = None
    half_lives: Mapping[str, int | None] = field(default_factory=dict)

    def as_baseline(self, name: str) -> Predictions:
        """Return the same rows with a baseline's probabilities as the model's."""
        return replace(self, p=self.baselines[name])

    def drawn_by(self, dependence: Dependence, labelled: Labelled) -> Predictions:
        """Return the same rows with the units of a dependence; `labelled` holds the snapshots that they are rows of."""
        snapshots = labelled.snapshots
        codes = snapshots.cohort if dependence.unit == "cohort" else snapshots.household
        if codes is None:
            raise ValueError("the snapshots hold no month of joining")
        return replace(self, unit=codes[self.rows], dependence=dependence)


def check_parameters(parameters: Parameters) -> None:
    """Raise UsageError for a parameter that `PropensityClassifier` does not have, or that training sets itself."""
    known = set(inspect.signature(PropensityClassifier.__init__).parameters) - {"self", *_OURS}
    for name in parameters:
        if name not in known:
            hint = did_you_mean(name, known)
            raise UsageError("training.parameters must be parameters of PropensityClassifier", repr(name), hint)


def can_fit(labelled: Labelled, origin: Origin) -> bool:
    """Say whether there is enough to fit at an origin, and something to see at its test date."""
    fit = labelled.block(origin.fit, held_out=False)
    enough = fit.has_both_classes and fit.events >= FEWEST_TO_FIT and len(labelled.block(origin.calibrate, True)) > 0
    return enough and (origin.test is None or labelled.block([origin.test]).has_both_classes)


@dataclass(frozen=True)
class Fitted:
    """A model as of one origin, and the months in which a row's weight halved; None where all counted alike."""

    model: PropensityClassifier
    half_life: int | None


def fit_model(
    labelled: Labelled,
    origin: Origin,
    parameters: Parameters,
    seed: int,
    features: tuple[str, ...] | None = None,
    recency: Recency = "auto",
) -> Fitted:
    """Fit twice: first to learn how far to trust the scores, then on everything known.

    The first model sees the older cuts of some households; the slope of its log-odds is calibrated on the newest cuts
    of the others, later rows of clients it never saw. The second is fitted on all rows and takes over that slope; its
    level is set on all of them, so that no season stands for the others. (Measured on a simulated book: the first model
    alone, on half of the rows, lost to a logistic regression on all of them.)

    The first model is fitted a second time with older rows counting for less. Where that is surely better on the rows
    that calibrate, the second model learns so too: see `appetence.models.recency`.

    Parameters
    ----------
    features
        Features to read; None for all.
    recency
        Whether older rows may count for less.
    """
    labelled = labelled.at(origin)
    fit = labelled.block(origin.fit, held_out=False)
    later = labelled.block(origin.calibrate, held_out=True)
    everything = labelled.block((*origin.fit, *origin.calibrate))
    names = list(labelled.features if features is None else features)
    settings: dict[str, Any] = {**parameters, "random_state": seed, "n_jobs": 1}

    def fitted(block: Labelled, half_life: int | None, **chosen: float) -> PropensityClassifier:
        model = PropensityClassifier(**{**settings, **chosen})
        binned = None if features is not None else block.binned(origin, model.max_levels)
        weight = recency_weights(block.cut, half_life)
        return model.fit(block.X[names], block.y, weight, groups=block.household, time=block.cut, binned=binned)

    def tried(half_life: int | None) -> PropensityClassifier:
        return fitted(fit, half_life).calibrate(later.X[names], later.y)

    half_life = HALF_LIFE if recency == "always" else None
    first = tried(half_life)
    if recency == "auto" and long_enough(fit.cut):
        recent = tried(HALF_LIFE)
        plain, other = (model.decision_function(later.X[names]) for model in (first, recent))
        units = [later.household] if later.cohort is None else [later.household, later.cohort]
        if surely_better(later.y, plain, other, units):
            first, half_life = recent, HALF_LIFE
    final = fitted(everything, half_life, linear_shrink=first.linear_shrink_)
    weight = recency_weights(everything.cut, half_life)
    final.recentre(everything.X[names], everything.y, first.calibration_.slope, weight)
    return Fitted(final, half_life)


def predict_test(
    question: Question, labelled: Labelled, origin: Origin, parameters: Parameters, seed: int
) -> Predictions:
    """Fit the model and its baselines as of the test date, and score the test block, once."""
    if origin.test is None:
        raise ValueError("the final origin has no test block")
    labelled = labelled.at(origin)
    test = labelled.block([origin.test])
    X = test.X
    made = fit_model(labelled, origin, parameters, seed)
    known = labelled.block((*origin.fit, *origin.calibrate))
    baselines = fit_baselines(known, question.baselines)
    p = made.model.predict_proba(X)[:, 1]
    outflows = None
    if question.rule is not None and test.amounts is not None:
        share = fit_severity(known, question.rule.threshold, seed).share(X)
        plain = plain_forecasts(known, test, X, question.window.horizon)
        outflows = Outflows(test.amounts.lost, p * share * test.amounts.base, plain)
    return Predictions(
        rows=test.rows,
        y=test.y,
        p=p,
        baselines={name: baseline(X) for name, baseline in baselines.items()},
        unit=test.household,
        date=test.cut,
        outflows=outflows,
        half_lives={str(origin.test): made.half_life},
    )


def predict_base_rate(labelled: Labelled, origins: Sequence[Origin], prior: float) -> Predictions | None:
    """Give the test rows of a question that is not modelled the rate known at their test date; None without rows."""
    parts = []
    for origin in origins:
        test = labelled.block([] if origin.test is None else [origin.test])
        known = labelled.block((*origin.fit, *origin.calibrate))
        rate = np.full(len(test), smoothed_rate(float(known.y.sum()), len(known), prior))
        parts.append(Predictions(test.rows, test.y, rate, {BASE_RATE: rate}, test.household, test.cut))
    return pooled(parts) if parts else None


def pooled(parts: Sequence[Predictions]) -> Predictions:
    """Put the predictions of several test dates together."""
    return Predictions(
        rows=np.concatenate([part.rows for part in parts]),
        y=np.concatenate([part.y for part in parts]),
        p=np.concatenate([part.p for part in parts]),
        baselines={name: np.concatenate([part.baselines[name] for part in parts]) for name in parts[0].baselines},
        unit=np.concatenate([part.unit for part in parts]),
        date=np.concatenate([part.date for part in parts]),
        dependence=parts[0].dependence,
        outflows=pooled_outflows([part.outflows for part in parts]),
        half_lives={date: months for part in parts for date, months in part.half_lives.items()},
    )


def base_rate(labelled: Labelled, question: Question, every: int, prior: float) -> float:
    """Return the smoothed base rate: how often it happened in a window, over all windows observed.

    Windows that overlap see the same event several times: events and rows are counted as if cuts were a window apart.
    A firm's own question has nothing to be drawn towards: half an event in one row more (Jeffreys' prior).
    """
    overlap = min(1.0, every / question.window.horizon)
    events, rows = float(labelled.y.sum()) * overlap, len(labelled) * overlap
    if question.kind == "own":
        return smoothed_rate(events, rows, prior=0.5, prior_events=0.5)
    return smoothed_rate(events, rows, prior)


@dataclass(frozen=True)
class Wrapping:
    """What an artefact holds beside the model."""

    question: Question
    origin: Origin
    book_fingerprint: str
    metrics: Mapping[str, float]
    verdict: Verdict
    seed: int

    def classifier(self, made: Fitted, labelled: Labelled) -> Artefact:
        """Wrap up a fitted model; the golden rows come from quantiles of its fit block."""
        model = made.model
        read = labelled.at(self.origin)
        fit = read.block(self.origin.fit, held_out=False)
        severity = None
        if self.question.rule is not None:
            known = read.block((*self.origin.fit, *self.origin.calibrate))
            severity = fit_severity(known, self.question.rule.threshold, self.seed)
        golden = make_golden(model, fit.X, self.seed, severity)
        _, parts = model.to_parts()
        names = tuple(str(name) for name in model.feature_names_in_)
        loss = self._loss(severity)
        told: dict[str, object] = {"features": names, "classifier": parts, "probability": None, "loss": loss}
        contract = self._contract("classifier", half_life=made.half_life, **told)
        topics = fit.topics.model if fit.topics is not None and any(map(is_topic, names)) else None
        return Artefact(contract, golden, model, topics, severity)

    def constant(self, probability: float, labelled: Labelled) -> Artefact:
        """Wrap up a base rate; of erosion also the mean share that leaves."""
        rule = self.question.rule
        severity = None if rule is None else mean_severity(labelled, rule.threshold)
        loss = self._loss(severity)
        contract = self._contract("constant", features=(), classifier=None, probability=probability, loss=loss)
        golden = make_golden(probability, labelled.snapshots.X, self.seed, severity)
        return Artefact(contract, golden, None, None, severity)

    def _loss(self, severity: Severity | None) -> dict[str, object] | None:
        rule = self.question.rule
        if severity is None or rule is None:
            return None
        return {
            "threshold": severity.threshold,
            "min_balance": rule.min_balance,
            "mean_share": severity.mean_share,
            "classifier": None if severity.model is None else severity.model.to_parts()[1],
        }

    def _contract(self, kind: str, half_life: int | None = None, **parts: object) -> Contract:
        window = self.question.window
        origins = Origins(
            code_version=__version__,
            fitted_on=tuple(cut.isoformat() for cut in self.origin.fit),
            calibrated_on=tuple(cut.isoformat() for cut in self.origin.calibrate),
            label_window=f"[cut + {window.gap}, cut + {window.gap + window.horizon}) months",
            book_fingerprint=self.book_fingerprint,
            half_life=half_life,
        )
        return Contract.model_validate(
            {
                "kind": kind,
                "question": self.question.name,
                "product_id": self.question.product_id,
                "definition": self.question.definition,
                "horizon": window.horizon,
                "gap": window.gap,
                "origins": origins,
                "metrics": dict(self.metrics),
                "verdict": self.verdict.en,
                **parts,
            }
        )


def fit_fallback(wrapping: Wrapping, labelled: Labelled, every: int, prior: float, parameters: Parameters) -> Artefact:
    """Return what scores while no model beats its baselines.

    Attrition: the same classifier on tenure alone, a smooth life table. A product, or where even that cannot be
    fitted: the smoothed base rate.
    """
    if wrapping.question.kind == "attrition" and TENURE in labelled.snapshots.X and can_fit(labelled, wrapping.origin):
        made = fit_model(labelled, wrapping.origin, parameters, wrapping.seed, features=(TENURE,))
        return wrapping.classifier(made, labelled)
    return wrapping.constant(base_rate(labelled, wrapping.question, every, prior), labelled)


def label_hash(labelled: Labelled) -> str:
    """Return a hash of the labels and the rows they belong to."""
    digest = hashlib.sha256()
    for part in (labelled.client, labelled.cut.astype(np.int64), labelled.y):
        digest.update(np.ascontiguousarray(part).tobytes())
    return digest.hexdigest()
