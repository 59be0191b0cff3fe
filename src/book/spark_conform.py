"""Casting to the contract on Spark: the same values as `appetence.book.conform` gives on DuckDB, or a refusal.

Where the engines read a text or round a number differently, what Spark cannot cast is counted and refused; it never
becomes another value.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from appetence.book.conform import Cast, require_columns
from appetence.book.contract import Column, Type

SQL_TYPES = {
    Type.ID: "STRING",
    Type.TEXT: "STRING",
    Type.CODE: "STRING",
    Type.DATE: "DATE",
    Type.MONTH: "DATE",
    Type.MONEY: "DECIMAL(18, 2)",
    Type.NUMBER: "DOUBLE",
    Type.INTEGER: "BIGINT",
    Type.FLAG: "BOOLEAN",
}
"""Spark's names of the contract's types."""

_WHOLE = {"tinyint", "smallint", "int", "bigint", "decimal(20,0)"}  # the last is an unsigned 64-bit number
_FLOAT = {"float", "double"}
_INSTANT = {"timestamp", "timestamp_ntz"}


def quoted(name: str) -> str:
    """Return an identifier for Spark's SQL, whatever its characters.

    >>> print(quoted("policy.ID"))
    `policy.ID`
    """
    return "`" + name.replace("`", "``") + "`"


def conform(place: str, columns: Sequence[Column], found: Sequence[tuple[str, str]]) -> list[Cast]:
    """Match the columns found against those wanted and say how Spark casts each; see `appetence.book.conform`.

    Parameters
    ----------
    place
        The file, for messages.
    columns
        What is wanted; an optional one may be missing.
    found
        Names and Spark types, as found.
    """
    require_columns(place, columns, [name for name, _ in found])
    wanted = {column.name: column for column in columns}
    return [_cast(wanted[name], kind) for name, kind in found]


def selected(columns: Sequence[Column], casts: Sequence[Cast]) -> list[str]:
    """Return SQL of all columns in order, nulls of the right type for those not found."""
    values = {cast.column.name: cast.value for cast in casts}
    return [
        f"CAST({values.get(column.name, 'NULL')} AS {SQL_TYPES[column.type]}) AS {quoted(column.name)}"
        for column in columns
    ]


def _cast(column: Column, kind: str) -> Cast:
    name = quoted(column.name)
    if kind == SQL_TYPES[column.type].lower().replace(", ", ",") and kind not in _FLOAT:
        return Cast(column, kind, name)
    if kind == "void":
        return Cast(column, kind, "NULL")
    value = _VALUES[column.type](name, kind)
    if value is None:  # a type that never fits, unless the column is null throughout
        return Cast(column, kind, "NULL", f"{name} IS NOT NULL")
    if (column.type is Type.NUMBER and kind in _FLOAT) or column.type in _TEXTS:
        return Cast(column, kind, value)
    present = f"{name} IS NOT NULL" + (f" AND NOT isnan({name})" if kind in _FLOAT else "")
    return Cast(column, kind, value, f"{present} AND ({value}) IS NULL")


def _numeric(kind: str) -> bool:
    return kind in _WHOLE | _FLOAT or re.fullmatch(r"decimal\(\d+,\d+\)", kind) is not None


def _text(name: str, kind: str) -> str | None:
    return f"CAST({name} AS STRING)" if kind == "string" or kind in _WHOLE else None


def _date(name: str, kind: str) -> str | None:
    return f"try_cast({name} AS DATE)" if kind == "string" or kind in _INSTANT | {"date"} else None


def _number(name: str, kind: str) -> str | None:
    # pandas writes a missing number as NaN
    return f"nanvl(try_cast({name} AS DOUBLE), NULL)" if kind == "string" or _numeric(kind) else None


def _money(name: str, kind: str) -> str | None:
    if kind in _FLOAT:
        # DuckDB rounds the hundredfold; Spark by itself rounds the number as it is written, 0.285 to 0.29
        cents = f"try_cast(round(CAST({name} AS DOUBLE) * 100D) AS DECIMAL(20, 0))"
        return f"try_cast({cents} * 0.01 AS DECIMAL(18, 2))"
    return f"try_cast({name} AS DECIMAL(18, 2))" if kind == "string" or _numeric(kind) else None


def _integer(name: str, kind: str) -> str | None:
    if kind in _WHOLE:
        return f"try_cast({name} AS BIGINT)"
    if kind != "string" and not _numeric(kind):
        return None
    number = f"try_cast({name} AS DOUBLE)"
    exact = name if kind in _FLOAT else f"try_cast({name} AS DECIMAL(38, 0))"
    return f"CASE WHEN {number} = rint({number}) THEN try_cast({exact} AS BIGINT) END"


def _flag(name: str, kind: str) -> str | None:
    if kind in _WHOLE:
        return f"CASE {name} WHEN 0 THEN FALSE WHEN 1 THEN TRUE END"
    return f"try_cast({name} AS BOOLEAN)" if kind in {"string", "boolean"} else None


_TEXTS = {Type.ID, Type.TEXT, Type.CODE}

_VALUES = {
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
