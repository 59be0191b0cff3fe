import datetime as dt

import numpy as np
import pandas as pd
import pytest

from appetence.value.margins import held_contracts, product_economics

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


def test_what_may_leave_and_what_is_owed_are_told_apart(make_book):
    tables = TABLES | {
        "products": [
            *TABLES["products"],
            {"product_id": "loan", "family": "credit", "margin_kind": "rate", "annual_margin": 0.02},
        ],
        "contracts": [
            {"contract_id": c, "client_id": "1", "product_id": p} for c, p in (("l", "loan"), ("s1", "save"))
        ],
        "balances": [*TABLES["balances"], {"contract_id": "l", "month": DECEMBER, "balance": 700}],
    }
    held = held_contracts(make_book(tables), CUT)
    assert held.on_balance.tolist() == [False, True]
    assert held.exposure.tolist() == [700, 0]
    assert held.yearly_margin == pytest.approx([14, 50])


def test_a_loan_whose_amount_nobody_recorded_is_as_large_as_those_that_defaulted(make_book):
    tables = {
        "products": [{"product_id": "loan", "family": "credit", "margin_kind": "amount", "annual_margin": 9}],
        "contracts": [{"contract_id": c, "client_id": "1", "product_id": "loan"} for c in "abc"],
        "defaults": [
            {"contract_id": "b", "defaulted_on": dt.date(2021, 3, 1), "exposure": 300},
            {"contract_id": "c", "defaulted_on": dt.date(2022, 3, 1), "exposure": 9000},
        ],
    }
    assert held_contracts(make_book(tables), CUT).exposure.tolist() == [300, 300, 300]


def credible(months: pd.DataFrame) -> dict[str, float]:
    """Bühlmann-Straub by the textbook: a product's contracts, each with its own months."""
    groups = [group["net"].to_numpy() for _, group in months.groupby("contract_id")]
    sizes, means = np.array([len(g) for g in groups]), np.array([g.mean() for g in groups])
    overall = months["net"].mean()
    within = sum(((g - g.mean()) ** 2).sum() for g in groups) / max(sizes.sum() - len(groups), 1)
    between = (sizes @ (means - overall) ** 2 - (len(groups) - 1) * within) / (
        sizes.sum() - (sizes**2).sum() / sizes.sum()
    )
    trust = sizes / (sizes + within / between) if between > 0 else np.zeros(len(groups))
    told = trust * means + (1 - trust) * overall
    return dict(zip(sorted(months["contract_id"].unique()), 12 * told, strict=True))


def test_learned_margins_are_drawn_to_their_products_mean_by_credibility(make_book):
    random = np.random.default_rng(3)
    contracts = [{"contract_id": f"c{i:02}", "client_id": str(i % 5), "product_id": "save"} for i in range(12)]
    rows = [
        {
            "contract_id": c["contract_id"],
            "month": dt.date(2021, 12 - m, 1),
            "balance": 1000,
            "revenue": round(float(random.normal(10 + 3 * i, 6)), 2),
            "cost": 1,
        }
        for i, c in enumerate(contracts)
        for m in range(1 + i % 7)
    ]
    lone = {"contract_id": "h", "client_id": "1", "product_id": "home"}
    table = TABLES | {
        "contracts": [*contracts, lone, {"contract_id": "new", "client_id": "1", "product_id": "save"}],
        "balances": [*rows, {"contract_id": "h", "month": DECEMBER, "balance": 0, "revenue": 20, "cost": 5}],
    }
    held = held_contracts(make_book(table), CUT, learned=True)
    found = dict(zip(sorted(c["contract_id"] for c in table["contracts"]), held.yearly_margin, strict=True))
    months = pd.DataFrame(rows).assign(net=lambda t: t["revenue"] - t["cost"])
    expected = credible(months)
    assert {name: found[name] for name in expected} == pytest.approx(expected)
    assert found["h"] == pytest.approx(12 * 15)
    assert found["new"] == pytest.approx(12 * months["net"].mean())
