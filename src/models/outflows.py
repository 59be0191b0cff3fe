"""Money that was expected to leave beside the money that did: the error of a forecast in money.

Three figures, because each alone misleads. The *total* says whether the level is right. The *mean absolute error* says
how far off a client's figure is, but it is smallest for a forecast near the median, which is nothing at all for most
clients: that of forecasting nothing is told beside it. The *capture* says how much of the money that left was with the
tenth of clients for whom most was expected, which is what an advisor with little time gains. A few clients hold much of
the money: intervals resample whole units, and are as wide as that makes them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from appetence.models import metrics
from appetence.models.dataset import Amounts, Labelled
from appetence.models.metrics import Interval

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

MEAN_OUTFLOW, MEAN_SHARE, CARRIED = "mean outflow", "mean share of balances", "last months carried forward"
"""Plain forecasts: the same money for everyone, the same share of the balances, and what left in the last months."""

FLOWS, FLOW_MONTHS = "net_flow_6m", 6
"""The feature that says what was paid in, less what was taken out, and over how many months."""

_SHARE, _DECILES = 0.1, 10


@dataclass(frozen=True)
class Outflows:
    """Forecasts for test rows, and what happened; money in the book's currency.

    Attributes
    ----------
    lost
        (m,) what left by erosion.
    expected
        (m,) what the model expected to.
    baselines
        {name: (m,) what a plain forecast expected}
    """

    lost: Floats
    expected: Floats
    baselines: Mapping[str, Floats]

    def where(self, chosen: npt.NDArray[Any]) -> Outflows:
        """Return some of the rows."""
        others = {name: values[chosen] for name, values in self.baselines.items()}
        return Outflows(self.lost[chosen], self.expected[chosen], others)


def pooled_outflows(parts: Sequence[Outflows | None]) -> Outflows | None:
    """Put those of several test dates together; None where the question is not about money."""
    known = [part for part in parts if part is not None]
    if not known:
        return None
    names = [name for name in known[0].baselines if all(name in part.baselines for part in known)]
    return Outflows(
        np.concatenate([part.lost for part in known]),
        np.concatenate([part.expected for part in known]),
        {name: np.concatenate([part.baselines[name] for part in known]) for name in names},
    )


def plain_forecasts(known: Labelled, test: Labelled, X: pd.DataFrame, horizon: int) -> dict[str, Floats]:
    """Return what plain rules expect of the test rows.

    Parameters
    ----------
    known
        Rows that could be learnt from.
    test, X
        Test rows, and their features: the last is left out where the features do not tell flows.
    horizon
        Months of the label window.
    """
    past, now = _amounts(known), _amounts(test)
    found = {
        MEAN_OUTFLOW: np.full(len(test), past.lost.mean()),
        MEAN_SHARE: now.base * (past.lost.sum() / past.base.sum()),
    }
    if FLOWS in X:
        taken = -X[FLOWS].to_numpy(dtype=np.float64, na_value=0.0) * horizon / FLOW_MONTHS
        found[CARRIED] = np.clip(np.nan_to_num(taken), 0.0, now.base)
    return found


@dataclass(frozen=True)
class Forecast:
    """How good a forecast was.

    Attributes
    ----------
    promised
        Total expected.
    ratio
        Total that left, over the total expected.
    mae
        Mean absolute error per client-row.
    capture_10
        Share of the money that left that was with the tenth of rows for which most was expected.
    """

    promised: float
    ratio: Interval
    mae: Interval
    capture_10: Interval


@dataclass(frozen=True)
class OutflowFigures:
    """The model's forecast beside plain ones.

    Attributes
    ----------
    realised
        Total that left.
    rows
        Client-rows.
    model, baselines
        See `Forecast`.
    gains
        {baseline: by how much its mean absolute error is above the model's}, both on the same draws.
    deciles
        By the size of the model's forecast, the smallest first: rows, promised and realised.
    """

    realised: float
    rows: int
    model: Forecast
    baselines: Mapping[str, Forecast]
    gains: Mapping[str, Interval]
    deciles: tuple[Mapping[str, float], ...]

    @property
    def nothing(self) -> float:
        """Mean absolute error of forecasting that nothing leaves."""
        return self.realised / self.rows

    def flat(self) -> dict[str, float]:
        """Return all figures under one name each, as MLflow has them."""
        found = {"outflow/realised": self.realised, "outflow/mae_of_nothing": self.nothing}
        for name, one in {"": self.model, **self.baselines}.items():
            key = f"outflow/{name.replace(' ', '_')}{'/' if name else ''}"
            found[f"{key}promised"] = one.promised
            for figure in ("ratio", "mae", "capture_10"):
                estimate: Interval = getattr(one, figure)
                found |= {f"{key}{figure}": estimate.value}
                if not name:
                    found |= {f"{key}{figure}_low": estimate.low, f"{key}{figure}_high": estimate.high}
        return {name: float(value) for name, value in found.items() if np.isfinite(value)}

    def as_dict(self) -> dict[str, Any]:
        """Return it for JSON; a figure that cannot be computed is null."""
        return {
            "realised": self.realised,
            "rows": self.rows,
            "mae_of_forecasting_nothing": self.nothing,
            "model": _plain(self.model),
            "baselines": {
                name: _plain(one) | {"gain_in_mae": _interval(self.gains[name])} for name, one in self.baselines.items()
            },
            "deciles": [dict(row) for row in self.deciles],
        }

    def csv(self) -> str:
        """Return the deciles as a file."""
        lines = [",".join(self.deciles[0])]
        lines += [",".join(f"{value:.10g}" for value in row.values()) for row in self.deciles]
        return "\n".join(lines) + "\n"


def measure_outflows(outflows: Outflows, unit: Ints, draws: int, seed: int) -> OutflowFigures:
    """Measure a forecast and the plain ones beside it.

    Parameters
    ----------
    unit
        (m,) codes of what is drawn as one.
    draws, seed
        Of the bootstrap: all forecasts are measured on the same draws.
    """
    lost = outflows.lost
    forecasts = {_MODEL: outflows.expected, **outflows.baselines}
    columns = [np.ones(len(lost)), lost]
    for expected in forecasts.values():
        columns += [expected, np.abs(expected - lost)]
    rows, realised, *sums = _drawn_sums(np.column_stack(columns), unit, draws, seed)
    promised, errors = dict(zip(forecasts, sums[::2], strict=True)), dict(zip(forecasts, sums[1::2], strict=True))
    found = {}
    for name, expected in forecasts.items():
        capture = partial(metrics.capture_at, share=_SHARE, money=lost)
        found[name] = Forecast(
            promised=float(promised[name][0]),
            ratio=_estimate(_over(realised, promised[name])),
            mae=_estimate(errors[name] / rows),
            capture_10=metrics.bootstrap_intervals(capture, lost > 0, expected, unit, draws, seed),
        )
    return OutflowFigures(
        realised=float(realised[0]),
        rows=len(lost),
        model=found.pop(_MODEL),
        baselines=found,
        gains={name: _estimate((errors[name] - errors[_MODEL]) / rows) for name in outflows.baselines},
        deciles=tuple(_deciles(outflows.expected, lost)),
    )


_MODEL = ""


def _drawn_sums(columns: Floats, unit: Ints, draws: int, seed: int) -> list[Floats]:
    """Return the sum of each column over all rows and, after it, over each resample of whole units: (1 + draws,) each.

    Rows are added up by unit once, so that a resample costs as many steps as there are units.
    """
    place = np.unique(unit, return_inverse=True)[1]
    units = int(place.max()) + 1
    by_unit = np.column_stack([np.bincount(place, column, minlength=units) for column in columns.T])
    rng = np.random.default_rng([seed, 0x6D6F6E])
    found = np.empty((1 + draws, columns.shape[1]))
    found[0] = columns.sum(axis=0)
    for i in range(1, 1 + draws):
        found[i] = np.bincount(rng.integers(0, units, units), minlength=units) @ by_unit
    return list(found.T)


def _over(part: Floats, whole: Floats) -> Floats:
    """Return part / whole of amounts; NaN where the whole is less than a cent, and a ratio to it would mean nothing."""
    return np.divide(part, whole, out=np.full(part.shape, np.nan), where=whole >= 0.01)


def _estimate(values: Floats) -> Interval:
    """Return the first value, with the middle 95 % of the others."""
    drawn = values[1:][~np.isnan(values[1:])]
    low, high = np.quantile(drawn, [0.025, 0.975]) if len(drawn) else (np.nan, np.nan)
    return Interval(float(values[0]), float(low), float(high))


def _deciles(expected: Floats, lost: Floats) -> list[Mapping[str, float]]:
    order = np.argsort(expected, kind="stable")
    parts = np.array_split(order, min(_DECILES, len(order)))
    return [
        {
            "decile": number,
            "rows": len(rows),
            "promised": float(expected[rows].sum()),
            "realised": float(lost[rows].sum()),
        }
        for number, rows in enumerate(parts, start=1)
    ]


def _amounts(labelled: Labelled) -> Amounts:
    if labelled.amounts is None:
        raise ValueError("these rows are not about money")
    return labelled.amounts


def _plain(one: Forecast) -> dict[str, Any]:
    return {
        "promised": one.promised,
        "realised_over_promised": _interval(one.ratio),
        "mean_absolute_error": _interval(one.mae),
        "money_caught_in_10": _interval(one.capture_10),
    }


def _interval(found: Interval) -> dict[str, float | None]:
    values = {name: getattr(found, name) for name in ("value", "low", "high")}
    return {name: float(value) if np.isfinite(value) else None for name, value in values.items()}
