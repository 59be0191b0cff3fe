"""Values as a firm's files write them, as SQL: dates in their format, numbers with their marks.

Strict on purpose: a text that is not written as declared is no value, where a lenient cast would make 1,234 of 1.234.
"""

from __future__ import annotations

from appetence.book.sql import literal, quoted
from appetence.config import CsvFile


def told(file: CsvFile, column: str) -> str:
    """Return what a column must hold, for a message."""
    if file.columns[column] == "date":
        return f"dates written {file.date_format}"
    kind = "whole numbers" if file.columns[column] == "integer" else f"numbers with decimal mark {file.decimal!r}"
    return f"{kind} and thousands mark {file.thousands!r}" if file.thousands else f"{kind} and no thousands mark"


def value_of(file: CsvFile, column: str) -> str:
    """Return SQL for a column's value by its declared type: null where the text is not of it."""
    text = f"trim({quoted(column)}, ' \t\u00a0')"
    match file.columns[column]:
        case "date":
            return _date(file, text)
        case "number":
            return _number(file, text, whole=False)
        case "integer":
            return _number(file, text, whole=True)
        case _:
            return quoted(column)


def _date(file: CsvFile, text: str) -> str:
    day = f"TRY_CAST(try_strptime({text}, {literal(file.date_format)}) AS DATE)"
    if "%y" not in file.date_format:
        return day
    # 29 February parses as of 2000, and 1900 had none: TRY makes that null
    return f"TRY(make_date({file.century} + year({day}) % 100, month({day}), day({day})))"


_MARKS = {"": "", " ": "[ \u00a0\u202f\u2009]", ".": "[.]", ",": ",", "'": "['\u2019]"}
"""Thousands marks as regular expressions: a space may be any of those that offices type, an apostrophe too."""


def _number(file: CsvFile, text: str, *, whole: bool) -> str:
    mark = _MARKS[file.thousands]
    digits = rf"(\d+|\d{{1,3}}({mark}\d{{3}})+)" if mark else r"\d+"
    fraction = "" if whole else ("[.]" if file.decimal == "." else ",")
    pattern = rf"[+-]?{digits}" if whole else rf"[+-]?({digits}({fraction}\d*)?|{fraction}\d+)([eE][+-]?\d+)?"
    plain = f"regexp_replace({text}, {literal(mark)}, '', 'g')" if mark else text
    if file.decimal == ",":
        plain = f"replace({plain}, ',', '.')"
    kind = "BIGINT" if whole else "DOUBLE"
    return f"CASE WHEN regexp_full_match({text}, {literal(pattern)}) THEN TRY_CAST({plain} AS {kind}) END"
