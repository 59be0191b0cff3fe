"""From team to branch to region to company: the same figures rolled up, so that children add up to their parent."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from appetence.reports.portfolios import Portfolio, Totals, by_stake, combine

COMPANY = "company"
LEVELS = ("region", "branch", "team")
"""Below the company, from the top."""

COMPANY_FILE = "index.html"


@dataclass(frozen=True)
class Unit:
    """A part of the firm.

    Parameters
    ----------
    level
        `company`, `region`, `branch` or `team`.
    name
        As the book has it; None for the company.
    number
        Running within the level, from 1: by rank among all units of the level.
    rank, of
        Place among those of the same level with most at stake, and how many there are.
    units
        Those one level below that the book knows, those with most at stake first.
    portfolios
        Those that belong to the unit itself, not to one below: of a team, or of advisors for whom the book names none.
    above
        The units that it is part of, the company first.
    """

    level: str
    name: str | None
    number: int
    rank: int
    of: int
    totals: Totals
    units: tuple[Unit, ...]
    portfolios: tuple[Portfolio, ...]
    above: tuple[Place, ...] = ()

    @property
    def file(self) -> str:
        """The page."""
        return COMPANY_FILE if self.level == COMPANY else f"{self.level}-{self.number:03d}.html"

    @property
    def place(self) -> Place:
        """What a path of links says of it."""
        return Place(self.level, self.name, self.file)

    @property
    def all_portfolios(self) -> tuple[Portfolio, ...]:
        """The portfolios of this unit and of those below, those with most at stake first."""
        found = [*self.portfolios, *(portfolio for unit in self.units for portfolio in unit.all_portfolios)]
        return tuple(sorted(found, key=lambda portfolio: portfolio.number))

    def walk(self) -> Iterator[Unit]:
        """Yield this unit and all below."""
        yield self
        for unit in self.units:
            yield from unit.walk()


@dataclass(frozen=True)
class Place:
    """A step of the path of links above a page."""

    level: str
    name: str | None
    file: str


Path = tuple[tuple[str, str], ...]


def build_levels(portfolios: Sequence[Portfolio]) -> Unit:
    """Return the company with all that is below.

    A level that the book does not name is left out. A unit is known by its name and by what it is part of: a team of
    the same name in two branches is two teams. Advisors of a branch who are in no team belong to the branch itself.

    Parameters
    ----------
    portfolios
        As `split_by_advisor` returns them.
    """
    members: dict[Path, list[Portfolio]] = defaultdict(list, {(): []})
    for portfolio in portfolios:
        path = _path(portfolio)
        for depth in range(len(path) + 1):
            members[path[:depth]].append(portfolio)
    totals = {path: combine([portfolio.totals for portfolio in found]) for path, found in members.items()}
    ranks = _rank(totals)
    counts = {level: sum(path[-1][0] == level for path in members if path) for level in LEVELS}
    below: dict[Path, list[Path]] = defaultdict(list)
    for path in members:
        if path:
            below[path[:-1]].append(path)

    def build(path: Path, above: tuple[Place, ...]) -> Unit:
        level, name = path[-1] if path else (COMPANY, None)
        number = ranks.get(path, 1)
        own = tuple(portfolio for portfolio in members[path] if _path(portfolio) == path)
        bare = Unit(level, name, number, number, counts.get(level, 1), totals[path], (), own, above)
        children = sorted(below[path], key=lambda one: (*by_stake(totals[one]), one))
        units = tuple(build(child, (*above, bare.place)) for child in children)
        return Unit(level, name, number, number, counts.get(level, 1), totals[path], units, own, above)

    return build((), ())


def places_of(company: Unit) -> dict[int, tuple[Place, ...]]:
    """Return the path above each portfolio, by its number."""
    return {portfolio.number: (*unit.above, unit.place) for unit in company.walk() for portfolio in unit.portfolios}


def _path(portfolio: Portfolio) -> Path:
    named = ((level, getattr(portfolio, level)) for level in LEVELS)
    return tuple((level, name) for level, name in named if name is not None)


def _rank(totals: Mapping[Path, Totals]) -> dict[Path, int]:
    found: dict[Path, int] = {}
    for level in LEVELS:
        paths = [path for path in totals if path and path[-1][0] == level]
        paths.sort(key=lambda path: (*by_stake(totals[path]), path))
        found |= {path: number for number, path in enumerate(paths, start=1)}
    return found
