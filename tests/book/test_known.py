from __future__ import annotations

import datetime as dt

CUT = dt.date(2022, 1, 1)
BEFORE, ON, AFTER = dt.date(2021, 12, 31), CUT, dt.date(2022, 3, 1)
OLD = dt.date(2021, 5, 1)


def known(book, table: str, *columns: str) -> list[tuple[object, ...]]:
    rows = book.execute(book.as_known(table, CUT).select(*columns).order_by(columns[0])).to_pylist()
    return [tuple(row.values()) for row in rows]


def test_facts_count_by_the_day_the_firm_knew_else_by_the_day_they_happened(make_book):
    book = make_book(
        {
            "interactions": [
                {"interaction_id": "late", "client_id": "1", "at": OLD, "known_on": ON},
                {"interaction_id": "in time", "client_id": "1", "at": OLD, "known_on": BEFORE},
                {"interaction_id": "no day known", "client_id": "1", "at": BEFORE},
                {"interaction_id": "too new", "client_id": "1", "at": ON},
            ]
        }
    )
    assert known(book, "interactions", "interaction_id") == [("in time",), ("no day known",)]


def test_a_contract_stays_open_until_its_closing_is_known(make_book):
    book = make_book(
        {
            "contracts": [
                {"contract_id": "a", "closed_on": BEFORE, "close_reason": "left"},
                {"contract_id": "b", "closed_on": ON, "close_reason": "left"},
                {"contract_id": "c", "closed_on": OLD, "closing_known_on": ON, "close_reason": "death"},
                {"contract_id": "d", "closed_on": AFTER, "closing_known_on": BEFORE, "close_reason": "term"},
                {"contract_id": "e", "ends_on": AFTER},
                {"contract_id": "f", "opened_on": OLD, "known_on": ON},
                {"contract_id": "g", "opened_on": AFTER},
            ]
        }
    )
    assert known(book, "contracts", "contract_id", "closed_on", "close_reason", "closing_known_on", "ends_on") == [
        ("a", BEFORE, "left", None, None),
        ("b", None, None, None, None),
        ("c", None, None, None, None),
        ("d", AFTER, "term", BEFORE, None),
        ("e", None, None, None, AFTER),
    ]


def test_a_month_of_balances_counts_once_it_is_over(make_book):
    months = [dt.date(2021, 12, 1), dt.date(2022, 1, 1)]
    book = make_book({"balances": [{"contract_id": "1", "month": month} for month in months]})
    assert known(book, "balances", "month") == [(dt.date(2021, 12, 1),)]


def test_outcomes_and_recoveries_count_when_dated_before(make_book):
    offer = {"client_id": "1", "product_id": "P", "made_on": OLD, "outcome": "accepted"}
    book = make_book(
        {
            "offers": [
                offer | {"offer_id": "a", "outcome_on": BEFORE},
                offer | {"offer_id": "b", "outcome_on": ON},
                offer | {"offer_id": "c", "outcome_on": None},
                offer | {"offer_id": "d", "made_on": ON, "outcome_on": ON},
            ],
            "defaults": [{"contract_id": "1", "defaulted_on": OLD, "exposure": 10, "recovered": 4}],
        }
    )
    assert known(book, "offers", "offer_id", "outcome", "outcome_on") == [
        ("a", "accepted", BEFORE),
        ("b", None, None),
        ("c", None, None),
    ]
    assert known(book, "defaults", "recovered") == [(None,)]


def test_who_and_what_came_later_is_not_known(make_book):
    book = make_book(
        {
            "clients": [
                {"client_id": "1", "joined_on": OLD, "advisor_id": "A"},
                {"client_id": "2", "joined_on": ON, "advisor_id": "B"},
            ],
            "protected": [{"client_id": "1"}, {"client_id": "2"}],
            "advisors": [{"advisor_id": name} for name in "ABC"],
            "products": [
                {"product_id": "P", "withdrawn_on": BEFORE},
                {"product_id": "Q", "launched_on": BEFORE, "withdrawn_on": ON},
                {"product_id": "R", "launched_on": ON},
            ],
            "prospects": [
                {"prospect_id": "x", "advisor_id": "C", "identified_on": OLD, "became_client_id": "1"},
                {"prospect_id": "y", "identified_on": OLD, "became_client_id": "2"},
                {"prospect_id": "z", "identified_on": ON},
            ],
        }
    )
    assert known(book, "clients", "client_id") == [("1",)]
    assert known(book, "protected", "client_id") == [("1",)]
    assert known(book, "advisors", "advisor_id") == [("A",), ("C",)]
    assert known(book, "products", "product_id", "withdrawn_on") == [("P", BEFORE), ("Q", None)]
    assert known(book, "prospects", "prospect_id", "became_client_id") == [("x", "1"), ("y", None)]
