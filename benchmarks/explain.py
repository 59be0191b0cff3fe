"""Exact Shapley values by table look-up against LightGBM's `pred_contrib`, and against its plain `predict`.

    make bench NAME=explain              # or: python benchmarks/explain.py [--scale 0.1] [--json FILE]

Models of 60 features, 10 of them categorical, with 10 % of the values missing, trained on 20,000 rows drawn with a
fixed seed. All ways take turns on the same rows (`pred_contrib` on fewer, for it is slow), several times over; rates
are each way's best and ratios are between these. `--scale` multiplies the rows explained, `--only 300x31` names one
model.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import lightgbm as lgb
import numpy as np

from appetence.explain import TreeTables

N_FEATURES, N_CATEGORICAL, MISSING = 60, 10, 0.1
ROWS, SLOW_ROWS, ROUNDS, TOP = 100_000, 1_000, 3, 5


@dataclass(frozen=True)
class Model:
    trees: int
    leaves: int

    @property
    def name(self) -> str:
        return f"{self.trees}x{self.leaves}"


MODELS = [Model(300, 31), Model(500, 63)]


def draw(n_rows: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw rows and a label with main effects, effects of categories and interactions."""
    random = np.random.default_rng(seed)
    X = random.normal(size=(n_rows, N_FEATURES))
    X[:, :N_CATEGORICAL] = np.floor(random.exponential(8, size=(n_rows, N_CATEGORICAL)))
    weights = np.random.default_rng(1).normal(size=N_FEATURES - N_CATEGORICAL)
    score = 0.3 * X[:, N_CATEGORICAL:] @ weights + 0.5 * np.sin(X[:, :N_CATEGORICAL]).sum(axis=1) + X[:, -1] * X[:, -2]
    y = (score + random.normal(size=n_rows) > 0).astype(float)
    X[random.random(X.shape) < MISSING] = np.nan
    return X, y


def train(model: Model) -> lgb.Booster:
    X, y = draw(20_000, seed=2)
    settings = {"objective": "binary", "num_leaves": model.leaves, "learning_rate": 0.05, "verbose": -1, "seed": 3}
    data = lgb.Dataset(X, y, categorical_feature=list(range(N_CATEGORICAL)))
    return lgb.train(settings | {"feature_fraction": 0.8, "deterministic": True}, data, model.trees)


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def measure(model: Model, scale: float) -> dict[str, float]:
    booster = train(model)
    TreeTables(booster).top(np.zeros((1, N_FEATURES)), TOP)  # compile before the clock starts
    build = min(seconds(lambda: TreeTables(booster)) for _ in range(3))
    tables = TreeTables(booster)
    X, _ = draw(max(1_000, int(ROWS * scale)), seed=4)
    few = X[: max(200, int(SLOW_ROWS * min(scale, 1.0)))]
    expected = booster.predict(few, pred_contrib=True)
    ways: dict[str, tuple[int, Callable[[], object]]] = {
        "pred_contrib": (len(few), lambda: booster.predict(few, pred_contrib=True)),
        "predict": (len(X), lambda: booster.predict(X)),
        "contributions": (len(X), lambda: tables.contributions(X)),
        "top 5": (len(X), lambda: tables.top(X, TOP)),
        "raw_score": (len(X), lambda: tables.raw_score(X)),
    }
    rates = dict.fromkeys(ways, 0.0)
    for _ in range(ROUNDS):
        for name, (n_rows, work) in ways.items():
            rates[name] = max(rates[name], n_rows / seconds(work))
    return {
        **{f"{name}, rows/s": rate for name, rate in rates.items()},
        "contributions / pred_contrib": rates["contributions"] / rates["pred_contrib"],
        "top 5 / predict": rates["top 5"] / rates["predict"],
        "largest difference": float(np.abs(tables.contributions(few) - expected).max()),
        "build, s": build,
        "tables, MB": tables.nbytes / 1e6,
        "leaves too deep, %": 100
        * tables.n_deep_leaves
        / sum(t["num_leaves"] for t in booster.dump_model()["tree_info"]),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--only", choices=[model.name for model in MODELS])
    arguments = parser.parse_args()
    print(f"{platform.machine()}, {os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}; ", end="")
    print(f"{N_FEATURES} features of which {N_CATEGORICAL} categorical, {MISSING:.0%} missing")
    models = [model for model in MODELS if arguments.only in (None, model.name)]
    found = {model.name: measure(model, arguments.scale) for model in models}
    print(f"{'trees x leaves':30s}" + "".join(f"{name:>14s}" for name in found))
    for row in found[models[0].name]:
        print(f"{row:30s}" + "".join(f"{values[row]:14,.4g}" for values in found.values()))
    if arguments.json:
        flat = {f"{name}: {row}": value for name, values in found.items() for row, value in values.items()}
        arguments.json.write_text(json.dumps(flat, indent=2) + "\n")


if __name__ == "__main__":
    main()
