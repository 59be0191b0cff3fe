from __future__ import annotations

import numpy as np
import pytest

from appetence.book.simulate.advisors import advisors_table, make_advisors
from appetence.book.simulate.calendar import Calendar
from appetence.book.simulate.people import SOURCES, People, joiner_share, make_people
from appetence.months import Month

CALENDAR = Calendar(Month.parse("2021-01"), 48)


@pytest.fixture(scope="module")
def people() -> People:
    rng = np.random.default_rng(4)
    return make_people(rng, 8000, CALENDAR, make_advisors(rng, 30))


def test_households_hold_one_to_five_clients_side_by_side(people: People) -> None:
    _, sizes = np.unique(people.household, return_counts=True)
    assert (np.diff(people.household) >= 0).all()
    assert 1 <= sizes.min() <= sizes.max() <= 5
    assert 1.5 < sizes.mean() < 2.0
    assert (people.advisor[1:] == people.advisor[:-1])[np.diff(people.household) == 0].all()


def test_companies_stand_alone(people: People) -> None:
    assert people.company.mean() == pytest.approx(0.08, abs=0.015)
    _, place, sizes = np.unique(people.household, return_inverse=True, return_counts=True)
    assert (sizes[place][people.company] == 1).all()


def test_children_are_younger_than_their_parents(people: People) -> None:
    age = people.ages(CALENDAR.start(0))
    head = age[np.arange(len(people)) - people.role]
    minors = age < 18
    assert (head[minors] - age[minors] >= 18).all()
    assert minors.any()
    assert (people.role[minors] >= 2).all()


def test_nobody_joins_before_birth_and_new_clients_come_as_planned(people: People) -> None:
    assert (people.joined > people.birth).all()
    assert (people.joined < CALENDAR.end).all()
    assert (people.join_month >= 0).mean() == pytest.approx(joiner_share(48), abs=0.03)
    assert ((people.joined >= CALENDAR.start(0)) == (people.join_month >= 0)).all()


def test_referrers_were_clients_before(people: People) -> None:
    referred = people.referrer >= 0
    assert referred.mean() > 0.1
    assert (people.joined[people.referrer[referred]] < people.joined[referred]).all()
    assert (referred == (people.source == SOURCES.index("referral"))).all()


def test_advisors_sit_in_one_team_one_branch_one_region() -> None:
    rng = np.random.default_rng(1)
    advisors = advisors_table(rng, make_advisors(rng, 470)).to_pandas()
    assert advisors.advisor_id.is_unique
    assert (advisors.groupby("team").branch.nunique() == 1).all()
    assert (advisors.groupby("branch").region.nunique() == 1).all()
    assert advisors.groupby("team").size().max() == 4
    assert advisors.region.nunique() == 12
