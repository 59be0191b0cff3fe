from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from appetence.book.delimited import load_csv
from appetence.config import CsvFile
from appetence.errors import BookError


def read(path: Path, **options: object) -> list[tuple[object, ...]]:
    file = CsvFile(format="csv", path=str(path), **options)
    with duckdb.connect() as connection:
        connection.execute("CREATE SCHEMA firm")
        load_csv(connection, "s", file, path)
        return connection.execute("FROM firm.s").fetchall()


@pytest.fixture
def write(tmp_path):
    def write(content: str | bytes, encoding: str = "utf-8", name: str = "s.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
        return path

    return write


@pytest.mark.parametrize(
    ("mark", "text"),
    [(" ", "1 234 567,5"), (" ", "1\u00a0234\u00a0567,5"), (" ", "1\u202f234\u202f567,5"), (".", "1.234.567,5"),
     ("'", "1'234'567,5"), ("'", "1\u2019234\u2019567,5"), ("", "1234567,5"), (" ", "1234567,5")],
)  # fmt: skip
def test_thousands_marks(write, mark, text):
    path = write(f"x\n{text}\n")
    assert read(path, delimiter=";", decimal=",", thousands=mark, columns={"x": "number"}) == [(1234567.5,)]


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("1,5", {"delimiter": ";"}),  # a decimal comma where a point was declared
        ("1.5", {"delimiter": ";", "decimal": ","}),
        ("1.5", {"delimiter": ";", "decimal": ",", "thousands": "."}),  # groups have three digits
        ("12 34", {"thousands": " "}),
        ("1 234", {}),
        ("12 €", {}),
        ("nan", {}),
        ("inf", {}),
        ("0x10", {}),
        ("", {"null_values": ["-"]}),
    ],
)
def test_numbers_that_are_not_as_declared_are_refused(write, text, options):
    with pytest.raises(BookError, match=r"column 'x' must hold numbers with decimal mark"):
        read(write(f'id;x\n1;"{text}"\n'), columns={"x": "number"}, **({"delimiter": ";"} | options))


@pytest.mark.parametrize("text", ["1.5", "1e3", "99999999999999999999", "ten"])
def test_whole_numbers_are_whole(write, text):
    with pytest.raises(BookError, match="column 'x' must hold whole numbers"):
        read(write(f"x\n{text}\n"), columns={"x": "integer"})


def written(value: Decimal, thousands: str, decimal: str) -> str:
    return f"{value:,}".replace(",", "_").replace(".", decimal).replace("_", thousands)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.decimals(-(10**12), 10**12, places=2), min_size=1, max_size=20),
    st.sampled_from([("", "."), ("", ","), (" ", ","), (".", ","), (",", "."), ("'", "."), ("\u202f", ",")]),
)
def test_numbers_come_back_as_written(tmp_path_factory, values, marks):
    thousands, decimal = marks
    path = tmp_path_factory.mktemp("numbers") / "s.csv"
    path.write_text("x\n" + "".join(f"{written(value, thousands, decimal)}\n" for value in values), encoding="utf-8")
    declared = " " if thousands == "\u202f" else thousands
    rows = read(path, delimiter=";", thousands=declared, decimal=decimal, columns={"x": "number"})
    assert [row[0] for row in rows] == [float(value) for value in values]


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.dates(dt.date(1900, 1, 1), dt.date(1999, 12, 31)), min_size=1, max_size=20),
    st.sampled_from(["%Y-%m-%d", "%d/%m/%Y", "%y%m%d", "%d.%m.%y", "%Y%m%d %H:%M:%S"]),
)
def test_dates_come_back_as_written_in_the_century_declared(tmp_path_factory, days, date_format):
    path = tmp_path_factory.mktemp("dates") / "s.csv"
    path.write_text("day\n" + "".join(f"{day.strftime(date_format)}\n" for day in days), encoding="utf-8")
    rows = read(path, date_format=date_format, century=1900, columns={"day": "date"})
    assert [row[0] for row in rows] == days


def test_two_digit_years_need_a_century():
    with pytest.raises(ValidationError, match="which century"):
        CsvFile(format="csv", path="x", date_format="%y%m%d")
    with pytest.raises(ValidationError, match="multiple of 100"):
        CsvFile(format="csv", path="x", date_format="%y%m%d", century=1968)


def test_29_february_1900_is_no_day(write):
    path = write("day\n000229\n")
    assert read(path, date_format="%y%m%d", century=2000, columns={"day": "date"}) == [(dt.date(2000, 2, 29),)]
    with pytest.raises(BookError, match="dates written %y%m%d"):
        read(path, date_format="%y%m%d", century=1900, columns={"day": "date"})
