"""Segments, the matrix and its moves, clusters: whole books at a time, beside a loop over clients.

    make bench NAME=segments             # or: python benchmarks/segments.py [--scale 0.1] [--json FILE]

A million clients are drawn, 24 months of paths for a tenth of them. Beside segments and moves stands what one would
write first, client by client in Python, over a hundredth as many clients; its seconds are multiplied up, and what it
finds must be the same.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from appetence.config import ClusterSettings, MatrixSettings
from appetence.features.catalogue import by_name
from appetence.value.clusters import learn_clusters
from appetence.value.matrix import Thresholds, client_matrix
from appetence.value.matrix_moves import client_moves
from appetence.value.segment_changes import segment_changes
from appetence.value.segment_economics import segment_economics
from appetence.value.segment_rules import Rule, load_segments
from appetence.value.segments import client_segments

RULES = load_segments(Path(__file__).parents[1] / "configs" / "segments" / "kronos.yaml")
MONTHS = [f"{2023 + n // 12}-{n % 12 + 1:02d}" for n in range(24)]
LIMITS, MARGIN = Thresholds(300.0, 80.0), 0.1
LOOPED = 100


def drawn(clients: int, month: int) -> pa.Table:
    """Draw the facts of a month: what clients hold moves by a twentieth from month to month."""
    base = np.random.default_rng(1).lognormal(10.5, 1.5, clients)
    rng = np.random.default_rng(10 + month)
    assets = base * rng.lognormal(0, 0.05, clients)
    return pa.table(
        {
            "client_id": pa.array(np.arange(clients)).cast(pa.string()),
            "assets": assets,
            "referrals_12m": rng.poisson(0.5, clients).astype(float),
            "past_revenue": assets / 100,
            "past_cost": assets / 300,
            "past_profit": pa.array(assets / 150, mask=rng.random(clients) < 0.01),
        }
    )


def paths(clients: int) -> pa.Table:
    """Draw 24 months of profitability and potential."""
    rng = np.random.default_rng(2)
    shape = (clients, len(MONTHS))
    profitability = rng.normal(300, 400, (clients, 1)) + np.cumsum(rng.normal(0, 40, shape), axis=1)
    potential = rng.lognormal(4.4, 0.7, (clients, 1)) * np.exp(np.cumsum(rng.normal(0, 0.1, shape), axis=1))
    return pa.table(
        {
            "client_id": pa.array(np.repeat(np.arange(clients), len(MONTHS))).cast(pa.string()),
            "month": MONTHS * clients,
            "profitability": profitability.ravel(),
            "potential": potential.ravel(),
        }
    )


def behaviour(clients: int) -> tuple[pa.Table, list[Any]]:
    names = ("tenure", "assets", "contacts_12m", "products_held", "opened_12m", "net_flow_12m", "complaints_12m")
    rng = np.random.default_rng(3)
    kind = rng.choice(4, clients)
    columns = {name: rng.lognormal(kind * (number % 3), 0.5, clients) for number, name in enumerate(names)}
    return pa.table(columns), [by_name()[name] for name in names]


def looped_segments(facts: pa.Table) -> list[str]:
    """Try the rules client by client."""
    columns = {criterion.name: criterion.column or criterion.name for criterion in RULES.criteria}

    def holds(rule: Rule, row: dict[str, Any]) -> bool:
        if rule.criterion is None:
            return sum(part.weight * holds(part, row) for part in rule.points) >= (rule.need or 0)
        value = row[columns[rule.criterion]]
        if value is None:
            return False
        return (rule.at_least is None or value >= rule.at_least) and (rule.above is None or value > rule.above)

    return [next(s.name for s in RULES.segments if s.when is None or holds(s.when, row)) for row in facts.to_pylist()]


def looped_moves(path: pa.Table) -> Iterator[tuple[str, str, bool]]:
    """Follow the profitability client by client, and tell where it crosses its threshold."""
    client, high = None, False
    band = MARGIN * LIMITS.profitability
    for row in path.to_pylist():
        value = row["profitability"]
        if row["client_id"] != client:
            client, high = row["client_id"], value >= LIMITS.profitability
            continue
        now = value >= LIMITS.profitability + (-band if high else band)
        if now != high:
            yield client, row["month"], now
        high = now


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    clock = time.perf_counter()
    found = work()
    return time.perf_counter() - clock, found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", type=float, default=1.0, help="of a million clients")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    clients = int(1_000_000 * options.scale)
    print(f"{platform.machine()}, {os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}; {clients:,} clients")
    told: dict[str, float] = {}
    before = client_segments(RULES, drawn(clients, 0))
    pending = client_segments(RULES, drawn(clients, 1), before)
    facts = drawn(clients, 2)
    told["segments, with last month's"], now = timed(lambda: client_segments(RULES, facts, pending))
    told["changes, told in both languages"], changes = timed(lambda: segment_changes(RULES, pending, now, "EUR"))
    told["revenue, cost and profit"], _ = timed(lambda: segment_economics(RULES, now, facts))
    few = facts.slice(0, clients // LOOPED)
    seconds, looped = timed(lambda: looped_segments(few))
    told["segments, client by client"] = seconds * LOOPED
    assert looped == now["by_rule"].to_pylist()[: len(few)]
    path = paths(clients // 10)
    last = slice(len(MONTHS) - 1, None, len(MONTHS))
    figures = [path[name].to_numpy()[last] for name in ("profitability", "potential")]
    ids = path["client_id"].combine_chunks().take(pa.array(np.arange(len(path))[last]))
    told["matrix (a tenth)"], _ = timed(
        lambda: client_matrix(ids, *figures, np.full(len(ids), 0.8), LIMITS, MatrixSettings())
    )
    told["moves over 24 months (a tenth)"], moves = timed(lambda: client_moves(path, LIMITS, MARGIN))
    part = path.slice(0, len(path) // LOOPED // len(MONTHS) * len(MONTHS))
    seconds, crossed = timed(lambda: list(looped_moves(part)))
    told["moves, client by client (a tenth)"] = seconds * len(path) / len(part)
    inside = set(part["client_id"].to_pylist())
    ours = {
        (row["client_id"], row["month"])
        for row in moves.to_pylist()
        if row["client_id"] in inside and row["move"] in ("profitable_sale", "profit_rises", "profit_falls")
    }
    # a fall of both at once is told as one move, of the potential
    assert ours <= {(client, month) for client, month, _ in crossed}
    table, features = behaviour(clients)
    told["clusters learnt"], model = timed(lambda: learn_clusters(table, features, ClusterSettings()))
    told["clusters placed"], _ = timed(lambda: model.place(table))
    told["peak GB"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    for name, value in told.items():
        print(f"{name:36}{value:10,.2f}")
    print(f"{len(changes):,} clients changed segments, {len(moves):,} moves, {len(model.centres)} clusters")
    if options.json:
        options.json.write_text(json.dumps(told, indent=1) + "\n")


if __name__ == "__main__":
    main()
