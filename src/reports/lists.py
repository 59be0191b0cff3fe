"""Call lists to work with: every client of an advisor, or of the company, as a workbook and as text.

Names and texts come from outside, so nothing in them may be computed: a workbook holds them as strings, and in text a
mark that a spreadsheet would read as the start of a formula is put behind an apostrophe.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from enum import StrEnum
from itertools import chain, islice
from pathlib import Path
from typing import Any, NamedTuple

import xlsxwriter
from babel.numbers import get_currency_symbol

from appetence.explain.wording import Language, visible
from appetence.reports.sheets import Offer, Sheet

LONGEST_TEXT = 2_000
"""Characters of a cell; a workbook's own limit is 32,767."""

SHEET_ROWS = 1_000_000
"""Rows of one sheet of a workbook, below its own limit of 1,048,576; more go on in another sheet."""

_IN_MEMORY = 1_000
"""Rows up to which a workbook is put together in memory; a longer one is written row by row."""

_FORMULA = re.compile(r'(^|[;,\t|])([\s"]*)(?=[=+\-@＝＋－＠])')
"""Where a spreadsheet would start to compute: in a cell, or in what it takes for one if it divides otherwise."""

_EXCEL_LOCALE: dict[Language, str] = {"fr": "40C", "en": "809"}


class Kind(StrEnum):
    """What a column holds."""

    TEXT = "text"
    COUNT = "count"
    SHARE = "share"
    MONEY = "money"
    DATE = "date"


class Column(NamedTuple):
    """A column: its title, kind, width in characters, and where its values come from; None is an empty cell."""

    title: str
    kind: Kind
    width: int
    value: Callable[[Sheet], Any]


Row = tuple[Any, ...]


def best_offer(sheet: Sheet) -> Offer | None:
    """Return the product to propose: one that the client is ready for, else the first; none against an objection."""
    if "marketing" in sheet.situation.refuses:
        return None
    return sheet.ready or next(iter(sheet.offers), None)


def rows_of(columns: Sequence[Column], sheets: Iterable[Sheet]) -> Iterator[Row]:
    """Yield the clients' values, in the order of the columns; texts without anything hidden."""
    takers = [(column.value, column.kind is Kind.TEXT) for column in columns]
    for sheet in sheets:
        yield tuple(_text(take(sheet)) if is_text else take(sheet) for take, is_text in takers)


def write_csv(path: Path, columns: Sequence[Column], rows: Iterable[Row], language: Language) -> Iterator[Row]:
    """Write a list as text that a spreadsheet of the language opens, and hand the rows on one by one.

    The file is UTF-8 with a mark, with semicolons and decimal commas in French. Texts are in quotes, numbers are not:
    shares as fractions, money in hundredths, dates as YYYY-MM-DD. Ids are written as they are; a spreadsheet that opens
    the file takes "0012" for 12 unless it is told otherwise, which is what the workbook is for.
    """
    separator, point = (";", ",") if language == "fr" else (",", ".")
    writers = [_cell_writer(column.kind, point) for column in columns]
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        file.write(separator.join(_quoted(column.title) for column in columns) + "\r\n")
        for row in rows:
            file.write(separator.join([write(value) for write, value in zip(writers, row, strict=True)]) + "\r\n")
            yield row


def write_xlsx(
    path: Path,
    columns: Sequence[Column],
    rows: Iterable[Row],
    *,
    title: str,
    language: Language,
    currency: str,
    created: dt.date,
    scratch: Path,
) -> None:
    """Write a list as a workbook: typed cells, the header frozen, a filter on every column.

    Parameters
    ----------
    created
        What the workbook says of its making, so that the same scores give the same bytes.
    scratch
        Folder for parts of a long list, which is never held in memory as a whole.
    """
    rows = iter(rows)
    first = list(islice(rows, _IN_MEMORY))
    is_short = len(first) < _IN_MEMORY
    options = {
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
        "in_memory": is_short,
        "constant_memory": not is_short,
        "tmpdir": str(scratch),
    }
    with xlsxwriter.Workbook(str(path), options) as book:
        stamp = dt.datetime(created.year, created.month, created.day, tzinfo=dt.UTC).replace(tzinfo=None)
        book.set_properties({"title": title, "created": stamp})
        formats = _formats(book, language, currency)
        pending = chain(first, rows)
        name = title[:28]
        _fill(book.add_worksheet(name), formats, columns, islice(pending, SHEET_ROWS))
        for number, row in enumerate(pending, start=2):
            more = book.add_worksheet(f"{name} {number}")
            _fill(more, formats, columns, chain([row], islice(pending, SHEET_ROWS - 1)))


def _fill(page: Any, formats: dict[Kind | str, Any], columns: Sequence[Column], rows: Iterable[Row]) -> None:
    for place, column in enumerate(columns):
        page.set_column(place, place, column.width)
        page.write_string(0, place, column.title, formats["head"])
    page.freeze_panes(1, 0)
    last = 0
    writers = [_writer(page, formats, place, column.kind) for place, column in enumerate(columns)]
    for last, row in enumerate(rows, start=1):
        for write, value in zip(writers, row, strict=True):
            if value is not None:
                write(last, value)
    page.autofilter(0, 0, last, len(columns) - 1)
    page.repeat_rows(0)
    page.set_landscape()
    page.set_paper(9)  # A4
    page.fit_to_pages(1, 0)


def _writer(page: Any, formats: dict[Kind | str, Any], place: int, kind: Kind) -> Callable[[int, Any], object]:
    style = formats[kind]
    if kind is Kind.TEXT:
        return lambda row, value: page.write_string(row, place, value, style)
    if kind is Kind.DATE:
        return lambda row, value: page.write_datetime(row, place, value, style)
    return lambda row, value: page.write_number(row, place, _rounded(value, kind), style)


def _formats(book: Any, language: Language, currency: str) -> dict[Kind | str, Any]:
    sign = f"[${get_currency_symbol(currency, locale=language)}-{_EXCEL_LOCALE[language]}]"
    money = f"#,##0 {sign}" if language == "fr" else f"{sign}#,##0"
    styles: dict[Kind | str, str] = {
        Kind.TEXT: "@",
        Kind.COUNT: "#,##0",
        Kind.SHARE: "0.0%",
        Kind.MONEY: money,
        Kind.DATE: "dd/mm/yyyy" if language == "fr" else "d mmm yyyy",
    }
    formats = {kind: book.add_format({"num_format": style, "valign": "top"}) for kind, style in styles.items()}
    formats[Kind.TEXT].set_text_wrap()
    head = {"bold": True, "text_wrap": True, "valign": "top", "bottom": 1, "bg_color": "#E8EEF3"}
    return formats | {"head": book.add_format(head)}


def _text(value: Any) -> str | None:
    if value is None:
        return None
    return visible(str(value))[:LONGEST_TEXT]


def _rounded(value: float, kind: Kind) -> float:
    return round(value, {Kind.MONEY: 2, Kind.SHARE: 6}.get(kind, 0))


def _cell_writer(kind: Kind, point: str) -> Callable[[Any], str]:
    if kind is Kind.TEXT:
        return lambda value: "" if value is None else _quoted(value)
    if kind is Kind.DATE:
        return lambda value: "" if value is None else f"{value:%Y-%m-%d}"
    digits = {Kind.MONEY: 2, Kind.SHARE: 6}.get(kind, 0)
    return lambda value: "" if value is None else f"{value:.{digits}f}".replace(".", point)


def _quoted(text: str) -> str:
    safe = _FORMULA.sub(r"\1\2'", text)
    return '"' + safe.replace('"', '""') + '"'
