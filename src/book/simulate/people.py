"""Households and clients: who they are, before anything happens to them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from appetence.book.simulate.advisors import Advisors
from appetence.book.simulate.arrays import Bools, Floats, Floats32, Ints
from appetence.book.simulate.calendar import Calendar
from appetence.book.simulate.catalogue import TASTES

COMPANY_SHARE = 0.08
YEARLY_EXITS = 0.085
"""Of attrition, death and term together: new clients come at this rate, so that the book keeps its size."""

SOURCES = ("branch", "referral", "campaign", "web", "comparison", "household")
SOURCE_WEIGHTS = (0.34, 0.24, 0.14, 0.16, 0.12)
CHANNELS = ("branch", "phone", "email", "app")
OCCUPATIONS = ("employee", "manager", "worker", "self_employed", "civil_servant", "student", "retired", "other")
MARITAL = ("single", "married", "divorced", "widowed")
BEFORE = -10_000
"""Join month of nobody: earlier than any."""


@dataclass(frozen=True)
class People:
    """All clients ever, one entry each; those of a household stand side by side.

    Parameters
    ----------
    number
        What the client id is written from.
    role
        0 and 1: the adults of a household; 2 and more: their children.
    joined, join_month
        Day number, and month of the window (negative: before it).
    referrer
        Index of the client who made the referral, or -1.
    income, wealth
        Yearly income (turnover of a company) and net worth; `income_z`, `wealth_z`: their standardised logarithms.
    taste
        Clients × TASTES, standard normal: the unseen liking that holdings reveal.
    satisfaction, frailty
        Standard normal; the first shows in surveys, the second nowhere.
    """

    number: Ints
    company: Bools
    female: Bools
    household: Ints
    role: Ints
    advisor: Ints
    birth: Ints
    joined: Ints
    join_month: Ints
    source: Ints
    referrer: Ints
    income: Floats
    wealth: Floats
    income_z: Floats
    wealth_z: Floats
    taste: Floats32
    satisfaction: Floats
    frailty: Floats
    quality: Floats
    region: Ints
    channel: Ints
    risk: Ints

    def __len__(self) -> int:
        return self.number.size

    def ages(self, day: int) -> Floats:
        """Return ages in years at a day; a company's is that of its books and means nothing."""
        return (day - self.birth) / 365.25


def joiner_share(months: int) -> float:
    """Return the share of all clients ever who join inside the window.

    >>> round(joiner_share(48), 3)
    0.254
    """
    joiners = YEARLY_EXITS * months / 12
    return joiners / (1 + joiners)


def make_people(rng: np.random.Generator, clients: int, calendar: Calendar, advisors: Advisors) -> People:
    """Draw `clients` clients."""
    company, household, role = _households(rng, clients)
    joins_inside = rng.random(int(household.max()) + 1)[household] < joiner_share(calendar.months)
    age = _ages(rng, household, role, joins_inside)
    birth = calendar.start(0) - (age * 365.25).astype(np.int64)
    joined = _joining(rng, calendar, household, company, age, joins_inside)
    advisor = rng.integers(0, len(advisors), int(household.max()) + 1)[household]
    source, referrer = _sources(rng, joined, role)
    income_z = rng.standard_normal(clients)
    wealth_z = 0.55 * income_z + 0.83 * rng.standard_normal(clients)
    career = np.clip(0.55 + 0.012 * (age - 18), 0.5, 1.1)
    income = np.where(company, 420_000 * np.exp(1.1 * income_z), 29_000 * career * np.exp(0.5 * income_z))
    wealth = np.where(company, 0.9, np.clip(age - 15, 3, 55) / 10) * income * np.exp(0.8 * wealth_z)
    return People(
        number=np.cumsum(rng.integers(1, 180, clients)) + 10_000,
        company=company,
        female=rng.random(clients) < 0.51,
        household=household,
        role=role,
        advisor=advisor,
        birth=birth,
        joined=joined,
        join_month=calendar.month_of(joined),
        source=source,
        referrer=referrer,
        income=np.where(company | (age >= 16), income, 0.0),
        wealth=wealth,
        income_z=income_z,
        wealth_z=wealth_z,
        taste=rng.standard_normal((clients, len(TASTES)), dtype=np.float32),
        satisfaction=rng.standard_normal(clients),
        frailty=rng.standard_normal(clients),
        quality=advisors.quality[advisor],
        region=advisors.region[advisor],
        channel=_channels(rng, age),
        risk=np.clip(np.rint(2.6 + 0.7 * rng.standard_normal(clients) + 0.5 * wealth_z), 1, 5).astype(np.int64),
    )


def _households(rng: np.random.Generator, clients: int) -> tuple[Bools, Ints, Ints]:
    # No household has fewer than one client, so as many draws as clients are always enough.
    alone = rng.random(clients) < COMPANY_SHARE * 1.75  # households hold about 1.75 clients, companies stand alone
    size = np.where(alone, 1, rng.choice(5, clients, p=(0.46, 0.33, 0.13, 0.06, 0.02)) + 1)
    household = np.repeat(np.arange(clients), size)[:clients]
    first = np.r_[True, household[1:] != household[:-1]]
    start = np.maximum.accumulate(np.where(first, np.arange(clients), 0))
    return alone[household], household, np.arange(clients) - start


def _ages(rng: np.random.Generator, household: Ints, role: Ints, joins_inside: Bools) -> Floats:
    heads = np.where(joins_inside, rng.normal(37, 13, household.size), rng.normal(49, 16, household.size))
    head = np.clip(heads, 19, 91)[np.arange(household.size) - role]
    partner = np.clip(head + rng.normal(-1, 4, household.size), 19, 91)
    child = head - rng.uniform(22, 38, household.size)
    child = np.where(child < 1, np.clip(head + rng.normal(0, 3, household.size), 19, 91), child)
    return np.select([role == 0, role == 1], [head, partner], child)


def _joining(
    rng: np.random.Generator, calendar: Calendar, household: Ints, company: Bools, age: Floats, inside: Bools
) -> Ints:
    size = household.size
    years = np.minimum(rng.gamma(1.25, 8.5, size), np.where(company, 35.0, np.clip(age - 1.0, 0.3, 45.0)))
    earlier = calendar.start(0) - 1 - (years * 365.25).astype(np.int64)
    # Births after the first month of childhood: nobody joins before being born.
    weights = np.array([1.3 if calendar.of_year(t) in (0, 8) else 1.0 for t in range(calendar.months)])
    month = rng.choice(calendar.months, size, p=weights / weights.sum())
    fresh = rng.integers(calendar.starts[month], calendar.starts[month + 1])
    own = np.where(inside, fresh, earlier)
    return np.maximum(own, calendar.start(0) - (age * 365.25).astype(np.int64) + 30)


def _sources(rng: np.random.Generator, joined: Ints, role: Ints) -> tuple[Ints, Ints]:
    size = joined.size
    source = rng.choice(len(SOURCE_WEIGHTS), size, p=SOURCE_WEIGHTS)
    source = np.where((role > 0) & (rng.random(size) < 0.6), SOURCES.index("household"), source)
    # A referrer is drawn among those who joined earlier: a rank below one's own.
    order = np.argsort(joined, kind="stable")
    rank = np.empty(size, dtype=np.int64)
    rank[order] = np.arange(size)
    referrer = order[(rng.random(size) * rank).astype(np.int64)]
    wrong = (source != SOURCES.index("referral")) | (rank == 0) | (joined[referrer] >= joined)
    source = np.where((source == SOURCES.index("referral")) & wrong, SOURCES.index("branch"), source)
    return source, np.where(wrong, -1, referrer)


def _channels(rng: np.random.Generator, age: Floats) -> Ints:
    digital = 1 / (1 + np.exp((age - 48) / 10))
    draw = rng.random(age.size)
    return np.select([draw < 0.55 * digital, draw < 0.3 + 0.4 * digital, draw < 0.6 + 0.2 * digital], [3, 2, 1], 0)
