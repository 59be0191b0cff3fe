"""What clients held before the window, and what a new client takes on joining."""

from __future__ import annotations

import numpy as np

from appetence.book.simulate.arrays import Bools, Floats, Ints
from appetence.book.simulate.calendar import DAYS_PER_MONTH
from appetence.book.simulate.catalogue import COUNT, INDEX, PRODUCTS, column
from appetence.book.simulate.contracts import (
    TERM,
    Contracts,
    align_loan_insurance,
    needed_products,
    open_contracts,
)
from appetence.book.simulate.demand import eligible, smooth_demand
from appetence.book.simulate.effects import JOINT_SALE
from appetence.book.simulate.state import State

KEPT = 0.75
"""Share of the contracts bought before the window that are still in force, roughly."""

LONGEST = 120
"""Months of tenure that count for what was bought before the window."""

BASKET = 14.0
"""Months' worth of buying that a new client does on the first day, beside the first product."""

PAST_LOANS = 0.12
_LOAN, _LOAN_INSURANCE, _CONSUMER = INDEX["home_loan"], INDEX["loan_insurance"], INDEX["consumer_loan"]


def open_history(rng: np.random.Generator, state: State, contracts: Contracts) -> None:
    """Open what the clients of the first month hold, and loans that some repaid before it."""
    people, start = state.people, state.calendar.start(0)
    clients = np.flatnonzero(people.join_month < 0)
    tenure = np.minimum(-people.join_month[clients], LONGEST)
    wanted, entry = _first_products(rng, state, clients, 0, KEPT * tenure, old=tenure > 96)
    row, product = np.nonzero(wanted)
    longest = np.array([max(p.terms, default=1200) for p in PRODUCTS])[product] * DAYS_PER_MONTH * 0.8
    span = np.minimum(start - people.joined[clients[row]], longest)
    opened = start - 1 - (rng.random(row.size) * span).astype(np.int64)
    opened = np.where(product == entry[row], people.joined[clients[row]], opened)
    opened = np.clip(opened, people.joined[clients[row]], start - 1)
    _open_all(rng, state, contracts, clients[row], product, opened)
    index = np.arange(len(contracts))
    _set_terms_ahead(rng, contracts, index, start)
    _open_past_loans(rng, state, contracts, clients)


def open_first_contracts(rng: np.random.Generator, state: State, contracts: Contracts, month: int) -> Ints:
    """Open the first contracts of those who join in a month, on the day they join; return the clients."""
    clients = np.flatnonzero(state.people.join_month == month)
    wanted, _ = _first_products(
        rng, state, clients, month, np.full(clients.size, BASKET), old=np.zeros(clients.size, bool)
    )
    row, product = np.nonzero(wanted)
    _open_all(rng, state, contracts, clients[row], product, state.people.joined[clients[row]])
    state.active[clients] = True
    return clients


def _first_products(
    rng: np.random.Generator, state: State, clients: Ints, month: int, exposure: Floats, old: Bools
) -> tuple[Bools, Ints]:
    company = state.people.company[clients]
    allowed = eligible(state, clients, month)
    entries = np.column_stack([column("entry"), column("company_entry")])
    weights = entries[:, company.astype(np.int64)].T * allowed
    # A credit taken by an old client is repaid by now: the first product was another.
    for credit in (_LOAN, _CONSUMER):
        weights[old, credit] = 0
    # Where nothing fits, a child: the savings account.
    weights[weights.sum(axis=1) == 0, INDEX["livret_a"]] = 1
    shares = np.cumsum(weights, axis=1) / weights.sum(axis=1, keepdims=True)
    entry = (rng.random((clients.size, 1)) > shares).sum(axis=1).clip(max=COUNT - 1)
    rate = 1 / (1 + np.exp(-smooth_demand(state, clients, month).astype(np.float64)))
    wanted = allowed & (rng.random(rate.shape) < 1 - np.exp(-rate * exposure[:, None]))
    joint = wanted[:, _LOAN] & (rng.random(clients.size) < JOINT_SALE)
    wanted[np.arange(clients.size), entry] = True
    wanted[:, _LOAN_INSURANCE] |= joint
    for product, needed in needed_products():
        wanted[:, product] &= wanted[:, needed]
    return wanted, entry


def _open_all(
    rng: np.random.Generator, state: State, contracts: Contracts, clients: Ints, product: Ints, opened: Ints
) -> None:
    insurance = np.flatnonzero(product == _LOAN_INSURANCE)
    loans = np.flatnonzero(product == _LOAN)
    place = np.searchsorted(clients[loans], clients[insurance])  # rows run by client, and one client has one loan
    opened = opened.copy()
    opened[insurance] = opened[loans[place]]
    index = open_contracts(contracts, rng, clients, product, opened, state.people.income[clients])
    align_loan_insurance(contracts, index[loans[place]], index[insurance])
    note_openings(state, clients, product, opened)


def note_openings(state: State, clients: Ints, product: Ints, opened: Ints) -> None:
    """Enter openings in the state."""
    np.add.at(state.held, (clients, product), 1)
    state.last_open[clients, product] = state.calendar.month_of(opened)
    state.opened_day[clients, product] = opened


def _set_terms_ahead(rng: np.random.Generator, contracts: Contracts, index: Ints, start: int) -> None:
    # What is in force at the start has its term after it: terms that would have passed are drawn anew.
    product, ends = contracts["product"][index], contracts["ends"][index]
    for place in (_LOAN, _CONSUMER):
        late = index[(product == place) & (ends <= start)]
        left = rng.integers(31, 720, late.size)
        contracts["ends"][late] = start + left
        contracts["term"][late] = np.ceil((start + left - contracts["opened"][late]) / DAYS_PER_MONTH)
    insurance = index[product == _LOAN_INSURANCE]
    loans = index[product == _LOAN]
    order = loans[np.argsort(contracts["client"][loans], kind="stable")]
    match = np.searchsorted(contracts["client"][order], contracts["client"][insurance])
    align_loan_insurance(contracts, order[match], insurance)


def _open_past_loans(rng: np.random.Generator, state: State, contracts: Contracts, clients: Ints) -> None:
    people, start = state.people, state.calendar.start(0)
    tenure = start - people.joined[clients]
    had = ~people.company[clients] & (tenure > 1600) & (rng.random(clients.size) < PAST_LOANS)
    clients, tenure = clients[had], tenure[had]
    had_adult = people.ages(start)[clients] > 26
    clients, tenure = clients[had_adult], tenure[had_adult]
    ended = start - 1 - (rng.random(clients.size) * np.minimum(tenure - 1500, 2500)).astype(np.int64)
    length = np.array([24, 36, 48])[rng.integers(0, 3, clients.size)]
    opened = ended - np.rint(length * DAYS_PER_MONTH).astype(np.int64)
    product = np.full(clients.size, _CONSUMER)
    index = open_contracts(contracts, rng, clients, product, opened, people.income[clients])
    contracts["term"][index] = length
    contracts["ends"][index] = ended
    contracts.close(index, ended, TERM, np.full(index.size, -(2**31)))
    contracts.sweep()
