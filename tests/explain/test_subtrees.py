"""Tables of leaves against the sum over coalitions, and cuts against every other cut."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appetence.explain.deep import gauss_legendre
from appetence.explain.subtrees import LOOK_UP_OVERHEAD, count_cells, cut_runs, list_patterns, refine, tabulate_leaf


def shapley_of_product(value: float, met: list[bool], cover: list[float]) -> list[float]:
    """Sum weighted marginal contributions to the game v(S) = value · Π_{S} met · Π_{others} cover."""
    d = len(cover)

    def worth(coalition: tuple[int, ...]) -> float:
        return value * math.prod(met[j] if j in coalition else cover[j] for j in range(d))

    return [
        sum(
            math.factorial(size) * math.factorial(d - size - 1) / math.factorial(d) * (worth((*s, i)) - worth(s))
            for size in range(d)
            for s in itertools.combinations([j for j in range(d) if j != i], size)
        )
        for i in range(d)
    ]


@settings(deadline=None)  # the first example compiles
@given(cover=st.lists(st.sampled_from([0.0, 1e-6, 0.1, 0.5, 0.93, 1.0]), min_size=1, max_size=6))
def test_leaf_table_is_the_shapley_value_of_a_product(cover: list[float]) -> None:
    nodes, weights = gauss_legendre((len(cover) + 1) // 2)
    table = tabulate_leaf(3.0, np.array(cover), nodes[-1], weights[-1])
    for pattern in range(1 << len(cover)):
        met = [bool(pattern >> j & 1) for j in range(len(cover))]
        assert table[pattern] == pytest.approx(shapley_of_product(3.0, met, cover), abs=1e-13)


def test_a_leaf_of_two_conditions_by_hand() -> None:
    # v = 8; half of the rows pass the first condition, a quarter of those the second. Met both: 8 - 8/8 = 7 in all,
    # the first gives 8·½·(¼ + 1)/2 = 2.5 and the second 8·¾·(½ + 1)/2 = 4.5.
    nodes, weights = gauss_legendre(1)
    table = tabulate_leaf(8.0, np.array([0.5, 0.25]), nodes[1], weights[1])
    assert table[0b11] == pytest.approx([2.5, 4.5])
    # Met the first only: it gives 8·½·¼/2 = 0.5, the second takes 8·¼·(½ + 1)/2 = 1.5.
    assert table[0b01] == pytest.approx([0.5, -1.5])


def test_patterns_count_in_mixed_radix() -> None:
    radix = np.array([2, 3, 1, 2])
    bits = np.array([[0, 1, 0], [2, 0, 4], [8, 0, 0], [16, 0, 0]])
    expected = [
        bits[0, a] | bits[1, b] | bits[2, c] | bits[3, d]
        for d, c, b, a in itertools.product(range(2), range(1), range(3), range(2))
    ]
    assert list_patterns(bits, radix).tolist() == expected


def test_classes_are_split_by_each_condition() -> None:
    classes = np.zeros(5, np.int64)
    assert refine(classes, 1, np.array([1, 1, 0, 0, 0], np.uint8)) == 2
    assert refine(classes, 2, np.array([1, 1, 1, 0, 0], np.uint8)) == 3
    assert refine(classes, 3, np.array([0, 0, 0, 1, 1], np.uint8)) == 3
    assert classes.tolist() == [0, 0, 1, 2, 2]


@st.composite
def leaves(draw: st.DrawFn) -> tuple[np.ndarray, ...]:
    """Draw conditions on four features of five codes."""
    chosen = draw(st.lists(st.sets(st.integers(0, 3), min_size=1), min_size=1, max_size=6))
    feature = np.array([f for one in chosen for f in sorted(one)])
    meets = draw(st.lists(st.integers(0, 1), min_size=5 * len(feature), max_size=5 * len(feature)))
    start = np.cumsum([0, *map(len, chosen)])
    return start, feature, 5 * np.arange(len(feature) + 1), np.array(meets, np.uint8)


@settings(deadline=None)  # the first example compiles
@given(of=leaves(), limit=st.sampled_from([2, 4, 8, 30, 4096]))
def test_no_other_cut_needs_fewer_look_ups(of: tuple[np.ndarray, ...], limit: int) -> None:
    start, feature, meets_start, meets = of
    n = len(start) - 1

    def cost(first: int, stop: int) -> float:
        columns: dict[int, list[np.ndarray]] = {}
        for i in range(start[first], start[stop]):
            columns.setdefault(feature[i], []).append(meets[meets_start[i] : meets_start[i + 1]])
        classes = [len(set(zip(*met, strict=True))) for met in columns.values()]
        if math.prod(max(count, 2) for count in classes) > limit:
            return 1000.0 if stop == first + 1 else math.inf
        return len(classes) + LOOK_UP_OVERHEAD

    every = ([0, *inner, n] for size in range(n) for inner in itertools.combinations(range(1, n), size))
    best = min(sum(cost(a, b) for a, b in itertools.pairwise(cut)) for cut in every)
    stop, deep, _ = cut_runs(start, feature, meets_start, meets, np.full(4, 5), limit)
    found, i = 0.0, 0
    while i < n:
        assert deep[i] == (cost(i, stop[i]) == 1000.0)
        found += cost(i, stop[i])
        i = stop[i]
    assert found == best


def test_cells_are_bounded() -> None:
    assert count_cells(np.array([3, 0, 4]), 100) == (2, 12)
    assert count_cells(np.array([1, 1]), 100) == (2, 4)
    assert count_cells(np.full(80, 1000), 4096)[1] == 4097
