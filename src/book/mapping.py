"""From the firm's tables to the contract's: each view's SQL runs over the sources and is cast; mistakes are named."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import duckdb

from appetence.book.conform import all_columns, conform, require_castable, select_list
from appetence.book.contract import TABLES
from appetence.book.firm_sql import one_select, told
from appetence.book.provided import Mapped
from appetence.book.source import register_source, release_sources
from appetence.book.sql import literal, quoted
from appetence.config import BookSettings
from appetence.errors import BookError, did_you_mean, nearest


def map_directory(connection: duckdb.DuckDBPyConnection, settings: BookSettings) -> dict[str, Mapped]:
    """Make a view `mapped.<table>` of each `<table>.parquet` in the book's directory, read in place."""
    known = {name: str(path) for name, path in files_of(Path(settings.directory or "")).items()}
    _restrict(connection, list(known.values()))
    return {name: _map_file(connection, name, known.get(name), settings) for name in TABLES}


def files_of(directory: Path) -> dict[str, Path]:
    """Return the Parquet file of each table of the contract that a book's directory holds.

    Other files and all folders below (such as a simulator's `truth/`) are never read.

    Raises
    ------
    BookError
        The directory or a required table is missing, or a file's name is a slip of a table's.
    """
    if not directory.is_dir():
        raise BookError(
            "the book's directory must exist", str(directory), "`appetence simulate` makes one where the config says so"
        )
    files = {path.stem: path.resolve() for path in sorted(directory.glob("*.parquet"))}
    _no_slips(directory, files)
    _require_tables(f"{directory}", [name for name in TABLES if name in files], "file {}.parquet")
    return {name: path for name, path in files.items() if name in TABLES}


def map_views(connection: duckdb.DuckDBPyConnection, settings: BookSettings) -> dict[str, Mapped]:
    """Make a table `mapped.<table>` of each view's SQL, which sees the sources and nothing else."""
    for name in settings.views:
        if name not in TABLES:
            raise BookError("a view must bear a name of the contract's tables", repr(name), did_you_mean(name, TABLES))
    _require_tables("the config's book section", list(settings.views), "view {}")
    paths: list[str] = []
    for name, source in settings.sources.items():
        paths += register_source(connection, name, source)
    _restrict(connection, paths)
    connection.execute("SET search_path = 'firm'")
    mapped = {
        name: _map_view(connection, name, settings.views[name], settings)
        if name in settings.views
        else _map_nothing(connection, name, settings)
        for name in TABLES
    }
    connection.execute("SET search_path = 'main'")
    release_sources(connection)
    return mapped


def _restrict(connection: duckdb.DuckDBPyConnection, paths: Sequence[str]) -> None:
    """Let SQL reach the sources' files and no other: a config is text that may come from anywhere."""
    connection.execute(f"SET allowed_paths = [{', '.join(literal(path) for path in paths)}]")
    connection.execute("SET enable_external_access = false")


def _require_tables(place: str, present: Sequence[str], what: str) -> None:
    missing = [name for name, table in TABLES.items() if table.required and name not in present]
    if missing:
        raise BookError(f"{place} must provide the required table {missing[0]!r}", f"no {what.format(missing[0])}")


def _no_slips(directory: Path, files: Mapping[str, Path]) -> None:
    for name in files:
        near = nearest(name, TABLES)
        if name not in TABLES and near and near not in files and _alike(name, near):
            raise BookError(
                f"a file of {directory} must bear the exact name of a table",
                f"{name}.parquet",
                f"Did you mean {near!r}?",
            )


def _alike(name: str, table: str) -> bool:
    """Return whether a name is a slip (`client`, `contarcts`), not merely a similar word (`orders` for `offers`)."""
    plain, other = (re.sub("[^a-z]", "", text.lower()).rstrip("s") for text in (name, table))
    return plain == other or sorted(plain) == sorted(other)


def _map_file(connection: duckdb.DuckDBPyConnection, name: str, path: str | None, settings: BookSettings) -> Mapped:
    if path is None:
        return _map_nothing(connection, name, settings)
    relation = f"read_parquet({literal(path)})"
    place = f"file {Path(path).name}"
    try:
        found = [(row[0], row[1]) for row in connection.execute(f"DESCRIBE FROM {relation}").fetchall()]
    except duckdb.Error:
        raise BookError(f"{place} must be a Parquet file", "something unreadable", str(path)) from None
    columns = all_columns(TABLES[name], settings.extra_columns.get(name, {}))
    casts = conform(place, columns, found)
    require_castable(connection, place, relation, casts)
    connection.execute(f"CREATE VIEW mapped.{name} AS SELECT {select_list(columns, casts)} FROM {relation}")
    return Mapped(True, frozenset(column for column, _ in found), columns)


def _map_nothing(connection: duckdb.DuckDBPyConnection, name: str, settings: BookSettings) -> Mapped:
    columns = all_columns(TABLES[name], settings.extra_columns.get(name, {}))
    typed = ", ".join(f"{quoted(column.name)} {column.type.sql}" for column in columns)
    connection.execute(f"CREATE TABLE mapped.{name} ({typed})")
    return Mapped(False, frozenset(), columns)


def _map_view(connection: duckdb.DuckDBPyConnection, name: str, sql: str, settings: BookSettings) -> Mapped:
    place = f"view {name!r}"
    text = one_select(connection, place, sql)
    try:
        relation = connection.sql(text)
        found = list(zip(relation.columns, map(str, relation.types), strict=True))
        columns = all_columns(TABLES[name], settings.extra_columns.get(name, {}))
        casts = conform(place, columns, found)
        relation.create("mapped.as_found")
    except duckdb.Error as error:
        raise told(place, error, _columns(connection, settings.sources), "the config's sources", "sources") from None
    require_castable(connection, place, "mapped.as_found", casts)
    connection.execute(f"CREATE TABLE mapped.{name} AS SELECT {select_list(columns, casts)} FROM mapped.as_found")
    connection.execute("DROP TABLE mapped.as_found")
    return Mapped(True, frozenset(column for column, _ in found), columns)


def _columns(connection: duckdb.DuckDBPyConnection, sources: Iterable[str]) -> dict[str, list[str]]:
    """Return the columns of each source."""
    return {
        name: [row[0] for row in connection.execute(f"DESCRIBE FROM firm.{quoted(name)}").fetchall()]
        for name in sources
    }
