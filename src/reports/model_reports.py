"""Model reports: what a version leans on and how it did out of time, gathered, kept as JSON, and told as pages.

What is kept holds means and curves, and no client: see `appetence.explain.summary`. Pages are made of it and of the
version's card, so that they can be written anew whenever an alias has moved.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from pydantic import ValidationError

from appetence.book import Book
from appetence.config import TrainingSettings
from appetence.explain.wording import Language
from appetence.models.artefact import Artefact
from appetence.models.card import Card, read_card
from appetence.models.held_out import measure_held_out
from appetence.models.history import Promotion
from appetence.models.outcome import Outcome
from appetence.models.promotion import Describe
from appetence.models.tracking import StoredVersion, TrackingStore
from appetence.models.training import TrainingResult
from appetence.reports.cards import DATA, describing, file_prefix, stored_card
from appetence.reports.model_report_data import ModelReport, make_report
from appetence.reports.model_report_pages import plots, report_page

FOLDER, REPORT = "report/", "model_report.json"
LANGUAGES: tuple[Language, ...] = ("en", "fr")


def report_files(
    report: ModelReport, card: Card, stored: StoredVersion, currency: str, drawn: bool = True
) -> dict[str, str]:
    """Return a report's files for the run that made the version: its data, a page per language, and its plots.

    Parameters
    ----------
    stored
        The version as it is now.
    drawn
        Whether the plots are wanted beside the pages.
    """
    prefix = FOLDER + file_prefix(stored)
    found = {prefix + REPORT: report.model_dump_json()}
    found |= {prefix + name: page for name, page in report_pages(report, card, stored, currency).items()}
    if drawn:
        found |= {f"{prefix}plots/{name}.svg": svg for name, svg in plots(report, card, currency).items()}
    return found


def report_pages(report: ModelReport, card: Card, stored: StoredVersion, currency: str) -> dict[str, str]:
    """Return {file name: page}, one per language."""
    return {
        f"model_report_{language}.html": report_page(report, card, stored, currency, language) for language in LANGUAGES
    }


def describing_reports(
    book: Book, result: TrainingResult, settings: TrainingSettings, currency: str
) -> Describe | None:
    """Return what writes the cards and the reports of a training's versions; None where nothing could be trained."""
    describe_card, material = describing(book, result, settings), result.material
    if describe_card is None or material is None:
        return None

    def describe(
        stored: StoredVersion, artefact: Artefact, outcome: Outcome, history: Sequence[Promotion]
    ) -> Mapping[str, str]:
        files = dict(describe_card(stored, artefact, outcome, history))
        card = read_card(files[file_prefix(stored) + DATA])
        if card is None or outcome.sample is None:
            return files
        held_out = None
        if artefact is outcome.model and outcome.tested is not None:
            held_out = measure_held_out(outcome.tested, outcome.assets, settings.bootstrap, settings.seed)
        report = make_report(artefact, outcome.sample, material.features, material.themes, held_out, settings.seed)
        return files | report_files(report, card, stored, currency)

    return describe


def stored_report(store: TrackingStore, stored: StoredVersion) -> ModelReport | None:
    """Return the report that was kept when a version was registered; None where there is none."""
    text = store.text(stored.run_id, FOLDER + file_prefix(stored) + REPORT)
    try:
        return None if text is None else ModelReport.model_validate_json(text)
    except ValidationError:
        return None


def refresh_reports(store: TrackingStore, name: str, versions: Sequence[int], currency: str) -> None:
    """Write the pages of some versions anew, with the aliases that they have now."""
    for stored in store.versions(name):
        if stored.version in versions:
            report, card = stored_report(store, stored), stored_card(store, stored)
            if report is not None and card is not None:
                store.add_texts(stored.run_id, report_files(report, card, stored, currency, drawn=False))


def write_report(pages: Mapping[str, str], out: Path) -> list[Path]:
    """Write a report's pages into a folder; return their paths."""
    out.mkdir(parents=True, exist_ok=True)
    for name, text in pages.items():
        (out / name).write_text(text, encoding="utf-8", newline="\n")
    return [out / name for name in pages]
