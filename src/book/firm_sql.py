"""SQL that a firm writes in its config: one SELECT with the same rows on any day, its mistakes told in one line."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import duckdb

from appetence.errors import BookError, did_you_mean, nearest

CLOCK = re.compile(
    r"""\b(?:(?:now|today|random|setseed|uuid|gen_random_uuid|uuidv4|uuidv7|get_current_time|get_current_timestamp
    |transaction_timestamp)\s*\(|(?:current_date|current_time|current_timestamp|localtime|localtimestamp)\b)""",
    re.IGNORECASE | re.VERBOSE,
)
_QUOTED = re.compile(r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*|/\*.*?\*/""", re.DOTALL)
_END = re.compile(r";(\s|--[^\n]*(\n|$)|/\*.*?\*/)*$", re.DOTALL)


def one_select(connection: duckdb.DuckDBPyConnection, place: str, sql: str) -> str:
    """Return SQL without its terminator, if it is one SELECT that asks no clock.

    Parameters
    ----------
    place
        What the SQL is of, for messages.

    Raises
    ------
    BookError
        It is no valid SQL, no SELECT, more than one, or would give other rows on another day.
    """
    try:
        statements = connection.extract_statements(sql)
    except duckdb.Error as error:
        raise BookError(f"{place} must be valid SQL", first_line(error)) from None
    if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
        kinds = ", ".join(statement.type.name for statement in statements) or "none"
        raise BookError(f"{place} must be one SELECT statement", kinds, "Use WITH for steps in between")
    clock = CLOCK.search(_QUOTED.sub("''", sql))
    if clock is not None:
        raise no_clock(place, clock[0].rstrip("( "))
    return _END.sub("", statements[0].query)


def no_clock(place: str, name: str) -> BookError:
    """Say that SQL may not ask what differs from day to day."""
    return BookError(
        f"{place} must give the same rows on any day",
        repr(name),
        "Take dates from the data, or write them out: scores of a past month could not be repeated",
    )


def told(place: str, error: duckdb.Error, tables: Mapping[str, Sequence[str]], what: str, short: str) -> BookError:
    """Say what DuckDB found wrong with SQL in one line; values of the data, which it quotes, stay out.

    Parameters
    ----------
    tables
        What may be read: the columns of each table.
    what, short
        How these are called: `the config's sources`, `sources`.
    """
    if not isinstance(error, duckdb.BinderException | duckdb.CatalogException | duckdb.ParserException):
        column = re.search(r"source column (\w+)", str(error))
        return BookError(
            f"{place} must run on every row",
            f"{type(error).__name__.removesuffix('Exception')} error" + (f" on column {column[1]!r}" if column else ""),
            "Use TRY_CAST or CASE for values that do not fit, or declare the source column's type",
        )
    message = first_line(error)
    table = re.search(r"Table with name (\S+) does not exist", message)
    if table is not None:
        return BookError(f"{place} must read {what}", f"{table[1]!r}", did_you_mean(table[1], tables))
    column = re.search(r'[Cc]olumn (?:named )?"([^"]+)"', message)
    known = [name for columns in tables.values() for name in columns]
    if column is None or column[1] in known:
        return BookError(f"{place} must be SQL that runs on the {short}", message)
    near = nearest(column[1], known)  # never all of them: a file without a header has data for names
    hint = f"Did you mean {near!r}?" if near else f"No column of the {short} looks like it"
    return BookError(f"{place} must use columns that its {short} have", f"{column[1]!r}", hint)


def first_line(error: duckdb.Error) -> str:
    """Return the first line of DuckDB's message, without its final mark."""
    return str(error).strip().splitlines()[0].rstrip(".!")
