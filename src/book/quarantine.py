"""Rows set aside: kept, with the check that they failed, and left out of what `Book.table` hands out."""

from __future__ import annotations

import duckdb

from appetence.book.contract import TABLES
from appetence.book.sql import literal, one_row, quoted


def clear(connection: duckdb.DuckDBPyConnection) -> None:
    """Set nothing aside: the book's tables are those that were mapped.

    `book.quarantine` lists what is set aside later: `table_name`, `key` (a list of texts) and `check_name`.
    """
    connection.execute("CREATE SCHEMA IF NOT EXISTS aside")
    for name, table in TABLES.items():
        columns = ", ".join(f"{quoted(column)} {table.by_name[column].type.sql}" for column in table.key)
        connection.execute(f"CREATE OR REPLACE TABLE aside.{name} ({columns}, check_name VARCHAR)")
        connection.execute(f"CREATE OR REPLACE VIEW book.{name} AS FROM mapped.{name}")
    listed = " UNION ALL ".join(_listed(name) for name in TABLES)
    connection.execute(f"CREATE OR REPLACE VIEW book.quarantine AS {listed}")


def _listed(table: str) -> str:
    key = ", ".join(f"CAST({quoted(column)} AS VARCHAR)" for column in TABLES[table].key)
    return f"SELECT {literal(table)} AS table_name, [{key}] AS key, check_name FROM aside.{table}"


def set_aside(connection: duckdb.DuckDBPyConnection, table: str, broken: dict[str, str], rows: str) -> int:
    """Set rows aside and leave them out of the book's table from now on.

    Parameters
    ----------
    connection
        The book's database.
    table
        A table of the contract.
    broken
        Per check, the name of a column of `rows` that is true where it fails.
    rows
        SQL of a relation with the table's key and those columns.

    Returns
    -------
    int
        How many rows are set aside, each counted once.
    """
    key = ", ".join(quoted(column) for column in TABLES[table].key)
    for check, flag in broken.items():
        connection.execute(f"INSERT INTO aside.{table} SELECT {key}, {literal(check)} FROM ({rows}) WHERE {flag}")
    same = " AND ".join(f"t.{quoted(column)} = a.{quoted(column)}" for column in TABLES[table].key)
    connection.execute(
        f"CREATE OR REPLACE VIEW book.{table} AS SELECT t.* FROM mapped.{table} t ANTI JOIN aside.{table} a ON {same}"
    )
    return int(one_row(connection, f"SELECT count(*) FROM (SELECT DISTINCT {key} FROM aside.{table})")[0])
