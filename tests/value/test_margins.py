import datetime as dt

import numpy as np
import pytest

from appetence.value.margins import held_contracts, past_profit, product_economics

CUT = dt.date(2022, 1, 1)
DECEMBER, NOVEMBER = dt.date(2021, 12, 1), dt.date(2021, 11, 1)

TABLES = {
    "products": [
        {"product_id": "save", "margin_kind": "rate", "annual_margin": 0.01},
        {"product_id": "home", "margin_kind": "amount", "annual_margin": 90.0, "acquisition_cost": 40},
        {"product_id": "new", "margin_kind": "amount", "annual_margin": 25.0},
        {"product_id": "rare", "margin_kind": "rate", "annual_margin": 0.02},
    ],
    "contracts": [
        {"contract_id": "s1", "client_id": "1", "product_id": "save"},
        {"contract_id": "s2", "client_id": "2", "product_id": "save"},
        {"contract_id": "s3", "client_id": "3", "product_id": "save"},
        {"contract_id": "h1", "client_id": "1", "product_id": "home", "ends_on": dt.date(2022, 9, 15)},
        {"contract_id": "gone", "client_id": "1", "product_id": "home", "closed_on": dt.date(2021, 12, 31)},
        # closed before the cut, but nobody knew it yet
        {
            "contract_id": "late",
            "client_id": "2",
            "product_id": "home",
            "closed_on": dt.date(2021, 12, 31),
            "closing_known_on": CUT,
        },
        {"contract_id": "future", "client_id": "2", "product_id": "home", "opened_on": CUT},
    ],
    "balances": [
        {"contract_id": "s1", "month": NOVEMBER, "balance": 1, "revenue": 7, "cost": 2},
        {"contract_id": "s1", "month": DECEMBER, "balance": 5000, "revenue": 10},
        {"contract_id": "s2", "month": DECEMBER, "balance": 3000, "revenue": 1},
        {"contract_id": "s2", "month": dt.date(2020, 12, 1), "balance": 3000, "revenue": 100},
        {"contract_id": "s2", "month": dt.date(2022, 1, 1), "balance": 9000, "revenue": 1000},
    ],
}


def test_contracts_in_force_earn_by_their_own_balance_or_their_products_mean(make_book):
    held = held_contracts(make_book(TABLES), CUT)
    margins = dict(zip(["h1", "late", "s1", "s2", "s3"], held.yearly_margin, strict=True))
    assert margins == pytest.approx({"h1": 90, "late": 90, "s1": 50, "s2": 30, "s3": 40})
    assert held.client_id.to_pylist() == ["1", "2", "1", "2", "3"]
    assert held.months_left[0] == 8
    assert np.isnan(held.months_left[1:]).all()


def test_a_sale_brings_what_its_contracts_bring_and_the_catalogue_speaks_for_a_new_product(make_book):
    economics = product_economics(make_book(TABLES), CUT)
    assert economics.product_id == ("home", "new", "rare", "save")
    assert economics.yearly_margin == pytest.approx([90, 25, np.nan, 40], nan_ok=True)
    assert economics.acquisition_cost == pytest.approx([40, 0, 0, 0])


def test_past_profit_counts_twelve_months_and_not_what_came_later(make_book):
    assert past_profit(make_book(TABLES), CUT) == pytest.approx({"1": 15.0, "2": 1.0})


def test_past_profit_is_unknown_without_balances(make_book):
    assert past_profit(make_book({"contracts": TABLES["contracts"], "products": TABLES["products"]}), CUT) is None
