"""The estimator, untuned, against plain and untuned peers: AUC, log-loss, mean rank and time to fit.

    make bench NAME=estimator            # or: python benchmarks/estimator.py [--scale 0.3] [--json FILE]

Every set is scikit-learn's own or drawn here with a fixed seed. A set is split several times (the drifting one in the
order of time) and figures are means over the splits. `--scale` multiplies the rows of the drawn sets. All models have
one thread and time is the processor's, so that a busy machine does not change the table. XGBoost and CatBoost, with
their defaults, are peers where they are installed (`pip install xgboost-cpu catboost`); the project needs neither.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import platform
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import lightgbm as lgb
import numpy as np
import pandas as pd
from scipy.special import expit
from scipy.stats import rankdata
from sklearn import datasets
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss, roc_auc_score
from sklearn.model_selection import StratifiedShuffleSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

from appetence.models import PropensityClassifier

SANE = {
    "n_estimators": 300,
    "learning_rate": 0.03,
    "num_leaves": 15,
    "min_child_samples": 50,
    "reg_lambda": 5.0,
    "colsample_bytree": 0.6,
    "subsample": 0.8,
    "subsample_freq": 1,
}


@dataclass(frozen=True)
class Task:
    """One set: features, labels, and the order of time where the test must be later than the training."""

    X: pd.DataFrame
    y: np.ndarray
    splits: int
    test_share: float = 0.5
    time: np.ndarray | None = None
    groups: np.ndarray | None = None

    def folds(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        if self.time is not None:
            late = self.time >= np.quantile(self.time, 1 - self.test_share)
            yield np.flatnonzero(~late), np.flatnonzero(late)
            return
        yield from StratifiedShuffleSplit(self.splits, test_size=self.test_share, random_state=0).split(self.X, self.y)


def frame(X: np.ndarray) -> pd.DataFrame:
    return pd.DataFrame(X, columns=[f"x{j}" for j in range(X.shape[1])])


def drawn(X: pd.DataFrame, log_odds: np.ndarray, rng: np.random.Generator, share: float, **kwargs: object) -> Task:
    """Draw labels with the wanted share of positives."""
    low, high = -30.0, 30.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (low, middle) if expit(log_odds + middle).mean() > share else (middle, high)
    y = (rng.random(len(X)) < expit(log_odds + low)).astype(int)
    return Task(X, y, **{"splits": 2, **kwargs})  # type: ignore[arg-type]


def real_sets() -> dict[str, Task]:
    cancer = datasets.load_breast_cancer()
    digits = datasets.load_digits()
    wine = datasets.load_wine()
    diabetes = datasets.load_diabetes()
    return {
        "breast cancer": Task(frame(cancer.data), cancer.target, 6),
        "wine, middle class": Task(frame(wine.data), (wine.target == 1).astype(int), 6),
        "digits, odd": Task(frame(digits.data), digits.target % 2, 3),
        "diabetes, upper third": Task(frame(diabetes.data), (diabetes.target > 180).astype(int), 6),
    }


def drawn_sets(scale: float) -> dict[str, Task]:
    def rows(n: int) -> int:
        return max(600, int(n * scale))

    X, y = datasets.make_classification(
        rows(6_000), 40, n_informative=12, n_redundant=6, flip_y=0.1, weights=[0.85], random_state=1
    )
    hastie = datasets.make_hastie_10_2(rows(6_000), random_state=2)
    return {
        "make_classification": Task(frame(X), y, 2),
        "hastie_10_2": Task(frame(hastie[0]), (hastie[1] > 0).astype(int), 2),
        "linear": linear(rows(6_000)),
        "interactions": interactions(rows(8_000)),
        "rare, drifting": rare_drifting(rows(30_000)),
        "many levels": many_levels(rows(10_000)),
        "book-like": book_like(rows(20_000)),
        "noise, two signals": weak(rows(3_000)),
    }


def linear(n: int) -> Task:
    rng = np.random.default_rng(3)
    X = rng.normal(size=(n, 40)) @ (np.eye(40) + 0.2 * rng.normal(size=(40, 40)))
    effects = rng.normal(size=40) * (rng.random(40) < 0.5)
    return drawn(frame(X), 0.35 * X @ effects, rng, 0.1)


def interactions(n: int) -> Task:
    rng = np.random.default_rng(4)
    X = rng.normal(size=(n, 20))
    score = 2.0 * (X[:, 0] > 0) * (X[:, 1] > 0) + 1.2 * X[:, 2] * X[:, 3] + np.abs(X[:, 4]) - 1.5 * (X[:, 5] > 1)
    return drawn(frame(X), score, rng, 0.2)


def weak(n: int) -> Task:
    rng = np.random.default_rng(5)
    X = rng.normal(size=(n, 50))
    return drawn(frame(X), 0.4 * X[:, 0] + 0.4 * (X[:, 1] > 0.5), rng, 0.15, splits=3)


def rare_drifting(n: int) -> Task:
    """3 % positives; what is linear lasts, the steps move with time, and the level rises."""
    rng = np.random.default_rng(6)
    X = rng.normal(size=(n, 40))
    X[:, 20:30] = np.exp(X[:, 20:30])
    X[rng.random(X.shape) < 0.1] = np.nan
    moment = np.repeat(np.arange(12), -(-n // 12))[:n]
    Z, t = np.nan_to_num(X), moment / 11
    score = 0.6 * Z[:, 0] + 0.4 * Z[:, 1] - 0.4 * Z[:, 2] + 0.3 * np.log1p(np.abs(Z[:, 20])) + 0.5 * t
    score += 1.2 * (Z[:, 3] > 2 * t - 1) * (1 - t) + 0.8 * (Z[:, 4] > 0) * (Z[:, 5] > 0) * (1 - 2 * t)
    return drawn(frame(X), score, rng, 0.03, time=moment, test_share=0.33, groups=rng.integers(0, n // 3, n))


def many_levels(n: int) -> Task:
    rng = np.random.default_rng(7)
    X = frame(rng.normal(size=(n, 8)))
    level = np.minimum(rng.zipf(1.3, n) - 1, 399)
    effect = rng.normal(size=400)
    X["branch"] = pd.Categorical([f"b{i}" for i in level])
    X["channel"] = pd.Categorical(rng.choice(list("abcdefgh"), n))
    score = effect[level] + 0.5 * X["x0"] + 0.7 * (X["x1"] > 0) + 0.4 * (X["channel"] == "a")
    return drawn(X, score.to_numpy(), rng, 0.15)


def book_like(n: int) -> Task:
    """Money with long tails and missing values, counts, flags and categories; 6 % positives."""
    rng = np.random.default_rng(8)
    tenure, age = rng.exponential(80, n), rng.normal(50, 15, n).clip(18, 95)
    balance, flow = np.exp(rng.normal(9, 1.5, n)), rng.standard_t(3, n) * 500
    holdings, contacts, complaint = rng.poisson(1.5, n) + 1, rng.poisson(0.8, n), rng.random(n) < 0.05
    region, segment = rng.choice(12, n), rng.choice(list("ABCD"), n, p=[0.1, 0.2, 0.3, 0.4])
    score = -0.012 * np.minimum(tenure, 120) - 0.35 * holdings + 1.1 * complaint + 0.8 * (contacts == 0) * (tenure > 24)
    score += 0.7 * (flow < -400) + 0.3 * (segment == "D") + 0.2 * np.sin(region) - 0.15 * np.log(balance) * (age > 60)
    X = pd.DataFrame({"tenure": tenure, "age": age, "balance": balance, "flow": flow, "holdings": holdings})
    X = X.assign(contacts=contacts, complaint=complaint.astype(int), segment=pd.Categorical(segment))
    X = X.assign(
        region=pd.Categorical([f"r{i}" for i in region]), **{f"noise{j}": rng.normal(size=n) for j in range(20)}
    )
    X.loc[rng.random(n) < 0.2, "balance"] = np.nan
    X.loc[rng.random(n) < 0.15, "age"] = np.nan
    return drawn(X, score, rng, 0.06)


def one_hot() -> object:
    numbers = make_pipeline(SimpleImputer(strategy="median", add_indicator=True), StandardScaler())
    levels = OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=10)
    return make_column_transformer(
        (numbers, make_column_selector(dtype_include="number")),
        (levels, make_column_selector(dtype_include="category")),
    )


def ordinal() -> object:
    numbers = SimpleImputer(strategy="median", add_indicator=True)
    levels = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    return make_column_transformer(
        (numbers, make_column_selector(dtype_include="number")),
        (levels, make_column_selector(dtype_include="category")),
    )


def hist_boosting(X: pd.DataFrame) -> object:
    wide = any(X[name].nunique() > 200 for name in X.select_dtypes("category"))  # its own limit is 255 levels
    return (
        make_pipeline(ordinal(), HistGradientBoostingClassifier(random_state=0))
        if wide
        else (HistGradientBoostingClassifier(random_state=0))
    )


def boosted_by_xgboost(_: pd.DataFrame) -> object:
    from xgboost import XGBClassifier

    return XGBClassifier(enable_categorical=True, n_jobs=1, random_state=0)


def boosted_by_catboost(X: pd.DataFrame) -> object:
    from catboost import CatBoostClassifier

    levels = list(X.select_dtypes("category"))
    return CatBoostClassifier(
        cat_features=levels, thread_count=1, random_seed=0, verbose=False, allow_writing_files=False
    )


def light(**settings: object) -> lgb.LGBMClassifier:
    return lgb.LGBMClassifier(verbose=-1, random_state=0, n_jobs=1, **settings)


OWN = "PropensityClassifier"
PEERS: dict[str, Callable[[pd.DataFrame], object]] = {
    OWN: lambda _: PropensityClassifier(n_jobs=1),
    "LogisticRegression": lambda _: make_pipeline(one_hot(), LogisticRegression(max_iter=2_000)),
    "RandomForest": lambda _: make_pipeline(
        ordinal(), RandomForestClassifier(300, min_samples_leaf=3, n_jobs=1, random_state=0)
    ),
    "HistGradientBoosting": hist_boosting,
    "LightGBM, default": lambda _: light(),
    "LightGBM, calibrated": lambda _: CalibratedClassifierCV(light(), cv=4),
    "LightGBM, sane": lambda _: light(**SANE),
    "LightGBM, sane, calibrated": lambda _: CalibratedClassifierCV(light(**SANE), cv=4),
}
OPTIONAL = {"xgboost": ("XGBoost", boosted_by_xgboost), "catboost": ("CatBoost", boosted_by_catboost)}


def add_installed_peers() -> None:
    """Add the peers that are installed, and say which are not."""
    for module, (name, make) in OPTIONAL.items():
        if importlib.util.find_spec(module) is None:
            print(f"{name} is left out: it is not installed")
        else:
            PEERS[name] = make


def measure(task: Task, make: Callable[[pd.DataFrame], object]) -> tuple[float, float, float]:
    """Return the means of AUC, log-loss and seconds to fit over the task's splits."""
    results = []
    for train, test in task.folds():
        X, y = task.X.iloc[train].reset_index(drop=True), task.y[train]
        model = make(X)
        start = time.process_time()
        if isinstance(model, PropensityClassifier):
            model.fit(X, y, groups=None if task.groups is None else task.groups[train])
        else:
            model.fit(X, y)  # type: ignore[attr-defined]
        seconds = time.process_time() - start
        p = model.predict_proba(task.X.iloc[test])[:, 1].clip(1e-6, 1 - 1e-6)  # type: ignore[attr-defined]
        results.append((roc_auc_score(task.y[test], p), log_loss(task.y[test], p), seconds))
    auc, loss, seconds = np.mean(results, axis=0)
    return float(auc), float(loss), float(seconds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--only", help="names of sets, separated by semicolons")
    arguments = parser.parse_args()
    warnings.filterwarnings("ignore", category=UserWarning)  # peers talk about feature names and unknown levels
    tasks = real_sets() | drawn_sets(arguments.scale)
    if arguments.only:
        tasks = {name: task for name, task in tasks.items() if name in arguments.only.split(";")}
    print(f"{platform.machine()}, {os.cpu_count()} cores; lightgbm {lgb.__version__}; scale {arguments.scale}")
    add_installed_peers()
    table = {}
    for name, task in tasks.items():
        table[name] = {peer: measure(task, make) for peer, make in PEERS.items()}
        print(f"{name}: done", file=sys.stderr)
    report(tasks, table)
    if arguments.json:
        flat = {
            f"{name} / {peer} / {metric}": value
            for name, row in table.items()
            for peer, values in row.items()
            for metric, value in zip(("auc", "log_loss", "seconds"), values, strict=True)
        }
        arguments.json.write_text(json.dumps(flat, indent=1) + "\n")


def report(tasks: dict[str, Task], table: dict[str, dict[str, tuple[float, float, float]]]) -> None:
    peers = list(PEERS)
    figures = np.array([[table[name][peer] for peer in peers] for name in tasks])
    for k, (title, sign) in enumerate((("AUC", -1), ("log-loss", 1), ("CPU seconds to fit", 1))):
        print(f"\n| {title} | rows | " + " | ".join(peers) + " |\n|" + " --- |" * (len(peers) + 2))
        for name, row in zip(tasks, figures[:, :, k], strict=True):
            best = (sign * row).argmin()
            cells = [f"**{v:.4f}**" if j == best else f"{v:.4f}" for j, v in enumerate(row)]
            print(f"| {name} | {len(tasks[name].y)} | " + " | ".join(cells) + " |")
        ranks = rankdata(sign * figures[:, :, k].round(4), axis=1).mean(axis=0)
        print("| mean rank | | " + " | ".join(f"{rank:.1f}" for rank in ranks) + " |")


if __name__ == "__main__":
    main()
