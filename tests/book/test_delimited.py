from __future__ import annotations

import gzip
from pathlib import Path

import duckdb
import pytest

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


def test_columns_are_text_unless_declared(write):
    path = write("id,code,n\n0012,1e3, 7 \n")
    assert read(path) == [("0012", "1e3", " 7 ")]
    assert read(path, columns={"n": "integer"}) == [("0012", "1e3", 7)]


def test_latin_1_with_semicolons_and_decimal_commas(write):
    path = write("numéro;libellé;solde\n007;Épargne à l'échéance;1.234,56\n008;;-12\n", "latin-1")
    rows = read(
        path,
        encoding="latin-1",
        delimiter=";",
        decimal=",",
        thousands=".",
        columns={"solde": "number", "libellé": "text"},
    )
    assert rows == [("007", "Épargne à l'échéance", 1234.56), ("008", None, -12.0)]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252", "iso-8859-15"])
def test_encodings(write, encoding):
    rows = read(
        write("clé,œ\nà,Œuvre €\n" if encoding in ("cp1252", "iso-8859-15") else "clé,œ\nà,漢\n", encoding),
        encoding=encoding,
    )
    assert rows == [("à", "Œuvre €" if encoding in ("cp1252", "iso-8859-15") else "漢")]


def test_a_byte_order_mark_is_no_part_of_the_first_name(write):
    path = write(b"\xef\xbb\xbfid,x\n1,2\n")
    assert read(path, columns={"id": "integer"}) == [(1, "2")]


def test_packed_files_are_unpacked_by_their_ending(write):
    assert read(write(gzip.compress(b"id\n1\n"), name="s.csv.gz")) == [("1",)]


def test_quotes_line_ends_and_delimiters_inside_values(write):
    path = write('id;text\r\n1;"a;b\nc ""d"""\r\n\r\n2;plain\r\n')
    assert read(path, delimiter=";") == [("1", 'a;b\nc "d"'), ("2", "plain")]


def test_without_quotes_a_quotation_mark_is_a_character(write):
    assert read(write('id,text\n1,5" pipe\n'), quote="") == [("1", '5" pipe')]


def test_null_marks_are_those_declared(write):
    path = write("a,b\nNA,\n?,x\n")
    assert read(path, null_values=["NA", "?"]) == [(None, ""), (None, "x")]
    assert read(path) == [("NA", None), ("?", "x")]


def test_nameless_columns_are_numbered(write):
    path = write("id,,\n1,2,3\n")
    with duckdb.connect() as connection:
        connection.execute("CREATE SCHEMA firm")
        load_csv(connection, "s", CsvFile(format="csv", path=str(path)), path)
        assert connection.sql("FROM firm.s").columns == ["id", "column_2", "column_3"]


def test_a_value_that_is_not_a_date_is_told_by_line_and_never_shown(write):
    path = write('id,note,day\n1,"two\nlines",2024-01-31\n\n2,x,31/01/2024\n3,x,2024-02-30\n4,x,\n')
    with pytest.raises(BookError) as caught:
        read(path, columns={"day": "date"})
    message = str(caught.value)
    assert "source 's': column 'day' must hold dates written %Y-%m-%d" in message
    assert "2 value(s) that are not (lines 5, 6)" in message
    assert "31/01" not in message
    assert "02-30" not in message


def test_of_many_faults_the_first_five_lines_are_told(write):
    with pytest.raises(BookError, match=r"got 9 value\(s\) that are not \(lines 2, 3, 4, 5, 6 …\)"):
        read(write("n\n" + "x\n" * 9), columns={"n": "integer"})


def test_a_date_format_that_is_none_is_told(write):
    with pytest.raises(BookError, match="must have a date_format such as"):
        read(write("day\n2024\n"), date_format="%Q", columns={"day": "date"})


def test_a_wrong_delimiter_is_told_from_the_header(write):
    with pytest.raises(BookError, match=r"separated by ',', but got a header with 1 column that holds ';'"):
        read(write("id;day\n1;2\n"))


def test_a_declared_column_that_is_not_there_is_told_with_the_nearest(write):
    with pytest.raises(BookError, match=r"the column 'opend' .* header with 2 column.* Did you mean 'opened'"):
        read(write("id,opened\n1,2024-01-01\n"), columns={"opend": "date"})


def test_a_file_without_a_header_shows_none_of_its_first_row(write):
    for content, options in (
        ("Dupont;75\n", {"columns": {"id": "text"}, "delimiter": ";"}),
        ("Dupont;75\n", {}),
        ("Dupont,Dupont\n", {}),
    ):
        with pytest.raises(BookError) as caught:
            read(write(content), **options)
        assert "Dupont" not in str(caught.value)


def test_a_column_named_twice_is_told(write):
    with pytest.raises(BookError, match="name each column once, but got the same name in columns 1 and 2"):
        read(write("id,Id\n1,2\n"))


def test_lines_with_too_few_or_too_many_fields_are_counted(write):
    with pytest.raises(BookError) as caught:
        read(write("a,b\n1,2\nsecret\n1,2,3\n"))
    assert "must have 2 fields on every line, but got 2 with more or fewer (lines 3, 4)" in str(caught.value)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("content", [b"nom\n\xc9pargne\n", b"\xc9\n1\n"])
def test_a_wrong_encoding_is_one_clear_error(write, content):
    with pytest.raises(BookError, match=r"encoded as declared, but got bytes that are not utf-8.*cp1252"):
        read(write(content))


def test_bytes_that_the_declared_encoding_lacks_are_told(write):
    with pytest.raises(BookError, match="bytes that are not ascii"):
        read(write("a\né\n"), encoding="ascii")


def test_an_unknown_encoding_is_told(write):
    with pytest.raises(BookError, match="encoding known to Python, but got 'latin-99'"):
        read(write("a\n1\n"), encoding="latin-99")


def test_an_empty_file_is_told(write):
    with pytest.raises(BookError, match="line of column names, but got an empty file"):
        read(write(""))


def test_a_header_alone_is_an_empty_table(write):
    assert read(write("a,b\n"), columns={"b": "date"}) == []


def test_a_packed_file_that_is_not_packed_is_told(write):
    with pytest.raises(BookError, match="plain or packed"):
        read(write(b"id\n1\n", name="s.csv.gz"))


def test_a_big_file_keeps_its_order_over_blocks(write):
    count = 300_000
    path = write("n,text\n" + "".join(f"{number},{'x' * 30}\n" for number in range(count)))
    rows = read(path, columns={"n": "integer"})
    assert [row[0] for row in rows] == list(range(count))
