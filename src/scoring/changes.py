"""What is asked of a month's scores once they are there."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, replace

import pyarrow as pa
import pyarrow.compute as pc

from appetence.book import Book
from appetence.config import Config
from appetence.features.pipeline import FeatureTable
from appetence.features.topics import why_no_topics
from appetence.models.artefact import Artefact
from appetence.models.registry import ModelRef
from appetence.progress import Progress
from appetence.scoring.earlier import Earlier, Probabilities, probabilities
from appetence.scoring.moves import Comparison, no_moves, score_moves
from appetence.scoring.scenarios import Supposed, looked_at, no_scenarios
from appetence.scoring.score import MonthScores


def at_cut(table: FeatureTable, cut: dt.date) -> FeatureTable:
    """Return the rows of one cut."""
    rows = table.data.filter(pc.equal(table.data["cut"], pa.scalar(cut, pa.date32())))
    return replace(table, data=rows)


@dataclass(frozen=True)
class Changes:
    """What is asked of a month's scores once they are there: why they moved, and what would move them."""

    config: Config
    book: Book
    cut: dt.date
    refs: Mapping[str, ModelRef]
    artefacts: Mapping[str, Artefact]
    scores: MonthScores

    def moves(self, both: FeatureTable, earlier: Earlier | None, progress: Progress) -> pa.Table:
        """Return why the scores moved since an earlier month."""
        if earlier is None:
            return no_moves()
        no_topics = why_no_topics(self.book, self.config.features)
        comparison = Comparison(self.book, both, self.cut, earlier.month.cut, no_topics)
        versions = {question: ref.version for question, ref in self.refs.items()}
        currency = self.config.currency
        return score_moves(comparison, earlier, self._now, self.artefacts, versions, currency, progress)

    def scenarios(self, progress: Progress) -> pa.Table:
        """Return what would change the scores of those who will be looked at."""
        clients = looked_at(self.scores.client_scores, self.config.scenarios.clients)
        offers, features = self.scores.appetence_scores, self.config.features
        supposed = Supposed(self.book, self.cut, self.artefacts, self._now, offers, features)
        return supposed.rows(self.config.scenarios, clients, progress) if clients else no_scenarios()

    @property
    def _now(self) -> Probabilities:
        return probabilities(self.scores.client_scores, self.scores.appetence_scores, self.scores.question_scores)
