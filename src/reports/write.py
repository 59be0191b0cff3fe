"""Writing a month's reports: all of them or none, an earlier month's untouched."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from appetence.book import Book
from appetence.config import CoverageTarget, ReportSettings
from appetence.explain.wording import Language
from appetence.months import Month
from appetence.progress import Progress, part, silent
from appetence.reports.background import read_background
from appetence.reports.cascade import build_cascade
from appetence.reports.data import PublishedScores
from appetence.reports.pages import INDEX, Pages
from appetence.reports.portfolios import split_by_advisor
from appetence.reports.share import Shares, without_collection, write_shares
from appetence.reports.sheets import build_sheets
from appetence.reports.situations import read_directory, read_situations

_RUN_FILE = "run.txt"
"""Beside the pages of a month: the run that they show."""


@dataclass(frozen=True)
class ReportIndex:
    """Where a month's reports are.

    Parameters
    ----------
    directory
        The month's folder.
    overviews
        Per language, the page to open first.
    pages
        Pages written, in all languages; call lists are not counted.
    clients
        Clients that have a sheet.
    """

    month: Month
    directory: Path
    overviews: Mapping[str, Path]
    pages: int
    clients: int


def write_reports(
    published: PublishedScores,
    book: Book,
    settings: ReportSettings,
    *,
    languages: Sequence[Language] = ("fr", "en"),
    title: str = "",
    currency: str = "EUR",
    coverage: Sequence[CoverageTarget] = (),
    processes: int | None = None,
    progress: Progress = silent,
) -> ReportIndex:
    """Write the reports of a published month: `<directory>/<month>/<language>/index.html`, and below it the others.

    There is a page per region, branch and team that the book names, a page per advisor with the sheets of the clients,
    and call lists as workbooks and text, per advisor and of the company.

    Parameters
    ----------
    published
        As `read_published` returns it.
    book
        The client book, open; facts known after the month are not shown.
    settings
        Where to, and how long the lists are.
    title
        The firm's name, as the pages show it.
    currency
        ISO 4217.
    coverage
        Families of products that clients should hold, by segment.
    processes
        How many write at a time; None: one for a small book, else as many as there are processors. The files are the
        same.

    Notes
    -----
    The pages are written to a folder beside and moved into place at the end. The same month again replaces the folder
    as a whole, so that no page of an older run is left behind.
    """
    run = published.run
    progress("reading what the reports tell of each client", 0.0)
    with without_collection():
        directory = read_directory(book)
        situations = read_situations(book, run.month, published.clients["client_id"].combine_chunks())
        background = read_background(book, run.month, situations, directory, settings, coverage)
        sheets = build_sheets(published, situations, background.likeness, background.gaps)
        portfolios = split_by_advisor(sheets, directory.advisors)
        cascade = build_cascade(book, published, portfolios, settings.alerts)
        written = [
            Pages(
                published,
                portfolios,
                directory,
                cascade,
                language=language,
                languages=languages,
                title=title,
                currency=currency,
                clients_to_call=settings.clients_to_call,
                background=background,
            )
            for language in languages
        ]
    root = Path(settings.directory)
    root.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{run.month}-", dir=root) as scratch:
        shares = Shares(written, Path(scratch, "new"), Path(scratch), run.month.cut)
        pages = write_shares(shares, len(sheets), processes, part(progress, 0.2, 1.0))
        Path(scratch, "new", _RUN_FILE).write_text(run.run_id + "\n", encoding="utf-8")
        _replace(Path(scratch, "new"), root / str(run.month), Path(scratch, "old"))
    place = root / str(run.month)
    return ReportIndex(run.month, place, _overviews(place, languages), pages, len(sheets))


def reports_of(run_id: str, directory: Path, month: Month, languages: Sequence[Language]) -> Mapping[str, Path] | None:
    """Return the overviews of a run's reports, or None where the month has none, others, or not in all languages."""
    place = directory / str(month)
    overviews = _overviews(place, languages)
    written = place / _RUN_FILE
    complete = written.is_file() and all(path.is_file() for path in overviews.values())
    return overviews if complete and written.read_text(encoding="utf-8").strip() == run_id else None


def _overviews(place: Path, languages: Sequence[Language]) -> dict[str, Path]:
    return {language: place / language / INDEX for language in languages}


def _replace(new: Path, place: Path, aside: Path) -> None:
    """Move the new folder into place; the old one stays whole until the new one is written."""
    if place.exists():
        place.rename(aside)
    try:
        new.rename(place)
    except OSError:
        if aside.exists():
            aside.rename(place)
        raise
