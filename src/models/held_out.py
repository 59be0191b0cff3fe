"""What held-out scores look like, for a model report: reliability, gains, money found, and how the scores are spread.

Only scores of `Predictions` are read: rows of later dates, by models that had not learnt from them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict
from scipy.special import logit
from scipy.stats import norm

from appetence.models import metrics
from appetence.models.dependence import Unit
from appetence.models.drift import stability_of_numbers
from appetence.models.fitting import Predictions

Floats = npt.NDArray[np.float64]

STEPS = 50
"""Points of a gains curve beside its origin: every second percent of the rows."""

SPREAD_BINS = 24
"""Bars of the distribution of the scores, of equal width in the log-odds."""

_SEED = 0x68656C64
_SMALLEST = 1e-6


class _Stored(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ReliabilityBin(_Stored):
    """A tenth of the rows by score: the mean score, and the share to whom it happened with its 95 % interval."""

    rows: int
    mean_score: float
    observed: float
    low: float
    high: float


class GainsCurve(_Stored):
    """The share of all events, or of all money, found in the rows ranked highest; (`STEPS` + 1,) each, from 0 to 1."""

    name: str
    found: tuple[float, ...]


class Spread(_Stored):
    """How the scores are spread: edges of the bins in log-odds, and shares of rows with and without the event."""

    edges: tuple[float, ...]
    happened: tuple[float, ...]
    did_not: tuple[float, ...]


class Shift(_Stored):
    """Population stability index of the scores of a test date beside the first one's, and its limit by chance."""

    date: str
    psi: float
    limit: float


class HeldOut(_Stored):
    """Curves of the scores of test rows.

    Attributes
    ----------
    reliability
        From the lowest scores.
    error, error_by_chance
        Expected calibration error over these bins, and what it would be of perfect probabilities on so many rows.
    shares
        (`STEPS` + 1,) shares of each test date's rows.
    gains
        Of events: the model's, the baselines', and the best order there is.
    money
        Of money: empty where no amount is known of the rows.
    stake
        What the money is: `outflow` that left by erosion, `assets` held by those to whom it happened.
    shifts
        Of each later test date.
    unit
        What intervals resample as one.
    """

    reliability: tuple[ReliabilityBin, ...]
    error: float
    error_by_chance: float
    shares: tuple[float, ...]
    gains: tuple[GainsCurve, ...]
    money: tuple[GainsCurve, ...] = ()
    stake: Literal["outflow", "assets"] | None = None
    spread: Spread
    shifts: tuple[Shift, ...]
    unit: Unit


MODEL, BEST, BY_MONEY = "model", "best", "by money"
"""Names of curves: the model's scores, the best order that there is, and the score times the amount."""


def measure_held_out(tested: Predictions, assets: Floats | None, draws: int, seed: int) -> HeldOut:
    """Measure the curves of held-out scores.

    Parameters
    ----------
    assets
        (m,) what each row's client held with us at the cut, for a question whose event takes it away; None where that
        is not so. Erosion has its own amounts.
    draws, seed
        Of the bootstrap behind the intervals.
    """
    y, p = tested.y.astype(np.float64), tested.p
    bins, error, chance = reliability(y, p, tested.unit, draws, seed)
    shares = np.linspace(0.0, 1.0, STEPS + 1)
    scorers = {MODEL: p, **tested.baselines, BEST: y}
    stake, money = _money(tested, assets, shares)
    return HeldOut(
        reliability=bins,
        error=error,
        error_by_chance=chance,
        shares=tuple(shares.tolist()),
        gains=tuple(_curve(name, y, score, tested.date, shares) for name, score in scorers.items()),
        money=money,
        stake=stake,
        spread=_spread(y, p),
        shifts=tuple(_shifts(p, tested.date)),
        unit=tested.dependence.unit,
    )


def reliability(
    y: Floats, p: Floats, unit: npt.NDArray[np.int64], draws: int, seed: int
) -> tuple[tuple[ReliabilityBin, ...], float, float]:
    """Return tenths of the rows by score with intervals, the expected calibration error, and that of chance alone.

    An interval is the wider, on each side, of a bootstrap over whole units, which knows that rows of a household move
    together, and of Wilson's (1927), which knows that a bin without events is no proof of a rate of zero.

    The expected calibration error is Σ (n_b / n) · |observed_b - mean score_b| (Naeini, Cooper and Hauskrecht 2015, on
    bins of equal size). It is above zero by chance even for perfect probabilities: by Σ (n_b / n) · √(2/π) · s_b, where
    s_b² = Σ p(1 - p) / n_b² is the variance of a bin's observed share, taken as normal.
    """
    places = metrics.slices(p)
    bins = int(places.max()) + 1
    rows = np.bincount(places, minlength=bins).astype(np.float64)
    mean, seen = np.bincount(places, p, bins) / rows, np.bincount(places, y, bins) / rows
    low, high = _bootstrap_shares(y, places, bins, unit, draws, seed)
    wilson_low, wilson_high = wilson(seen, rows)
    deviation = np.sqrt(np.bincount(places, p * (1.0 - p), bins)) / rows
    weight = rows / rows.sum()
    found = tuple(
        ReliabilityBin(
            rows=int(rows[k]),
            mean_score=float(mean[k]),
            observed=float(seen[k]),
            low=float(min(low[k], wilson_low[k])),
            high=float(max(high[k], wilson_high[k])),
        )
        for k in range(bins)
    )
    error = float(weight @ np.abs(seen - mean))
    return found, error, float(weight @ deviation * np.sqrt(2.0 / np.pi))


def wilson(share: Floats, rows: Floats, level: float = 0.95) -> tuple[Floats, Floats]:
    """Return Wilson's interval of shares seen in so many rows.

    >>> low, high = wilson(np.array([0.0, 0.5]), np.array([100.0, 100.0]))
    >>> low.round(3).tolist(), high.round(3).tolist()
    ([0.0, 0.404], [0.037, 0.596])
    """
    z = float(norm.isf((1.0 - level) / 2.0))
    middle = (share + z**2 / (2 * rows)) / (1 + z**2 / rows)
    half = z / (1 + z**2 / rows) * np.sqrt(share * (1 - share) / rows + z**2 / (4 * rows**2))
    return np.maximum(middle - half, 0.0), np.minimum(middle + half, 1.0)


def gains_curve(found: Floats, score: Floats, date: npt.NDArray[np.datetime64], shares: Floats) -> Floats:
    """Return the share of what is found in the shares of rows scored highest: the mean over dates, by what each holds.

    Rows of equal score count by the part of them that fits, so that a constant score gives the diagonal.

    Parameters
    ----------
    found
        (m,) what a row brings, not negative: 1 for an event, or an amount of money.
    score, date
        (m,) what rows are ranked by, within each date.
    shares
        (k,) in [0, 1].
    """
    curve, whole = np.zeros(len(shares)), float(found.sum())
    for one in np.unique(date):
        inside = np.flatnonzero(date == one)
        total = float(found[inside].sum())
        if total <= 0:
            continue
        places = np.unique(-score[inside], return_inverse=True)[1]  # from the highest score
        mass, brought = np.bincount(places), np.bincount(places, found[inside])
        at, share = np.cumsum(mass) / len(inside), np.cumsum(brought) / total
        curve += total / whole * np.interp(shares, np.concatenate([[0.0], at]), np.concatenate([[0.0], share]))
    return curve


def _curve(name: str, found: Floats, score: Floats, date: npt.NDArray[np.datetime64], shares: Floats) -> GainsCurve:
    values = gains_curve(found, score, date, shares)
    return GainsCurve(name=name, found=tuple(float(value) for value in values.round(6)))


def _money(
    tested: Predictions, assets: Floats | None, shares: Floats
) -> tuple[Literal["outflow", "assets"] | None, tuple[GainsCurve, ...]]:
    """Return curves of money found: ranked by probability, by what is expected to leave, and by plain forecasts."""
    scorers: Mapping[str, Floats]
    if tested.outflows is not None:
        stake: Literal["outflow", "assets"] = "outflow"
        found = tested.outflows.lost
        scorers = {MODEL: tested.p, BY_MONEY: tested.outflows.expected, **tested.outflows.baselines, BEST: found}
    elif assets is not None:
        held = np.maximum(np.nan_to_num(assets), 0.0)
        stake, found = "assets", held * tested.y
        scorers = {MODEL: tested.p, BY_MONEY: tested.p * held, "amount alone": held, BEST: found}
    else:
        return None, ()
    if found.sum() <= 0:
        return None, ()
    return stake, tuple(_curve(name, found, score, tested.date, shares) for name, score in scorers.items())


def _bootstrap_shares(
    y: Floats, places: npt.NDArray[np.int64], bins: int, unit: npt.NDArray[np.int64], draws: int, seed: int
) -> tuple[Floats, Floats]:
    """Return the 2.5 % and 97.5 % quantiles of each bin's observed share over resamples of whole units."""
    codes = np.unique(unit, return_inverse=True)[1]
    units = int(codes.max()) + 1
    cells = codes * bins + places
    rows = np.bincount(cells, minlength=units * bins).reshape(units, bins).astype(np.float64)
    events = np.bincount(cells, y, units * bins).reshape(units, bins)
    rng = np.random.default_rng([seed, _SEED])
    drawn = np.empty((draws, bins))
    for k in range(draws):
        times = np.bincount(rng.integers(0, units, units), minlength=units).astype(np.float64)
        seen = times @ rows
        drawn[k] = np.where(seen > 0, times @ events / np.where(seen > 0, seen, 1.0), np.nan)
    low, high = np.nanquantile(drawn, [0.025, 0.975], axis=0)
    return low, high


def _spread(y: Floats, p: Floats) -> Spread:
    margin = logit(np.clip(p, _SMALLEST, 1.0 - _SMALLEST))
    low, high = float(margin.min()), float(margin.max())
    edges = np.linspace(low, high if high > low else low + 1.0, SPREAD_BINS + 1)
    places = np.clip(np.searchsorted(edges, margin, side="right") - 1, 0, SPREAD_BINS - 1)

    def shares(rows: npt.NDArray[np.bool_]) -> tuple[float, ...]:
        counted = np.bincount(places[rows], minlength=SPREAD_BINS)
        return tuple(float(value) for value in (counted / max(1, counted.sum())).round(6))

    return Spread(edges=tuple(float(edge) for edge in edges.round(6)), happened=shares(y == 1), did_not=shares(y == 0))


def _shifts(p: Floats, date: npt.NDArray[np.datetime64]) -> list[Shift]:
    dates = np.unique(date)
    found = []
    for one in dates[1:]:
        psi, limit = stability_of_numbers(p[date == dates[0]], p[date == one])
        found.append(Shift(date=str(one), psi=psi, limit=limit))
    return found
