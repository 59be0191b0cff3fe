"""Codes against LightGBM's own decisions: rows with the same codes reach the same leaves."""

from __future__ import annotations

import lightgbm as lgb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appetence.explain.codes import Codes
from appetence.explain.scorer import Scorer
from appetence.explain.trees import parse_trees

STRANGE = [
    np.nan,
    np.inf,
    -np.inf,
    0.0,
    -0.0,
    1e-40,
    -1e-40,
    1e-35,
    -1e-35,
    1e300,
    -1e300,
    -0.5,
    -1.0,
    -7.0,
    3e9,
    0.999,
]


def train(zero_as_missing: bool = False, levels: int = 12, **parameters: object) -> lgb.Booster:
    """Train a model of a number with a spike at zero, and a category."""
    random = np.random.default_rng(8)
    X = np.column_stack([random.normal(size=3000), random.integers(0, levels, 3000), random.normal(size=3000)])
    X[random.random(3000) < 0.2, 0] = 0.0
    X[random.random(X.shape) < 0.05] = np.nan
    y = np.abs(np.nan_to_num(X[:, 0], nan=3)) + np.sin(7 * np.nan_to_num(X[:, 1])) + (X[:, 0] == 0)
    settings = {"zero_as_missing": zero_as_missing, "min_data_per_group": 1, "min_data_in_leaf": 2, "cat_smooth": 1}
    return lgb.train(
        settings | {"verbose": -1, "num_leaves": 40, "num_threads": 1} | parameters,
        lgb.Dataset(X, y, categorical_feature=[1], params={"max_bin": 1000, "min_data_in_bin": 1}),
        20,
    )


BOOSTERS = {zero: train(zero) for zero in (False, True)}


@settings(deadline=None)
@given(
    zero_as_missing=st.booleans(),
    rows=st.lists(
        st.tuples(
            st.sampled_from(STRANGE) | st.floats(-4, 4),
            st.sampled_from(STRANGE) | st.integers(-2, 14).map(float) | st.floats(-2, 14),
            st.sampled_from(STRANGE) | st.floats(),
        ),
        min_size=1,
        max_size=20,
    ),
)
def test_coded_rows_score_as_the_booster(zero_as_missing: bool, rows: list[tuple[float, ...]]) -> None:
    booster = BOOSTERS[zero_as_missing]
    X = np.array(rows)
    trees = parse_trees(booster)
    codes = Codes.of(trees)
    scores = Scorer.of(trees, codes).scores(codes.code(X))[:, 0]
    np.testing.assert_array_equal(scores, booster.predict(X, raw_score=True))


@pytest.mark.parametrize("zero_as_missing", [False, True])
def test_thresholds_themselves_and_their_neighbours_are_decided_alike(zero_as_missing: bool) -> None:
    booster = BOOSTERS[zero_as_missing]
    trees = parse_trees(booster)
    codes = Codes.of(trees)
    thresholds = np.unique(trees.threshold[trees.feature == 0])
    near = np.concatenate([thresholds, np.nextafter(thresholds, -np.inf), np.nextafter(thresholds, np.inf)])
    X = np.column_stack([near, np.zeros(len(near)), np.zeros(len(near))])
    scores = Scorer.of(trees, codes).scores(codes.code(X))[:, 0]
    np.testing.assert_array_equal(scores, booster.predict(X, raw_score=True))


def code_of(booster: lgb.Booster, column: int, values: list[float]) -> list[int]:
    codes = Codes.of(parse_trees(booster))
    X = np.zeros((len(values), 3))
    X[:, column] = values
    return codes.code(X)[np.searchsorted(codes.features, column)].tolist()


def test_nan_and_missing_zero_have_codes_of_their_own() -> None:
    for zero_as_missing, booster in BOOSTERS.items():
        codes = Codes.of(parse_trees(booster))
        last = int(codes.sizes[0]) - 1
        nan, zero, tiny, negative = code_of(booster, 0, [np.nan, 0.0, -1e-36, -1e-30])
        assert nan == last
        assert (zero == last - 1) is zero_as_missing
        assert tiny == zero
        assert negative != zero


def test_categories_that_the_model_does_not_know_share_no_code_with_known_ones() -> None:
    booster = BOOSTERS[False]
    trees = parse_trees(booster)
    known = np.unique(trees.categories)
    seen = set(code_of(booster, 1, known.astype(float).tolist()))
    assert len(seen) == len(known) == 12
    assert seen.isdisjoint(code_of(booster, 1, [-1.0, -5.0, 12.0, 1e6, 3e9, np.inf, -np.inf, np.nan]))
    assert code_of(booster, 1, [-0.5, 3.7, 3.0]) == code_of(booster, 1, [0.0, 3.0, 3.9])


def test_codes_take_a_byte_up_to_256_and_two_above() -> None:
    assert Codes.of(parse_trees(train(max_bin=255))).dtype == np.uint8
    wide = train(num_leaves=400, learning_rate=1.0)
    codes = Codes.of(parse_trees(wide))
    assert codes.sizes.max() > 256
    assert codes.dtype == np.uint16


def test_columns_without_a_split_are_not_coded() -> None:
    random = np.random.default_rng(9)
    X = np.column_stack([np.ones(200), random.normal(size=200), np.ones(200)])
    booster = lgb.train({"verbose": -1}, lgb.Dataset(X, X[:, 1]), 3)
    codes = Codes.of(parse_trees(booster))
    assert codes.features.tolist() == [1]
    assert codes.code(X).shape == (1, 200)


def test_every_row_may_lie_anywhere_in_memory() -> None:
    codes = Codes.of(parse_trees(BOOSTERS[False]))
    X = np.random.default_rng(10).normal(size=(700, 3))
    np.testing.assert_array_equal(codes.code(np.asfortranarray(X)), codes.code(X))
    np.testing.assert_array_equal(codes.code(X[::-1]), codes.code(X)[:, ::-1])
