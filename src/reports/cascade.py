"""From the advisor up to the company: what a part of the firm shows of its own and of those below."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from appetence.book import Book
from appetence.config import AlertSettings
from appetence.reports.alerts import Rules, read_learnt
from appetence.reports.changes import Comparison, Counts, compare
from appetence.reports.data import PublishedScores
from appetence.reports.levels import COMPANY, Unit, build_levels
from appetence.reports.portfolios import Portfolio, Totals, total
from appetence.reports.trends import Figures, Line, Trends, draw


class Row(NamedTuple):
    """A line of a ranking: a unit, an advisor, or a page of a portfolio that is too long for one.

    Parameters
    ----------
    level
        `region`, `branch`, `team` or `advisor`.
    change
        Of the money at stake since the last month published; None where either is not known.
    """

    rank: int
    level: str
    heading: str
    part: str
    file: str
    portfolio: Portfolio | None
    totals: Totals
    change: float | None


MEASURES: tuple[tuple[str, Callable[[Figures], float | None]], ...] = (
    ("clients", lambda one: float(one.clients)),
    ("leaver_rate", lambda one: one.rate),
    ("at_stake", lambda one: one.at_stake),
    ("outflow", lambda one: one.outflow),
    ("lifetime_value", lambda one: one.lifetime_value),
    ("potential", lambda one: one.potential),
)
"""What is drawn over time."""


@dataclass(frozen=True)
class Cascade:
    """A month's figures at every level, and what they are compared with."""

    company: Unit
    comparison: Comparison
    rules: Rules
    trends: Trends

    def figures(self, unit: Unit) -> tuple[Figures, ...]:
        """Return the figures of a unit over the months published."""
        if unit.level == COMPANY:
            return self.trends.of_all()
        return self.trends.of(portfolio.advisor_id for portfolio in unit.all_portfolios)

    def lines(self, figures: Sequence[Figures]) -> list[Line]:
        """Return what is drawn of them."""
        return [line for name, value in MEASURES if (line := draw(figures, name, value)) is not None]

    def counts(self, unit: Unit) -> Counts | None:
        """Count the changes since the last month published; None where there is none."""
        if self.comparison.month is None:
            return None
        found = [self.comparison.count(one.advisor_id, one.sheets) for one in unit.all_portfolios]
        new, gone, up, down = (sum(values) for values in zip(*found, strict=True)) if found else (0, 0, 0, 0)
        # clients of an advisor who has none left are the company's alone
        return Counts(new, self.comparison.all_gone() if unit.level == COMPANY else gone, up, down)

    def change(self, figures: Sequence[Figures]) -> float | None:
        """Return by how much the money at stake has changed since the last month published."""
        if self.comparison.month is None:
            return None
        by_month = {one.month: one.at_stake for one in figures}
        # who had no clients then had nothing at stake
        before, now = by_month.get(self.comparison.month, 0.0), by_month.get(self.rules.month, 0.0)
        return None if before is None or now is None else now - before

    def children(self, unit: Unit, heading: Callable[[Portfolio], str], part: Callable[[int, int], str]) -> list[Row]:
        """Return the lines below a unit, ranked: units, and the advisors who belong to none of them."""
        found: list[Unit | Portfolio] = sorted([*unit.units, *unit.portfolios], key=_by_stake)
        rows: list[Row] = []
        for rank, one in enumerate(found, start=1):
            if isinstance(one, Unit):
                change = self.change(self.figures(one))
                rows.append(Row(rank, one.level, one.name or "", "", one.file, None, one.totals, change))
            else:
                rows += self._pages(rank, one, heading, part)
        return rows

    def portfolios(self, unit: Unit, heading: Callable[[Portfolio], str], part: Callable[[int, int], str]) -> list[Row]:
        """Return all advisors below a unit, ranked."""
        ranked = enumerate(unit.all_portfolios, start=1)
        return [row for rank, one in ranked for row in self._pages(rank, one, heading, part)]

    def _pages(
        self, rank: int, one: Portfolio, heading: Callable[[Portfolio], str], part: Callable[[int, int], str]
    ) -> Iterable[Row]:
        if len(one.pages) == 1:
            change = self.change(self.trends.of([one.advisor_id]))
            return [Row(rank, "advisor", heading(one), "", one.file, one, one.totals, change)]
        return [
            Row(rank, "advisor", heading(one), part(page.number, page.parts), page.file, one, total(page.sheets), None)
            for page in one.pages
        ]


def build_cascade(
    book: Book, published: PublishedScores, portfolios: Sequence[Portfolio], settings: AlertSettings
) -> Cascade:
    """Return a month's cascade.

    Parameters
    ----------
    portfolios
        As `split_by_advisor` returns them.
    settings
        The marks of the alerts.
    """
    history, month = published.history, published.run.month
    comparison = compare(book, history, published.clients["client_id"])
    outflows = published.clients["expected_outflow"]
    rules = Rules(settings, month, comparison, history, outflows, read_learnt(book, month))
    return Cascade(build_levels(portfolios), comparison, rules, Trends(history.trend))


def _by_stake(one: Unit | Portfolio) -> tuple[float, float, int]:
    return -(one.totals.at_stake or 0.0), -(one.totals.leavers or 0.0), one.number
