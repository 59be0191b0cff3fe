from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import beta
from sklearn.metrics import roc_curve

from appetence.models.profit import expected_maximum_profit, hull


def slow_empc(y: np.ndarray, p: np.ndarray) -> tuple[float, float]:
    """Integrate the definition: for each γ, try to call everyone above each score; sum over a fine grid of γ."""
    leave = y.mean()
    depths = [(0.0, 0.0)]
    for threshold in np.unique(p):
        called = p >= threshold
        depths.append((called[y == 1].mean(), called[y == 0].mean()))
    edges = beta.ppf(np.linspace(0, 1, 40_001), 6, 14)
    gammas = beta.ppf((np.arange(40_000) + 0.5) / 40_000, 6, 14)
    assert np.all(edges[:-1] <= gammas)
    profits = [
        200 * (gammas * (1 - 10 / 200) - 1 / 200) * leave * f0 - 200 * (10 / 200 + 1 / 200) * (1 - leave) * f1
        for f0, f1 in depths
    ]
    best = np.argmax(profits, axis=0)
    shares = np.array([leave * f0 + (1 - leave) * f1 for f0, f1 in depths])
    return float(np.max(profits, axis=0).mean()), float(shares[best].mean())


@pytest.mark.parametrize(("rate", "signal"), [(0.02, 1.5), (0.1, 0.3), (0.3, 2.0), (0.5, 0.0)])
def test_the_hull_gives_what_the_definition_integrates_to(rate, signal):
    rng = np.random.default_rng(int(100 * rate))
    y = (rng.random(400) < rate).astype(float)
    p = np.round(signal * y + rng.normal(size=400), 2)  # with ties
    found = expected_maximum_profit(y, p)
    value, share = slow_empc(y, p)
    assert found.value == pytest.approx(value, abs=2e-4)
    assert found.share == pytest.approx(share, abs=2e-3)


def test_perfect_scores_call_all_leavers_and_nobody_else():
    y = np.array([1, 1, 0, 0, 0, 0, 0, 0, 0, 0])
    found = expected_maximum_profit(y, y)
    # worth a call from γ = 1/190 on, which is nearly always: 0.2·(190·0.3 - 1)
    assert found.value == pytest.approx(0.2 * (190 * 0.3 - 1), abs=1e-6)
    assert found.share == pytest.approx(0.2, abs=1e-6)


def test_where_leavers_are_rare_no_campaign_pays_and_none_is_made():
    y = np.zeros(10_000)
    y[0] = 1
    found = expected_maximum_profit(y, np.zeros(10_000))
    assert found.value == pytest.approx(0.0, abs=1e-9)
    assert found.share == pytest.approx(0.0, abs=1e-9)


def test_one_class_has_none():
    assert np.isnan(expected_maximum_profit(np.ones(3), np.arange(3)).value)
    assert np.isnan(expected_maximum_profit(np.zeros(3), np.arange(3)).share)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 5), st.integers(1, 3)), min_size=2, max_size=40))
def test_a_weight_is_as_many_copies_and_the_hull_lies_above_the_curve(rows):
    y, p, copies = (np.array(column, dtype=float) for column in zip(*rows, strict=True))
    if y.min() == y.max():
        return
    many = copies.astype(int)
    weighted, copied = (
        expected_maximum_profit(y, p, copies),
        expected_maximum_profit(np.repeat(y, many), np.repeat(p, many)),
    )
    assert weighted.value == pytest.approx(copied.value)
    assert weighted.share == pytest.approx(copied.share)
    place = np.unique(-p, return_inverse=True)[1]
    found, called = hull(np.bincount(place, copies * y), np.bincount(place, copies))
    false, true = (called - found) / (copies @ (1 - y)), found / (copies @ y)
    assert np.all(np.diff(np.diff(true) / np.maximum(np.diff(called), 1e-12)) <= 1e-9) or len(found) == 2
    x, curve, _ = roc_curve(y, p, sample_weight=copies, drop_intermediate=False)
    assert np.all(np.interp(x, false, true) >= curve - 1e-9)
