"""Exact Shapley values by table look-up against LightGBM's `pred_contrib`, its plain `predict`, and WOODELF.

    make bench NAME=explain              # or: python benchmarks/explain.py [--scale 0.1] [--json FILE]

Models of 60 features, 10 of them categorical, with 10 % of the values missing, trained on 20,000 rows drawn with a
fixed seed. All ways take turns on the same rows (`pred_contrib` on fewer, for it is slow), several times over; rates
are each way's best. Ratios are of processor seconds, which other work on the machine disturbs least, and of seconds.
`--scale` multiplies the rows explained; `--only` names one part: a model (300x31), `woodelf` or `batch`.

WOODELF (Nadel and Wettenstein, 2025; PyPI's `woodelf_explainer`) is measured where it is importable, on its own
ground: numbers alone, many rows at a time. It knows no categorical splits, and uses one thread. `batch` is a month's
work: a million rows and twelve models, with the peak of memory, in a process of its own.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import multiprocessing
import os
import platform
import resource
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import lightgbm as lgb
import numpy as np
import pandas as pd

from appetence.explain import TreeTables

N_FEATURES, N_CATEGORICAL, MISSING = 60, 10, 0.1
ROWS, SLOW_ROWS, ROUNDS, TOP = 100_000, 1_000, 3, 5
THEMES = np.arange(N_FEATURES) % 12
BATCH_ROWS, BATCH_MODELS = 1_000_000, 12


@dataclass(frozen=True)
class Model:
    trees: int
    leaves: int

    @property
    def name(self) -> str:
        return f"{self.trees}x{self.leaves}"


MODELS = [Model(300, 31), Model(500, 63)]
WOODELF, BATCH = "woodelf", "batch"


def draw(n_rows: int, seed: int, categorical: int = N_CATEGORICAL) -> tuple[np.ndarray, np.ndarray]:
    """Draw rows and a label with main effects, effects of categories and interactions."""
    random = np.random.default_rng(seed)
    X = random.normal(size=(n_rows, N_FEATURES))
    X[:, :categorical] = np.floor(random.exponential(8, size=(n_rows, categorical)))
    weights = np.random.default_rng(1).normal(size=N_FEATURES - categorical)
    score = 0.3 * X[:, categorical:] @ weights + 0.5 * np.sin(X[:, :categorical]).sum(axis=1) + X[:, -1] * X[:, -2]
    y = (score + random.normal(size=n_rows) > 0).astype(float)
    X[random.random(X.shape) < MISSING] = np.nan
    return X, y


def train(model: Model, categorical: int = N_CATEGORICAL, seed: int = 2, threads: int = 0) -> lgb.Booster:
    X, y = draw(20_000, seed, categorical)
    settings = {"objective": "binary", "num_leaves": model.leaves, "learning_rate": 0.05, "verbose": -1, "seed": 3}
    data = lgb.Dataset(X, y, categorical_feature=list(range(categorical)))
    settings |= {"feature_fraction": 0.8, "deterministic": True, "num_threads": threads}
    return lgb.train(settings, data, model.trees)


@dataclass
class Spent:
    """Best seconds and processor seconds per row so far."""

    wall: float = float("inf")
    cpu: float = float("inf")

    def time(self, work: Callable[[], object], n_rows: int = 1) -> None:
        wall, cpu = time.perf_counter(), time.process_time()
        work()
        self.cpu = min(self.cpu, (time.process_time() - cpu) / n_rows)
        self.wall = min(self.wall, (time.perf_counter() - wall) / n_rows)


def in_turns(ways: dict[str, tuple[int, Callable[[], object]]], rounds: int = ROUNDS) -> dict[str, Spent]:
    spent = {name: Spent() for name in ways}
    for _ in range(rounds):
        for name, (n_rows, work) in ways.items():
            spent[name].time(work, n_rows)
    return spent


def compared(slow: Spent, quick: Spent, names: str) -> dict[str, float]:
    return {names: slow.cpu / quick.cpu, f"{names}, by the clock": slow.wall / quick.wall}


def measure(model: Model, scale: float) -> dict[str, float]:
    booster = train(model)
    ready = TreeTables(booster)  # compile before the clock starts
    ready.top(np.zeros((1, N_FEATURES)), TOP), ready.top_groups(np.zeros((1, N_FEATURES)), TOP, THEMES)
    build = in_turns({"build": (1, lambda: TreeTables(booster))})["build"]
    tables = TreeTables(booster)
    X, _ = draw(max(1_000, int(ROWS * scale)), seed=4)
    few = X[: max(200, int(SLOW_ROWS * min(scale, 1.0)))]
    expected = booster.predict(few, pred_contrib=True)
    spent = in_turns(
        {
            "pred_contrib": (len(few), lambda: booster.predict(few, pred_contrib=True)),
            "predict": (len(X), lambda: booster.predict(X)),
            "contributions": (len(X), lambda: tables.contributions(X)),
            "top 5": (len(X), lambda: tables.top(X, TOP)),
            "top 5 groups": (len(X), lambda: tables.top_groups(X, TOP, THEMES)),
            "raw_score": (len(X), lambda: tables.raw_score(X)),
        }
    )
    leaves = sum(tree["num_leaves"] for tree in booster.dump_model()["tree_info"])
    return {
        **{f"{name}, rows/s": 1 / of.wall for name, of in spent.items()},
        **{f"{name}, processor µs a row": 1e6 * of.cpu for name, of in spent.items()},
        **compared(spent["pred_contrib"], spent["contributions"], "contributions / pred_contrib"),
        **compared(spent["predict"], spent["top 5"], "top 5 / predict"),
        **compared(spent["predict"], spent["top 5 groups"], "top 5 groups / predict"),
        "largest difference": float(np.abs(tables.contributions(few) - expected).max()),
        "build, s": build.wall,
        "tables, MB": tables.nbytes / 1e6,
        "leaves too deep, %": 100 * tables.n_deep_leaves / leaves,
    }


def measure_woodelf(scale: float) -> dict[str, float]:
    if importlib.util.find_spec("woodelf") is None:
        print("woodelf is skipped: it is not installed (pip install --no-deps woodelf_explainer treelite)\n")
        return {}
    from woodelf import WoodelfExplainer

    booster = train(MODELS[0], categorical=0)
    X, _ = draw(max(1_000, int(ROWS * scale)), seed=4, categorical=0)
    frame = pd.DataFrame(X, columns=booster.feature_name())
    tables = TreeTables(booster)
    tables.contributions(X[:1])
    theirs: list[np.ndarray] = []

    def woodelf() -> None:
        theirs[:] = [np.asarray(WoodelfExplainer(booster).shap_values(frame, verbose=False))]

    ways = {WOODELF: (len(X), woodelf), "contributions": (len(X), lambda: tables.contributions(X))}
    spent = in_turns(ways)
    expected = booster.predict(X[:200], pred_contrib=True)[:, :-1]
    return {
        **{f"{name}, rows/s": 1 / of.wall for name, of in spent.items()},
        **{f"{name}, processor µs a row": 1e6 * of.cpu for name, of in spent.items()},
        **compared(spent[WOODELF], spent["contributions"], "contributions / woodelf"),
        "largest difference of woodelf": float(np.abs(theirs[0][:200] - expected).max()),
        "largest difference": float(np.abs(tables.contributions(X[:200])[:, :-1] - expected).max()),
    }


def peak_mb() -> float:
    """Return the most memory that this process has held, as the system counts it."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if platform.system() == "Linux" else 1024**2)


def measure_batch(scale: float) -> dict[str, float]:
    """Score and explain a month: every model's tables are built, used on all rows block by block, and dropped.

    Three models take their turn four times, to save their training; nothing is kept from one turn to the next.
    """
    trained = [train(MODELS[0], seed=10 + number, threads=1) for number in range(3)]
    boosters = trained * (BATCH_MODELS // len(trained))
    X = np.empty((max(1_000, int(BATCH_ROWS * scale)), N_FEATURES))
    for first in range(0, len(X), ROWS):
        part = X[first : first + ROWS]
        part[:] = draw(len(part), seed=first)[0]
    rows_mb, before = X.nbytes / 2**20, peak_mb()
    few, raw = X[: len(X) // 10], np.empty(len(X))

    def month(rows: np.ndarray) -> None:
        for booster in boosters:
            tables = TreeTables(booster)
            for block, top in tables.iter_top(rows, TOP):
                raw[block] = top.raw
            expected = booster.predict(rows[:100], raw_score=True)
            np.testing.assert_allclose(raw[:100], expected, atol=1e-5)

    month(few)
    tenth = peak_mb()
    spent = in_turns({BATCH: (1, lambda: month(X))}, rounds=1)[BATCH]
    return {
        f"{BATCH_MODELS} models x {len(X):,} rows, s": spent.wall,
        "the same, processor s": spent.cpu,
        "peak, MB": peak_mb(),
        "of which the rows themselves, MB": rows_mb,
        "peak before explaining, MB": before,
        "peak after a tenth of the rows, MB": tenth,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--only", choices=[*(model.name for model in MODELS), WOODELF, BATCH])
    arguments = parser.parse_args()
    print(f"{platform.machine()}, {os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}; ", end="")
    print(f"{N_FEATURES} features of which {N_CATEGORICAL} categorical, {MISSING:.0%} missing\n")
    models = [model for model in MODELS if arguments.only in (None, model.name)]
    found = {model.name: measure(model, arguments.scale) for model in models}
    if found:
        print(f"{'trees x leaves':44s}" + "".join(f"{name:>14s}" for name in found))
        for row in found[models[0].name]:
            print(f"{row:44s}" + "".join(f"{values[row]:14,.4g}" for values in found.values()))
        print()
    for name, part in ((WOODELF, measure_woodelf), (BATCH, measure_batch)):
        if arguments.only in (None, name):
            spawn = multiprocessing.get_context("spawn")
            with ProcessPoolExecutor(1, mp_context=spawn) as process:  # its peak of memory is its own
                found[name] = process.submit(part, arguments.scale).result()
            print("".join(f"{row:44s}{value:14,.4g}\n" for row, value in found[name].items()))
    print(f"load at the end: {os.getloadavg()[0]:.1f}")
    if arguments.json:
        flat = {f"{name}: {row}": value for name, values in found.items() for row, value in values.items()}
        arguments.json.write_text(json.dumps(flat, indent=2) + "\n")


if __name__ == "__main__":
    main()
