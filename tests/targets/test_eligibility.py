from __future__ import annotations

import datetime as dt

import pyarrow as pa
import pytest

from appetence.errors import BookError
from appetence.targets.eligibility import eligible

CUT = dt.date(2021, 2, 1)


def _eligible(book, *clients, products="P", cut=CUT):
    spine = pa.table({"client_id": list(clients), "cut": pa.array([cut] * len(clients), pa.date32())})
    return [(row["client_id"], row["product_id"]) for row in eligible(book, spine, list(products)).to_pylist()]


def test_age_and_kind_decide_and_an_unknown_age_does_not_qualify(make_book):
    rule = "kind = 'company' OR age BETWEEN 18 AND 75"
    book = make_book(
        {
            "clients": [
                {"client_id": "17", "birth_date": dt.date(2003, 2, 2)},
                {"client_id": "18", "birth_date": dt.date(2003, 2, 1)},
                {"client_id": "75", "birth_date": dt.date(1945, 2, 2)},
                {"client_id": "76", "birth_date": dt.date(1945, 2, 1)},
                {"client_id": "unknown", "birth_date": None},
                {"client_id": "company", "kind": "company", "birth_date": None},
            ],
            "products": [{"product_id": "P", "eligibility": rule}, {"product_id": "Q", "eligibility": " "}],
        }
    )
    everyone = ("17", "18", "75", "76", "unknown", "company")
    assert _eligible(book, *everyone) == [("18", "P"), ("75", "P"), ("company", "P")]
    assert _eligible(book, *everyone, products="Q") == [(client, "Q") for client in everyone]


def test_a_product_must_be_on_sale_on_the_day_of_the_cut(make_book):
    day = dt.timedelta(days=1)
    products = [
        {"product_id": "A", "launched_on": CUT},
        {"product_id": "B", "launched_on": CUT + day},
        {"product_id": "C", "withdrawn_on": CUT},
        {"product_id": "D", "withdrawn_on": CUT + day},
        {"product_id": "E"},
    ]
    book = make_book({"clients": [{"client_id": "1"}], "products": products, "contracts": []})
    assert _eligible(book, "1", products="EDCBA") == [("1", "E"), ("1", "D"), ("1", "A")]


def test_what_was_ever_held_as_known_is_left_out(make_book):
    book = make_book(
        {
            "contracts": [
                {"client_id": "holds"},
                {"client_id": "held", "closed_on": dt.date(2020, 6, 1)},
                {"client_id": "signed", "opened_on": dt.date(2021, 3, 1), "known_on": dt.date(2021, 1, 31)},
                {"client_id": "unheard", "known_on": CUT},
                {"client_id": "later", "opened_on": CUT},
            ]
        }
    )
    clients = ("later", "unheard", "signed", "held", "holds")
    assert _eligible(book, *clients) == [("later", "P"), ("unheard", "P")]


def test_an_unknown_product_is_refused(make_book):
    with pytest.raises(BookError, match="'Z'"):
        _eligible(make_book(), "1", products="Z")


def test_a_bad_condition_names_the_product(make_book):
    book = make_book({"products": [{"product_id": "P", "eligibility": "income > 3"}]})
    with pytest.raises(BookError, match=r"product 'P' .* the column income.*BETWEEN"):
        _eligible(book, "1")
