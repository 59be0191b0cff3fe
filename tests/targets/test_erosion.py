from __future__ import annotations

import datetime as dt
import random
from decimal import Decimal

import pyarrow as pa
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from appetence.config import FeatureSettings
from appetence.features.pipeline import build_features
from appetence.targets.attrition import attrition_targets
from appetence.targets.erosion import asset_base, erosion_targets, knows_flows

NO_SHRINKING = (Phase.explicit, Phase.reuse, Phase.generate)  # a smaller seed is no simpler book

UNTIL = dt.date(2021, 1, 1)
PRODUCTS = [{"product_id": "P"}, {"product_id": "Q"}, {"product_id": "R", "family": "credit"}]
THRESHOLD, LEAST = 0.2, 300


def _index(day):
    return day.year * 12 + day.month - 1


def _first(index):
    return dt.date(index // 12, index % 12 + 1, 1)


def _random_balances(contracts, seed):
    """Months of balances of each contract, some missing, some after the closing; some without a flow."""
    rng = random.Random(seed)  # noqa: S311 - test data
    rows = []
    for contract in contracts:
        balance = 0
        for month in range(_index(contract["opened_on"]), _index(UNTIL)):
            closed = contract["closed_on"]
            over = closed is not None and (month > _index(closed) or (month == _index(closed) and rng.random() < 0.6))
            if over and rng.random() < 0.9:
                continue
            flow = rng.choice([0, 100, 500, 2000, -100, -300, -(balance // 2)])
            balance += flow + rng.choice([0, 0, 50, -50])
            row = {"contract_id": contract["contract_id"], "month": _first(month), "balance": Decimal(balance)}
            row |= {"net_flow": Decimal(flow) if rng.random() < 0.85 else None, "revenue": Decimal(0), "cost": None}
            if rng.random() < 0.95:
                rows.append(row)
    return rows


def _walk(contracts, balances, client, cut, gap, horizon):
    """Return base and net outflow: contract by contract, month by month, as one would by hand."""
    told = {(row["contract_id"], _index(row["month"])): row for row in balances}
    base, outflow, seen = Decimal(0), Decimal(0), False
    for contract in contracts:
        if contract["client_id"] != client or contract["product_id"] == "R":
            continue
        opened, closed = contract["opened_on"], contract["closed_on"]
        known = opened < cut and (contract["known_on"] or opened) < cut
        ended = closed is not None and closed < cut and (contract["closing_known_on"] or closed) < cut
        before = told.get((contract["contract_id"], _index(cut) - 1))
        if known and not ended and before is not None:
            base, seen = base + before["balance"], True
        for month in range(_index(cut) + gap, _index(cut) + gap + horizon):
            row, previous = (told.get((contract["contract_id"], m)) for m in (month, month - 1))
            if closed is not None and month > _index(closed):
                continue
            if row is not None and row["net_flow"] is not None:
                outflow -= row["net_flow"]
            elif row is not None and month == _index(opened):
                outflow -= row["balance"]
            if closed is not None and month == _index(closed):
                newest = row or previous
                outflow += newest["balance"] if newest else 0
    return (base if seen else None), outflow


@settings(max_examples=5, deadline=None, phases=NO_SHRINKING)
@given(seed=st.integers(0, 2**32), gap=st.integers(0, 2), horizon=st.integers(1, 9))
def test_erosion_against_the_oracle(seed, gap, horizon, random_contracts, open_contracts, spine):
    contracts = random_contracts(seed)
    balances = _random_balances(contracts, seed)
    with open_contracts(contracts, PRODUCTS, balances=balances) as book:
        found = erosion_targets(book, spine, gap, horizon, THRESHOLD, LEAST)
        exits = attrition_targets(book, spine, gap, horizon)["status"].to_pylist()
        bases = asset_base(book, spine).to_pylist()
    assert found.select(["client_id", "cut"]).equals(spine.cast(found.select(["client_id", "cut"]).schema))
    for row, exit_, known in zip(found.to_pylist(), exits, bases, strict=True):
        base, outflow = _walk(contracts, balances, row["client_id"], row["cut"], gap, horizon)
        if exit_ in ("unknown", "gone"):
            status = exit_
        elif base is None or base < LEAST:
            status = "too_small"
        elif exit_ != "stayed":
            status = exit_
        else:
            status = "eroded" if outflow * 5 >= base else "kept"
        assert row["status"] == status
        assert row["base"] == known["base"] == (None if base is None else float(base))
        assert row["outflow"] == (float(outflow) if status in ("eroded", "kept") else None)


@settings(max_examples=2, deadline=None, phases=NO_SHRINKING)
@given(seed=st.integers(0, 2**32))
def test_the_base_holds_only_what_was_known_at_the_cut(seed, random_contracts, open_contracts, spine):
    contracts = random_contracts(seed)
    balances = _random_balances(contracts, seed)
    cut = dt.date(2020, 3, 1)
    later = [row for row in balances if row["month"] < cut]
    known = [row for row in contracts if row["opened_on"] < cut and (row["known_on"] or row["opened_on"]) < cut]
    at_cut = spine.filter(pa.compute.equal(spine["cut"], cut))
    with open_contracts(contracts, PRODUCTS, balances=balances) as book:
        with_future = asset_base(book, at_cut)
    with open_contracts(known, PRODUCTS, balances=later) as book:
        assert asset_base(book, at_cut).equals(with_future)


MONTHS = ("2021-01", "2021-02", "2021-03", "2021-04", "2021-05")
CUT = dt.date(2021, 2, 1)


def _months(contract_id, *balances_and_flows, start=0):
    return [
        {"contract_id": contract_id, "month": dt.date.fromisoformat(f"{month}-01"), "balance": b, "net_flow": f}
        for month, (b, f) in zip(MONTHS[start:], balances_and_flows, strict=False)
    ]


def _told(make_book, *cases, gap=0, horizon=3, **tables):
    """Return status, base and outflow of each case, contracts and their balances: a client each of one book."""
    contracts, balances = [], []
    for number, (own, months) in enumerate(cases):
        contracts += [{"client_id": f"c{number}", **one, "contract_id": f"{number}{one['contract_id']}"} for one in own]
        balances += [one | {"contract_id": f"{number}{one['contract_id']}"} for one in months]
    book = make_book({"contracts": contracts, "balances": balances, **tables})
    clients = [f"c{number}" for number in range(len(cases))]
    spine = pa.table({"client_id": clients, "cut": pa.array([CUT] * len(cases), pa.date32())})
    rows = erosion_targets(book, spine, gap, horizon, 0.2, 1000).to_pylist()
    return [(row["status"], row["base"], row["outflow"]) for row in rows]


ACCOUNT = {"contract_id": "a"}


def test_a_fall_of_the_market_is_no_outflow_and_the_threshold_is_reached_exactly(make_book):
    fallen = _months("a", (3000, 0), (1500, 0), (1400, 0), (1300, 0))
    # 0.2 * 3000 in floating point is 600.0000000000001
    taken = _months("a", (3000, 0), (2400, -600), (2500, 0), (2600, 0))
    less = _months("a", (3000, 0), (2400, "-599.99"), (2500, 0), (2600, 0))
    assert _told(make_book, *(([ACCOUNT], months) for months in (fallen, taken, less))) == [
        ("kept", 3000.0, 0.0),
        ("eroded", 3000.0, 600.0),
        ("kept", 3000.0, 599.99),
    ]


def test_what_moves_between_own_contracts_stays(make_book):
    new = {"contract_id": "b", "opened_on": dt.date(2021, 3, 5)}
    balances = _months("a", (3000, 0), (3000, 0), (500, -2500), (500, 0))
    into = _months("b", (2500, 2500), (2500, 0), start=2)
    without_flow = _months("b", (2500, None), (2500, 0), start=2)
    both = [ACCOUNT, new]
    assert _told(make_book, ([ACCOUNT], balances), (both, balances + into), (both, balances + without_flow)) == [
        ("eroded", 3000.0, 2500.0),
        ("kept", 3000.0, 0.0),
        ("kept", 3000.0, 0.0),
    ]


def test_a_closing_takes_its_balance_along_once(make_book):
    """Whether its last month is written, is not, or is written late; and a term's payout that stays has not left."""
    deposit = {"contract_id": "d", "closed_on": dt.date(2021, 3, 20), "close_reason": "term"}
    steady = _months("a", (1000, 0), (1000, 0), (1000, 0), (1000, 0))
    unwritten = _months("d", (4000, 0), (4100, 0))
    written = _months("d", (4000, 0), (4100, 0), (0, -4100))
    late = _months("d", (4000, 0), (4100, 0), (4100, 0), (0, -4100))
    paid_in = _months("a", (1000, 0), (1000, 0), (5100, 4100), (5100, 0))
    months = (steady + unwritten, steady + written, steady + late, paid_in + unwritten)
    told = _told(make_book, *(([ACCOUNT, deposit], one) for one in months))
    assert told == [("eroded", 5000.0, 4100.0)] * 3 + [("kept", 5000.0, 0.0)]


def test_what_is_owed_is_no_asset(make_book):
    loan = {"contract_id": "l", "product_id": "L"}
    products = [{"product_id": "P"}, {"product_id": "L", "family": "credit"}]
    balances = _months("a", (2000, 0), (2000, 0)) + _months("l", (9000, -500), (8500, -500))
    assert _told(make_book, ([ACCOUNT, loan], balances), products=products) == [("kept", 2000.0, 0.0)]


def test_who_leaves_is_not_eroded_whatever_had_flowed_out(make_book):
    contract = {"contract_id": "a", "closed_on": dt.date(2021, 4, 10)}
    balances = _months("a", (3000, 0), (500, -2500), (500, 0))
    assert _told(make_book, ([contract], balances)) == [("left", 3000.0, None)]
    assert _told(make_book, ([contract], balances), horizon=2) == [("eroded", 3000.0, 2500.0)]


def test_with_next_to_nothing_there_is_nothing_to_erode(make_book):
    little, overdrawn = _months("a", (999, 0), (0, -999)), _months("a", (-50, 0), (-900, -850))
    assert _told(make_book, ([ACCOUNT], little), ([ACCOUNT], overdrawn), ([ACCOUNT], [])) == [
        ("too_small", 999.0, None),
        ("too_small", -50.0, None),
        ("too_small", None, None),
    ]


def test_a_book_without_flows_cannot_be_asked(make_book):
    assert not knows_flows(make_book())
    assert not knows_flows(make_book({"balances": [{"contract_id": "1", "balance": 5000}]}))
    assert not knows_flows(make_book({"balances": [{"contract_id": "1", "balance": 5000, "net_flow": None}]}))
    products = [{"product_id": "P", "family": "credit"}]
    flows = [{"contract_id": "1", "balance": 5000, "net_flow": -5}]
    assert not knows_flows(make_book({"balances": flows, "products": products}))
    assert knows_flows(make_book({"balances": flows}))


def test_the_base_is_what_the_features_call_assets(make_book):
    deposit = {"contract_id": "d", "closed_on": dt.date(2021, 2, 20)}
    balances = _months("a", (1000, 0)) + _months("d", ("4000.55", 0))
    contracts = [{"client_id": "1", **one} for one in ({"contract_id": "a"}, deposit)]
    book = make_book({"contracts": contracts, "balances": balances})
    spine = pa.table({"client_id": ["1"], "cut": pa.array([CUT], pa.date32())})
    features = build_features(book, spine, FeatureSettings(groups=("balances",)))
    assert features.data["assets"].to_pylist() == asset_base(book, spine)["base"].to_pylist() == [5000.55]
