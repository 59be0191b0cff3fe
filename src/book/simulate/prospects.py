"""Prospects, from identified to client or lost, and the offers made to them."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from appetence.book.contract import TABLES
from appetence.book.simulate.advisors import Advisors
from appetence.book.simulate.arrays import Ints
from appetence.book.simulate.calendar import Calendar
from appetence.book.simulate.catalogue import PRODUCTS
from appetence.book.simulate.columns import NO_DAY, codes, contract_table, dates, flags, identifiers
from appetence.book.simulate.people import CHANNELS, COMPANY_SHARE, SOURCE_WEIGHTS, SOURCES, People

STATUSES = TABLES["prospect_status"].by_name["status"].values
COMPETITORS = ("une banque en ligne", "une mutuelle", "un courtier", "une autre banque", "un comparateur")
ID_WIDTH = 7
THROUGH_PROSPECTS = 0.7
"""Share of the new clients who were prospects before."""

PER_CLIENT = 2.2
"""Prospects who did not become clients, per one who did."""

REACHED = (0.30, 0.28, 0.24, 0.18)
"""Last step reached, of those who do not become clients: identified, qualified, contacted, engaged."""

MEAN_STEP = 24.0
_CLIENT, _LOST = STATUSES.index("client"), STATUSES.index("lost")


class Prospects:
    """All prospects of the window."""

    def __init__(self, rng: np.random.Generator, people: People, calendar: Calendar, advisors: Advisors) -> None:
        self._rng, self._calendar, self._advisors = rng, calendar, advisors
        joiners = np.flatnonzero(people.join_month >= 0)
        won = joiners[rng.random(joiners.size) < THROUGH_PROSPECTS]
        others = int(PER_CLIENT * won.size) + 3
        self._client = np.r_[won, np.full(others, -1)]
        size = self._client.size
        self._company = np.r_[people.company[won], rng.random(others) < COMPANY_SHARE]
        self._advisor = np.r_[people.advisor[won], rng.integers(0, len(advisors), others)]
        wild = rng.choice(len(SOURCE_WEIGHTS), others, p=SOURCE_WEIGHTS)
        self._source = np.r_[people.source[won], wild]
        self._steps = np.maximum(1, np.rint(rng.exponential(MEAN_STEP, (size, 4)))).astype(np.int64)
        before = self._steps.sum(axis=1)
        identified = rng.integers(calendar.start(0), calendar.end, size)
        self._identified = np.where(self._client >= 0, people.joined[self._client] - before, identified)

    def _ids(self, index: Ints) -> pa.Array:
        return identifiers(index + 1, ID_WIDTH)

    def table(self, client_ids: pa.Array) -> pa.Table:
        """Return the `prospects` table."""
        every = np.arange(self._client.size)
        return contract_table(
            "prospects",
            {
                "prospect_id": self._ids(every),
                "advisor_id": self._advisors.ids(np.where(self._rng.random(every.size) < 0.05, -1, self._advisor)),
                "kind": codes(self._company.astype(np.int64), ("person", "company")),
                "identified_on": dates(self._identified),
                "source": codes(self._source, SOURCES),
                "became_client_id": codes(self._client, client_ids),
            },
        )

    def status_table(self) -> pa.Table:
        """Return the `prospect_status` table: each step, and the competitor of a prospect lost."""
        size = self._client.size
        won = self._client >= 0
        reached = np.where(won, 4, self._rng.choice(4, size, p=REACHED))
        days = self._identified[:, None] + np.concatenate(
            [np.zeros((size, 1), np.int64), self._steps.cumsum(1)], axis=1
        )
        row, status = np.nonzero(np.arange(5) <= reached[:, None])
        day = days[row, status]
        lost = np.flatnonzero(~won & (self._rng.random(size) < 0.45))
        row, status = np.r_[row, lost], np.r_[status, np.full(lost.size, _LOST)]
        day = np.r_[day, days[lost, reached[lost]] + self._rng.integers(5, 90, lost.size)]
        competitor = np.where(status == _LOST, self._rng.integers(0, len(COMPETITORS), row.size), -1)
        seen = day < self._calendar.end
        row, status, day, competitor = row[seen], status[seen], day[seen], competitor[seen]
        order = np.lexsort((status, day, row))
        return contract_table(
            "prospect_status",
            {
                "prospect_id": self._ids(row[order]),
                "status": codes(status[order], STATUSES),
                "known_on": dates(day[order]),
                "competitor": codes(competitor[order], COMPETITORS),
            },
        )

    def offers_table(self, first_number: int) -> pa.Table:
        """Return offers to some prospects, numbered on from `first_number`."""
        who = np.flatnonzero(self._rng.random(self._client.size) < 0.25)
        day = self._identified[who] + self._rng.integers(3, 60, who.size)
        who, day = who[day < self._calendar.end], day[day < self._calendar.end]
        order = np.argsort(day, kind="stable")
        who, day, size = who[order], day[order], who.size
        product = self._rng.choice([place for place, item in enumerate(PRODUCTS) if item.needs is None], size)
        return contract_table(
            "offers",
            {
                "offer_id": identifiers(np.arange(size) + first_number, 8),
                "client_id": pa.nulls(size, pa.string()),
                "prospect_id": self._ids(who),
                "product_id": codes(product, [item.product_id for item in PRODUCTS]),
                "made_on": dates(day),
                "channel": codes(self._rng.integers(0, len(CHANNELS), size), CHANNELS),
                "campaign_id": pa.nulls(size, pa.string()),
                "held_out": flags(np.zeros(size), np.zeros(size, dtype=np.bool_)),
                "outcome": codes(np.full(size, 2), ("accepted", "refused", "none")),
                "outcome_on": dates(np.full(size, NO_DAY)),
            },
        )
