from __future__ import annotations

from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from appetence.book.source import register_source
from appetence.config import CsvFile, DuckdbTable, ParquetFile
from appetence.errors import BookError


@pytest.fixture
def connection():
    with duckdb.connect() as connection:
        connection.execute("CREATE SCHEMA firm")
        yield connection


@pytest.fixture
def database(tmp_path):
    path = tmp_path / "firm.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE TABLE policies AS SELECT '0012' AS id, 1.5 AS amount")
        connection.execute("CREATE SCHEMA crm")
        connection.execute("CREATE TABLE crm.calls AS SELECT '7' AS id")
    return path


def test_parquet_files_are_read_in_place_and_globs_together(connection, tmp_path):
    for year in (2023, 2024):
        pq.write_table(pa.table({"id": [f"00{year}"]}), tmp_path / f"part {year}.parquet")
    paths = register_source(connection, "parts", ParquetFile(format="parquet", path=str(tmp_path / "part *.parquet")))
    assert [Path(path).name for path in paths] == ["part 2023.parquet", "part 2024.parquet"]
    assert connection.execute("FROM firm.parts ORDER BY id").fetchall() == [("002023",), ("002024",)]


def test_a_relative_glob_counts_from_the_working_directory(connection, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    pq.write_table(pa.table({"id": ["1"]}), tmp_path / "data" / "a.parquet")
    (path,) = register_source(connection, "a", ParquetFile(format="parquet", path="data/*.parquet"))
    assert Path(path) == (tmp_path / "data" / "a.parquet").resolve()


def test_tables_of_a_database_are_read_in_place_and_the_database_is_opened_once(connection, database):
    for name, table in (("policies", "policies"), ("calls", "crm.calls")):
        source = DuckdbTable(format="duckdb", path=str(database), table=table)
        assert register_source(connection, name, source) == [str(database.resolve())]
    assert connection.execute("SELECT p.id, c.id FROM firm.policies p, firm.calls c").fetchall() == [("0012", "7")]


def test_a_database_cannot_be_written_to(connection, database):
    register_source(connection, "p", DuckdbTable(format="duckdb", path=str(database), table="policies"))
    with pytest.raises(duckdb.Error, match="read-only"):
        connection.execute("DELETE FROM source_p.policies")


def test_a_table_that_the_database_lacks_is_told_with_the_nearest(connection, database):
    with pytest.raises(BookError, match=r"source 'p' must name a table .* got 'polices'\. Did you mean 'policies'"):
        register_source(connection, "p", DuckdbTable(format="duckdb", path=str(database), table="polices"))


@pytest.mark.parametrize(
    "source",
    [
        CsvFile(format="csv", path="none/here.csv"),
        ParquetFile(format="parquet", path="none/here.parquet"),
        DuckdbTable(format="duckdb", path="none/here.duckdb", table="t"),
    ],
    ids=lambda source: source.format,
)
def test_a_missing_file_is_told_with_its_path_and_the_way_to_set_it(connection, source):
    with pytest.raises(
        BookError, match=r"source 's' must be a file that exists, but got none/here.*environment variable"
    ):
        register_source(connection, "s", source)


@pytest.mark.parametrize("kind", [ParquetFile, DuckdbTable])
def test_a_file_of_another_kind_is_told(connection, tmp_path, kind):
    path = tmp_path / "s.dat"
    path.write_text("id;x\n1;2\n" * 2000)
    options = {"table": "t"} if kind is DuckdbTable else {}
    with pytest.raises(BookError, match=r"source 's' must be (Parquet|a DuckDB database)"):
        register_source(
            connection, "s", kind(format="parquet" if kind is ParquetFile else "duckdb", path=str(path), **options)
        )
