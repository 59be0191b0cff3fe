from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from appetence.models.metrics import bootstrap_intervals
from appetence.models.uplifts.qini import DEPTHS, qini, qini_coefficient, qini_curve, rank_within, uplift_at

# four offered and four held out; the order finds the two who buy because of the offer first
SCORE = np.array([8.0, 7, 6, 5, 4, 3, 2, 1])
OFFERED = np.array([1, 0, 1, 0, 1, 0, 1, 0], dtype=bool)
BOUGHT = np.array([1, 0, 1, 0, 0, 0, 1, 1])


def test_the_curve_is_that_worked_out_by_hand():
    # first half: 2 of 2 offered bought, 0 of 2 held out: 2 added, of 4 who could be offered; all: 3 - 1 = 2 of 4
    curve = dict(zip(DEPTHS.round(2), qini_curve(BOUGHT, SCORE, offered=OFFERED), strict=True))
    assert curve[0.0] == 0.0
    assert curve[0.25] == pytest.approx(0.25)
    assert curve[0.5] == pytest.approx(0.5)
    assert curve[0.75] == pytest.approx(0.5)
    assert curve[1.0] == pytest.approx(0.5)


def test_uplift_of_the_first_is_the_difference_of_two_rates():
    assert uplift_at(BOUGHT, SCORE, offered=OFFERED, share=0.5) == pytest.approx(1.0)
    assert uplift_at(BOUGHT, SCORE, offered=OFFERED) == pytest.approx(3 / 4 - 1 / 4)
    assert np.isnan(uplift_at(BOUGHT, SCORE, offered=np.ones(8, dtype=bool)))


def slow_curve(y, score, offered, depth):
    """One client after the other; of those with equal scores at the edge, the part that fits."""
    left = depth * len(y)
    sums = {(side, what): 0.0 for side in (True, False) for what in ("clients", "bought")}
    for level in sorted(set(score), reverse=True):
        rows = [i for i in range(len(y)) if score[i] == level]
        part = min(1.0, max(0.0, left / len(rows)))
        left -= len(rows)
        for i in rows:
            sums[bool(offered[i]), "clients"] += part
            sums[bool(offered[i]), "bought"] += part * y[i]
    if sums[True, "clients"] <= 0 or sums[False, "clients"] <= 0:
        return 0.0
    lost = sums[False, "bought"] * sums[True, "clients"] / sums[False, "clients"]
    return (sums[True, "bought"] - lost) / offered.sum()


@given(
    st.lists(st.tuples(st.integers(0, 1), st.integers(0, 5), st.booleans()), min_size=2, max_size=40).filter(
        lambda rows: 0 < sum(row[2] for row in rows) < len(rows)
    )
)
def test_the_curve_equals_a_slow_one(rows):
    y, score, offered = (np.array(part) for part in zip(*rows, strict=True))
    found = qini_curve(y, score, offered=offered)
    # a depth that is an edge up to the last bit may have or not have the first crumb of the next client
    slow = [slow_curve(y, score, offered, depth) for depth in DEPTHS]
    inside = [abs(depth * len(y) - round(depth * len(y))) > 1e-9 for depth in DEPTHS]
    assert found[inside] == pytest.approx(np.array(slow)[inside], abs=1e-9)


@given(st.integers(0, 2**32 - 1))
def test_a_weight_of_two_is_two_rows(seed):
    rng = np.random.default_rng(seed)
    y, score, offered = rng.integers(0, 2, 30), rng.normal(size=30), np.arange(30) % 3 > 0
    times = rng.integers(1, 4, 30)
    twice = [np.repeat(part, times) for part in (y, score, offered)]
    assert qini(y, score, times, offered=offered) == pytest.approx(qini(*twice[:2], offered=twice[2]), abs=1e-12)


def test_an_order_that_knows_nothing_has_no_area():
    assert qini(BOUGHT, np.zeros(8), offered=OFFERED) == pytest.approx(0.0, abs=1e-12)


def test_the_best_order_where_nobody_is_put_off_has_the_whole_coefficient():
    n = 20_000
    changes = np.arange(n) < 0.2 * n  # they buy if and only if they are offered
    offered = np.random.default_rng(1).random(n) < 0.5
    y = (changes & offered).astype(int)
    assert qini_coefficient(y, changes.astype(float), offered=offered) == pytest.approx(1.0, abs=0.02)
    assert np.isnan(qini_coefficient(1 - y, changes.astype(float), offered=offered))  # offers take away


def test_random_orders_are_told_from_chance_as_often_as_they_should():
    outside = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        offered = rng.random(600) < 0.7
        y, score = (rng.random(600) < 0.2 + 0.2 * offered).astype(int), rng.normal(size=600)
        found = bootstrap_intervals(partial(qini, offered=offered), y, score, np.arange(600) // 2, 60, seed)
        outside += found.low > 0
    assert outside <= 12  # 2.5 % are expected: more than 12 of 200 come once in 300


def test_places_are_taken_within_each_campaign():
    found = rank_within(np.array([0.1, 0.9, 5.0, 7.0, 7.0, 9.0]), np.array([1, 1, 0, 0, 0, 0]))
    assert found.tolist() == [0.25, 0.75, 0.125, 0.5, 0.5, 0.875]
