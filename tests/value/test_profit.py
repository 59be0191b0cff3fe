import datetime as dt

import pytest

from appetence.value.profit import client_profits, household_profits, product_profits

from .test_margins import CUT, DECEMBER, TABLES

CREDIT = TABLES | {
    "products": [*TABLES["products"], {"product_id": "loan", "margin_kind": "rate", "annual_margin": 0.02}],
    "contracts": [*TABLES["contracts"], {"contract_id": "l1", "client_id": "2", "product_id": "loan"}],
    "clients": [
        {"client_id": "1", "household_id": "a"},
        {"client_id": "2", "household_id": "a"},
        {"client_id": "3"},
    ],
    "balances": [*TABLES["balances"], {"contract_id": "s3", "month": DECEMBER, "revenue": 4, "cost": 1}],
    "defaults": [{"contract_id": "l1", "defaulted_on": dt.date(2021, 6, 3), "exposure": 500, "recovered": 120}],
}


def test_profit_is_revenue_less_costs_less_credit_losses_of_twelve_months(make_book):
    found = client_profits(make_book(CREDIT), CUT, lgd=0.76)
    rows = {row["client_id"]: row for row in found.to_pylist()}
    assert rows["1"] == {"client_id": "1", "revenue": 17, "cost": 2, "credit_loss": 0, "profit": 15}
    assert rows["2"] == {"client_id": "2", "revenue": 1, "cost": 0, "credit_loss": 380, "profit": -379}


def test_households_and_products_add_up_to_the_clients(make_book):
    book = make_book(CREDIT)
    assert household_profits(book, CUT, lgd=0.76).to_pylist() == [
        {"household_id": "a", "revenue": 18, "cost": 2, "credit_loss": 380, "profit": -364}
    ]
    clients, products = (sum(t["profit"].to_pylist()) for t in (client_profits(book, CUT), product_profits(book, CUT)))
    assert clients == pytest.approx(products)


def test_without_balances_there_is_no_past_profit(make_book):
    book = make_book({"contracts": TABLES["contracts"], "products": TABLES["products"]})
    assert client_profits(book, CUT) is None
    assert household_profits(book, CUT) is None
