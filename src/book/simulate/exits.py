"""How contracts end: clients who leave or die, terms, contracts ended by the firm, single contracts dropped."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from appetence.book.simulate.arrays import Bools, Floats, Ints
from appetence.book.simulate.catalogue import INDEX, Money, column, which
from appetence.book.simulate.columns import NO_DAY, codes, contract_table, dates, money
from appetence.book.simulate.contracts import DEATH, INSURER, LEFT, TERM, Contracts
from appetence.book.simulate.effects import DROPPING, SEASON, effects_on
from appetence.book.simulate.hazards import recent
from appetence.book.simulate.state import State

LATE_CLOSINGS = 0.07
"""Share of closings that the firm learns of days to months later."""

INSURER_RATE = 0.0009
DEFAULT_RATES = {"home_loan": 0.00012, "consumer_loan": 0.0012}
CREDITS = which(Money.CREDIT)
_INSURANCE = column("family") == "insurance"
_LOAN, _LOAN_INSURANCE = INDEX["home_loan"], INDEX["loan_insurance"]


@dataclass
class Defaults:
    """Credits that were not repaid, collected over the months."""

    contract: list[Ints] = field(default_factory=list)
    day: list[Ints] = field(default_factory=list)
    exposure: list[Floats] = field(default_factory=list)
    recovered: list[Floats] = field(default_factory=list)

    def table(self, contract_ids: pa.Array) -> pa.Table:
        """Return the `defaults` table."""
        return contract_table(
            "defaults",
            {
                "contract_id": codes(np.concatenate(self.contract), contract_ids),
                "defaulted_on": dates(np.concatenate(self.day)),
                "exposure": money(np.concatenate(self.exposure)),
                "recovered": money(np.concatenate(self.recovered)),
            },
        )


class Exits:
    """Ends contracts month by month."""

    def __init__(
        self, state: State, contracts: Contracts, rng: np.random.Generator, delays: np.random.Generator
    ) -> None:
        self._state, self._contracts, self._rng, self._delays = state, contracts, rng, delays
        self.defaults = Defaults()

    def leave_and_die(self, clients: Ints, month: int, leaving: Floats, dying: Floats) -> None:
        """Draw who dies and who leaves, with probabilities `dying` and `leaving` (of one month, exclusive)."""
        draw = self._rng.random(clients.size)
        day = self._state.calendar.days(self._rng, month, clients.size)
        dead, left = draw < dying, (draw >= dying) & (draw < dying + leaving)
        for gone, reason in ((dead, DEATH), (left, LEFT)):
            day_of = np.full(len(self._state.people), NO_DAY)
            day_of[clients[gone]] = day[gone]
            live = self._contracts.live
            index = live[day_of[self._contracts["client"][live]] != NO_DAY]
            self._close(index, day_of[self._contracts["client"][index]], reason)
        self._note_household(clients[dead], clients[left], month)
        self._state.active[clients[dead | left]] = False

    def end_terms(self, month: int) -> None:
        """Close the contracts whose term lies in the month."""
        contracts, calendar = self._contracts, self._state.calendar
        ends = contracts["ends"][contracts.live]
        index = contracts.live[(ends != NO_DAY) & (ends < calendar.start(month + 1))]
        days = np.maximum(contracts["ends"][index], calendar.start(month))
        repaid = index[np.isin(contracts["product"][index], CREDITS)]
        self._state.last["credit_end"][contracts["client"][repaid]] = month
        self._close(index, days, TERM, delayed=False)

    def end_by_firm(self, month: int) -> None:
        """Close the contracts that the firm ends: insurance after bad risks, credits in default."""
        contracts = self._contracts
        live, product = contracts.live, contracts["product"][contracts.live]
        older = contracts["opened"][live] < self._state.calendar.start(month) - 90
        draw = self._rng.random(live.size)
        rates = np.where(_INSURANCE, INSURER_RATE, 0.0)
        for name, rate in DEFAULT_RATES.items():
            rates[INDEX[name]] = rate
        chosen = older & (draw < rates[product]) & (product != _LOAN_INSURANCE)
        index = live[chosen]
        days = self._state.calendar.days(self._rng, month, index.size)
        credit = np.isin(contracts["product"][index], CREDITS)
        exposure = contracts["balance"][index[credit]]
        self.defaults.contract.append(index[credit])
        self.defaults.day.append(days[credit])
        self.defaults.exposure.append(exposure)
        self.defaults.recovered.append(exposure * self._rng.beta(4, 2, exposure.size))
        self._close(*self._with_loan_insurance(index, days), INSURER)

    def drop_some(self, month: int) -> None:
        """Close at most one contract of each client who holds several, as the client wishes."""
        state, contracts = self._state, self._contracts
        live = contracts.live
        client, product = contracts["client"][live], contracts["product"][live]
        season = np.exp(SEASON[state.calendar.of_year(month)])
        rate = season * column("drop_rate")[product] * np.exp(self._drop_log_odds(month))[client]
        rate *= _droppable(state, client, product) & (contracts["opened"][live] < state.calendar.start(month))
        asked = live[self._rng.random(live.size) < rate]
        _, first = np.unique(contracts["client"][asked], return_index=True)
        index = asked[first]
        state.last["drop"][contracts["client"][index]] = month
        days = state.calendar.days(self._rng, month, index.size)
        self._close(*self._with_loan_insurance(index, days), LEFT)

    def retire_empty(self, clients: Ints) -> None:
        """Take those who hold nothing any more out of the book."""
        self._state.active[clients] &= self._state.held[clients].sum(axis=1) > 0

    def _drop_log_odds(self, month: int) -> Floats:
        total = np.zeros(len(self._state.people))
        for effect in effects_on(DROPPING):
            if effect.months is None:
                total += effect.log_odds * self._state.draining
            else:
                total += effect.log_odds * recent(effect, self._state.last_of(effect.trigger), month)
        return total

    def _with_loan_insurance(self, index: Ints, days: Ints) -> tuple[Ints, Ints]:
        contracts = self._contracts
        loans = contracts["product"][index] == _LOAN
        day_of = np.full(len(self._state.people), NO_DAY)
        day_of[contracts["client"][index[loans]]] = days[loans]
        live = contracts.live
        tied = live[(contracts["product"][live] == _LOAN_INSURANCE) & (day_of[contracts["client"][live]] != NO_DAY)]
        fresh = ~np.isin(tied, index)
        tied = tied[fresh]
        return np.concatenate([index, tied]), np.concatenate([days, day_of[contracts["client"][tied]]])

    def _close(self, index: Ints, days: Ints, reason: int, delayed: bool = True) -> None:
        contracts, calendar = self._contracts, self._state.calendar
        days = np.maximum(days, contracts["opened"][index] + 1)
        lag = np.rint(self._delays.exponential(25, index.size)).astype(np.int64) + 1
        late = (self._delays.random(index.size) < LATE_CLOSINGS) & delayed & (days + 1 < calendar.end)
        known = np.where(late, np.minimum(days + lag, calendar.end - 1), NO_DAY)
        contracts.close(index, days, reason, known)
        np.subtract.at(self._state.held, (contracts["client"][index], contracts["product"][index]), 1)
        contracts.sweep()

    def _note_household(self, dead: Ints, left: Ints, month: int) -> None:
        people = self._state.people
        for trigger, gone in (("death_in_family", dead), ("member_left", left)):
            mark = np.zeros(len(people), dtype=np.int64)
            mark[gone] = 1
            touched = (self._state.household_sum(mark) - mark > 0) & ~people.company
            self._state.last[trigger][touched] = month


def _droppable(state: State, client: Ints, product: Ints) -> Bools:
    # Something must remain: a home loan takes its insurance along, and a card needs its account.
    count = state.held.sum(axis=1)[client]
    most = np.where(product == _LOAN, 3, 2)
    card = (product == INDEX["current_account"]) & (state.held[client, INDEX["premium_card"]] > 0)
    return (count >= most) & ~card
