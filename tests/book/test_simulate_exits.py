from __future__ import annotations

import numpy as np
import pytest

from appetence.book.simulate.advisors import make_advisors
from appetence.book.simulate.calendar import Calendar
from appetence.book.simulate.catalogue import INDEX
from appetence.book.simulate.columns import NO_DAY
from appetence.book.simulate.contracts import DEATH, INSURER, LEFT, OPEN, TERM, Contracts
from appetence.book.simulate.exits import Exits
from appetence.book.simulate.history import open_history
from appetence.book.simulate.people import make_people
from appetence.book.simulate.state import State, initial_state
from appetence.months import Month

CALENDAR = Calendar(Month.parse("2021-01"), 24)


class Book:
    def __init__(self, clients: int = 3000) -> None:
        rng = np.random.default_rng(6)
        self.people = make_people(rng, clients, CALENDAR, make_advisors(rng, 4))
        self.state: State = initial_state(rng, self.people, CALENDAR)
        self.contracts = Contracts(4 * clients)
        open_history(rng, self.state, self.contracts)
        self.state.active = self.people.join_month < 0
        self.before = self.contracts["closed"] != OPEN
        self.exits = Exits(self.state, self.contracts, np.random.default_rng(7), np.random.default_rng(8))

    def closed(self, reason: int | None = None) -> np.ndarray:
        fresh = np.flatnonzero((self.contracts["closed"] != OPEN) & ~self.before)
        return fresh if reason is None else fresh[self.contracts["reason"][fresh] == reason]

    def assert_consistent(self) -> None:
        live = self.contracts.live
        held = np.zeros_like(self.state.held)
        np.add.at(held, (self.contracts["client"][live], self.contracts["product"][live]), 1)
        assert (held == self.state.held).all()
        assert (self.contracts["closed"][live] == OPEN).all()


@pytest.fixture
def book() -> Book:
    return Book()


def test_leavers_and_the_dead_close_everything(book: Book) -> None:
    clients = np.flatnonzero(book.state.active)
    book.exits.leave_and_die(clients, 2, np.full(clients.size, 0.2), np.full(clients.size, 0.1))
    gone = clients[~book.state.active[clients]]
    assert gone.size / clients.size == pytest.approx(0.3, abs=0.03)
    assert (book.state.held[gone] == 0).all()
    assert set(book.contracts["reason"][book.closed()].tolist()) == {LEFT, DEATH}
    for client in gone[:50]:
        mine = book.closed()[book.contracts["client"][book.closed()] == client]
        assert len(set(book.contracts["closed"][mine].tolist())) == 1
    days = book.contracts["closed"][book.closed()]
    assert CALENDAR.start(2) <= days.min()
    assert days.max() < CALENDAR.start(3)
    book.assert_consistent()


def test_a_leaver_marks_the_household_alone(book: Book) -> None:
    clients = np.flatnonzero(book.state.active)
    leaver = int(clients[(book.people.role[clients] == 1) & ~book.people.company[clients]][0])
    chance = (clients == leaver).astype(float)
    book.exits.leave_and_die(clients, 2, chance, np.zeros(clients.size))
    marked = np.flatnonzero(book.state.last["member_left"] == 2)
    mates = np.flatnonzero(book.people.household == book.people.household[leaver])
    assert marked.tolist() == [mate for mate in mates.tolist() if mate != leaver]
    assert (book.state.last["death_in_family"] < 0).all()


def test_terms_end_when_they_are_due(book: Book) -> None:
    due = (book.contracts["ends"] != NO_DAY) & (book.contracts["ends"] < CALENDAR.start(4)) & ~book.before
    for month in range(4):
        book.exits.end_terms(month)
    assert due.any()
    assert (book.closed() == np.flatnonzero(due)).all()
    assert (book.contracts["closed"][due] == book.contracts["ends"][due]).all()
    assert (book.contracts["reason"][due] == TERM).all()
    assert (book.contracts["closing_known"][due] == NO_DAY).all()
    repaid = book.contracts["client"][due & (book.contracts["product"] == INDEX["consumer_loan"])]
    assert (book.state.last["credit_end"][repaid] >= 0).all()
    book.assert_consistent()


def test_a_dropped_contract_is_never_the_last_and_there_is_one_a_month(book: Book) -> None:
    book.state.draining[:] = True
    book.state.last["complaint"][:] = 0
    before = book.state.held.sum(axis=1)
    book.exits.drop_some(1)
    index = book.closed(LEFT)
    asked = index[book.contracts["product"][index] != INDEX["loan_insurance"]]
    clients, times = np.unique(book.contracts["client"][asked], return_counts=True)
    assert clients.size > 30
    assert (times == 1).all()
    assert (before[clients] >= 2).all()
    assert (book.state.held[clients].sum(axis=1) >= 1).all()
    assert (book.state.last["drop"][clients] == 1).all()
    card = book.state.held[:, INDEX["premium_card"]] > 0
    assert (book.state.held[card, INDEX["current_account"]] > 0).all()
    book.assert_consistent()


def test_a_default_ends_the_credit_with_its_insurance(book: Book) -> None:
    for month in range(24):
        book.exits.end_by_firm(month)
    ended = book.closed(INSURER)
    assert ended.size > 20
    defaulted = np.concatenate(book.exits.defaults.contract)
    assert set(book.contracts["product"][defaulted].tolist()) <= {INDEX["home_loan"], INDEX["consumer_loan"]}
    exposure, recovered = (
        np.concatenate(part) for part in (book.exits.defaults.exposure, book.exits.defaults.recovered)
    )
    assert ((recovered > 0) & (recovered < exposure)).all()
    loan = book.state.held[:, INDEX["home_loan"]]
    assert (book.state.held[:, INDEX["loan_insurance"]] <= loan).all()
    book.assert_consistent()


def test_those_who_hold_nothing_any_more_leave_the_book(book: Book) -> None:
    clients = np.flatnonzero(book.state.active)
    book.state.held[clients[:10]] = 0
    book.exits.retire_empty(clients)
    assert not book.state.active[clients[:10]].any()
    assert book.state.active[clients[10:]].all()
