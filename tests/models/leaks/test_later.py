from __future__ import annotations

import datetime as dt

import pytest

from appetence.book import open_book
from appetence.book.contract import TABLES
from appetence.book.known import as_known
from appetence.config import BookSettings
from appetence.models.leaks import later
from appetence.models.leaks.later import WithOtherLater, WithoutLater

CUT = dt.date(2022, 4, 1)


@pytest.fixture(scope="module")
def book(clean):
    with open_book(BookSettings(directory=str(clean))) as opened:
        yield opened


def rows(book, table):
    found = book.execute(table)
    return found.sort_by([(name, "ascending") for name in found.column_names])


@pytest.mark.parametrize("name", [name for name in TABLES if name != "products"])
def test_without_later_facts_a_table_is_as_known(book, name):
    assert rows(book, WithoutLater(book, CUT).table(name)).equals(rows(book, book.as_known(name, CUT)))


@pytest.mark.parametrize("name", [name for name in TABLES if name not in ("products", "defaults", "protected")])
def test_other_later_facts_are_not_known_at_the_cut(book, name):
    other = WithOtherLater(book, CUT)
    assert rows(book, as_known(other, name, CUT)).equals(rows(book, book.as_known(name, CUT)))


@pytest.mark.parametrize(
    "name", ["clients", "client_facts", "contracts", "balances", "interactions", "life_events", "offers"]
)
def test_the_later_facts_are_others(book, name):
    real, other = rows(book, book.table(name)), rows(book, WithOtherLater(book, CUT).table(name))
    assert other.schema.names == real.schema.names
    assert other.num_rows == real.num_rows > book.execute(book.as_known(name, CUT)).num_rows
    assert not other.equals(real)


@pytest.mark.parametrize("name", ["contracts", "balances"])
def test_of_a_large_table_some_later_facts_are_enough(book, name, monkeypatch):
    monkeypatch.setattr(later, "MOST_ROWS", 1_000)
    other = WithOtherLater(book, CUT)
    assert rows(book, as_known(other, name, CUT)).equals(rows(book, book.as_known(name, CUT)))
    known = book.execute(book.as_known(name, CUT)).num_rows
    assert known + 300 < book.execute(other.table(name)).num_rows < known + 2_000


def test_closings_and_outcomes_to_come_are_made_up_for_what_is_known(book):
    other = WithOtherLater(book, CUT)
    contracts = other.table("contracts")
    late = contracts.filter(contracts.opened_on < CUT, contracts.closing_known_on >= CUT, contracts.closed_on < CUT)
    assert book.execute(late.count().as_table())[0][0].as_py() > 20  # closed before the cut, heard of after it
    offers = other.table("offers")
    assert book.execute(offers.filter(offers.outcome_on >= CUT).count().as_table())[0][0].as_py() > 100


def test_the_catalogue_of_products_stays_but_for_withdrawals_to_come(book):
    for other in (WithoutLater(book, CUT), WithOtherLater(book, CUT)):
        kept = book.execute(other.table("products").drop("withdrawn_on").order_by("product_id"))
        assert kept.equals(book.execute(book.table("products").drop("withdrawn_on").order_by("product_id")))
