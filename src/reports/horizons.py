"""Attrition at every horizon, as a page shows it: figures by months ahead, the integrated error, and two charts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from appetence.models.backtests.horizons import Horizons
from appetence.models.kaplan_meier import KaplanMeier
from appetence.models.metrics import Interval
from appetence.reports.charts import Axis, Chart, Series, axis, place
from appetence.reports.language import Pen

MOST_COHORTS = 6
"""Curves on one chart: more could not be told apart."""


def horizons_of(pen: Pen, found: Horizons) -> dict[str, Any]:
    """Return what a template needs, in the pen's language."""
    others = [name for name in found.brier if name]
    return {
        "intro": pen("horizons_intro"),
        "scorers": others,
        "rows": list(_rows(pen, found, others)),
        "brier": [_small(pen, found.brier[name]) for name in ("", *others)],
        "ahead": ["", *(_ahead(pen, found.ahead[name]) for name in others)],
        "brier_label": pen("integrated_brier", months=pen.count(found.months), dates=pen.count(found.dates)),
        "charts": [_shares(pen, found), *([_cohorts(pen, found.cohorts)] if found.cohorts else [])],
    }


def _rows(pen: Pen, found: Horizons, others: list[str]) -> Iterator[dict[str, Any]]:
    for months, sheet in found.sheets.items():
        told = []
        if sheet.told:
            auc = sheet.model["auc"]
            told = [
                f"{pen.number(auc.value, 3)} ({pen.number(auc.low, 3)}–{pen.number(auc.high, 3)})",
                pen.number(sheet.model["log_loss"].value, 4),
                *(pen.number(sheet.baselines[name]["log_loss"].value, 4) for name in others),
                pen.number(sheet.model["calibration_slope"].value, 2),
                pen.number(sheet.model["observed_expected"].value, 2),
            ]
        label = pen("months", months=pen.count(months))
        yield {"label": label, "rows": pen.count(sheet.rows), "events": pen.count(sheet.events), "told": told}


def _small(pen: Pen, found: Interval) -> str:
    return f"{pen.number(found.value, 4)} ({pen.number(found.low, 4)}–{pen.number(found.high, 4)})"


def _ahead(pen: Pen, found: Interval) -> str:
    return pen("ahead_range", **{name: pen.number(getattr(found, name), 4) for name in ("value", "low", "high")})


def _shares(pen: Pen, found: Horizons) -> Chart:
    """Draw what share had left by each month ahead: as observed, as expected, and by the rules without a model."""
    along = _months(pen, found.months)
    names = ["observed", "", *(name for name in found.shares if name not in ("observed", ""))]
    series = [
        Series(name or "model", [(0.0, 0.0), *((k + 1.0, float(v)) for k, v in enumerate(found.shares[name]))])
        for name in names
    ]
    seen = [value for one in series for _, value in one.points]
    return place(
        pen("share_left"), (pen("months_after"), pen("share_gone")), (along, axis(seen, pen.share, (0.0,))), series
    )


def _cohorts(pen: Pen, cohorts: Mapping[int, KaplanMeier]) -> Chart:
    """Draw the share of each year's newcomers that is left, by months since they came."""
    chosen = sorted(cohorts)
    if len(chosen) > MOST_COHORTS:
        chosen = [chosen[k] for k in np.linspace(0, len(chosen) - 1, MOST_COHORTS).round().astype(int)]
    series = [
        Series(f"cohort {k}", [(float(m), float(v)) for m, v in enumerate(cohorts[year].survival)], label=str(year))
        for k, year in enumerate(chosen)
    ]
    along = _months(pen, max(len(cohorts[year].survival) - 1 for year in chosen))
    seen = [value for one in series for _, value in one.points]
    words = (pen("months_since"), pen("share_staying"))
    return place(pen("by_year_joined"), words, (along, axis(seen, pen.share, (1.0,))), series)


def _months(pen: Pen, months: int) -> Axis:
    step = 12 if months > 24 else 6 if months > 12 else 3
    step *= max(1, round(months / (step * 8)))
    return Axis(0.0, float(months), {float(k): pen.count(k) for k in range(0, months + 1, step)})
