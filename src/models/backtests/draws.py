"""The figures of `appetence.models.metrics` over many resamples at once.

A backtest asks some ten figures of four scorers on dozens of sets of rows, each a few hundred times: rows are sorted
once, and each figure is then an array operation over draws × rows. `tests/models/backtests/test_draws.py` holds every
figure of every draw to the plain function.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import expit, logit

from appetence.models.calibration import fit_line
from appetence.models.metrics import Interval
from appetence.models.profit import profit_of_groups

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

SHARE = 0.1
"""Part of the clients at the top at which lift and money caught are read."""

_SMALLEST = 1e-15
_CELLS = 4_000_000
"""Draws × rows worked on at a time: 32 MB."""


@dataclass(frozen=True)
class Rows:
    """One set of rows at one test date, scored.

    Attributes
    ----------
    y, p
        (n,) outcomes and probabilities.
    unit
        (n,) places of the rows' units among the columns of the draws.
    money
        (n,) amounts at stake; None where there are none.
    profit
        Whether the expected maximum profit is asked: it is defined for churn.
    """

    y: Floats
    p: Floats
    unit: Ints
    money: Floats | None = None
    profit: bool = False


def draw_units(units: int, draws: int, seed: int) -> npt.NDArray[np.uint16]:
    """Return how often each unit was drawn, (1 + draws, units): the first row is the data as they are."""
    rng = np.random.default_rng([seed, 0x62616B74])
    times = np.ones((1 + draws, units), dtype=np.uint16)
    for row in times[1:]:
        row[:] = np.bincount(rng.integers(0, units, units), minlength=units)
    return times


def figures_of(parts: Mapping[str, Rows], times: npt.NDArray[np.uint16], slope: bool = True) -> Figures:
    """Work out all figures of a set of rows, for each draw.

    Parameters
    ----------
    parts
        {test date: its rows}, none empty.
    times
        From `draw_units`.
    slope
        Whether to work out the calibration slope, which costs more than all the rest.
    """
    dates = {date: _joined([_sums(rows, weight) for weight in _weights(rows, times)]) for date, rows in parts.items()}
    pooled = _slopes(list(parts.values()), times) if slope else None
    by_date = {
        date: _figures([sums], _slopes([parts[date]], times) if slope and len(parts) > 1 else pooled)
        for date, sums in dates.items()
    }
    return Figures(_figures(list(dates.values()), pooled), by_date)


@dataclass(frozen=True)
class Figures:
    """{figure: (1 + draws,) values} over all dates, and of each date."""

    pooled: Mapping[str, Floats]
    by_date: Mapping[str, Mapping[str, Floats]]


def interval(values: Floats, share: float = 0.95) -> Interval:
    """Return the figure of the data, the first value, with the percentile interval of the draws."""
    drawn = values[1:][np.isfinite(values[1:])]
    if not len(drawn):
        return Interval(float(values[0]), float("nan"), float("nan"), share)
    low, high = np.quantile(drawn, [(1.0 - share) / 2.0, (1.0 + share) / 2.0])
    return Interval(float(values[0]), float(low), float(high), share)


def _weights(rows: Rows, times: npt.NDArray[np.uint16]) -> Iterator[Floats]:
    """Yield the rows' weights, (draws, n), a few draws at a time."""
    step = max(1, _CELLS // len(rows.y))
    for start in range(0, len(times), step):
        yield times[start : start + step][:, rows.unit].astype(np.float64)


def _sums(rows: Rows, w: Floats) -> dict[str, Floats]:
    """Return what the figures are made of, (draws,) each: means within the date, and sums that dates share."""
    y, p = rows.y, np.clip(rows.p, _SMALLEST, 1.0 - _SMALLEST)
    found = {
        "rows": w.sum(axis=1),
        "events": w @ y,
        "expected": w @ rows.p,
        "loss": -(w @ (y * np.log(p) + (1.0 - y) * np.log1p(-p))),
        "squares": w @ (rows.p - y) ** 2,
    }
    found |= _ranked(rows, w)
    return found


def _ranked(rows: Rows, w: Floats) -> dict[str, Floats]:
    """Return figures of the order, each times what it is averaged by over dates."""
    order = np.argsort(-rows.p, kind="stable")
    starts = np.flatnonzero(np.append(True, np.diff(rows.p[order]) != 0))
    w = w[:, order]
    mass = np.add.reduceat(w, starts, axis=1)
    hits = np.add.reduceat(w * rows.y[order], starts, axis=1)
    misses = mass - hits
    others = misses.sum(axis=1)
    above = np.cumsum(mass, axis=1)
    below = others[:, None] - np.cumsum(misses, axis=1) + misses / 2.0
    precision = np.cumsum(hits, axis=1) / np.where(above > 0, above, 1.0)
    part = np.clip((SHARE * above[:, -1:] - (above - mass)) / np.where(mass > 0, mass, 1.0), 0.0, 1.0)
    found = {
        "auc": (hits * below).sum(axis=1) / np.where(others > 0, others, np.nan),
        "precision": (hits * precision).sum(axis=1),
        "caught": (part * hits).sum(axis=1),
    }
    if rows.profit:
        # where nobody leaves a campaign earns nothing
        profit = [profit_of_groups(gone, called).value for gone, called in zip(hits, mass, strict=True)]
        found["profit"] = np.nan_to_num(np.array(profit)) * mass.sum(axis=1)
    if rows.money is not None:
        stake = np.add.reduceat(w * (rows.y * rows.money)[order], starts, axis=1)
        found |= {"stake": stake.sum(axis=1), "stake_caught": (part * stake).sum(axis=1)}
    return found


def _joined(chunks: list[dict[str, Floats]]) -> dict[str, Floats]:
    return {name: np.concatenate([chunk[name] for chunk in chunks]) for name in chunks[0]}


def _figures(dates: list[dict[str, Floats]], slope: Floats | None) -> dict[str, Floats]:
    """Make figures of sums: those of an order are means over dates by events, so dates without any say nothing."""
    total = {name: np.add.reduce([_known(one[name]) for one in dates]) for name in dates[0]}
    rows, events = total["rows"], _positive(total["events"])
    # dates whose rows are all events, or all drawn away, have no AUC and no say in its mean
    ranked = np.add.reduce([np.where(np.isfinite(one["auc"]), one["events"], 0.0) for one in dates])
    found = {
        "auc": total["auc"] / _positive(ranked),
        "average_precision": total["precision"] / events,
        "lift_10": total["caught"] / events / SHARE,
        "log_loss": total["loss"] / _positive(rows),
        "brier": total["squares"] / _positive(rows),
        "observed_expected": total["events"] / _positive(total["expected"]),
    }
    if slope is not None:
        found["calibration_slope"] = slope
    if "profit" in total:
        found["empc"] = total["profit"] / _positive(rows)
    if "stake" in total:
        found["money_10"] = total["stake_caught"] / _positive(total["stake"])
    return found


def _known(values: Floats) -> Floats:
    return np.where(np.isfinite(values), values, 0.0)


def _positive(values: Floats) -> Floats:
    return np.where(values > 0, values, np.nan)


def _slopes(parts: list[Rows], times: npt.NDArray[np.uint16]) -> Floats:
    """Return the calibration slope of each draw by Newton's method from the slope of the data; NaN without one."""
    y, p, unit = (np.concatenate([getattr(rows, name) for rows in parts]) for name in ("y", "p", "unit"))
    x = logit(np.clip(p, _SMALLEST, 1.0 - _SMALLEST))
    start = fit_line(x, y, np.ones_like(y))
    if not np.isfinite(start).all() or float(np.ptp(x)) < 1e-9:
        return np.full(len(times), np.nan)
    found = [_newton(x, y, weight, start) for weight in _weights(Rows(y, p, unit), times)]
    slopes = np.concatenate(found)
    slopes[0] = start[0]
    return slopes


def _newton(x: Floats, y: Floats, w: Floats, start: tuple[float, float]) -> Floats:
    slope, level = np.full(len(w), start[0]), np.full(len(w), start[1])
    step = np.full(len(w), np.inf)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        for _ in range(8):
            p = expit(slope[:, None] * x + level[:, None])
            curvature, left = w * p * (1.0 - p), w * (y - p)
            c0, c1, c2 = curvature.sum(axis=1), curvature @ x, curvature @ (x * x)
            r0, r1 = left.sum(axis=1), left @ x
            size = c0 * c2 - c1 * c1
            moves = (c0 * r1 - c1 * r0) / size, (c2 * r0 - c1 * r1) / size
            slope, level = slope + moves[0], level + moves[1]
            step = np.maximum(np.abs(moves[0]), np.abs(moves[1]))
            if not np.any(step > 1e-7):
                break
    return np.where(step < 1e-4, slope, np.nan)
