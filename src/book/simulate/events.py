"""Life events: when they happen, and when — if ever — the firm hears of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from appetence.book.simulate.arrays import Floats, Ints
from appetence.book.simulate.columns import codes, contract_table, dates
from appetence.book.simulate.people import MARITAL
from appetence.book.simulate.state import EVENTS, State

SOURCES = ("questionnaire", "crm", "inferred")
RECORDED = 0.75
"""Share of events that the firm ever hears of."""

MEAN_LAG = np.array([75.0, 14.0, 35.0])
"""Mean days from the event to its being known, by source."""

_SHARED = ("birth", "marriage", "divorce", "new_home", "move")


@dataclass(frozen=True)
class _Rate:
    yearly: float
    peak: float
    width: float


_RATES = {
    "birth": _Rate(0.085, 31, 5),
    "marriage": _Rate(0.060, 31, 8),
    "divorce": _Rate(0.026, 43, 10),
    "death_in_family": _Rate(0.028, 58, 13),
    "inheritance": _Rate(0.020, 57, 12),
    "graduation": _Rate(0.170, 23, 2.5),
    "new_home": _Rate(0.050, 35, 10),
    "move": _Rate(0.085, 30, 14),
    "job_change": _Rate(0.120, 32, 11),
    "retirement": _Rate(0.300, 64, 2.0),
}


class LifeEvents:
    """Draws the events of each month and collects those that the firm hears of."""

    def __init__(self, state: State, rng: np.random.Generator) -> None:
        self._state, self._rng = state, rng
        self._client: list[Ints] = []
        self._kind: list[Ints] = []
        self._day: list[Ints] = []

    def draw(self, clients: Ints, month: int) -> None:
        """Draw the events of a month among active clients and enter them in the state."""
        state = self._state
        age = state.people.ages(state.calendar.start(month))[clients]
        adult = ~state.people.company[clients] & (age >= 17)
        clients, age = clients[adult], age[adult]
        mates = self._mates(clients)
        for number, kind in enumerate(EVENTS):
            chance = self._chance(kind, clients, age, mates)
            hit = self._rng.random(clients.size) < chance
            if kind in _SHARED:
                hit |= hit[mates] & (chance > 0)
            who = clients[hit]
            state.last[kind][who] = month
            self._enter(kind, who)
            if kind == "death_in_family":
                # Deaths of clients in the household, drawn with the exits, are events of the others.
                who = clients[state.last[kind][clients] == month]
            self._client.append(who)
            self._kind.append(np.full(who.size, number))
            self._day.append(self._days(kind, who, month))

    def _mates(self, clients: Ints) -> Ints:
        # Place of the partner among the same clients, one's own where there is none.
        people = self._state.people
        place = np.arange(clients.size)
        same = (people.household[clients[1:]] == people.household[clients[:-1]]) & (people.role[clients[1:]] == 1)
        second = np.flatnonzero(same & (people.role[clients[:-1]] == 0)) + 1
        place[second], place[second - 1] = second - 1, second
        return place

    def _chance(self, kind: str, clients: Ints, age: Floats, mates: Ints) -> Floats:
        state, rate = self._state, _RATES[kind]
        chance = rate.yearly / 12 * np.exp(-(((age - rate.peak) / rate.width) ** 2) / 2)
        if kind in _SHARED:
            # Either of a couple may bring it about.
            chance = np.where(mates != np.arange(clients.size), chance / 2, chance)
        married = state.marital[clients] == MARITAL.index("married")
        if kind == "marriage":
            chance = chance * ~married
        elif kind == "divorce":
            chance = chance * married
        elif kind == "retirement":
            chance = np.where(age > 67, rate.yearly / 12, chance) * ~state.retired[clients] * (age > 58)
        return chance

    def _enter(self, kind: str, who: Ints) -> None:
        state = self._state
        if kind == "birth":
            state.children[who] += 1
        elif kind == "marriage":
            state.marital[who] = MARITAL.index("married")
        elif kind == "divorce":
            state.marital[who] = MARITAL.index("divorced")
        elif kind == "retirement":
            state.retired[who] = True

    def _days(self, kind: str, who: Ints, month: int) -> Ints:
        calendar, people = self._state.calendar, self._state.people
        first, length = calendar.start(month), calendar.start(month + 1) - calendar.start(month)
        if kind not in _SHARED:
            return calendar.days(self._rng, month, who.size)
        # Both of a couple have the day of their household.
        return first + (people.household[who] * 7 + month * 11) % length

    def table(self, client_ids: pa.Array) -> pa.Table:
        """Return the `life_events` table: what the firm had heard of by the end of the window."""
        client, kind, day = (np.concatenate(parts) for parts in (self._client, self._kind, self._day))
        source = self._rng.choice(3, client.size, p=(0.35, 0.45, 0.20))
        known = day + np.rint(self._rng.exponential(MEAN_LAG[source])).astype(np.int64)
        heard = (self._rng.random(client.size) < RECORDED) & (known < self._state.calendar.end)
        order = np.flatnonzero(heard)[np.lexsort((kind[heard], client[heard], known[heard]))]
        return contract_table(
            "life_events",
            {
                "client_id": codes(client[order], client_ids),
                "kind": codes(kind[order], EVENTS),
                "occurred_on": dates(day[order]),
                "known_on": dates(known[order]),
                "source": codes(np.where(self._rng.random(order.size) < 0.03, -1, source[order]), SOURCES),
            },
        )
