from __future__ import annotations

from pathlib import Path

from appetence.book.contract import TABLES
from appetence.book.describe import describe_contract

PAGE = Path(__file__).parents[2] / "docs" / "book.md"


def test_the_page_is_the_one_made_from_the_contract():
    assert PAGE.read_text(encoding="utf-8") == describe_contract()


def test_every_column_of_every_table_is_told_with_type_need_and_meaning():
    sections = dict(part.split("\n", 1) for part in describe_contract().split("\n### ")[1:])
    assert list(sections) == list(TABLES)
    for name, table in TABLES.items():
        lines = [line for line in sections[name].splitlines() if line.startswith("| ")][2:]
        cells = [line.strip("| ").split(" | ") for line in lines]
        assert [cell[:2] for cell in cells] == [[c.name, c.type.label] for c in table.columns]
        assert [cell[2].strip() == "yes" for cell in cells] == [c.required for c in table.columns]
        for cell, column in zip(cells, table.columns, strict=True):
            assert cell[3].startswith(column.meaning.rstrip("."))
            assert all(f"`{value}`" in cell[3] for value in column.values)


def test_clocks_are_told():
    text = describe_contract()
    assert "Clocks: happened `at`, known `known_on` (where null: `at`)." in text
    assert "Clocks: happened `occurred_on`, known `known_on`." in text
    assert "Clocks: `month` says when it happened and when the firm knew." in text
