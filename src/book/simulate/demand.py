"""Who buys what: monthly probabilities per client and product from the true state."""

from __future__ import annotations

import numpy as np

from appetence.book.simulate.arrays import Bools, Floats, Floats32, Ints, Months, Numbers
from appetence.book.simulate.catalogue import COUNT, INDEX, PRODUCTS, TASTES, launch_month
from appetence.book.simulate.effects import ANY_PRODUCT, JOINT_SALE, SEASON, Effect, effects_on, log_odds
from appetence.book.simulate.hazards import ahead_log_odds, recent
from appetence.book.simulate.state import LIQUID_FROM, State

TASTE = 0.55
"""Log-odds per standard deviation of taste."""

REPEAT = -1.8
"""Log-odds of a second contract of a product that is already held."""

HORIZON = 6
_LOAN, _LOAN_INSURANCE = INDEX["home_loan"], INDEX["loan_insurance"]


def eligible(state: State, clients: Ints, month: int) -> Bools:
    """Return clients × products: may buy by age, kind and launch (holdings aside)."""
    age = state.people.ages(state.calendar.start(month))[clients]
    company = state.people.company[clients]
    allowed = np.empty((clients.size, COUNT), dtype=np.bool_)
    for index, product in enumerate(PRODUCTS):
        of_age = ~company & (age >= product.ages[0]) & (age < product.ages[1] + 1)
        on_sale = month >= launch_month(product, state.calendar)
        allowed[:, index] = (of_age if product.persons_only else of_age | company) & on_sale
    return allowed


def smooth_demand(state: State, clients: Ints, month: int) -> Floats32:
    """Return the log-odds, clients × products, that age, income, wealth and taste make."""
    people = state.people
    age = people.ages(state.calendar.start(month))[clients].astype(np.float32)
    company = people.company[clients]
    income, wealth = (z[clients].astype(np.float32) for z in (people.income_z, people.wealth_z))
    total = np.empty((clients.size, COUNT), dtype=np.float32)
    for index, product in enumerate(PRODUCTS):
        distance = (age - np.float32(product.age_peak)) / np.float32(product.age_width)
        by_age = np.where(company, np.float32(-0.3), np.maximum(np.float32(0.5) - distance**2 / 2, np.float32(-3)))
        rate = product.monthly_rate
        total[:, index] = by_age + np.float32(np.log(rate / (1 - rate)))
        total[:, index] += np.float32(product.income) * income + np.float32(product.wealth) * wealth
        total[:, index] += np.float32(TASTE) * people.taste[clients, TASTES.index(product.taste)]
    return total


class Demand:
    """Log-odds of buying of some clients, in the month of the state and the months after."""

    def __init__(self, state: State, clients: Ints, month: int) -> None:
        self._state, self._clients, self._month = state, clients, month
        held = state.held[clients]
        most = np.array([product.most for product in PRODUCTS])
        self._allowed = eligible(state, clients, month) & (held < most)
        for index, product in enumerate(PRODUCTS):
            if product.needs is not None:
                self._allowed[:, index] &= held[:, INDEX[product.needs]] > 0
        self._fixed = smooth_demand(state, clients, month)
        self._fixed += np.float32(REPEAT) * (held > 0)
        self._fixed += self._traits(held)
        self._recent = [(effect, state.last_of(effect.trigger)[clients]) for effect in _BY_TRIGGER]
        self._offered = state.last_offer[clients]

    def _traits(self, held: Numbers) -> Floats32:
        state, clients = self._state, self._clients
        mates = (state.household_sum(state.held.astype(np.int16))[clients] - held) > 0
        total = np.float32(log_odds(ANY_PRODUCT, "household")) * mates
        total += np.float32(log_odds(ANY_PRODUCT, "draining")) * state.draining[clients, None]
        main_bank = np.repeat(held[:, [INDEX["current_account"]]] > 0, COUNT, axis=1)
        main_bank[:, INDEX["current_account"]] = False
        total += np.float32(log_odds(ANY_PRODUCT, "main_bank")) * main_bank
        liquid = state.account[clients] > LIQUID_FROM
        for index, product in enumerate(PRODUCTS):
            for effect in effects_on(product.product_id):
                if effect.trigger == "liquid":
                    total[liquid, index] += np.float32(effect.log_odds)
        return total

    def probabilities(self, ahead: int = 0) -> Floats32:
        """Return the probability of buying in the month, `ahead` months on, clients × products, for those who stay."""
        month = self._month + ahead
        total = self._fixed + np.float32(SEASON[self._state.calendar.of_year(month)])
        for effect, last in self._recent:
            columns = slice(None) if effect.question == ANY_PRODUCT else INDEX[effect.question]
            self._add_recent(total, columns, effect, last, ahead)
        for index in range(COUNT):
            self._add_recent(total, index, _OFFERED, self._offered[:, index], ahead)
        buying = np.where(self._allowed, 1 / (1 + np.exp(-total)), np.float32(0))
        buying[:, _LOAN_INSURANCE] += np.float32(JOINT_SALE) * buying[:, _LOAN]
        return buying

    def _add_recent(self, total: Floats32, columns: slice | int, effect: Effect, last: Months, ahead: int) -> None:
        # Most effects act on few clients: now, adding to those alone is several times faster.
        if ahead == 0:
            total[np.flatnonzero(recent(effect, last, self._month)), columns] += np.float32(effect.log_odds)
            return
        added = ahead_log_odds(effect, last, self._month, ahead).astype(np.float32)
        total[:, columns] += added[:, None] if isinstance(columns, slice) else added

    def within(self, survival: list[Floats]) -> Floats32:
        """Return P(buy within HORIZON months), given the survival to the start of each month ahead."""
        none = np.ones_like(self._fixed)
        for ahead in range(HORIZON):
            none *= 1 - self.probabilities(ahead) * survival[ahead][:, None].astype(np.float32)
        return 1 - none


_BY_TRIGGER = tuple(
    effect
    for question in (ANY_PRODUCT, *INDEX)
    for effect in effects_on(question)
    if effect.months is not None and effect.trigger != "offered"
)
_OFFERED = next(effect for effect in effects_on(ANY_PRODUCT) if effect.trigger == "offered")
