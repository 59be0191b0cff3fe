"""Pages as text: compiled templates with autoescape on, a strict content policy, and nothing fetched from anywhere."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from appetence.explain.wording import Language, visible
from appetence.models.kinds import ATTRITION, EROSION, NEXT_AGAIN, NEXT_PRODUCT, kind_of, product_of
from appetence.reports.background import Background, briefer_of
from appetence.reports.data import ModelNote, PublishedScores
from appetence.reports.language import WORDS, Pen, shortened
from appetence.reports.portfolios import Page, Portfolio, total
from appetence.reports.sheet_words import SHEET_WORDS
from appetence.reports.sheets import Sheet, ready_to_buy, to_call, to_keep
from appetence.reports.situations import Directory
from appetence.scoring.tables import AGAIN, FIRST

INDEX = "index.html"


class Pages:
    """The pages of one book in one language.

    Parameters
    ----------
    portfolios
        As `split_by_advisor` returns them.
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
        self._pen = Pen(language, currency, {**WORDS, **SHEET_WORDS})
        self._briefer = briefer_of(background, self._pen, self._label, published.run.month.cut)
        self._totals = total([sheet for portfolio in portfolios for page in portfolio.pages for sheet in page.sheets])
        self._shared = self._what_all_pages_share(languages, title)

    def render(self) -> Iterator[tuple[str, str]]:
        """Yield file names and pages, the overview first."""
        yield INDEX, self._index()
        for portfolio in self._portfolios:
            for page in portfolio.pages:
                yield page.file, self._portfolio(portfolio, page)

    def _what_all_pages_share(self, languages: Sequence[Language], title: str) -> dict[str, Any]:
        run, pen = self._published.run, self._pen
        others = [language for language in languages if language != pen.language]
        note = run.models.get(ATTRITION)
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

    def _index(self) -> str:
        rows = [
            {
                "file": page.file,
                "heading": self._heading(portfolio),
                "part": self._pen("part", number=page.number, parts=page.parts) if page.parts > 1 else "",
                "team": portfolio.team,
                "branch": portfolio.branch,
                "totals": portfolio.totals if page.parts == 1 else total(page.sheets),
            }
            for portfolio in self._portfolios
            for page in portfolio.pages
        ]
        products = self._published.products.to_pylist()
        return template(INDEX).render(self._shared, file=INDEX, totals=self._totals, rows=rows, products=products)

    def _portfolio(self, portfolio: Portfolio, page: Page) -> str:
        places: dict[str, str] = {sheet.client_id: f"c{i}" for i, sheet in enumerate(page.sheets, start=1)}

        def anchor(sheet: Sheet) -> str:
            return places[sheet.client_id]

        return template("portfolio.html").render(
            self._shared,
            file=page.file,
            portfolio=portfolio,
            page=page,
            heading=self._heading(portfolio),
            place=" · ".join(part for part in (portfolio.team, portfolio.branch) if part),
            totals=portfolio.totals if page.parts == 1 else total(page.sheets),
            calls=to_call(page.sheets, self._to_call),
            drains=to_keep(page.sheets, self._to_call),
            sales=ready_to_buy(page.sheets, self._to_call),
            by_name=sorted(page.sheets, key=lambda sheet: (sheet.name.casefold(), sheet.client_id)),
            anchor=anchor,
            anchor_of=places.get,
        )

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
    style, charts, script = (loader.get_source(environment, name)[0] for name in ("style.css", "charts.css", "page.js"))
    environment.globals |= {"style": Markup(style), "script": Markup(script), "policy": _policy(style, script)}  # noqa: S704
    environment.globals |= {"drawn_style": Markup(style + charts), "drawn_policy": _policy(style + charts)}  # noqa: S704
    return environment


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
