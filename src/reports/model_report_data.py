"""What a model report tells beside the version's card: gathered once, kept as JSON, and without any client in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict

from appetence.book import Book
from appetence.config import FeatureSettings, TrainingSettings
from appetence.explain.summary import Summary, summarise
from appetence.features.catalogue import Feature, Theme
from appetence.models.artefact import Artefact
from appetence.models.held_out import HeldOut
from appetence.models.outcome import Sample, drawn_rows
from appetence.models.questions import Question
from appetence.models.rows import Rows, as_answered
from appetence.months import Month


class Made(BaseModel):
    """What a model is made of; a constant has its probability only.

    `splits` counts those of all trees: without any, the linear part is all there is.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    trees: int = 0
    splits: int = 0
    shrink: float = 0.0
    slope: float = 1.0
    intercept: float = 0.0
    half_life: int | None = None
    probability: float | None = None


class ModelReport(BaseModel):
    """Everything a report tells beside the version's card.

    Attributes
    ----------
    cut, of, seed
        Of the rows it is explained on: the month's cut, how many rows there were, and the seed of the draw.
    why
        What moves its probabilities; None for a constant.
    share
        Of erosion: what moves the share that leaves; None where everyone gets the mean.
    held_out
        Curves of held-out scores; None where it was not tested.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Literal[1] = 1
    made: Made
    cut: str
    of: int
    seed: int
    why: Summary | None
    share: Summary | None
    held_out: HeldOut | None


def make_report(
    artefact: Artefact,
    sample: Sample,
    features: Sequence[Feature],
    themes: Mapping[str, Theme],
    held_out: HeldOut | None,
    seed: int,
) -> ModelReport:
    """Explain a version on a sample of rows.

    Parameters
    ----------
    features, themes
        The book's catalogue; topics of messages are the model's own.
    """
    known = [*features, *(() if artefact.topics is None else artefact.topics.features())]
    why = share = None
    if artefact.classifier is not None and len(sample.X):
        why = summarise(artefact.classifier, sample.X, known, themes, seed)
    severity = artefact.severity
    if severity is not None and severity.model is not None and len(sample.X):
        share = summarise(severity.model, sample.X, known, themes, seed, floor=severity.threshold, drawn=False)
    return ModelReport(
        made=_made(artefact), cut=sample.cut, of=sample.of, seed=seed, why=why, share=share, held_out=held_out
    )


def _made(artefact: Artefact) -> Made:
    model = artefact.classifier
    if model is None:
        return Made(probability=artefact.probability)
    return Made(
        trees=model.booster_.num_trees(),
        splits=int(model.booster_.feature_importance("split").sum()),
        shrink=float(model.linear_shrink_),
        slope=model.calibration_.slope,
        intercept=model.calibration_.intercept,
        half_life=artefact.contract.origins.half_life,
    )


def report_anew(
    book: Book,
    question: Question,
    artefact: Artefact,
    features: FeatureSettings,
    settings: TrainingSettings,
) -> ModelReport:
    """Explain a version that was kept without a report, on rows of the newest month that it learnt from.

    Its held-out scores are gone: the report has none.
    """
    origins = artefact.contract.origins
    newest = Month.parse(max((*origins.fitted_on, *origins.calibrated_on))[:7])
    rows = Rows.of(book, [newest.start], features, settings)
    rows.check_usable(artefact)
    labelled = rows.label(as_answered(question, artefact))
    drawn = labelled.where(drawn_rows(len(labelled), settings.seed))
    sample = Sample(rows.features_of(artefact, drawn), newest.start.isoformat(), len(labelled))
    return make_report(artefact, sample, rows.table.features, rows.table.themes, None, settings.seed)
