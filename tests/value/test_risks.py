import datetime as dt

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from appetence.errors import UsageError
from appetence.value import missed_growth
from appetence.value.risks import CLIENT_RISKS, RISKS, client_risks, risks_by_unit
from appetence.value.units import ALL, NOBODY, read_units

CUT, MONTH = dt.date(2022, 1, 1), dt.date(2021, 12, 1)
TABLES = {
    "clients": [
        {"client_id": "1", "advisor_id": "a"},
        {"client_id": "2", "advisor_id": "a"},
        {"client_id": "3", "advisor_id": "b"},
        {"client_id": "4"},
    ],
    "advisors": [
        {"advisor_id": "a", "name": "x", "team": "t"},
        {"advisor_id": "b", "name": "x", "team": "t"},
    ],
    "products": [
        {"product_id": "save", "family": "savings", "margin_kind": "rate", "annual_margin": 0.01},
        {"product_id": "home", "family": "insurance", "margin_kind": "amount", "annual_margin": 90.0},
        {"product_id": "loan", "family": "credit", "margin_kind": "rate", "annual_margin": 0.02},
    ],
    "contracts": [
        *({"contract_id": f"s{n}", "client_id": str(n), "product_id": "save"} for n in (1, 2, 3, 4)),
        {"contract_id": "h1", "client_id": "1", "product_id": "home"},
        {"contract_id": "h2", "client_id": "2", "product_id": "home"},
        {"contract_id": "l1", "client_id": "1", "product_id": "loan"},
    ],
    "balances": [
        {"contract_id": "s1", "month": MONTH, "balance": 600, "revenue": 20},
        {"contract_id": "s2", "month": MONTH, "balance": 100, "revenue": 5, "cost": 1},
        {"contract_id": "s3", "month": MONTH, "balance": 300, "revenue": 0},
        {"contract_id": "l1", "month": MONTH, "balance": 9_000, "revenue": 50},
        {"contract_id": "h1", "month": MONTH, "balance": 0, "revenue": 80, "cost": 20},
        {"contract_id": "h2", "month": MONTH, "balance": 0, "revenue": 40},
    ],
    "client_facts": [
        {"client_id": "1", "known_on": dt.date(2021, 3, 1), "net_worth": 1_000},
        {"client_id": "2", "known_on": dt.date(2021, 3, 1), "net_worth": 7_000},
        {"client_id": "2", "known_on": dt.date(2021, 4, 1), "net_worth": 1_000},
        {"client_id": "3", "known_on": dt.date(2021, 3, 1), "net_worth": 1_000},
        {"client_id": "4", "known_on": dt.date(2021, 3, 1), "net_worth": 1_000},
        {"client_id": "4", "known_on": dt.date(2021, 9, 1)},
    ],
}
SCORES = pa.table(
    {
        "client_id": ["4", "1", "2", "3"],
        "attrition_probability": [0.5, 0.1, None, 0.2],
        "lifetime_value": [-80.0, 1_000.0, 500.0, 33.333],
        "value_erosion": [0.0, -20.5, None, -1.0],
        "coverage_segment": ["all", "all", "all", None],
        "years": [1.0, 2.0, 3.0, None],
    }
)


@pytest.fixture(autouse=True)
def _small_books(monkeypatch):
    for name in ("LEAST_CLIENTS", "LEAST_EVENTS"):
        monkeypatch.setattr(missed_growth, name, 1)


def cents(table, name):
    return dict(zip(table["client_id"].to_pylist(), table[f"{name}_cents"].to_pylist(), strict=True))


def test_risks_by_hand(make_book):
    found = client_risks(make_book(TABLES), CUT, SCORES, {"all": ["savings", "insurance", "credit", "insurance"]})
    assert found.schema == CLIENT_RISKS
    # a client who costs more than he brings is no loss
    assert cents(found, "attrition") == {"4": 0, "1": 100_00, "2": None, "3": 6_67}
    assert cents(found, "erosion") == {"4": 0, "1": 20_50, "2": None, "3": 1_00}
    # shares of wallet are 0.6, 0.1 and 0.3; three quarters of them lie below 0.45. Savings earned 24 on 1,000 in the
    # one month recorded, 0.288 a year.
    wallet = {"1": 0, "2": 3 * 350 * 0.288, "3": 150 * 0.288}
    assert cents(found, "wallet") == {"4": None} | {client: round(100 * euros) for client, euros in wallet.items()}
    # of the three clients of the segment two have insurance, which brings 50 each, and one a loan, which brings 50;
    # savings are a matter of the wallet
    coverage = {"4": 50 * 2 / 3 + 50 / 3, "1": 0, "2": 3 * 50 / 3, "3": None}
    assert cents(found, "coverage") == {c: None if e is None else round(100 * e) for c, e in coverage.items()}
    assert set(cents(found, "moments").values()) == {None}


def test_what_scores_and_book_do_not_tell_is_not_known(make_book):
    bare = {name: TABLES[name] for name in ("clients", "products", "contracts")}
    found = client_risks(make_book(bare), CUT, SCORES.select(["client_id", "lifetime_value"]), {"all": ["savings"]})
    assert found.drop_columns("client_id").to_pylist() == [{f"{name}_cents": None for name in RISKS}] * 4
    with pytest.raises(UsageError, match="client_id"):
        client_risks(make_book(bare), CUT, SCORES.drop_columns("client_id"))


def test_risks_of_clients_add_up_to_every_level(make_book):
    book = make_book(TABLES)
    found = client_risks(book, CUT, SCORES)
    rows = {(one.level, one.unit_id, one.risk): one for one in risks_by_unit(book, read_units(book), found)}
    by_unit = {unit: rows[level, unit, "erosion"] for level, unit, risk in rows if risk == "erosion"}
    assert {unit: (one.cents, one.clients, one.exposed) for unit, one in by_unit.items()} == {
        ALL: (21_50, 3, 2),
        "t": (21_50, 2, 2),
        "a": (20_50, 1, 1),
        "b": (1_00, 1, 1),
        NOBODY: (0, 1, 0),
    }
    assert not [one for one in rows if one[2] == "moments"]


def test_moments_are_worth_what_such_events_brought_before(make_book):
    day = lambda year, month, of=1: dt.date(year, month, of)  # noqa: E731
    contracts = [
        # in force since long ago
        *(
            {"contract_id": f"k{n}", "client_id": str(n), "product_id": "home", "opened_on": day(2019, 1)}
            for n in range(6)
        ),
        # two of the three early moves were followed by a contract
        {"contract_id": "m0", "client_id": "0", "product_id": "home", "opened_on": day(2020, 5)},
        {"contract_id": "m1", "client_id": "1", "product_id": "home", "opened_on": day(2020, 8, 31)},
        {"contract_id": "m2", "client_id": "2", "product_id": "home", "opened_on": day(2020, 9, 2)},
        # an answer to client 4's move
        {"contract_id": "m4", "client_id": "4", "product_id": "home", "opened_on": day(2021, 6)},
    ]
    moves = {"0": day(2020, 3), "1": day(2020, 3), "2": day(2020, 3), "3": day(2021, 5), "4": day(2021, 5)}
    late = {"5": day(2021, 12)}  # not over yet
    tables = {
        "clients": [{"client_id": str(n), "joined_on": day(2019, 1)} for n in range(6)],
        "products": TABLES["products"],
        "contracts": contracts,
        "balances": [
            {"contract_id": row["contract_id"], "month": MONTH, "revenue": 9, "balance": 0} for row in contracts
        ],
        "life_events": [
            {"client_id": client, "kind": "move", "occurred_on": known, "known_on": known}
            for client, known in (moves | late).items()
        ],
        "interactions": [
            # a questionnaire is no answer
            {"client_id": "3", "at": day(2021, 5, 2), "kind": "survey"},
            {"client_id": "3", "at": day(2021, 8, 1), "kind": "call"},
        ],
    }
    clients = np.array([str(n) for n in range(6)])
    book = make_book(tables)
    missed = missed_growth.missed_moments(book, CUT, pd.Index(clients), missed_growth.family_profits(book, CUT))
    # five moves are over, three contracts within six months; clients open four contracts in 6 · 36 months anyway
    months = 6 * (CUT - day(2019, 1)).days / 30.4375
    worth = 9 * (3 / 5 - 4 / months * 6)
    assert missed.tolist() == pytest.approx([0, 0, 0, worth, 0, 0])
