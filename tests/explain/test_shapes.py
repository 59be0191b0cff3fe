"""Contributions against values: means worked out slowly, an interaction that was planted, and nothing of few rows."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appetence.explain.shapes import FEWEST_ROWS, MOST_BINS, MOST_LEVELS, shape_of


def make_frame(n: int = 1_200) -> pd.DataFrame:
    rng = np.random.default_rng(4)
    return pd.DataFrame(
        {
            "tenure": np.where(rng.random(n) < 0.1, np.nan, rng.exponential(60.0, n)),
            "contracts": rng.integers(0, 4, n).astype(float),
            "age": rng.normal(50, 15, n),
            "complained": rng.random(n) < 0.4,
            "region": pd.Series(rng.choice(["north", "south", "<b>rare</b>", None], n, p=[0.5, 0.4, 0.004, 0.096])),
        }
    )


def test_bins_hold_equal_numbers_and_tell_their_means():
    X = make_frame()
    phi = np.nan_to_num(X["tenure"].to_numpy()) / 60 - 1
    shape = shape_of(X, phi, "tenure", [])
    *bins, missing = shape.means
    assert len(bins) == MOST_BINS
    known = X["tenure"].notna().to_numpy()
    by_hand = pd.qcut(X["tenure"][known], MOST_BINS, labels=False)
    wanted = pd.Series(phi[known]).groupby(by_hand.to_numpy())
    np.testing.assert_allclose([one.mean for one in bins], wanted.mean(), atol=0.02)
    assert max(one.rows for one in bins) - min(one.rows for one in bins) <= 1
    assert [one.value for one in bins] == sorted(one.value for one in bins)
    assert (missing.value, missing.rows, missing.mean) == (None, int((~known).sum()), -1.0)
    assert all(one.low <= one.mean <= one.high for one in bins)


def test_few_distinct_values_are_bins_of_their_own_and_a_flag_has_two():
    X = make_frame()
    counts = shape_of(X, X["contracts"].to_numpy(), "contracts", [])
    assert [(one.value, one.mean) for one in counts.means] == [(k, k) for k in range(4)]
    flag = shape_of(X, X["complained"].to_numpy() - 0.5, "complained", [])
    assert flag.kind == "flag"
    assert [(one.value, one.mean) for one in flag.means] == [(0.0, -0.5), (1.0, 0.5)]


def test_levels_are_told_by_their_effect_and_rare_ones_never_by_name():
    X = make_frame()
    phi = X["region"].map({"north": -0.2, "south": 0.3, "<b>rare</b>": 2.0}).fillna(0.1).to_numpy()
    found = shape_of(X, phi, "region", [])
    assert [(one.level, one.mean) for one in found.means] == [("south", 0.3), ("north", -0.2), (None, 0.1)]
    many = pd.DataFrame({"branch": [f"b{k:02}" for k in range(30) for _ in range(20 + k)]})
    found = shape_of(many, np.zeros(len(many)), "branch", [])
    assert len(found.means) == MOST_LEVELS + 1
    assert (found.means[-1].level, found.means[-1].rows) == ("", sum(20 + k for k in range(18)))


def test_the_feature_that_parts_the_rows_is_found_and_noise_is_not():
    X = make_frame()
    age = X["age"].to_numpy()
    phi = np.where(X["complained"], 0.5, -0.5) * (age - 50) / 15
    split = shape_of(X, phi, "age", ["contracts", "complained", "region", "tenure"]).split
    assert (split.feature, split.at) == ("complained", None)
    assert split.explains > 0.9
    slopes = [np.polyfit([x for x, _ in side], [y for _, y in side], 1)[0] for side in (split.low, split.high)]
    assert slopes == pytest.approx([-1 / 30, 1 / 30], rel=0.05)
    noisy = age / 15 + np.random.default_rng(0).normal(size=len(age))
    assert shape_of(X, noisy, "age", ["contracts", "complained", "tenure"]).split is None


@given(seed=st.integers(0, 10_000), n=st.integers(FEWEST_ROWS, 80), distinct=st.integers(1, 40))
@settings(max_examples=50, deadline=None)
def test_no_mean_is_told_of_few_rows(seed, n, distinct):
    rng = np.random.default_rng(seed)
    values = np.where(rng.random(n) < 0.2, np.nan, rng.integers(0, distinct, n) ** 2.0)
    X = pd.DataFrame({"x": values, "other": rng.normal(size=n), "level": rng.integers(0, distinct, n).astype(str)})
    known = int(np.isfinite(values).sum())
    phi = rng.normal(size=n)
    shape = shape_of(X, phi, "x", ["other"])
    assert all(one.rows >= FEWEST_ROWS for one in (*shape.means, *shape_of(X, phi, "level", []).means))
    if known >= FEWEST_ROWS:
        assert sum(one.rows for one in shape.means if one.value is not None) == known
