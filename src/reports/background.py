"""What the sheets tell beside scores: read once from the book, for pages in every language."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from appetence.book import Book
from appetence.config import CoverageTarget, ReportSettings
from appetence.months import Month
from appetence.reports.briefing import Briefer
from appetence.reports.gaps import Gap, Rules, all_gaps
from appetence.reports.language import Pen
from appetence.reports.peers import Likeness
from appetence.reports.situations import Directory, Situation
from appetence.scoring.consents import objecting_clients


@dataclass(frozen=True)
class Background:
    """What is true of all clients together.

    Parameters
    ----------
    likeness
        Who is comparable to whom.
    rules
        Which products a client may hold, and should.
    gaps
        Per client, what is missing.
    families
        Family per product.
    knows
        Of `KNOWLEDGE`, what the firm records: a sheet is silent on the rest.
    """

    likeness: Likeness
    rules: Rules
    gaps: Mapping[str, tuple[Gap, ...]]
    families: Mapping[str, str]
    settings: ReportSettings
    knows: frozenset[str]


def read_background(
    book: Book,
    month: Month,
    situations: Mapping[str, Situation],
    directory: Directory,
    settings: ReportSettings,
    coverage: Sequence[CoverageTarget] = (),
) -> Background:
    """Compare the clients of a month with each other and with the firm's rules.

    Parameters
    ----------
    situations
        As `read_situations` returns them; those who object to profiling by now are not counted among others' peers.
    coverage
        Families that clients should hold, by segment.

    Raises
    ------
    BookError
        A condition of the catalogue or of a segment cannot be read.
    """
    families = {product_id: row["family"] for product_id, row in sorted(directory.products.items())}
    likeness = Likeness(tuple(situations.values()), families, month.cut, objecting_clients(book))
    rules = Rules(book, month.cut, situations.values(), coverage)
    gaps = all_gaps(situations, likeness, rules, families)
    return Background(likeness, rules, gaps, families, settings, _known(book, situations.values()))


def _known(book: Book, situations: Iterable[Situation]) -> frozenset[str]:
    """Return what a book records of its clients beside contracts."""
    situations = tuple(situations)
    recorded = {
        "events": book.has("life_events"),
        "contacts": book.has("interactions"),
        "consents": book.has("consents"),
        "households": any(who.household_id is not None for who in situations),
        "terms": any(holding.ends_on is not None for who in situations for holding in who.holdings),
        "reviews": any(who.contact is not None and who.contact.review_on is not None for who in situations),
    }
    return frozenset(name for name, holds in recorded.items() if holds)


def briefer_of(background: Background | None, pen: Pen, label: Callable[[str], str], cut: dt.date) -> Briefer:
    """Return what writes the sheets' briefs; without a background, from the clients' own files alone."""
    if background is None:
        return Briefer(pen, label, {}, cut, ReportSettings(directory=""))
    return Briefer(
        pen,
        label,
        background.families,
        cut,
        background.settings,
        background.rules,
        background.knows,
    )
