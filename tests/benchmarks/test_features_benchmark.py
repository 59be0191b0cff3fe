"""What the feature pipeline is timed against computes the same columns: a comparison of different work says nothing."""

from __future__ import annotations

import importlib
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from appetence.book import open_book
from appetence.book.checks import check_book
from appetence.config import BookSettings
from appetence.features.pipeline import build_features
from appetence.months import shift

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
CLIENTS = 300


@pytest.fixture(scope="module")
def benchmark(tmp_path_factory):
    """Return a function that loads a file of `benchmarks/`, which is no package; its files find each other."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(BENCHMARKS))
        yield importlib.import_module


@pytest.fixture(scope="module")
def book(benchmark, tmp_path_factory):
    directory = tmp_path_factory.mktemp("book")
    benchmark("feature_book").make_book(directory, CLIENTS)
    return directory


def test_the_book_is_sound(book):
    with open_book(BookSettings(directory=str(book))) as opened:
        report = check_book(opened)
    assert not [finding for finding in report.findings if finding.severity != "warning"]
    assert report.rows["clients"] == CLIENTS


def test_the_same_seed_gives_the_same_book(benchmark, book, tmp_path):
    benchmark("feature_book").make_book(tmp_path, CLIENTS)
    for path in book.glob("*.parquet"):
        assert pq.read_table(path).equals(pq.read_table(tmp_path / path.name)), path.name


def test_balances_lie_month_by_month(book):
    rows = duckdb.sql(f"SELECT month, contract_id FROM '{book}/balances.parquet'").fetchall()
    assert rows == sorted(set(rows))
    assert len({month for month, _ in rows}) == 24


@pytest.mark.parametrize("ago", [0, 14])
def test_pandas_and_sql_give_the_values_of_the_pipeline(ago, benchmark, book, tmp_path):
    harness, run = benchmark("features"), benchmark("features_run")
    cut = shift(benchmark("feature_book").UNTIL, -ago)
    spine = harness.everyone(book, cut, tmp_path / "spine.parquet")
    with open_book(BookSettings(directory=str(book))) as opened:
        ours = build_features(opened, pq.read_table(spine), run.settings())
    assert ours.switched_off == ()
    found = {
        "pandas": pa.Table.from_pandas(benchmark("features_pandas").build(book, spine, run.targets())),
        "sql": benchmark("features_sql").build(book, spine, run.targets()),
    }
    for name, table in found.items():
        assert harness.differences(ours.data.drop_columns("cut"), table) == [], name


def test_a_difference_is_found(benchmark):
    one = {"client_id": ["1", "2", "3"], "n": [1.0, None, 3.0], "code": ["a", None, "b"], "flag": [True, False, True]}
    other = one | {"n": [1.0 + 1e-8, None, None], "code": ["a", "a", "b"], "flag": [True, True, True]}
    differences = benchmark("features").differences
    table = pa.table(one)
    assert differences(table, table.take([2, 0, 1])) == []
    assert differences(table, pa.table(other)) == [
        "n differs in 2 of 3 rows",
        "code differs in 1 of 3 rows",
        "flag differs in 1 of 3 rows",
    ]
    assert "n" in differences(table, table.drop_columns("n"))[0]
