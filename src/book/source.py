"""The firm's files, put before its views: Parquet and DuckDB tables in place, delimited text read once."""

from __future__ import annotations

from pathlib import Path

import duckdb

from appetence.book.delimited import load_csv
from appetence.book.sql import literal, quoted
from appetence.config import CsvFile, DuckdbTable, ParquetFile, Source
from appetence.errors import BookError, did_you_mean

_WHERE = "Paths count from the working directory; set the environment variable that the config's path names, if any"


def register_source(connection: duckdb.DuckDBPyConnection, name: str, source: Source) -> list[str]:
    """Make `firm.<name>` of one source.

    Returns
    -------
    list[str]
        Absolute paths that stay in use: the files that are read in place.

    Raises
    ------
    BookError
        The file is missing, unreadable, or not as declared.
    """
    match source:
        case CsvFile():
            load_csv(connection, name, source, _existing(name, source.path))
            return []
        case ParquetFile():
            return _parquet(connection, name, source)
        case DuckdbTable():
            return _database(connection, name, source, _existing(name, source.path))


def release_sources(connection: duckdb.DuckDBPyConnection) -> None:
    """Drop all sources and let go of the firm's databases, so that others may write to them again."""
    connection.execute("DROP SCHEMA firm CASCADE")
    attached = connection.execute("SELECT database_name FROM duckdb_databases() WHERE path IS NOT NULL").fetchall()
    for (database,) in attached:
        connection.execute(f"DETACH {quoted(database)}")


def _existing(name: str, path: str) -> Path:
    if not Path(path).is_file():
        raise BookError(f"source {name!r} must be a file that exists", path, _WHERE)
    return Path(path).resolve()


def _parquet(connection: duckdb.DuckDBPyConnection, name: str, source: ParquetFile) -> list[str]:
    pattern = Path(source.path)
    found = sorted(Path(pattern.anchor).glob(str(pattern.relative_to(pattern.anchor))))
    files = [str(path.resolve()) for path in found if path.is_file()]
    if not files:
        raise BookError(f"source {name!r} must be a file that exists", source.path, _WHERE)
    listed = ", ".join(literal(path) for path in files)
    try:
        connection.execute(f"CREATE VIEW firm.{quoted(name)} AS FROM read_parquet([{listed}])")
    except duckdb.Error:
        raise BookError(
            f"source {name!r} must be Parquet, with the same columns in every file", "something else", source.path
        ) from None
    return files


def _database(connection: duckdb.DuckDBPyConnection, name: str, source: DuckdbTable, path: Path) -> list[str]:
    listed = connection.execute("SELECT path, database_name FROM duckdb_databases() WHERE path IS NOT NULL")
    attached = dict(listed.fetchall())
    alias = attached.get(str(path), f"source_{name}")
    try:
        if str(path) not in attached:
            connection.execute(f"ATTACH {literal(str(path))} AS {quoted(alias)} (READ_ONLY)")
    except duckdb.Error:
        raise BookError(
            f"source {name!r} must be a DuckDB database that no other program is writing to", source.path
        ) from None
    schema, _, table = source.table.rpartition(".")
    try:
        connection.execute(
            f"CREATE VIEW firm.{quoted(name)} AS FROM {quoted(alias)}.{quoted(schema or 'main')}.{quoted(table)}"
        )
    except duckdb.Error:
        tables = connection.execute(
            "SELECT table_name FROM duckdb_tables() WHERE database_name = $1", [alias]
        ).fetchall()
        raise BookError(
            f"source {name!r} must name a table of its database",
            repr(source.table),
            did_you_mean(source.table, [row[0] for row in tables]),
        ) from None
    return [str(path)]
