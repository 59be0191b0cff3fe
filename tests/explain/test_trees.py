"""Parsed trees against what LightGBM itself says of them."""

from __future__ import annotations

import lightgbm as lgb
import numpy as np
import pytest

from appetence.errors import ArtefactError
from appetence.explain.trees import CATEGORICAL, DEFAULT_LEFT, MISSING_TYPE_SHIFT, Trees, parse_trees

MISSING = ["None", "Zero", "NaN"]


def train(rounds: int = 6, **parameters: object) -> tuple[lgb.Booster, np.ndarray]:
    random = np.random.default_rng(5)
    X = random.normal(size=(500, 4))
    X[:, 3] = random.integers(0, 70, 500)
    X[random.random(X.shape) < 0.1] = np.nan
    y = (np.nan_to_num(X[:, 0]) + np.isin(X[:, 3], [3, 40, 64]) > 0).astype(float)
    settings = {"objective": "binary", "num_leaves": 8, "min_data_per_group": 1, "cat_smooth": 1, "num_threads": 1}
    data = lgb.Dataset(X, y, categorical_feature=[3], feature_name=["a", "b", "c", "d"])
    return lgb.train(settings | {"verbose": -1} | parameters, data, rounds), X


def subtree(trees: Trees, node: int) -> dict[str, object]:
    """Write a node as `dump_model` does."""
    if node < 0:
        return {"leaf_value": trees.leaf_value[~node], "leaf_count": trees.leaf_count[~node]}
    decision = int(trees.decision[node])
    if decision & CATEGORICAL:
        known = trees.categories[trees.category_start[node] : trees.category_stop[node]]
        threshold: object = "||".join(map(str, known))
    else:
        threshold = trees.threshold[node]
    return {
        "split_feature": trees.feature[node],
        "threshold": threshold,
        "default_left": bool(decision & DEFAULT_LEFT),
        "missing_type": MISSING[decision >> MISSING_TYPE_SHIFT],
        "internal_count": trees.count[node],
        "left_child": subtree(trees, trees.left[node]),
        "right_child": subtree(trees, trees.right[node]),
    }


def without_extras(dumped: dict[str, object], written: dict[str, object]) -> dict[str, object]:
    return {
        name: without_extras(dumped[name], value) if isinstance(value, dict) else dumped.get(name)
        for name, value in written.items()
    }


@pytest.mark.parametrize("parameters", [{}, {"zero_as_missing": True}, {"use_missing": False}])
def test_every_node_is_as_dumped(parameters: dict[str, object]) -> None:
    booster, _ = train(**parameters)
    trees = parse_trees(booster)
    assert trees.categorical.any()
    dumped = booster.dump_model()["tree_info"]
    assert trees.n_trees == len(dumped) == 6
    assert trees.feature_names == ("a", "b", "c", "d")
    for tree, info in enumerate(dumped):
        written = subtree(trees, trees.node_start[tree])
        assert written == without_extras(info["tree_structure"], written)


def test_bias_is_the_mean_score_of_the_training_rows() -> None:
    booster, X = train()
    mean = booster.predict(X, raw_score=True).mean()
    assert parse_trees(booster).expected_values() == pytest.approx([mean], abs=1e-12)


def test_trees_of_a_multiclass_model_take_turns() -> None:
    random = np.random.default_rng(6)
    X = random.normal(size=(300, 2))
    y = np.digitize(X[:, 0], [-0.5, 0.5])
    booster = lgb.train({"objective": "multiclass", "num_class": 3, "verbose": -1}, lgb.Dataset(X, y), 2)
    trees = parse_trees(booster)
    assert (trees.n_classes, trees.n_trees) == (3, 6)
    mean = booster.predict(X, raw_score=True).mean(axis=0)
    np.testing.assert_allclose(trees.expected_values(), mean, atol=1e-12)


def test_a_tree_of_one_leaf_is_its_value() -> None:
    booster, _ = train(rounds=2, objective="regression", min_data_in_leaf=1000)
    trees = parse_trees(booster)
    assert len(trees.feature) == 0
    np.testing.assert_array_equal(np.diff(trees.leaf_start), 1)
    assert trees.expected_values() == pytest.approx(booster.predict(np.zeros((1, 4))))


def test_only_trees_up_to_the_best_iteration_count() -> None:
    booster, _ = train()
    booster.best_iteration = 2
    assert parse_trees(booster).n_trees == 2


def test_linear_trees_are_refused() -> None:
    random = np.random.default_rng(7)
    X = random.normal(size=(200, 2))
    booster = lgb.train({"linear_tree": True, "verbose": -1}, lgb.Dataset(X, X[:, 0]), 2)
    with pytest.raises(ArtefactError, match=r"linear trees.*linear_tree=false"):
        parse_trees(booster)


def test_a_model_without_counts_is_refused() -> None:
    class Stripped:
        def model_to_string(self) -> str:
            lines = train()[0].model_to_string().splitlines()
            return "\n".join(
                "leaf_count=" + " ".join(["0"] * len(line.split())) if line.startswith("leaf_count") else line
                for line in lines
            )

    with pytest.raises(ArtefactError, match="training rows"):
        parse_trees(Stripped())
