from __future__ import annotations

import datetime as dt

import ibis
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appetence.book.clocks import age_at, contracts_as_known, in_months_before, index_of, months_between
from appetence.book.spine import numbered_spine

DATES = st.dates(dt.date(1900, 1, 1), dt.date(2100, 12, 31))


@pytest.fixture(scope="module")
def evaluate():
    connection = ibis.duckdb.connect()

    def run(function, **days):
        table = ibis.memtable(pa.table({name: pa.array([day], pa.date32()) for name, day in days.items()}))
        return connection.to_pyarrow(table.select(x=function(table)))["x"].to_pylist()[0]

    yield run
    connection.disconnect()


@pytest.mark.parametrize(
    ("later", "earlier", "months"),
    [
        ("2020-03-01", "2020-01-31", 1),
        ("2020-02-29", "2020-01-31", 0),
        ("2021-02-28", "2020-02-29", 11),
        ("2021-03-01", "2020-02-29", 12),
        ("2020-01-01", "2020-01-01", 0),
        ("2020-01-01", "2020-01-02", -1),
        ("2020-01-01", "2020-03-01", -2),
    ],
)
def test_months_between(evaluate, later, earlier, months):
    days = {"later": dt.date.fromisoformat(later), "earlier": dt.date.fromisoformat(earlier)}
    assert evaluate(lambda t: months_between(t.later, t.earlier), **days) == months


@settings(max_examples=50, deadline=None)
@given(day=DATES, year=st.integers(1900, 2100), month=st.integers(1, 12), months=st.integers(0, 30))
def test_a_window_before_the_cut(evaluate, day, year, month, months):
    cut = dt.date(year, month, 1)
    first_year, first_month = divmod(year * 12 + month - 1 - months, 12)
    inside = (first_year, first_month + 1) <= (day.year, day.month) and day < cut
    assert evaluate(lambda t: in_months_before(t.day, index_of(cut), months), day=day) == inside


def test_age_of_the_unborn_is_unknown(evaluate):
    cut = dt.date(2020, 2, 1)
    ages = [
        evaluate(lambda t: age_at(t.cut, t.born), cut=cut, born=born)
        for born in (dt.date(2000, 2, 1), dt.date(2000, 2, 2), dt.date(2020, 1, 31), cut, None)
    ]
    assert ages == [20, 19, 0, None, None]


def _contract(name, opened=dt.date(2020, 1, 1), closed=None, *, known=None, closing_known=None):
    return {
        "contract_id": name,
        "client_id": "1",
        "opened_on": opened,
        "closed_on": closed,
        "known_on": known,
        "closing_known_on": closing_known,
    }


def test_contracts_are_told_as_they_were_known(make_book):
    cut, summer = dt.date(2021, 1, 1), dt.date(2020, 6, 1)
    contracts = [
        _contract("open"),
        _contract("heard of late", known=cut),
        _contract("signed ahead", dt.date(2021, 1, 5), known=summer),
        _contract("closed", closed=dt.date(2020, 12, 31)),
        _contract("closing heard of late", closed=summer, closing_known=cut),
        _contract("closing announced", closed=cut, closing_known=summer),
    ]
    book = make_book({"contracts": contracts})
    rows = pa.table({"client_id": ["1"], "cut": pa.array([cut], pa.date32())})
    found = book.execute(contracts_as_known(book, book.memtable("spine", numbered_spine(rows)))).to_pylist()
    assert {row["contract_id"]: (row["closed_on"], row["held"]) for row in found} == {
        "open": (None, True),
        "closed": (dt.date(2020, 12, 31), False),
        "closing heard of late": (None, True),
        "closing announced": (cut, True),
    }
