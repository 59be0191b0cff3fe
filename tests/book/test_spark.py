from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from appetence.book import open_book
from appetence.book import spark as module
from appetence.book.checks import check_book
from appetence.book.contract import TABLES
from appetence.book.spark import SparkBook
from appetence.config import BookSettings
from appetence.errors import BookError, UsageError

WINDOW = {"observed_from": dt.date(2019, 1, 1), "observed_until": dt.date(2021, 1, 1)}
N = 8
DAYS = [dt.date(2019, 12, 31), dt.date(2020, 2, 29), None, dt.date(1, 1, 1), dt.date(1500, 2, 28), dt.date(1970, 1, 1)]
DAYS = [*DAYS, dt.date(2020, 3, 1), dt.date(1582, 10, 10)]
NOONS = [day and dt.datetime(day.year, day.month, day.day, 23, 59, 59) for day in DAYS]  # noqa: DTZ001
FLOATS = [0.285, 1.005, -1.005, 2.675, float("nan"), None, 123456789.125, 1e13 + 0.015]


def odd_tables():
    """Return tables whose columns have other types than the contract's: all that can be cast to it."""
    ids = pa.array(range(N), pa.int64())
    return {
        "clients": {
            "client_id": ids,
            "household_id": pa.array([2**64 - 1, None, *range(6)], pa.uint64()),
            "kind": pa.array(["person", "company"] * 4).dictionary_encode(),
            "joined_on": pa.array([noon or NOONS[0] for noon in NOONS], pa.timestamp("us")),
            "birth_date": pa.array([day and day.isoformat() for day in DAYS]),
            "source": pa.nulls(N),
            "name": pa.array(["é\n", "", None, "a|b", "'", '"', "\\", "x"]),
        },
        "client_facts": {
            "client_id": ids,
            "known_on": pa.array([noon or NOONS[0] for noon in NOONS], pa.timestamp("ms")),
            "income": pa.array([value and abs(value) for value in FLOATS], pa.float64()),
            "net_worth": pa.array(["1.005", "-1.005", " 7 ", "1e3", None, "0.994999", ".5", "-0"]),
            "children": pa.array([0.0, 1.0, 2.0, None, float("nan"), 3.0, 4.0, 5.0]),
            "risk_tolerance": pa.array(["1", "2", "3.0", None, "4", "5", " 1", "2"]),
            "Pets.owned `x`": pa.array([Decimal("1.125"), None, *map(Decimal, range(6))], pa.decimal128(12, 3)),
        },
        "consents": {
            "client_id": ids,
            "purpose": pa.array(["profiling"] * N),
            "known_on": pa.array([day or DAYS[0] for day in DAYS], pa.date32()),
            "granted": pa.array([0, 1] * 4, pa.int8()),
        },
        "products": {
            "product_id": ids,
            "label_en": pa.array(["x"] * N),
            "label_fr": pa.array(["x"] * N),
            "family": pa.array(["x"] * N),
            "annual_margin": pa.array(["1.5", "-2e-3", "1e300", "0", " 3", "4 ", "5", "6"]),
            "margin_kind": pa.array(["amount"] * N),
        },
        "contracts": {
            "contract_id": ids,
            "client_id": ids,
            "product_id": ids,
            "opened_on": pa.array(["2020-01-01", "2020-1-5", "2020-02-29", "1500-02-28", *["2020-01-01"] * 4]),
        },
        "balances": {
            "contract_id": ids,
            "month": pa.array([dt.date(2020, 1, 1)] * N),
            "balance": pa.array([value or 0.0 for value in FLOATS[:4] * 2], pa.float32()),
            "net_flow": pa.array([Decimal("0.12500"), Decimal("-0.12500"), Decimal("0.12499"), *[None] * 5]),
            "revenue": pa.array(range(N), pa.int32()),
            "cost": pa.array(FLOATS, pa.float64()),
        },
        "offers": {
            "offer_id": ids,
            "client_id": ids,
            "product_id": ids,
            "made_on": pa.array([dt.date(2020, 1, 1)] * N),
            "channel": pa.array(["app"] * N),
            "held_out": pa.array(["true", "FALSE", "t", "f", "1", "0", None, "True"]),
        },
    }


def written(directory, tables):
    directory.mkdir()
    for name, columns in tables.items():
        pq.write_table(pa.table(columns), directory / f"{name}.parquet")
    extra = {"client_facts": {"Pets.owned `x`": "number", "absent": "date"}}
    return BookSettings(directory=str(directory), extra_columns=extra, **WINDOW)


def rows(book, table):
    found = book.execute(book.table(table))
    return found.schema, sorted(map(repr, found.to_pylist()))


def test_every_column_is_cast_as_on_duckdb(tmp_path, spark):
    settings = written(tmp_path / "book", odd_tables())
    with open_book(settings) as book, SparkBook(settings, spark) as other:
        assert other.tables == book.tables
        assert other.extra_columns("client_facts") == ("Pets.owned `x`", "absent")
        for name in TABLES:
            assert rows(other, name) == rows(book, name), name
            assert all(
                other.has_column(name, column.name) == book.has_column(name, column.name)
                for column in book.mapping(name).columns
            )


@pytest.mark.parametrize(
    ("table", "column", "values"),
    [
        ("clients", "birth_date", ["1980-01-01"] * 7 + ["last year"]),
        ("client_facts", "income", ["1"] * 7 + ["1 200"]),
        ("client_facts", "children", [1.0] * 7 + [1.5]),
        ("consents", "granted", [0] * 7 + [2]),
        ("clients", "client_id", [1.0] * 8),
    ],
)
def test_what_cannot_be_cast_is_refused_as_on_duckdb(table, column, values, tmp_path, spark):
    tables = odd_tables()
    tables[table][column] = pa.array(values)
    settings = written(tmp_path / "book", tables)
    with pytest.raises(BookError) as on_duckdb:
        open_book(settings)
    with pytest.raises(BookError) as on_spark:
        SparkBook(settings, spark)
    assert on_spark.value.requirement == on_duckdb.value.requirement
    assert on_spark.value.got.split(" with ")[1] == on_duckdb.value.got.split(" with ")[1]


def test_columns_that_are_missing_or_unknown_are_told(tmp_path, spark):
    tables = odd_tables()
    tables["clients"]["birthdate"] = tables["clients"].pop("birth_date")
    with pytest.raises(BookError, match="Did you mean 'birth_date'"):
        SparkBook(written(tmp_path / "book", tables), spark)


def test_what_is_no_parquet_file_is_told(tmp_path, spark):
    settings = written(tmp_path / "book", odd_tables())
    (tmp_path / "book" / "offers.parquet").write_text("no;parquet")
    with pytest.raises(BookError, match=r"file offers\.parquet must be a Parquet file"):
        SparkBook(settings, spark)


def test_rows_that_the_checks_set_aside_are_left_out(make_book, spark):
    book = make_book(
        {
            "clients": [{"client_id": "1"}, {"client_id": "2"}],
            "contracts": [{"contract_id": "a"}, {"contract_id": "b", "closed_on": dt.date(2019, 12, 31)}],
            "balances": [
                {"contract_id": "a", "month": dt.date(2020, 1, 1)},
                {"contract_id": "a", "month": dt.date(2020, 2, 1)},
                {"contract_id": "z", "month": dt.date(2020, 2, 1)},
            ],
        }
    )
    check_book(book)
    aside = book.quarantined()
    assert set(aside["table_name"].to_pylist()) == {"contracts", "balances"}
    with SparkBook(book.settings, spark, set_aside=aside) as other:
        for name in ("clients", "contracts", "balances"):
            assert rows(other, name) == rows(book, name)


def test_the_session_given_keeps_its_settings_and_views(make_book, spark):
    before = spark.conf.get("spark.sql.session.timeZone"), spark.catalog.listTables()
    with SparkBook(make_book().settings, spark) as book:
        book.memtable("spine", pa.table({"x": [1]}))
    assert (spark.conf.get("spark.sql.session.timeZone"), spark.catalog.listTables()) == before
    assert spark.range(1).count() == 1


def test_a_book_of_views_is_refused():
    settings = BookSettings(views={"clients": "SELECT 1"})
    with pytest.raises(UsageError, match=r"must read the book from book.directory.*but got sources and views"):
        SparkBook(settings)


def test_without_pyspark_or_java_it_is_told_what_to_install(make_book, monkeypatch):
    settings = make_book().settings
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"no package pyspark.*appetence\[spark\]"):
        module.require_spark_book(settings)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: object())
    monkeypatch.setattr("shutil.which", lambda name: None)
    monkeypatch.delenv("JAVA_HOME", raising=False)
    with pytest.raises(UsageError, match="default-jre-headless"):
        module.require_spark_book(settings)
