"""Casting to the contract: which types may become which, and how many values would not survive it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import duckdb

from appetence.book.contract import Column, Table, Type
from appetence.book.sql import one_row, quoted
from appetence.errors import BookError, did_you_mean

EXTRA_TYPES: Mapping[str, Type] = {"text": Type.CODE, "number": Type.NUMBER, "date": Type.DATE}
"""Types of a firm's own columns, by their names in the config."""

_TEXT = {"VARCHAR", "ENUM", "UUID"}
_WHOLE = {f"{sign}{size}INT" for sign in ("", "U") for size in ("TINY", "SMALL", "BIG", "HUGE")} | {
    "INTEGER",
    "UINTEGER",
}
_FLOAT = {"FLOAT", "DOUBLE"}
_NUMERIC = _WHOLE | _FLOAT | {"DECIMAL"}
_INSTANT = {"TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS", "TIMESTAMP WITH TIME ZONE"}


@dataclass(frozen=True)
class Cast:
    """How one column is read: SQL of its value, and of what counts a value that has none (None: every value has)."""

    column: Column
    found: str
    value: str
    failed: str | None = None


def all_columns(table: Table, extra: Mapping[str, str]) -> tuple[Column, ...]:
    """Return the contract's columns of a table, then the firm's own from the config."""
    if extra and not table.extensible:
        raise BookError(f"table {table.name!r} takes the contract's columns only", f"extra_columns {', '.join(extra)}")
    for name in extra:
        if name.lower() in table.by_name:
            raise BookError(f"extra_columns of {table.name} must be new names", name, "The contract has it already")
    own = [Column(name, EXTRA_TYPES[kind], "The firm's own", required=False) for name, kind in extra.items()]
    return (*table.columns, *own)


def conform(place: str, columns: Sequence[Column], found: Sequence[tuple[str, str]]) -> list[Cast]:
    """Match the columns found against those wanted and say how DuckDB casts each.

    Parameters
    ----------
    place
        The view or file, for messages.
    columns
        What is wanted; an optional one may be missing.
    found
        Names and DuckDB types, as found.

    Raises
    ------
    BookError
        A column is missing, unknown or there twice: the message names the nearest right one.
    """
    require_columns(place, columns, [name for name, _ in found])
    wanted = {column.name: column for column in columns}
    return [_cast(wanted[name], kind) for name, kind in found]


def require_columns(place: str, columns: Sequence[Column], names: Sequence[str]) -> None:
    """Match the names found against the columns wanted; see `conform`."""
    wanted = {column.name: column for column in columns}
    _no_duplicates(place, names)
    unknown = [name for name in names if name not in wanted]
    missing = [c.name for c in columns if c.required and c.name not in names]
    if unknown:
        hint = did_you_mean(unknown[0], [name for name in wanted if name not in names] or wanted)
        raise BookError(
            f"{place} must have columns of the contract only",
            f"unknown column {unknown[0]!r}",
            f"{hint} A column of your own is listed in extra_columns",
        )
    if missing:
        raise BookError(f"{place} must have the required column {missing[0]!r}", "none of that name", None)


def _no_duplicates(place: str, names: Sequence[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name.lower() in seen:
            raise BookError(f"{place} must name each column once", f"{name!r} twice", "Capitals make no difference")
        seen.add(name.lower())


def select_list(columns: Sequence[Column], casts: Sequence[Cast]) -> str:
    """Return a SELECT list of all columns in order, nulls of the right type for those not found."""
    values = {cast.column.name: cast.value for cast in casts}
    return ", ".join(f"CAST({values.get(c.name, 'NULL')} AS {c.type.sql}) AS {quoted(c.name)}" for c in columns)


def require_castable(connection: duckdb.DuckDBPyConnection, place: str, relation: str, casts: Sequence[Cast]) -> None:
    """Count the values that cannot be cast, in one pass over the columns that need a look.

    Raises
    ------
    BookError
        Names the column, what it must be and how many values are not: never the values.
    """
    doubtful = [cast for cast in casts if cast.failed is not None]
    if not doubtful:
        return
    counts = one_row(connection, f"SELECT {', '.join(failures(doubtful))} FROM {relation}")
    refuse_failed(place, doubtful, counts)


def failures(doubtful: Sequence[Cast]) -> list[str]:
    """Return SQL that counts the values that cannot be cast, for each column."""
    return [f"count_if({cast.failed})" for cast in doubtful]


def refuse_failed(place: str, doubtful: Sequence[Cast], counts: Sequence[int]) -> None:
    """Raise where a count of `failures` is not zero; see `require_castable`."""
    for cast, count in zip(doubtful, counts, strict=True):
        if count:
            raise BookError(
                f"{place}: column {cast.column.name!r} must be {_TOLD[cast.column.type]}",
                f"{cast.found} with {count} value(s) that are not",
                "Cast it in the view, or declare the source column's type",
            )


_TOLD = {
    Type.ID: "an id (text or whole number)",
    Type.TEXT: "text",
    Type.CODE: "a code (text or whole number)",
    Type.DATE: "a date (YYYY-MM-DD)",
    Type.MONTH: "a month's first day (YYYY-MM-DD)",
    Type.MONEY: "an amount (below 10^16, decimal point)",
    Type.NUMBER: "a number",
    Type.INTEGER: "a whole number",
    Type.FLAG: "true or false",
}


def _cast(column: Column, found: str) -> Cast:
    kind = re.sub(r"\(.*\)$", "", found)
    name = quoted(column.name)
    if found == column.type.sql.replace(", ", ",") and kind not in _FLOAT:
        return Cast(column, found, name)
    value = _SQL[column.type](name, kind)
    if value is None:  # a type that never fits, unless the column is null throughout
        return Cast(column, found, "NULL", f"{name} IS NOT NULL")
    present = f"{name} IS NOT NULL" + (f" AND NOT isnan({name})" if kind in _FLOAT else "")
    return Cast(column, found, value, f"{present} AND ({value}) IS NULL")


def _text(name: str, kind: str) -> str | None:
    return f"CAST({name} AS VARCHAR)" if kind in _TEXT | _WHOLE else None


def _date(name: str, kind: str) -> str | None:
    return f"TRY_CAST({name} AS DATE)" if kind in _TEXT | _INSTANT | {"DATE"} else None


def _number(name: str, kind: str) -> str | None:
    # pandas writes a missing number as NaN
    return f"nullif(TRY_CAST({name} AS DOUBLE), 'nan'::DOUBLE)" if kind in _NUMERIC | _TEXT else None


def _money(name: str, kind: str) -> str | None:
    return f"TRY_CAST({name} AS DECIMAL(18, 2))" if kind in _NUMERIC | _TEXT else None


def _integer(name: str, kind: str) -> str | None:
    if kind in _WHOLE:
        return f"TRY_CAST({name} AS BIGINT)"
    whole = f"TRY_CAST({name} AS DOUBLE) = round(TRY_CAST({name} AS DOUBLE))"
    return f"CASE WHEN {whole} THEN TRY_CAST({name} AS BIGINT) END" if kind in _NUMERIC | _TEXT else None


def _flag(name: str, kind: str) -> str | None:
    if kind in _WHOLE:
        return f"CASE {name} WHEN 0 THEN FALSE WHEN 1 THEN TRUE END"
    return f"TRY_CAST({name} AS BOOLEAN)" if kind in _TEXT | {"BOOLEAN"} else None


_SQL = {
    Type.ID: _text,
    Type.TEXT: _text,
    Type.CODE: _text,
    Type.DATE: _date,
    Type.MONTH: _date,
    Type.MONEY: _money,
    Type.NUMBER: _number,
    Type.INTEGER: _integer,
    Type.FLAG: _flag,
}
