"""What training, backtests and tuning do first, and how they go through questions: features, topics and labels once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, replace
from typing import TypeVar

import pyarrow as pa
from threadpoolctl import threadpool_limits

from appetence.book import Book
from appetence.config import FeatureSettings, TrainingSettings
from appetence.features.pipeline import FeatureTable, build_features
from appetence.features.population import population
from appetence.models.blocks import Blocks
from appetence.models.dataset import Labelled, Snapshots, make_snapshots
from appetence.models.questions import Question, label
from appetence.models.topics import learn_topics
from appetence.progress import Progress

WORKERS = 2
"""Questions done side by side; each model is fitted by one thread, so that the same data give the same bytes."""

T = TypeVar("T")


@dataclass(frozen=True)
class Prepared:
    """All that questions learn from and are judged by.

    Attributes
    ----------
    spine
        `client_id` and `cut` of all snapshots.
    table
        Their features.
    snapshots
        The same for models, with the topics of messages.
    labelled
        {question: its rows at the cuts of its blocks}
    switched_off
        Why groups of features, topics among them, were switched off.
    """

    spine: pa.Table
    table: FeatureTable
    snapshots: Snapshots
    labelled: Mapping[Question, Labelled]
    switched_off: tuple[str, ...]


def prepare(
    book: Book,
    planned: Mapping[Question, Blocks],
    features: FeatureSettings,
    settings: TrainingSettings,
    progress: Progress,
) -> Prepared:
    """Build the features of all cuts once, and label each question's rows."""
    progress("building the features of all dates", 0.0)
    spine = population(book, sorted({cut for blocks in planned.values() for cut in blocks.cuts}))
    table = build_features(book, spine, features)
    clients = book.execute(book.table("clients"))
    snapshots = make_snapshots(table, clients, settings.calibration_share, settings.seed)
    progress("finding what messages are about", 0.8)
    topics, without_topics = learn_topics(book, spine, planned.values(), features)
    snapshots = replace(snapshots, topics=topics)
    progress("labelling", 1.0)
    labelled = {
        question: label(book, question, snapshots, spine).block(blocks.cuts) for question, blocks in planned.items()
    }
    off = tuple(f"{group}: {reason}" for group, reason in (*table.switched_off, *without_topics))
    return Prepared(spine, table, snapshots, labelled, off)


def side_by_side(
    work: Callable[[Question], T], labelled: Mapping[Question, Labelled], done: str, progress: Progress
) -> dict[Question, T]:
    """Work on the questions side by side, the longest first; return what came of each, in the order of asking.

    Parameters
    ----------
    done
        What was done to a question, for `progress`: `trained`, `judged`.
    """
    longest_first = sorted(labelled, key=lambda question: -len(labelled[question]))
    found: dict[Question, T] = {}
    # one thread per fit: with more, BLAS threads of two fits wait for each other (measured: five times slower)
    with threadpool_limits(1), ThreadPoolExecutor(WORKERS) as pool:
        jobs = {pool.submit(work, question): question for question in longest_first}
        try:
            for job in as_completed(jobs):
                found[jobs[job]] = job.result()
                progress(f"{done} {jobs[job].name}", len(found) / len(labelled))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)  # do not go on before saying what went wrong
            raise
    return {question: found[question] for question in labelled}
