"""Scores in a DuckDB file: staged under a run, shown by moving one pointer in one transaction."""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import duckdb
import pyarrow as pa

from appetence.errors import PublicationError
from appetence.scoring.tables import PUBLICATIONS, RUN_TABLES, SCORE_RUNS, SCORE_TABLES, ScoreTable

_SQL_TYPES = {
    pa.string(): "VARCHAR",
    pa.float64(): "DOUBLE",
    pa.int64(): "BIGINT",
    pa.bool_(): "BOOLEAN",
    pa.timestamp("us", tz="UTC"): "TIMESTAMPTZ",
}


@dataclass(frozen=True)
class PublishedRun:
    """The run that a month's readers see."""

    run_id: str
    month: str
    book_fingerprint: str
    models: str
    settings: str
    code_version: str
    clients: int
    objected: int


class DuckdbSink:
    """The firm's score database, opened for writing by one process at a time.

    Parameters
    ----------
    path
        The database file; made, with its folder, where it is not there.

    Raises
    ------
    PublicationError
        Another process holds the file, or the file is no DuckDB database.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._connection = duckdb.connect(str(path))
        except duckdb.Error as error:
            locked = "lock" in str(error).lower()
            raise PublicationError(
                "the score database must be free for writing" if locked else "the score database must be a DuckDB file",
                str(path),
                "Another run or an open session holds it: wait or close it"
                if locked
                else "Name another file in scoring.database",
            ) from None
        with self._transaction():
            for table in SCORE_TABLES:
                self._connection.execute(_create_table(table))
                self._add_missing_columns(table)
            for table in RUN_TABLES:
                self._connection.execute(_create_view(table))

    def _add_missing_columns(self, table: ScoreTable) -> None:
        """Give a table of an older version the columns that it lacks; its rows stay as they are."""
        there = {row[0] for row in self._connection.execute(f"DESCRIBE {table.name}").fetchall()}
        for column in table.schema:
            if column.name in there:
                continue
            value = table.before.get(column.name)
            known = "" if value is None else f" DEFAULT '{value}'"
            self._connection.execute(
                f'ALTER TABLE {table.name} ADD COLUMN "{column.name}" {_SQL_TYPES[column.type]}{known}'
            )

    def __enter__(self) -> DuckdbSink:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[duckdb.DuckDBPyConnection]:
        self._connection.begin()
        try:
            yield self._connection
            self._connection.commit()
        except BaseException:
            self._connection.rollback()
            raise

    def published(self, month: str) -> PublishedRun | None:
        """Return the run that `month` shows now, or None."""
        return self._shown("r.month = ?", month)

    def published_before(self, month: str) -> PublishedRun | None:
        """Return the run that the newest month published before `month` shows now, or None."""
        newest = f"SELECT max(month) FROM {PUBLICATIONS.name} WHERE month < ?"
        return self._shown(f"r.month = ({newest})", month)

    def _shown(self, condition: str, month: str) -> PublishedRun | None:
        rows = self._connection.execute(
            f"""SELECT run_id, r.month, book_fingerprint, models, settings, code_version,
                       clients, objected
                FROM {PUBLICATIONS.name} JOIN {SCORE_RUNS.name} r USING (run_id) WHERE {condition}""",
            [month],
        ).fetchall()  # a result that is not fetched to its end blocks the connection
        return PublishedRun(*rows[0]) if rows else None

    def runs_of(self, month: str) -> int:
        """Count the runs of a month, whatever became of them."""
        sql = f"SELECT count(*) FROM {SCORE_RUNS.name} WHERE month = ?"
        return int(self._connection.execute(sql, [month]).fetchall()[0][0])

    def discard_unpublished(self) -> int:
        """Remove what runs that never finished left behind; return how many runs."""
        with self._transaction() as connection:
            stale = connection.execute(f"SELECT run_id FROM {SCORE_RUNS.name} WHERE state = 'staged'").fetchall()
            for (run_id,) in stale:
                for table in (*RUN_TABLES, SCORE_RUNS):
                    connection.execute(f"DELETE FROM {table.name} WHERE run_id = ?", [run_id])
        return len(stale)

    def stage(self, run: Mapping[str, Any], tables: Mapping[str, pa.Table]) -> None:
        """Write a run's rows where no reader looks, all or nothing."""
        with self._transaction() as connection:
            self._insert(connection, SCORE_RUNS, pa.Table.from_pylist([dict(run)], schema=SCORE_RUNS.schema))
            for table in RUN_TABLES:
                self._insert(connection, table, tables[table.name])

    def _insert(self, connection: duckdb.DuckDBPyConnection, table: ScoreTable, rows: pa.Table) -> None:
        connection.register("rows_to_insert", rows.select(table.schema.names).cast(table.schema))
        connection.execute(f"INSERT INTO {table.name} BY NAME SELECT * FROM rows_to_insert")
        connection.unregister("rows_to_insert")

    def query(self, sql: str, parameters: list[Any] | None = None) -> pa.Table:
        """Read from the database, staged rows included."""
        return self._connection.sql(sql, params=parameters or []).to_arrow_table()

    def publish(self, run_id: str, month: str, at: dt.datetime) -> None:
        """Move the month's pointer to a staged run: readers see all of the old run or all of the new one."""
        with self._transaction() as connection:
            connection.execute(
                f"""UPDATE {SCORE_RUNS.name} SET state = 'superseded'
                    WHERE run_id IN (SELECT run_id FROM {PUBLICATIONS.name} WHERE month = ?)""",
                [month],
            )
            connection.execute(
                f"UPDATE {SCORE_RUNS.name} SET state = 'published', finished_at = ? WHERE run_id = ?", [at, run_id]
            )
            connection.execute(f"DELETE FROM {PUBLICATIONS.name} WHERE month = ?", [month])
            connection.execute(f"INSERT INTO {PUBLICATIONS.name} VALUES (?, ?, ?)", [month, run_id, at])

    def fail(self, run_id: str, at: dt.datetime) -> None:
        """Mark a staged run as failed and remove its rows: the old scores stay."""
        with self._transaction() as connection:
            for table in RUN_TABLES:
                connection.execute(f"DELETE FROM {table.name} WHERE run_id = ?", [run_id])
            connection.execute(
                f"UPDATE {SCORE_RUNS.name} SET state = 'failed', finished_at = ? WHERE run_id = ?", [at, run_id]
            )


def _create_table(table: ScoreTable) -> str:
    columns = ", ".join(
        f'"{field.name}" {_SQL_TYPES[field.type]}{"" if field.nullable else " NOT NULL"}' for field in table.schema
    )
    return f"CREATE TABLE IF NOT EXISTS {table.name} ({columns})"


def _create_view(table: ScoreTable) -> str:
    return f"""CREATE OR REPLACE VIEW current_{table.name} AS
        SELECT rows.* FROM {table.name} AS rows JOIN {PUBLICATIONS.name} AS shown USING (run_id)
        WHERE shown.month = (SELECT max(month) FROM {PUBLICATIONS.name})"""
