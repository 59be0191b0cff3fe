from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from appetence.book.simulate.write import MARKER, TRUTH, TableWriter, staged, write_table
from appetence.errors import AppetenceError


def make_book(directory: Path, text: str = "old") -> None:
    with staged(directory) as staging:
        (staging / "clients.parquet").write_text(text)
        (staging / TRUTH / MARKER).write_text("{}")


def test_the_directory_appears_at_the_end_with_nothing_beside_it(tmp_path: Path) -> None:
    book = tmp_path / "a" / "book"
    with staged(book) as staging:
        assert not book.exists()
        (staging / TRUTH / MARKER).write_text("{}")
    assert [entry.name for entry in book.iterdir()] == [TRUTH]
    assert [entry.name for entry in book.parent.iterdir()] == ["book"]


def test_a_failure_leaves_the_old_book_and_no_rubbish(tmp_path: Path) -> None:
    book = tmp_path / "book"
    make_book(book)

    def fail() -> None:
        with staged(book) as staging:
            (staging / "clients.parquet").write_text("new")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert (book / "clients.parquet").read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["book"]


def test_a_simulated_book_and_an_empty_directory_are_replaced(tmp_path: Path) -> None:
    book = tmp_path / "book"
    book.mkdir()
    make_book(book)
    make_book(book, "new")
    assert (book / "clients.parquet").read_text() == "new"
    assert [entry.name for entry in tmp_path.iterdir()] == ["book"]


@pytest.mark.parametrize("foreign", ["notes.txt", "clients.parquet"])
def test_other_contents_are_refused_and_kept(tmp_path: Path, foreign: str) -> None:
    # clients.parquet alone may be a firm's own table: only the truth beside it makes it a simulated book.
    (tmp_path / foreign).write_text("mine")
    with pytest.raises(AppetenceError, match="only a simulated book may be overwritten"), staged(tmp_path):
        pass
    assert (tmp_path / foreign).read_text() == "mine"


def test_a_file_added_to_a_simulated_book_protects_it(tmp_path: Path) -> None:
    book = tmp_path / "book"
    make_book(book)
    (book / "mine.csv").write_text("1")
    with pytest.raises(AppetenceError, match="1 other entries"):
        make_book(book, "new")
    assert (book / "clients.parquet").read_text() == "old"


def test_a_file_in_the_place_of_the_directory_is_refused(tmp_path: Path) -> None:
    place = tmp_path / "book"
    place.write_text("mine")
    with pytest.raises(AppetenceError, match="written to a directory"):
        make_book(place)
    assert place.read_text() == "mine"


def test_pieces_make_one_table(tmp_path: Path) -> None:
    table = pa.table({"x": [1, 2, 3]})
    writer = TableWriter(tmp_path / "pieces.parquet", table.schema)
    writer.write(table[:2])
    writer.write(table[2:])
    writer.close()
    write_table(table, tmp_path / "whole.parquet")
    assert pq.read_table(tmp_path / "pieces.parquet") == pq.read_table(tmp_path / "whole.parquet")
