"""The merged conditions of a tree's leaves.

A path may split on one feature several times; the row meets all these splits or it does not. Merged by feature, a
leaf's path is a list of conditions, each with the codes that meet it and the share of training rows it lets through.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from appetence.explain.kernel import Bits, Floats, Ints, compiled


class Conditions(NamedTuple):
    """Conditions of the leaves of one tree, the leaves from left to right.

    Attributes
    ----------
    leaf
        (n_leaves,) number of each leaf.
    start
        (n_leaves + 1,) where each leaf's conditions begin.
    feature, cover
        (n_conditions,) the feature (its number among the used ones); the product of cover ratios of its splits.
    meets_start, meets
        Code `c` meets condition `i` where `meets[meets_start[i] + c]` is 1.
    """

    leaf: Ints
    start: Ints
    feature: Ints
    cover: Floats
    meets_start: Ints
    meets: Bits


@compiled
def walk_paths(root: int, n_leaves: int, left: Ints, right: Ints) -> tuple[Ints, Ints, Ints, npt.NDArray[np.bool_]]:
    """Return the leaves from left to right, and the nodes and turns on the way to each, one way after the other."""
    leaf, start = np.empty(n_leaves, np.int64), np.zeros(n_leaves + 1, np.int64)
    nodes, turns = np.empty(4 * n_leaves, np.int64), np.empty(4 * n_leaves, np.bool_)
    way, turn = np.empty(n_leaves, np.int64), np.zeros(n_leaves, np.bool_)
    depth, child, found = 0, root, 0
    while True:
        while child >= 0:
            way[depth], turn[depth] = child, True
            child = left[child]
            depth += 1
        leaf[found], start[found + 1] = ~child, start[found] + depth
        while start[found + 1] > len(nodes):
            nodes, turns = np.concatenate((nodes, nodes)), np.concatenate((turns, turns))
        nodes[start[found] : start[found + 1]] = way[:depth]
        turns[start[found] : start[found + 1]] = turn[:depth]
        found += 1
        while depth > 0 and not turn[depth - 1]:
            depth -= 1
        if depth == 0:
            return leaf, start, nodes, turns
        turn[depth - 1] = False
        child = right[way[depth - 1]]


@compiled
def merge_paths(
    root: int,
    n_leaves: int,
    left: Ints,
    right: Ints,
    feature: Ints,
    count: Floats,
    leaf_count: Floats,
    goes_left: Bits,
    goes_left_start: Ints,
    sizes: Ints,
) -> tuple[Ints, Ints, Ints, Floats, Ints, Bits]:
    """Return the fields of `Conditions` for the tree with this root."""
    leaf, path_start, nodes, turns = walk_paths(root, n_leaves, left, right)
    n_splits = path_start[n_leaves]
    room = 0
    for split in range(n_splits):
        room += sizes[feature[nodes[split]]]
    start = np.zeros(n_leaves + 1, np.int64)
    merged, cover = np.empty(n_splits, np.int64), np.empty(n_splits, np.float64)
    meets_start, meets = np.zeros(n_splits + 1, np.int64), np.empty(room, np.uint8)
    n = 0
    for i in range(n_leaves):
        start[i] = n
        for split in range(path_start[i], path_start[i + 1]):
            node = nodes[split]
            child = left[node] if turns[split] else right[node]
            child_count = count[child] if child >= 0 else leaf_count[~child]
            size = sizes[feature[node]]
            condition = start[i]
            while condition < n and merged[condition] != feature[node]:
                condition += 1
            if condition == n:
                merged[n], cover[n], meets_start[n + 1] = feature[node], 1.0, meets_start[n] + size
                meets[meets_start[n] : meets_start[n + 1]] = 1
                n += 1
            # A node without training rows is never weighed: the ratio on the way to it is 0 already.
            cover[condition] *= child_count / count[node] if count[node] > 0 else 0.0
            for code in range(size):
                if goes_left[goes_left_start[node] + code] != turns[split]:
                    meets[meets_start[condition] + code] = 0
    start[n_leaves] = n
    return leaf, start, merged[:n], cover[:n], meets_start[: n + 1], meets[: meets_start[n]]
