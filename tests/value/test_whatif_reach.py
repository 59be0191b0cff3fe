from dataclasses import replace

import numpy as np
import pytest

from appetence.value.whatif import Scenario, expected_book, what_if
from appetence.value.whatif_reach import needed_for

from .test_whatif import BETTER, KRONOS, MONTHS, NAMES, RATE, TODAY, book


def levers(rise, here, scenario):
    return {each.lever: each for each in needed_for(rise, here, scenario, RATE, MONTHS)}


def test_what_the_sixty_percent_of_the_source_would_take():
    here = expected_book(NAMES, TODAY, KRONOS)
    found = levers(0.6, here, Scenario(BETTER))
    assert set(found) == {"multiple", "mix", "best", "worst"}
    assert found["multiple"].needed == pytest.approx(1.6 * 1400 / 1650 - 1)
    assert found["mix"].needed == pytest.approx((2240 - 1650) / 2500)
    assert (found["best"].needed, found["best"].segment) == (None, "A")
    assert found["best"].limit == pytest.approx(1 / 3)
    assert (found["worst"].segment, found["worst"].today) == ("C", 500)
    assert found["worst"].needed == pytest.approx(-420 / 0.34)
    # each does give 60 %
    loss = expected_book(NAMES, TODAY, KRONOS | {"C": found["worst"].needed})
    assert what_if(loss, Scenario(BETTER), RATE, MONTHS).change == pytest.approx(0.6)
    richer = Scenario({"A": 0.4 + found["mix"].needed, "B": 0.3, "C": 0.3 - found["mix"].needed})
    assert what_if(here, richer, RATE, MONTHS).change == pytest.approx(0.6)


def test_each_lever_alone_reaches_the_rise():
    here, scenario = book(), Scenario(retention=0.01)
    found = levers(0.15, here, scenario)
    for changed in (
        replace(scenario, multiple=found["multiple"].needed),
        replace(scenario, retention=0.01 + found["retention"].needed),
        replace(scenario, cross_sell=found["depth"].needed),
    ):
        assert what_if(here, changed, RATE, MONTHS).change == pytest.approx(0.15, abs=1e-9)


def test_clients_move_from_the_segments_worth_least_first():
    here = book(retention=(np.nan,) * 3, holdings=(np.nan,) * 3)
    found = levers(0.95, here, Scenario())
    # all of C, 40 %, and part of B
    missing = 0.95 * 3770 - 0.4 * (9000 - 800)
    assert found["mix"].needed == pytest.approx(0.4 + missing / (9000 - 2500))


def test_a_lever_that_is_not_enough_says_what_it_would_give():
    found = levers(2.0, book(), Scenario())
    assert (found["retention"].needed, found["mix"].needed) == (None, None)
    assert found["retention"].limit == pytest.approx(what_if(book(), Scenario(retention=1.0), RATE, MONTHS).change)
    assert found["mix"].limit == pytest.approx(9000 / 3770 - 1)


def test_nothing_is_needed_of_what_is_reached():
    assert levers(0.1, book(), Scenario(multiple=0.2)) == {}
