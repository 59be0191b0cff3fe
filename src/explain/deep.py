"""Leaves whose paths test too many features for a table: exact quadrature for every row.

For leaf `v` with cover ratios `r`, and `o` telling which conditions a row meets, the integral of
`appetence.explain.subtrees.tabulate_leaf` is summed over its ⌈d/2⌉ Gauss–Legendre nodes. One product over all
conditions serves every feature, which divides its own factor out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from appetence.explain.kernel import Bits, CodeMatrix, Floats, Ints, compiled


@dataclass(frozen=True)
class DeepLeaves:
    """Leaves without a table and their conditions, as in `appetence.explain.paths.Conditions`."""

    value: Floats
    start: Ints
    feature: Ints
    cover: Floats
    meets_start: Ints
    meets: Bits

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        return sum(array.nbytes for array in vars(self).values())

    def add(self, codes: CodeMatrix, leaves: tuple[int, int], phi: Floats) -> None:
        """Add the contributions of a range of leaves to `phi`, (n_used, n_rows)."""
        if leaves[0] < leaves[1]:
            deepest = int(np.diff(self.start[leaves[0] : leaves[1] + 1]).max())
            nodes, weights = gauss_legendre((deepest + 1) // 2)
            _add_leaves(
                codes,
                leaves,
                nodes,
                weights,
                self.value,
                self.start,
                self.feature,
                self.cover,
                self.meets_start,
                self.meets,
                phi,
            )


def gauss_legendre(order: int) -> tuple[Floats, Floats]:
    """Return nodes and weights on [0, 1] of all orders up to `order`, row `n` holding those of order `n`.

    >>> nodes, weights = gauss_legendre(2)
    >>> round(float(weights[2, :2] @ nodes[2, :2] ** 3), 12)
    0.25
    """
    nodes, weights = np.zeros((order + 1, order)), np.zeros((order + 1, order))
    for n in range(1, order + 1):
        x, w = np.polynomial.legendre.leggauss(n)
        nodes[n, :n], weights[n, :n] = (x + 1) / 2, w / 2
    return nodes, weights


@compiled
def _add_leaves(
    codes: CodeMatrix,
    leaves: tuple[int, int],
    nodes: Floats,
    weights: Floats,
    value: Floats,
    start: Ints,
    feature: Ints,
    cover: Floats,
    meets_start: Ints,
    meets: Bits,
    phi: Floats,
) -> None:
    tile = 256
    product, total = np.empty(tile), np.empty(tile)
    for leaf in range(leaves[0], leaves[1]):
        depth = start[leaf + 1] - start[leaf]
        order = (depth + 1) // 2
        met = np.empty((depth, tile), np.bool_)
        factors = np.empty((depth, 2))
        sums = np.empty((depth, tile))
        for first in range(0, codes.shape[1], tile):
            size = min(tile, codes.shape[1] - first)
            for j in range(depth):
                condition = start[leaf] + j
                meeting = meets[meets_start[condition] : meets_start[condition + 1]]
                code = codes[feature[condition], first : first + size]
                for row in range(size):
                    met[j, row] = meeting[code[row]] != 0
            sums[:] = 0.0
            for node in range(order):
                t = nodes[order, node]
                product[:size] = weights[order, node]
                for j in range(depth):
                    unmet = (1.0 - t) * cover[start[leaf] + j]
                    factors[j, 0] = 1.0 / unmet if unmet > 0.0 else 0.0
                    factors[j, 1] = 1.0 / (unmet + t)
                    for row in range(size):
                        product[row] *= unmet + t if met[j, row] else unmet
                for j in range(depth):
                    no, yes = factors[j, 0], factors[j, 1]
                    for row in range(size):
                        sums[j, row] += product[row] * (yes if met[j, row] else no)
            for j in range(depth):
                condition = start[leaf] + j
                no, yes = -value[leaf] * cover[condition], value[leaf] * (1.0 - cover[condition])
                total = phi[feature[condition], first : first + size]
                for row in range(size):
                    total[row] += sums[j, row] * (yes if met[j, row] else no)
