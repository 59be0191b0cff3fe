"""A LightGBM model's trees as flat arrays.

Nodes of all trees stand in one array, leaves in another. A child is a node when it is >= 0, else the leaf `~child`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

import numpy as np
import numpy.typing as npt

from appetence.errors import ArtefactError
from appetence.explain.kernel import Floats, Ints

CATEGORICAL = 1
DEFAULT_LEFT = 2
MISSING_TYPE_SHIFT = 2
MISSING_NONE, MISSING_ZERO, MISSING_NAN = 0, 1, 2

ZERO = float(np.float32(1e-35))
"""LightGBM's `kZeroThreshold`: values this close to 0 are 0."""


class Booster(Protocol):
    """What is needed of a `lightgbm.Booster`."""

    def model_to_string(self) -> str:
        """Return the model in LightGBM's text format."""


ARRAYS: dict[str, type] = {
    "feature": np.int64,
    "threshold": np.float64,
    "decision": np.int64,
    "left": np.int64,
    "right": np.int64,
    "count": np.float64,
    "category_start": np.int64,
    "category_stop": np.int64,
    "categories": np.int64,
    "leaf_value": np.float64,
    "leaf_count": np.float64,
}


@dataclass(frozen=True)
class Trees:
    """All trees of a model, flat.

    Attributes
    ----------
    feature_names
        Names of the features in the order of the columns.
    n_classes
        Trees per iteration: 1, or the number of classes of a multiclass model. Tree `i` belongs to class
        `i % n_classes`.
    node_start, leaf_start
        (n_trees + 1,) first node (the root) and first leaf of each tree, and the end. A single leaf has no node.
    feature, threshold, decision, left, right, count
        (n_nodes,) feature split on; threshold; LightGBM's decision bits; children; training rows.
    category_start, category_stop
        (n_nodes,) the node's slice of `categories`, empty for a numerical split.
    categories
        Categories that go left, of all categorical splits, ascending within a split.
    leaf_value, leaf_count
        (n_leaves,) what a leaf adds to the raw score; its training rows.
    """

    feature_names: tuple[str, ...]
    n_classes: int
    node_start: Ints
    leaf_start: Ints
    feature: Ints
    threshold: Floats
    decision: Ints
    left: Ints
    right: Ints
    count: Floats
    category_start: Ints
    category_stop: Ints
    categories: Ints
    leaf_value: Floats
    leaf_count: Floats

    @property
    def n_features(self) -> int:
        """Columns of the matrix that the model reads."""
        return len(self.feature_names)

    @property
    def n_trees(self) -> int:
        """Trees, over all classes."""
        return len(self.leaf_start) - 1

    @property
    def categorical(self) -> npt.NDArray[np.bool_]:
        """(n_nodes,) whether the split is on categories."""
        return (self.decision & CATEGORICAL) != 0

    def expected_values(self) -> Floats:
        """Return (n_classes,) the mean raw score over the training rows: the bias of the contributions.

        Each tree's leaves weighted by their training rows, as LightGBM's `Tree::ExpectedValue`.
        """
        bias = np.zeros(self.n_classes)
        for tree, (start, stop) in enumerate(pairwise(self.leaf_start)):
            value, count = self.leaf_value[start:stop], self.leaf_count[start:stop]
            bias[tree % self.n_classes] += value[0] if len(value) == 1 else value @ count / count.sum()
        return bias


def parse_trees(booster: Booster) -> Trees:
    """Read the trees that `booster.predict` uses: up to the best iteration where there is one.

    Raises
    ------
    ArtefactError
        Where leaves hold linear models, or the training rows of the splits were not kept.

    Notes
    -----
    The text format gives every threshold and leaf value with 17 digits, that is exactly.
    """
    header, *blocks = booster.model_to_string().split("\nTree=")
    settings = _fields(header)
    parts = list(_offset(_parse_tree(block) for block in blocks))
    joined = {
        name: np.concatenate([np.empty(0, dtype), *(part[name] for part in parts)]) for name, dtype in ARRAYS.items()
    }
    return Trees(
        feature_names=tuple(settings["feature_names"].split(" ")),
        n_classes=int(settings["num_tree_per_iteration"]),
        node_start=_starts(part["feature"] for part in parts),
        leaf_start=_starts(part["leaf_value"] for part in parts),
        **joined,
    )


def _starts(arrays: Iterable[npt.NDArray[np.generic]]) -> Ints:
    return np.cumsum([0, *(len(array) for array in arrays)], dtype=np.int64)


def _fields(text: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in text.splitlines() if "=" in line)


def _parse_tree(block: str) -> dict[str, npt.NDArray[np.generic]]:
    fields = _fields(block.split("\n\n", 1)[0])
    if fields.get("is_linear", "0") != "0":
        raise ArtefactError(
            "Leaves must hold constants",
            "linear trees (linear_tree=true)",
            "Shapley values of linear leaves are not defined by path-dependent TreeSHAP: train with linear_tree=false",
        )
    single = int(fields["num_leaves"]) == 1

    def numbers(name: str, dtype: type = np.int64) -> npt.NDArray[np.generic]:
        return np.array([] if single else fields[name].split(), dtype=dtype)

    tree = {
        "feature": numbers("split_feature"),
        "threshold": numbers("threshold", np.float64),
        "decision": numbers("decision_type"),
        "left": numbers("left_child"),
        "right": numbers("right_child"),
        "count": numbers("internal_count", np.float64),
        "leaf_value": np.array(fields["leaf_value"].split(), dtype=np.float64),
        "leaf_count": np.ones(1) if single else numbers("leaf_count", np.float64),
    }
    if not single and tree["leaf_count"].sum() <= 0:
        raise ArtefactError("A model to be explained must hold the training rows of its leaves", "counts of 0")
    return tree | _categories(tree["decision"], tree["threshold"], fields)


def _categories(
    decision: npt.NDArray[np.generic], threshold: npt.NDArray[np.generic], fields: dict[str, str]
) -> dict[str, npt.NDArray[np.generic]]:
    """Unpack the bit sets of the categorical splits, whose threshold is the number of their set."""
    sets = [np.empty(0, np.int64)]
    if int(fields["num_cat"]) > 0:
        words = np.array(fields["cat_threshold"].split(), dtype="<u4")
        bounds = np.array(fields["cat_boundaries"].split(), dtype=np.int64)
        sets = [
            np.flatnonzero(np.unpackbits(words[a:b].view(np.uint8), bitorder="little")) for a, b in pairwise(bounds)
        ]
    sizes = np.array([len(found) for found in sets])
    stops = np.cumsum(sizes)
    is_set = (np.asarray(decision, np.int64) & CATEGORICAL) != 0
    which = np.where(is_set, threshold, 0).astype(np.int64)
    return {
        "category_start": np.where(is_set, stops[which] - sizes[which], 0),
        "category_stop": np.where(is_set, stops[which], 0),
        "categories": np.concatenate(sets),
    }


def _offset(trees: Iterator[dict[str, npt.NDArray[np.generic]]]) -> Iterator[dict[str, npt.NDArray[np.generic]]]:
    """Renumber nodes, leaves and categories of each tree to their place among all trees."""
    nodes = leaves = categories = 0
    for tree in trees:
        shifted = dict(tree)
        for name in ("left", "right"):
            child = np.asarray(tree[name], np.int64)
            shifted[name] = np.where(child >= 0, child + nodes, child - leaves)
        for name in ("category_start", "category_stop"):
            shifted[name] = np.asarray(tree[name], np.int64) + categories
        nodes += len(tree["feature"])
        leaves += len(tree["leaf_value"])
        categories += len(tree["categories"])
        yield shifted
