from __future__ import annotations

import numpy as np
import pyarrow.compute as pc
import pytest

from appetence.book.simulate.advisors import make_advisors
from appetence.book.simulate.balances import CREDIT_RATE, Balances, market_returns
from appetence.book.simulate.calendar import Calendar
from appetence.book.simulate.catalogue import INDEX
from appetence.book.simulate.contracts import Contracts, open_contracts
from appetence.book.simulate.people import make_people
from appetence.book.simulate.state import State, initial_state
from appetence.months import Month

CALENDAR = Calendar(Month.parse("2021-01"), 24)
SIZE = 4000


@pytest.fixture
def state() -> State:
    rng = np.random.default_rng(9)
    people = make_people(rng, SIZE, CALENDAR, make_advisors(rng, 4))
    state = initial_state(rng, people, CALENDAR)
    state.drain_rate[:] = 0.1
    return state


def balances_of(state: State, product: str, opened: int) -> tuple[Contracts, Balances]:
    contracts = Contracts(SIZE)
    who = np.arange(SIZE)
    income = np.full(SIZE, 30_000.0)
    open_contracts(
        contracts, np.random.default_rng(1), who, np.full(SIZE, INDEX[product]), np.full(SIZE, opened), income
    )
    return contracts, Balances(state, contracts, np.random.default_rng(2))


def euros(table: object, name: str) -> np.ndarray:
    return pc.cast(table[name], "float64").to_numpy(zero_copy_only=False)  # type: ignore[index]


def test_a_loan_is_repaid_in_equal_instalments(state: State) -> None:
    contracts, balances = balances_of(state, "home_loan", CALENDAR.start(0))
    rate, owed = CREDIT_RATE["home_loan"], contracts["principal"].copy()
    term = contracts["term"].astype(int)
    instalment = owed * rate / (1 - (1 + rate) ** -term)
    for month in range(6):
        table, _ = balances.move(month, contracts.ids())
        if month > 0:
            # The first month ends before a mean month has passed since its first day, or just after: no instalment yet.
            paid = round((CALENDAR.start(month + 1) - CALENDAR.start(0)) // (365.25 / 12))
            expected = owed * (1 + rate) ** paid - instalment * ((1 + rate) ** paid - 1) / rate
            assert euros(table, "balance") == pytest.approx(expected, abs=0.02)
        assert table["net_flow"].null_count == SIZE


def test_a_balance_is_the_last_one_and_the_flow_and_the_market(state: State) -> None:
    contracts, balances = balances_of(state, "livret_a", CALENDAR.start(0) - 500)
    before = contracts["balance"].copy()
    table, _ = balances.move(0, contracts.ids())
    flow = euros(table, "net_flow")
    known = ~np.isnan(flow)
    assert 0.98 < known.mean() < 1.0
    interest = np.round(before * 0.0018, 2)
    assert (euros(table, "balance") - before - interest)[known] == pytest.approx(flow[known], abs=0.006)


def test_a_new_balance_is_all_inflow(state: State) -> None:
    contracts, balances = balances_of(state, "life_insurance", CALENDAR.start(3) + 4)
    table, _ = balances.move(3, contracts.ids())
    flow, balance = euros(table, "net_flow"), euros(table, "balance")
    assert (flow == balance)[~np.isnan(flow)].all()
    assert balance == pytest.approx(contracts["principal"])


def test_draining_clients_take_a_tenth_out_each_month(state: State) -> None:
    state.draining[::2] = True
    contracts, balances = balances_of(state, "life_insurance", CALENDAR.start(0) - 500)
    start = contracts["balance"].copy()
    out = np.zeros(SIZE)
    for month in range(6):
        table, _ = balances.move(month, contracts.ids())
        out += np.nan_to_num(euros(table, "net_flow"))
    share = out / start
    assert np.median(share[::2]) == pytest.approx(0.9**6 - 1, abs=0.06)
    assert np.median(share[1::2]) > -0.02


def test_a_locked_deposit_has_no_flow(state: State) -> None:
    state.draining[:] = True
    contracts, balances = balances_of(state, "term_deposit", CALENDAR.start(0) - 100)
    table, _ = balances.move(0, contracts.ids())
    flow = euros(table, "net_flow")
    assert (flow[~np.isnan(flow)] == 0).all()


def test_revenue_less_cost_is_the_margin_on_average(state: State) -> None:
    contracts, balances = balances_of(state, "car_insurance", CALENDAR.start(0) - 100)
    margins, claims = [], 0
    for month in range(24):
        table, claimants = balances.move(month, contracts.ids())
        margins.append(np.nanmean(euros(table, "revenue") - euros(table, "cost")))
        claims += claimants.size
    assert claims / SIZE / 2 == pytest.approx(0.10, abs=0.01)
    # 84 a year; claims are rare and dear, so the mean of 800 of them wavers.
    assert 12 * np.mean(margins) == pytest.approx(84, abs=30)


def test_the_market_falls_once_and_rises_in_the_long_run() -> None:
    returns = np.array([market_returns(np.random.default_rng(seed), 48) for seed in range(40)])
    assert returns.mean(axis=0).argmin() == 16
    assert returns.mean(axis=1).mean() == pytest.approx(0.004 - 0.09 / 48, abs=0.002)
