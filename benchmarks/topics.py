"""What topics learnt from messages add to a model that reads the lexicon already, out of time, on a simulated book.

The named alternative is the same model without them, on the same rows of the same test dates; differences are paired,
with intervals by resampling households. Beside it stands what the lexicon, and what the topics, tell alone.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import tempfile
import time
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from appetence.book import Book, open_book
from appetence.book.simulate import simulate
from appetence.config import (
    Asking,
    BookSettings,
    FeatureSettings,
    SimulateSettings,
    TopicSettings,
    TrainingSettings,
)
from appetence.features.pipeline import build_features
from appetence.features.population import population
from appetence.models.blocks import Blocks, plan_blocks
from appetence.models.dataset import Labelled, Snapshots, make_snapshots
from appetence.models.fitting import Predictions, fit_model, pooled
from appetence.models.metrics import auc, log_loss, paired_difference
from appetence.models.questions import ask, label
from appetence.models.topics import learn_topics

TRAINING = TrainingSettings()
DRAWS = 500


def predict(labelled: Labelled, blocks: Blocks, features: tuple[str, ...] | None) -> Predictions:
    """Score the test dates by models fitted as of them; `features` None reads all."""
    parts = []
    for origin in blocks.tests:
        there = labelled.at(origin)
        names = there.features if features is None else tuple(n for n in there.features if n.startswith(features))
        model = fit_model(labelled, origin, {}, TRAINING.seed, features=names).model
        test = there.block([origin.test])
        p = model.predict_proba(test.X[list(names)])[:, 1]
        parts.append(Predictions(test.rows, test.y, p, {}, test.household, test.cut))
    return pooled(parts)


def within_dates(date: np.ndarray, y: np.ndarray, p: np.ndarray, weight: np.ndarray | None = None) -> float:
    w = np.ones(len(y)) if weight is None else weight
    dates = [np.flatnonzero(date == one) for one in np.unique(date)]
    return float(np.average([auc(y[r], p[r], w[r]) for r in dates], weights=[float(w[r] @ y[r]) for r in dates]))


def compare(name: str, runs: Mapping[str, Predictions]) -> dict[str, float]:
    """Print one question's figures, and return the differences."""
    base, more = runs["lexicon"], runs["lexicon + topics"]
    ranked = partial(within_dates, base.date)
    for label_, run in runs.items():
        print(f"{name:20} {label_:18} AUC {ranked(run.y, run.p):.4f}  log-loss {log_loss(run.y, run.p):.5f}")
    found = {}
    for metric, figure in (("AUC", ranked), ("log-loss", log_loss)):
        gain = paired_difference(figure, base.y, more.p, base.p, base.unit, DRAWS, 1)
        print(f"{name:20} topics add to {metric:9} {gain.value:+.4f} ({gain.low:+.4f} to {gain.high:+.4f})")
        found |= {f"{name} {metric}": gain.value, f"{name} {metric} low": gain.low, f"{name} {metric} high": gain.high}
    return found


def measure(book: Book, questions: set[str], components: int) -> dict[str, float]:
    figures: dict[str, float] = {}
    features = FeatureSettings(topics=TopicSettings(components=components))
    asked = ask(book, Asking(), questions).questions
    planned = plan_blocks(book.observed_from, book.observed_until, asked[0].window, TRAINING)
    assert planned is not None
    spine = population(book, planned.cuts)
    table = build_features(book, spine, features)
    clients = book.execute(book.table("clients"))
    without = make_snapshots(table, clients, TRAINING.calibration_share, TRAINING.seed)
    lexicon = tuple(feature.name for feature in table.features if feature.group == "text")
    started = time.perf_counter()
    topics, lacking = learn_topics(book, spine, [planned], features)
    print(f"{len(topics)} topic models over {len(without):,} rows in {time.perf_counter() - started:.1f} s", *lacking)

    def rows(question: int, snapshots: Snapshots) -> Labelled:
        return label(book, asked[question], snapshots, spine).block(planned.cuts)

    for number, question in enumerate(asked):
        plain, read = rows(number, without), rows(number, replace(without, topics=topics))
        runs = {"lexicon": predict(plain, planned, None), "lexicon + topics": predict(read, planned, None)}
        runs |= {"lexicon alone": predict(plain, planned, lexicon)}
        runs |= {"topics alone": predict(read, planned, ("message_topic_",))}
        figures |= compare(question.name, runs)
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", type=float, default=1.0, help="of 6,000 clients")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--components", type=int, default=TopicSettings().components)
    parser.add_argument("--questions", default="attrition", help="separated by commas")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    clients = max(int(6_000 * options.scale), 600)
    print(f"{clients:,} clients × 48 months, seed {options.seed}; {os.cpu_count()} processors, {platform.machine()}")
    with tempfile.TemporaryDirectory() as folder, threadpool_limits(1):
        directory = Path(folder, "book")
        simulate(SimulateSettings(clients=clients, months=48, seed=options.seed), directory)
        with open_book(BookSettings(directory=str(directory))) as book:
            figures = measure(book, set(options.questions.split(",")), options.components)
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
