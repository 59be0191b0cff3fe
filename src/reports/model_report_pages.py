"""A model report as pages: one language each, with its charts inside, that fetch and run nothing."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from appetence import __version__
from appetence.explain.shapes import ENOUGH_SPLIT, FEWEST_ROWS
from appetence.explain.summary import FeatureWeight, Summary
from appetence.explain.wording import Language, typeset
from appetence.models.artefact import CONTRACT_FILE
from appetence.models.card import Card, Estimate
from appetence.models.held_out import BY_MONEY, MODEL
from appetence.models.tracking import StoredVersion
from appetence.reports.card_words import CardPen
from appetence.reports.cards import name_of, population_of, purpose_of, status_of, verdict_of
from appetence.reports.language import Pen
from appetence.reports.model_report_charts import charts_of_scores, shape_figures, swarm_chart
from appetence.reports.model_report_data import ModelReport
from appetence.reports.model_report_words import MODEL_REPORT_WORDS
from appetence.reports.pages import render_page

MOST_FEATURES, MOST_OF_SHARE = 20, 8
"""Rows of the tables of features: of the probability, and of the share that leaves."""

CLEAR = 0.5
"""Rank correlation of value and contribution from which a relation is told as one way."""

TILES: Mapping[str, int] = {
    "auc": 3,
    "lift_10": 2,
    "log_loss": 4,
    "calibration_slope": 2,
    "observed_expected": 2,
}
"""Figures at the top, with their decimals."""

_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_PLOT_STYLE = """svg{--ink:#1b2733;--quiet:#55626f;--line:#d5dce3;--blue:#0b4a6f;background:#fff;font-family:sans-serif}
"""


def report_page(report: ModelReport, card: Card, stored: StoredVersion, currency: str, language: Language) -> str:
    """Return the page of a version in one language."""
    return render_page("model_report.html", **_Writer(report, card, stored, currency, language).values())


def plots(report: ModelReport, card: Card, currency: str) -> dict[str, str]:
    """Return the main charts as SVG files of their own, in English: {name: svg}."""
    pen = Pen("en", currency, MODEL_REPORT_WORDS)
    style = Markup(_PLOT_STYLE + charts_style())  # noqa: S704 - this package's own
    charts: dict[str, Any] = {chart.name: chart.chart for chart in charts_of_scores(pen, report.held_out, card)}
    if report.why is not None and report.why.swarms:
        charts["beeswarm"] = swarm_chart(pen, report.why)
    return {name: render_page("plot.svg", t=pen, chart=chart, plot_style=style) for name, chart in charts.items()}


def charts_style() -> str:
    """Return the style sheet of charts."""
    from importlib.resources import files

    return files("appetence.reports").joinpath("templates", "charts.css").read_text(encoding="utf-8")


@dataclass(frozen=True)
class _Writer:
    """What is told of a version in one language, ready for the template."""

    report: ModelReport
    card: Card
    stored: StoredVersion
    currency: str
    language: Language

    def values(self) -> dict[str, Any]:
        pen, words = Pen(self.language, self.currency, MODEL_REPORT_WORDS), CardPen(self.language)
        report, card = self.report, self.card
        return {
            "t": pen,
            "title": pen("title", name=name_of(card, words), version=card.version),
            "status": status_of(card, self.stored, words),
            "verdict": verdict_of(card, words),
            "tiles": list(self._tiles(pen, words)),
            "facts": list(self._facts(pen, words)),
            "why": None if report.why is None else self._why(pen, report.why),
            "nothing": pen("nothing" if report.made.probability is not None else "no_why"),
            "share": None if report.share is None else self._share(pen, report.share),
            "charts": list(charts_of_scores(pen, report.held_out, card)),
            "held_out": self._held_out(pen),
            "figures": list(self._figures(words)),
            "scorers": [words.known("b", name) for name in card.baselines],
            "dates": list(self._dates(pen)),
            "foot": pen("foot", fewest=FEWEST_ROWS, version=__version__),
        }

    def _tiles(self, pen: Pen, words: CardPen) -> Iterator[tuple[str, str, str]]:
        for name, digits in TILES.items():
            found = self.card.figures.get(name)
            if found is not None:
                yield pen(f"tile_{name}"), words.figure(found.value, digits), _interval(pen, found, digits)
        held_out = self.report.held_out
        if held_out is not None:
            chance = pen("by_chance", value=pen.number(held_out.error_by_chance, 4))
            yield pen("tile_calibration_error"), pen.number(held_out.error, 4), chance

    def _facts(self, pen: Pen, words: CardPen) -> Iterator[tuple[str, str]]:
        card, made = self.card, self.report.made
        yield pen("question"), purpose_of(card, words)
        yield pen("population"), population_of(card, words)
        months = {"months": card.horizon, "gap": card.gap}
        yield pen("horizon"), pen("months_gap" if card.gap else "months", **months)
        cuts = sorted({*card.fitted_on, *card.calibrated_on})
        learnt = {"rows": pen.count(card.sizes.get("rows", 0)), "events": pen.count(card.sizes.get("events", 0))}
        if cuts:
            first, last = (self._month_before(pen, cuts[place]) for place in (0, -1))
            yield pen("learnt"), pen("learnt_told", **learnt, cuts=len(cuts), first=first, last=last)
        tested = sum(one.rows for one in card.by_date)
        dates = pen("and").join(self._month_before(pen, day) for day in card.tested_on)
        told = pen("tested_told", rows=pen.count(tested), dates=dates) if dates else pen("not_tested")
        yield pen("tested"), told
        if made.probability is not None:
            yield pen("made"), pen("made_constant", value=_percent(pen, made.probability))
        else:
            yield from self._composition(pen)
        yield pen("hash"), card.sha256.get(CONTRACT_FILE, "–")
        yield pen("book"), card.book_fingerprint[:16]
        yield pen("code"), f"appetence {card.code_version}"
        yield pen("beside"), pen("beside_told", question=card.question)

    def _composition(self, pen: Pen) -> Iterator[tuple[str, str]]:
        made, why = self.report.made, self.report.why
        if why is not None:
            yield pen("reads"), pen("reads_told", read=why.read, used=why.used)
        parts = "made_trees" if made.shrink == 0 else "made_told" if made.splits else "made_linear"
        yield pen("made"), pen(parts, shrink=pen.share(made.shrink), trees=pen.count(made.trees))
        sign = "+" if made.intercept >= 0 else "\N{MINUS SIGN}"
        intercept = f"{sign} {pen.number(abs(made.intercept), 3)}"
        yield pen("calibrated"), pen("calibrated_told", slope=pen.number(made.slope, 3), intercept=intercept)
        recency = pen("recency_told", months=made.half_life) if made.half_life else pen("recency_none")
        yield pen("recency"), recency

    def _why(self, pen: Pen, why: Summary) -> dict[str, Any]:
        intro = pen(
            "leans_intro",
            rows=pen.count(why.rows),
            of=pen.count(self.report.of),
            seed=self.report.seed,
            month=self._month_before(pen, self.report.cut),
            baseline=_percent(pen, why.baseline),
            gap=_power(why.gap),
        )
        themes = [
            {
                "label": self._said(one.label),
                "lever": one.actionable,
                "features": pen.count(one.features),
                "bars": [(0.0, _part(one.mean, why.themes[0].mean))],
                "mean": pen.number(one.mean, 3),
                "points": pen.number(one.points, 2),
            }
            for one in why.themes
        ]
        shown = why.features[:MOST_FEATURES]
        return {
            "intro": intro,
            "themes": themes,
            "features": self._weights(pen, shown),
            "features_note": pen("by_feature_note", shown=len(shown)),
            "swarm": swarm_chart(pen, why) if why.swarms else None,
            "swarm_note": pen("swarm_note", dots=pen.count(len(why.swarms[0].contributions))) if why.swarms else "",
            "legend": list(_legend(pen, why)),
            "shapes": list(shape_figures(pen, why)),
            "shapes_intro": pen("shapes_intro", enough=pen.share(ENOUGH_SPLIT), fewest=FEWEST_ROWS),
        }

    def _share(self, pen: Pen, share: Summary) -> dict[str, Any]:
        intro = pen("severity_intro", mean=pen.share(share.mean))
        return {"intro": intro, "features": self._weights(pen, share.features[:MOST_OF_SHARE])}

    def _weights(self, pen: Pen, shown: Sequence[FeatureWeight]) -> list[dict[str, Any]]:
        largest = max((one.linear + one.trees for one in shown), default=1.0)
        return [
            {
                "label": self._said(one.label),
                "bars": [
                    (0.0, _part(one.linear, largest)),
                    (_part(one.linear, largest), _part(one.trees, largest)),
                ],
                "mean": pen.number(one.mean, 3),
                "points": pen.number(one.points, 2),
                "lever": False,
                "relation": pen(_relation(one)),
            }
            for one in shown
        ]

    def _held_out(self, pen: Pen) -> dict[str, Any]:
        held_out, card = self.report.held_out, self.card
        if not card.figures:
            return {"intro": pen("no_held_out"), "notes": [], "tested": False}
        notes = []
        if held_out is None:
            notes.append(pen("no_curves"))
        elif held_out.money:
            curves = {curve.name: curve.found[len(curve.found) // 10] for curve in held_out.money}
            told = {"model": pen.share(curves[MODEL]), "money": pen.share(curves[BY_MONEY])}
            told["by"] = pen(f"by_money_{held_out.stake}")
            notes.append(pen("money_note", **told))
        if held_out is not None:
            notes.append(pen("gap_note"))
        return {
            "intro": pen("held_out_intro", unit="" if held_out is None else pen(f"unit_{held_out.unit}")),
            "notes": notes,
            "tested": True,
        }

    def _figures(self, words: CardPen) -> Iterator[tuple[str, list[str]]]:
        card = self.card
        for name, found in card.figures.items():
            others = [words.figure(card.baselines[scorer].get(name)) for scorer in card.baselines]
            yield words.known("f", name), [words.figure(found.value), words.interval(found.low, found.high), *others]

    def _dates(self, pen: Pen) -> Iterator[list[str]]:
        shifts = {} if self.report.held_out is None else {one.date: one for one in self.report.held_out.shifts}
        for one in self.card.by_date:
            ratio = one.observed_expected
            moved = shifts.get(one.name)
            psi = pen("first")
            if moved is not None:
                psi = f"{pen.number(moved.psi, 3)} ({pen.number(moved.limit, 3)})"
                psi += f" {pen('beyond')}" if moved.psi > moved.limit else ""
            yield [
                self._month_before(pen, one.name),
                pen.count(one.rows),
                pen.count(one.events),
                _percent(pen, one.events / one.rows if one.rows else 0.0),
                _number(pen, one.mean_score, 4),
                _number(pen, one.auc, 3),
                f"{_number(pen, ratio.value, 2)} ({_interval(pen, ratio, 2)})",
                psi,
            ]

    def _said(self, label: Mapping[str, str]) -> str:
        return typeset(label[self.language], self.language)

    def _month_before(self, pen: Pen, cut: str) -> str:
        """Write the month that a cut ends."""
        return pen.month(dt.date.fromisoformat(cut) - dt.timedelta(days=1))


def _relation(one: FeatureWeight) -> str:
    if one.kind == "category":
        return "relation_level"
    if one.relation is None:
        return "relation_none"
    if abs(one.relation) < CLEAR:
        return "relation_both"
    side = "up" if one.relation > 0 else "down"
    return f"relation_yes_{side}" if one.kind == "flag" else f"relation_{side}"


def _legend(pen: Pen, why: Summary) -> Iterator[tuple[str, str]]:
    names = {-1: "missing", -2: "level"} | {k: f"v{k}" for k in range(5)}
    seen = {fifth for swarm in why.swarms for fifth in swarm.fifths}
    for place in (0, 1, 2, 3, 4, -1, -2):
        if place in seen:
            yield names[place], pen(names[place])


def _power(value: float) -> str:
    """Write the power of ten that a small positive number is below.

    >>> _power(2.3e-8), _power(0.0)
    ('10⁻⁷', '10⁻¹²')
    """
    exponent = math.floor(math.log10(max(value, 1e-13))) + 1
    return "10" + str(exponent).translate(_RAISED)


def _part(value: float, whole: float) -> float:
    return round(100.0 * value / whole, 1) if whole > 0 else 0.0


def _percent(pen: Pen, value: float) -> str:
    """Write a probability with digits enough for rare events."""
    gap = "\N{NO-BREAK SPACE}" if pen.language == "fr" else ""
    return f"{pen.number(100 * value, 2 if value < 0.1 else 1)}{gap}%"


def _number(pen: Pen, value: float | None, digits: int) -> str:
    return pen.number(float("nan") if value is None else value, digits)


def _interval(pen: Pen, found: Estimate, digits: int) -> str:
    return pen("interval", low=_number(pen, found.low, digits), high=_number(pen, found.high, digits))
