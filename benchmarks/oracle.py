"""How close the models come to the best score there is, on a simulated book whose truth is known.

The named alternative is the oracle: the simulator's own probability of what then happened or did not. Both are judged
on the same clients at the same test dates, out of time; a figure is the AUC within a date, averaged by events, and the
share is how much of the oracle's AUC above 0.5 the model reaches. The truth is read here only, after training.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import platform
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from appetence.book import Book, open_book
from appetence.book.simulate import simulate
from appetence.config import (
    Asking,
    BookSettings,
    FeatureSettings,
    SimulateSettings,
    TrainingSettings,
)
from appetence.features.population import population
from appetence.models.evaluation import Evaluation
from appetence.models.kinds import kind_of, product_of
from appetence.models.metrics import auc
from appetence.models.training import TrainingResult, train_questions
from appetence.targets.attrition import attrition_targets
from appetence.targets.purchase import purchase_targets
from appetence.targets.repurchase import repurchase_targets

HORIZON = 6


def labels(book: Book, question: str, cut: dt.date) -> pd.DataFrame:
    """Return client_id and y of the clients that a question is asked of."""
    spine = population(book, [cut])
    if question == "attrition":
        rows = attrition_targets(book, spine, 0, HORIZON).to_pandas()
        rows = rows[~rows["status"].isin(["gone", "unknown"])]
        return rows.assign(y=(rows["status"] == "left").astype(int))[["client_id", "y"]]
    targets = repurchase_targets if kind_of(question) == "rebuy" else purchase_targets
    rows = targets(book, spine, [product_of(question)], 0, HORIZON).to_pandas()
    rows = rows[rows["status"].isin(["bought", "not_bought"])]
    return rows.assign(y=(rows["status"] == "bought").astype(int))[["client_id", "y"]]


def oracle_auc(book: Book, truth: Path, question: str, dates: list[str]) -> float:
    """Return the oracle's AUC, as the models' is taken."""
    product = product_of(question)
    table, column = ("attrition", f"leave_{HORIZON}") if product is None else ("purchase", f"{product}_{HORIZON}")
    known = pq.read_table(truth / f"{table}.parquet", columns=["client_id", "cut", column]).to_pandas()
    found, events = [], []
    for date in dates:
        cut = dt.date.fromisoformat(date)
        rows = labels(book, question, cut).merge(known[known["cut"] == cut], on="client_id")
        found.append(auc(rows["y"].to_numpy(), rows[column].to_numpy()))
        events.append(rows["y"].sum())
    return float(np.average(found, weights=events))


def calibration_error(found: Evaluation) -> float:
    """Return the expected calibration error: how far tenths of the scores are from what happened, rows weighted."""
    off = sum(abs(row["observed"] - row["rows"] * row["mean_score"]) for row in found.deciles)
    return float(off / found.rows)


def compare(book: Book, truth: Path, result: TrainingResult) -> dict[str, float]:
    figures: dict[str, float] = {}
    errors: dict[str, float] = {}
    print(f"\n{'question':24} {'model':>7} {'oracle':>7} {'share of AUC above 0.5':>23} {'calibration error':>18}")
    for question, outcome in result.outcomes.items():
        if outcome.evaluation is None or question == "erosion":
            continue  # of erosion the truth holds who drains, and no probability of what then flows out
        own = outcome.evaluation.metrics["auc"].value
        best = oracle_auc(book, truth, question, list(outcome.evaluation.dates))
        figures[question] = (own - 0.5) / (best - 0.5)
        error = calibration_error(outcome.evaluation)
        errors[f"calibration error of {question}"] = error
        print(f"{question:24} {own:7.3f} {best:7.3f} {figures[question]:23.2f} {error:18.4f}")
    for kind, name in (("buy", "products, mean"), ("rebuy", "products again, mean")):
        shares = [share for question, share in figures.items() if kind_of(question) == kind]
        if shares:
            figures[name] = float(np.mean(shares))
            print(f"{name:24} {'':7} {'':7} {figures[name]:23.2f}")
    return figures | errors


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", type=float, default=1.0, help="of 6,000 clients")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--only", nargs="+", metavar="QUESTION", help="attrition, buy:<product_id> …; all by default")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    clients = max(int(6_000 * options.scale), 600)
    print(f"{clients:,} clients × 48 months, seed {options.seed}; {os.cpu_count()} processors, {platform.machine()}")
    with tempfile.TemporaryDirectory() as folder:
        directory = Path(folder, "book")
        simulate(SimulateSettings(clients=clients, months=48, seed=options.seed), directory)
        started = time.perf_counter()
        with open_book(BookSettings(directory=str(directory))) as book:
            result = train_questions(book, Asking(), FeatureSettings(), TrainingSettings(), options.only)
            print(f"trained and tested in {time.perf_counter() - started:.0f} s")
            figures = compare(book, directory / "truth", result)
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
