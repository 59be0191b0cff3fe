"""The two clocks of a fact, as Ibis expressions: when it happened, and when the firm knew it.

Features and targets both stand on these, so that "held at the cut, as known then" has one definition. Days become
month indices (`year * 12 + month - 1`) and all arithmetic is on integers: adding months to a date gives different
types, and on some engines different days.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from typing import Any, Protocol, runtime_checkable

import ibis.expr.types as ir
import pyarrow as pa


class BookTables(Protocol):
    """What a builder of expressions may ask of a book: tables typed as in the contract, never their rows."""

    def has(self, table: str) -> bool:
        """Return whether the firm maps the table."""
        ...

    def has_column(self, table: str, column: str) -> bool:
        """Return whether the firm maps the column."""
        ...

    def extra_columns(self, table: str) -> tuple[str, ...]:
        """Return the firm's own columns of a table, beyond the contract."""
        ...

    def table(self, name: str) -> ir.Table:
        """Return the table, with absent optional columns as typed nulls."""
        ...


class BookEngine(BookTables, Protocol):
    """A book that runs expressions over its tables: on DuckDB, on Spark, or one that tells its facts differently."""

    def memtable(self, name: str, data: pa.Table) -> ir.Table:
        """Put an Arrow table beside the book, and return it; the same name replaces it."""
        ...

    def execute(self, expression: ir.Table) -> pa.Table:
        """Run an expression over the book's tables, and return its rows, in no particular order unless it sorts."""
        ...


@runtime_checkable
class StreamingEngine(BookEngine, Protocol):
    """An engine that keeps tables and hands out rows as they come: what compiled code needs.

    What is compiled ahead may be run in another thread than the one that asked for it, and any number of times.
    """

    def awaited(self, name: str, schema: pa.Schema) -> ir.Table:
        """Return the table that `memtable` is going to put under a name."""
        ...

    def prepared(self, expression: ir.Table) -> Callable[[], pa.Table]:
        """Compile an expression now; each call runs it and returns its rows."""
        ...

    def keeping(self, name: str, expression: ir.Table) -> Callable[[], None]:
        """Compile an expression now; each call runs it and keeps its rows, as `memtable` would, under a name."""
        ...

    def stream(self, expression: ir.Table) -> Iterator[pa.RecordBatch]:
        """Compile an expression now, run it when the first rows are asked for: batches, in no particular order."""
        ...

    def forget(self, prefix: str) -> None:
        """Drop all tables put beside the book under names that begin so."""
        ...


def index_of(day: dt.date) -> int:
    """Return a day's month index.

    >>> index_of(dt.date(2024, 1, 31)) - index_of(dt.date(2023, 12, 1))
    1
    """
    return day.year * 12 + day.month - 1


def month_index(day: Any) -> Any:
    """Return the month index of a date expression."""
    return (day.year() * 12 + day.month() - 1).cast("int64")


def months_between(later: Any, earlier: Any) -> Any:
    """Return the full months from one date expression to another; negative where `later` comes first.

    A month is full when the day of the month is reached: from 31 January, one month is full on 1 March.
    """
    return month_index(later) - month_index(earlier) - (later.day() < earlier.day()).cast("int64")


def age_at(cut: Any, birth_date: Any) -> Any:
    """Return the full years of age at a cut; null where the birth date is unknown or not before the cut."""
    return (birth_date < cut).ifelse(months_between(cut, birth_date) // 12, None)


def in_months_before(day: Any, cut_index: Any, months: int) -> Any:
    """Return whether a date lies in the `months` months before the cut: `[cut - months, cut)`."""
    index = month_index(day)
    return (index >= cut_index - months) & (index < cut_index)


def contracts_on_both_clocks(book: BookTables) -> ir.Table:
    """Return the contracts with their product's family, `opening_known` and `closing_known`.

    Where the firm kept no date of knowing, it knew when it happened. `opened_month`, `closed_month` and `ends_month`
    are the month indices of the days: worked out here, once per contract, not once per contract and cut.
    """
    contracts = book.table("contracts")
    families = book.table("products").select("product_id", "family")
    known = contracts.mutate(
        opening_known=contracts.known_on.coalesce(contracts.opened_on),
        closing_known=contracts.closing_known_on.coalesce(contracts.closed_on),
    )
    joined = known.left_join(families, "product_id")
    return joined.select(
        "contract_id",
        "client_id",
        "product_id",
        "family",
        "opened_on",
        "closed_on",
        "close_reason",
        "ends_on",
        "opening_known",
        "closing_known",
        opened_month=month_index(joined.opened_on),
        closed_month=month_index(joined.closed_on),
        ends_month=month_index(joined.ends_on),
        opening_known_month=month_index(joined.opening_known),
        closing_known_month=month_index(joined.closing_known),
    )


def contracts_as_known(book: BookTables, spine: ir.Table) -> ir.Table:
    """Return each contract known at each of its client's cuts, told as it was known then.

    Parameters
    ----------
    spine
        `client_id`, `cut` and `cut_index`; further columns are kept.

    Returns
    -------
    One row per (spine row, contract opened and known before the cut), with `closed_on` and `closed_month` null unless
    the closing was known before the cut, and `held`: in force at the end of the day before the cut. A closing known
    ahead of its day leaves the contract held until then.
    """
    contracts = contracts_on_both_clocks(book).drop("close_reason", "closing_known")
    # A cut is the first of its month: a day lies before it just when the day's month does.
    rows = spine.inner_join(
        contracts,
        [
            spine.client_id == contracts.client_id,
            contracts.opening_known_month < spine.cut_index,
            contracts.opened_month < spine.cut_index,
        ],
    ).drop("client_id_right")
    told = rows.closing_known_month < rows.cut_index
    return rows.mutate(
        closed_on=told.ifelse(rows.closed_on, None),
        closed_month=told.ifelse(rows.closed_month, None),
        held=held_at(rows, rows.cut_index),
    ).drop("opening_known_month", "closing_known_month")


def held_at(contracts: ir.Table, cut_index: Any) -> Any:
    """Return whether a contract of `contracts_on_both_clocks` was in force at a cut, by what was known then."""
    opened = (contracts.opening_known_month < cut_index) & (contracts.opened_month < cut_index)
    closed = (contracts.closing_known_month < cut_index) & (contracts.closed_month < cut_index)
    return opened.fill_null(False) & ~closed.fill_null(False)
