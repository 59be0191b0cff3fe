"""How far a test date is from the past that its model learnt: feature by feature, and all features together.

A book changes for two reasons: clients change, and time passes. Features that count time, such as tenure, or tell the
season must differ between an older and a later date; they are named, and what is left without them is told beside.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import lightgbm as lgb
import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import chi2

from appetence.features.catalogue import Feature, Unit
from appetence.models.dataset import Snapshots
from appetence.models.folds import assign_folds
from appetence.models.metrics import auc

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

BINS = 10
MOST_LEVELS = 10
CONFIDENCE = 0.99
"""Chance that no feature of a book that has not moved is beyond its limit: shared out over the features."""

MOST_CLIENTS = 8_000
"""Clients of each side that the adversary sees: enough to tell an AUC of 0.51 from 0.50."""

FOLDS = 3
_ROUNDS = 60
_ADVERSARY: dict[str, Any] = {
    "objective": "binary",
    "num_leaves": 7,
    "learning_rate": 0.05,
    "min_data_in_leaf": 50,
    "feature_fraction": 0.5,
    "num_threads": 1,  # two threads of a busy machine wait for each other
    "deterministic": True,
    "force_row_wise": True,
    "verbosity": -1,
}
STRONGEST = 5


@dataclass(frozen=True)
class FeatureDrift:
    """Population stability index of one feature, and what it would not exceed by chance."""

    feature: str
    psi: float
    limit: float
    of_time: bool

    @property
    def beyond(self) -> bool:
        """Whether it moved by more than chance."""
        return self.psi > self.limit


@dataclass(frozen=True)
class Drift:
    """A test date beside the rows learnt from.

    Attributes
    ----------
    date
        The test date.
    clients
        Clients learnt from, and clients tested.
    auc, auc_without_time
        Of telling test rows from the others, cross-validated by household: 0.5 where they look alike; with all
        features, and without those that must move with time. NaN with too few clients, or nothing but time.
    features
        All features, the farthest beyond its limit first.
    strongest
        Features that the second adversary leans on most.
    """

    date: str
    clients: tuple[int, int]
    auc: float
    auc_without_time: float
    features: tuple[FeatureDrift, ...]
    strongest: tuple[str, ...]

    @property
    def beyond(self) -> tuple[FeatureDrift, ...]:
        """Features that moved by more than chance, those of time left out."""
        return tuple(one for one in self.features if one.beyond and not one.of_time)

    @property
    def of_time(self) -> tuple[str, ...]:
        """Features of time that moved, as they must."""
        return tuple(one.feature for one in self.features if one.beyond and one.of_time)

    def as_dict(self) -> dict[str, Any]:
        """Return it for JSON."""
        return {
            "date": self.date,
            "clients": list(self.clients),
            "adversarial_auc": _finite(self.auc),
            "adversarial_auc_without_time": _finite(self.auc_without_time),
            "strongest": list(self.strongest),
            "features_beyond_chance": [{"feature": f.feature, "psi": f.psi, "limit": f.limit} for f in self.beyond],
            "features_of_time_beyond_chance": list(self.of_time),
        }


def features_of_time(features: Iterable[Feature]) -> frozenset[str]:
    """Return the features that move because time passes: tenure, the calendar, and all that count months."""
    return frozenset(f.name for f in features if f.group in ("tenure", "calendar") or f.unit is Unit.MONTHS)


def measure_drift(
    snapshots: Snapshots, learnt: Ints, tested: Ints, date: str, of_time: frozenset[str], seed: int
) -> Drift:
    """Compare the rows of a test date with those that its model learnt from.

    Parameters
    ----------
    learnt, tested
        Positions in the snapshots. A client is learnt from at many cuts: one of them, drawn, stands for all, so that
        sizes count clients.
    of_time
        Names of the features that must move.
    """
    rng = np.random.default_rng([seed, 0x64726966])
    learnt = _one_per_client(learnt, snapshots.client, rng)
    found = [
        FeatureDrift(str(name), *stability(snapshots.X[name], learnt, tested, snapshots.X.shape[1]), name in of_time)
        for name in snapshots.X.columns
    ]
    X = pd.DataFrame({str(name): _coded(snapshots.X[name]) for name in snapshots.X.columns})
    rows = [rng.permutation(side)[:MOST_CLIENTS] for side in (learnt, tested)]
    lasting = [name for name in X.columns if name not in of_time]
    whole, _ = _tell_apart(X, snapshots.household, rows, seed)
    rest, strongest = _tell_apart(X[lasting], snapshots.household, rows, seed)
    ordered = sorted(found, key=lambda one: one.limit - one.psi)
    return Drift(date, (len(learnt), len(tested)), whole, rest, tuple(ordered), strongest)


def stability(values: pd.Series[Any], learnt: Ints, tested: Ints, features: int = 1) -> tuple[float, float]:
    """Return the population stability index of a feature between two sets of rows, and its limit.

    PSI = Σ (a - e)·ln(a / e) over the shares a and e of tested and learnt rows in a bin. Numbers are cut at the deciles
    of the learnt rows, the missing a bin of their own; half a row is added to every bin. Two samples of one population
    have PSI ~ χ²(bins - 1)·(1/n + 1/m), so that the usual limits 0.1 and 0.25 say too much of small books and too
    little of large ones (Yurdakul 2018, Statistical properties of population stability index, Western Michigan
    University). The limit is the quantile `CONFIDENCE` of that, shared out over all features (Bonferroni). Clients on
    both sides make PSI smaller, and the limit errs on the safe side.

    Parameters
    ----------
    values
        The feature, of all rows.
    learnt, tested
        Positions, one row per client on each side.
    features
        Features looked at together.
    """
    codes, bins = _binned(values.iloc[np.concatenate([learnt, tested])], len(learnt))
    if bins < 2:
        return 0.0, 0.0
    sides = codes[: len(learnt)], codes[len(learnt) :]
    expected, actual = (np.bincount(side, minlength=bins) + 0.5 for side in sides)
    e, a = expected / expected.sum(), actual / actual.sum()
    tail = (1.0 - CONFIDENCE) / features
    limit = float(chi2.isf(tail, bins - 1)) * (1.0 / len(learnt) + 1.0 / len(tested))
    return float(((a - e) * np.log(a / e)).sum()), limit


def stability_of_numbers(first: Floats, other: Floats) -> tuple[float, float]:
    """Return the population stability index of numbers between two sets of rows, such as scores, and its limit."""
    values = pd.Series(np.concatenate([first, other]))
    rows = np.arange(len(values))
    return stability(values, rows[: len(first)], rows[len(first) :])


def _binned(values: pd.Series[Any], learnt: int) -> tuple[Ints, int]:
    """Return each row's bin, and how many there are, cut by the first `learnt` rows: as few as ties leave."""
    if pd.api.types.is_numeric_dtype(values.dtype):
        numbers = values.to_numpy(dtype=np.float64, na_value=np.nan)
        known = numbers[:learnt][~np.isnan(numbers[:learnt])]
        edges = np.unique(np.quantile(known, np.arange(1, BINS) / BINS)) if len(known) else np.empty(0)
        codes = np.where(np.isnan(numbers), 0, 1 + np.searchsorted(edges, numbers, side="right"))
    else:
        codes = pd.factorize(values.astype("str").where(values.notna(), None))[0] + 1
        usual = np.argsort(-np.bincount(codes[:learnt], minlength=int(codes.max()) + 1), kind="stable")[:MOST_LEVELS]
        codes = np.where(np.isin(codes, usual), codes, int(codes.max()) + 1)
    both, places = np.unique(codes, return_inverse=True)
    return places.astype(np.int64), len(both)


def _one_per_client(rows: Ints, client: Ints, rng: np.random.Generator) -> Ints:
    mixed = rng.permutation(rows)
    return np.sort(mixed[np.unique(client[mixed], return_index=True)[1]])


def _tell_apart(X: pd.DataFrame, household: Ints, sides: Sequence[Ints], seed: int) -> tuple[float, tuple[str, ...]]:
    """Return the mean AUC over folds of telling tested rows from learnt ones, and the features that serve most."""
    learnt, tested = sides
    rows = np.concatenate([learnt, tested])
    y = np.repeat([0.0, 1.0], [len(learnt), len(tested)])
    folds = assign_folds(household[rows].astype(np.uint64), y, FOLDS, seed) if X.shape[1] else None
    if folds is None or min(len(learnt), len(tested)) < 100:
        return float("nan"), ()
    values, gains, found = X.iloc[rows].to_numpy(dtype=np.float64), np.zeros(X.shape[1]), []
    for fold in np.unique(folds):
        inside = folds == fold
        train = lgb.Dataset(values[~inside], y[~inside], free_raw_data=True)
        model = lgb.train({**_ADVERSARY, "seed": seed}, train, _ROUNDS)
        gains += model.feature_importance("gain")
        found.append(auc(y[inside], model.predict(values[inside])))
    order = np.argsort(-gains, kind="stable")[:STRONGEST]
    return float(np.mean(found)), tuple(str(X.columns[place]) for place in order if gains[place] > 0)


def _coded(values: pd.Series[Any]) -> Floats:
    """Return a feature as numbers: codes sorted by name for levels."""
    if pd.api.types.is_numeric_dtype(values.dtype):
        return values.to_numpy(dtype=np.float64, na_value=np.nan)
    codes = pd.factorize(values.astype("str").where(values.notna(), None), sort=True)[0].astype(np.float64)
    return np.where(codes < 0, np.nan, codes)


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
