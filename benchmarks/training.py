"""One fit on a million client-cuts × 80 features, against LightGBM's own fit of as many trees: time and memory.

    make bench NAME=training            # or: python benchmarks/training.py [--scale 0.1] [--json FILE]

The matrix is drawn: 72 numbers, a tenth of them missing, and 8 categories; 4 % of the rows leave, for reasons that are
partly straight lines and partly not. Each client is seen at ten dates. "Same trees and rounds" is `lightgbm.train` on
the same table with the settings of the trees and the number of rounds that `PropensityClassifier` chose, and no
choosing: binning (into its own 255 bins) and trees, no validation, no linear part, no calibration. "Defaults" has
LightGBM's own (100 rounds of 31 leaves). Every fit runs in a process of its own, by one thread; the peak of memory is
that process's, the table itself included. AUC and log-loss are of 200,000 rows of clients not learnt from.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import time
from pathlib import Path

import lightgbm as lgb
import numpy as np
import pandas as pd
from scipy.special import expit
from sklearn.metrics import log_loss, roc_auc_score

ROWS, NUMBERS, CATEGORIES, DATES = 1_000_000, 72, 8, 10
JUDGED = 200_000
FITS = {
    "own": "PropensityClassifier, defaults",
    "all": "PropensityClassifier, all negatives",
    "plain": "LightGBM, same trees and rounds",
    "default": "LightGBM, defaults",
}


def draw(rows: int, seed: int) -> tuple[pd.DataFrame, np.ndarray, np.ndarray, np.ndarray]:
    """Return features, labels, client and date of each row."""
    rng = np.random.default_rng(seed)
    client = np.arange(rows) // DATES
    table: dict[str, object] = {}
    score = np.full(rows, -5.6)
    for j in range(NUMBERS):
        lasting = rng.normal(size=rows // DATES + 1)[client]
        x = 0.8 * lasting + 0.6 * rng.normal(size=rows)
        if j < 12:
            score += 0.25 * (-1) ** j * x
        if j in (12, 13, 14):
            score += 0.8 * (x > 0.7)
        if 15 <= j < 18:
            score += 0.4 * np.abs(x)
        if j % 3 == 1:
            x = np.exp(1.5 * x)  # money
        x[rng.random(rows) < 0.1] = np.nan
        table[f"x{j}"] = x
    for j in range(CATEGORIES):
        level = rng.integers(0, 4 + 5 * j, rows)
        score += 0.3 * rng.normal(size=4 + 5 * j)[level] if j < 3 else 0.0
        table[f"c{j}"] = pd.Categorical.from_codes(level, [f"level {i}" for i in range(4 + 5 * j)])
    y = (rng.random(rows) < expit(score)).astype(np.int64)
    return pd.DataFrame(table), y, client, np.arange(rows) % DATES


def plain_settings() -> dict[str, object]:
    """The settings of `PropensityClassifier`'s trees at this size, in LightGBM's names."""
    own = {"learning_rate": 0.04, "num_leaves": 15, "min_data_in_leaf": 100, "lambda_l2": 10.0}
    drawn = {"feature_fraction": 0.7, "bagging_fraction": 0.8, "bagging_freq": 1, "min_sum_hessian_in_leaf": 1.0}
    return {"objective": "binary", "cat_smooth": 20.0, "min_data_per_group": 100, **own, **drawn}


def fit_once(which: str, rows: int, rounds: int) -> dict[str, float]:
    """Draw the table, fit, and return seconds, memory and what the fit is worth; in a process of its own."""
    from appetence.models import PropensityClassifier

    X, y, client, date = draw(rows + int(JUDGED * min(1.0, rows / ROWS)), 1)
    test, outcome = X.iloc[rows:], y[rows:]
    X, y, client, date = X.iloc[:rows], y[:rows], client[:rows], date[:rows]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    cpu, wall = time.process_time(), time.perf_counter()
    if which in ("own", "all"):
        model = PropensityClassifier(n_jobs=1, negative_sampling="auto" if which == "own" else None)
        model.fit(X, y, groups=client, time=date)
    else:
        settings = plain_settings() if which == "plain" else {"objective": "binary"}
        shared = {"num_threads": 1, "verbosity": -1, "seed": 0, "force_row_wise": True}
        model = lgb.train(settings | shared, lgb.Dataset(X, y), rounds if which == "plain" else 100)
    found = {"cpu": time.process_time() - cpu, "wall": time.perf_counter() - wall}
    found["peak GB"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    found["table GB"] = before / 2**20
    own = isinstance(model, PropensityClassifier)
    p = model.predict_proba(test)[:, 1] if own else np.asarray(model.predict(test, num_threads=1))
    found["rounds"] = model.booster_.num_trees() if own else model.num_trees()
    return found | {"auc": float(roc_auc_score(outcome, p)), "log-loss": float(log_loss(outcome, p))}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", type=float, default=1.0, help="of 1,000,000 rows")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--only", default=",".join(FITS), help="fits, separated by commas; own must be among them")
    parser.add_argument("--fit", help=argparse.SUPPRESS)
    parser.add_argument("--rounds", type=int, default=0, help=argparse.SUPPRESS)
    options = parser.parse_args()
    rows = max(int(ROWS * options.scale), 20_000)
    if options.fit:
        print(json.dumps(fit_once(options.fit, rows, options.rounds)))
        return
    print(f"{rows:,} rows × {NUMBERS + CATEGORIES} features; {os.cpu_count()} processors, {platform.machine()}")
    found: dict[str, dict[str, float]] = {}
    for which in (name for name in FITS if name in options.only.split(",")):
        rounds = int(found["own"]["rounds"]) if found else 0
        command = [sys.executable, __file__, "--fit", which, "--rounds", str(rounds), "--scale", str(options.scale)]
        environment = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
        done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
        found[which] = one = json.loads(done.stdout.splitlines()[-1])
        print(f"{FITS[which]}: {one['cpu']:.1f} processor seconds", file=sys.stderr)
    report(found)
    if options.json:
        flat = {f"{which} {name}": value for which, one in found.items() for name, value in one.items()}
        options.json.write_text(json.dumps(flat, indent=1) + "\n")


def report(found: dict[str, dict[str, float]]) -> None:
    print("\n| | rounds | CPU s | wall s | CPU, times plain | peak GB | of it the table | AUC | log-loss |")
    print("| --- |" + " ---: |" * 8)
    base = found["plain"]["cpu"] if "plain" in found else float("nan")
    for which, one in found.items():
        print(f"| {FITS[which]} | {one['rounds']:.0f} | {one['cpu']:.1f} | {one['wall']:.1f}", end=" | ")
        print(f"{one['cpu'] / base:.2f} | {one['peak GB']:.2f} | {one['table GB']:.2f}", end=" | ")
        print(f"{one['auc']:.4f} | {one['log-loss']:.5f} |")


if __name__ == "__main__":
    main()
