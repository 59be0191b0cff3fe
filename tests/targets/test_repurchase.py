from __future__ import annotations

import datetime as dt

import pyarrow as pa
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from appetence.targets import eligibility
from appetence.targets.eligibility import eligible
from appetence.targets.repurchase import buyers_again, repurchase_targets

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


def _full_months(later, earlier):
    return (later.year - earlier.year) * 12 + later.month - earlier.month - (later.day < earlier.day)


def _known(contract):
    return contract["known_on"] or contract["opened_on"]


def _closed_as_known(contract, cut):
    """The day of a closing that was known, and had come, before a cut; None: in force as far as was known."""
    closed = contract["closed_on"]
    return closed if closed and max(closed, contract["closing_known_on"] or closed) < cut else None


def _several(contracts, product, cut):
    clients = set()
    own = [c for c in contracts if c["product_id"] == product and _known(c) < cut and c["opened_on"] < cut]
    for one in own:
        for other in own:
            if one is other or one["client_id"] != other["client_id"]:
                continue
            begin = max(one["opened_on"], other["opened_on"])
            end = min(_closed_as_known(one, cut) or cut, _closed_as_known(other, cut) or cut)
            if _full_months(end, begin) >= 1:
                clients.add(one["client_id"])
    return len(clients)


def _is_eligible(contracts, client, cut, product, fewest):
    if product == "Q" and client >= "4":
        return False
    if product == "R" and not dt.date(2020, 3, 1) <= cut < dt.date(2020, 9, 1):
        return False
    known = [c for c in contracts if c["client_id"] == client and c["product_id"] == product and _known(c) < cut]
    holds = any(c["opened_on"] < cut and _closed_as_known(c, cut) is None for c in known)
    return bool(known) and (not holds or _several(contracts, product, cut) >= fewest)


def _is_renewal(contract, contracts, end):
    for other in contracts:
        same = all(other[key] == contract[key] for key in ("client_id", "product_id"))
        closed = other["closed_on"]
        if other is contract or not same or closed is None or closed >= end:
            continue
        days = sorted((closed, contract["opened_on"]))
        if other["opened_on"] <= contract["opened_on"] and _full_months(days[1], days[0]) < 1:
            return True
    return False


@settings(max_examples=6, deadline=None, phases=NO_SHRINKING)
@given(seed=st.integers(0, 2**32), gap=st.integers(0, 2), horizon=st.integers(1, 9), fewest=st.integers(1, 3))
def test_purchases_again_against_the_oracle(seed, gap, horizon, fewest, random_contracts, open_contracts, spine):
    contracts = random_contracts(seed)
    expected = []
    for row in spine.to_pylist():
        client, cut = row["client_id"], row["cut"]
        first, end = _month_later(cut, gap), _month_later(cut, gap + horizon)
        for product in "RPQ":
            if not _is_eligible(contracts, client, cut, product, fewest):
                continue
            own = [c for c in contracts if c["client_id"] == client and c["product_id"] == product]
            new = [c["opened_on"] for c in own if _known(c) >= cut and not _is_renewal(c, contracts, end)]
            opened = min(new, default=dt.date.max)
            status = "already" if opened < first else "bought" if opened < end else "not_bought"
            expected.append({**row, "product_id": product, "status": "unknown" if end > UNTIL else status})
    before, eligibility.FEWEST_AT_ONCE = eligibility.FEWEST_AT_ONCE, fewest  # eight clients cannot hold ten
    try:
        with open_contracts(contracts, PRODUCTS) as book:
            assert repurchase_targets(book, spine, list("RPQ"), gap, horizon).to_pylist() == expected
            pairs = eligible(book, spine, list("RPQ"), again=True).select(["client_id", "cut", "product_id"])
            assert pairs.to_pylist() == [{k: row[k] for k in pairs.column_names} for row in expected]
            first_time = eligible(book, spine, list("RPQ")).to_pylist()
    finally:
        eligibility.FEWEST_AT_ONCE = before
    both = [(row["client_id"], row["cut"], row["product_id"]) for row in (*pairs.to_pylist(), *first_time)]
    assert len(both) == len(set(both))  # a client never had a product, or had it


def contract(client, opened, closed=None, **kwargs):
    return {"client_id": client, "opened_on": dt.date(*opened), "closed_on": closed and dt.date(*closed)} | kwargs


def test_another_contract_is_a_purchase_and_a_renewal_is_none(make_book):
    book = make_book(
        {
            "contracts": [
                contract("again", (2020, 1, 1), (2020, 6, 1)),
                contract("again", (2021, 3, 1)),
                contract("renews", (2020, 1, 1), (2021, 3, 20)),
                contract("renews", (2021, 3, 1)),  # the old one runs three weeks beside the new
                contract("waits", (2020, 1, 1), (2020, 12, 15)),
                contract("waits", (2021, 1, 15)),  # a full month later
                contract("rolls", (2020, 1, 1), (2020, 12, 15)),
                contract("rolls", (2021, 1, 14)),  # a day less
                contract("late", (2020, 1, 1), (2020, 6, 1)),
                contract("late", (2020, 11, 20), known_on=dt.date(2021, 1, 5)),  # bought, but nobody knew at the cut
                contract("never", (2021, 3, 1)),
                contract("planned", (2020, 1, 1), (2020, 6, 1)),
                contract("planned", (2021, 2, 1), known_on=dt.date(2020, 12, 20)),  # known before the cut: not next
            ]
        },
        observed_until=dt.date(2021, 7, 1),
    )
    clients = ["again", "renews", "waits", "rolls", "late", "never", "planned"]
    spine = pa.table({"client_id": clients, "cut": pa.array([dt.date(2021, 1, 1)] * 7, pa.date32())})
    found = {row["client_id"]: row["status"] for row in repurchase_targets(book, spine, ["P"], 0, 6).to_pylist()}
    # "renews" holds the product at the cut, and no ten clients were ever seen with two
    told = {"again": "bought", "waits": "bought", "rolls": "not_bought", "late": "already", "planned": "not_bought"}
    assert found == told
    # "again", "waits", "late", "planned"
    assert buyers_again(book, dt.date(2021, 7, 1)) == {"P": 4}
    assert buyers_again(book, dt.date(2021, 2, 1)) == {"P": 2}


def test_holders_are_proposed_another_one_where_clients_hold_several(make_book):
    several = [contract(f"s{i}", (2020, 1, month)) for i in range(10) for month in (1, 2)]
    one = [contract("one", (2020, 1, 1)), contract("none", (2020, 1, 1), product_id="Q")]
    briefly = [contract("one", (2020, 1, 1)), *several[2:], contract("s0", (2020, 1, 1)), contract("s0", (2020, 12, 5))]
    spine = pa.table({"client_id": ["one"], "cut": pa.array([dt.date(2021, 1, 1)], pa.date32())})
    assert len(eligible(make_book({"contracts": several + one}), spine, ["P"], again=True)) == 1
    assert len(eligible(make_book({"contracts": several[2:] + one}), spine, ["P"], again=True)) == 0
    # two for less than a month by the cut may be a change from one to the other
    assert len(eligible(make_book({"contracts": briefly}), spine, ["P"], again=True)) == 0


def test_what_closes_after_the_window_makes_no_renewal(make_book):
    rows = [contract(f"s{i}", (2020, 1, month)) for i in range(10) for month in (1, 2)]
    for client, closed in (("during", (2021, 6, 28)), ("after", (2021, 7, 10))):
        rows += [contract(client, (2020, 1, 1), closed), contract(client, (2021, 6, 20))]
    spine = pa.table({"client_id": ["during", "after"], "cut": pa.array([dt.date(2021, 1, 1)] * 2, pa.date32())})
    book = make_book({"contracts": rows})  # observed long enough to see both closings
    found = repurchase_targets(book, spine, ["P"], 0, 6).to_pylist()
    assert [row["status"] for row in found] == ["not_bought", "bought"]


def test_holders_of_several_are_those_that_were_known_then(make_book):
    late = [
        contract(f"s{i}", (2020, 1, month), known_on=None if i else dt.date(2021, 1, 1))
        for i in range(10)
        for month in (1, 2)
    ]
    cuts = pa.array([dt.date(2021, 1, 1), dt.date(2021, 2, 1)], pa.date32())
    spine = pa.table({"client_id": ["s1", "s1"], "cut": cuts})
    found = eligible(make_book({"contracts": late}), spine, ["P"], again=True)
    assert found["cut"].to_pylist() == [dt.date(2021, 2, 1)]
