"""Portfolios: the sheets of one advisor, or stretches of a book that has no advisors, and their totals."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from appetence.reports.sheets import Sheet

PAGE_CLIENTS = 300
"""Sheets on one page at most: an advisor's 200-odd clients fit, and a page stays below 3 MB."""

TIERS = ("high", "medium", "low")
STEM = "advisor"
"""What the files of a portfolio are called, with a running number."""


_CENT, _MILLIONTH = 100, 1_000_000


@dataclass(frozen=True)
class Totals:
    """Figures of some clients; None where no client has the figure.

    Each client's money counts in whole hundredths, and risks in millionths, so that parts add up to the whole exactly,
    in whatever order and over however many levels.
    """

    clients: int
    leavers: float | None
    tiers: Mapping[str, int]
    at_stake: float | None
    past_profit: float | None
    lifetime_value: float | None
    potential: float | None
    outflow: float | None = None


@dataclass(frozen=True)
class Page:
    """The sheets of one file: part `number` of `parts` of a portfolio."""

    file: str
    number: int
    parts: int
    sheets: tuple[Sheet, ...]


@dataclass(frozen=True)
class Portfolio:
    """An advisor's clients, those with most at stake first.

    Parameters
    ----------
    number
        Running, from 1.
    name
        The advisor's; None: the id is not in `advisors`, or there is none.
    """

    number: int
    advisor_id: str | None
    name: str | None
    team: str | None
    branch: str | None
    region: str | None
    totals: Totals
    pages: tuple[Page, ...]

    @property
    def file(self) -> str:
        """The first page."""
        return self.pages[0].file

    @property
    def sheets(self) -> tuple[Sheet, ...]:
        """The clients on all pages."""
        return tuple(sheet for page in self.pages for sheet in page.sheets)

    @property
    def stem(self) -> str:
        """What its files are called before their kind."""
        return f"{STEM}-{self.number:03d}"


def total(sheets: Sequence[Sheet]) -> Totals:
    """Add up some clients."""
    tiers = {tier: sum(sheet.tier == tier for sheet in sheets) for tier in TIERS}
    return Totals(
        len(sheets),
        _sum([sheet.attrition for sheet in sheets], _MILLIONTH),
        tiers,
        _sum([sheet.at_stake for sheet in sheets]),
        _sum([sheet.past_profit for sheet in sheets]),
        _sum([sheet.lifetime_value for sheet in sheets]),
        _sum([sheet.potential for sheet in sheets]),
        _sum([None if sheet.erosion is None else sheet.erosion.outflow for sheet in sheets]),
    )


def combine(parts: Sequence[Totals]) -> Totals:
    """Add up the totals of clients that are not the same."""
    tiers = {tier: sum(one.tiers[tier] for one in parts) for tier in TIERS}
    return Totals(
        sum(one.clients for one in parts),
        _sum([one.leavers for one in parts], _MILLIONTH),
        tiers,
        _sum([one.at_stake for one in parts]),
        _sum([one.past_profit for one in parts]),
        _sum([one.lifetime_value for one in parts]),
        _sum([one.potential for one in parts]),
        _sum([one.outflow for one in parts]),
    )


def by_stake(totals: Totals) -> tuple[float, float]:
    """Order totals: those with most at stake first, else those with most departures expected."""
    return -(totals.at_stake or 0.0), -(totals.leavers or 0.0)


def split_by_advisor(
    sheets: Sequence[Sheet], advisors: Mapping[str, Mapping[str, str | None]], page_clients: int = PAGE_CLIENTS
) -> list[Portfolio]:
    """Return the portfolios, those with most at stake first; clients without an advisor are one of their own.

    Parameters
    ----------
    sheets
        In the order that the pages keep.
    advisors
        Per id, name, team, branch and region.
    """
    groups: dict[str | None, list[Sheet]] = defaultdict(list)
    for sheet in sheets:
        groups[sheet.advisor_id].append(sheet)
    totals = {advisor_id: total(members) for advisor_id, members in groups.items()}
    order = sorted(groups, key=lambda a: (*by_stake(totals[a]), a is None, a or ""))
    found = []
    for number, advisor_id in enumerate(order, start=1):
        known = advisors.get(advisor_id or "", {})
        pages = _pages(groups[advisor_id], f"{STEM}-{number:03d}", page_clients)
        name, team, branch, region = (_told(known.get(column)) for column in ("name", "team", "branch", "region"))
        found.append(Portfolio(number, advisor_id, name, team, branch, region, totals[advisor_id], pages))
    return found


def _pages(sheets: Sequence[Sheet], stem: str, most: int) -> tuple[Page, ...]:
    """Split evenly; files are named by running numbers, never by ids or names."""
    parts = max(1, math.ceil(len(sheets) / most))
    size = math.ceil(len(sheets) / parts)
    return tuple(
        Page(
            f"{stem}.html" if parts == 1 else f"{stem}-{part + 1}.html",
            part + 1,
            parts,
            tuple(sheets[part * size : (part + 1) * size]),
        )
        for part in range(parts)
    )


def _sum(values: Sequence[float | None], unit: int = _CENT) -> float | None:
    """Add up in whole parts of a unit, which is exact."""
    known = [round(value * unit) for value in values if value is not None]
    return sum(known) / unit if known else None


def _told(text: str | None) -> str | None:
    """Return a name that is there, None for an empty one."""
    return text if text and text.strip() else None
