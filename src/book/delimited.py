"""Delimited text, read as declared: every column as text first, then cast by its declared type.

Nothing is sniffed. A sniffer that is right on the first thousand rows makes "0012" a number and 03/04 whichever month
it likes; the firm knows, so the config says it.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
from pyarrow import csv as arrow_csv

from appetence.book.sql import one_row, quoted
from appetence.book.written import told, value_of
from appetence.config import CsvFile
from appetence.errors import BookError, nearest

_BLOCK = 8 << 20
_ROW = "__row"
_SHOWN = 5


def load_csv(connection: duckdb.DuckDBPyConnection, name: str, file: CsvFile, path: Path) -> None:
    """Read a delimited file into the table `firm.<name>`.

    Raises
    ------
    BookError
        The header or the encoding is not as declared, a row has too few or too many fields, or a value is not of its
        column's type: with line numbers, never with the values.
    """
    header = _header(name, file, path)
    _require_columns(name, file, header)
    text = f"firm.{quoted('text of ' + name)}"
    _load_text(connection, name, file, path, header, text)
    _require_values(connection, name, file, path, text)
    values = ", ".join(
        f"{value_of(file, column) if column in file.columns else quoted(column)} AS {quoted(column)}"
        for column in header
    )
    connection.execute(f"CREATE TABLE firm.{quoted(name)} AS SELECT {values} FROM {text} ORDER BY {_ROW}")
    connection.execute(f"DROP TABLE {text}")


def _open_text(file: CsvFile, path: Path) -> io.TextIOWrapper:
    """Open the file, unpacked and decoded, without touching its line ends."""
    raw = pa.input_stream(str(path), compression="detect")
    encoding = "utf-8-sig" if _is_utf8(file) else file.encoding
    return io.TextIOWrapper(io.BufferedReader(raw), encoding=encoding, newline="")


def _is_utf8(file: CsvFile) -> bool:
    return file.encoding.lower().replace("_", "-") in ("utf-8", "utf8", "utf-8-sig")


def _rows(file: CsvFile, path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield each row with the line that it starts on, blank lines left out."""
    with _open_text(file, path) as stream:
        reader = csv.reader(stream, delimiter=file.delimiter, **_quoting(file))
        line = 1
        for row in reader:
            if row:
                yield line, row
            line = reader.line_num + 1


def _quoting(file: CsvFile) -> dict[str, Any]:
    return {"quotechar": file.quote} if file.quote else {"quoting": csv.QUOTE_NONE}


def _header(name: str, file: CsvFile, path: Path) -> list[str]:
    try:
        header = next((row for _, row in _rows(file, path)), None)
    except (UnicodeError, LookupError, OSError, csv.Error) as error:
        raise _unreadable(name, file, error) from None
    if header is None:
        raise BookError(f"source {name!r} must begin with a line of column names", "an empty file", str(file.path))
    named = [column if column.strip() else f"column_{place}" for place, column in enumerate(header, start=1)]
    places: dict[str, int] = {}
    for place, column in enumerate(named, start=1):
        first = places.setdefault(column.lower(), place)
        if first != place:
            raise BookError(
                f"source {name!r} must name each column once", f"the same name in columns {first} and {place}"
            )
    return named


def _require_columns(name: str, file: CsvFile, header: list[str]) -> None:
    # what the header holds is told only where it resembles a name of the config: a file without one begins with data
    marks = [mark for mark in ",;\t|" if mark in header[0]]
    if len(header) == 1 and marks:
        raise BookError(
            f"source {name!r} must have its columns separated by {file.delimiter!r}",
            f"a header with 1 column that holds {' and '.join(map(repr, marks))}",
            f"Set delimiter to {marks[0]!r}?",
        )
    for column in file.columns:
        if column not in header:
            near = nearest(column, header)
            raise BookError(
                f"source {name!r} must have the column {column!r} that the config declares",
                f"a header with {len(header)} column(s)",
                f"Did you mean {near!r}?" if near else "No name in the header looks like it",
            )


def _load_text(
    connection: duckdb.DuckDBPyConnection, name: str, file: CsvFile, path: Path, header: list[str], table: str
) -> None:
    connection.execute(
        f"CREATE TABLE {table} ({', '.join(f'{quoted(column)} VARCHAR' for column in header)}, {_ROW} BIGINT)"
    )
    uneven = 0

    def count(_row: arrow_csv.InvalidRow) -> str:
        nonlocal uneven
        uneven += 1
        return "skip"

    try:
        with _batches(file, path, header, count) as reader:
            first = 1
            for batch in reader:
                numbers = pa.array(range(first, first + batch.num_rows), pa.int64())
                first += batch.num_rows
                _insert(connection, table, pa.Table.from_batches([batch]).append_column(_ROW, numbers))
    except (UnicodeError, LookupError, OSError, pa.ArrowInvalid) as error:
        raise _unreadable(name, file, error) from None
    if uneven:
        lines = (line for line, row in _rows(file, path) if len(row) != len(header))
        raise BookError(
            f"source {name!r} must have {len(header)} fields on every line",
            f"{uneven} with more or fewer ({_first(lines, uneven)})",
            "Check delimiter and quote",
        )


def _batches(file: CsvFile, path: Path, header: list[str], on_uneven: object) -> arrow_csv.CSVStreamingReader:
    encoding = "utf8" if _is_utf8(file) else file.encoding
    return arrow_csv.open_csv(
        pa.input_stream(str(path), compression="detect"),
        read_options=arrow_csv.ReadOptions(
            encoding=encoding, block_size=_BLOCK, column_names=header, skip_rows_after_names=1, use_threads=False
        ),
        parse_options=arrow_csv.ParseOptions(
            delimiter=file.delimiter,
            quote_char=file.quote or False,
            newlines_in_values=bool(file.quote),
            invalid_row_handler=on_uneven,
        ),
        convert_options=arrow_csv.ConvertOptions(
            column_types=dict.fromkeys(header, pa.string()),
            null_values=list(file.null_values),
            strings_can_be_null=True,
        ),
    )


def _insert(connection: duckdb.DuckDBPyConnection, table: str, rows: pa.Table) -> None:
    connection.register("arrow_data", rows)
    try:
        connection.execute(f"INSERT INTO {table} FROM arrow_data")
    finally:
        connection.unregister("arrow_data")


def _unreadable(name: str, file: CsvFile, error: Exception) -> BookError:
    if isinstance(error, LookupError) and not isinstance(error, UnicodeError):
        return BookError(f"source {name!r} must name an encoding known to Python", repr(file.encoding), "Say utf-8")
    if isinstance(error, UnicodeError) or "UTF8" in str(error) or "UTF-8" in str(error):
        return BookError(
            f"source {name!r} must be encoded as declared",
            f"bytes that are not {file.encoding}",
            "Files from Windows are often cp1252, older European ones latin-1, exports of Excel utf-16",
        )
    return BookError(
        f"source {name!r} must be delimited text, plain or packed as its name's ending says",
        type(error).__name__,
        "Check path, encoding, delimiter and quote",
    )


def _require_values(connection: duckdb.DuckDBPyConnection, name: str, file: CsvFile, path: Path, table: str) -> None:
    """Count, in one pass, the values that are not of their column's declared type."""
    typed = [column for column, kind in file.columns.items() if kind != "text"]
    if not typed:
        return
    bad = [f"{quoted(column)} IS NOT NULL AND {value_of(file, column)} IS NULL" for column in typed]
    try:
        found = one_row(
            connection,
            "SELECT "
            + ", ".join(f"count_if({test}), min({_ROW}, {_SHOWN}) FILTER ({test})" for test in bad)
            + f" FROM {table}",
        )
    except duckdb.InvalidInputException:
        raise BookError(f"source {name!r} must have a date_format such as %d/%m/%Y", repr(file.date_format)) from None
    for column, count, rows in zip(typed, found[::2], found[1::2], strict=True):
        if count:
            raise BookError(
                f"source {name!r}: column {column!r} must hold {told(file, column)}",
                f"{count} value(s) that are not ({_first(_lines(file, path, rows), count)})",
                "Empty marks are listed in null_values",
            )


def _lines(file: CsvFile, path: Path, rows: list[int]) -> Iterator[int]:
    """Yield the lines on which the numbered data rows start: a quoted value may hold line ends."""
    wanted = set(rows)
    for number, (line, _) in enumerate(_rows(file, path)):
        if number in wanted:
            yield line
        if number >= max(wanted):
            return


def _first(lines: Iterator[int], count: int) -> str:
    try:
        shown = ", ".join(str(line) for line, _ in zip(lines, range(_SHOWN), strict=False))
    except csv.Error:  # a text beyond the csv module's limit: the count is known all the same
        return "lines not told"
    return f"line{'' if count == 1 else 's'} {shown}{' …' if count > _SHOWN else ''}"
