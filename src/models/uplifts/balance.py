"""Was the control group drawn at random? What was known before the offer must not tell the two sides apart.

Each draw (a campaign with its product) is dealt anew many times among the same clients. Two figures are compared with
what chance then gives: the largest standardised difference over all features and draws, which finds one campaign that
was not random, and the largest of the differences added up over draws, which finds a small preference that all share.
Taking the largest within each dealing answers for all features and draws at once (Westfall and Young 1993); the two
figures halve what is left of the error.

Numbers are compared by rank, so that a few fortunes do not decide. Households are dealt whole where none was ever
split. Clients who are always held out, or never, are no reason for alarm: the sum takes each of them once, and the
maximum over dependent draws only becomes more careful.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata

from appetence.models.columns import Levels, read_columns
from appetence.models.uplifts.draws import PRODUCT, Draws

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

ALPHA = 0.01
"""Chance of refusing a control group that was drawn at random."""

DEALINGS = 999
RAREST = 10
"""Clients of a draw who must differ from the others in a feature, or it says nothing there."""

MOST_UNITS = 5_000
"""Of one draw, looked at: more would find differences that matter to nobody."""

_BLOCK = 250


@dataclass(frozen=True)
class Balance:
    """Whether the two sides were alike before the offer.

    Attributes
    ----------
    p
        Chance of a difference so large, over all features and draws, if the draws were random.
    compared
        Differences looked at: features times draws.
    largest
        The largest of them, in standard deviations of the feature's ranks.
    features
        Those that differ beyond chance, the most first; empty where none does.
    unit
        What was dealt: `client` or `household`.
    """

    p: float
    compared: int
    largest: float
    features: tuple[str, ...]
    unit: str

    @property
    def random(self) -> bool:
        """Whether nothing speaks against a random draw."""
        return self.p >= ALPHA


@dataclass(frozen=True)
class _Stratum:
    """One draw: sums of the centred features by unit, and which units were held out."""

    sums: Floats
    held_out: npt.NDArray[np.bool_]

    def spread(self) -> Floats:
        """Return the variance of the held-out units' sum, were they drawn at random: of a sample without return."""
        units, held = len(self.held_out), int(self.held_out.sum())
        found: Floats = (self.sums**2).sum(axis=0) * held * (units - held) / (units * max(units - 1, 1))
        return found


def check_balance(draws: Draws, seed: int, dealings: int = DEALINGS) -> Balance:
    """Compare what was known of the offered and the held out before the offer.

    Parameters
    ----------
    draws
        All offers with both sides, whatever came of them.
    seed, dealings
        Of the dealings.
    """
    names, values, levels = _columns(draws)
    by_household = _whole_households(draws)
    unit = draws.household if by_household else draws.client
    rng = np.random.default_rng([seed, 0x62616C])
    each = [
        _stratum(values[rows], levels, unit[rows], draws.offered[rows], rng) for rows in _rows_by_stratum(draws.stratum)
    ]
    first = _first_of_each(unit, draws.cut)
    once = [
        _stratum(values[rows], levels, unit[rows], draws.offered[rows], rng)
        for rows in _rows_by_stratum(draws.stratum, first)
    ]
    own, dealt = _largest(each, rng, dealings)
    total, total_dealt = _largest_sum(once, rng, dealings)
    p = min(1.0, 2.0 * min(_p(own.max(initial=0.0), dealt), _p(total.max(initial=0.0), total_dealt)))
    return Balance(
        p,
        sum(int((stratum.spread() > 0).sum()) for stratum in each),
        max((float(_differences(stratum).max(initial=0.0)) for stratum in each), default=0.0),
        _named(names, [(own, dealt), (total, total_dealt)]) if p < ALPHA else (),
        "household" if by_household else "client",
    )


def _columns(draws: Draws) -> tuple[list[str], Floats, npt.NDArray[np.bool_]]:
    """Return the features as numbers: a level, and being missing, as 0 or 1; which columns these are."""
    columns = read_columns(draws.X.drop(columns=[PRODUCT], errors="ignore"))
    names, values, binary = [], [], []
    for name, column in zip(columns.names or (), columns.columns, strict=True):
        if isinstance(column, Levels):
            shown = [column.codes == code for code in range(len(column.names)) if (column.codes == code).sum() > RAREST]
        else:
            names.append(name)
            values.append(column.values)
            binary.append(False)
            absent = np.isnan(column.values)
            shown = [absent] if absent.sum() > RAREST else []
        for one in shown:
            names.append(name)
            values.append(one.astype(np.float64))
            binary.append(True)
    return names, np.column_stack(values) if values else np.empty((len(draws), 0)), np.array(binary, dtype=np.bool_)


def _whole_households(draws: Draws) -> bool:
    """Say whether households with several members in a draw were never split, and there are enough of them to tell."""
    pairs = np.unique(np.column_stack([draws.stratum, draws.household]), axis=0, return_inverse=True)[1].reshape(-1)
    size, offered = np.bincount(pairs), np.bincount(pairs, draws.offered)
    several = size > 1
    return bool(several.sum() >= RAREST and ((offered == 0) | (offered == size))[several].all())


def _rows_by_stratum(stratum: Ints, chosen: npt.NDArray[np.bool_] | None = None) -> Iterator[Ints]:
    """Yield the rows of each draw that has any."""
    for code in np.unique(stratum if chosen is None else stratum[chosen]):
        yield np.flatnonzero((stratum == code) & (True if chosen is None else chosen))


def _first_of_each(unit: Ints, cut: npt.NDArray[np.datetime64]) -> npt.NDArray[np.bool_]:
    """Return the rows of the first month in which a unit was part of a draw."""
    _, code = np.unique(unit, return_inverse=True)
    first = np.full(code.max() + 1, np.iinfo(np.int64).max)
    np.minimum.at(first, code, cut.astype(np.int64))
    return cut.astype(np.int64) == first[code]


def _stratum(
    values: Floats,
    binary: npt.NDArray[np.bool_],
    unit: Ints,
    offered: npt.NDArray[np.bool_],
    rng: np.random.Generator,
) -> _Stratum:
    centred = _comparable(values, binary)
    codes, place = np.unique(unit, return_inverse=True)
    sums = np.zeros((len(codes), values.shape[1]))
    np.add.at(sums, place, centred)
    held_out = np.bincount(place, ~offered, len(codes)) > 0
    if len(codes) > MOST_UNITS:
        some = rng.choice(len(codes), MOST_UNITS, replace=False)
        sums, held_out = sums[some], held_out[some]
    return _Stratum(sums - sums.mean(axis=0), held_out)


def _comparable(values: Floats, binary: npt.NDArray[np.bool_]) -> Floats:
    """Return ranks of mean 0 and standard deviation 1; a column that says nothing is 0."""
    out = np.zeros_like(values)
    for j in range(values.shape[1]):
        column = values[:, j]
        there = ~np.isnan(column)
        if there.sum() <= RAREST:
            continue
        _, counts = np.unique(column[there], return_counts=True)
        if len(column[there]) - counts.max() < RAREST:
            continue
        ranked = column[there] if binary[j] else rankdata(column[there])
        spread = ranked.std()
        if spread > 0:
            out[there, j] = (ranked - ranked.mean()) / spread
    return out


def _standardised(stratum: _Stratum, held_out: Floats) -> Floats:
    """Return the held-out units' sums over their standard deviation, a row per dealing."""
    spread = stratum.spread()
    scale = np.where(spread > 1e-9, 1.0 / np.sqrt(np.where(spread > 1e-9, spread, 1.0)), 0.0)
    found: Floats = (held_out @ stratum.sums) * scale
    return found


def _differences(stratum: _Stratum) -> Floats:
    """Return the absolute differences of the two sides' means, in standard deviations."""
    held = stratum.held_out
    if held.all() or not held.any():
        return np.zeros(stratum.sums.shape[1])
    found: Floats = np.abs(stratum.sums[held].mean(axis=0) - stratum.sums[~held].mean(axis=0))
    return found


def _largest(strata: list[_Stratum], rng: np.random.Generator, dealings: int) -> tuple[Floats, Floats]:
    """Return each feature's largest difference over the draws, and the largest of all in each dealing."""
    features = strata[0].sums.shape[1] if strata else 0
    own, dealt = np.zeros(features), np.zeros(dealings)
    for stratum in strata:
        own = np.maximum(own, np.abs(_standardised(stratum, stratum.held_out[None, :].astype(np.float64))[0]))
        for at, held_out in _dealt(stratum, rng, dealings):
            found = np.abs(_standardised(stratum, held_out)).max(axis=1, initial=0.0)
            dealt[at : at + len(found)] = np.maximum(dealt[at : at + len(found)], found)
    return own, dealt


def _largest_sum(strata: list[_Stratum], rng: np.random.Generator, dealings: int) -> tuple[Floats, Floats]:
    """Return each feature's difference added up over the draws, and the largest of them in each dealing."""
    features = strata[0].sums.shape[1] if strata else 0
    own, dealt, spread = np.zeros(features), np.zeros((dealings, features)), np.zeros(features)
    for stratum in strata:
        own += stratum.held_out.astype(np.float64) @ stratum.sums
        spread += stratum.spread()
        for at, held_out in _dealt(stratum, rng, dealings):
            dealt[at : at + len(held_out)] += held_out @ stratum.sums
    scale = np.where(spread > 1e-9, 1.0 / np.sqrt(np.where(spread > 1e-9, spread, 1.0)), 0.0)
    return np.abs(own) * scale, (np.abs(dealt) * scale).max(axis=1, initial=0.0)


def _dealt(stratum: _Stratum, rng: np.random.Generator, dealings: int) -> Iterator[tuple[int, Floats]]:
    """Yield dealings in blocks: 1 for a unit held out, as many as in truth."""
    for at in range(0, dealings, _BLOCK):
        rows = np.tile(stratum.held_out.astype(np.float64), (min(_BLOCK, dealings - at), 1))
        yield at, rng.permuted(rows, axis=1)


def _p(own: float, dealt: Floats) -> float:
    """Return the share of dealings that come out as large, the true one counted among them."""
    return float((1 + (dealt >= own - 1e-9).sum()) / (1 + len(dealt)))


def _named(names: list[str], found: list[tuple[Floats, Floats]]) -> tuple[str, ...]:
    """Return the features beyond chance, each once, the clearest first."""
    apart: dict[str, float] = {}
    for own, dealt in found:
        for name, value in zip(names, own, strict=True):
            if 2.0 * _p(float(value), dealt) < ALPHA:
                apart[name] = max(apart.get(name, 0.0), float(value))
    return tuple(sorted(apart, key=lambda name: -apart[name]))
