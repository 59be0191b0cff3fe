"""What clients declare, what they consent to, and what only the fairness audit may read."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from appetence.book.contract import TABLES
from appetence.book.simulate.arrays import Bools, Ints
from appetence.book.simulate.columns import codes, contract_table, dates, flags, integers, money
from appetence.book.simulate.names import REGIONS
from appetence.book.simulate.people import CHANNELS, MARITAL, OCCUPATIONS, People
from appetence.book.simulate.state import State

MISSING = {"income": 0.15, "net_worth": 0.30, "marital_status": 0.05, "children": 0.08, "occupation": 0.10}
MISSING |= {"risk_tolerance": 0.35, "region": 0.01, "preferred_channel": 0.20}
PURPOSES = TABLES["consents"].by_name["purpose"].values
OBJECTIONS = (0.025, 0.12, 0.08)
"""Share of clients who object from the start, by purpose."""

YEARLY_WITHDRAWALS = 0.006
ASKED = 0.7
"""Share of clients with a row per purpose; the others were never asked."""


class Facts:
    """Collects what clients declare: on joining, then at some of the reviews."""

    def __init__(self, state: State, rng: np.random.Generator) -> None:
        self._state, self._rng = state, rng
        self._parts: list[dict[str, np.ndarray]] = []
        people = state.people
        start = state.calendar.start(0)
        old = people.join_month < 0
        # Of those who joined long ago, the newest declaration before the window; older ones are archived.
        back = start - 1 - rng.integers(0, 900, len(people))
        self._first = np.where(old, np.maximum(back, people.joined), people.joined)

    def declare_first(self, clients: Ints, month: int) -> None:
        """Take the declarations of those who are new to the book."""
        self._declare(clients, self._first[clients], month)

    def declare_at_reviews(self, reviewed: tuple[Ints, Ints], month: int) -> None:
        """Take new declarations at some reviews, entered a few days later."""
        clients, days = reviewed
        mine = (self._rng.random(clients.size) < 0.6) & (days > self._first[clients])
        entered = days[mine] + self._rng.integers(0, 5, mine.sum())
        inside = entered < self._state.calendar.end
        self._declare(clients[mine][inside], entered[inside], month)

    def _declare(self, clients: Ints, known: Ints, month: int) -> None:
        state, people = self._state, self._state.people
        size = clients.size
        growth = (1.02 ** (month / 12)) * np.where(state.retired[clients], 0.75, 1.0)
        stated = np.exp(0.06 * self._rng.standard_normal(size))
        self._parts.append(
            {
                "client": clients,
                "known": known,
                "income": np.round(people.income[clients] * growth * stated, -2),
                "net_worth": np.round(people.wealth[clients] * (1 + 0.002 * month) * stated, -3),
                "marital": np.where(people.company[clients], -1, state.marital[clients]),
                "children": np.where(people.company[clients], -1, np.minimum(state.children[clients], 9)),
                "occupation": _occupations(state, clients, month),
            }
        )

    def table(self, client_ids: pa.Array) -> pa.Table:
        """Return the `client_facts` table; the last of two declarations of a day counts."""
        parts = {name: np.concatenate([part[name] for part in self._parts]) for name in self._parts[0]}
        order = np.lexsort((np.arange(parts["client"].size), parts["known"], parts["client"]))
        client, known = parts["client"][order], parts["known"][order]
        last = np.r_[(client[1:] != client[:-1]) | (known[1:] != known[:-1]), True]
        order = order[last]
        parts = {name: column[order] for name, column in parts.items()}
        people, client = self._state.people, parts["client"]
        there = {name: self._rng.random(client.size) >= share for name, share in MISSING.items()}
        person = ~people.company[client]
        return contract_table(
            "client_facts",
            {
                "client_id": codes(client, client_ids),
                "known_on": dates(parts["known"]),
                "income": money(parts["income"], there["income"]),
                "net_worth": money(parts["net_worth"], there["net_worth"]),
                "marital_status": codes(np.where(there["marital_status"], parts["marital"], -1), MARITAL),
                "children": integers(parts["children"], there["children"] & (parts["children"] >= 0)),
                "occupation": codes(np.where(there["occupation"] & person, parts["occupation"], -1), OCCUPATIONS),
                "risk_tolerance": integers(people.risk[client], there["risk_tolerance"]),
                "region": codes(np.where(there["region"], people.region[client], -1), [name for name, _ in REGIONS]),
                "preferred_channel": codes(np.where(there["preferred_channel"], people.channel[client], -1), CHANNELS),
            },
        )


def _occupations(state: State, clients: Ints, month: int) -> Ints:
    people = state.people
    age = people.ages(state.calendar.start(month))[clients]
    manager = people.income_z[clients] > 0.7
    other = np.array((0, 2, 3, 4, 7))[(people.number[clients] * 31 + 7) % 5]
    work = np.where(manager, OCCUPATIONS.index("manager"), other)
    work = np.where(age < 23, OCCUPATIONS.index("student"), work)
    return np.where(state.retired[clients], OCCUPATIONS.index("retired"), work)


def protected_table(people: People, client_ids: pa.Array) -> pa.Table:
    """Return the `protected` table: persons only."""
    persons = np.flatnonzero(~people.company)
    gender = codes(people.female[persons].astype(np.int64), ("male", "female"))
    return contract_table("protected", {"client_id": codes(persons, client_ids), "gender": gender})


class Consents:
    """Draws who objects to what from when, once and for the whole window."""

    def __init__(self, state: State, rng: np.random.Generator) -> None:
        people, calendar = state.people, state.calendar
        size = len(people)
        self._end = calendar.end
        asked = rng.random((size, 3)) < ASKED
        objects = rng.random((size, 3)) < OBJECTIONS
        self.no_marketing: Bools = objects[:, PURPOSES.index("marketing")]
        client, purpose = np.nonzero(asked | objects)
        self._rows = [(client, purpose, people.joined[client], ~objects[client, purpose])]
        withdrawn = rng.random((size, 3)) < YEARLY_WITHDRAWALS * calendar.months / 12
        self._change(rng, withdrawn & ~objects, people.joined, calendar.start(0), granted=False)
        returned = objects & (rng.random((size, 3)) < 0.1)
        self._change(rng, returned, people.joined, calendar.start(0), granted=True)

    def _change(self, rng: np.random.Generator, who: Bools, joined: Ints, start: int, granted: bool) -> None:
        client, purpose = np.nonzero(who)
        first = np.maximum(joined[client], start) + 1
        fits = first < self._end
        client, purpose, first = client[fits], purpose[fits], first[fits]
        known = rng.integers(first, self._end)
        self._rows.append((client, purpose, known, np.full(client.size, granted)))

    def table(self, client_ids: pa.Array) -> pa.Table:
        """Return the `consents` table."""
        client, purpose, known, granted = (np.concatenate(part) for part in zip(*self._rows, strict=True))
        order = np.lexsort((known, purpose, client))
        return contract_table(
            "consents",
            {
                "client_id": codes(client[order], client_ids),
                "purpose": codes(purpose[order], PURPOSES),
                "known_on": dates(known[order]),
                "granted": flags(granted[order]),
            },
        )
