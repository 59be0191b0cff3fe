"""Key figures of all advisors over 24 months, against the same figures asked month by month.

The book is that of `benchmarks/feature_book.py`. The named alternative is what one would write first: for each month
the book as it was known at its cut (`Book.as_known`), and a grouped query per figure: clients, retention, families
held, assets, revenue and share of wallet. It tells seven sums of those that `read_components` tells (the way `sums`),
and both must agree to the last digit. `everything` is the table `book_kpis` with book values, from drawn scores of all
clients. Memory is the process's peak, each way in a process of its own.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import feature_book
import ibis
import numpy as np
import pyarrow as pa

from appetence.book import Book, open_book
from appetence.book.contract import CREDIT
from appetence.config import BookSettings
from appetence.months import shift
from appetence.value.held_months import Window
from appetence.value.kpi_components import LEAST_NET_WORTH, read_components
from appetence.value.kpis import BEFORE, HISTORY, book_kpis
from appetence.value.units import read_units

NAMES = ("clients", "kept", "families", "assets", "revenue", "wallet_assets", "net_worth")
MEMORY = "3GB"
"""Of DuckDB: what it holds beyond it goes to disk."""


def held(book: Book, cut: dt.date) -> ibis.Table:
    contracts = book.as_known("contracts", cut)
    day = ibis.literal(cut)
    open_then = contracts.closed_on.isnull() | (contracts.closed_on >= day)
    rows = contracts.filter(contracts.opened_on < day, open_then).join(
        book.table("products").select("product_id", "family"), "product_id"
    )
    return rows.select("contract_id", "client_id", "family")


def month_by_month(book: Book, cuts: list[dt.date]) -> np.ndarray:
    """Return (cuts, names) sums over the whole book, in whole clients and cents."""
    owners = book.table("clients").select("client_id", "advisor_id")
    found = np.zeros((len(cuts), len(NAMES)), dtype=np.int64)
    for place, cut in enumerate(cuts):
        contracts = held(book, cut)
        now = contracts.select("client_id").distinct()
        then = held(book, shift(cut, -12)).select("client_id").distinct()
        month = book.table("balances")
        month = month.filter(month.month == ibis.literal(shift(cut, -1)))
        known = book.as_known("contracts", cut).join(
            book.table("products").select("product_id", "family"), "product_id"
        )
        money = month.join(known.select("contract_id", "client_id", "family"), "contract_id")
        assets = money.filter(money.family != CREDIT).semi_join(now, "client_id")
        facts = book.as_known("client_facts", cut)
        newer = facts.known_on.lead().over(ibis.window(group_by="client_id", order_by="known_on"))
        newest = facts.mutate(newer=newer)
        newest = newest.filter(newest.newer.isnull(), newest.net_worth >= LEAST_NET_WORTH / 100)
        newest = newest.semi_join(now, "client_id")
        families = contracts.select("client_id", "family").distinct()
        sums = {
            "clients": now.join(owners, "client_id").group_by("advisor_id").agg(n=ibis._.count()),
            "kept": now.semi_join(then, "client_id")
            .join(owners, "client_id")
            .group_by("advisor_id")
            .agg(n=ibis._.count()),
            "families": families.join(owners, "client_id").group_by("advisor_id").agg(n=ibis._.count()),
            "assets": _money(assets, owners, "balance"),
            "revenue": _money(money, owners, "revenue"),
            "wallet_assets": _money(assets.semi_join(newest, "client_id"), owners, "balance"),
            "net_worth": _money(newest, owners, "net_worth"),
        }
        for column, name in enumerate(NAMES):
            found[place, column] = round(sum(book.execute(sums[name])["n"].to_pylist()))
    return found


def _money(rows: ibis.Table, owners: ibis.Table, name: str) -> ibis.Table:
    joined = rows.join(owners, "client_id")
    return joined.group_by("advisor_id").agg(n=(joined[name].sum() * 100))


def scores_of(book: Book) -> pa.Table:
    """Draw what scores tell of all clients."""
    ids = book.execute(book.table("clients").select("client_id"))["client_id"]
    rng = np.random.default_rng(1)
    return pa.table(
        {
            "client_id": ids,
            "staying": rng.random(len(ids)),
            "lifetime_value": rng.normal(500, 300, len(ids)),
            "potential": rng.random(len(ids)) * 50,
            "segment": rng.choice(["A", "B", "C", "D"], len(ids)),
        }
    )


def measure(way: str, directory: str, months: int) -> dict[str, float]:
    cut = feature_book.UNTIL
    with open_book(BookSettings(directory=directory), memory_limit=MEMORY) as book:
        scores = scores_of(book) if way == "everything" else None
        began, worked = time.perf_counter(), time.process_time()
        told: dict[str, float] = {}
        cuts = [shift(cut, -ago) for ago in reversed(range(months))]
        if way == "everything":
            result = book_kpis(book, cut, {cut: scores}, months=months)
            told = {"rows": float(len(result.table)), "units": float(len(result.units))}
        elif way == "sums":
            found = read_components(book, read_units(book), Window(cut, months + BEFORE))
            sums = np.stack([found.sums[name, ""][:, -months:].sum(axis=0) for name in NAMES], axis=1)
            told = {
                f"{name} {place}": float(n)
                for place, row in enumerate(sums)
                for name, n in zip(NAMES, row, strict=True)
            }
        else:
            sums = month_by_month(book, cuts)
            told = {
                f"{name} {place}": float(n)
                for place, row in enumerate(sums)
                for name, n in zip(NAMES, row, strict=True)
            }
        elapsed, worked = time.perf_counter() - began, time.process_time() - worked
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    return {"seconds": elapsed, "processor seconds": worked, "peak GB": peak} | told


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", type=float, default=1.0, help="of 1,000,000 clients")
    parser.add_argument("--months", type=int, default=HISTORY)
    parser.add_argument("--book", type=Path, help="a book made before by feature_book.py")
    parser.add_argument("--only", choices=("everything", "sums", "month by month"), action="append")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--measure", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        print(json.dumps(measure(options.measure[0], options.measure[1], options.months)))
        return
    clients = int(1_000_000 * options.scale)
    told: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as scratch:
        directory = options.book or Path(scratch)
        if options.book is None:
            feature_book.make_book(directory, clients)
        print(f"{options.book or clients} clients, {options.months} months, {os.cpu_count()} processors")
        print(f"{'way':18}{'s':>8}{'processor s':>14}{'peak GB':>10}")
        sums: dict[str, dict[str, float]] = {}
        for way in options.only or ("everything", "sums", "month by month"):
            command = [sys.executable, __file__, "--months", str(options.months), "--measure", way, str(directory)]
            found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
            figures = {name: found.pop(name) for name in ("seconds", "processor seconds", "peak GB")}
            sums[way] = found
            print(
                f"{way:18}{figures['seconds']:8.1f}{figures['processor seconds']:14.1f}{figures['peak GB']:10.2f}",
                flush=True,
            )
            told |= {f"{way}: {name}": value for name, value in figures.items()}
    if "sums" in sums and "month by month" in sums:
        assert sums["sums"] == sums["month by month"], "both ways must tell the same sums"
        print(f"the same sums, {len(sums['sums'])} of them")
    if options.json:
        options.json.write_text(json.dumps(told, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
