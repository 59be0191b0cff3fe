"""Portfolios: every client once, pages of a bounded size, totals that add up."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appetence.reports.portfolios import split_by_advisor, total
from appetence.reports.sheets import Sheet
from appetence.reports.situations import Situation


def sheet(client_id: str, advisor_id: str | None, risk: float | None = 0.1, value: float | None = 100.0) -> Sheet:
    situation = Situation(client_id, None, "person", None, None, None)
    return Sheet(situation, advisor_id, risk, None if risk is None else "high", None, value, 5.0, (), (), ())


@given(st.lists(st.sampled_from([None, "A", "B", "../etc/passwd"]), max_size=60), st.integers(1, 20))
def test_every_client_is_on_one_page_and_no_page_is_too_long(advisors, most):
    sheets = [sheet(str(i), advisor) for i, advisor in enumerate(advisors)]
    portfolios = split_by_advisor(sheets, {}, most)
    pages = [page for portfolio in portfolios for page in portfolio.pages]
    assert sorted(s.client_id for page in pages for s in page.sheets) == sorted(s.client_id for s in sheets)
    assert all(1 <= len(page.sheets) <= most for page in pages)
    files = [page.file for page in pages]
    assert len(set(files)) == len(files)
    assert all(re.fullmatch(r"advisor-\d{3}(-\d+)?\.html", file) for file in files)
    for portfolio in portfolios:
        assert {s.advisor_id for page in portfolio.pages for s in page.sheets} == {portfolio.advisor_id}
        assert portfolio.totals.clients == sum(len(page.sheets) for page in portfolio.pages)


def test_the_portfolio_with_most_at_stake_comes_first():
    sheets = [sheet("1", "A"), sheet("2", "B", 0.9), sheet("3", None, 0.5), sheet("4", "A")]
    portfolios = split_by_advisor(sheets, {"B": {"name": "Inès", "team": "Sud", "branch": None}})
    assert [(p.number, p.advisor_id, p.name, p.team) for p in portfolios] == [
        (1, "B", "Inès", "Sud"),
        (2, None, None, None),
        (3, "A", None, None),
    ]


def test_a_long_portfolio_is_split_evenly_in_its_order():
    (portfolio,) = split_by_advisor([sheet(str(i), "A") for i in range(7)], {}, 3)
    assert [[s.client_id for s in page.sheets] for page in portfolio.pages] == [["0", "1", "2"], ["3", "4", "5"], ["6"]]
    assert [(page.file, page.number, page.parts) for page in portfolio.pages][1] == ("advisor-001-2.html", 2, 3)


def test_totals_leave_out_what_is_not_known():
    found = total([sheet("1", None, 0.25, 100.0), sheet("2", None, 0.5, None), sheet("3", None, None, 10.0)])
    assert found.leavers == pytest.approx(0.75)
    assert found.at_stake == pytest.approx(25.0)
    assert found.lifetime_value == pytest.approx(110.0)
    assert found.past_profit is None
    assert (found.clients, found.tiers) == (3, {"high": 2, "medium": 0, "low": 0})
