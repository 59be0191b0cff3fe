"""The client book on Spark, for firms that outgrow one machine: the same tables and types as `Book` on DuckDB.

Of Ibis, only its translation to Spark's SQL is used. Its Spark backend asks for an older pyspark, warns of newer
pandas, and fetches rows through pandas, where an integer with nulls becomes a float; Spark hands out Arrow by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from functools import reduce
from operator import and_
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

import ibis
import ibis.expr.types as ir
import pyarrow as pa
import pyarrow.compute as pc

from appetence.book.conform import all_columns, failures, refuse_failed
from appetence.book.contract import TABLES, Column
from appetence.book.mapping import files_of
from appetence.book.observed import observed_window
from appetence.book.provided import Mapped, Provided
from appetence.book.spark_conform import conform, selected
from appetence.book.spark_session import SEMANTICS, opened_session, require_spark
from appetence.config import BookSettings
from appetence.errors import BookError, UsageError

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession


class SparkBook(Provided):
    """A firm's client book, read by Spark from a directory of Parquet files; close it, or use it in a `with` statement.

    The checks are DuckDB's: this reads a book that passed `appetence check`, and leaves out what that set aside.

    Parameters
    ----------
    settings
        Where the book is: a directory, which all machines of a cluster see.
    session
        A classic session (not of Spark Connect), whose settings and views are left alone. None: see `opened_session`.
    set_aside
        What the checks have set aside, as `Book.quarantined` returns it.

    Attributes
    ----------
    observed_from, observed_until
        First days of months between which the firm's records show events, the second excluded.

    Raises
    ------
    UsageError
        The settings name no directory, or pyspark or Java is missing.
    BookError
        A file cannot be read, or a table breaks the contract.
    """

    def __init__(
        self, settings: BookSettings, session: SparkSession | None = None, *, set_aside: pa.Table | None = None
    ) -> None:
        require_spark_book(settings)
        files = files_of(Path(settings.directory or ""))
        with ExitStack() as stack:
            given = stack.enter_context(opened_session()) if session is None else session
            self._session = given.newSession()  # which has settings and views of its own
            for name, value in SEMANTICS.items():
                self._session.conf.set(name, value)
            super().__init__({name: self._map(name, files.get(name), settings, set_aside) for name in TABLES})
            self.observed_from, self.observed_until = observed_window(
                self, settings.observed_from, settings.observed_until
            )
            self._closing = stack.pop_all()

    def table(self, name: str) -> ir.Table:
        """Return a table of the contract, as `Book.table` does."""
        return self._ibis("book", name, pa.schema([(c.name, c.type.arrow) for c in self.mapping(name).columns]))

    def memtable(self, name: str, data: pa.Table) -> ir.Table:
        """Hand an Arrow table to Spark, beside the book, and return it; the same name replaces it."""
        self._session.createDataFrame(data).createOrReplaceTempView(f"work_{name}")
        return self._ibis("work", name, data.schema)

    def execute(self, expression: ir.Table) -> pa.Table:
        """Run an expression over the book's tables and return the rows, in no particular order unless it sorts."""
        found = self._session.sql(_sql(expression)).toArrow()
        return found.cast(expression.schema().to_pyarrow())

    def close(self) -> None:
        """Stop Spark if the book has started it; harmless the second time."""
        self._closing.close()

    def __enter__(self) -> SparkBook:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _ibis(self, part: str, name: str, columns: pa.Schema) -> ir.Table:
        return ibis.table(ibis.Schema.from_pyarrow(columns), name=f"{part}_{name}")

    def _map(self, name: str, file: Path | None, settings: BookSettings, aside: pa.Table | None) -> Mapped:
        columns = all_columns(TABLES[name], settings.extra_columns.get(name, {}))
        found = None if file is None else self._read(file)
        if found is None:
            table = self._session.range(0).selectExpr(*selected(columns, []))
        else:
            table = _without(_cast(f"file {name}.parquet", found, columns), self._keys(name, aside))
        table.createOrReplaceTempView(f"book_{name}")
        return Mapped(found is not None, frozenset(found.columns if found else ()), columns)

    def _read(self, file: Path) -> DataFrame:
        from py4j.protocol import Py4JJavaError
        from pyspark.errors import PySparkException

        try:
            return self._session.read.parquet(
                f"file://{file}"
            )  # without the scheme, a cluster looks in its own storage
        except (PySparkException, Py4JJavaError):
            raise BookError(
                f"file {file.name} must be a Parquet file of types that Spark reads", "something unreadable", str(file)
            ) from None

    def _keys(self, name: str, set_aside: pa.Table | None) -> DataFrame | None:
        """Return the keys that the checks have set aside of a table, as texts under the key's names."""
        if set_aside is None:
            return None
        keys = set_aside.filter(pc.equal(set_aside["table_name"], name))["key"]
        names = TABLES[name].key
        columns = {column: pc.list_element(keys, place).cast(pa.string()) for place, column in enumerate(names)}
        return self._session.createDataFrame(pa.table(columns)) if len(keys) else None


def require_spark_book(settings: BookSettings) -> None:
    """Raise where Spark cannot open the book that the settings describe, before anything is read.

    Raises
    ------
    UsageError
        The settings name no directory, or pyspark or Java is missing.
    """
    if settings.directory is None:
        raise UsageError(
            "Spark must read the book from book.directory, one Parquet file per table",
            "sources and views",
            "Write what the views give to such a directory, or use DuckDB",
        )
    require_spark()


def _cast(place: str, found: DataFrame, columns: Sequence[Column]) -> DataFrame:
    """Return a file's rows as the contract's columns, if all their values can be cast."""
    casts = conform(place, columns, [(field.name, field.dataType.simpleString()) for field in found.schema])
    doubtful = [cast for cast in casts if cast.failed is not None]
    if doubtful:
        refuse_failed(place, doubtful, found.selectExpr(*failures(doubtful)).collect()[0])
    return found.selectExpr(*selected(columns, casts))


def _without(table: DataFrame, keys: DataFrame | None) -> DataFrame:
    if keys is None:
        return table
    same = [table[name].cast("string") == keys[name] for name in keys.columns]
    return table.join(keys, reduce(and_, same), "left_anti")


class _Options(ibis.config.Config):
    """What Ibis's translation asks of its Spark backend, which is not loaded."""

    treat_nan_as_null: bool = False


def _sql(expression: ir.Table) -> str:
    if ibis.options.pyspark is None:
        ibis.options.pyspark = _Options()
    return str(ibis.to_sql(expression, dialect="pyspark", pretty=False))
