"""Call lists: typed cells read back, nothing computed, ids as text, the same bytes for the same scores."""

import csv
import datetime as dt
import io

import openpyxl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from appetence.reports.lists import Column, Kind, rows_of, write_csv, write_xlsx

COLUMNS = [
    Column("Id", Kind.TEXT, 10, lambda one: one[0]),
    Column("=Nom", Kind.TEXT, 10, lambda one: one[1]),
    Column("Risk", Kind.SHARE, 10, lambda one: one[2]),
    Column("Value", Kind.MONEY, 10, lambda one: one[3]),
    Column("Day", Kind.DATE, 10, lambda one: one[4]),
]
DAY = dt.date(2024, 2, 29)
ROWS = [
    ("0012", "=cmd|' /C calc'!A0", 0.0625, -1234.567, DAY),
    ("1e5", "+33 1 02 03", 0.5, 1_000_000.0, None),
    ("-7", "@SUM(A1)", None, None, DAY),
    ("0013", "\t=1+1\r\n;=2+2", 0.0, 0.0, DAY),
    ("0014", '"; =HYPERLINK("http://x")', 1.0, 0.004, DAY),
    ("https://x", "Anne\u202e\x00 Dupré", 0.25, 2.5, DAY),
]
STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")


def read_csv(text: str, delimiter: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text), delimiter=delimiter))


def workbook(path, rows, language="fr", **changes):
    given = {"title": "Liste", "language": language, "currency": "EUR", "created": dt.date(2024, 1, 1)}
    write_xlsx(path, COLUMNS, rows_of(COLUMNS, rows), **given, scratch=path.parent, **changes)
    return openpyxl.load_workbook(path)


def test_text_opens_as_the_language_has_it(tmp_path):
    for language, delimiter, numbers in (("fr", ";", ("0,062500", "-1234,57")), ("en", ",", ("0.062500", "-1234.57"))):
        path = tmp_path / f"{language}.csv"
        assert list(write_csv(path, COLUMNS, rows_of(COLUMNS, ROWS), language)) == list(rows_of(COLUMNS, ROWS))
        raw = path.read_bytes()
        assert raw.startswith(b"\xef\xbb\xbf")
        assert raw.count(b"\r\n") == len(ROWS) + 1
        found = read_csv(raw.decode("utf-8-sig"), delimiter)
        assert [row[0] for row in found] == ["Id", "0012", "1e5", "'-7", "0013", "0014", "https://x"]
        assert found[1][2:] == [*numbers, "2024-02-29"]
        assert found[3][2:4] == ["", ""]
        assert found[0][1] == "'=Nom"
        assert found[4][1] == " '=1+1 ;'=2+2"
        assert found[6][1] == "Anne\N{REPLACEMENT CHARACTER}  Dupré"


@example(';"=', "en")
@example('"=', "fr")
@given(st.text(st.sampled_from("=+-@\t\r\n;,|\"' aé0\u202e＝"), max_size=12), st.sampled_from(["fr", "en"]))
def test_no_text_is_computed_however_it_is_split(tmp_path_factory, text, language):
    path = tmp_path_factory.getbasetemp() / "any.csv"
    list(write_csv(path, COLUMNS, rows_of(COLUMNS, [(text, text, 1.0, 1.0, DAY)]), language))
    body = path.read_text(encoding="utf-8-sig")
    line = read_csv(body, ";" if language == "fr" else ",")[1]
    assert line[0] == line[1]
    assert len(line) == len(COLUMNS)
    assert not line[0].lstrip().startswith((*STARTS, "＝"))
    for other in (",", ";", "\t"):  # a spreadsheet that divides it otherwise
        for row in read_csv(body, other):
            assert not any(cell.lstrip().startswith(("=", "@", "＝")) for cell in row)


def test_cells_of_a_workbook_have_types_and_formats(tmp_path):
    book = workbook(tmp_path / "list.xlsx", ROWS)
    page = book.active
    assert [cell.value for cell in page[1]] == ["Id", "=Nom", "Risk", "Value", "Day"]
    cells = {(row, column): page.cell(row, column) for row in range(1, 8) for column in range(1, 6)}
    assert all(cell.data_type != "f" for cell in cells.values())
    assert all(cell.hyperlink is None for cell in cells.values())
    assert (cells[2, 1].value, cells[2, 1].data_type, cells[2, 1].number_format) == ("0012", "s", "@")
    assert cells[3, 1].value == "1e5"
    assert cells[2, 2].value == "=cmd|' /C calc'!A0"
    assert (cells[2, 3].value, cells[2, 3].number_format) == (0.0625, "0.0%")
    assert (cells[2, 4].value, cells[2, 4].number_format) == (-1234.57, "#,##0 [$€-40C]")
    assert (cells[2, 5].value, cells[2, 5].is_date) == (dt.datetime(2024, 2, 29), True)  # noqa: DTZ001
    assert cells[4, 3].value is None
    assert cells[3, 5].value is None
    assert page.freeze_panes == "A2"
    assert page.auto_filter.ref == "A1:E7"
    assert page.column_dimensions["A"].width == pytest.approx(10, abs=1)
    assert workbook(tmp_path / "en.xlsx", ROWS, "en").active.cell(2, 4).number_format == "[$€-809]#,##0"


def test_the_same_rows_give_the_same_bytes_in_memory_or_not(tmp_path):
    many = [(f"{i:05}", "Zoé", i / 3000, float(i), DAY) for i in range(2500)]
    for rows in (ROWS, many):
        first, second = tmp_path / "a.xlsx", tmp_path / "b.xlsx"
        workbook(first, rows)
        page = workbook(second, rows).active
        assert first.read_bytes() == second.read_bytes()
        assert page.max_row == len(rows) + 1
        assert page.cell(len(rows) + 1, 1).value == rows[-1][0]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.xlsx", "b.xlsx"]


def test_a_list_that_is_too_long_for_one_sheet_goes_on_in_another(tmp_path, monkeypatch):
    monkeypatch.setattr("appetence.reports.lists.SHEET_ROWS", 4)
    book = workbook(tmp_path / "long.xlsx", ROWS)
    assert book.sheetnames == ["Liste", "Liste 2"]
    assert [page.max_row for page in book] == [5, 3]
    assert [page.cell(2, 1).value for page in book] == ["0012", "0014"]


def test_an_empty_list_has_its_header(tmp_path):
    assert workbook(tmp_path / "none.xlsx", []).active.max_row == 1
