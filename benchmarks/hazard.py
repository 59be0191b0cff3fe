"""One fit for every horizon of attrition: a proportional form against a stacked one.

Simulated books, tested at dates that are followed for 24 months. The truth is not read. The ways:

- `life table`: hazards by tenure, competing exits taken out, the same for all clients of a tenure;
- `proportional`: what the software does. The classifier answers one horizon (6 months), and each client's hazards are
  the life table's, raised to the power that gives back the answer;
- `stacked`: one row per client, cut and band of months ahead (0-3, 3-6, 6-12, 12-24), as far as the band was over by
  the test date; the same classifier with the band's start as one more feature gives a hazard per band, and the life
  table spreads each over its months.

Both are fitted twice as `fit_model` does: the slope of the log-odds on the newest rows of households kept out, then
everything. Seconds are of the processor, in one thread.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
from threadpoolctl import threadpool_limits

from appetence.book import open_book
from appetence.book.clocks import index_of
from appetence.book.simulate import simulate
from appetence.config import BookSettings, FeatureSettings, SimulateSettings
from appetence.features.pipeline import build_features
from appetence.features.population import population
from appetence.models import metrics
from appetence.models.classifier import PropensityClassifier
from appetence.models.curves import History
from appetence.models.dataset import Snapshots, make_snapshots
from appetence.models.survival import LifeTable, fit_life_table, survival_curves
from appetence.months import Month
from appetence.targets.attrition import attrition_spells

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

HORIZONS, HORIZON, EVERY = (3, 6, 12, 24), 6, 3
BANDS = ((0, 3), (3, 6), (6, 12), (12, 24))
BEFORE_END = (24, 30)
"""Months before the book's end at which it is tested."""

NEVER = 10**6


@dataclass(frozen=True)
class Panel:
    """Snapshots of one book, and after how many months each client left; `NEVER` for who was not seen to."""

    snapshots: Snapshots
    cut: Ints
    left: Ints
    gone: Ints

    def rows(self, kept: npt.NDArray[np.bool_]) -> pd.DataFrame:
        return self.snapshots.X.loc[kept].reset_index(drop=True)


def fitted(X: pd.DataFrame, y: Ints, household: Ints, time_: Ints, out: Any, newest: Any) -> PropensityClassifier:
    """Fit twice, as `appetence.models.fitting.fit_model` does."""
    settings: dict[str, Any] = {"random_state": 7, "n_jobs": 1}
    early, late = ~out & ~newest, out & newest
    first = PropensityClassifier(**settings)
    first.fit(X[early], y[early], groups=household[early], time=time_[early]).calibrate(X[late], y[late])
    final = PropensityClassifier(**settings, linear_shrink=first.linear_shrink_)
    return final.fit(X, y, groups=household, time=time_).recentre(X, y, slope=first.calibration_.slope)


def newest_of(moments: Ints) -> npt.NDArray[np.bool_]:
    """Say which rows a model is calibrated on: those of the last label window, a third of the dates at most."""
    dates = np.unique(moments)
    kept = max(1, min(int((dates.max() - dates < HORIZON).sum()), len(dates) // 3))
    return moments >= dates[-kept]


def proportional(panel: Panel, at: int, test: Any, table: LifeTable, tenure: Ints) -> Floats:
    known = (panel.cut + HORIZON <= at) & (panel.gone >= 0)
    X, cut = panel.rows(known), panel.cut[known]
    y = (panel.left[known] < HORIZON).astype(np.int64)
    snapshots = panel.snapshots
    model = fitted(X, y, snapshots.household[known], cut, snapshots.held_out[known], newest_of(cut))
    p = model.predict_proba(panel.rows(test))[:, 1]
    return survival_curves(table, tenure, p, HORIZON, HORIZONS[-1]).leaving


def stacked(panel: Panel, at: int, test: Any, table: LifeTable, tenure: Ints) -> Floats:
    parts = []
    for start, end in BANDS:
        rows = np.flatnonzero((panel.cut + end <= at) & (panel.gone >= start) & (panel.left >= start))
        parts.append(
            (rows, (panel.left[rows] < end).astype(np.int64), np.full(len(rows), start), panel.cut[rows] + end)
        )
    rows, y, ahead, over = (np.concatenate(part) for part in zip(*parts, strict=True))
    X = panel.snapshots.X.iloc[rows].reset_index(drop=True).assign(months_ahead=ahead.astype(float))
    snapshots = panel.snapshots
    model = fitted(X, y, snapshots.household[rows], over, snapshots.held_out[rows], newest_of(over))
    months, before = [], np.ones((int(test.sum()), 1))
    leaving = np.zeros((int(test.sum()), 1))
    for start, end in BANDS:
        p = model.predict_proba(panel.rows(test).assign(months_ahead=float(start)))[:, 1]
        part = survival_curves(table, tenure + start, p, end - start, end - start)
        months.append(leaving + before * part.leaving)
        leaving, before = months[-1][:, -1:], before * part.staying[:, -1:]
    return np.concatenate(months, axis=1)


def judged(curve: Floats, left: Ints) -> dict[str, float]:
    happened = left[:, None] < np.arange(1, HORIZONS[-1] + 1)
    found = {"integrated Brier": float(((happened - curve) ** 2).mean())}
    for months in HORIZONS:
        y, p = (left < months).astype(np.int64), curve[:, months - 1]
        slope = metrics.calibration_slope_intercept(y, p)[0]
        found |= {f"AUC {months}": metrics.auc(y, p), f"log-loss {months}": metrics.log_loss(y, p)}
        found |= {f"slope {months}": slope, f"O/E {months}": float(y.mean() / p.mean())}
    return found


def of_book(directory: Path) -> list[dict[str, Any]]:
    found = []
    with open_book(BookSettings(directory=str(directory))) as book:
        until = Month.of(book.observed_until)
        first = Month.of(book.observed_from) + 6
        cuts = [(until - EVERY * k).start for k in range(1, (until - first) // EVERY + 1)]
        spine = population(book, sorted(cuts))
        clients = book.execute(book.table("clients"))
        snapshots = make_snapshots(build_features(book, spine, FeatureSettings()), clients, 0.25, 7)
        spells = attrition_spells(book, spine).to_pandas()
        months = spells["months"].fillna(-1).to_numpy(dtype=np.int64)
        kind = spells["kind"].to_numpy(dtype=str)
        gone = np.where(kind == "censored", NEVER, months)  # whatever ended it; -1 where nothing was held at the cut
        cut = snapshots.cut.astype("datetime64[M]").astype(np.int64) + 1970 * 12
        panel = Panel(snapshots, cut, np.where(kind == "left", months, NEVER), gone)
        for back in BEFORE_END:
            at, day = index_of(book.observed_until) - back, (until - back).start
            test = (cut == at) & (gone >= 0)
            history = History.of(book, day)
            tenure = history.tenure(pa.array(snapshots.keys.get_level_values(0)[test].astype(str)))
            table = fit_life_table(history.counts)
            plain = survival_curves(table, tenure, None, HORIZON, HORIZONS[-1]).leaving
            found.append({"way": "life table", "date": str(day), "seconds": 0.0, **judged(plain, panel.left[test])})
            for way in (proportional, stacked):
                started = time.process_time()
                curve = way(panel, at, test, table, tenure)
                spent = time.process_time() - started
                figures = judged(curve, panel.left[test])
                found.append({"way": way.__name__, "date": str(day), "seconds": spent, **figures})
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", type=float, default=1.0, help="of 6,000 clients")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    clients = max(int(6_000 * options.scale), 600)
    print(f"{clients:,} clients × 60 months, {options.seeds} seeds; {os.cpu_count()} processors, {platform.machine()}")
    rows = []
    with tempfile.TemporaryDirectory() as folder, threadpool_limits(1):
        for seed in range(1, options.seeds + 1):
            directory = Path(folder, str(seed))
            simulate(SimulateSettings(clients=clients, months=60, seed=seed), directory)
            rows += [{"seed": seed, **row} for row in of_book(directory)]
    frame = pd.DataFrame(rows)
    means = frame.drop(columns=["seed", "date"]).groupby("way", sort=False).mean()
    print(means.T.to_string(float_format=lambda value: f"{value:.4f}"))
    wide = frame.pivot(index=["seed", "date"], columns="way", values="integrated Brier")
    gain = wide["proportional"] - wide["stacked"]
    spread = gain.std(ddof=1) / np.sqrt(len(gain))
    print(f"\nintegrated Brier score, stacked better by {gain.mean():+.5f} ± {spread:.5f} over {len(gain)} tests")
    if options.json:
        told = {f"{way}: {name}": float(value) for way, row in means.iterrows() for name, value in row.items()}
        options.json.write_text(json.dumps(told, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
