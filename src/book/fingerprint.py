"""A fingerprint of what the book held at a date: equal content, equal fingerprint, whatever the files look like."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from typing import TYPE_CHECKING

import ibis

from appetence.book.contract import Column, Type
from appetence.book.sql import one_row

if TYPE_CHECKING:
    from appetence.book.book import Book


def fingerprint(book: Book, cut: dt.date) -> str:
    """Return a sha256 over the content known strictly before a cut.

    Each row is written as one text, in the contract's column order, and its md5 is added up over the table as two
    whole numbers of 64 bits: sums do not depend on the order of rows, on how files are split or on threads, and md5 and
    the texts used do not depend on DuckDB's version. Which tables and columns the firm provides is part of it, because
    features switch on with them.

    Parameters
    ----------
    book
        An open book.
    cut
        Facts known on this day or later do not count: adding later months leaves the result as it was.

    Returns
    -------
    str
        64 hexadecimal digits.
    """
    content = {}
    for name in book.tables:
        mapped = book.columns(name)
        columns = [column for column in mapped.columns if column.name in mapped.provided]
        content[name] = {
            "columns": [f"{column.name}:{column.type.label}" for column in columns],
            "rows": _sums(book, book.as_known(name, cut), columns),
        }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _sums(book: Book, table: ibis.Table, columns: list[Column]) -> list[str]:
    digest = "md5(" + " || ".join(canonical(column) for column in columns) + ")"
    view = ibis.to_sql(table, dialect="duckdb")
    row = one_row(
        book.connection,
        "SELECT count(*), sum(('0x' || d[1:16])::UBIGINT), sum(('0x' || d[17:32])::UBIGINT)"
        f" FROM (SELECT {digest} AS d FROM ({view}))",
    )
    return [str(value or 0) for value in row]


def canonical(column: Column) -> str:
    """Return SQL for one value's text, such that two rows have equal texts only if all their values are equal.

    A value is written as its length and its text, a null as `~`; a number with 17 significant digits, which name it
    uniquely, instead of by DuckDB's own way of printing.
    """
    name = f'"{column.name}"'
    text = f"format('{{:.16e}}', {name} + 0.0)" if column.type is Type.NUMBER else f"CAST({name} AS VARCHAR)"
    return f"coalesce(strlen({text}) || ':' || {text}, '~')"
