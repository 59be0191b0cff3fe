"""The client book, open: the one place that holds a database connection.

Everything above works with the Ibis tables that `Book.table` hands out and lets `Book.execute` run them.
"""

from __future__ import annotations

import datetime as dt
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from types import TracebackType

import duckdb
import ibis
import ibis.expr.operations as ops
import pyarrow as pa

from appetence.book import known, quarantine, queries
from appetence.book.fingerprint import fingerprint
from appetence.book.mapping import map_directory, map_views
from appetence.book.observed import observed_window
from appetence.book.provided import Provided
from appetence.config import BookSettings

_BATCH = 100_000
"""Rows handed out at a time."""


class Book(Provided):
    """A firm's client book, cast to the contract and read-only; close it, or use it in a `with` statement.

    Parameters
    ----------
    settings
        Where the book is.
    memory_limit
        Of the database, as DuckDB writes it (`"4GB"`); beyond it, work spills to a private temporary directory that
        is removed on closing. None: DuckDB's own default, 80 % of the machine.

    Attributes
    ----------
    settings
        As given.
    observed_from, observed_until
        First days of months between which the firm's records show events, the second excluded.
    connection
        The database, for the modules of `appetence.book` only. SQL of a config never reaches a file that is not
        one of its sources: external access is off and the settings are locked by the time the book is open.

    Raises
    ------
    BookError
        A source cannot be read, or a table breaks the contract.
    """

    def __init__(self, settings: BookSettings, *, memory_limit: str | None = None) -> None:
        self.settings = settings
        with ExitStack() as stack:
            spill = stack.enter_context(tempfile.TemporaryDirectory(prefix="appetence-", ignore_cleanup_errors=True))
            self.connection = _connect(spill, memory_limit)
            stack.callback(self.connection.close)
            self._thread, self._cursors = threading.get_ident(), threading.local()
            self._backend = ibis.duckdb.from_connection(self.connection)
            super().__init__(
                map_directory(self.connection, settings)
                if settings.directory is not None
                else map_views(self.connection, settings)
            )
            quarantine.clear(self.connection)
            self.connection.execute("SET lock_configuration = true")
            self.observed_from, self.observed_until = observed_window(
                self, settings.observed_from, settings.observed_until
            )
            self._closing = stack.pop_all()

    def table(self, name: str) -> ibis.Table:
        """Return a table of the contract, less the rows that the checks have set aside.

        All columns of the contract are there, in its order and types, then the firm's own: an optional column that
        the firm leaves out is null, an optional table that it leaves out is empty.
        """
        return self._ibis("book", name, pa.schema([(c.name, c.type.arrow) for c in self.mapping(name).columns]))

    def as_known(self, name: str, cut: dt.date) -> ibis.Table:
        """Return what was known of a table strictly before a cut; see `appetence.book.known`."""
        return known.as_known(self, name, cut)

    def answer(self, query: queries.Query, cut: dt.date | None = None) -> pa.Table:
        """Run a firm's own query over the book: as it was known strictly before a cut, or as it is known today.

        See `appetence.book.queries` for what it may say, and for errors. Rows are sorted by all columns.
        """
        return queries.answer(
            self._own(),
            query,
            {name: [column.name for column in self.mapping(name).columns] for name in self.tables},
            lambda name: self._backend.compile(self.table(name) if cut is None else self.as_known(name, cut)),
            cut,
        )

    def fingerprint(self, cut: dt.date) -> str:
        """Return a sha256 of all that was known before a cut; see `appetence.book.fingerprint`."""
        return fingerprint(self, cut)

    def quarantined(self) -> pa.Table:
        """Return what the checks have set aside: `table_name`, `key` (a list of texts) and `check_name`, in order."""
        return self.connection.sql("FROM book.quarantine ORDER BY ALL").to_arrow_table()

    def memtable(self, name: str, data: pa.Table) -> ibis.Table:
        """Put an Arrow table into the database, beside the book, and return it; the same name replaces it."""
        connection = self._own()
        connection.register("arrow_data", data)
        try:
            connection.execute(f'CREATE OR REPLACE TABLE work."{name}" AS FROM arrow_data')
        finally:
            connection.unregister("arrow_data")
        return self._ibis("work", name, data.schema)

    def awaited(self, name: str, schema: pa.Schema) -> ibis.Table:
        """Return the table that `memtable` is going to put under a name."""
        return self._ibis("work", name, schema)

    def keeping(self, name: str, expression: ibis.Table) -> Callable[[], None]:
        """Compile an expression now; each call runs it and keeps its rows, as `memtable` would, under a name."""
        query = f'CREATE OR REPLACE TABLE work."{name}" AS {self._backend.compile(expression)}'

        def keep() -> None:
            self._own().execute(query)

        return keep

    def forget(self, prefix: str) -> None:
        """Drop all tables put beside the book under names that begin so."""
        names = self.connection.execute(
            "SELECT table_name FROM duckdb_tables() WHERE schema_name = 'work' AND starts_with(table_name, ?)", [prefix]
        ).fetchall()
        for (name,) in names:
            self.connection.execute(f'DROP TABLE work."{name}"')

    def execute(self, expression: ibis.Expr) -> pa.Table:
        """Run an expression over the book's tables and return the rows, in no particular order unless it sorts."""
        return self._backend.to_pyarrow(expression)

    def prepared(self, expression: ibis.Table) -> Callable[[], pa.Table]:
        """Compile an expression now; each call runs it and returns the rows, in no particular order unless it sorts."""
        query, schema = self._backend.compile(expression), expression.schema().to_pyarrow()
        return lambda: self._own().sql(query).to_arrow_table().cast(schema)

    def stream(self, expression: ibis.Table) -> Iterator[pa.RecordBatch]:
        """Compile an expression now, and hand out its rows as they come, in no particular order.

        It runs when the first rows are asked for; memory holds one batch.
        """
        query = self._backend.compile(expression)

        def batches() -> Iterator[pa.RecordBatch]:
            yield from self._own().sql(query).to_arrow_reader(_BATCH)

        return batches()

    def close(self) -> None:
        """Close the database and remove its temporary files; harmless the second time."""
        self._closing.close()

    def __enter__(self) -> Book:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _own(self) -> duckdb.DuckDBPyConnection:
        """Return this thread's connection: one that is used by two threads ends what the other is reading."""
        if threading.get_ident() == self._thread:
            return self.connection
        if not hasattr(self._cursors, "own"):
            self._cursors.own = self.connection.cursor()
        return self._cursors.own

    def _ibis(self, schema: str, name: str, columns: pa.Schema) -> ibis.Table:
        # not Backend.table, which asks the database for what is known here already (by a call that DuckDB deprecates)
        namespace = ops.Namespace(database=schema)
        return ops.DatabaseTable(name, ibis.Schema.from_pyarrow(columns), self._backend, namespace).to_expr()


def open_book(settings: BookSettings, *, memory_limit: str | None = None) -> Book:
    """Open the client book that the settings describe; close it, or use it in a `with` statement.

    See `Book` for parameters and errors.
    """
    return Book(settings, memory_limit=memory_limit)


def _connect(spill: str, memory_limit: str | None) -> duckdb.DuckDBPyConnection:
    options: dict[str, str | bool] = {
        "temp_directory": spill,
        "autoinstall_known_extensions": False,  # never fetch code because some SQL asks for it
        "autoload_known_extensions": False,
        "allow_persistent_secrets": False,
    }
    if memory_limit is not None:
        options["memory_limit"] = memory_limit
    connection = duckdb.connect(":memory:", config=options)
    for schema in ("firm", "mapped", "book", "work"):
        connection.execute(f"CREATE SCHEMA {schema}")
    return connection
