"""Names and texts written into SQL, and single rows read back."""

from __future__ import annotations

from typing import Any

import duckdb


def quoted(name: str) -> str:
    """Return an identifier for SQL, whatever its characters.

    >>> print(quoted('policy.ID'))
    "policy.ID"
    """
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Return a text as an SQL literal.

    >>> print(literal("l'agence"))
    'l''agence'
    """
    return "'" + text.replace("'", "''") + "'"


def one_row(connection: duckdb.DuckDBPyConnection, sql: str) -> tuple[Any, ...]:
    """Run SQL that gives one row, and return it.

    Fetched to the end: a result left unfinished by `fetchone` keeps the connection from any other work.
    """
    (row,) = connection.execute(sql).fetchall()
    return tuple(row)
