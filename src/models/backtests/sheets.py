"""What is known of a model on one set of rows: its figures, its baselines', and by how much it is ahead of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from appetence.models.backtests.draws import Figures, Rows, figures_of, interval
from appetence.models.backtests.segments import FEWEST_EVENTS
from appetence.models.fitting import Predictions
from appetence.models.metrics import Interval

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

COMPARED: Mapping[str, float] = {"auc": 1.0, "log_loss": -1.0}
"""Figures in which a model is compared with its baselines, and the sign that makes more of it better."""


@dataclass(frozen=True)
class Sheet:
    """Figures of one set of test rows.

    Attributes
    ----------
    rows, events
        Rows, and clients to whom it happened.
    model
        {figure: estimate}; empty where there are fewer events than `FEWEST_EVENTS` and figures were held back.
    baselines
        {baseline: {figure: estimate}}
    ahead
        {baseline: {figure: by how much the model is better}}, both drawn together.
    """

    rows: int
    events: int
    model: Mapping[str, Interval] = field(default_factory=dict)
    baselines: Mapping[str, Mapping[str, Interval]] = field(default_factory=dict)
    ahead: Mapping[str, Mapping[str, Interval]] = field(default_factory=dict)

    @property
    def told(self) -> bool:
        """Whether there are figures."""
        return bool(self.model)

    def as_dict(self) -> dict[str, Any]:
        """Return it for JSON; a figure that cannot be computed is null."""
        found: dict[str, Any] = {"rows": self.rows, "events": self.events}
        if not self.told:
            return found | {"too_few_events": True}
        return found | {
            "model": plain(self.model),
            "baselines": {name: plain(figures) for name, figures in self.baselines.items()},
            "ahead": {name: plain(figures) for name, figures in self.ahead.items()},
        }


@dataclass(frozen=True)
class Bench:
    """The rows to judge, with the draws of their units: made once for all sets of a question.

    Attributes
    ----------
    predictions
        Of all test dates.
    client
        (m,) codes of the clients.
    place
        (m,) each row's unit as a column of `times`.
    times
        (1 + draws, units) how often each unit was drawn.
    money
        (m,) amounts at stake; None where there are none.
    profit
        Whether the expected maximum profit is asked.
    """

    predictions: Predictions
    client: Ints
    place: Ints
    times: npt.NDArray[np.uint16]
    money: Floats | None
    profit: bool

    def judge(self, rows: Ints | None = None, few: int = FEWEST_EVENTS) -> Sheet:
        """Judge on some rows, or on all, if there are `few` events: all figures but the profit, which is the book's."""
        rows = np.arange(len(self.client)) if rows is None else rows
        if self.events(rows) < few or len(np.unique(self.predictions.y[rows])) < 2:
            return Sheet(len(rows), self.events(rows))
        found = self._scorers(rows, profit=False)
        return self._sheet(rows, {name: figures.pooled for name, figures in found.items()})

    def judge_by_date(self) -> tuple[Sheet, dict[str, Sheet]]:
        """Judge on all rows, and on those of each test date: {date: sheet}."""
        everything = np.arange(len(self.client))
        found = self._scorers(everything, self.profit)
        pooled = self._sheet(everything, {name: figures.pooled for name, figures in found.items()})
        by_date = {}
        for date in next(iter(found.values())).by_date:
            rows = np.flatnonzero(self.predictions.date == np.datetime64(date))
            by_date[date] = self._sheet(rows, {name: figures.by_date[date] for name, figures in found.items()})
        return pooled, by_date

    def events(self, rows: Ints) -> int:
        """Return the number of clients to whom it happened."""
        return len(np.unique(self.client[rows][self.predictions.y[rows] == 1]))

    def _scorers(self, rows: Ints, profit: bool) -> dict[str, Figures]:
        """Return the figures of the model, under no name, and of the baselines; their slopes are nobody's question."""
        scores = {"": self.predictions.p, **self.predictions.baselines}
        return {name: figures_of(self._parts(p, rows, profit), self.times, not name) for name, p in scores.items()}

    def _parts(self, p: Floats, rows: Ints, profit: bool) -> dict[str, Rows]:
        date, y = self.predictions.date[rows], self.predictions.y.astype(np.float64)
        parts = {}
        for one in np.unique(date):
            at = rows[date == one]
            money = None if self.money is None else self.money[at]
            parts[str(one)] = Rows(y[at], p[at], self.place[at], money, profit)
        return parts

    def _sheet(self, rows: Ints, drawn: Mapping[str, Mapping[str, Floats]]) -> Sheet:
        own, others = drawn[""], {name: figures for name, figures in drawn.items() if name}
        return Sheet(
            rows=len(rows),
            events=self.events(rows),
            model={name: interval(values) for name, values in own.items()},
            baselines={
                baseline: {name: interval(values) for name, values in figures.items()}
                for baseline, figures in others.items()
            },
            ahead={
                baseline: {name: interval(sign * (own[name] - figures[name])) for name, sign in COMPARED.items()}
                for baseline, figures in others.items()
            },
        )


def plain(figures: Mapping[str, Interval]) -> dict[str, dict[str, float | None]]:
    """Return estimates for JSON: null for what cannot be computed."""
    return {
        name: {key: _finite(getattr(estimate, key)) for key in ("value", "low", "high")}
        for name, estimate in figures.items()
    }


def values(sheets: Sequence[Sheet], figure: str) -> Floats:
    """Return one figure of the model on several sheets."""
    return np.array([sheet.model[figure].value for sheet in sheets])


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
