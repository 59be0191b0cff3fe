"""All tables of a model, laid out for the kernel."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from appetence.explain.codes import Codes
from appetence.explain.deep import DeepLeaves, gauss_legendre
from appetence.explain.kernel import Bits, CodeMatrix, Floats, Ints, Places, add_tables
from appetence.explain.paths import Conditions, merge_paths
from appetence.explain.steps import Steps, to_steps
from appetence.explain.subtrees import cut_runs, tabulate_run
from appetence.explain.trees import Trees

MAX_CELLS = 4096
"""Cells of a table. Each feature has two classes or more, so there are at most 12, and a place fits 16 bits."""

Run = tuple[Ints, Places, npt.NDArray[np.floating]]
"""Features, maps and table of a run."""
DeepLeaf = tuple[float, Ints, Floats, list[Bits]]
"""Value, features, cover ratios and codes that meet, condition by condition."""


class Cut(NamedTuple):
    """A tree's leaves cut into runs (first, stop), those too deep for a table, and the numbers in its tables."""

    runs: list[tuple[int, int]]
    deep: list[int]
    numbers: int


@dataclass(frozen=True)
class Tables:
    """Tables of all runs of leaves and what the deep leaves need instead, ordered by class.

    Attributes
    ----------
    class_runs, class_leaves
        (n_classes + 1,) where each class's runs, and deep leaves, begin.
    slot_start, slot_feature
        (n_runs + 1,) where each run's features begin; the features, as numbers among the used ones.
    steps
        What a row's codes add to its place.
    value_start, values
        (n_runs,) where a run's table begins; all tables.
    deep
        Leaves without a table.
    """

    class_runs: Ints
    class_leaves: Ints
    slot_start: Ints
    slot_feature: Ints
    steps: Steps
    value_start: Ints
    values: npt.NDArray[np.floating]
    deep: DeepLeaves

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        arrays = [a for a in (*vars(self).values(), *self.steps) if isinstance(a, np.ndarray)]
        return self.deep.nbytes + sum(array.nbytes for array in arrays)

    def add(self, codes: CodeMatrix, of_class: int, phi: Floats) -> None:
        """Add the contributions of one class's trees to `phi`, (n_used, n_rows)."""
        runs = (int(self.class_runs[of_class]), int(self.class_runs[of_class + 1]))
        add_tables(
            codes,
            runs,
            self.slot_start,
            self.slot_feature,
            self.steps.map_start,
            self.steps.maps,
            self.steps.step_start,
            self.steps.step_code,
            self.steps.step_by,
            self.steps.base,
            self.value_start,
            self.values,
            phi,
        )
        self.deep.add(codes, (int(self.class_leaves[of_class]), int(self.class_leaves[of_class + 1])), phi)


class _Builder:
    """Works tree by tree, so that only one tree's conditions per thread are held at a time."""

    def __init__(self, trees: Trees, codes: Codes) -> None:
        self.trees = trees
        self.sizes = codes.sizes
        self.used = np.searchsorted(codes.features, trees.feature)
        self.goes_left, self.goes_left_start = codes.goes_left(trees)
        # A feature has at least two cells, which bounds the depth of leaves within the largest table.
        self.nodes, self.weights = gauss_legendre(MAX_CELLS.bit_length() // 2)

    def conditions(self, tree: int) -> Conditions:
        """Merge the paths of one tree."""
        trees = self.trees
        return Conditions(
            *merge_paths(
                trees.node_start[tree],
                trees.leaf_start[tree + 1] - trees.leaf_start[tree],
                trees.left,
                trees.right,
                self.used,
                trees.count,
                trees.leaf_count,
                self.goes_left,
                self.goes_left_start,
                self.sizes,
            )
        )

    def cut(self, tree: int, limit: int) -> Cut:
        """Cut one tree's leaves into runs whose tables have at most `limit` cells."""
        of = self.conditions(tree)
        stop, deep, numbers = cut_runs(of.start, of.feature, of.meets_start, of.meets, self.sizes, limit)
        runs, leaves, total, leaf = [], [], 0, 0
        while leaf < len(stop):
            if deep[leaf]:
                leaves.append(leaf)
            else:
                runs.append((leaf, int(stop[leaf])))
                total += int(numbers[leaf])
            leaf = int(stop[leaf])
        return Cut(runs, leaves, total)

    def tabulate(self, tree: int, cut: Cut, dtype: npt.DTypeLike) -> tuple[list[Run], list[DeepLeaf]]:
        """Make the tables of one tree, and set its deep leaves aside."""
        of = self.conditions(tree)
        values = self.trees.leaf_value[of.leaf]
        runs = []
        for first, stop in cut.runs:
            features, maps, table = tabulate_run(
                first,
                stop,
                values,
                of.start,
                of.feature,
                of.cover,
                of.meets_start,
                of.meets,
                self.sizes,
                self.nodes,
                self.weights,
            )
            runs.append((features, maps, table.astype(dtype)))
        return runs, [_deep_leaf(of, values, leaf) for leaf in cut.deep]


def build_tables(trees: Trees, codes: Codes, dtype: npt.DTypeLike, max_bytes: int, threads: int) -> Tables:
    """Cut the leaves of every tree into runs and tabulate them.

    The largest tables that stay within `max_bytes` together are taken; each halving of their size makes more leaves
    too deep.
    """
    builder = _Builder(trees, codes)
    grown = [
        [k for k in range(c, trees.n_trees, trees.n_classes) if trees.node_start[k] < trees.node_start[k + 1]]
        for c in range(trees.n_classes)
    ]
    order = [tree for of_class in grown for tree in of_class]
    with ThreadPoolExecutor(threads) as pool:
        limit = MAX_CELLS
        cuts = list(pool.map(partial(builder.cut, limit=limit), order))
        while sum(cut.numbers for cut in cuts) * np.dtype(dtype).itemsize > max_bytes:
            limit //= 2
            cuts = list(pool.map(partial(builder.cut, limit=limit), order))
        made = list(pool.map(partial(builder.tabulate, dtype=dtype), order, cuts))
    runs = [run for of_tree, _ in made for run in of_tree]
    of_tree = np.cumsum([0, *map(len, grown)])
    slot_start = _starts(len(features) for features, _, _ in runs)
    map_start = _starts(builder.sizes[f] for features, _, _ in runs for f in features)
    maps = _joined((maps for _, maps, _ in runs), np.uint16)
    return Tables(
        class_runs=_starts(len(cut.runs) for cut in cuts)[of_tree],
        class_leaves=_starts(len(cut.deep) for cut in cuts)[of_tree],
        slot_start=slot_start,
        slot_feature=_joined((features for features, _, _ in runs), np.int64),
        steps=to_steps(slot_start, map_start, maps, codes.dtype),
        value_start=_starts(values.size for _, _, values in runs),
        values=_joined((values.ravel() for _, _, values in runs), dtype),
        deep=_join_deep([leaf for _, leaves in made for leaf in leaves]),
    )


def _deep_leaf(of: Conditions, values: Floats, leaf: int) -> DeepLeaf:
    first, stop = of.start[leaf], of.start[leaf + 1]
    meets = [of.meets[of.meets_start[i] : of.meets_start[i + 1]] for i in range(first, stop)]
    return float(values[leaf]), of.feature[first:stop], of.cover[first:stop], meets


def _join_deep(leaves: list[DeepLeaf]) -> DeepLeaves:
    return DeepLeaves(
        value=np.array([value for value, _, _, _ in leaves]),
        start=_starts(len(features) for _, features, _, _ in leaves),
        feature=_joined((features for _, features, _, _ in leaves), np.int64),
        cover=_joined((cover for _, _, cover, _ in leaves), np.float64),
        meets_start=_starts(len(met) for _, _, _, meets in leaves for met in meets),
        meets=_joined((met for _, _, _, meets in leaves for met in meets), np.uint8),
    )


def _starts(sizes: Iterable[int]) -> Ints:
    return np.cumsum([0, *sizes], dtype=np.int64)


def _joined(arrays: Iterable[npt.NDArray[Any]], dtype: npt.DTypeLike) -> npt.NDArray[Any]:
    return np.concatenate([np.empty(0, dtype), *arrays], dtype=dtype)
