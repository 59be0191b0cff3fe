"""A fingerprint of what the book held at a date: equal content, equal fingerprint, whatever the files look like."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from typing import TYPE_CHECKING

import ibis

from appetence.book.contract import Column, Type
from appetence.book.sql import one_row, quoted

if TYPE_CHECKING:
    from appetence.book.book import Book


def fingerprint(book: Book, cut: dt.date) -> str:
    """Return a sha256 over the content known strictly before a cut.

    Each row is written as one text, in the contract's column order, and its md5 is added up over the table as two
    whole numbers of 64 bits (its halves). Sums do not depend on the order of rows, on how files are split, nor on
    threads; md5 and the texts used do not depend on DuckDB's version. Which tables and columns the firm provides is
    part of it, because features switch on with them.

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
        mapped = book.mapping(name)
        columns = [column for column in mapped.columns if column.name in mapped.provided]
        content[name] = {
            "columns": [f"{column.name}:{column.type.label}" for column in columns],
            "rows": _sums(book, book.as_known(name, cut), columns),
        }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _sums(book: Book, table: ibis.Table, columns: list[Column]) -> list[str]:
    texts = ", ".join(canonical(column) for column in columns)
    row = one_row(
        book.connection,
        "SELECT count(*), sum((n >> 64)::UBIGINT), sum((n & 18446744073709551615)::UBIGINT)"
        f" FROM (SELECT md5_number(concat_ws('|', {texts})) AS n FROM ({ibis.to_sql(table, dialect='duckdb')}))",
    )
    return [str(value or 0) for value in row]


def canonical(column: Column) -> str:
    """Return SQL for one value's text, such that rows joined of them by `|` are equal only if all values are.

    A null is `~`. Text is led by its length in bytes, so that it may hold any mark. A number has 17 significant digits,
    which name it uniquely, where DuckDB's own printing may change.
    """
    name = quoted(column.name)
    if column.type is Type.NUMBER:
        text = f"format('{{:.16e}}', {name} + 0.0)"  # -0.0 is 0.0
    elif column.type in (Type.ID, Type.TEXT, Type.CODE):
        text = f"concat(strlen({name}), ':', {name})"
        return f"CASE WHEN {name} IS NULL THEN '~' ELSE {text} END"
    else:
        text = f"CAST({name} AS VARCHAR)"
    return f"coalesce({text}, '~')"
