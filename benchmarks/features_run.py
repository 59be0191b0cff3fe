"""One contender of `benchmarks/features.py`, in a process of its own: does the work and prints what it took as JSON.

    python benchmarks/features_run.py ours|pandas|sql|floor|stream|singles|groups|write BOOK [SPINE] [--out FILE]

The clock starts when the imports are done and stops when the table is in memory: opening the book and reading it count.
Every contender has the same two processors. Peak memory is that of the whole process.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import resource
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

CONFIG = Path(__file__).parents[1] / "configs" / "demo.yaml"
PROCESSORS = 2

NEEDED = {
    "clients": ("client_id", "household_id", "kind", "birth_date", "joined_on", "source", "referred_by"),
    "products": ("product_id", "family"),
    "contracts": (
        *("contract_id", "client_id", "product_id", "opened_on", "closed_on"),
        *("ends_on", "known_on", "closing_known_on"),
    ),
    "balances": ("contract_id", "month", "balance", "net_flow", "revenue", "cost"),
    "interactions": (
        *("interaction_id", "client_id", "at", "channel", "kind"),
        *("nps", "outcome", "outcome_on", "known_on"),
    ),
    "life_events": ("client_id", "kind", "occurred_on", "known_on", "source"),
    "client_facts": (
        *("client_id", "known_on", "income", "net_worth", "marital_status", "children"),
        *("occupation", "risk_tolerance", "region", "preferred_channel"),
    ),
    "offers": ("client_id", "made_on", "held_out", "outcome", "outcome_on"),
}
"""What the features need, without which no contender can do: the floor reads these columns and nothing else."""


def settings() -> Any:
    """Return the settings of features: all groups but `text`, which has no text here, and the demo's targets."""
    import yaml

    from appetence.config import GROUPS, FeatureSettings

    coverage = yaml.safe_load(CONFIG.read_text(encoding="utf-8"))["features"]["coverage"]
    return FeatureSettings(groups=tuple(group for group in GROUPS if group != "text"), coverage=coverage)


def targets() -> list[tuple[str, str, tuple[str, ...]]]:
    """Return the coverage targets as the contenders take them."""
    return [(target.segment, target.when, target.families) for target in settings().coverage]


def peak_gb() -> float:
    """Return the most memory that this process has held since it started."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
            if line.startswith("VmHWM"):
                return int(line.split()[1]) / 1024**2
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2


@contextlib.contextmanager
def measured(told: dict[str, float]) -> Iterator[None]:
    """Put the seconds that the block takes, on the clock and on all processors, into a dictionary."""
    begin, worked = time.perf_counter(), time.process_time()
    yield
    told["seconds"], told["cpu_seconds"] = time.perf_counter() - begin, time.process_time() - worked


def ours(book: Path, spine: Path, out: Path | None) -> dict[str, float]:
    import pyarrow.parquet as pq

    from appetence.book import open_book
    from appetence.config import BookSettings
    from appetence.features.pipeline import build_features

    wanted, told = settings(), {}
    with measured(told):
        rows = pq.read_table(spine)
        with open_book(BookSettings(directory=str(book))) as opened:
            table = build_features(opened, rows, wanted)
    if out is not None:
        pq.write_table(table.data, out)
    return {**told, "rows": table.data.num_rows, "features": len(table.features)}


def stream(book: Path, spine: Path, _out: Path | None) -> dict[str, float]:
    """Build all rows of a spine in one pass; each block is dropped before the next, as when it is written to a file."""
    import pyarrow.parquet as pq

    from appetence.book import open_book
    from appetence.config import BookSettings
    from appetence.features.pipeline import stream_features

    wanted, told, built = settings(), {}, 0
    with measured(told):
        rows = pq.read_table(spine)
        with open_book(BookSettings(directory=str(book))) as opened:
            for block in stream_features(opened, rows, wanted).blocks:
                built += block.num_rows
                del block
    return {**told, "rows": built}


def singles(book: Path, spine: Path, _out: Path | None) -> dict[str, float]:
    """Build the cuts of a spine one by one, on one open book; each table is dropped before the next."""
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    from appetence.book import open_book
    from appetence.config import BookSettings
    from appetence.features.pipeline import build_features

    wanted, told, built = settings(), {}, 0
    with measured(told):
        rows = pq.read_table(spine)
        with open_book(BookSettings(directory=str(book))) as opened:
            for cut in pc.unique(rows["cut"]):
                built += build_features(opened, rows.filter(pc.equal(rows["cut"], cut)), wanted).data.num_rows
    return {**told, "rows": built}


def pandas(book: Path, spine: Path, out: Path | None) -> dict[str, float]:
    from features_pandas import build

    coverage, told = targets(), {}
    with measured(told):
        table = build(book, spine, coverage)
    if out is not None:
        table.to_parquet(out)
    return {**told, "rows": len(table), "features": table.shape[1] - 1}


def sql(book: Path, spine: Path, out: Path | None) -> dict[str, float]:
    import pyarrow.parquet as pq
    from features_sql import build

    coverage, told = targets(), {}
    with measured(told):
        table = build(book, spine, coverage)
    if out is not None:
        pq.write_table(table, out)
    return {**told, "rows": table.num_rows, "features": table.num_columns - 1}


def floor(book: Path, _spine: Path, _out: Path | None) -> dict[str, float]:
    """Read the columns that the features need, each value once, as the sum of the values' hashes."""
    import duckdb

    told: dict[str, float] = {}
    with measured(told):
        connection = duckdb.connect(config={"threads": PROCESSORS})
        for table, columns in NEEDED.items():
            listed = ", ".join(f'sum(hash("{column}"))' for column in columns)
            connection.execute(f"SELECT {listed} FROM '{book / table}.parquet'").fetchall()
    return told


def groups(book: Path, spine: Path, _out: Path | None) -> dict[str, float]:
    """Build one group at a time on one open book, after one that costs next to nothing; and all for a single client."""
    import pyarrow.parquet as pq

    from appetence.book import open_book
    from appetence.config import BookSettings
    from appetence.features.pipeline import build_features

    wanted, rows, found = settings(), pq.read_table(spine), {}
    with open_book(BookSettings(directory=str(book))) as opened:
        build_features(opened, rows, wanted.model_copy(update={"groups": ("calendar",)}))
        parts = {group: (rows, (group,)) for group in wanted.groups}
        for name, (part, chosen) in {**parts, "one client": (rows.slice(0, 1), wanted.groups)}.items():
            told: dict[str, float] = {}
            with measured(told):
                build_features(opened, part, wanted.model_copy(update={"groups": chosen}))
            found |= {f"{name}: {what}": value for what, value in told.items()}
    return found


def write(book: Path, _spine: Path, out: Path | None) -> dict[str, float]:
    """Write the newest month's features to a file as `appetence features` does: checks and population included."""
    from appetence.config import BookSettings, Config, ReportSettings, ScoringSettings
    from appetence.run import write_features

    assert out is not None
    config = Config(
        name="benchmark",
        book=BookSettings(directory=str(book)),
        features=settings(),
        scoring=ScoringSettings(database=str(out.with_suffix(".duckdb"))),  # neither is written to
        reports=ReportSettings(directory=str(out.with_suffix(".reports"))),
    )
    told: dict[str, float] = {}
    with measured(told):
        rows, features = write_features(config, [], out)
    return {**told, "rows": rows, "features": features, "file_gb": out.stat().st_size / 1024**3}


CONTENDERS: dict[str, Callable[[Path, Path, Path | None], dict[str, float]]] = {
    work.__name__: work for work in (ours, pandas, sql, floor, stream, singles, groups, write)
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("contender", choices=CONTENDERS)
    parser.add_argument("book", type=Path)
    parser.add_argument("spine", type=Path, nargs="?", default=Path())
    parser.add_argument("--out", type=Path, help="write the table here, after the clock has stopped")
    chosen = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:PROCESSORS])
    told = CONTENDERS[chosen.contender](chosen.book, chosen.spine, chosen.out)
    print(json.dumps({**told, "peak_gb": peak_gb()}))


if __name__ == "__main__":
    main()
