"""Fixtures for all tests: small client books made by hand."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from xdist.scheduler import LoadScopeScheduling

from appetence.book import Book, open_book
from appetence.book.contract import TABLES, Column, Type
from appetence.book.spark_session import opened_session, require_spark
from appetence.config import BookSettings
from appetence.errors import UsageError

Rows = dict[str, list[dict[str, object]]]

TOGETHER = {
    "tests/end_to_end/": "firm",
    "tests/features/test_spark": "spark",
    "tests/book/test_spark": "spark",
    "tests/models/leaks/": "leaks",
    "tests/models/backtests/": "backtests",
}
"""Tests that share something that takes long to make, by the beginning of their names: they go to the same worker."""


def _scope(nodeid: str) -> str:
    """Return what is run in one go by one worker: what shares something dear, a notebook, or a file of tests."""
    shared = next((name for start, name in TOGETHER.items() if nodeid.startswith(start)), None)
    return shared or (nodeid if "test_notebooks" in nodeid else nodeid.partition("::")[0])


class _Scopes(LoadScopeScheduling):
    """Hands out scopes in the order of their first tests."""

    def _split_scope(self, nodeid: str) -> str:
        return _scope(nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> _Scopes:
    """Divide tests by `_scope`, whatever `--dist` says: its groups are marks that pytest 9 no longer lets it read."""
    return _Scopes(config, log)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest, after the tests were shuffled, so that no worker ends with it."""
    dear = {*TOGETHER.values()}
    items.sort(key=lambda item: _scope(item.nodeid) not in dear and "test_notebooks" not in item.nodeid)


_DEFAULTS: dict[tuple[str, str], object] = {
    ("clients", "kind"): "person",
    ("clients", "joined_on"): dt.date(2019, 1, 1),
    ("products", "margin_kind"): "amount",
    ("products", "annual_margin"): 10.0,
    ("products", "family"): "savings",
    ("contracts", "product_id"): "P",
    ("contracts", "opened_on"): dt.date(2020, 1, 1),
    ("interactions", "channel"): "phone",
    ("interactions", "kind"): "call",
    ("consents", "purpose"): "profiling",
    ("prospects", "kind"): "person",
    ("prospect_status", "status"): "identified",
}
_BY_TYPE: dict[Type, object] = {
    Type.TEXT: "text",
    Type.CODE: "code",
    Type.DATE: dt.date(2020, 1, 1),
    Type.MONTH: dt.date(2020, 1, 1),
    Type.MONEY: Decimal("0.00"),
    Type.NUMBER: 0.0,
    Type.INTEGER: 0,
    Type.FLAG: True,
}


def write_book(directory: Path, tables: Rows, extra: dict[str, dict[str, str]] | None = None) -> Path:
    """Write rows as a book's Parquet directory, filling in required columns and required tables.

    A key's own column left out is numbered; clients and products that contracts name are added where the table is not
    given at all. An optional column is written only if some row has it, so that "absent" can be tested.
    """
    directory.mkdir(parents=True, exist_ok=True)
    tables = _completed(tables)
    for name, rows in tables.items():
        kinds = {"text": pa.string(), "number": pa.float64(), "date": pa.date32()}
        own = {column: kinds[kind] for column, kind in (extra or {}).get(name, {}).items()}
        present = [c for c in TABLES[name].columns if c.required or any(c.name in row for row in rows)]
        schema = pa.schema([(c.name, c.type.arrow) for c in present] + list(own.items()))
        filled = [
            {c.name: _value(name, c, row, number) for c in present} | {c: row.get(c) for c in own}
            for number, row in enumerate(rows, start=1)
        ]
        pq.write_table(pa.Table.from_pylist(filled, schema), directory / f"{name}.parquet")
    return directory


def _completed(tables: Rows) -> Rows:
    contracts = (
        tables.setdefault("contracts", [{"client_id": "1"}]) if "contracts" not in tables else tables["contracts"]
    )
    held = {str(row.get("client_id", "1")): None for row in contracts}
    sold = {str(row.get("product_id", "P")): None for row in contracts}
    return {
        "clients": [{"client_id": client} for client in held],
        "products": [{"product_id": product} for product in sold],
    } | tables


def _value(table: str, column: Column, row: dict[str, object], number: int) -> object:
    if column.name in row:
        value = row[column.name]
        return Decimal(str(value)) if column.type is Type.MONEY and value is not None else value
    if not column.required:
        return None
    if column.type is Type.ID:
        return str(number) if column.refers_to is None else _DEFAULTS.get((table, column.name), "1")
    return _DEFAULTS.get((table, column.name), _BY_TYPE[column.type])


@pytest.fixture(name="write_book", scope="session")
def _write_book() -> Callable[..., Path]:
    """Return `write_book`."""
    return write_book


@pytest.fixture
def make_book(tmp_path: Path) -> Iterator[Callable[..., Book]]:
    """Return a function that opens a book of the given rows: `make_book({"contracts": [{...}]}, observed_until=...)`.

    Values left out of required columns are filled in; further keywords are those of `BookSettings`. Books are closed
    when the test ends.
    """
    books: list[Book] = []

    def make(tables: Rows | None = None, **settings: object) -> Book:
        directory = write_book(tmp_path / f"book{len(books)}", dict(tables or {}), settings.get("extra_columns"))
        settings = {"observed_from": dt.date(2019, 1, 1), "observed_until": dt.date(2024, 1, 1)} | settings
        books.append(open_book(BookSettings(directory=str(directory), **settings)))
        return books[-1]

    yield make
    for book in books:
        book.close()


QUICK = {
    # what makes work over many rows fast makes work over a few rows slow
    "spark.master": "local[1]",
    "spark.driver.memory": "1g",
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
    "spark.default.parallelism": "1",
    "spark.sql.shuffle.partitions": "1",
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.autoBroadcastJoinThreshold": "-1",
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
}


@pytest.fixture(scope="session")
def spark() -> Iterator[Any]:
    """Return the one Spark session of these tests; without pyspark or Java they skip, and under CI they fail."""
    try:
        require_spark()
    except UsageError as error:
        if os.environ.get("CI") == "true":
            pytest.fail(str(error))
        pytest.skip(str(error))
    with opened_session(**QUICK) as session:
        yield session


@pytest.fixture
def spark_defaults(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder for SPARK_CONF_DIR, so that a process of its own is quick too."""
    folder = tmp_path_factory.mktemp("spark")
    lines = [f"{name} {value}" for name, value in QUICK.items()]
    (folder / "spark-defaults.conf").write_text("\n".join(lines), encoding="utf-8")
    return folder
