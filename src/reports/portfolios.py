"""Portfolios: the sheets of one advisor, or stretches of a book that has no advisors, and their totals."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from appetence.reports.sheets import Sheet

PAGE_CLIENTS = 300
"""Sheets on one page at most: an advisor's 200-odd clients fit, and a page stays below 3 MB."""


@dataclass(frozen=True)
class Totals:
    """Figures of some clients; None where no client has the figure."""

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
    totals: Totals
    pages: tuple[Page, ...]


def total(sheets: Sequence[Sheet]) -> Totals:
    """Add up some clients."""
    tiers = {tier: sum(sheet.tier == tier for sheet in sheets) for tier in ("high", "medium", "low")}
    return Totals(
        len(sheets),
        _sum([sheet.attrition for sheet in sheets]),
        tiers,
        _sum([sheet.at_stake for sheet in sheets]),
        _sum([sheet.past_profit for sheet in sheets]),
        _sum([sheet.lifetime_value for sheet in sheets]),
        _sum([sheet.potential for sheet in sheets]),
        _sum([None if sheet.erosion is None else sheet.erosion.outflow for sheet in sheets]),
    )


def split_by_advisor(
    sheets: Sequence[Sheet], advisors: Mapping[str, Mapping[str, str | None]], page_clients: int = PAGE_CLIENTS
) -> list[Portfolio]:
    """Return the portfolios, those with most at stake first; clients without an advisor are one of their own.

    Parameters
    ----------
    sheets
        In the order that the pages keep.
    advisors
        Per id, name, team and branch.
    """
    groups: dict[str | None, list[Sheet]] = defaultdict(list)
    for sheet in sheets:
        groups[sheet.advisor_id].append(sheet)
    totals = {advisor_id: total(members) for advisor_id, members in groups.items()}
    order = sorted(
        groups, key=lambda a: (-(totals[a].at_stake or 0.0), -(totals[a].leavers or 0.0), a is None, a or "")
    )
    found = []
    for number, advisor_id in enumerate(order, start=1):
        known = advisors.get(advisor_id or "", {})
        pages = _pages(groups[advisor_id], f"advisor-{number:03d}", page_clients)
        place = (known.get("name"), known.get("team"), known.get("branch"))
        found.append(Portfolio(number, advisor_id, *place, totals[advisor_id], pages))
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


def _sum(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return math.fsum(known) if known else None
