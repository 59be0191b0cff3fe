"""Bins made once for all questions of an origin: they depend on features alone, so that only labels differ."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from dataclasses import dataclass

import lightgbm as lgb
import numpy as np

from appetence.models.columns import Columns, Levels
from appetence.models.encoding import Encoder, fit_encoder

MOST_BINS = 127
"""Bins of a number: leaves of a hundredth of the rows need hardly finer thresholds, and trees on some thousand rows
take three quarters of the time that they take with 255. (63 take half, and lose where much is to be found in few
features: log-loss .016 worse on `hastie_10_2`.)
"""


@dataclass(frozen=True)
class Bins:
    """The codes and bins of a table of feature rows.

    Attributes
    ----------
    encoder
        Codes of all features, none of them learnt from labels.
    data
        LightGBM's binned rows, in the table's order; their labels mean nothing.
    """

    encoder: Encoder
    data: lgb.Dataset


@dataclass(frozen=True)
class BinnedRows:
    """Some rows of a binned table.

    Attributes
    ----------
    bins
        The table.
    places
        (n_rows,) positions of the rows in it, ascending.
    """

    bins: Bins
    places: np.ndarray

    @classmethod
    def of(cls, encoded: np.ndarray, encoder: Encoder, n_threads: int = 1) -> BinnedRows:
        """Bin an encoded matrix of shape (n_rows, n_features) for itself alone."""
        return cls(Bins(encoder, bin_matrix(encoded, encoder, n_threads)), np.arange(len(encoded)))

    def take(self, rows: np.ndarray) -> BinnedRows:
        """Return some of the rows, by position among these, ascending."""
        return BinnedRows(self.bins, self.places[rows])


def make_bins(columns: Columns, max_levels: int) -> Bins | None:
    """Bin a table; None where a category has so many levels that it is encoded by labels, which cannot be shared."""
    if any(isinstance(c, Levels) and _levels(c) > max_levels for c in columns.columns):
        return None
    nothing = np.zeros(columns.n_rows)
    encoder, encoded = fit_encoder(columns, nothing, np.ones(columns.n_rows), None, max_levels)
    return Bins(encoder, bin_matrix(encoded, encoder))


def bin_matrix(encoded: np.ndarray, encoder: Encoder, n_threads: int = 1) -> lgb.Dataset:
    """Bin an encoded matrix of shape (n_rows, n_features); labels and weights are set on the parts taken from it."""
    params = {"max_bin": MOST_BINS, "feature_pre_filter": False, "force_row_wise": True, "num_threads": n_threads}
    return lgb.Dataset(
        encoded,
        np.zeros(len(encoded)),
        feature_name=encoder.plain_names or "auto",
        categorical_feature=encoder.categorical,
        params=params | {"verbosity": -1},
        free_raw_data=True,
    ).construct()


class BinStore:
    """Keeps what was binned, so that questions worked on side by side share it: the first makes it, others wait."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: dict[Hashable, tuple[Bins | None, object]] = {}

    def get(self, key: Hashable, make: Callable[[], Bins | None], of: object = None) -> Bins | None:
        """Return the bins of a key, made where they are not there.

        `of` is kept beside them: an object whose identity is part of the key must not make room for another.
        """
        with self._lock:
            if key not in self._kept:
                self._kept[key] = make(), of
            return self._kept[key][0]


def _levels(column: Levels) -> int:
    return len(np.unique(column.codes[column.codes >= 0]))
