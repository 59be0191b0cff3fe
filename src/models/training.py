"""Training: every question of a book, its model tested at earlier dates, then made again with the newest data.

The model that will score is never itself tested: its newest labels are what it was calibrated on. What is tested is the
procedure, at earlier dates, exactly as it would have been run then; the verdict speaks of that.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from appetence.book import Book
from appetence.config import Asking, FeatureSettings, TrainingSettings
from appetence.models.blocks import Blocks, months_needed, plan_blocks
from appetence.models.card import Material
from appetence.models.dataset import Labelled
from appetence.models.fitting import check_parameters
from appetence.models.outcome import Outcome, Tried, try_question
from appetence.models.preparing import prepare, side_by_side
from appetence.models.questions import Asked, Question, ask
from appetence.models.rankings.judge import rank_products
from appetence.models.rankings.result import ProductRanking
from appetence.models.verdicts import Verdict, book_too_short
from appetence.months import Month
from appetence.progress import Progress, part, silent


@dataclass(frozen=True)
class TrainingResult:
    """All outcomes of one training.

    Attributes
    ----------
    outcomes
        {question: outcome}
    book_fingerprint
        Of all facts of the book.
    ranking
        How well products were ordered for those who bought one; None where nobody did.
    facts
        Feature names, how many topics of messages were found at which date, and why groups were switched off.
    material
        What model cards need beside the outcomes; None where nothing could be trained. It holds client ids, and is
        never stored.
    challengers
        {question: version} that were kept as challengers of a champion that stays.
    """

    outcomes: Mapping[str, Outcome]
    book_fingerprint: str
    ranking: ProductRanking | None
    facts: Mapping[str, Any]
    material: Material | None = field(default=None, repr=False)
    challengers: Mapping[str, int] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Return it for JSON."""
        return {
            "questions": {
                name: {
                    "state": outcome.state,
                    **outcome.verdict.as_dict("verdict"),
                    "metrics": {} if outcome.evaluation is None else outcome.evaluation.as_dict(),
                }
                for name, outcome in self.outcomes.items()
            },
            "book_fingerprint": self.book_fingerprint,
            "ranking": {} if self.ranking is None else self.ranking.as_dict(),
            "challengers": dict(self.challengers),
            **self.facts,
        }

    def lines(self) -> Iterator[str]:
        """Return it for a reader."""
        for name, outcome in self.outcomes.items():
            yield f"{name}: {outcome.verdict}"
            if name in self.challengers:
                yield (
                    f"  kept as version {self.challengers[name]}, challenger of the champion, which goes on scoring; "
                    f'to put it in use: appetence promote {name} --why "…"'
                )
        if self.ranking is not None:
            yield from self.ranking.lines()


def train_questions(
    book: Book,
    asking: Asking,
    features: FeatureSettings,
    settings: TrainingSettings,
    only: Collection[str] | None = None,
    progress: Progress = silent,
) -> TrainingResult:
    """Train and test the questions of a book. Nothing is stored: see `appetence.models.promotion`.

    Parameters
    ----------
    only
        Names of questions to restrict to.
    progress
        Told what is being done, and the share done.

    Raises
    ------
    UsageError
        An unknown question, feature group or parameter.
    """
    check_parameters(settings.parameters)
    asked = ask(book, asking, only)
    planned, refused = plan_questions(book, asked, settings)
    outcomes = {name: Outcome(name, "refused", reason) for name, reason in refused.items()}
    fingerprint = book.fingerprint(book.observed_until)
    if not planned:
        return TrainingResult(outcomes, fingerprint, None, {})
    ready = prepare(book, planned, features, settings, part(progress, 0.0, 0.15))
    facts = {
        "features": [feature.name for feature in ready.table.features],
        "topics": {str(cut): len(found.model.names()) for cut, found in ready.snapshots.topics.items()},
        "switched_off": list(ready.switched_off),
        "snapshots": len(ready.snapshots),
    }
    labelled = ready.labelled
    prior = overall_rates(labelled)

    def attempt(question: Question) -> Tried:
        return try_question(
            question, labelled[question], planned[question], settings, fingerprint, prior[question.kind]
        )

    tried = side_by_side(attempt, labelled, "trained", part(progress, 0.15, 0.97))
    outcomes |= {one.outcome.question: one.outcome for one in tried.values()}
    progress("judging the order of products", 0.97)
    served = {question: one.served for question, one in tried.items() if one.served is not None}
    origins = [origin for question in served for origin in planned[question].tests]
    ranking = rank_products(book, ready.spine, ready.snapshots, served, origins, settings)
    own = {question.name: question.own for question in planned if question.own is not None}
    material = Material(ready.spine["client_id"].combine_chunks(), ready.table.features, ready.table.themes, own)
    return TrainingResult(outcomes, fingerprint, ranking, facts, material)


def plan_questions(
    book: Book, asked: Asked, settings: TrainingSettings
) -> tuple[dict[Question, Blocks], dict[str, Verdict]]:
    """Lay out the blocks of each question; a book that is too short refuses it."""
    planned, refused = {}, dict(asked.refused)
    for question in asked.questions:
        blocks = plan_blocks(book.observed_from, book.observed_until, question.window, settings)
        if blocks is not None:
            planned[question] = blocks
            continue
        needed, horizon = months_needed(question.window, settings), question.window.horizon
        months = Month.of(book.observed_until) - Month.of(book.observed_from)
        refused[question.name] = book_too_short(needed, months, horizon)
    return planned, refused


def overall_rates(labelled: Mapping[Question, Labelled]) -> dict[str, float]:
    """Return by kind of question how often it happens over all products: what a rare one is drawn towards."""
    kinds: dict[str, list[Labelled]] = {}
    for question, rows in labelled.items():
        kinds.setdefault(question.kind, []).append(rows)
    return {kind: _overall_rate(products) for kind, products in kinds.items()}


def _overall_rate(products: list[Labelled]) -> float:
    rows = sum(len(labelled) for labelled in products)
    return sum(int(labelled.y.sum()) for labelled in products) / rows if rows else 0.0
