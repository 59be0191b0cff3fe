"""Training: every question of a book, its model tested at earlier dates, then made again with the newest data.

The model that will score is never itself tested: its newest labels are what it was calibrated on. What is tested is the
procedure, at earlier dates, exactly as it would have been run then; the verdict speaks of that.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field, replace
from typing import Any

from threadpoolctl import threadpool_limits

from appetence.book import Book
from appetence.config import AttritionSettings, FeatureSettings, NextProductSettings, TrainingSettings
from appetence.features.pipeline import build_features
from appetence.features.population import population
from appetence.models.blocks import Blocks, months_needed, plan_blocks
from appetence.models.card import Material
from appetence.models.dataset import Labelled, make_snapshots
from appetence.models.evaluation import TOP_PRODUCTS, rank_products
from appetence.models.fitting import check_parameters
from appetence.models.outcome import Outcome, Tried, try_question
from appetence.models.questions import Asked, Question, ask, label
from appetence.models.topics import learn_topics
from appetence.models.verdicts import Verdict, book_too_short
from appetence.months import Month
from appetence.progress import Progress, part, silent

WORKERS = 2
"""Questions trained side by side; each model is fitted by one thread, so that the same data give the same bytes."""


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
        How well products were ranked for those who bought one: MAP@7, its ceiling, and that of popularity; empty
        without tested products.
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
    ranking: Mapping[str, float]
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
            "ranking": dict(self.ranking),
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
        if self.ranking:
            own, plain, best = (self.ranking[name] for name in (f"map_at_{TOP_PRODUCTS}", "popularity", "ceiling"))
            yield (
                f"order of products for those who bought one: MAP@{TOP_PRODUCTS} {own:.3f}, "
                f"by popularity {plain:.3f}, at best {best:.3f}"
            )


def train_questions(
    book: Book,
    attrition: AttritionSettings,
    next_product: NextProductSettings,
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
    asked = ask(book, attrition, next_product, only)
    planned, refused = plan_questions(book, asked, settings)
    outcomes = {name: Outcome(name, "refused", reason) for name, reason in refused.items()}
    fingerprint = book.fingerprint(book.observed_until)
    if not planned:
        return TrainingResult(outcomes, fingerprint, {}, {})
    progress("building the features of all training dates", 0.0)
    spine = population(book, sorted({cut for blocks in planned.values() for cut in blocks.cuts}))
    table = build_features(book, spine, features)
    snapshots = make_snapshots(table, book.execute(book.table("clients")), settings.calibration_share, settings.seed)
    progress("finding what messages are about", 0.08)
    topics, without_topics = learn_topics(book, spine, planned.values(), features)
    snapshots = replace(snapshots, topics=topics)
    facts = {
        "features": [feature.name for feature in table.features],
        "topics": {str(cut): len(found.model.names()) for cut, found in topics.items()},
        "switched_off": [f"{group}: {reason}" for group, reason in (*table.switched_off, *without_topics)],
        "snapshots": len(snapshots),
    }
    progress("labelling", 0.1)
    labelled = {
        question: label(book, question, snapshots, spine).block(blocks.cuts) for question, blocks in planned.items()
    }
    tried = _try_all(planned, labelled, settings, fingerprint, part(progress, 0.15, 0.98))
    outcomes |= {one.outcome.question: one.outcome for one in tried}
    ranking = rank_products([one.served for one in tried if one.served is not None])
    material = Material(spine["client_id"].combine_chunks(), table.features, table.themes)
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


def _try_all(
    planned: Mapping[Question, Blocks],
    labelled: Mapping[Question, Labelled],
    settings: TrainingSettings,
    book_fingerprint: str,
    progress: Progress,
) -> list[Tried]:
    """Train the questions side by side, the longest first; return them in the order in which they were asked."""
    prior = _overall_rate([labelled[question] for question in planned if question.product_id is not None])
    longest_first = sorted(planned, key=lambda question: -len(labelled[question]))
    done: dict[Question, Tried] = {}
    # one thread per fit: with more, BLAS threads of two fits wait for each other (measured: five times slower)
    with threadpool_limits(1), ThreadPoolExecutor(WORKERS) as pool:
        jobs = {
            pool.submit(try_question, q, labelled[q], planned[q], settings, book_fingerprint, prior): q
            for q in longest_first
        }
        try:
            for job in as_completed(jobs):
                question = jobs[job]
                done[question] = job.result()
                progress(f"trained {question.name}", len(done) / len(planned))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)  # do not train the rest before saying what went wrong
            raise
    return [done[question] for question in planned]


def _overall_rate(products: list[Labelled]) -> float:
    """Return how often an eligible client buys a product, over all products: what a rare one is drawn towards."""
    rows = sum(len(labelled) for labelled in products)
    return sum(int(labelled.y.sum()) for labelled in products) / rows if rows else 0.0
