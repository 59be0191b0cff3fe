"""Contributions of models of every kind that LightGBM trains, against its own."""

from __future__ import annotations

import lightgbm as lgb
import numpy as np
import pytest

from appetence.explain import TreeTables

BASE = {"num_leaves": 15, "min_data_in_leaf": 3, "learning_rate": 0.3, "num_threads": 1, "verbose": -1, "seed": 1}
LEVELS = 3000

KINDS = {
    "gbdt": {"objective": "binary"},
    "dart": {"objective": "binary", "boosting": "dart", "drop_rate": 0.5},
    "random forest": {"objective": "binary", "boosting": "rf", "bagging_freq": 1, "bagging_fraction": 0.6},
    "goss": {"objective": "binary", "data_sample_strategy": "goss", "learning_rate": 0.5},
    "extra trees": {"objective": "binary", "extra_trees": True},
    "weighted classes": {"objective": "binary", "is_unbalance": True, "path_smooth": 5.0, "lambda_l1": 0.1},
    "monotone": {"objective": "binary", "monotone_constraints": [1, -1, 0, 0, 0], "monotone_penalty": 1.0},
    "monotone, advanced": {
        "objective": "regression",
        "monotone_constraints": [1, 0, 0, 0, 0],
        "monotone_constraints_method": "advanced",
    },
    "interactions": {"objective": "binary", "interaction_constraints": [[0, 1], [2, 3], [4]]},
    "one-hot levels": {"objective": "binary", "max_cat_to_onehot": 10_000},
    "few bins": {"objective": "binary", "max_bin": 3},
    "depth without limit": {"objective": "regression", "num_leaves": 200, "min_data_in_leaf": 1, "max_depth": -1},
    "quantile": {"objective": "quantile", "alpha": 0.9},
    "mape": {"objective": "mape"},
    "tweedie": {"objective": "tweedie"},
    "square root": {"objective": "regression", "reg_sqrt": True},
    "cross-entropy": {"objective": "cross_entropy"},
    "one against all": {"objective": "multiclassova", "num_class": 3},
    "multiclass forest": {
        "objective": "multiclass",
        "num_class": 3,
        "boosting": "rf",
        "bagging_freq": 1,
        "bagging_fraction": 0.6,
    },
    "ranking": {"objective": "lambdarank"},
    "quantised gradients": {"objective": "binary", "use_quantized_grad": True},
}


def draw(n: int = 600) -> tuple[np.ndarray, np.ndarray]:
    """Draw numbers with NaN and zeros, a category of many levels, and a constant; a score of them."""
    random = np.random.default_rng(11)
    X = np.round(random.normal(size=(n, 5)), 1)
    X[:, 3] = random.integers(0, LEVELS, n)
    X[random.random(X.shape) < 0.1] = np.nan
    X[:, 4] = 2.0
    score = np.nan_to_num(X[:, 0] - X[:, 1] * X[:, 2]) + (np.nan_to_num(X[:, 3]) % 3) + 0.3 * random.normal(size=n)
    return X, score


def fitted(parameters: dict[str, object], rounds: int = 12) -> tuple[lgb.Booster, np.ndarray]:
    X, score = draw()
    classes = np.digitize(score, np.quantile(score, [0.3, 0.6]))
    objective = str(parameters["objective"])
    y = {"binary": classes > 0, "cross_entropy": classes / 2, "tweedie": np.exp(score)}.get(objective, score)
    if objective.startswith(("multiclass", "lambda")):
        y = classes
    group = [100] * 6 if objective == "lambdarank" else None
    data = lgb.Dataset(X, y.astype(float), group=group, categorical_feature=[3])
    return lgb.train(BASE | {"min_data_per_group": 1, "cat_smooth": 1.0} | parameters, data, rounds), X


def assert_equal_to_pred_contrib(booster: lgb.Booster, X: np.ndarray) -> None:
    expected = booster.predict(X, pred_contrib=True)
    scale = max(1.0, np.abs(expected).max())
    exact = TreeTables(booster, "float64")
    np.testing.assert_allclose(exact.contributions(X), expected, rtol=0, atol=1e-9 * scale)
    np.testing.assert_allclose(TreeTables(booster).contributions(X), expected, rtol=0, atol=1e-5 * scale)
    np.testing.assert_array_equal(exact.raw_score(X), booster.predict(X, raw_score=True))


@pytest.mark.parametrize("kind", KINDS)
def test_contributions_of_every_kind_are_pred_contrib(kind: str) -> None:
    booster, X = fitted(KINDS[kind])
    assert booster.num_trees() >= 12
    assert_equal_to_pred_contrib(booster, X[:150])


def test_a_model_read_from_its_text_is_the_same() -> None:
    booster, X = fitted({"objective": "binary"})
    read = lgb.Booster(model_str=booster.model_to_string())
    np.testing.assert_array_equal(TreeTables(read).contributions(X), TreeTables(booster).contributions(X))


def test_a_stopped_model_is_explained_up_to_its_best_iteration() -> None:
    X, score = draw()
    data = lgb.Dataset(X[:400], score[:400])
    noise = data.create_valid(X[400:], -score[400:])  # the more it learns, the worse on this
    stop = lgb.early_stopping(3, verbose=False)
    booster = lgb.train(
        BASE | {"objective": "regression"}, data, 30, valid_sets=[noise], callbacks=[stop], keep_training_booster=True
    )
    assert booster.best_iteration < booster.current_iteration()
    assert_equal_to_pred_contrib(booster, X[:100])
    again = lgb.Booster(model_str=booster.model_to_string(num_iteration=-1))  # the text forgets the best iteration
    assert again.num_trees() > booster.best_iteration
    assert_equal_to_pred_contrib(again, X[:100])


def test_a_model_that_was_trained_further_is_explained_whole() -> None:
    booster, X = fitted({"objective": "binary"})
    further = lgb.train(BASE | {"objective": "binary"}, lgb.Dataset(X, X[:, 0] > 0), 5, init_model=booster)
    assert further.num_trees() == booster.num_trees() + 5
    assert_equal_to_pred_contrib(further, X[:100])


def test_classes_that_stop_learning_have_trees_of_one_leaf() -> None:
    random = np.random.default_rng(3)
    X = random.normal(size=(300, 3))
    y = np.where(np.arange(300) < 3, 2, X[:, 0] > 0)  # too few of the last class for a leaf of their own
    booster = lgb.train(
        BASE | {"objective": "multiclass", "num_class": 4, "min_data_in_leaf": 20, "min_sum_hessian_in_leaf": 8},
        lgb.Dataset(X, y.astype(float)),
        10,
    )
    sizes = [tree["num_leaves"] for tree in booster.dump_model()["tree_info"]]
    assert min(sizes) == 1 < max(sizes)
    assert_equal_to_pred_contrib(booster, X)


def test_a_tree_of_one_leaf_moves_nothing() -> None:
    X, score = draw()
    booster = lgb.train(BASE | {"objective": "regression", "min_data_in_leaf": 10_000}, lgb.Dataset(X, score), 1)
    tables = TreeTables(booster)
    assert not tables.contributions(X)[:, :-1].any()
    np.testing.assert_allclose(tables.bias, score.mean(), rtol=1e-6)
    assert_equal_to_pred_contrib(booster, X)
