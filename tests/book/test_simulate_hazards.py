from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from appetence.book.simulate.advisors import make_advisors
from appetence.book.simulate.calendar import Calendar
from appetence.book.simulate.catalogue import INDEX
from appetence.book.simulate.effects import DRAINING, EFFECTS, LEAVING, SEASON, Effect
from appetence.book.simulate.hazards import (
    DRAINING_INTERCEPT,
    HORIZONS,
    LEAVING_INTERCEPT,
    RECOVERY,
    Leaving,
    ahead_log_odds,
    death_hazard,
    recent,
)
from appetence.book.simulate.people import make_people
from appetence.book.simulate.state import State, initial_state
from appetence.months import Month

MONTH = 5


@pytest.fixture
def state() -> State:
    rng = np.random.default_rng(3)
    calendar = Calendar(Month.parse("2021-01"), 24)
    people = make_people(rng, 200, calendar, make_advisors(rng, 2))
    state = initial_state(rng, people, calendar)
    state.held[:, INDEX["current_account"]] = 1
    state.held[::3, INDEX["home_loan"]] = 1
    state.held[::4, INDEX["per"]] = 1
    state.draining[::7] = True
    state.last["complaint"][::5] = 4
    state.last["competitor"][::6] = 1
    state.last["move"][::9] = -1
    return state


def slow_log_odds(state: State, client: int, question: str, ahead: int) -> float:
    """One client, one month, effect by effect, in plain Python."""
    people = state.people
    age = (state.calendar.start(MONTH) - int(people.birth[client])) / 365.25
    person = not people.company[client]
    traits = {
        "multi_holding": min(max(int((state.held[client] > 0).sum()), 1), 5) - 1,
        "home_loan": int(state.held[client, INDEX["home_loan"]] > 0),
        "current_account": int(state.held[client, INDEX["current_account"]] > 0),
        "long_tenure": int(MONTH - people.join_month[client] > 120),
        "young": int(person and 18 <= age < 30),
        "senior": int(person and age >= 65),
        "minor": int(person and age < 18),
        "referred": int(people.source[client] == 1),
        "comparison": int(people.source[client] == 4),
        "satisfaction": people.satisfaction[client],
        "advisor_quality": people.quality[client],
        "frailty": people.frailty[client],
        "draining": 0,
    }
    total = LEAVING_INTERCEPT if question == LEAVING else DRAINING_INTERCEPT
    for effect in EFFECTS:
        if effect.question != question:
            continue
        if effect.months is None:
            total += effect.log_odds * traits[effect.trigger]
            continue
        last = state.last[effect.trigger].astype(int)
        acts = (MONTH + ahead - last[client] <= effect.months) != effect.absent
        if acts:
            total += effect.log_odds
        elif ahead > 0 and not effect.absent and effect.trigger != "joined":
            share = np.mean(MONTH - last <= effect.months) * min(ahead, effect.months) / effect.months
            total += math.log(1 + share * (math.exp(effect.log_odds) - 1))
    return total


def slow_path(state: State, client: int, months: int) -> float:
    death = 0.0
    if not state.people.company[client]:
        age = (state.calendar.start(MONTH) - int(state.people.birth[client])) / 365.25
        death = 2.0e-5 * math.exp(0.1 * max(age, 30.0)) / 12
    alive = {False: 0.0, True: 0.0}
    alive[bool(state.draining[client])] = 1.0
    left = 0.0
    for ahead in range(months):
        odds = slow_log_odds(state, client, LEAVING, ahead) + SEASON[(MONTH + ahead) % 12]
        start = 1 / (1 + math.exp(-slow_log_odds(state, client, DRAINING, ahead)))
        after = {}
        for draining, mass in alive.items():
            leave = 1 / (1 + math.exp(-odds - 2.0 * draining)) * (1 - death)
            left += mass * leave
            after[draining] = mass * (1 - leave - death)
        alive = {
            False: after[False] * (1 - start) + after[True] * RECOVERY,
            True: after[True] * (1 - RECOVERY) + after[False] * start,
        }
    return left


def test_probabilities_equal_a_slow_walk_along_the_same_path(state: State) -> None:
    clients = np.arange(len(state.people))
    within, survival = Leaving(state, clients, MONTH).path()
    assert set(within) == set(HORIZONS)
    for client in range(0, 200, 11):
        for horizon in HORIZONS:
            assert within[horizon][client] == pytest.approx(slow_path(state, client, horizon), rel=1e-9)
    assert (survival[0] == 1).all()
    assert all((later < earlier).all() for earlier, later in itertools.pairwise(survival))


def test_the_hazard_of_the_month_is_the_first_step_of_the_path(state: State) -> None:
    leaving = Leaving(state, np.arange(50), MONTH)
    for client, hazard in enumerate(leaving.hazard(leaving.draining)):
        assert hazard == pytest.approx(slow_path(state, client, 1), rel=1e-9)


def test_a_recent_effect_acts_from_the_month_after_to_its_last() -> None:
    effect = Effect(LEAVING, "complaint", 1.0, "", 3)
    last = np.array([4], dtype=np.int16)
    assert [bool(recent(effect, last, month)[0]) for month in (5, 7, 8)] == [True, True, False]
    neglect = Effect(LEAVING, "contact", 1.0, "", 3, absent=True)
    assert [bool(recent(neglect, last, month)[0]) for month in (5, 7, 8)] == [False, False, True]


def test_a_shock_to_come_raises_the_mean_hazard_by_its_share() -> None:
    effect = Effect(LEAVING, "complaint", math.log(3), "", 2)
    last = np.array([4, -100, -100, -100], dtype=np.int16)
    # A quarter is under the shock; after both months of it the same share of the others is, at three times the hazard.
    assert np.exp(ahead_log_odds(effect, last, 5, 2)) == pytest.approx([1.5, 1.5, 1.5, 1.5])
    assert np.exp(ahead_log_odds(effect, last, 5, 1)) == pytest.approx([3, 1.25, 1.25, 1.25])


def test_only_those_who_hold_money_can_drain(state: State) -> None:
    state.held[0] = 0
    state.held[0, INDEX["health"]] = 1
    start = Leaving(state, np.arange(2), MONTH).drain_start()
    assert start[0] == 0
    assert start[1] > 0


def test_death_follows_age_and_spares_companies(state: State) -> None:
    clients = np.arange(len(state.people))
    yearly = 12 * death_hazard(state, clients, 0)
    age = state.people.ages(state.calendar.start(0))
    assert (yearly[state.people.company] == 0).all()
    old = ~state.people.company & (np.abs(age - 80) < 5)
    middle = ~state.people.company & (np.abs(age - 50) < 5)
    assert 0.03 < yearly[old].mean() < 0.10
    assert 0.001 < yearly[middle].mean() < 0.006
