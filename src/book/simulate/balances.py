"""Monthly balances, flows, revenue and cost of the contracts in force, and the claims behind the cost."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from appetence.book.simulate.arrays import Bools, Floats, Ints
from appetence.book.simulate.calendar import DAYS_PER_MONTH
from appetence.book.simulate.catalogue import INDEX, PRODUCTS, Money, column
from appetence.book.simulate.columns import codes, contract_table, dates, money
from appetence.book.simulate.contracts import Contracts
from appetence.book.simulate.state import State

DRIFT, VOLATILITY = 0.004, 0.032
"""Monthly mean and standard deviation of the market's return."""

CREDIT_RATE = {"home_loan": 0.018 / 12, "consumer_loan": 0.045 / 12}
CLAIM_SPREAD = 0.9
"""Standard deviation of the logarithm of a claim's amount."""

MISSING_FLOWS, MISSING_COSTS = 0.004, 0.01
INHERITED_SHARE = 0.5
"""Of a year's income: the median sum that an inheritance brings to the current account or the life insurance."""

_IS = {style: np.array([product.money is style for product in PRODUCTS]) for style in Money}
_BY_RATE = column("margin_kind") == "rate"
_INSURANCE = column("family") == "insurance"
_TAKES_LUMP = np.isin(np.arange(len(PRODUCTS)), [INDEX["current_account"], INDEX["life_insurance"], INDEX["livret_a"]])
SERVICING = 0.15
"""Share of an insurance's revenue spent on servicing; the rest of its cost is claims."""


def market_returns(rng: np.random.Generator, months: int) -> Floats:
    """Draw the market's monthly returns, with one crash in the first half of the window."""
    returns = rng.normal(DRIFT, VOLATILITY, months)
    returns[months // 3] -= 0.09
    return returns


class Balances:
    """Moves all balances by a month and writes the month's rows."""

    def __init__(self, state: State, contracts: Contracts, rng: np.random.Generator) -> None:
        self._state, self._contracts, self._rng = state, contracts, rng
        self._market = market_returns(rng, state.calendar.months)

    def move(self, month: int, contract_ids: pa.Array) -> tuple[pa.Table, Ints]:
        """Move the contracts in force at the month's end.

        Returns
        -------
        table
            The month's rows of `balances`.
        claimants
            Client of each claim of the month that was reported to an advisor.
        """
        contracts, rng = self._contracts, self._rng
        live = contracts.live
        product, client = contracts["product"][live].astype(np.int64), contracts["client"][live].astype(np.int64)
        before = contracts["balance"][live]
        balance, flow = before.copy(), np.full(live.size, np.nan)
        fresh = contracts["opened"][live] >= self._state.calendar.start(month)
        for style, mover in ((Money.ACCOUNT, self._accounts), (Money.SAVINGS, self._savings)):
            mine = np.flatnonzero(_IS[style][product])
            balance[mine], flow[mine] = mover(month, product[mine], client[mine], before[mine], live[mine], fresh[mine])
        credit = np.flatnonzero(_IS[Money.CREDIT][product])
        balance[credit] = self._outstanding(month, product[credit], live[credit])
        contracts["balance"][live] = balance
        self.note_accounts()
        revenue = self._revenue(product, live, (balance + before) / 2)
        cost, claims = self._costs(product, revenue)
        table = contract_table(
            "balances",
            {
                "contract_id": codes(live, contract_ids),
                "month": dates(np.full(live.size, self._state.calendar.start(month))),
                "balance": money(balance),
                "net_flow": money(flow, rng.random(live.size, dtype=np.float32) >= MISSING_FLOWS),
                "revenue": money(revenue),
                "cost": money(cost, rng.random(live.size, dtype=np.float32) >= MISSING_COSTS),
            },
        )
        return table, client[claims]

    def _accounts(
        self, month: int, product: Ints, client: Ints, before: Floats, live: Ints, fresh: Bools
    ) -> tuple[Floats, Floats]:
        usual = np.maximum(self._contracts["principal"][live], 300.0)
        noise = usual * 0.22 * self._rng.standard_normal(live.size)
        flow = 0.25 * (usual - before) + noise + self._lumps(month, product, client, before)
        draining = self._state.draining[client]
        drained = -self._state.drain_rate[client] * before * self._rng.uniform(0.6, 1.4, live.size)
        flow = np.where(draining, drained + 0.3 * noise, flow)
        return self._settle(before, flow, np.zeros(live.size), fresh, np.full(live.size, np.inf), -0.5 * usual)

    def _savings(
        self, month: int, product: Ints, client: Ints, before: Floats, live: Ints, fresh: Bools
    ) -> tuple[Floats, Floats]:
        rng, size = self._rng, live.size
        income = np.minimum(self._state.people.income[client], 150_000.0) / 12
        usual = column("saving")[product] * income * self._contracts["factor"][live]
        flow = np.where(self._contracts["regular"][live], usual * np.exp(0.2 * rng.standard_normal(size)), 0.0)
        draw = rng.random(size)
        flow += np.where(draw < 0.025, 4 * usual + 0.1 * before, 0.0) - np.where(draw > 0.97, 0.15 * before, 0.0)
        flow += self._lumps(month, product, client, before)
        drained = -self._state.drain_rate[client] * before * rng.uniform(0.6, 1.4, size)
        flow = np.where(self._state.draining[client], drained, flow)
        # A term deposit is locked: no flow between its opening and its term.
        flow = np.where(product == INDEX["term_deposit"], 0.0, flow)
        beta = column("beta")[product]
        returns = column("interest")[product] + beta * (self._market[month] + 0.008 * rng.standard_normal(size))
        return self._settle(before, flow, before * returns, fresh, column("cap")[product], np.zeros(size))

    def _lumps(self, month: int, product: Ints, client: Ints, before: Floats) -> Floats:
        inherited = (self._state.last["inheritance"][client] == month) & _TAKES_LUMP[product]
        income = np.minimum(self._state.people.income[client], 150_000.0)
        lump = INHERITED_SHARE * income * np.exp(0.8 * self._rng.standard_normal(client.size))
        return np.where(inherited, np.maximum(lump, 0.2 * before), 0.0)

    @staticmethod
    def _settle(
        before: Floats, flow: Floats, gain: Floats, fresh: Bools, cap: Floats, floor: Floats
    ) -> tuple[Floats, Floats]:
        # In cents, so that balance = balance before + flow + market move holds for the figures written.
        flow = np.where(fresh, 0.0, flow)
        gain = np.where(fresh, 0.0, gain).round(2)
        flow = np.clip(flow, floor - before - gain, np.maximum(cap - before - gain, 0.0)).round(2)
        return np.where(fresh, before, before + flow + gain), np.where(fresh, before, flow)

    def _outstanding(self, month: int, product: Ints, live: Ints) -> Floats:
        # The annuity formula: what is owed after k of n equal instalments at i a month.
        rate = np.zeros(len(PRODUCTS))
        for name, value in CREDIT_RATE.items():
            rate[INDEX[name]] = value
        growth = 1 + rate[product]
        paid = (self._state.calendar.start(month + 1) - self._contracts["opened"][live]) / DAYS_PER_MONTH
        total = np.maximum(self._contracts["term"][live], 1)
        paid = np.clip(np.floor(paid), 0, total)
        left = 1 - (growth**paid - 1) / (growth**total - 1)
        return np.round(self._contracts["principal"][live] * left, 2)

    def note_accounts(self) -> None:
        """Enter the balances of the current accounts in the state."""
        contracts = self._contracts
        mine = contracts.live[contracts["product"][contracts.live] == INDEX["current_account"]]
        self._state.account[:] = 0.0
        self._state.account[contracts["client"][mine]] = contracts["balance"][mine]

    def _revenue(self, product: Ints, live: Ints, average: Floats) -> Floats:
        gross = (column("margin") / (1 - column("cost_ratio")))[product] / 12
        factor = self._contracts["factor"][live].astype(np.float64)
        return np.where(_BY_RATE[product], gross * np.maximum(average, 0.0), gross * factor)

    def _costs(self, product: Ints, revenue: Floats) -> tuple[Floats, Ints]:
        ratio = column("cost_ratio")[product]
        insured = _INSURANCE[product]
        cost = np.where(insured, SERVICING, ratio) * revenue
        frequency = np.maximum(column("claims")[product] / 12, 1e-9)
        hit = np.flatnonzero(insured & (self._rng.random(product.size) < frequency))
        # A claim costs, on average, what keeps the cost ratio: the longer between claims, the dearer each.
        mean = (ratio - SERVICING)[hit] * revenue[hit] / frequency[hit]
        size = np.exp(CLAIM_SPREAD * self._rng.standard_normal(hit.size) - CLAIM_SPREAD**2 / 2)
        cost[hit] += mean * size
        small = np.flatnonzero(insured & (column("claims")[product] == 0))
        cost[small] += (ratio - SERVICING)[small] * revenue[small]
        return cost, hit
