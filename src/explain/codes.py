"""Coding features by the model's own thresholds and categories.

All that a model can tell of a value is on which side of its thresholds it lies and to which of its category sets it
belongs. Cut at these points, the real line falls into cells on which every split of the model decides alike; the
number of the cell is the value's *code*. A row coded once serves all leaves of all trees.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from appetence.explain.kernel import Bits, CodeMatrix, Floats, Ints, compiled
from appetence.explain.trees import (
    CATEGORICAL,
    DEFAULT_LEFT,
    MISSING_NONE,
    MISSING_TYPE_SHIFT,
    MISSING_ZERO,
    ZERO,
    Trees,
)

INTERVAL, ZERO_CELL, NAN_CELL = 0, 1, 2


@dataclass(frozen=True)
class Codes:
    """How values of the features that a model splits on become codes.

    A feature with m ascending edges has code i for values above edge i - 1 and not above edge i, and m above the last;
    then one code for zero, where zero counts as missing in some split; then one for NaN. An unseen, negative or absurd
    category falls into a cell between those of the known ones.

    Attributes
    ----------
    features
        (n_used,) columns that the model splits on, ascending.
    edges, edge_start
        Edges of all used features; (n_used + 1,) where each feature's begin.
    zero_is_missing
        (n_used,) whether zero has a code of its own.
    """

    features: Ints
    edges: Floats
    edge_start: Ints
    zero_is_missing: npt.NDArray[np.bool_]

    @classmethod
    def of(cls, trees: Trees) -> Codes:
        """Collect the cells of every feature that the trees split on."""
        features = np.unique(trees.feature)
        edges = [_edges(trees, trees.feature == feature) for feature in features]
        zero = (trees.decision >> MISSING_TYPE_SHIFT) == MISSING_ZERO
        return cls(
            features=features,
            edges=np.concatenate([*edges, np.empty(0)]),
            edge_start=np.cumsum([0, *map(len, edges)], dtype=np.int64),
            zero_is_missing=np.isin(features, trees.feature[zero & ~trees.categorical]),
        )

    @property
    def sizes(self) -> Ints:
        """(n_used,) the number of codes of each feature."""
        return np.diff(self.edge_start) + 2 + self.zero_is_missing

    @property
    def dtype(self) -> np.dtype[np.generic]:
        """The smallest unsigned integer that holds every code: one byte while features have at most 256."""
        return np.min_scalar_type(int(self.sizes.max(initial=1)) - 1)

    def code(self, X: Floats) -> CodeMatrix:
        """Return (n_used, n_rows) codes of a (n_rows, n_features) matrix: a feature's codes stand together."""
        codes = np.empty((len(self.features), len(X)), dtype=self.dtype)
        _code_rows(X, self.features, self.edges, self.edge_start, self.zero_is_missing, codes)
        return codes

    def goes_left(self, trees: Trees) -> tuple[Bits, Ints]:
        """Tabulate for every node which codes of its feature go left.

        Returns
        -------
        table, start
            Node `k` sends code `c` left where `table[start[k] + c]` is 1.
        """
        used = np.searchsorted(self.features, trees.feature)
        start = np.concatenate([[0], np.cumsum(self.sizes[used])]).astype(np.int64)
        table = np.empty(start[-1], dtype=np.uint8)
        _tabulate_decisions(
            used,
            trees.threshold,
            trees.decision,
            trees.categories,
            trees.category_start,
            trees.category_stop,
            self.edges,
            self.edge_start,
            self.zero_is_missing,
            start,
            table,
        )
        return table, start[:-1]


def _edges(trees: Trees, nodes: npt.NDArray[np.bool_]) -> Floats:
    """Return the upper ends of the cells of one feature.

    LightGBM truncates a category towards zero: category c > 0 is [c, c + 1), category 0 is (-1, 1).
    """
    numerical = trees.threshold[nodes & ~trees.categorical]
    sets = np.flatnonzero(nodes & trees.categorical)
    members = [trees.categories[trees.category_start[k] : trees.category_stop[k]] for k in sets]
    known = np.unique(np.concatenate([*members, np.empty(0)]))
    below = np.where(known == 0, -1.0, np.nextafter(known, -np.inf))
    return np.unique(np.concatenate([numerical, below, np.nextafter(known + 1, -np.inf)]))


@compiled
def _code_rows(
    X: Floats,
    features: Ints,
    edges: Floats,
    edge_start: Ints,
    zero_is_missing: npt.NDArray[np.bool_],
    codes: CodeMatrix,
) -> None:
    # All rows of a tile take the same step of the binary search together, which processors do eight at a time.
    tile = 128
    values, low = np.empty(tile), np.empty(tile, np.int32)
    for first in range(0, X.shape[0], tile):
        size = min(tile, X.shape[0] - first)
        for used in range(len(features)):
            own = edges[edge_start[used] : edge_start[used + 1]]
            for row in range(size):
                value = X[first + row, features[used]]
                values[row] = 0.0 if abs(value) <= ZERO else value
                low[row] = 0
            length = len(own)
            while length > 1:
                half = length >> 1
                for row in range(size):
                    low[row] += half if own[low[row] + half - 1] < values[row] else 0
                length -= half
            zero = len(own) + 1 if zero_is_missing[used] else -1
            nan = len(own) + 1 + zero_is_missing[used]
            for row in range(size):
                value = values[row]
                code = low[row]
                if length > 0:
                    code += own[code] < value
                if value == 0.0 and zero >= 0:
                    code = zero
                codes[used, first + row] = nan if np.isnan(value) else code


@compiled
def _is_left(value: float, cell: int, threshold: float, decision: int, categories: Ints) -> bool:
    """Decide as LightGBM's `Tree::Decision`; the zero rule holds for the cell of zeros and for NaN read as zero."""
    if decision & CATEGORICAL:
        if cell == NAN_CELL or not -1 < value < 2147483648.0:
            return False
        category = np.int64(value)
        place = np.searchsorted(categories, category)
        return bool(place < len(categories) and categories[place] == category)
    missing = decision >> MISSING_TYPE_SHIFT
    default_left = (decision & DEFAULT_LEFT) != 0
    if cell == NAN_CELL:
        return default_left if missing != MISSING_NONE else threshold >= 0.0
    if cell == ZERO_CELL and missing == MISSING_ZERO:
        return default_left
    return value <= threshold


@compiled
def _tabulate_decisions(
    used: Ints,
    threshold: Floats,
    decision: Ints,
    categories: Ints,
    category_start: Ints,
    category_stop: Ints,
    edges: Floats,
    edge_start: Ints,
    zero_is_missing: npt.NDArray[np.bool_],
    start: Ints,
    table: Bits,
) -> None:
    for node in range(len(used)):
        feature = used[node]
        first, n_edges = edge_start[feature], edge_start[feature + 1] - edge_start[feature]
        known = categories[category_start[node] : category_stop[node]]
        for code in range(start[node + 1] - start[node]):
            cell, value = INTERVAL, np.inf
            if code < n_edges:
                value = edges[first + code]
            elif code == n_edges + 1:
                cell, value = (ZERO_CELL, 0.0) if zero_is_missing[feature] else (NAN_CELL, 0.0)
            elif code == n_edges + 2:
                cell, value = NAN_CELL, 0.0
            table[start[node] + code] = _is_left(value, cell, threshold[node], decision[node], known)
