"""Training the products of a simulated book together, against as many fits of the same estimator side by side.

    make bench NAME=products            # or: python benchmarks/products.py [--scale 0.3] [--json FILE]

Together: each origin's rows are binned once for all products, and each learns from all its buyers and at most ten
others for each (what `appetence train` does). Naive: each product bins and learns from all its rows. Both are scored on
the same rows of the newest test date; differences in AUC and log-loss are paired, with intervals by resampling
households, all products together. The simulator's own probability of each purchase, read only here and after training,
says what neither sees: how far both are from the truth. One thread each; the two take turns, product by product.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
from threadpoolctl import threadpool_limits

from appetence.book import open_book
from appetence.book.simulate import simulate
from appetence.config import Asking, BookSettings, FeatureSettings, SimulateSettings, TrainingSettings
from appetence.models.blocks import Origin
from appetence.models.dataset import Labelled
from appetence.models.fitting import can_fit, fit_model
from appetence.models.metrics import auc, log_loss, paired_difference
from appetence.models.preparing import Prepared, prepare
from appetence.models.questions import Question, ask
from appetence.models.training import plan_questions
from appetence.progress import silent

TRAINING = TrainingSettings()
DRAWS = 200


class Clock:
    """Processor and wall seconds, added up."""

    def __init__(self) -> None:
        self.cpu = self.wall = 0.0

    def fit(self, *given: Any, **named: Any) -> Any:
        cpu, wall = time.process_time(), time.perf_counter()
        model = fit_model(*given, **named).model
        self.cpu += time.process_time() - cpu
        self.wall += time.perf_counter() - wall
        return model


def true_rates(ready: Prepared, truth: Path, question: Question) -> np.ndarray:
    """Return the simulator's probability of a purchase for each snapshot, NaN where it has none."""
    column = f"{question.product_id}_{question.window.horizon}"
    known = pq.read_table(truth / "purchase.parquet", columns=["client_id", "cut", column]).to_pandas()
    cut = known["cut"].to_numpy().astype("datetime64[s]")
    known.index = pd.MultiIndex.from_arrays([known["client_id"].astype("str"), cut])
    return np.asarray(known[column].reindex(ready.snapshots.keys), dtype=np.float64)


def distance(truth: np.ndarray, p: np.ndarray) -> float:
    """Mean Kullback-Leibler distance to the true probabilities: the expected log-loss above the least possible."""
    known = ~np.isnan(truth)
    t, p = truth[known].clip(1e-9, 1 - 1e-9), p[known].clip(1e-9, 1 - 1e-9)
    return float((t * np.log(t / p) + (1 - t) * np.log((1 - t) / (1 - p))).mean())


def compare(asked: dict[Question, tuple[Labelled, Origin]], rates: dict[Question, np.ndarray]) -> dict[str, float]:
    together, naive = Clock(), Clock()
    found = []
    print(f"\n{'product':22} {'rows':>7} {'buyers':>6} {'AUC':>15} {'log-loss':>17} {'from the truth':>17}")
    for question, (labelled, origin) in asked.items():
        there = labelled.at(origin)
        test = there.block([origin.test])
        first = together.fit(labelled, origin, {}, TRAINING.seed)
        second = naive.fit(labelled, origin, {"negative_sampling": None}, TRAINING.seed, features=there.features)
        p, q = (model.predict_proba(test.X)[:, 1] for model in (first, second))
        truth = rates[question][test.rows]
        row = [figure(test.y, one) for figure in (auc, log_loss) for one in (p, q)]
        row += [distance(truth, p), distance(truth, q)]
        found.append((test, p, q, row))
        name, learnt = question.name[4:], there.block((*origin.fit, *origin.calibrate))
        print(f"{name:22} {len(learnt):7} {int(learnt.y.sum()):6} {row[0]:7.4f} {row[1]:7.4f}", end=" ")
        print(f"{row[2]:8.5f} {row[3]:8.5f} {row[4]:8.5f} {row[5]:8.5f}", flush=True)
    return summary(found, together, naive)


def summary(found: list[tuple[Labelled, np.ndarray, np.ndarray, list[float]]], a: Clock, b: Clock) -> dict[str, float]:
    """Print the paired differences over all products, and the times."""
    parts = [test for test, _, _, _ in found]
    product = np.repeat(np.arange(len(parts)), [len(test) for test in parts])
    y, home = np.concatenate([t.y for t in parts]), np.concatenate([t.household for t in parts])
    p, q = (np.concatenate([one[k] for one in found]) for k in (1, 2))

    def mean_auc(y: np.ndarray, p: np.ndarray, w: np.ndarray | None = None) -> float:
        w = np.ones(len(y)) if w is None else w
        rows = [np.flatnonzero(product == k) for k in range(len(parts))]
        return float(np.mean([auc(y[r], p[r], w[r]) for r in rows]))

    figures: dict[str, float] = {}
    for name, metric in (("AUC", mean_auc), ("log-loss", log_loss)):
        gain = paired_difference(metric, y, p, q, home, DRAWS, 1)
        print(f"{name}: together less naive {gain.value:+.5f} ({gain.low:+.5f} to {gain.high:+.5f})")
        figures |= {f"{name} difference": gain.value, f"{name} low": gain.low, f"{name} high": gain.high}
    gap = np.array([row[4] - row[5] for _, _, _, row in found])
    error = float(gap.std(ddof=1) / np.sqrt(len(gap)))
    print(f"distance from the truth: together less naive {gap.mean():+.5f} (standard error {error:.5f})")
    for name, one in (("together", a), ("naive", b)):
        print(f"{name:9} {one.cpu:7.1f} processor seconds, {one.wall:7.1f} of wall clock")
        figures |= {f"{name} cpu": one.cpu, f"{name} wall": one.wall}
    print(f"naive / together: {b.cpu / a.cpu:.2f} in processor time, {b.wall / a.wall:.2f} in wall clock")
    return figures | {"distance difference": float(gap.mean()), "distance error": error, "ratio": b.cpu / a.cpu}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", type=float, default=1.0, help="of 6,000 clients")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--products", type=int, default=12, help="how many, in the order of their names")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    clients = max(int(6_000 * options.scale), 600)
    print(f"{clients:,} clients × 48 months, seed {options.seed}; {os.cpu_count()} processors, {platform.machine()}")
    with tempfile.TemporaryDirectory() as folder, threadpool_limits(1):
        directory = Path(folder, "book")
        simulate(SimulateSettings(clients=clients, months=48, seed=options.seed), directory)
        with open_book(BookSettings(directory=str(directory))) as book:
            planned, _ = plan_questions(book, ask(book, Asking()), TRAINING)
            planned = {question: blocks for question, blocks in planned.items() if question.kind == "buy"}
            ready = prepare(book, planned, FeatureSettings(), TRAINING, silent)
        asked = {q: (ready.labelled[q], blocks.tests[-1]) for q, blocks in planned.items()}
        asked = {q: (labelled, origin) for q, (labelled, origin) in asked.items() if can_fit(labelled, origin)}
        asked = dict(list(asked.items())[: options.products])
        figures = compare(asked, {q: true_rates(ready, directory / "truth", q) for q in asked})
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
