from __future__ import annotations

import datetime as dt

import pyarrow as pa
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from appetence.targets.purchase import purchase_targets

NO_SHRINKING = (Phase.explicit, Phase.reuse, Phase.generate)  # a smaller seed is no simpler book

UNTIL = dt.date(2021, 1, 1)
PRODUCTS = [
    {"product_id": "P"},
    {"product_id": "Q", "eligibility": "kind = 'person'"},
    {"product_id": "R", "launched_on": dt.date(2020, 3, 1), "withdrawn_on": dt.date(2020, 9, 1)},
]


def _month_later(cut, months):
    year, month = divmod(cut.year * 12 + cut.month - 1 + months, 12)
    return dt.date(year, month + 1, 1)


def _is_eligible(own, client, cut, product):
    if product == "Q" and client >= "4":
        return False
    if product == "R" and not dt.date(2020, 3, 1) <= cut < dt.date(2020, 9, 1):
        return False
    return not any((c["known_on"] or c["opened_on"]) < cut for c in own)


@settings(max_examples=10, deadline=None, phases=NO_SHRINKING)
@given(seed=st.integers(0, 2**32), gap=st.integers(0, 2), horizon=st.integers(1, 9))
def test_purchases_against_the_oracle(seed, gap, horizon, random_contracts, open_contracts, spine):
    contracts = random_contracts(seed)
    expected = []
    for row in spine.to_pylist():
        client, cut = row["client_id"], row["cut"]
        first, end = _month_later(cut, gap), _month_later(cut, gap + horizon)
        for product in "RPQ":
            own = [c for c in contracts if c["client_id"] == client and c["product_id"] == product]
            if not _is_eligible(own, client, cut, product):
                continue
            opened = min((c["opened_on"] for c in own), default=dt.date.max)
            status = "already" if opened < first else "bought" if opened < end else "not_bought"
            expected.append({**row, "product_id": product, "status": "unknown" if end > UNTIL else status})
    with open_contracts(contracts, PRODUCTS) as book:
        assert purchase_targets(book, spine, list("RPQ"), gap, horizon).to_pylist() == expected


def test_buying_again_is_no_first_purchase(make_book):
    book = make_book(
        {
            "contracts": [
                {"client_id": "1", "opened_on": dt.date(2020, 1, 1), "closed_on": dt.date(2020, 6, 1)},
                {"client_id": "1", "opened_on": dt.date(2021, 3, 1)},
                {"client_id": "2", "opened_on": dt.date(2021, 3, 1)},
                {"client_id": "3", "opened_on": dt.date(2020, 12, 1), "known_on": dt.date(2021, 1, 1)},
            ]
        }
    )
    clients = ["1", "2", "3"]
    spine = pa.table({"client_id": clients, "cut": pa.array([dt.date(2021, 1, 1)] * 3, pa.date32())})
    found = purchase_targets(book, spine, ["P"], 0, 6).to_pylist()
    assert [(row["client_id"], row["status"]) for row in found] == [("2", "bought"), ("3", "already")]
