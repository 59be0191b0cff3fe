from __future__ import annotations

import datetime as dt

import pytest

from appetence.errors import BookError

DERIVED = {"observed_from": None, "observed_until": None}


def test_balances_decide_from_their_first_month_to_the_end_of_their_last(make_book):
    months = [dt.date(2021, 3, 1), dt.date(2021, 12, 1)]
    book = make_book(
        {
            "contracts": [{"contract_id": "1", "opened_on": dt.date(2010, 5, 5), "closed_on": dt.date(2023, 1, 1)}],
            "balances": [{"contract_id": "1", "month": month} for month in months],
        },
        **DERIVED,
    )
    assert (book.observed_from, book.observed_until) == (dt.date(2021, 3, 1), dt.date(2022, 1, 1))


def test_without_balances_the_month_of_the_newest_fact_is_left_out(make_book):
    book = make_book(
        {
            "contracts": [{"opened_on": dt.date(2010, 5, 5), "ends_on": dt.date(2040, 1, 1)}],
            "interactions": [{"client_id": "1", "at": dt.date(2023, 7, 31), "known_on": dt.date(2023, 8, 2)}],
        },
        **DERIVED,
    )
    assert (book.observed_from, book.observed_until) == (dt.date(2010, 5, 1), dt.date(2023, 8, 1))


def test_a_closing_is_a_dated_fact(make_book):
    book = make_book({"contracts": [{"opened_on": dt.date(2010, 5, 5), "closed_on": dt.date(2020, 2, 3)}]}, **DERIVED)
    assert book.observed_until == dt.date(2020, 2, 1)


def test_the_config_decides_where_it_says_so(make_book):
    book = make_book({"balances": [{"contract_id": "1"}]}, observed_from=dt.date(2015, 1, 1), observed_until=None)
    assert (book.observed_from, book.observed_until) == (dt.date(2015, 1, 1), dt.date(2020, 2, 1))


def test_an_empty_book_and_days_out_of_order_are_told(make_book):
    with pytest.raises(BookError, match="at least one contract"):
        make_book({"contracts": [], "clients": []}, **DERIVED)
    with pytest.raises(BookError, match="observed_from must lie before observed_until"):
        make_book(observed_from=dt.date(2024, 1, 1), observed_until=dt.date(2024, 1, 1))
