"""Pages as text: compiled templates with autoescape on, a strict content policy, and nothing fetched from anywhere."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from jinja2.runtime import Context
from markupsafe import Markup

from appetence.explain.wording import Language, visible
from appetence.models.kinds import ATTRITION, EROSION, NEXT_AGAIN, NEXT_PRODUCT, kind_of, product_of
from appetence.reports.alerts import GROWTH
from appetence.reports.background import Background, briefer_of
from appetence.reports.cascade import MEASURES, Cascade
from appetence.reports.cascade_words import CASCADE_WORDS
from appetence.reports.changes import Counts
from appetence.reports.data import ModelNote, PublishedScores
from appetence.reports.filters import alert_kinds, channel_kinds, choices_of, say_alert, say_rules
from appetence.reports.language import NOTHING, WORDS, Pen, shortened
from appetence.reports.levels import COMPANY, COMPANY_FILE, LEVELS, Unit, places_of
from appetence.reports.list_columns import columns_of
from appetence.reports.lists import Column, best_offer
from appetence.reports.portfolios import Page, Portfolio, total
from appetence.reports.sheet_words import SHEET_WORDS
from appetence.reports.sheets import Sheet, ready_to_buy, to_call, to_keep
from appetence.reports.situations import Directory
from appetence.reports.trends import HEIGHT, WIDTH
from appetence.scoring.tables import AGAIN, FIRST

INDEX = COMPANY_FILE
COMPANY_STEM = "company"
"""What the company's lists are called before their kind."""


class Pages:
    """The pages of one book in one language.

    Parameters
    ----------
    portfolios
        As `split_by_advisor` returns them.
    cascade
        As `build_cascade` returns it.
    languages
        All languages that the reports are written in: each page links to the same page in the next one.
    clients_to_call
        Rows of the two lists at the top of a portfolio.
    background
        What the sheets tell beside scores, as `read_background` returns it.
    """

    def __init__(
        self,
        published: PublishedScores,
        portfolios: Sequence[Portfolio],
        directory: Directory,
        cascade: Cascade,
        *,
        language: Language,
        languages: Sequence[Language],
        title: str,
        currency: str,
        clients_to_call: int,
        background: Background | None = None,
    ) -> None:
        self._published, self._portfolios, self._directory = published, portfolios, directory
        self._to_call = clients_to_call
        self._cascade, self._places = cascade, places_of(cascade.company)
        self._pen = Pen(language, currency, {**WORDS, **SHEET_WORDS, **CASCADE_WORDS})
        self._briefer = briefer_of(background, self._pen, self._label, published.run.month.cut)
        self._shared = self._what_all_pages_share(languages, title)

    @property
    def language(self) -> Language:
        """The language that the pages are in."""
        return self._pen.language

    @property
    def currency(self) -> str:
        """The currency that the pages are in."""
        return self._pen.currency

    @property
    def list_title(self) -> str:
        """What a call list is called in its workbook."""
        return self._pen("list_title")

    def render(self, number: int = 0, of: int = 1) -> Iterator[tuple[str, str]]:
        """Yield file names and pages, the overview first: all, or the share `number` of as many."""
        for place, unit in enumerate(self._cascade.company.walk()):
            if place % of == number:
                yield unit.file, self._unit(unit)
        for portfolio in self._portfolios:
            if portfolio.number % of == number:
                for page in portfolio.pages:
                    yield page.file, self._portfolio(portfolio, page)

    def lists(self, number: int = 0, of: int = 1) -> Iterator[tuple[str, Sequence[Column], Iterator[Sheet]]]:
        """Yield call lists in the same shares: what their files are called before the kind, columns, and clients."""
        if number == 0:
            everyone = (sheet for portfolio in self._portfolios for sheet in portfolio.sheets)
            yield COMPANY_STEM, self._columns(with_advisor=True), everyone
        for portfolio in self._portfolios:
            if portfolio.number % of == number:
                yield portfolio.stem, self._columns(with_advisor=False), iter(portfolio.sheets)

    def _columns(self, with_advisor: bool) -> list[Column]:
        names = {one.advisor_id: self._heading(one) for one in self._portfolios}
        advisors = names if with_advisor and self._shared["has_advisors"] else None
        return columns_of(self._pen, self._published, self._offered, self._cascade.rules, advisors)

    def _what_all_pages_share(self, languages: Sequence[Language], title: str) -> dict[str, Any]:
        run, pen = self._published.run, self._pen
        others = [language for language in languages if language != pen.language]
        note, earlier = run.models.get(ATTRITION), self._cascade.comparison.month
        values = self._published.products["value"]
        return {
            "t": pen,
            "other": others[0] if others else None,
            "firm": title,
            "month": pen.month(run.month.start),
            "cut": run.month.cut,
            "run": run,
            "label": self._label,
            "offered": self._offered,
            "briefer": self._briefer,
            "has_attrition": self._published.has_attrition,
            "has_erosion": self._published.has_erosion,
            "moves": self._published.moves,
            "has_offers": self._published.products.num_rows > 0,
            "has_worth": values.null_count < len(values),
            "has_advisors": any(portfolio.advisor_id for portfolio in self._portfolios),
            "attrition_note": note.text(pen.language) if note else None,
            "earlier": pen.month(earlier.start) if earlier else "",
            "has_earlier": earlier is not None,
            "growth": GROWTH,
            "best_offer": best_offer,
            "channel_kinds": channel_kinds,
            "models": [self._note(question, note) for question, note in sorted(run.models.items())],
        }

    def _note(self, question: str, note: ModelNote) -> dict[str, Any]:
        """Name a question as readers know it: attrition, one product, all products together, or the firm's own."""
        product = product_of(question)
        words = {ATTRITION: "attrition", EROSION: "erosion"}
        words |= {NEXT_PRODUCT: "next_products", NEXT_AGAIN: "products_again"}
        if product is not None:
            name = self._offered(product, AGAIN if kind_of(question) == NEXT_AGAIN else FIRST)
        else:
            own = note.labels.get(self._pen.language, question)
            name = self._pen(words[question]) if question in words else own
        return {"name": name, "kind": note.kind, "text": note.text(self._pen.language)}

    def _unit(self, unit: Unit) -> str:
        shared = {**self._shared, "file": unit.file, "unit": unit, "totals": unit.totals, "view": self._view(unit)}
        if unit.level != COMPANY:
            return template("unit.html").render(shared)
        return template(INDEX).render(shared, products=self._published.products.to_pylist())

    def _view(self, unit: Unit) -> dict[str, Any]:
        """Return what the page of a unit shows beside its own figures."""
        cascade, pen = self._cascade, self._pen
        figures = cascade.figures(unit)
        below = cascade.children(unit, self._heading, self._part) if unit.units else []
        kinds = {one.level for one in unit.units}
        known = [level for level in LEVELS if any(getattr(one, level) for one in unit.all_portfolios)]
        above = {place.level for place in (*unit.above, unit.place)}
        orders = {True: "portfolios_by_stake", False: "portfolios_by_risk" if self._published.has_attrition else ""}
        view = {
            "has_attrition": self._published.has_attrition,
            "has_offers": self._shared["has_offers"],
            "has_advisors": self._shared["has_advisors"],
            "earlier": self._shared["earlier"],
            "totals": unit.totals,
            "counts": cascade.counts(unit),
            "change": cascade.change(figures),
            "figures": figures,
            "lines": cascade.lines(figures),
            "write": self._write,
            "value": lambda name, one: dict(MEASURES)[name](one),
            "width": WIDTH,
            "height": HEIGHT,
            "below": below,
            "below_level": next(iter(kinds)) if len(kinds) == 1 else None,
            "portfolios": cascade.portfolios(unit, self._heading, self._part),
            "order": pen(orders[unit.totals.at_stake is not None] or "portfolios_plain"),
            "places": [level for level in reversed(known) if level not in above][:2],
        }
        return view | {"flat": view | {"below_level": "advisor"}}

    def _write(self, name: str, value: float | None) -> str:
        """Write a figure of a trend."""
        if value is None:
            return NOTHING
        writers = {"clients": self._pen.count, "leaver_rate": self._pen.share}
        return writers.get(name, self._pen.money)(value)

    def _part(self, number: int, parts: int) -> str:
        return self._pen("part", number=number, parts=parts)

    def _portfolio(self, portfolio: Portfolio, page: Page) -> str:
        places: dict[str, str] = {sheet.client_id: f"c{i}" for i, sheet in enumerate(page.sheets, start=1)}

        def anchor(sheet: Sheet) -> str:
            return places[sheet.client_id]

        above = self._places[portfolio.number]
        alerts = self._cascade.rules.alerts_of(page.sheets)
        offers = [best_offer(sheet) for sheet in page.sheets]
        proposed = sorted({(offer.product_id, offer.purchase) for offer in offers if offer})
        numbers = {offered: number for number, offered in enumerate(proposed)}
        kinds = alert_kinds(alerts)
        values = dict(
            self._shared,
            file=page.file,
            portfolio=portfolio,
            page=page,
            heading=self._heading(portfolio),
            trail_places=above,
            ranked=len(self._portfolios),
            place=" · ".join(place.name for place in reversed(above) if place.name),
            totals=portfolio.totals if page.parts == 1 else total(page.sheets),
            alerts=[(alert, say_alert(alert, self._pen, self._offered)) for alert in alerts],
            rules=say_rules(self._cascade.rules, self._pen, self._published),
            choices=choices_of(self._pen, self._published, alerts, [self._offered(*one) for one in proposed]),
            alert_kinds=lambda sheet: kinds.get(sheet.client_id, ""),
            product_number=lambda offer: "" if offer is None else numbers[offer.product_id, offer.purchase],
            calls=to_call(page.sheets, self._to_call),
            drains=to_keep(page.sheets, self._to_call),
            sales=ready_to_buy(page.sheets, self._to_call),
            anchor=anchor,
            anchor_of=places.get,
            **self._changes(portfolio, page),
        )
        return template("portfolio.html").render(values, sheet_of=sheet_writer(values))

    def _changes(self, portfolio: Portfolio, page: Page) -> dict[str, Any]:
        """Return the month's changes of a page's clients; those who are gone are told on the first page."""
        cascade = self._cascade
        if cascade.comparison.month is None:
            return {"changes": None}
        found = cascade.comparison.of(page.sheets)
        is_first = page.number == 1
        gone = cascade.comparison.gone(portfolio.advisor_id) if is_first else ()
        objecting = cascade.comparison.objecting(portfolio.advisor_id) if is_first else 0
        whole = page.parts == 1
        return {
            "changes": found,
            "gone": gone,
            "objecting": objecting,
            "told": found.told(self._to_call),
            "most_told": self._to_call,
            "change_counts": Counts(len(found.new), len(gone) + objecting, len(found.up), len(found.down)),
            "stake_change": cascade.change(cascade.trends.of([portfolio.advisor_id])) if whole else None,
        }

    def _heading(self, portfolio: Portfolio) -> str:
        if portfolio.advisor_id is not None:
            return portfolio.name or portfolio.advisor_id
        return self._pen("no_advisor" if len(self._portfolios) > 1 else "all_clients")

    def _offered(self, product_id: str, purchase: str) -> str:
        """Name a product as it is proposed: by its name, or as another contract of it."""
        label = self._label(product_id)
        return self._pen("another", product=label) if purchase == AGAIN else label

    def _label(self, product_id: str) -> str:
        product: Mapping[str, str] = self._directory.products.get(product_id, {})
        return product.get(f"label_{self._pen.language}") or product_id


class _PlainContext(Context):
    """A context that calls what templates call, and no more.

    Jinja looks at each call for functions that want the context itself. These templates have none, and with some
    hundred calls for each client that look was a third of the time.
    """

    def call(self, called: Any, /, *args: Any, _loop_vars: Any = None, _block_vars: Any = None, **kwargs: Any) -> Any:
        """Return what is called returns."""
        return called(*args, **kwargs)


@lru_cache
def template(name: str) -> Any:
    """Return a compiled template of this package; what is written into it is escaped."""
    return _environment().get_template(name)


@lru_cache
def _environment() -> Environment:
    loader = PackageLoader("appetence.reports", "templates")
    environment = Environment(
        loader=loader,
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_shown,
        auto_reload=False,
    )
    environment.filters["shortened"] = shortened
    environment.context_class = _PlainContext
    names = ("style.css", "cascade.css", "charts.css", "page.js")
    plain, cascade, charts, script = (loader.get_source(environment, name)[0] for name in names)
    style = plain + cascade
    environment.globals |= {"style": Markup(style), "script": Markup(script), "policy": _policy(style, script)}  # noqa: S704
    environment.globals |= {"drawn_style": Markup(plain + charts), "drawn_policy": _policy(plain + charts)}  # noqa: S704
    return environment


def sheet_writer(values: Mapping[str, Any]) -> Callable[[Sheet], Markup]:
    """Return what writes a client's sheet, as an include in a loop would, with one context for all sheets of a page.

    An include makes a context of some sixty values for each client, which took a tenth of the time.
    """
    page = template("sheet.html")
    context = page.new_context(dict(values))
    context.globals_keys = frozenset()  # imports look for globals that other templates lack: there are none

    def write(sheet: Sheet) -> Markup:
        context.parent |= {"sheet": sheet, "who": sheet.situation}
        return Markup("".join(page.root_render_func(context)))  # noqa: S704 - the template has escaped it

    return write


def render_page(name: str, **values: Any) -> str:
    """Return a page that stands alone and runs no script."""
    return str(template(name).render(**values))


def _policy(style: str, script: str | None = None) -> str:
    """Allow this style and this script, by their hashes, and nothing else."""
    allowed = "'none'" if script is None else f"'sha256-{_hash(script)}'"
    return (
        f"default-src 'none'; style-src 'sha256-{_hash(style)}'; script-src {allowed}; "
        "base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _shown(value: object) -> object:
    """Take hidden characters out of whatever a template writes."""
    return visible(value) if type(value) is str else value
