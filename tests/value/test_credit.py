import datetime as dt

import numpy as np
import pytest
from scipy.stats import beta

from appetence.value.credit import SETTLED, UNKNOWN_LOSS, default_rate, loss_given_default, monthly_rate

CUT = dt.date(2022, 1, 1)
LOANS = 40
TABLES = {
    "products": [
        {"product_id": "loan", "family": "credit", "margin_kind": "amount", "annual_margin": 9.0},
        {"product_id": "save", "family": "savings", "margin_kind": "amount", "annual_margin": 9.0},
    ],
    "contracts": [
        {"contract_id": f"l{i:02}", "client_id": str(i), "product_id": "loan", "opened_on": dt.date(2021, 1, 5)}
        for i in range(LOANS)
    ]
    + [{"contract_id": "s", "client_id": "0", "product_id": "save", "opened_on": dt.date(2021, 1, 5)}],
    "balances": [{"contract_id": "s", "month": dt.date(2021, m, 1), "balance": 5} for m in range(1, 13)],
    "defaults": [
        {"contract_id": f"l{i:02}", "defaulted_on": dt.date(2021, 6, 1), "exposure": 100 * (i + 1), "recovered": 40 * i}
        for i in range(20)
    ],
}


def test_what_is_lost_is_weighted_by_what_was_owed(make_book):
    found = loss_given_default(make_book(TABLES))
    owed, back = sum(100 * (i + 1) for i in range(20)), sum(40 * i for i in range(20))
    assert found.value == pytest.approx(1 - back / owed)
    assert found.low < found.value < found.high
    assert found.cases == 20


def test_with_few_defaults_the_framework_speaks(make_book):
    few = TABLES | {"defaults": TABLES["defaults"][: SETTLED - 1]}
    assert loss_given_default(make_book(few)).value == UNKNOWN_LOSS
    assert loss_given_default(make_book({k: v for k, v in TABLES.items() if k != "defaults"})).cases == 0


def test_the_rate_is_of_months_of_loans_with_the_interval_of_jeffreys(make_book):
    found = default_rate(make_book(TABLES), CUT)
    months = LOANS * 12
    assert found.value == pytest.approx(20.5 / (months + 1))
    assert (found.low, found.high) == pytest.approx(tuple(beta.ppf([0.025, 0.975], 20.5, months - 20 + 0.5)))
    before = default_rate(make_book(TABLES), dt.date(2021, 6, 1))
    assert before.cases == 0


def test_a_book_without_loans_or_defaults_has_rates_of_zero(make_book):
    assert default_rate(make_book({k: v for k, v in TABLES.items() if k != "defaults"}), CUT).high == 0.0
    savings = TABLES | {"contracts": TABLES["contracts"][-1:], "defaults": []}
    assert default_rate(make_book(savings), CUT).value == 0.0


def test_a_monthly_chance_kept_for_the_horizon_gives_the_probability_back():
    chance = monthly_rate(np.array([0.0, 0.3, 1.0]), 12)
    assert 1 - (1 - chance) ** 12 == pytest.approx([0.0, 0.3, 1.0])
