"""What moves together stays together."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appetence.models.columns import read_columns
from appetence.models.folds import Split, assign_folds, group_keys, make_splits, row_keys, thinned


@given(seed=st.integers(0, 1_000), n_groups=st.integers(6, 40))
@settings(max_examples=40, deadline=None)
def test_groups_are_whole_and_positives_dealt_evenly(seed, n_groups):
    rng = np.random.default_rng(seed)
    groups = rng.integers(0, n_groups, 300)
    y = np.isin(groups, np.arange(3)).astype(float)
    folds = assign_folds(group_keys(groups, 300), y, 3, seed)
    if folds is None:
        assert len(np.unique(groups[y == 1])) < 2
        return
    assert all(len(np.unique(folds[groups == g])) == 1 for g in np.unique(groups))
    with_positive = [len(np.unique(groups[(folds == f) & (y == 1)])) for f in np.unique(folds)]
    assert max(with_positive) - min(with_positive) <= 1


def test_equal_rows_share_a_fold_in_any_order():
    rng = np.random.default_rng(0)
    X = pd.DataFrame(
        {"a": rng.normal(size=100), "b": rng.choice(["x", None], 100), "c": rng.choice([np.nan, 0.0, -0.0], 100)}
    )
    y = (np.arange(100) % 3 == 0).astype(float)
    order = rng.permutation(np.repeat(np.arange(100), 3))
    folds = assign_folds(row_keys(read_columns(X)), y, 3, seed=4)
    repeated = assign_folds(row_keys(read_columns(X.iloc[order])), y[order], 3, seed=4)
    np.testing.assert_array_equal(repeated, folds[order])
    assert not np.array_equal(assign_folds(row_keys(read_columns(X)), y, 3, seed=5), folds)


def test_negative_zero_is_zero():
    keys = row_keys(read_columns(np.array([[0.0], [-0.0], [1.0]])))
    assert keys[0] == keys[1] != keys[2]


def test_folds_are_not_contiguous():
    X = np.arange(900.0)[:, None]
    folds = assign_folds(row_keys(read_columns(X)), (np.arange(900) % 2).astype(float), 3, 0)
    for part in np.array_split(folds, 3):
        assert np.bincount(part).min() > 60


def test_too_few_of_a_class_leave_fewer_folds_or_none():
    keys = np.arange(10, dtype=np.uint64)
    two = np.array([1.0, 1.0] + [0.0] * 8)
    assert len(np.unique(assign_folds(keys, two, 5, 0))) == 2
    assert assign_folds(keys, np.array([1.0] + [0.0] * 9), 5, 0) is None


def test_group_labels_of_any_type():
    for labels in (["b", "a", "b"], [2, 1, 2], np.array(["b", 1, "b"], dtype=object)):
        keys = group_keys(labels, 3)
        assert keys[0] == keys[2] != keys[1]
    with pytest.raises(ValueError, match="inconsistent"):
        group_keys([1, 2], 3)


def test_splits_in_time_judge_new_groups_at_later_moments():
    rng = np.random.default_rng(1)
    n = 1_000
    folds, time, y = rng.integers(0, 3, n), np.repeat(np.arange(10), 100), rng.integers(0, 2, n).astype(float)
    splits = make_splits(folds, y, time)
    assert len(splits) == 3
    for split in splits:
        assert time[split.train].max() == 6
        assert time[split.valid].min() == 7
        assert not set(folds[split.train]) & set(folds[split.valid])
    plain = make_splits(folds, y)
    assert sum(len(split.valid) for split in plain) == n


def test_one_large_last_moment_is_the_late_one_and_a_single_moment_is_none():
    folds, y = np.arange(100) % 2, (np.arange(100) // 2 % 2).astype(float)
    last = make_splits(folds, y, np.repeat([0, 1], 50))
    assert all((split.valid >= 50).all() and (split.train < 50).all() for split in last)
    assert make_splits(folds, y, np.zeros(100)) == []


def test_a_split_of_many_rows_is_thinned_in_proportion_and_few_are_left_alone():
    split = Split(np.arange(0, 9_000), np.arange(9_000, 12_000))
    assert thinned(split, 12_000) is split
    part = thinned(split, 1_200)
    assert (len(part.train), len(part.valid)) == (900, 300)
    for some, whole in ((part.train, split.train), (part.valid, split.valid)):
        assert (np.diff(some) > 0).all()
        assert np.isin(some, whole).all()
    np.testing.assert_array_equal(thinned(split, 1_200).train, part.train)
