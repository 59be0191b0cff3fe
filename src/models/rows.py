"""Rows on which models in the registry are judged: features as they were known at a cut, and what happened since."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from appetence.book import Book
from appetence.config import FeatureSettings, TrainingSettings
from appetence.errors import ArtefactError
from appetence.features.pipeline import FeatureTable, build_features
from appetence.features.population import population
from appetence.features.topic_model import TopicModel, is_topic
from appetence.features.topics import build_topics, why_no_topics
from appetence.models.artefact import Artefact
from appetence.models.blocks import Window
from appetence.models.dataset import Labelled, Snapshots, make_snapshots
from appetence.models.questions import Question, label
from appetence.months import Month

Floats = npt.NDArray[np.float64]


def why_unusable(artefact: Artefact, features: Iterable[str], no_topics: str | None) -> str | None:
    """Return why a model cannot score the features there are; None where it can.

    Parameters
    ----------
    features
        Names of the columns of the feature table.
    no_topics
        Why no topics of messages can be computed, if so.
    """
    if artefact.topics is not None and no_topics is not None:
        return f"no topics of messages: {no_topics}"
    there = set(features)
    missing = [name for name in artefact.features if name not in there and not is_topic(name)]
    return f"no feature {', '.join(missing)}" if missing else None


def check_usable(artefact: Artefact, features: Iterable[str], no_topics: str | None) -> None:
    """Refuse a model that reads what is switched off, or gone from the book.

    Raises
    ------
    ArtefactError
        It names what is missing, and the two ways on.
    """
    missing = why_unusable(artefact, features, no_topics)
    if missing is not None:
        what = "the topics of messages that it reads" if missing.startswith("no topics") else "all features it reads"
        raise ArtefactError(
            f"The model for {artefact.question} must get {what}",
            missing,
            "Switch them on again: the model in use was trained with them. Or train without them, and put that version "
            f'in use: appetence promote {artefact.question} --why "…"',
        )


@dataclass
class Rows:
    """Feature rows of some cuts of a book, shared by all that is judged on them.

    Attributes
    ----------
    spine
        `client_id` and `cut`.
    table
        The features of the spine's rows.
    snapshots
        The same for labels and households.
    no_topics
        Why no topics of messages can be computed, if so.
    """

    book: Book
    spine: pa.Table
    table: FeatureTable
    snapshots: Snapshots
    no_topics: str | None
    _topics: dict[TopicModel, pd.DataFrame] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, book: Book, cuts: Iterable[dt.date], features: FeatureSettings, settings: TrainingSettings) -> Rows:
        """Build the features of everyone in the book at some cuts."""
        spine = population(book, cuts)
        table = build_features(book, spine, features)
        clients = book.execute(book.table("clients"))
        snapshots = make_snapshots(table, clients, settings.calibration_share, settings.seed)
        return cls(book, spine, table, snapshots, why_no_topics(book, features))

    def label(self, question: Question) -> Labelled:
        """Return the rows of a question with known labels, and the labels."""
        return label(self.book, question, self.snapshots, self.spine)

    def why_unusable(self, artefact: Artefact) -> str | None:
        """Return why a model cannot score these rows; None where it can."""
        return why_unusable(artefact, map(str, self.snapshots.X.columns), self.no_topics)

    def check_usable(self, artefact: Artefact) -> None:
        """Refuse a model that cannot score these rows; see `check_usable`."""
        check_usable(artefact, map(str, self.snapshots.X.columns), self.no_topics)

    def score(self, artefact: Artefact, labelled: Labelled) -> Floats:
        """Return (m,) a model's probabilities for the rows of a question."""
        return artefact.predict(self.features_of(artefact, labelled))

    def features_of(self, artefact: Artefact, labelled: Labelled) -> pd.DataFrame:
        """Return (m, features) what a model reads of the rows of a question, and more."""
        if artefact.topics is None:
            return labelled.X
        topics = self._topics_of(artefact.topics).iloc[labelled.rows].reset_index(drop=True)
        return pd.concat([labelled.X, topics], axis=1)

    def _topics_of(self, model: TopicModel) -> pd.DataFrame:
        if model not in self._topics:
            self._topics[model] = build_topics(self.book, self.spine, model).frame()
        return self._topics[model]


def as_answered(question: Question, artefact: Artefact) -> Question:
    """Return the question as a model answers it: with its window and, of erosion, its threshold and least balance."""
    loss, rule = artefact.contract.loss, question.rule
    if loss is not None and rule is not None:
        rule = rule.model_copy(update={"threshold": loss.threshold, "min_balance": loss.min_balance})
    return replace(question, window=Window(artefact.horizon, artefact.gap), rule=rule)


def learnt_until(artefact: Artefact, window: Window) -> dt.date:
    """Return the first day whose events a model cannot have learnt from: the end of its newest label window."""
    origins = artefact.contract.origins
    cuts = [dt.date.fromisoformat(day) for day in (*origins.fitted_on, *origins.calibrated_on)]
    return max((window.closes(cut) for cut in cuts), default=dt.date.min)


def newest_cut(until: dt.date, window: Window) -> dt.date:
    """Return the newest cut whose label window has closed by a day."""
    return (Month.of(until) - (window.gap + window.horizon)).start


def matured_cuts(first: dt.date, newest: dt.date, every: int, most: int) -> list[dt.date]:
    """Return up to `most` cuts, `every` months apart, the newest one last and none before `first`."""
    start, last = Month.of(first), Month.of(newest)
    months = [last - k * every for k in range(most)]
    return [month.start for month in reversed(months) if month >= start]
