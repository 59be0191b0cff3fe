"""What a backtest found: for each question its verdict, figures, curves and drift, or why it could not be asked."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from appetence.models.backtests.horizons import Horizons
from appetence.models.backtests.segments import SEGMENTS
from appetence.models.backtests.sheets import Sheet
from appetence.models.dependence import UNIT_WORDS, Dependence
from appetence.models.drift import Drift
from appetence.models.fitting import Predictions
from appetence.models.metrics import Interval
from appetence.models.outflows import OutflowFigures
from appetence.models.rankings.result import ProductRanking
from appetence.models.verdicts import Verdict

FIGURES: Mapping[str, tuple[str, str]] = {
    "auc": ("AUC", "AUC"),
    "average_precision": ("average precision", "précision moyenne"),
    "lift_10": ("lift at 10 %", "lift à 10 %"),
    "money_10": ("assets at stake caught in 10 %", "encours en jeu captés dans 10 %"),
    "empc": ("expected maximum profit", "profit maximal espéré"),
    "log_loss": ("log-loss", "perte logarithmique"),
    "brier": ("Brier score", "score de Brier"),
    "calibration_slope": ("calibration slope", "pente de calibration"),
    "observed_expected": ("observed / expected", "observé / attendu"),
}
"""All figures, in the order in which they are shown, and what they are called in English and in French."""


@dataclass(frozen=True)
class SegmentSheet:
    """Figures of a segment: by what, its value, and the sheet."""

    by: str
    value: str
    sheet: Sheet


@dataclass(frozen=True)
class Backtest:
    """One question, judged.

    Attributes
    ----------
    question, verdict
        Its name, and all in a sentence.
    dependence, units
        What was drawn for the intervals, and how many of them there are.
    pooled, dates
        Figures over all test dates, and {test date: figures}.
    unseen
        Figures of clients of whose household no row was learnt from: in most books, those who joined lately.
    segments
        Figures by group.
    deciles, gains
        Rows of the calibration table by decile of the score, and {scorer: share of events found} beside the share of
        rows.
    drift
        Of each test date from what its model learnt.
    half_lives
        {test date: months in which a row's weight halved in its model, or None where all counted alike}
    horizons
        Of attrition: its curves, held to what happened month by month; None of other questions.
    tested
        The model's scores of the test rows, beside what happened; never stored.
    outflow, outflow_dates
        Money expected to leave beside what did, over all test dates and {test date: figures}; none where the question
        is not about money.
    """

    question: str
    verdict: Verdict
    dependence: Dependence
    units: int
    pooled: Sheet
    dates: Mapping[str, Sheet]
    unseen: Sheet
    segments: tuple[SegmentSheet, ...]
    deciles: tuple[Mapping[str, float], ...]
    gains: tuple[Mapping[str, float], ...]
    drift: tuple[Drift, ...]
    horizons: Horizons | None = None
    half_lives: Mapping[str, int | None] = field(default_factory=dict)
    tested: Predictions | None = field(default=None, repr=False, compare=False)
    outflow: OutflowFigures | None = None
    outflow_dates: Mapping[str, OutflowFigures] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Return it for JSON."""
        return {
            **self.verdict.as_dict("verdict"),
            "intervals_by": self.dependence.as_dict() | {"units": self.units},
            "pooled": self.pooled.as_dict(),
            "dates": {date: sheet.as_dict() for date, sheet in self.dates.items()},
            "never_seen": self.unseen.as_dict(),
            "segments": [{"by": one.by, "value": one.value, **one.sheet.as_dict()} for one in self.segments],
            "deciles": [dict(row) for row in self.deciles],
            "gains": [dict(row) for row in self.gains],
            "drift": [one.as_dict() for one in self.drift],
            "half_life_in_months": dict(self.half_lives),
            "horizons": None if self.horizons is None else self.horizons.as_dict(),
            "outflow": None if self.outflow is None else self._money(self.outflow),
        }

    def _money(self, pooled: OutflowFigures) -> dict[str, Any]:
        return pooled.as_dict() | {"dates": {date: one.as_dict() for date, one in self.outflow_dates.items()}}

    def flat(self) -> dict[str, float]:
        """Return the pooled figures under one name each, as MLflow has them."""
        found: dict[str, float] = {}
        for name, estimate in self.pooled.model.items():
            found |= {name: estimate.value, f"{name}_low": estimate.low, f"{name}_high": estimate.high}
        for baseline, figures in self.pooled.baselines.items():
            found |= {f"{_key(baseline)}.{name}": estimate.value for name, estimate in figures.items()}
        for baseline, figures in self.pooled.ahead.items():
            found |= {f"{_key(baseline)}.ahead_{name}": estimate.value for name, estimate in figures.items()}
        found |= {f"never_seen.{name}": estimate.value for name, estimate in self.unseen.model.items()}
        found |= {} if self.horizons is None else dict(self.horizons.flat())
        found |= {} if self.outflow is None else self.outflow.flat()
        return {name: value for name, value in found.items() if np.isfinite(value)}

    def series(self) -> dict[str, dict[int, float]]:
        """Return {figure: {test date as the number YYYYMM: value}}, the drift among them."""
        found: dict[str, dict[int, float]] = {}
        for date, sheet in self.dates.items():
            values = {f"at_date.{name}": estimate.value for name, estimate in sheet.model.items()}
            for baseline, figures in sheet.baselines.items():
                values |= {f"at_date.{_key(baseline)}.{name}": figures[name].value for name in ("auc", "log_loss")}
            for name, value in values.items():
                found.setdefault(name, {})[_step(date)] = value
        for date, money in self.outflow_dates.items():
            for name in ("promised", "realised"):
                value = money.realised if name == "realised" else money.model.promised
                found.setdefault(f"at_date.outflow/{name}", {})[_step(date)] = value
        for one in self.drift:
            found.setdefault("at_date.adversarial_auc", {})[_step(one.date)] = one.auc_without_time
            found.setdefault("at_date.features_beyond_chance", {})[_step(one.date)] = float(len(one.beyond))
        return {name: {step: v for step, v in steps.items() if np.isfinite(v)} for name, steps in found.items()}

    def texts(self) -> dict[str, str]:
        """Return the files logged with a run."""
        return {
            "backtest.json": json.dumps(self.as_dict(), indent=1, ensure_ascii=False),
            "figures.csv": "\n".join(self._csv()) + "\n",
        }

    def _csv(self) -> Iterator[str]:
        """Return every figure in a row of its own, with what it is of."""
        yield "rows_of,value,rows,events,scorer,figure,estimate,low,high"
        sheets = [("all", "", self.pooled), *(("date", date, sheet) for date, sheet in self.dates.items())]
        sheets += [("never seen", "", self.unseen), *((one.by, one.value, one.sheet) for one in self.segments)]
        for by, value, sheet in sheets:
            for scorer, figures in (("model", sheet.model), *sheet.baselines.items()):
                for name, found in figures.items():
                    shown = ",".join(f"{number:.10g}" for number in (found.value, found.low, found.high))
                    yield f'{by},"{value}",{sheet.rows},{sheet.events},{scorer},{name},{shown}'

    def lines(self) -> Iterator[str]:
        """Return it for a reader, as tables of text."""
        yield f"{self.question}: {self.verdict}"
        effects = ", ".join(f"{UNIT_WORDS[unit][0]} {one.value:.2f}" for unit, one in self.dependence.effects.items())
        yield (
            f"  {self.pooled.rows:,} rows, {self.pooled.events:,} clients with events, {len(self.dates)} test dates; "
            f"drawn for intervals: {self.units:,} × {UNIT_WORDS[self.dependence.unit][0]} (design effects: {effects})"
        )
        yield from _table(["figure (95 % interval)", "model", *self.pooled.baselines], self._pooled_rows())
        names = [name for name in FIGURES if name in self.pooled.model]
        header = ["rows", "n", "events", *(FIGURES[name][0] for name in names)]
        yield from _table(header, [_sheet_row(label, sheet, names) for label, sheet in self._sheets()])
        if self.horizons is not None:
            yield from _table(*_horizon_table(self.horizons))
            yield from _table(*_brier_table(self.horizons))
        if self.drift:
            yield from _table(
                [
                    "test date",
                    "adversarial AUC",
                    "without time",
                    "features beyond chance",
                    "half-life",
                    "slope",
                    "O/E",
                    "led by",
                ],
                self._drift_rows(),
            )

    def _sheets(self) -> Iterator[tuple[str, Sheet]]:
        yield from ((date[:7], sheet) for date, sheet in self.dates.items())
        yield "never seen", self.unseen
        yield from ((f"{SEGMENTS[one.by][0]}: {one.value}", one.sheet) for one in self.segments)

    def _pooled_rows(self) -> list[list[str]]:
        scorers = [self.pooled.model, *self.pooled.baselines.values()]
        return [
            [label, *(_told(figures[name]) if name in figures else "-" for figures in scorers)]
            for name, (label, _) in FIGURES.items()
            if name in self.pooled.model
        ]

    def _drift_rows(self) -> list[list[str]]:
        return [
            [
                one.date[:7],
                _number(one.auc),
                _number(one.auc_without_time),
                f"{len(one.beyond)} of {sum(not f.of_time for f in one.features)}",
                f"{self.half_lives[one.date]} months" if self.half_lives.get(one.date) else "none",
                _number(self.dates[one.date].model["calibration_slope"].value),
                _number(self.dates[one.date].model["observed_expected"].value),
                ", ".join(one.strongest[:3]),
            ]
            for one in self.drift
        ]


@dataclass(frozen=True)
class BacktestResult:
    """All questions of one backtest.

    Attributes
    ----------
    backtests, refused
        {question: what was found}, and {question: why it could not be asked}.
    book_fingerprint
        Of all facts of the book.
    facts
        Features read, and groups switched off.
    labels
        {feature: its name in English and in French}, for readers.
    ranking
        How well products were ordered, those without a model by their base rates; None where nobody bought anything.
    """

    backtests: Mapping[str, Backtest]
    refused: Mapping[str, Verdict]
    book_fingerprint: str
    facts: Mapping[str, Any]
    labels: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    ranking: ProductRanking | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return it for JSON."""
        return {
            "questions": {name: found.as_dict() for name, found in self.backtests.items()},
            "refused": {name: reason.as_dict("verdict") for name, reason in self.refused.items()},
            "ranking": {} if self.ranking is None else self.ranking.as_dict(),
            "book_fingerprint": self.book_fingerprint,
            **self.facts,
        }

    def lines(self) -> Iterator[str]:
        """Return it for a reader."""
        for found in self.backtests.values():
            yield from found.lines()
            yield ""
        if self.ranking is not None:
            yield from (*self.ranking.lines(), "")
        yield from (f"{name}: {reason}" for name, reason in self.refused.items())


def _table(header: list[str], rows: list[list[str]]) -> Iterator[str]:
    widths = [max(len(row[column]) for row in (header, *rows)) for column in range(len(header))]
    for row in (header, *rows):
        yield ("  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))).rstrip()


def _horizon_table(found: Horizons) -> tuple[list[str], list[list[str]]]:
    others = [name for name in found.brier if name]
    header = ["months ahead", "n", "events", "AUC", "log-loss", *(f"of {name}" for name in others), "slope", "O/E"]
    rows = []
    for months, sheet in found.sheets.items():
        size = [str(months), f"{sheet.rows:,}", f"{sheet.events:,}"]
        if not sheet.told:
            rows.append([*size, "too few events", *[""] * (len(header) - 4)])
            continue
        losses = [_small(sheet.baselines[name]["log_loss"].value) for name in others]
        rows.append(
            [
                *size,
                _told(sheet.model["auc"]),
                _small(sheet.model["log_loss"].value),
                *losses,
                _number(sheet.model["calibration_slope"].value),
                _number(sheet.model["observed_expected"].value),
            ]
        )
    return header, rows


def _brier_table(found: Horizons) -> tuple[list[str], list[list[str]]]:
    others = [name for name in found.brier if name]
    rows = [[_small(found.brier[""].value), *(_small(found.brier[name].value) for name in others)]]
    rows[0].insert(0, f"over {found.months} months, {found.dates} dates")
    ahead = [f"{one.value:+.5f} ({one.low:+.5f} to {one.high:+.5f})" for one in found.ahead.values()]
    rows.append(["model ahead by", "", *ahead])
    return ["integrated Brier score", "model", *others], rows


def _small(value: float) -> str:
    return f"{value:.4f}" if np.isfinite(value) else "-"


def _sheet_row(label: str, sheet: Sheet, names: list[str]) -> list[str]:
    size = [label, f"{sheet.rows:,}", f"{sheet.events:,}"]
    if not sheet.told:
        return [*size, "too few events", *[""] * (len(names) - 1)]
    values = {name: _number(one.value) for name, one in sheet.model.items()} | {"auc": _told(sheet.model["auc"])}
    return size + [values.get(name, "-") for name in names]


def _told(found: Interval) -> str:
    return f"{_number(found.value)} ({_number(found.low)} to {_number(found.high)})"


def _number(value: float) -> str:
    return f"{value:.3f}" if np.isfinite(value) else "-"


def _key(baseline: str) -> str:
    return baseline.replace(" ", "_")


def _step(date: str) -> int:
    return int(date[:7].replace("-", ""))
