"""Offers: campaigns with a random control group, and what advisors propose in passing."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from appetence.book.simulate.arrays import Bools, Ints
from appetence.book.simulate.catalogue import COUNT, INDEX, PRODUCTS, launch_month
from appetence.book.simulate.columns import NO_DAY, codes, contract_table, dates, flags, identifiers
from appetence.book.simulate.demand import eligible
from appetence.book.simulate.people import CHANNELS
from appetence.book.simulate.state import State

HELD_OUT = 0.2
"""Share of a campaign's targets drawn into the control group."""

TARGETED = 0.22
"""Share of those who could buy that a campaign reaches (control group included)."""

EVERY = 2
"""Months between campaigns."""

OUTCOME_MONTHS = 3
BY_ADVISOR = 0.3
"""Share of reviews in which the advisor proposes something."""

ROUND = (
    "life_insurance",
    "home_insurance",
    "premium_card",
    "car_insurance",
    "per",
    "protection",
    "term_deposit",
    "health",
)
OUTCOMES = ("accepted", "refused", "none")
ID_WIDTH = 8


class Campaigns:
    """Makes offers month by month and collects them."""

    def __init__(self, state: State, rng: np.random.Generator, objects: Bools) -> None:
        """`objects`: clients who do not want marketing; campaigns leave them out."""
        self._state, self._rng, self._objects = state, rng, objects
        self._client: list[Ints] = []
        self._product: list[Ints] = []
        self._month: list[Ints] = []
        self._day: list[Ints] = []
        self._campaign: list[Ints] = []
        self._held_out: list[Bools] = []

    def draw(self, clients: Ints, month: int, reviewed: tuple[Ints, Ints]) -> None:
        """Make the offers of a month."""
        self._by_advisors(month, *reviewed)
        number, rest = divmod(month, EVERY)
        if rest == 0:
            self._campaign_of(clients, month, number)

    def _campaign_of(self, clients: Ints, month: int, number: int) -> None:
        on_sale = [name for name in ROUND if launch_month(PRODUCTS[INDEX[name]], self._state.calendar) <= month]
        product = INDEX[on_sale[number % len(on_sale)]]
        could = self._could_buy(clients, month, product) & ~self._objects[clients]
        who = clients[could & (self._rng.random(clients.size) < TARGETED)]
        held_out = self._rng.random(who.size) < HELD_OUT
        day = np.full(who.size, self._state.calendar.start(month) + 9)
        self._add(who, np.full(who.size, product), month, day, number, held_out)

    def _by_advisors(self, month: int, reviewed: Ints, days: Ints) -> None:
        mine = self._rng.random(reviewed.size) < BY_ADVISOR
        clients, days = reviewed[mine], days[mine]
        product = self._rng.integers(0, COUNT, clients.size)
        allowed = eligible(self._state, clients, month)[np.arange(clients.size), product]
        for place, item in enumerate(PRODUCTS):
            if item.needs is not None:
                allowed &= (product != place) | (self._state.held[clients, INDEX[item.needs]] > 0)
        allowed &= self._state.held[clients, product] == 0
        self._add(clients[allowed], product[allowed], month, days[allowed], -1, np.zeros(allowed.sum(), dtype=np.bool_))

    def _could_buy(self, clients: Ints, month: int, product: int) -> Bools:
        could = eligible(self._state, clients, month)[:, product] & (self._state.held[clients, product] == 0)
        needs = PRODUCTS[product].needs
        return could if needs is None else could & (self._state.held[clients, INDEX[needs]] > 0)

    def _add(self, who: Ints, product: Ints, month: int, day: Ints, campaign: int, held_out: Bools) -> None:
        self._client.append(who)
        self._product.append(product)
        self._month.append(np.full(who.size, month))
        self._day.append(day)
        self._campaign.append(np.full(who.size, campaign))
        self._held_out.append(held_out)
        self._state.last_offer[who[~held_out], product[~held_out]] = month

    def table(self, openings: Ints, client_ids: pa.Array) -> pa.Table:
        """Return the `offers` table. `openings`: rows of (client, product, day), every contract's opening."""
        client, product, month, day, campaign = (
            np.concatenate(part) for part in (self._client, self._product, self._month, self._day, self._campaign)
        )
        held_out = np.concatenate(self._held_out)
        last_month = np.minimum(month + OUTCOME_MONTHS, self._state.calendar.months - 1)
        bought = first_opening(openings, client, product, day, self._state.calendar.starts[last_month + 1])
        refused = self._rng.random(client.size) < 0.35
        answered = day + 3 + self._rng.integers(0, 20, client.size)
        known = bought != NO_DAY
        outcome = np.select([held_out, known, refused & (answered < self._state.calendar.end)], [-1, 0, 1], 2)
        order = np.lexsort((product, client, day))
        channel = np.where(campaign >= 0, np.array((2, 3, 1))[campaign % 3], 0)
        columns = {
            "offer_id": identifiers(np.arange(client.size) + 1, ID_WIDTH),
            "client_id": codes(client[order], client_ids),
            "prospect_id": pa.nulls(client.size, pa.string()),
            "product_id": codes(product[order], [item.product_id for item in PRODUCTS]),
            "made_on": dates(day[order]),
            "channel": codes(channel[order], CHANNELS),
            "campaign_id": identifiers(np.where(campaign >= 0, campaign + 1, -1)[order], 3),
            "held_out": flags(held_out[order], (campaign >= 0)[order]),
            "outcome": codes(outcome[order], OUTCOMES),
            "outcome_on": dates(np.select([outcome == 0, outcome == 1], [bought, answered], NO_DAY)[order]),
        }
        return contract_table("offers", columns)


def first_opening(openings: Ints, client: Ints, product: Ints, after: Ints, before: Ints) -> Ints:
    """Return the day of the first opening strictly after `after` and before `before`, NO_DAY where there is none."""

    def key(clients: Ints, products: Ints, days: Ints) -> Ints:
        return (clients.astype(np.int64) * COUNT + products) * 2**20 + days

    keys = np.sort(key(*openings.T))
    wanted = key(client, product, after)
    place = np.minimum(np.searchsorted(keys, wanted, side="right"), keys.size - 1)
    found = keys[place]
    hit = (found > wanted) & (found < key(client, product, before))
    return np.where(hit, found & (2**20 - 1), NO_DAY)
