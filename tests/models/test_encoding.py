"""Codes, level rates and the matching of columns, against slow and obvious versions."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appetence.models.columns import FeatureTypeError, FeatureValueError, read_columns
from appetence.models.encoding import RARE_LEVEL_ROWS, Encoder, fit_encoder


def fit(X, y=None, folds=None, max_levels=50, weight=None):
    columns = read_columns(X)
    y = np.zeros(columns.n_rows) if y is None else np.asarray(y, dtype=float)
    weight = np.ones(columns.n_rows) if weight is None else weight
    return fit_encoder(columns, y, weight, folds, max_levels)


def test_codes_by_hand():
    X = pd.DataFrame({"c": ["b"] * 6 + ["a"] * 5 + ["rare"] + [None] * 3, "n": [1.5] * 14 + [np.nan], "t": [True] * 15})
    encoder, encoded = fit(X)
    assert encoder.features[0].levels == ("a", "b")
    assert encoded[:, 0].tolist() == [2] * 6 + [1] * 5 + [0] + [3] * 3
    np.testing.assert_array_equal(encoded[:, 1], X["n"])
    assert encoded[:, 2].tolist() == [1.0] * 15
    assert encoder.categorical == [0]
    assert [feature.kind for feature in encoder.features] == ["category", "numeric", "boolean"]
    later = read_columns(pd.DataFrame({"c": ["new", "a", None], "n": [0, 1, 2], "t": [False, None, True]}))
    np.testing.assert_array_equal(encoder.encode(later), [[0, 0, 0], [1, 1, np.nan], [3, 2, 1]])


@given(
    levels=st.lists(st.sampled_from(["x", "y", "été", "", "0012", None]), min_size=1, max_size=80),
    seed=st.integers(0, 99),
)
@settings(max_examples=40, deadline=None)
def test_codes_do_not_depend_on_the_order_of_rows(levels, seed):
    X = pd.DataFrame({"c": pd.Series(levels, dtype="str")})
    order = np.random.default_rng(seed).permutation(len(levels))
    encoder, encoded = fit(X)
    shuffled, encoded_shuffled = fit(X.iloc[order])
    assert shuffled == encoder
    np.testing.assert_array_equal(encoded_shuffled, encoded[order])
    counts = X["c"].value_counts()
    assert set(encoder.features[0].levels) == set(counts[counts >= RARE_LEVEL_ROWS].index)


def test_rates_are_out_of_fold_and_shrunk_to_the_base_rate():
    rng = np.random.default_rng(0)
    level = rng.integers(0, 80, 4_000)
    effect = rng.normal(size=80)
    y = (rng.random(4_000) < 1 / (1 + np.exp(-effect[level] + 1))).astype(float)
    folds = rng.integers(0, 3, 4_000)
    X = pd.DataFrame({"branch": [f"b{i:02d}" for i in level]})
    encoder, encoded = fit(X, y, folds)
    for fold in range(3):
        others = pd.DataFrame({"branch": X["branch"], "y": y})[folds != fold].groupby("branch")["y"]
        counts, events = others.count(), others.sum()
        base = (events.sum() + 0.5) / (counts.sum() + 1)
        excess = (counts * (events / counts - base) ** 2).sum() - (len(counts) - 1) * base * (1 - base)
        between = excess / (counts.sum() - (counts**2).sum() / counts.sum())
        prior = base * (1 - base) / between
        rate = (events + prior * base) / (counts + prior)
        expected = np.log(rate / (1 - rate))[X["branch"][folds == fold]]
        np.testing.assert_allclose(encoded[folds == fold, 0], expected)
    values = dict(zip(encoder.features[0].levels, encoder.features[0].values, strict=True))
    found = [values[f"b{i:02d}"] for i in range(80)]
    assert np.corrcoef(found, effect)[0, 1] > 0.85
    assert encoder.features[0].unseen == pytest.approx(np.log(y.mean() / (1 - y.mean())), abs=0.01)


def test_a_rate_never_shows_a_row_its_own_label():
    y = np.array([0.0, 1.0] * 200)
    X = pd.DataFrame({"id": [f"i{i}" for i in range(400)]})
    folds = np.arange(400) // 2 % 4
    _, encoded = fit(X, y, folds)
    assert np.unique(encoded[y == 1, 0]).tolist() == np.unique(encoded[y == 0, 0]).tolist()


def test_rates_without_folds_are_the_base_rate():
    X = pd.DataFrame({"id": [f"i{i}" for i in range(60)]})
    encoder, encoded = fit(X, np.arange(60) % 2, folds=None)
    assert len(np.unique(encoded)) == 1
    assert encoder.features[0].kind == "rate"


def test_missing_is_a_level_of_its_own_in_rates():
    rng = np.random.default_rng(1)
    level = [f"l{i}" for i in rng.integers(0, 60, 900)] + [None] * 300
    y = np.r_[np.zeros(900), np.ones(300)]
    encoder, _ = fit(pd.DataFrame({"c": level}), y, rng.integers(0, 3, 1_200))
    assert encoder.features[0].missing > encoder.features[0].unseen > max(encoder.features[0].values)


def test_contract_round_trip():
    X = pd.DataFrame({"c": ["a"] * 9, "n": 1.0, "r": [f"{i}" for i in range(9)]})
    encoder, _ = fit(X, np.arange(9) % 2, np.arange(9) % 3, max_levels=5)
    assert [feature.kind for feature in encoder.features] == ["category", "numeric", "rate"]
    assert Encoder.from_contract(encoder.to_contract()) == encoder


def test_types_that_changed_since_training_are_refused():
    encoder, _ = fit(pd.DataFrame({"code": ["0012"] * 9, "n": 1.0}))
    with pytest.raises(FeatureTypeError, match=r"'code' was a category in training.*lost its zeros"):
        encoder.encode(read_columns(pd.DataFrame({"code": [12], "n": [1.0]})))
    with pytest.raises(FeatureTypeError, match="'n' was numeric in training"):
        encoder.encode(read_columns(pd.DataFrame({"code": ["0012"], "n": ["one"]})))
    with pytest.raises(FeatureValueError, match=r"missing: n$"):
        encoder.encode(read_columns(pd.DataFrame({"code": ["0012"]})))
    with pytest.raises(FeatureValueError, match="X has 3 features, but PropensityClassifier is expecting 2"):
        encoder.encode(read_columns(np.ones((2, 3))))
