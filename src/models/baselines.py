"""What a model must beat to be worth its upkeep: the base rate, a life table by tenure, a logistic regression."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from appetence.models.dataset import Labelled

Floats = npt.NDArray[np.float64]

BASE_RATE, LIFE_TABLE, LOGISTIC = "base rate", "life table", "logistic regression"
TENURE = "tenure"
"""The feature that the life table reads: completed months as a client."""

_TENURE_EDGES = (6.0, 12.0, 24.0, 36.0, 60.0, 120.0, 240.0)
_PRIOR_EVENTS = 5.0
_RARE = 20


class Baseline(Protocol):
    """Anything that gives a probability to feature rows."""

    def __call__(self, X: pd.DataFrame, /) -> Floats:
        """Return (n,) probabilities."""


@dataclass(frozen=True)
class BaseRate:
    """The same probability for everyone."""

    rate: float

    def __call__(self, X: pd.DataFrame, /) -> Floats:
        """Return (n,) the base rate."""
        return np.full(len(X), self.rate)


@dataclass(frozen=True)
class LifeTableRates:
    """A probability per band of tenure; clients of unknown tenure get the last entry."""

    rates: Floats

    def __call__(self, X: pd.DataFrame, /) -> Floats:
        """Return (n,) the rate of each row's band."""
        return self.rates[_band(X)]


@dataclass(frozen=True)
class Regression:
    """A logistic regression on all features."""

    pipeline: Pipeline

    def __call__(self, X: pd.DataFrame, /) -> Floats:
        """Return (n,) fitted probabilities."""
        return np.asarray(self.pipeline.predict_proba(_plain(X))[:, 1], dtype=np.float64)


def smoothed_rate(events: float, rows: float, prior: float, prior_events: float = _PRIOR_EVENTS) -> float:
    """Return a rate drawn towards a prior one, as if `prior_events` had been seen at the prior rate.

    The mean of the beta posterior: (events + a) / (rows + a / prior).

    >>> round(smoothed_rate(events=0, rows=1000, prior=0.01, prior_events=5), 5)
    0.00333
    """
    if prior <= 0:
        return events / rows if rows else 0.0
    return (events + prior_events) / (rows + prior_events / prior)


def fit_base_rate(block: Labelled) -> BaseRate:
    """Return the share of rows where it happened."""
    return BaseRate(float(block.y.mean()))


def fit_life_table(block: Labelled) -> LifeTableRates:
    """Return the rate of each band of tenure, smoothed towards the overall rate."""
    bands = _band(block.snapshots.X.iloc[block.rows])
    size = len(_TENURE_EDGES) + 2
    events = np.bincount(bands, block.y, minlength=size)
    rows = np.bincount(bands, minlength=size)
    overall = float(block.y.mean())
    return LifeTableRates(np.array([smoothed_rate(e, n, overall) for e, n in zip(events, rows, strict=True)]))


def fit_regression(block: Labelled) -> Regression:
    """Fit a logistic regression as an analyst would: medians for missing values with a flag, scaled, one-hot codes.

    Amounts and counts are first compressed, sign(x)·log(1 + |x|), without which a few rich clients would rule.
    """
    X = _plain(block.X)
    codes = [name for name in X.columns if not pd.api.types.is_numeric_dtype(X[name].dtype)]
    numbers = [name for name in X.columns if name not in codes]
    prepare = ColumnTransformer(
        [
            (
                "numbers",
                make_pipeline(
                    SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True), StandardScaler()
                ),
                numbers,
            ),
            ("codes", OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=_RARE), codes),
        ],
        sparse_threshold=0.0,
    )
    pipeline = make_pipeline(prepare, LogisticRegression(C=1.0, max_iter=_ITERATIONS, tol=1e-3))
    return Regression(pipeline.fit(X, block.y))


_ITERATIONS = 1_000


def fit_baselines(block: Labelled, names: Sequence[str]) -> dict[str, Baseline]:
    """Fit baselines by name on all rows whose labels are known, calibration rows included: they need none of their own.

    Parameters
    ----------
    block
        Rows of both classes.
    names
        Of `BASE_RATE`, `LIFE_TABLE`, `LOGISTIC`; the life table is left out where there is no `tenure` feature.
    """
    fit: dict[str, Callable[[Labelled], Baseline]] = {
        BASE_RATE: fit_base_rate,
        LIFE_TABLE: fit_life_table,
        LOGISTIC: fit_regression,
    }
    known = [name for name in names if name != LIFE_TABLE or TENURE in block.snapshots.X.columns]
    return {name: fit[name](block) for name in known}


def _band(X: pd.DataFrame) -> npt.NDArray[np.int64]:
    tenure = X[TENURE].to_numpy(dtype=np.float64, na_value=np.nan)
    bands = np.searchsorted(_TENURE_EDGES, tenure, side="right")
    return np.where(np.isnan(tenure), len(_TENURE_EDGES) + 1, bands).astype(np.int64)


def _plain(X: pd.DataFrame) -> pd.DataFrame:
    """Return numbers as compressed float64 with NaN, and codes as text with an own level for missing."""
    columns = {}
    for name in X.columns:
        column = X[name]
        if pd.api.types.is_numeric_dtype(column.dtype):
            values = column.to_numpy(dtype=np.float64, na_value=np.nan)
            columns[name] = np.sign(values) * np.log1p(np.abs(values))
        elif column.dtype == object:  # booleans with nulls
            columns[name] = column.astype(np.float64).to_numpy()
        else:
            columns[name] = column.astype("str").fillna("(missing)").to_numpy(dtype=object)
    return pd.DataFrame(columns)
