from __future__ import annotations

import math

import numpy as np
import pytest

from appetence.book.simulate.advisors import make_advisors
from appetence.book.simulate.calendar import Calendar
from appetence.book.simulate.catalogue import INDEX, PRODUCTS, TASTES
from appetence.book.simulate.demand import REPEAT, TASTE, Demand
from appetence.book.simulate.effects import ANY_PRODUCT, EFFECTS, JOINT_SALE, SEASON
from appetence.book.simulate.people import make_people
from appetence.book.simulate.state import State, initial_state
from appetence.months import Month

MONTH = 8


@pytest.fixture
def state() -> State:
    rng = np.random.default_rng(5)
    calendar = Calendar(Month.parse("2021-01"), 24)
    people = make_people(rng, 150, calendar, make_advisors(rng, 2))
    state = initial_state(rng, people, calendar)
    state.held[:, INDEX["current_account"]] = rng.random(150) < 0.7
    state.held[:, INDEX["car_insurance"]] = rng.integers(0, 3, 150)
    state.held[:, INDEX["home_loan"]] = rng.random(150) < 0.2
    state.last_open[::4, INDEX["consumer_loan"]] = 5
    state.last["new_home"][::3] = 4
    state.last["complaint"][::5] = 7
    state.last_offer[::2, INDEX["health"]] = 6
    state.draining[::8] = True
    state.account[::6] = 20_000.0
    return state


def slow_probability(state: State, client: int, product_id: str) -> float:
    people, product, place = state.people, PRODUCTS[INDEX[product_id]], INDEX[product_id]
    age = (state.calendar.start(MONTH) - int(people.birth[client])) / 365.25
    company = bool(people.company[client])
    held = state.held[client]
    low, high = product.ages
    fits = not product.persons_only if company else low <= age < high + 1
    if not fits or held[place] >= product.most or (product.launch is not None and round(24 * product.launch) > MONTH):
        return 0.0
    if product.needs is not None and held[INDEX[product.needs]] == 0:
        return 0.0
    odds = math.log(product.monthly_rate / (1 - product.monthly_rate)) + SEASON[MONTH]
    odds += -0.3 if company else max(0.5 - ((age - product.age_peak) / product.age_width) ** 2 / 2, -3)
    odds += product.income * people.income_z[client] + product.wealth * people.wealth_z[client]
    odds += TASTE * people.taste[client, TASTES.index(product.taste)]
    odds += REPEAT * (held[place] > 0)
    mates = (people.household == people.household[client]) & (np.arange(len(people)) != client)
    for effect in EFFECTS:
        if effect.question not in {ANY_PRODUCT, product_id}:
            continue
        if effect.trigger == "offered":
            acts = MONTH - int(state.last_offer[client, place]) <= 3
        elif effect.trigger == "household":
            acts = (state.held[mates, place] > 0).any()
        elif effect.trigger == "main_bank":
            acts = held[INDEX["current_account"]] > 0 and product_id != "current_account"
        elif effect.trigger == "draining":
            acts = state.draining[client]
        elif effect.trigger == "liquid":
            acts = state.account[client] > 12_000
        elif effect.trigger.startswith("bought_"):
            acts = MONTH - int(state.last_open[client, INDEX[effect.trigger[7:]]]) <= 6
        else:
            assert effect.months is not None
            acts = MONTH - int(state.last[effect.trigger][client]) <= effect.months
        odds += effect.log_odds * bool(acts)
    return 1 / (1 + math.exp(-odds))


def test_probabilities_equal_a_slow_sum_of_effects(state: State) -> None:
    clients = np.arange(len(state.people))
    got = Demand(state, clients, MONTH).probabilities()
    for client in range(0, 150, 7):
        for product in PRODUCTS:
            expected = slow_probability(state, client, product.product_id)
            if product.product_id == "loan_insurance":
                expected += JOINT_SALE * slow_probability(state, client, "home_loan")
            assert got[client, INDEX[product.product_id]] == pytest.approx(expected, rel=2e-4), product.product_id


def test_within_six_months_compounds_the_months(state: State) -> None:
    demand = Demand(state, np.arange(150), MONTH)
    survival = [np.full(150, 0.99**ahead) for ahead in range(6)]
    none = np.ones((150, len(PRODUCTS)))
    for ahead in range(6):
        none *= 1 - demand.probabilities(ahead) * 0.99**ahead
    assert demand.within(survival) == pytest.approx(1 - none, abs=1e-5)


def test_an_offer_acts_on_its_product_alone_and_runs_out(state: State) -> None:
    clients = np.arange(150)
    state.last_offer[:] = -100
    before = Demand(state, clients, MONTH).probabilities()
    state.last_offer[:, INDEX["health"]] = MONTH - 1
    after = Demand(state, clients, MONTH).probabilities()
    could = before[:, INDEX["health"]] > 0
    odds = (after / (1 - after))[could, INDEX["health"]] / (before / (1 - before))[could, INDEX["health"]]
    assert odds == pytest.approx(math.exp(0.9), rel=1e-3)
    others = [INDEX[p.product_id] for p in PRODUCTS if p.product_id != "health"]
    assert (after[:, others] == before[:, others]).all()
    state.last_offer[:, INDEX["health"]] = MONTH - 4
    assert (Demand(state, clients, MONTH).probabilities() == before).all()
