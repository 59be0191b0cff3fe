"""Merged conditions against a recursive walk of the dumped tree."""

from __future__ import annotations

import lightgbm as lgb
import numpy as np
import pytest

from appetence.explain.assembly import _Builder
from appetence.explain.codes import Codes
from appetence.explain.trees import parse_trees


def walk(node: dict, path: tuple[tuple[int, float], ...] = ()) -> list[tuple[float, dict[int, float]]]:
    """Return each leaf's value and the product of the cover ratios of each feature's splits, from left to right."""
    if "leaf_value" in node:
        merged: dict[int, float] = {}
        for feature, ratio in path:
            merged[feature] = merged.get(feature, 1.0) * ratio
        return [(node["leaf_value"], merged)]
    found = []
    for side in ("left_child", "right_child"):
        rows = node[side].get("internal_count", node[side].get("leaf_count"))
        found += walk(node[side], (*path, (node["split_feature"], rows / node["internal_count"])))
    return found


@pytest.fixture(scope="module")
def model() -> tuple[lgb.Booster, np.ndarray]:
    random = np.random.default_rng(11)
    X = random.normal(size=(800, 4))
    X[random.random(X.shape) < 0.1] = np.nan
    y = np.nan_to_num(X[:, 0] ** 2 + X[:, 1] * X[:, 2])
    settings = {"num_leaves": 60, "min_data_in_leaf": 2, "num_threads": 1, "verbose": -1}
    return lgb.train(settings, lgb.Dataset(X, y), 3), X


def test_conditions_are_those_of_the_walk(model: tuple[lgb.Booster, np.ndarray]) -> None:
    booster, _ = model
    trees = parse_trees(booster)
    codes = Codes.of(trees)
    builder = _Builder(trees, codes)
    for tree, info in enumerate(booster.dump_model()["tree_info"]):
        expected = walk(info["tree_structure"])
        of = builder.conditions(tree)
        assert len(of.leaf) == len(expected) == 60
        for i, (value, merged) in enumerate(expected):
            own = slice(of.start[i], of.start[i + 1])
            assert trees.leaf_value[of.leaf[i]] == value
            assert codes.features[of.feature[own]].tolist() == list(merged)
            assert of.cover[own] == pytest.approx(list(merged.values()), rel=1e-12)


def test_a_row_meets_all_conditions_of_its_leaf_and_of_no_other(model: tuple[lgb.Booster, np.ndarray]) -> None:
    booster, X = model
    trees = parse_trees(booster)
    codes = Codes.of(trees)
    builder = _Builder(trees, codes)
    coded = codes.code(X)
    reached = booster.predict(X, pred_leaf=True)
    for tree in range(trees.n_trees):
        of = builder.conditions(tree)
        met = np.ones((len(of.leaf), len(X)), dtype=bool)
        for i in range(len(of.leaf)):
            for condition in range(of.start[i], of.start[i + 1]):
                meets = of.meets[of.meets_start[condition] : of.meets_start[condition + 1]]
                met[i] &= meets[coded[of.feature[condition]]] == 1
        assert (met.sum(axis=0) == 1).all()
        np.testing.assert_array_equal(of.leaf[met.argmax(axis=0)] - trees.leaf_start[tree], reached[:, tree])
