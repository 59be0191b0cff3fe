"""The simulator at full size: time, peak memory, and client-months a second against a plain loop over clients.

    make bench NAME=simulate            # or: python benchmarks/simulate.py [--scale 0.1] [--json FILE]

`--scale` multiplies 100,000 clients × 48 months by clients; the budget at scale 1 is 180 s and 4 GB on two cores. The
book is written to a temporary directory by a process of its own, so that its peak memory is its own. The alternative is
the obvious program: for each client, for each month, Python arithmetic for leaving, for buying each product and for the
balance of each contract. Months count while a client is active, on both sides. The loop does less than the simulator
(no texts, events, offers, truth or files), so the ratio understates what looping over months instead of clients gives.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pyarrow.parquet as pq

from appetence.book.simulate.catalogue import PRODUCTS
from appetence.book.simulate.effects import LEAVING, SEASON, effects_on
from appetence.book.simulate.hazards import LEAVING_INTERCEPT

CLIENTS, MONTHS = 100_000, 48
BUDGET_SECONDS, BUDGET_GB = 180.0, 4.0
LOOP_CLIENTS = 400

CHILD = """
import sys, time
from pathlib import Path
from appetence.book.simulate import SimulateSettings, simulate
begin = time.perf_counter()
simulate(SimulateSettings(clients=int(sys.argv[1]), months=int(sys.argv[2])), Path(sys.argv[3]))
print(time.perf_counter() - begin)
"""


def simulator(clients: int, months: int) -> dict[str, float]:
    """Simulate in a process of its own; seconds (with and without start-up), peak memory and size on disk."""
    with tempfile.TemporaryDirectory() as place:
        book = Path(place) / "book"
        begin = time.perf_counter()
        arguments = [sys.executable, "-c", CHILD, str(clients), str(months), str(book)]
        printed = subprocess.run(arguments, check=True, capture_output=True, text=True).stdout
        whole = time.perf_counter() - begin
        active = pq.read_metadata(book / "truth" / "attrition.parquet").num_rows
        disk = sum(path.stat().st_size for path in book.rglob("*") if path.is_file())
    seconds = float(printed)
    return {
        "seconds": seconds,
        "seconds_with_start": whole,
        "peak_gb": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024**2,
        "disk_gb": disk / 1024**3,
        "client_months": active,
        "client_months_per_second": active / seconds,
    }


def loop(clients: int, months: int) -> dict[str, float]:
    """Walk client by client and month by month in plain Python."""
    draw = random.Random(7)  # noqa: S311
    effects = [effect for effect in effects_on(LEAVING) if effect.months is not None]
    begin = time.perf_counter()
    walked = 0
    for _ in range(clients):
        held = {draw.choice(PRODUCTS): draw.lognormvariate(8, 1)}
        last = {effect.trigger: -100 for effect in effects}
        age, taste = draw.gauss(47, 15), draw.gauss(0, 1)
        for month in range(months):
            walked += 1
            season = SEASON[month % 12]
            odds = LEAVING_INTERCEPT + season - 0.55 * min(len(held) - 1, 4)
            odds += sum(effect.log_odds for effect in effects if month - last[effect.trigger] <= (effect.months or 0))
            if draw.random() < 1 / (1 + math.exp(-odds)):
                break
            for product in PRODUCTS:
                if product in held:
                    held[product] *= 1 + draw.gauss(0.003, 0.02)
                    continue
                distance = (age - product.age_peak) / product.age_width
                odds = math.log(product.monthly_rate) + max(0.5 - distance**2 / 2, -3) + 0.5 * taste + season
                if draw.random() < 1 / (1 + math.exp(-odds)):
                    held[product] = draw.lognormvariate(8, 1)
            for trigger in last:
                if draw.random() < 0.01:
                    last[trigger] = month
    seconds = time.perf_counter() - begin
    return {"seconds": seconds, "client_months": walked, "client_months_per_second": walked / seconds}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", type=float, default=1.0, help="share of 100,000 clients")
    parser.add_argument("--json", type=Path, help="write the figures here")
    chosen = parser.parse_args()
    clients = max(50, round(CLIENTS * chosen.scale))
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    print(f"{clients:,} clients × {MONTHS} months on {machine}")
    ours, plain = simulator(clients, MONTHS), loop(LOOP_CLIENTS, MONTHS)
    ratio = ours["client_months_per_second"] / plain["client_months_per_second"]
    print(
        f"simulate     {ours['seconds']:8.1f} s   {ours['client_months_per_second']:12,.0f} client-months/s"
        f"   {ours['peak_gb']:.2f} GB peak   {ours['disk_gb']:.2f} GB on disk"
    )
    print(
        f"plain loop   {plain['seconds']:8.1f} s   {plain['client_months_per_second']:12,.0f} client-months/s"
        f"   ({LOOP_CLIENTS} clients, a simplified process, nothing written)"
    )
    print(f"the simulator does {ratio:.1f} × the client-months of the loop, and writes the book and its truth")
    within = ours["seconds"] <= BUDGET_SECONDS * chosen.scale + 5 and ours["peak_gb"] <= BUDGET_GB
    print(f"budget at scale 1: {BUDGET_SECONDS:.0f} s and {BUDGET_GB:.0f} GB: {'kept' if within else 'NOT KEPT'}")
    if chosen.json:
        figures = {"clients": clients, "months": MONTHS, "machine": machine, "simulate": ours, "loop": plain}
        chosen.json.write_text(json.dumps(figures | {"ratio": ratio, "within_budget": within}, indent=2) + "\n")


if __name__ == "__main__":
    main()
