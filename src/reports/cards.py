"""Model cards as files: Markdown in English, and HTML pages in both languages that need nothing beside them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from appetence.book import Book
from appetence.config import TrainingSettings
from appetence.explain.wording import Language, typeset, visible
from appetence.models.artefact import Artefact
from appetence.models.card import FEWEST_EVENTS, NOT_DECLARED, Card, Estimate, Slice, make_card, read_card
from appetence.models.history import Promotion, promotions
from appetence.models.kinds import EROSION, kind_of
from appetence.models.outcome import Outcome
from appetence.models.promotion import Describe
from appetence.models.tracking import StoredVersion, TrackingStore
from appetence.models.training import TrainingResult
from appetence.reports.card_words import NOTHING, CardPen
from appetence.reports.pages import template

DATA, MARKDOWN, PAGES = "card.json", "card.md", {"en": "card.html", "fr": "card_fr.html"}

_MARKS = re.compile(r"[\\`*_\[\]|#~!@]|<|>|&|://|www\.")
_ENTITIES = {"<": "&lt;", ">": "&gt;", "&": "&amp;", "@": "&#64;", "://": "&#58;//", "www.": "www&#46;"}


@dataclass(frozen=True)
class Table:
    """A table of texts; the columns of `numbers` are set to the right."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numbers: bool = True


@dataclass(frozen=True)
class Section:
    """A part of a card: what is said, a list, and tables."""

    title: str
    texts: tuple[str, ...] = ()
    items: tuple[str, ...] = ()
    tables: tuple[tuple[str, Table], ...] = field(default=())


def card_files(card: Card, stored: StoredVersion, history: Sequence[Promotion]) -> dict[str, str]:
    """Return a card's files: its data, Markdown, and a page per language.

    Parameters
    ----------
    stored
        The version as it is now.
    history
        All promotions of the question: those of this version are its approvals.
    """
    prefix = file_prefix(stored)
    found = {prefix + DATA: card.model_dump_json(indent=1), prefix + MARKDOWN: _markdown(card, stored, history)}
    languages: tuple[Language, ...] = ("en", "fr")
    return found | {prefix + PAGES[language]: _page(card, stored, history, language) for language in languages}


def describing(book: Book, result: TrainingResult, settings: TrainingSettings) -> Describe | None:
    """Return what writes the cards of a training's versions; None where nothing could be trained."""
    material = result.material
    if material is None:
        return None

    def describe(
        stored: StoredVersion, artefact: Artefact, outcome: Outcome, history: Sequence[Promotion]
    ) -> Mapping[str, str]:
        parameters = settings.parameters
        card = make_card(stored, artefact, outcome, material, book, parameters, settings.bootstrap, settings.seed)
        return card_files(card, stored, history)

    return describe


def file_prefix(stored: StoredVersion) -> str:
    """Return what a version's files begin with: a run may have made two versions, the model and what stands in."""
    folder = stored.directory.parent.name
    return "" if folder == "model" else f"{folder}_"


def stored_card(store: TrackingStore, stored: StoredVersion) -> Card | None:
    """Return the card that was written when a version was registered; None where there is none."""
    return read_card(store.text(stored.run_id, file_prefix(stored) + DATA))


def refresh_cards(store: TrackingStore, name: str, versions: Sequence[int]) -> None:
    """Write the cards of some versions anew, with the approvals there are now."""
    all_versions = store.versions(name)
    history = promotions(all_versions)
    for stored in all_versions:
        card = stored_card(store, stored) if stored.version in versions else None
        if card is not None:
            store.add_texts(stored.run_id, card_files(card, stored, history))


def write_card(files: Mapping[str, str], out: Path) -> list[Path]:
    """Write a card's files into a folder; return those for readers."""
    out.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (out / name).write_text(text, encoding="utf-8", newline="\n")
    return [out / name for name in files if not name.endswith(".json")]


def _page(card: Card, stored: StoredVersion, history: Sequence[Promotion], language: Language) -> str:
    pen = CardPen(language)
    return str(
        template("card.html").render(
            t=pen,
            title=_title(card, pen),
            status=status_of(card, stored, pen),
            verdict=verdict_of(card, pen),
            sections=list(_sections(card, history, pen)),
        )
    )


def _markdown(card: Card, stored: StoredVersion, history: Sequence[Promotion]) -> str:
    """Write it line by line: whatever is not ours is escaped, so that it is shown and does nothing."""
    pen = CardPen("en")
    lines = [
        f"# {_plain(_title(card, pen))}",
        "",
        _plain(status_of(card, stored, pen)),
        "",
        _plain(verdict_of(card, pen)),
    ]
    for section in _sections(card, history, pen):
        lines += ["", f"## {_plain(section.title)}"]
        for text in section.texts:
            lines += ["", _plain(text)]
        if section.items:
            lines += ["", *(f"- {_plain(item)}" for item in section.items)]
        for caption, table in section.tables:
            lines += ["", f"**{_plain(caption)}**"] if caption else []
            marks = ["---", *(["---:" if table.numbers else "---"] * (len(table.head) - 1))]
            lines += ["", _row([_plain(name) for name in table.head]), _row(marks)]
            lines += [_row([_plain(cell) for cell in row]) for row in table.rows]
    return "\n".join(lines) + "\n"


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _plain(text: str) -> str:
    """Return a text as Markdown that shows it letter by letter: no markup, no HTML, no link."""
    return _MARKS.sub(lambda mark: _ENTITIES.get(mark[0], f"\\{mark[0]}"), visible(text))


def name_of(card: Card, pen: CardPen) -> str:
    """Return what a version's question is called."""
    if not card.label:
        return pen("erosion" if card.question == EROSION else "attrition")
    if kind_of(card.question) == "own":
        return card.label[pen.language]
    words = {"buy": "first_purchase", "rebuy": "another_purchase"}
    return pen(words[kind_of(card.question)], product=card.label[pen.language])


def _title(card: Card, pen: CardPen) -> str:
    name = name_of(card, pen)
    return pen("title", name=name, version=card.version)


def status_of(card: Card, stored: StoredVersion, pen: CardPen) -> str:
    """Return the line above a title: what the version is, where it stands now, and since when."""
    aliases = ", ".join(pen.known("alias", alias) for alias in stored.aliases) or pen("alias_none")
    return " · ".join(
        [pen.known("kind", card.kind), aliases, pen("registered", at=card.registered_at[:10]), card.question]
    )


def verdict_of(card: Card, pen: CardPen) -> str:
    """Return how it did out of time, as a sentence."""
    text = typeset(card.verdict[pen.language], pen.language)
    return text[:1].upper() + text[1:] + "."


def purpose_of(card: Card, pen: CardPen) -> str:
    """Return what is asked, and what the answer is for."""
    gap = pen("gap", gap=card.gap) if card.gap else ""
    share = pen.figure(100 * (card.rule or {}).get("threshold", 0.0), 0)
    told = {"label": card.label.get(pen.language, ""), "share": share}
    return pen(f"purpose_{kind_of(card.question)}", months=card.gap + card.horizon, gap=gap, **told)


def population_of(card: Card, pen: CardPen) -> str:
    """Return of whom it is asked."""
    least = pen.figure((card.rule or {}).get("min_balance"), 0)
    return pen(f"population_{kind_of(card.question)}", least=least)


def _sections(card: Card, history: Sequence[Promotion], pen: CardPen) -> Iterator[Section]:
    yield Section(pen("purpose"), (purpose_of(card, pen),))
    uses = ("forbidden_decide", "forbidden_pressure", "forbidden_staff", "forbidden_elsewhere")
    yield Section(pen("forbidden"), items=tuple(pen(use) for use in uses))
    sizes = tuple((pen.known("size", name), pen.figure(size, 0)) for name, size in card.sizes.items())
    yield Section(
        pen("population"),
        (population_of(card, pen),),
        tables=_if_any("", (pen("size"), pen("count")), sizes),
    )
    if card.asks:
        yield _asks(card, pen)
    dates = [(name, getattr(card, name)) for name in ("fitted_on", "calibrated_on", "tested_on")]
    cuts = tuple((pen(name), ", ".join(days) or pen("none")) for name, days in dates)
    note = (pen("dates_note"),) if card.tested_on else ()
    yield Section(pen("dates"), note, tables=(("", Table((pen("block"), pen("cuts")), cuts, numbers=False)),))
    yield _figures(card, pen)
    if card.outflow:
        yield _in_money(card.outflow, pen)
    if card.deciles:
        yield _calibration(card, pen)
    if card.by_date:
        yield Section(pen("stability"), tables=(("", _slices(pen("date"), card.by_date, pen)),))
    yield _disparity(card, pen)
    yield _features(card, pen)
    limits = ("limit_future", "limit_cause", "limit_interval", "limit_dates")
    yield Section(pen("limits"), items=tuple(pen(limit) for limit in limits))
    yield _origin(card, pen)
    yield _approvals(card, history, pen)


def _asks(card: Card, pen: CardPen) -> Section:
    """Tell a firm's own question as its config asked it, so that a reader can see what was learnt."""
    rows = [(pen(f"asks_{name}"), " ".join(card.asks[name].split())) for name in ("target", "population")]
    rows = [(name, text or pen("asks_everyone")) for name, text in rows]
    note = pen("asks_once" if card.asks["once"] else "asks_often")
    return Section(pen("asks"), (note,), tables=(("", Table((pen("asks"), "SQL"), tuple(rows), numbers=False)),))


def _figures(card: Card, pen: CardPen) -> Section:
    if not card.figures:
        return Section(pen("figures"), (pen("no_figures"),))
    names = list(card.baselines)
    head = (pen("figure"), pen("this_model"), pen("interval"), *(pen.known("b", name) for name in names))
    rows = tuple(
        (
            pen.known("f", figure),
            pen.figure(found.value),
            pen.interval(found.low, found.high),
            *(pen.figure(card.baselines[name].get(figure)) for name in names),
        )
        for figure, found in card.figures.items()
    )
    gains = tuple(
        (pen.known("b", name), pen.figure(gain.value), pen.interval(gain.low, gain.high))
        for name, gain in card.gains.items()
    )
    gained = Table((pen("baseline"), pen("gain"), pen("interval")), gains)
    return Section(pen("figures"), (pen("figures_note"),), tables=(("", Table(head, rows)), (pen("gain"), gained)))


def _in_money(outflow: Mapping[str, Estimate], pen: CardPen) -> Section:
    rows = tuple(
        (
            pen.known("o", name),
            pen.figure(found.value, 2 if name in _SHARES else 0),
            pen.interval(found.low, found.high, 2 if name in _SHARES else 0),
        )
        for name, found in outflow.items()
    )
    head = (pen("figure"), pen("this_model"), pen("interval"))
    return Section(pen("outflow"), (pen("outflow_note"),), tables=(("", Table(head, rows)),))


_SHARES = ("ratio", "capture_10")


def _calibration(card: Card, pen: CardPen) -> Section:
    head = ("slice", "rows", "mean_score", "expected", "observed", "ratio")
    rows = tuple(
        (
            str(number),
            pen.figure(row["rows"], 0),
            pen.figure(row["mean_score"]),
            pen.figure(row["expected"], 1),
            pen.figure(row["observed"], 0),
            pen.figure(row["ratio"], 2),
        )
        for number, row in enumerate(card.deciles, start=1)
    )
    return Section(pen("calibration"), tables=(("", Table(tuple(map(pen, head)), rows)),))


def _slices(first: str, slices: Sequence[Slice], pen: CardPen) -> Table:
    head = (
        first,
        *map(pen, ("rows", "events", "f_auc", "mean_score", "f_log_loss", "f_observed_expected", "interval")),
    )
    rows = tuple(
        (
            pen("not_declared") if one.name == NOT_DECLARED else one.name,
            pen.figure(one.rows, 0),
            pen.figure(one.events, 0),
            pen.figure(one.auc, 3),
            pen.figure(one.mean_score),
            pen.figure(one.log_loss),
            pen.figure(one.observed_expected.value, 2),
            pen.interval(one.observed_expected.low, one.observed_expected.high, 2),
        )
        for one in slices
    )
    return Table(head, rows)


def _disparity(card: Card, pen: CardPen) -> Section:
    if not card.disparity:
        return Section(pen("disparity"), (pen("no_disparity"),))
    tables = tuple(
        (
            one.attribute + (f" ({pen('left_out', count=one.left_out)})" if one.left_out else ""),
            _slices(pen("group"), one.groups, pen),
        )
        for one in card.disparity
    )
    return Section(pen("disparity"), (pen("disparity_note", events=FEWEST_EVENTS),), tables=tables)


def _features(card: Card, pen: CardPen) -> Section:
    if not card.features:
        return Section(pen("features"), (pen("no_features"),))
    rows = tuple(
        (
            typeset(one.label[pen.language], pen.language),
            one.theme[pen.language],
            pen("lever") if one.actionable else "",
            one.name,
        )
        for one in card.features
    )
    head = (pen("feature"), pen("theme"), pen("lever"), pen("column"))
    return Section(pen("features"), (pen("features_note"),), tables=(("", Table(head, rows, numbers=False)),))


def _origin(card: Card, pen: CardPen) -> Section:
    rows = [(pen("code_version"), card.code_version), (pen("book_fingerprint"), card.book_fingerprint)]
    rows += [(pen("label_hash"), card.label_hash or NOTHING)]
    rows += [(pen("file", file=file), digest) for file, digest in card.sha256.items()]
    settings = ", ".join(f"{name} = {value}" for name, value in card.parameters.items()) or pen("defaults")
    head = (pen("origin"), "")
    return Section(pen("origin"), tables=(("", Table(head, ((pen("parameters"), settings), *rows), numbers=False)),))


def _approvals(card: Card, history: Sequence[Promotion], pen: CardPen) -> Section:
    rows = tuple(
        (row.at, _what(row, pen), row.by, row.why)
        for row in history
        if card.version in (row.to_version, row.from_version)
    )
    if not rows:
        return Section(pen("approvals"), (pen("no_approval"),))
    head = tuple(map(pen, ("when", "what", "by", "why")))
    return Section(pen("approvals"), tables=(("", Table(head, rows, numbers=False)),))


def _what(row: Promotion, pen: CardPen) -> str:
    told = [pen("became", version=row.to_version, alias=pen.known("alias", row.alias))]
    if row.from_version is not None:
        told.append(pen("instead_of", version=row.from_version))
    return ", ".join([*told, *([pen("overruled")] if row.overruled else [])])


def _if_any(caption: str, head: tuple[str, ...], rows: tuple[tuple[str, ...], ...]) -> tuple[tuple[str, Table], ...]:
    return ((caption, Table(head, rows)),) if rows else ()
