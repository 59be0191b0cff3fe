"""Attrition at every horizon from one fit: the model's curves beside those that need no model, month by month.

The model answers one horizon; a client's curve bends the book's life table to that answer (`models/survival.py`), so
that every horizon agrees with every other. Here the curves are held to what became of the clients, at each test date
that was followed far enough.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from appetence.book import Book
from appetence.book.clocks import index_of
from appetence.models.backtests.draws import interval
from appetence.models.backtests.sheets import Bench, Sheet, plain
from appetence.models.baselines import LIFE_TABLE
from appetence.models.blocks import Window
from appetence.models.curves import History
from appetence.models.dataset import Snapshots
from appetence.models.kaplan_meier import KaplanMeier
from appetence.models.metrics import Interval
from appetence.targets.attrition import attrition_spells

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

HORIZONS = (3, 6, 12, 24)
"""Months ahead at which the curves are judged one by one; their squared error is integrated up to the last of them."""

KAPLAN_MEIER, BETA_GEOMETRIC = "Kaplan-Meier", "shifted-beta-geometric"


@dataclass(frozen=True)
class Horizons:
    """How the curves of one model did.

    Attributes
    ----------
    sheets
        {months ahead: figures at that horizon}, for the horizons that some test date was followed through.
    months
        Over which the squared error is integrated.
    brier
        {scorer: integrated Brier score}: the mean over rows and months ahead of (left by then - probability)²; the
        model's under "".
    ahead
        {baseline: by how much the model's is smaller}, both drawn together.
    rows, dates
        Rows and test dates behind it.
    shares
        {"observed", "", baseline: (months,) share that has left by the end of each month ahead}, over the same rows.
    cohorts
        {year of joining: its Kaplan-Meier curve}, as known at the end of the book.
    """

    sheets: Mapping[int, Sheet]
    months: int
    brier: Mapping[str, Interval]
    ahead: Mapping[str, Interval]
    rows: int
    dates: int
    shares: Mapping[str, Floats]
    cohorts: Mapping[int, KaplanMeier]

    def as_dict(self) -> dict[str, Any]:
        """Return it for JSON."""
        return {
            "by_months_ahead": {str(months): sheet.as_dict() for months, sheet in self.sheets.items()},
            "integrated_brier": {
                "months": self.months,
                "rows": self.rows,
                "dates": self.dates,
                "scores": plain({name or "model": one for name, one in self.brier.items()}),
                "ahead": plain(self.ahead),
            },
            "share_left_by_month": {
                name or "model": [round(float(value), 6) for value in curve] for name, curve in self.shares.items()
            },
            "kaplan_meier_by_year_of_joining": {
                str(year): {
                    "clients": curve.clients,
                    "events": curve.events,
                    "survival": [round(float(value), 6) for value in curve.survival],
                }
                for year, curve in self.cohorts.items()
            },
        }

    def flat(self) -> Iterator[tuple[str, float]]:
        """Yield figures under one name each, as MLflow has them."""
        for months, sheet in self.sheets.items():
            for name in ("auc", "log_loss", "calibration_slope", "observed_expected"):
                if name in sheet.model:
                    yield f"within_{months}m.{name}", sheet.model[name].value
        for name, one in self.brier.items():
            yield f"integrated_brier{'.' if name else ''}{name.replace(' ', '_')}", one.value


@dataclass(frozen=True)
class _Followed:
    """What the curves said of the test rows, and what happened: `left` in months from the cut's window, or far ahead.

    `seen` says how many months each row was followed.
    """

    left: Ints
    seen: Ints
    curves: Mapping[str, Floats]


def judge_horizons(book: Book, bench: Bench, snapshots: Snapshots, window: Window) -> Horizons | None:
    """Judge the curves of the attrition model at its test dates; None where no horizon was followed through.

    Parameters
    ----------
    bench
        The model's predictions at all test dates, with the draws of their units.
    snapshots
        That they are rows of.
    window
        Of the question. With a gap, months ahead are counted from its end.
    """
    found = _follow(book, bench, snapshots, window)
    reached = [months for months in HORIZONS if (found.seen >= months).any()]
    if not reached:
        return None
    sheets = {months: _sheet(bench, found, months) for months in reached}
    months = reached[-1]
    rows = np.flatnonzero(found.seen >= months)
    errors = {name: _squared(curve[rows, :months], found.left[rows]) for name, curve in found.curves.items()}
    drawn = {name: _means(error, bench.place[rows], bench.times) for name, error in errors.items()}
    happened = found.left[rows, None] < np.arange(1, months + 1)
    return Horizons(
        sheets=sheets,
        months=months,
        brier={name: interval(values) for name, values in drawn.items()},
        ahead={name: interval(values - drawn[""]) for name, values in drawn.items() if name},
        rows=len(rows),
        dates=len(np.unique(bench.predictions.date[rows])),
        shares={"observed": happened.mean(axis=0)}
        | {name: curve[rows, :months].mean(axis=0) for name, curve in found.curves.items()},
        cohorts=History.of(book, book.observed_until).cohorts(),
    )


def _follow(book: Book, bench: Bench, snapshots: Snapshots, window: Window) -> _Followed:
    tested = bench.predictions
    ids = pa.array(snapshots.keys.get_level_values(0)[tested.rows].astype("str"), pa.string())
    spells = attrition_spells(book, pa.table({"client_id": ids, "cut": pa.array(tested.date)}))
    left = np.asarray(spells["months"].fill_null(0).to_numpy(), dtype=np.int64) - window.gap
    left[spells["kind"].to_pandas().to_numpy() != "left"] = np.iinfo(np.int64).max // 2
    seen = np.zeros(len(left), dtype=np.int64)
    curves = {name: np.zeros((len(left), HORIZONS[-1])) for name in ("", LIFE_TABLE, KAPLAN_MEIER, BETA_GEOMETRIC)}
    for date in np.unique(tested.date):
        rows, cut = np.flatnonzero(tested.date == date), date.astype(object)
        history, at = History.of(book, cut), ids.take(pa.array(np.flatnonzero(tested.date == date)))
        seen[rows] = index_of(book.observed_until) - index_of(cut) - window.gap
        own = history.curves(at, tested.p[rows], window.horizon, HORIZONS[-1])
        plain_table = history.curves(at, None, window.horizon, HORIZONS[-1])
        tenure, product_limit, thinning = history.tenure(at), history.kaplan_meier(), history.beta_geometric()
        curves[""][rows], curves[LIFE_TABLE][rows] = own.leaving, plain_table.leaving
        for month in range(HORIZONS[-1]):
            curves[KAPLAN_MEIER][rows, month] = product_limit.leaving(tenure, month + 1)
            if thinning is not None:
                curves[BETA_GEOMETRIC][rows, month] = thinning.leaving(tenure, month + 1)
    return _Followed(left, seen, curves)


def _sheet(bench: Bench, found: _Followed, months: int) -> Sheet:
    """Judge the probability of leaving within some months, on the rows that were followed as long."""
    rows = np.flatnonzero(found.seen >= months)
    at = {name: curve[rows, months - 1] for name, curve in found.curves.items()}
    predictions = replace(
        bench.predictions,
        rows=bench.predictions.rows[rows],
        y=(found.left[rows] < months).astype(np.int64),
        p=at.pop(""),
        baselines=at,
        unit=bench.predictions.unit[rows],
        date=bench.predictions.date[rows],
    )
    return Bench(predictions, bench.client[rows], bench.place[rows], bench.times, None, False).judge()


def _squared(curve: Floats, left: Ints) -> Floats:
    """Return (rows,) the mean over months ahead of (left by then - probability)²."""
    happened = left[:, None] < np.arange(1, curve.shape[1] + 1)
    return np.asarray(((happened - curve) ** 2).mean(axis=1), dtype=np.float64)


def _means(error: Floats, place: Ints, times: npt.NDArray[np.uint16]) -> Floats:
    """Return (1 + draws,) means of a row's error, rows counted as often as their unit was drawn."""
    units = times.shape[1]
    total, rows = np.bincount(place, error, units), np.bincount(place, minlength=units)
    return np.asarray((times @ total) / np.maximum(times @ rows, 1), dtype=np.float64)
