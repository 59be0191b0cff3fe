"""The true state of every client as the months go by."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from appetence.book.simulate.arrays import Bools, Floats, Ints, Months, Numbers
from appetence.book.simulate.calendar import Calendar
from appetence.book.simulate.catalogue import COUNT, INDEX
from appetence.book.simulate.people import BEFORE, SOURCES, People

EVENTS = (
    "birth",
    "marriage",
    "divorce",
    "death_in_family",
    "inheritance",
    "graduation",
    "new_home",
    "move",
    "job_change",
    "retirement",
)
PROJECTS = ("project_home", "project_car", "project_retirement", "project_savings")
CONTACTS = ("complaint", "competitor", "fees", "contact", "claim")
CHANGES = ("drop", "credit_end", "member_left")
LIQUID_FROM = 12_000.0


@dataclass
class State:
    """What is true at the start of a month; everything here is one entry per client.

    Parameters
    ----------
    last
        Trigger → month when it last happened (BEFORE: never).
    held
        Clients × products: contracts in force.
    last_open, last_offer
        Clients × products: month of the last opening, and of the last offer that was really made.
    opened_day
        Clients × products: day of the last opening.
    drain_rate
        Share of the balances taken out each month while `draining`.
    account
        Balance of the current accounts.
    """

    people: People
    calendar: Calendar
    active: Bools = field(init=False)
    last: dict[str, Months] = field(init=False)
    held: Numbers = field(init=False)
    last_open: Months = field(init=False)
    opened_day: Numbers = field(init=False)
    last_offer: Months = field(init=False)
    draining: Bools = field(init=False)
    drain_rate: Floats = field(init=False)
    account: Floats = field(init=False)
    marital: Ints = field(init=False)
    children: Ints = field(init=False)
    retired: Bools = field(init=False)

    def __post_init__(self) -> None:
        people, size = self.people, len(self.people)
        never = np.full(size, BEFORE, dtype=np.int16)
        self.last = {name: never.copy() for name in (*EVENTS, *PROJECTS, *CONTACTS, *CHANGES)}
        self.last["joined"] = people.join_month.clip(BEFORE).astype(np.int16)
        self.active = np.zeros(size, dtype=np.bool_)
        self.held = np.zeros((size, COUNT), dtype=np.int8)
        self.last_open = np.full((size, COUNT), BEFORE, dtype=np.int16)
        self.last_offer = self.last_open.copy()
        self.opened_day = np.zeros((size, COUNT), dtype=np.int32)
        self.draining = np.zeros(size, dtype=np.bool_)
        self.drain_rate = np.zeros(size)
        self.account = np.zeros(size)
        self.marital = np.zeros(size, dtype=np.int64)
        self.children = np.zeros(size, dtype=np.int64)
        self.retired = np.zeros(size, dtype=np.bool_)

    def last_of(self, trigger: str) -> Months:
        """Return the month when a trigger last happened; `bought_<product>` is one as well."""
        if trigger.startswith("bought_"):
            return self.last_open[:, INDEX[trigger.removeprefix("bought_")]]
        return self.last[trigger]

    def traits(self, clients: Ints, month: int) -> dict[str, Floats]:
        """Return the traits of some clients that effects refer to, by name."""
        people = self.people
        age = people.ages(self.calendar.start(month))[clients]
        company = people.company[clients]
        held = self.held[clients]
        return {
            "draining": self.draining[clients],
            "multi_holding": np.clip((held > 0).sum(axis=1), 1, 5) - 1,
            "home_loan": held[:, INDEX["home_loan"]] > 0,
            "current_account": held[:, INDEX["current_account"]] > 0,
            "long_tenure": month - people.join_month[clients] > 120,
            "young": ~company & (age >= 18) & (age < 30),
            "senior": ~company & (age >= 65),
            "minor": ~company & (age < 18),
            "referred": people.source[clients] == SOURCES.index("referral"),
            "comparison": people.source[clients] == SOURCES.index("comparison"),
            "satisfaction": people.satisfaction[clients],
            "advisor_quality": people.quality[clients],
            "frailty": people.frailty[clients],
        }

    def household_sum(self, values: Numbers) -> Numbers:
        """Return, for each client, the sum of the household's values (the client's own included)."""
        household = self.people.household
        starts = np.flatnonzero(np.r_[True, household[1:] != household[:-1]])
        sizes = np.diff(np.r_[starts, household.size])
        return np.repeat(np.add.reduceat(values, starts, axis=0), sizes, axis=0)


def initial_state(rng: np.random.Generator, people: People, calendar: Calendar) -> State:
    """Return the state before the first month: nobody holds anything yet, families stand as they are."""
    state = State(people, calendar)
    age = people.ages(calendar.start(0))
    adult = ~people.company & (age >= 20)
    couple = state.household_sum(((people.role < 2) & adult).astype(np.int64)) >= 2
    # Both of a couple have one status and the same children: the second takes what is drawn for the first.
    first = np.arange(age.size) - (couple & (people.role == 1))
    married = adult & (people.role < 2) & (rng.random(age.size)[first] < np.where(couple, 0.75, 0.2))
    divorced = adult & ~married & (rng.random(age.size) < np.clip((age - 28) / 90, 0, 0.35))
    widowed = adult & ~married & ~divorced & (rng.random(age.size) < np.clip((age - 60) / 60, 0, 0.5))
    state.marital = np.select([married, divorced, widowed], [1, 2, 3], 0)
    chance = np.clip(1 - np.abs(age - 41) / 18, 0, 1) * 1.3
    state.children = np.where(adult, rng.poisson(chance)[first], 0)
    state.retired = ~people.company & (age > 62 + rng.uniform(0, 5, age.size))
    reached = rng.integers(1, 19, age.size)
    state.last["contact"] = np.maximum(-reached, state.last["joined"]).astype(np.int16)
    state.last["contact"][people.join_month >= 0] = BEFORE
    return state
