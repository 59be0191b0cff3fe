from __future__ import annotations

import numpy as np
import pytest

from appetence.book.simulate.advisors import make_advisors
from appetence.book.simulate.calendar import Calendar
from appetence.book.simulate.clients import client_identifiers
from appetence.book.simulate.events import RECORDED, LifeEvents
from appetence.book.simulate.people import MARITAL, People, make_people
from appetence.book.simulate.state import EVENTS, State, initial_state
from appetence.months import Month

CALENDAR = Calendar(Month.parse("2021-01"), 24)
SIZE = 6000


@pytest.fixture(scope="module")
def lived() -> tuple[State, State, LifeEvents]:
    """The state before and after two years of life, and the events."""
    states = []
    for _ in range(2):
        rng = np.random.default_rng(12)
        people: People = make_people(rng, SIZE, CALENDAR, make_advisors(rng, 4))
        states.append(initial_state(rng, people, CALENDAR))
    events = LifeEvents(states[1], np.random.default_rng(1))
    for month in range(24):
        events.draw(np.arange(SIZE), month)
    return states[0], states[1], events


def test_all_kinds_happen_to_adults_only(lived: tuple[State, State, LifeEvents]) -> None:
    _, state, _ = lived
    minor = state.people.ages(CALENDAR.end) < 17
    for kind in EVENTS:
        happened = state.last[kind] >= 0
        assert happened.any(), kind
        assert not (happened & (minor | state.people.company)).any(), kind


def test_life_changes_with_its_events(lived: tuple[State, State, LifeEvents]) -> None:
    before, after, _ = lived
    born = after.last["birth"] >= 0
    assert (after.children[born] > before.children[born]).all()
    assert (after.children[~born] == before.children[~born]).all()
    divorced = (after.last["divorce"] >= 0) & (after.last["divorce"] > after.last["marriage"])
    assert (after.marital[divorced] == MARITAL.index("divorced")).all()
    only_divorced = (after.last["divorce"] >= 0) & (after.last["marriage"] < 0)
    assert only_divorced.any()
    assert (before.marital[only_divorced] == MARITAL.index("married")).all()


def test_couples_share_their_events(lived: tuple[State, State, LifeEvents]) -> None:
    _, state, _ = lived
    people = state.people
    second = np.flatnonzero(people.role == 1)
    for kind in ("birth", "move", "new_home"):
        assert (state.last[kind][second] == state.last[kind][second - 1]).all(), kind
    assert (state.last["job_change"][second] != state.last["job_change"][second - 1]).any()


def test_the_firm_hears_of_most_but_late(lived: tuple[State, State, LifeEvents]) -> None:
    _, state, events = lived
    table = events.table(client_identifiers(state.people)).to_pandas()
    happened = sum(part.size for part in events._client)
    assert 0.8 * RECORDED < len(table) / happened <= RECORDED + 0.03
    lag = (np.array(table.known_on, "datetime64[D]") - np.array(table.occurred_on, "datetime64[D]")).astype(int)
    assert lag.min() >= 0
    mean = {source: lag[(table.source == source).to_numpy()].mean() for source in ("questionnaire", "crm", "inferred")}
    assert mean["crm"] < mean["inferred"] < mean["questionnaire"]
