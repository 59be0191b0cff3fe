"""Whether older rows should count for less: chosen at each origin, against never and always.

Panels are drawn, so that what changes is known: clients seen each quarter for five years, events in the six months that
follow, 20 features of which eight matter, 12 groups. Regimes: `stable`, nothing changes; `drifting`, the effects walk;
`waves`, each quarter has a level of its own and each half-year hits a group of its own; `both`. The ways are those of
`appetence.models.fitting.fit_model`. Figures are of the newest quarter, which none has seen: log-loss, and the log-loss
at the level that suits the quarter best, which leaves out what nobody could foresee of its level.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
from pathlib import Path

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from appetence.config import TrainingSettings
from appetence.models import metrics
from appetence.models.blocks import Origin, Window, held_out, plan_blocks
from appetence.models.dataset import Labelled, Snapshots
from appetence.models.fitting import fit_model
from appetence.models.margin import level
from appetence.models.recency import Recency

REGIMES = {"stable": (0.0, 0.0), "drifting": (0.25, 0.0), "waves": (0.0, 0.8), "both": (0.25, 0.8)}
"""Standard deviations of an effect's yearly step, and of a quarter's level and a group's wave, in log-odds."""

WAYS: tuple[Recency, ...] = ("never", "auto", "always")
WINDOW, QUARTERS, FEATURES, TELLING, GROUPS = Window(6), 20, 20, 8, 12
START = dt.date(2010, 1, 1)


def drawn(regime: str, clients: int, seed: int) -> Labelled:
    """Draw a panel; clients stay in it whatever happens to them, so that only the regime changes over time."""
    walk, wave = REGIMES[regime]
    rng = np.random.default_rng([seed, list(REGIMES).index(regime)])
    fixed, group = rng.normal(size=(clients, FEATURES)), rng.integers(0, GROUPS, clients)
    effects, hit = rng.normal(scale=0.35, size=TELLING), np.zeros(clients)
    frames, labels, cuts = [], [], []
    for quarter in range(QUARTERS):
        effects = effects + rng.normal(scale=walk / 2.0, size=TELLING)
        seen = 0.8 * fixed + 0.6 * rng.normal(size=fixed.shape)
        if quarter % 2 == 0:
            hit = np.where(group == rng.integers(0, GROUPS), 2.0 * wave, 0.0)
        eta = -3.4 + wave * rng.normal() + hit + seen[:, :TELLING] @ effects + 0.3 * seen[:, 0] * seen[:, 1]
        labels.append(rng.random(clients) < 1.0 / (1.0 + np.exp(-eta)))
        frame = pd.DataFrame(seen, columns=[f"x{n}" for n in range(FEATURES)])
        frames.append(frame.assign(group=group.astype(float), tenure=quarter * 3.0 + fixed[:, 0] * 12))
        cuts.append(np.full(clients, np.datetime64(START, "M") + 3 * quarter).astype("datetime64[D]"))
    client, cut = np.tile(np.arange(clients), QUARTERS), np.concatenate(cuts)
    out = held_out([str(n) for n in range(clients)], 0.25, seed)[client]
    keys = pd.MultiIndex.from_arrays([client, cut])
    snapshots = Snapshots(pd.concat(frames, ignore_index=True), keys, cut, client, client, out)
    return Labelled(snapshots, np.arange(len(client)), np.concatenate(labels).astype(np.int64))


def newest_origin() -> Origin:
    months = QUARTERS * 3 + 3
    until = dt.date(START.year + months // 12, months % 12 + 1, 1)
    blocks = plan_blocks(START, until, WINDOW, TrainingSettings(history=0, tests=1))
    assert blocks is not None
    return blocks.tests[0]


def judged(labelled: Labelled, origin: Origin, way: Recency, seed: int) -> tuple[float, float, float, bool]:
    """Return log-loss, log-loss at the best level, AUC, and whether older rows counted for less."""
    assert origin.test is not None
    test = labelled.block([origin.test])
    made = fit_model(labelled, origin, {}, seed, recency=way)
    scores = made.model.decision_function(test.X)
    levelled = scores + level(scores, test.y, np.ones(len(test.y)))
    losses = [float((np.logaddexp(0.0, eta) - test.y * eta).mean()) for eta in (scores, levelled)]
    return losses[0], losses[1], metrics.auc(test.y, scores), made.half_life is not None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", type=float, default=1.0, help="of 1,000 clients")
    parser.add_argument("--seeds", type=int, default=12)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    told: dict[str, float] = {}
    origin, clients = newest_origin(), int(1000 * options.scale)
    print(f"{clients:,} clients × {QUARTERS} quarters, {options.seeds} seeds; gains over `never`, in 1/10,000")
    print(f"{'regime':10}{'way':8}{'log-loss':>9}{'gain':>16}{'gain, level apart':>20}{'AUC':>8}{'weighted':>10}")
    for regime in REGIMES:
        found: dict[str, list[tuple[float, float, float, bool]]] = {}
        for seed in range(options.seeds):
            labelled = drawn(regime, clients, seed)
            for way in WAYS:
                with threadpool_limits(1):
                    found.setdefault(way, []).append(judged(labelled, origin, way, seed))
        base = np.array(found["never"], dtype=float)
        for way, rows in found.items():
            figures = np.array(rows, dtype=float)
            gain = 1e4 * (base - figures)[:, :2]
            mean, error = gain.mean(axis=0), gain.std(axis=0, ddof=1) / np.sqrt(len(gain))
            shown = [f"{m:+.1f} ± {e:.1f}" for m, e in zip(mean, error, strict=True)]
            weighted = f"{int(figures[:, 3].sum())} of {len(rows)}"
            print(
                f"{regime:10}{way:8}{figures[:, 0].mean():9.4f}{shown[0]:>16}{shown[1]:>20}{figures[:, 2].mean():8.3f}"
                f"{weighted:>10}",
                flush=True,
            )
            told |= {f"{regime}: {way}: gain": float(mean[0]), f"{regime}: {way}: gain, level apart": float(mean[1])}
    if options.json:
        options.json.write_text(json.dumps(told, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
