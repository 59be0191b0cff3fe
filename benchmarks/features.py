"""The feature pipeline at full size, beside pandas and SQL written by hand for the same columns.

    make bench NAME=features             # or: python benchmarks/features.py [--scale 0.1] [--json FILE] [--verify]

At scale 1 the book has a million clients and 24 months (`benchmarks/feature_book.py`). Parts, all unless `--only`:

- `one`: every column for one cut, of the clients who hold something: ours, pandas, SQL;
- `twelve`: twelve monthly cuts in one pass of ours, against twelve passes and against twelve times the SQL;
- `blocks`: what `appetence features` writes for one cut, on this book and on one of three times as many clients;
- `floor`: reading the columns that the features need, and nothing else;
- `groups`: ours, one group of features at a time.

Each contender runs in a process of its own on two processors, see `benchmarks/features_run.py`. `--verify` (always at
scale 0.02 and below) checks the book, and that all three give the same values for every client at two cuts.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from feature_book import UNTIL, make_book

from appetence.book import open_book
from appetence.book.checks import check_book
from appetence.config import BookSettings
from appetence.features.population import population
from appetence.months import shift

CLIENTS, MONTHS, SEED = 1_000_000, 24, 7
PARTS = ("one", "twelve", "blocks", "floor", "groups")
ALWAYS_VERIFIED = 0.02
CONTENDERS = ("ours", "pandas", "sql")
TOLERANCE = 1e-9
TOOK = ("seconds", "cpu_seconds")
COSTS = ("seconds", "CPU seconds", "peak GB")
Figures = dict[str, float]


def run(contender: str, book: Path, spine: Path | None = None, out: Path | None = None) -> Figures:
    """Run a contender in a process of its own and return what it measured."""
    program = str(Path(__file__).with_name("features_run.py"))
    arguments = [sys.executable, program, contender, str(book), *([str(spine)] if spine else [])]
    arguments += ["--out", str(out)] if out else []
    done = subprocess.run(arguments, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def best(contenders: Iterable[str], book: Path, spine: Path | None, rounds: int) -> dict[str, Figures]:
    """Let contenders take turns; return the quickest turn of each."""
    found: dict[str, Figures] = {}
    for _ in range(rounds):
        for contender in contenders:
            turn = run(contender, book, spine)
            if contender not in found or turn["seconds"] < found[contender]["seconds"]:
                found[contender] = turn
    return found


def book_of(clients: int, directory: Path) -> Path:
    """Make a book, or find the one that is there."""
    book = directory / f"clients-{clients}-months-{MONTHS}-seed-{SEED}"
    if not book.is_dir():
        begun = directory / f"{book.name}.part"
        make_book(begun, clients, MONTHS, SEED)
        begun.rename(book)
    return book


def holders(book: Path, cuts: Sequence[dt.date], path: Path) -> Path:
    """Write the spine of the clients who hold something at each cut."""
    with open_book(BookSettings(directory=str(book))) as opened:
        pq.write_table(population(opened, cuts), path)
    return path


def everyone(book: Path, cut: dt.date, path: Path) -> Path:
    """Write the spine of all clients at a cut: those who hold nothing, and those yet to join."""
    clients = pq.read_table(book / "clients.parquet", columns=["client_id"])
    pq.write_table(clients.append_column("cut", pa.array([cut] * len(clients), pa.date32())), path)
    return path


def verify(book: Path, scratch: Path) -> list[str]:
    """Return what is wrong with the book, and the columns in which a contender's values differ from ours."""
    with open_book(BookSettings(directory=str(book))) as opened:
        wrong = [str(finding) for finding in check_book(opened).findings if finding.severity != "warning"]
    for cut in (UNTIL, shift(UNTIL, -14)):
        spine = everyone(book, cut, scratch / "everyone.parquet")
        for contender in CONTENDERS:
            run(contender, book, spine, scratch / f"{contender}.parquet")
        found = {contender: pq.read_table(scratch / f"{contender}.parquet") for contender in CONTENDERS}
        for contender in CONTENDERS[1:]:
            told = differences(found["ours"].drop_columns("cut"), found[contender])
            wrong += [f"{contender} at {cut}: {line}" for line in told]
    return wrong


def differences(expected: pa.Table, found: pa.Table) -> list[str]:
    """Return per column in how many rows values differ: numbers by more than 1e-9 of their size, all else at all."""
    if sorted(expected.column_names) != sorted(found.column_names):
        return [f"columns {sorted(set(expected.column_names) ^ set(found.column_names))} on one side only"]
    ours, theirs = (table.to_pandas().set_index("client_id").sort_index() for table in (expected, found))
    if not ours.index.equals(theirs.index):
        return ["not the same clients"]
    told = []
    for name in ours:
        one, other = ours[name], theirs[name]
        if one.dtype.kind == "f":
            same = (one - other.astype("float64")).abs() <= TOLERANCE * one.abs()
        else:
            same = (one.astype("object") == other.astype("object")).fillna(False).astype(bool)
        count = int((~(same | (one.isna() & other.isna()))).sum())
        told += [f"{name} differs in {count:,} of {len(ours):,} rows"] if count else []
    return told


def part_one(book: Path, scratch: Path, rounds: int) -> Figures:
    """Compare one cut."""
    found = best(CONTENDERS, book, holders(book, [UNTIL], scratch / "one.parquet"), rounds)
    ours, sql = found["ours"], found["sql"]
    print(f"\none cut: {ours['rows']:,.0f} clients x {ours['features']:.0f} features")
    table({name: against(ours, of) for name, of in found.items()}, (*COSTS, "x ours", "CPU x ours"))
    ratios = {what: ours[what] / sql[what] for what in TOOK}
    print(f"ours / SQL: {ratios['seconds']:.2f} in seconds, {ratios['cpu_seconds']:.2f} in CPU seconds")
    told = {f"one: {name}: {what}": value for name, of in found.items() for what, value in of.items()}
    return told | {f"one: ours / sql: {what}": value for what, value in ratios.items()}


def against(first: Figures, of: Figures) -> list[float | None]:
    """Return what a contender took, and how often the first one's time that is, on the clock and of the processors."""
    shares = [of[what] / first[what] for what in TOOK]
    return [of["seconds"], of["cpu_seconds"], of["peak_gb"], *shares]


def part_twelve(book: Path, scratch: Path, measured: Figures) -> Figures:
    """Compare twelve cuts; the SQL's one cut is measured where it is not among what was measured before."""
    spine = holders(book, [shift(UNTIL, -back) for back in range(12)], scratch / "twelve.parquet")
    once, singly = run("stream", book, spine), run("singles", book, spine)
    if "one: sql: seconds" in measured:
        sql = {what: measured[f"one: sql: {what}"] for what in TOOK}
    else:
        sql = run("sql", book, holders(book, [UNTIL], scratch / "one.parquet"))
    print(f"\ntwelve cuts: {once['rows']:,.0f} rows")
    rows = {"ours, one pass": once, "ours, twelve passes": singly}
    shown = {name: against(once, of) for name, of in rows.items()}
    twelve = [12 * sql[what] for what in TOOK]
    shown["12 x the SQL's one cut"] = [
        *twelve,
        None,
        *(took / once[what] for took, what in zip(twelve, TOOK, strict=True)),
    ]
    table(shown, (*COSTS, "x one pass", "CPU x one pass"))
    told = {f"twelve: {name}: {what}": value for name, of in rows.items() for what, value in of.items()}
    return told | {f"twelve: 12 x sql: {what}": took for what, took in zip(TOOK, twelve, strict=True)}


def part_blocks(books: dict[int, Path], scratch: Path) -> Figures:
    """Compare what is written for one cut of a book with the same of a book three times as large."""
    found = {n: run("write", book, out=scratch / f"features-{n}.parquet") for n, book in books.items()}
    first = next(iter(found.values()))
    shown = {
        f"{n:,} clients": [*(of[what] for what in ("rows", *TOOK, "peak_gb")), of["peak_gb"] / first["peak_gb"]]
        for n, of in found.items()
    }
    print("\nwritten to a file, checks of the book included")
    table(shown, ("rows", *COSTS, "x the first's"))
    return {f"blocks: {n} clients: {what}": value for n, of in found.items() for what, value in of.items()}


def part_floor(book: Path, rounds: int) -> Figures:
    """Measure what reading costs."""
    of = best(["floor"], book, None, rounds)["floor"]
    print("\nfloor: the sum of the hashes of every value of the columns needed")
    table({"floor": [of["seconds"], of["cpu_seconds"], of["peak_gb"]]}, COSTS)
    return {f"floor: {what}": value for what, value in of.items()}


def part_groups(book: Path, scratch: Path, floor: float | None) -> Figures:
    """Say where the time goes."""
    found = run("groups", book, holders(book, [UNTIL], scratch / "one.parquet"))
    if floor is None:
        floor = run("floor", book)["seconds"]
    names = dict.fromkeys(key.partition(":")[0] for key in found if ":" in key)
    every = sum(found[f"{name}: seconds"] for name in names if name != "one client")
    print("\nours by group of features, one cut; `one client`: all groups for a spine of one row")
    shown = {
        name: [found[f"{name}: seconds"], found[f"{name}: cpu_seconds"], found[f"{name}: seconds"] / every]
        for name in names
    }
    table(shown | {"floor": [floor, None, floor / every]}, ("seconds", "CPU seconds", "of the sum"))
    return {f"groups: {what}": value for what, value in found.items()}


def table(rows: dict[str, list[float | None]], heads: Sequence[str]) -> None:
    print(f"{'':24s}" + "".join(f"{head:>15s}" for head in heads))
    for name, values in rows.items():
        cells = (
            "" if value is None else f"{value:,.0f}" if head == "rows" else f"{value:,.2f}"
            for head, value in zip(heads, values, strict=True)
        )
        print(f"{name:24s}" + "".join(f"{cell:>15s}" for cell in cells))


def sizes(book: Path) -> Figures:
    return {path.stem: pq.read_metadata(path).num_rows for path in sorted(book.glob("*.parquet"))}


def measure(arguments: argparse.Namespace, directory: Path, scratch: Path) -> Figures:
    """Run the parts that are asked for."""
    clients = max(200, round(CLIENTS * arguments.scale))
    parts = [part for part in PARTS if arguments.only in (None, part)]
    book = book_of(clients, directory)
    found: Figures = {f"rows of {name}": count for name, count in sizes(book).items()}
    print(", ".join(f"{count:,} {name}" for name, count in sizes(book).items()))
    if arguments.verify or arguments.scale <= ALWAYS_VERIFIED:
        wrong = verify(book, scratch)
        if wrong:
            sys.exit("the contenders must agree on a sound book:\n" + "\n".join(f"  {line}" for line in wrong))
        print("verified: the book passes its checks; ours, pandas and SQL agree on every column at two cuts")
    rounds = 3 if arguments.scale <= ALWAYS_VERIFIED else 2
    if "one" in parts:
        found |= part_one(book, scratch, rounds)
    if "twelve" in parts:
        found |= part_twelve(book, scratch, found)
    if "blocks" in parts:
        found |= part_blocks({clients: book, 3 * clients: book_of(3 * clients, directory)}, scratch)
    if "floor" in parts:
        found |= part_floor(book, rounds)
    if "groups" in parts:
        found |= part_groups(book, scratch, found.get("floor: seconds"))
    return found


def machine() -> str:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1024**3
    packages = ", ".join(f"{name} {version(name)}" for name in ("duckdb", "ibis-framework", "pandas", "pyarrow"))
    load = os.getloadavg()[0]
    return f"{platform.machine()}, {os.cpu_count()} processors, {memory:.0f} GB, load {load:.1f}; {packages}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", type=float, default=1.0, help="share of a million clients")
    parser.add_argument("--json", type=Path, help="write the figures here")
    parser.add_argument("--verify", action="store_true", help="first hold the contenders to the same values")
    parser.add_argument("--only", choices=PARTS)
    parser.add_argument("--keep", type=Path, help="keep books here, and use those that are here already")
    arguments = parser.parse_args()
    print(machine())
    with tempfile.TemporaryDirectory() as scratch:
        directory = arguments.keep or Path(scratch)
        directory.mkdir(parents=True, exist_ok=True)
        found = measure(arguments, directory, Path(scratch))
    if arguments.json:
        arguments.json.write_text(json.dumps({"machine": machine(), **found}, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
