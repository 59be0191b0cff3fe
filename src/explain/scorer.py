"""Raw scores of coded rows: every tree walked from its root to the leaf reached."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from appetence.explain.codes import Codes
from appetence.explain.kernel import Bits, CodeMatrix, Floats, Ints, compiled
from appetence.explain.trees import Trees


@dataclass(frozen=True)
class Scorer:
    """Trees whose splits are decided by code.

    Attributes
    ----------
    trees
        The trees.
    roots
        (n_trees,) each tree's root: a node, or `~leaf`.
    used
        (n_nodes,) the feature split on, as its number among the used ones.
    goes_left, goes_left_start
        As of `Codes.goes_left`.
    """

    trees: Trees
    roots: Ints
    used: Ints
    goes_left: Bits
    goes_left_start: Ints

    @classmethod
    def of(cls, trees: Trees, codes: Codes) -> Scorer:
        """Prepare the trees for rows coded by `codes`."""
        single = np.diff(trees.node_start) == 0
        roots = np.where(single, ~trees.leaf_start[:-1], trees.node_start[:-1])
        return cls(trees, roots, np.searchsorted(codes.features, trees.feature), *codes.goes_left(trees))

    def scores(self, codes: CodeMatrix) -> Floats:
        """Return (n_rows, n_classes) raw scores of (n_used, n_rows) codes."""
        trees = self.trees
        scores = np.zeros((codes.shape[1], trees.n_classes))
        for of_class in range(trees.n_classes):
            _add_scores(
                codes,
                self.roots[of_class :: trees.n_classes],
                self.used,
                trees.left,
                trees.right,
                self.goes_left,
                self.goes_left_start,
                trees.leaf_value,
                scores[:, of_class],
            )
        return scores


@compiled
def _add_scores(
    codes: CodeMatrix,
    roots: Ints,
    used: Ints,
    left: Ints,
    right: Ints,
    goes_left: Bits,
    goes_left_start: Ints,
    leaf_value: Floats,
    scores: Floats,
) -> None:
    for root in roots:
        for row in range(codes.shape[1]):
            node = root
            while node >= 0:
                is_left = goes_left[goes_left_start[node] + codes[used[node], row]]
                node = left[node] if is_left else right[node]
            scores[row] += leaf_value[~node]
