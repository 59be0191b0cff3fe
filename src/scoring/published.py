"""Reading what is published: the run that a month shows, and its rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from appetence.errors import PublicationError
from appetence.months import Month
from appetence.scoring.tables import PUBLICATIONS

NOTHING = "scores must be published before they can be read"


@dataclass(frozen=True)
class PublishedReader:
    """The run that a month shows, open for reading."""

    month: str
    run_id: str
    connection: duckdb.DuckDBPyConnection

    def rows(self, table: str, columns: Sequence[str]) -> pa.Table:
        """Return columns of the run's rows; what a database of an older version lacks is null, or there is no row."""
        exists = "SELECT 1 FROM duckdb_tables() WHERE table_name = ?"
        if not self.connection.execute(exists, [table]).fetchall():
            return pa.table({name: pa.array([], pa.null()) for name in columns})
        there = {row[0] for row in self.connection.execute(f"DESCRIBE {table}").fetchall()}
        told = ", ".join(name if name in there else f"NULL AS {name}" for name in columns)
        return self.query(f"SELECT {told} FROM {table} WHERE run_id = ?", [self.run_id])

    def query(self, sql: str, parameters: Sequence[Any] = ()) -> pa.Table:
        """Read from the database."""
        return self.connection.sql(sql, params=list(parameters)).to_arrow_table()


@contextmanager
def published_run(database: Path, month: Month | None) -> Iterator[PublishedReader]:
    """Open the run that a month shows; without a month, the newest one published.

    Raises
    ------
    PublicationError
        There is no such database, or nothing is published for the month.
    """
    if not database.exists():
        raise PublicationError(NOTHING, hint="First: appetence run")
    try:
        connection = duckdb.connect(str(database), read_only=True)
    except duckdb.Error as error:
        raise PublicationError("the score database must be readable", f"{database}: {type(error).__name__}") from None
    with connection:
        found = connection.execute(
            f"""SELECT month, run_id FROM {PUBLICATIONS.name}
                WHERE month = coalesce(?, (SELECT max(month) FROM {PUBLICATIONS.name}))""",
            [None if month is None else str(month)],
        ).fetchall()
        if not found:
            told = "no month at all" if month is None else f"none of {month}"
            raise PublicationError(NOTHING, told, "First: appetence score")
        shown, run_id = found[0]
        yield PublishedReader(shown, run_id, connection)
