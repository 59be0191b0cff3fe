"""Tables of contributions: one per run of neighbouring leaves.

The leaves of a tree, from left to right, are cut into runs. All that a run's leaves can tell of a feature falls into a
few classes of codes, so the run's contributions are a table with one cell for each combination of classes: a
mixed-radix number whose digits are the classes. Longer runs need fewer look-ups, for neighbours share most of their
features, but larger tables; the cut chosen has the fewest look-ups among those whose tables stay within a limit.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from appetence.explain.kernel import Bits, Floats, Ints, Places, compiled

LOOK_UP_OVERHEAD = 1.0
"""Cost of a run besides its features, in look-ups."""
DEEP_COST = 1000.0
"""Cost of a leaf that has no table, in look-ups: it stands alone."""


@compiled
def refine(classes: Ints, n_classes: int, meets: Bits) -> int:
    """Split the classes of a feature's codes by a condition; number them as they appear and return how many."""
    number = np.full(2 * n_classes, -1, np.int64)
    found = 0
    for code in range(len(meets)):
        key = 2 * classes[code] + meets[code]
        if number[key] < 0:
            number[key] = found
            found += 1
        classes[code] = number[key]
    return found


@compiled
def extend(i: int, start: Ints, feature: Ints, meets_start: Ints, meets: Bits, classes: Ints, radix: Ints) -> None:
    """Take leaf `i` into the run whose classes and radices (0: feature not in the run) these are."""
    for condition in range(start[i], start[i + 1]):
        f = feature[condition]
        met = meets[meets_start[condition] : meets_start[condition + 1]]
        if radix[f] == 0:
            classes[f, : len(met)] = 0
            radix[f] = 1
        radix[f] = refine(classes[f], radix[f], met)


@compiled
def count_cells(radix: Ints, limit: int) -> tuple[int, int]:
    """Return the features and cells of a run's table; cells stop counting above the limit.

    A condition that every code meets, or none, counts as two classes: so the limit bounds the features too.
    """
    features, cells = 0, 1
    for f in range(len(radix)):
        if radix[f] > 0:
            features += 1
            cells *= min(max(radix[f], 2), limit + 1)
            if cells > limit:
                return features, limit + 1
    return features, cells


@compiled
def cut_runs(
    start: Ints, feature: Ints, meets_start: Ints, meets: Bits, sizes: Ints, limit: int
) -> tuple[Ints, npt.NDArray[np.bool_], Ints]:
    """Cut leaves into runs by dynamic programming.

    Returns
    -------
    stop, deep, size
        (n_leaves,) for a run that begins at a leaf: where it stops; whether it is a leaf too deep for a table; the
        numbers in its table.
    """
    n_leaves = len(start) - 1
    classes = np.empty((len(sizes), sizes.max()), np.int64)
    radix = np.zeros(len(sizes), np.int64)
    cost, stop = np.zeros(n_leaves + 1), np.zeros(n_leaves, np.int64)
    deep, numbers = np.zeros(n_leaves, np.bool_), np.zeros(n_leaves, np.int64)
    for i in range(n_leaves - 1, -1, -1):
        radix[:] = 0
        deep[i], stop[i], cost[i] = True, i + 1, cost[i + 1] + DEEP_COST
        for j in range(i, n_leaves):
            extend(j, start, feature, meets_start, meets, classes, radix)
            features, cells = count_cells(radix, limit)
            if cells > limit:
                break
            candidate = cost[j + 1] + features + LOOK_UP_OVERHEAD
            if candidate < cost[i]:
                cost[i], stop[i], deep[i], numbers[i] = candidate, j + 1, False, cells * features
    return stop, deep, numbers


@compiled
def tabulate_leaf(value: float, cover: Floats, nodes: Floats, weights: Floats) -> Floats:
    """Return (2^d, d) contributions of a leaf for each set of met conditions, condition `j` being bit `j`.

    φ_i = v·(o_i − r_i)·∫₀¹ Π_{j≠i}((1−t)·r_j + t·o_j) dt: the Shapley value of a product game (the multilinear
    extension of Owen, 1972), exact under Gauss–Legendre with ⌈d/2⌉ nodes as the integrand is a polynomial of degree
    d − 1.
    """
    d = len(cover)
    table = np.zeros((1 << d, d))
    product = np.empty(1 << d)
    for t, weight in zip(nodes, weights):  # noqa: B905 - numba knows no strict
        product[0] = weight
        for j in range(d):
            for met in range(1 << j):
                product[met | (1 << j)] = product[met] * ((1.0 - t) * cover[j] + t)
                product[met] *= (1.0 - t) * cover[j]
        for j in range(d):
            # Where cover is 0 the factor of an unmet condition is 0, and so is its product: nothing is lost.
            unmet = 1.0 / ((1.0 - t) * cover[j]) if cover[j] > 0.0 else 0.0
            inverse = (unmet, 1.0 / ((1.0 - t) * cover[j] + t))
            for met in range(1 << d):
                table[met, j] += product[met] * inverse[(met >> j) & 1]
    for j in range(d):
        for met in range(1 << d):
            table[met, j] *= value * (((met >> j) & 1) - cover[j])
    return table


@compiled
def list_patterns(bits: Ints, radix: Ints) -> Ints:
    """Return for every cell of a mixed-radix table the union of the bits of its digits, the first digit lowest.

    `bits`, (n_digits, largest radix), holds what each value of a digit stands for.
    """
    patterns = np.zeros(np.prod(radix), np.int64)
    cells = 1
    for digit in range(len(radix)):
        for value in range(radix[digit] - 1, -1, -1):  # value 0 last: the others are made from it
            for cell in range(cells):
                patterns[value * cells + cell] = patterns[cell] | bits[digit, value]
        cells *= radix[digit]
    return patterns


@compiled
def tabulate_run(
    first: int,
    stop: int,
    leaf_values: Floats,
    start: Ints,
    feature: Ints,
    cover: Floats,
    meets_start: Ints,
    meets: Bits,
    sizes: Ints,
    nodes: Floats,
    weights: Floats,
) -> tuple[Ints, Places, Floats]:
    """Return a run's features, its maps from codes to places (one feature after the other) and its table."""
    classes = np.empty((len(sizes), sizes.max()), np.int64)
    all_radix = np.zeros(len(sizes), np.int64)
    for i in range(first, stop):
        extend(i, start, feature, meets_start, meets, classes, all_radix)
    features = np.flatnonzero(all_radix)
    radix = all_radix[features]
    d = len(features)
    maps = np.empty(sizes[features].sum(), np.uint16)
    at, stride = 0, d
    for k in range(d):
        size = sizes[features[k]]
        maps[at : at + size] = classes[features[k], :size] * stride
        at, stride = at + size, stride * radix[k]
    table = np.zeros((np.prod(radix), d))
    for i in range(first, stop):
        depth = start[i + 1] - start[i]
        order = (depth + 1) // 2
        own = slice(start[i], start[i + 1])
        leaf = tabulate_leaf(leaf_values[i], cover[own], nodes[order, :order], weights[order, :order])
        bits = np.zeros((d, radix.max()), np.int64)
        columns = np.searchsorted(features, feature[own])
        for j in range(depth):
            met = meets[meets_start[start[i] + j] : meets_start[start[i] + j + 1]]
            for code in range(len(met)):
                bits[columns[j], classes[feature[start[i] + j], code]] = met[code] << j
        patterns = list_patterns(bits, radix)
        for cell in range(len(table)):
            for j in range(depth):
                table[cell, columns[j]] += leaf[patterns[cell], j]
    return features, maps, table
