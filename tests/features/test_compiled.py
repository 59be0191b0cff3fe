"""Compiled code gives the numbers of the expressions that define them."""

from __future__ import annotations

import datetime as dt

import ibis
import pyarrow as pa
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from appetence.config import CoverageTarget, FeatureSettings
from appetence.features.compiled import add_up, coded_facts, coded_spine, sorted_lines
from appetence.features.pipeline import build_features
from appetence.features.tallies import by_expression, counted, newest, oldest

NO_SHRINKING = (Phase.explicit, Phase.reuse, Phase.generate)  # a smaller seed is no simpler book
COVERAGE = (CoverageTarget(segment="all", families=("savings", "credit")),)


class PlainEngine:
    """A book that only runs expressions, as an engine does that hands out no rows."""

    def __init__(self, book):
        self.has, self.has_column, self.extra_columns = book.has, book.has_column, book.extra_columns
        self.table, self.memtable, self.execute = book.table, book.memtable, book.execute


@settings(max_examples=3, deadline=None, phases=NO_SHRINKING)
@given(seed=st.integers(0, 2**32))
def test_all_features_are_those_of_the_expressions(seed, random_rows, open_rows, every_client):
    rows = random_rows(seed)
    spine = every_client(rows)
    with open_rows(rows) as book:
        compiled = build_features(book, spine, FeatureSettings(coverage=COVERAGE))
        defined = build_features(PlainEngine(book), spine, FeatureSettings(coverage=COVERAGE))
    assert [name for name in compiled.data.column_names if compiled.data[name] != defined.data[name]] == []
    assert compiled.data.schema == defined.data.schema


@pytest.fixture
def facts(make_book):
    """Return tallies of dates far away and null, by both ways."""
    book = make_book({"contracts": [{"client_id": "1"}]})
    days = [dt.date(1582, 1, 1), dt.date(1699, 12, 31), dt.date(2020, 2, 29), dt.date(2400, 1, 1), None]
    columns = {
        "client_id": ["1"] * 5,
        "day": pa.array(days, pa.date32()),
        "usable": pa.array([days[0]] * 5, pa.date32()),
    }
    table = book.memtable("far", pa.table(columns))
    spine = book.memtable(
        "spine",
        pa.table({"row": [0, 1], "client_id": ["1", "2"], "cut_index": pa.array([2020 * 12 + 2] * 2, pa.int64())}),
    )

    def both(tallies):
        defined = book.execute(by_expression(spine, table, tallies)).to_pylist()
        clients = book.memtable("coded", pa.table({"client_id": ["1", "2"], "code": pa.array([0, 1], pa.int32())}))
        lines = sorted_lines(book.execute(coded_spine(spine, clients)), 2)
        found = add_up(book.stream(coded_facts(table, clients, tallies)), lines, tallies).to_pylist()
        return defined, found

    return both


def test_days_centuries_away_and_null_ones(facts):
    tallies = {
        "n": counted("day"),
        "late": counted("day", 1),
        "ahead": counted("day", ahead=True),
        "last": newest("day"),
    }
    (defined,), (found, nobody) = facts(tallies)
    assert found == defined == {"row": 0, "n": 3, "late": 1, "ahead": 1, "last": dt.date(2020, 2, 29)}
    assert nobody == {"row": 1, "n": 0, "late": 0, "ahead": 0, "last": None}


def test_the_oldest_day_is_the_oldest_however_old(facts):
    (defined,), (found, _) = facts({"first": oldest("day")})
    assert found == defined == {"row": 0, "first": dt.date(1582, 1, 1)}


def test_a_stream_hands_out_all_rows(make_book):
    book = make_book({"contracts": [{"client_id": str(n)} for n in range(500)]})
    batches = list(book.stream(book.table("contracts").select("client_id")))
    assert sum(batch.num_rows for batch in batches) == 500


def test_what_was_kept_is_forgotten(make_book, spine):
    book = make_book({"contracts": [{"client_id": "1"}]})
    build_features(book, spine("1", "2021-01-01"))
    left = book.connection.execute("SELECT table_name FROM duckdb_tables() WHERE schema_name = 'work'").fetchall()
    assert not [name for (name,) in left if name.startswith("kept_")]
    assert isinstance(book.table("contracts"), ibis.Table)
