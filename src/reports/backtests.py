"""The page of a backtest: one file in all languages, with its charts inside, that fetches and runs nothing."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from appetence import __version__
from appetence.explain.glossary import in_words
from appetence.explain.wording import Language, typeset
from appetence.models.backtests.result import FIGURES, Backtest, BacktestResult
from appetence.models.backtests.sheets import Sheet
from appetence.models.backtests.verdict import LEVEL
from appetence.models.dependence import UNIT_WORDS
from appetence.models.kinds import ATTRITION, EROSION, kind_of, product_of
from appetence.models.metrics import Interval
from appetence.models.outflows import Forecast, OutflowFigures
from appetence.models.rankings.result import LENGTHS, ProductRanking
from appetence.models.verdicts import Verdict
from appetence.months import Month
from appetence.reports.backtest_words import BACKTEST_WORDS
from appetence.reports.charts import Axis, Chart, Series, axis, place
from appetence.reports.horizons import horizons_of
from appetence.reports.language import Pen
from appetence.reports.pages import render_page

FOLDER = "backtests"
_DIGITS: Mapping[str, int] = {"lift_10": 2, "calibration_slope": 2, "observed_expected": 2, "log_loss": 4, "brier": 4}


def backtest_page(
    result: BacktestResult,
    products: Mapping[str, Mapping[str, str]],
    *,
    own: Mapping[str, Mapping[str, str]] | None = None,
    title: str,
    languages: Sequence[Language],
    month: Month,
) -> str:
    """Return the page as text.

    Parameters
    ----------
    products
        {product_id: {"label_en": …, "label_fr": …}}
    own
        The same of the firm's own questions.
    title
        The firm's name.
    month
        The newest that the book shows.
    """
    parts = [_Writer(result, products, own or {}, language).part(month) for language in languages]
    return render_page("backtest.html", firm=title, parts=parts, lead=parts[0]["t"])


def write_backtest(page: str, directory: Path, month: Month, only: Collection[str] | None) -> Path:
    """Write the page to `<directory>/backtests/<month>.html`, its questions in the name where they are not all."""
    folder = directory / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    chosen = re.sub(r"[^A-Za-z0-9]+", "-", " ".join(sorted(only or ()))).strip("-")[:80]
    path = folder / f"{month}{'-' if chosen else ''}{chosen}.html"
    scratch = path.with_name(f".{path.name}.part")
    scratch.write_text(page, encoding="utf-8", newline="\n")
    scratch.replace(path)
    return path


@dataclass(frozen=True)
class _Writer:
    """What is told of a result in one language, ready for the template."""

    result: BacktestResult
    products: Mapping[str, Mapping[str, str]]
    own: Mapping[str, Mapping[str, str]]
    language: Language

    @property
    def pen(self) -> Pen:
        return Pen(self.language, "EUR", BACKTEST_WORDS)  # no amount of money is written

    def part(self, month: Month) -> dict[str, Any]:
        pen = self.pen
        return {
            "t": pen,
            "as_of": pen("as_of", month=pen.month(month.start)),
            "questions": [
                self._question(pen, number, found) for number, found in enumerate(self.result.backtests.values())
            ],
            "ranking": None if self.result.ranking is None else self._ranking(pen, self.result.ranking),
            "refused": [(self._name(pen, name), self._said(told)) for name, told in self.result.refused.items()],
            "foot": pen("foot", fingerprint=self.result.book_fingerprint[:12], version=__version__),
        }

    def _ranking(self, pen: Pen, found: ProductRanking) -> dict[str, Any]:
        place_of = 0 if self.language == "en" else 1
        rows = [
            {
                "label": f"MAP@{k}",
                "best": pen.number(found.ceiling[k], 3),
                "told": [_told(pen, "", one, True) for one in found.figures[k].values()],
                "ahead": [_told(pen, "", one, True) for one in found.ahead[k].values()],
            }
            for k in found.figures
        ]
        facts = pen(
            "ranking_facts",
            buyers=pen.count(found.buyers),
            products=pen.count(len(found.questions)),
            units=pen.count(found.units),
            unit=UNIT_WORDS[found.unit][place_of],
        )
        return {
            "verdict": self._said(found.verdict),
            "facts": facts,
            "scorers": list(found.figures[LENGTHS[0]]),
            "rows": rows,
        }

    def _said(self, verdict: Verdict) -> str:
        text = typeset(verdict.en if self.language == "en" else verdict.fr, self.language)
        return text[:1].upper() + text[1:]

    def _name(self, pen: Pen, question: str) -> str:
        product = product_of(question)
        if product is None:
            named = self.own.get(question, {}).get(f"label_{self.language}", question)
            return pen(question) if question in (ATTRITION, EROSION) else named
        return pen(kind_of(question), product=self.products.get(product, {}).get(f"label_{self.language}") or product)

    def _question(self, pen: Pen, number: int, found: Backtest) -> dict[str, Any]:
        place_of = 0 if self.language == "en" else 1
        unit = UNIT_WORDS[found.dependence.unit][place_of]
        effects = [
            pen("effect", unit=UNIT_WORDS[one][place_of], value=pen.number(effect.value, 1))
            for one, effect in found.dependence.effects.items()
        ]
        names = [name for name in FIGURES if name in found.pooled.model]
        return {
            "anchor": f"{self.language}{number}",
            "name": self._name(pen, found.question),
            "verdict": self._said(found.verdict),
            "facts": pen(
                "facts",
                rows=pen.count(found.pooled.rows),
                events=pen.count(found.pooled.events),
                dates=pen.count(len(found.dates)),
                units=pen.count(found.units),
                unit=unit,
            ),
            "effects": "".join(effects),
            "figures": names,
            "scorers": ["model", *found.pooled.baselines],
            "pooled": list(self._pooled(pen, found, names)),
            "dates": [
                self._row(pen, self._month(pen, date), sheet, names, ranges=True) for date, sheet in found.dates.items()
            ],
            "money": [] if found.outflow is None else list(self._money(pen, found, found.outflow)),
            "groups": list(self._groups(pen, found, names)),
            "horizons": None if found.horizons is None else horizons_of(pen, found.horizons),
            "drift": [self._drift(pen, found, number) for number in range(len(found.drift))],
            "of_time": self._labels({name for one in found.drift for name in one.of_time}),
            "charts": list(charts_of(pen, found, [self._short(date) for date in found.dates])),
        }

    def _pooled(self, pen: Pen, found: Backtest, names: list[str]) -> Iterator[tuple[str, list[str]]]:
        scorers = [found.pooled.model, *found.pooled.baselines.values()]
        for name in names:
            yield pen(f"figure_{name}"), [_told(pen, name, figures.get(name), True) for figures in scorers]
        for name in ("auc", "log_loss"):
            told = [_told(pen, name, figures[name], True) for figures in found.pooled.ahead.values()]
            yield pen(f"ahead_{name}"), ["", *told]

    def _row(self, pen: Pen, label: str, sheet: Sheet, names: list[str], ranges: bool) -> dict[str, Any]:
        told = [_told(pen, name, sheet.model.get(name), ranges) for name in names] if sheet.told else []
        return {"label": label, "rows": pen.count(sheet.rows), "events": pen.count(sheet.events), "told": told}

    def _money(self, pen: Pen, found: Backtest, money: OutflowFigures) -> Iterator[tuple[str, list[str], list[Any]]]:
        """Yield tables of the expected outflow: by forecast, by test date, by its size."""

        def cells(one: Forecast, realised: float) -> list[str]:
            ratio, error, caught = (_range(pen, v, d) for v, d in ((one.ratio, 2), (one.mae, 0), (one.capture_10, 2)))
            return [pen.count(round(one.promised)), pen.count(round(realised)), ratio, error, caught]

        head = [pen(name) for name in ("promised", "realised", "left_ratio", "mae", "caught")]
        rows = [
            (pen(name), cells(one, money.realised)) for name, one in {"model": money.model, **money.baselines}.items()
        ]
        nothing = [pen.count(0), pen.count(round(money.realised)), "–", pen.number(money.nothing, 0), "–"]
        yield pen("forecast"), head, [*rows, (pen("nothing"), nothing)]
        dates = found.outflow_dates.items()
        yield pen("date"), head, [(self._month(pen, date), cells(one.model, one.realised)) for date, one in dates]
        tenths = [
            (pen.count(row["decile"]), [pen.count(round(row["promised"])), pen.count(round(row["realised"]))])
            for row in money.deciles
        ]
        yield pen("tenth"), head[:2], tenths

    def _groups(self, pen: Pen, found: Backtest, names: list[str]) -> Iterator[dict[str, Any]]:
        yield self._row(pen, pen("unseen"), found.unseen, names, ranges=True)
        for one in found.segments:
            value = in_words(one.value, self.language) if one.by == "kind" else one.value
            colon = ": " if self.language == "en" else " : "
            label = typeset(f"{pen(f'segment_{one.by}')}{colon}{value}", self.language)
            yield self._row(pen, label, one.sheet, names, ranges=True)

    def _drift(self, pen: Pen, found: Backtest, number: int) -> dict[str, Any]:
        one = found.drift[number]
        model = found.dates[one.date].model
        lasting, months = sum(not feature.of_time for feature in one.features), found.half_lives.get(one.date)
        return {
            "label": self._month(pen, one.date),
            "auc": pen.number(one.auc, 3),
            "rest": pen.number(one.auc_without_time, 3),
            "moved": pen("of", count=pen.count(len(one.beyond)), total=pen.count(lasting)),
            "half_life": pen("months", months=pen.count(months)) if months else pen("all_alike"),
            "slope": _told(pen, "calibration_slope", model["calibration_slope"], True),
            "level": _told(pen, "observed_expected", model["observed_expected"], True),
            "led": self._labels(one.strongest[:3]),
        }

    def _labels(self, names: Collection[str]) -> str:
        """Return what features are called, in their order if they have one."""
        ordered = sorted(names) if isinstance(names, set) else names
        place_of = 0 if self.language == "en" else 1
        return ", ".join(self.result.labels.get(name, (name, name))[place_of] for name in ordered)

    def _month(self, pen: Pen, date: str) -> str:
        return pen.month(dt.date.fromisoformat(date))

    def _short(self, date: str) -> str:
        return date[:7] if self.language == "en" else f"{date[5:7]}/{date[:4]}"


def charts_of(pen: Pen, found: Backtest, dates: Sequence[str]) -> Iterator[Chart]:
    """Yield the four charts of a question: reliability, AUC and level by date, gains."""
    share = pen.share
    known = [row for row in found.deciles if row["rows"] > 0]
    points = [(row["mean_score"], row["observed"] / row["rows"]) for row in known]
    span = axis([value for point in points for value in point], share, include=(0.0,))
    yield place(
        pen("reliability"),
        (pen("expected_share"), pen("observed_share")),
        (span, span),
        [Series("model", points)],
        guide=((0.0, 0.0), (span.high, span.high)),
    )
    along = Axis(-0.5, len(dates) - 0.5, dict(enumerate(dates)))
    yield _by_date(pen, found, along, "auc", ("auc_by_date", "figure_auc"), 0.5)
    yield _by_date(pen, found, along, "observed_expected", ("level_by_date", "figure_observed_expected"), 1.0)
    whole = axis((0.0, 1.0), share)
    scorers = [name for name in found.gains[0] if name != "share_of_rows"]
    yield place(
        pen("gains"),
        (pen("share_of_rows"), pen("share_of_events")),
        (whole, whole),
        [Series(name, [(row["share_of_rows"], row[name]) for row in found.gains]) for name in scorers],
        guide=((0.0, 0.0), (1.0, 1.0)),
    )


def _by_date(pen: Pen, found: Backtest, along: Axis, figure: str, words: tuple[str, str], neutral: float) -> Chart:
    """Draw a figure over the test dates: the model's with its intervals, the baselines' beside."""
    sheets = list(found.dates.values())
    own = [sheet.model[figure] for sheet in sheets]
    series = [
        Series(
            "model",
            [(k, one.value) for k, one in enumerate(own)],
            [(k, one.low, one.high) for k, one in enumerate(own)],
        )
    ]
    for name in found.pooled.baselines:
        if figure == "auc":
            series.append(Series(name, [(k, one.baselines[name][figure].value) for k, one in enumerate(sheets)]))
    seen = [value for one in series for _, value in one.points] + [
        value for one in own for value in (one.low, one.high)
    ]
    include = (neutral, *LEVEL) if figure == "observed_expected" else (neutral,)
    return place(
        pen(words[0]),
        (pen("date"), pen(words[1])),
        (along, axis(seen, lambda value: pen.number(value, 2), include)),
        series,
        guide=((along.low, neutral), (along.high, neutral)),
    )


def _range(pen: Pen, found: Interval, digits: int) -> str:
    low, high = pen.number(found.low, digits), pen.number(found.high, digits)
    return f"{pen.number(found.value, digits)} ({low}–{high})"


def _told(pen: Pen, name: str, found: Interval | None, ranges: bool) -> str:
    if found is None:
        return pen.number(float("nan"), 0)
    digits = _DIGITS.get(name, 3)
    value = pen.number(found.value, digits)
    if not ranges or found.low != found.low:
        return value
    return f"{value} ({pen.number(found.low, digits)}–{pen.number(found.high, digits)})"
