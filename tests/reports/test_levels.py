"""Levels: children add up to their parent exactly, files by numbers, whatever the book knows of its advisors."""

import random
import re
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from appetence.reports.levels import LEVELS, build_levels, places_of
from appetence.reports.portfolios import split_by_advisor, total
from appetence.reports.sheets import Erosion, Sheet
from appetence.reports.situations import Situation

NAMES = st.sampled_from([None, "", "Nord", "Sud", "<b>Nord</b>"])
PLACES = st.fixed_dictionaries({"name": NAMES, "team": NAMES, "branch": NAMES, "region": NAMES})
MONEY = ("at_stake", "past_profit", "lifetime_value", "potential", "outflow")


def sheet(number: int, advisor_id: str | None, draw: random.Random) -> Sheet:
    def amount():
        return draw.choice([None, draw.uniform(-100, 1e6)])

    situation = Situation(str(number), None, "person", None, None, None)
    tier, erosion = draw.choice(["high", "medium", "low", None]), Erosion(0.1, draw.uniform(0, 1e5), 1.0, ())
    values = (draw.choice([None, draw.random()]), tier, amount(), amount(), amount())
    return Sheet(situation, advisor_id, *values, (), (), (), (), draw.choice([None, erosion]))


@given(
    st.dictionaries(st.sampled_from("ABCDEFG"), PLACES),
    st.lists(st.sampled_from([None, *"ABCDEFG"]), max_size=40),
    st.integers(0, 10**6),
)
def test_children_add_up_to_their_parent_exactly(advisors, owners, seed):
    draw = random.Random(seed)  # noqa: S311
    sheets = [sheet(number, owner, draw) for number, owner in enumerate(owners)]
    company = build_levels(split_by_advisor(sheets, advisors, 7))
    assert company.totals == total(sheets)
    files = [unit.file for unit in company.walk()]
    assert len(set(files)) == len(files)
    assert all(re.fullmatch(r"index\.html|(region|branch|team)-\d{3}\.html", file) for file in files)
    for unit in company.walk():
        parts = [one.totals for one in (*unit.units, *unit.portfolios)]
        assert unit.totals.clients == sum(one.clients for one in parts)
        for tier in ("high", "medium", "low"):
            assert unit.totals.tiers[tier] == sum(one.tiers[tier] for one in parts)
        for name, step in (("leavers", 10**6), *((name, 100) for name in MONEY)):
            known = [round(Fraction(getattr(one, name)) * step) for one in parts if getattr(one, name) is not None]
            whole = getattr(unit.totals, name)
            assert (whole is None) == (not known)
            assert whole is None or round(Fraction(whole) * step) == sum(known)
            assert whole is None or whole == sum(known) / step


@given(st.dictionaries(st.sampled_from("ABCDEFG"), PLACES))
def test_every_portfolio_is_in_one_place_below_all_that_the_book_names(advisors):
    draw = random.Random(1)  # noqa: S311
    portfolios = split_by_advisor([sheet(i, owner, draw) for i, owner in enumerate([None, *"ABCDEFG"])], advisors)
    company = build_levels(portfolios)
    assert [p.number for p in company.all_portfolios] == [p.number for p in portfolios]
    places = places_of(company)
    for portfolio in portfolios:
        known = [(level, getattr(portfolio, level)) for level in LEVELS if getattr(portfolio, level)]
        assert [(place.level, place.name) for place in places[portfolio.number]] == [("company", None), *known]


def test_a_team_of_the_same_name_in_two_branches_is_two_and_an_advisor_without_a_team_is_the_branchs_own():
    advisors = {
        "A": {"name": "Inès", "team": "Nord", "branch": "Lille", "region": None},
        "B": {"name": "Paul", "team": "Nord", "branch": "Nice", "region": None},
        "C": {"name": "Zoé", "team": None, "branch": "Nice", "region": None},
    }
    draw = random.Random(3)  # noqa: S311
    sheets = [sheet(i, owner, draw) for i, owner in enumerate("ABC" * 9)]
    company = build_levels(split_by_advisor(sheets, advisors))
    assert sorted((unit.level, unit.name) for unit in company.walk() if unit.level != "company") == [
        ("branch", "Lille"),
        ("branch", "Nice"),
        ("team", "Nord"),
        ("team", "Nord"),
    ]
    nice = next(unit for unit in company.units if unit.name == "Nice")
    assert [one.name for one in nice.portfolios] == ["Zoé"]
    assert [one.name for one in nice.units[0].portfolios] == ["Paul"]
    assert [(place.level, place.name) for place in nice.units[0].above] == [("company", None), ("branch", "Nice")]
    assert sorted(unit.rank for unit in company.walk() if unit.level == "team") == [1, 2]


def test_a_book_without_advisors_is_the_company_alone():
    draw = random.Random(4)  # noqa: S311
    company = build_levels(split_by_advisor([sheet(i, None, draw) for i in range(5)], {}))
    assert company.units == ()
    assert len(company.portfolios) == 1
    assert build_levels([]).totals.clients == 0
