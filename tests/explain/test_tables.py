"""Contributions against LightGBM's own and against the definition of the Shapley value."""

from __future__ import annotations

import itertools
import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import lightgbm as lgb
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from appetence.errors import UsageError
from appetence.explain import TreeTables

# What matplotlib says of shap's colour maps when shap is imported, which only these tests do.
importing_shap = pytest.mark.filterwarnings(r"ignore:The set_\w+ function:PendingDeprecationWarning")

SLOW_MODELS = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@dataclass(frozen=True)
class Case:
    """A model, and rows that it did not see: NaN, infinite, absurd and unseen values among them."""

    booster: lgb.Booster
    rows: np.ndarray

    @property
    def pred_contrib(self) -> np.ndarray:
        return self.booster.predict(self.rows, pred_contrib=True)


def make_rows(random: np.random.Generator, n: int, n_numeric: int, levels: list[int], hostile: bool) -> np.ndarray:
    numeric = np.round(random.normal(size=(n, n_numeric)) * 3, 1)
    numeric[random.random(numeric.shape) < 0.1] = 0.0
    categories = np.column_stack([random.integers(0, level, n) for level in levels] or [np.empty((n, 0))])
    X = np.column_stack([numeric, categories, np.full(n, 7.0)]).astype(np.float64)  # the last is constant
    X[random.random(X.shape) < 0.1] = np.nan
    if hostile:
        strange = [np.inf, -np.inf, 1e300, 1e-40, -1e-36, -1.0, -0.5, 1e10, 0.0, 99_999.0]
        where = random.random(X.shape) < 0.15
        X[where] = random.choice(strange, where.sum())
    return X


@st.composite
def cases(draw: st.DrawFn) -> Case:
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    n_numeric = draw(st.integers(1, 6))
    levels = draw(st.lists(st.sampled_from([2, 5, 40, 300]), max_size=3))
    n = draw(st.sampled_from([60, 400, 1500]))
    X = make_rows(random, n, n_numeric, levels, hostile=False)
    score = np.nan_to_num(X[:, :-1]) @ random.normal(size=X.shape[1] - 1) + random.normal(size=n)
    objective = draw(st.sampled_from(["binary", "regression", "multiclass", "poisson"]))
    y = {
        "binary": score > np.median(score),
        "regression": score,
        "multiclass": np.digitize(score, np.quantile(score, [0.3, 0.7])),
        "poisson": np.abs(np.round(score)),
    }[objective]
    parameters = {
        "objective": objective,
        "num_class": 3 if objective == "multiclass" else 1,
        "num_leaves": draw(st.sampled_from([2, 5, 31, 127])),
        "max_depth": draw(st.sampled_from([-1, 3])),
        "min_data_in_leaf": draw(st.sampled_from([1, 20])),
        "min_data_per_group": draw(st.sampled_from([1, 50])),
        "cat_smooth": 1.0,
        "max_cat_to_onehot": draw(st.sampled_from([1, 4])),
        "zero_as_missing": draw(st.booleans()),
        "use_missing": draw(st.booleans()),
        "bagging_fraction": draw(st.sampled_from([0.6, 1.0])),
        "bagging_freq": 1,
        "learning_rate": 0.3,
        "num_threads": 1,
        "verbose": -1,
    }
    categorical = list(range(n_numeric, n_numeric + len(levels)))
    data = lgb.Dataset(X, y.astype(float), categorical_feature=categorical)
    booster = lgb.train(parameters, data, draw(st.sampled_from([1, 3, 20])))
    return Case(booster, make_rows(random, 50, n_numeric, levels, hostile=True))


@SLOW_MODELS
@given(case=cases())
def test_equals_pred_contrib(case: Case) -> None:
    expected = case.pred_contrib
    scale = max(1.0, np.abs(expected).max())
    exact = TreeTables(case.booster, "float64").contributions(case.rows)
    quick = TreeTables(case.booster, "float32").contributions(case.rows)
    np.testing.assert_allclose(exact, expected, rtol=0, atol=1e-9 * scale)
    np.testing.assert_allclose(quick, expected, rtol=0, atol=1e-5 * scale)


@SLOW_MODELS
@given(case=cases())
def test_contributions_add_up_to_the_raw_score(case: Case) -> None:
    tables = TreeTables(case.booster, "float64")
    expected = case.booster.predict(case.rows, raw_score=True)
    np.testing.assert_array_equal(tables.raw_score(case.rows), expected)
    total = tables.contributions(case.rows).reshape(len(case.rows), tables.n_classes, -1).sum(axis=2)
    np.testing.assert_allclose(total.reshape(expected.shape), expected, atol=1e-9 * max(1.0, np.abs(expected).max()))


def expected_score(node: dict, row: np.ndarray, known: frozenset[int]) -> float:
    """Return a tree's expectation when only some features are known, by training rows where they are not."""
    if "leaf_value" in node:
        return node["leaf_value"]
    left, right = (expected_score(node[side], row, known) for side in ("left_child", "right_child"))
    value = row[node["split_feature"]]
    if node["split_feature"] not in known:
        rows = [
            node[side].get("internal_count", node[side].get("leaf_count")) for side in ("left_child", "right_child")
        ]
        return (rows[0] * left + rows[1] * right) / sum(rows)
    if node["decision_type"] == "==":
        return left if not math.isnan(value) and str(int(value)) in node["threshold"].split("||") else right
    if math.isnan(value):
        return left if node["default_left"] else right
    return left if value <= node["threshold"] else right


def shapley_by_definition(booster: lgb.Booster, row: np.ndarray) -> np.ndarray:
    """Average each feature's marginal contribution over all orders of the features."""
    trees = [tree["tree_structure"] for tree in booster.dump_model()["tree_info"]]
    n = booster.num_feature()
    worth = {
        frozenset(known): sum(expected_score(tree, row, frozenset(known)) for tree in trees)
        for size in range(n + 1)
        for known in itertools.combinations(range(n), size)
    }
    phi = np.zeros(n + 1)
    for order in itertools.permutations(range(n)):
        for place, feature in enumerate(order):
            before = frozenset(order[:place])
            phi[feature] += worth[before | {feature}] - worth[before]
    phi[:n] /= math.factorial(n)
    phi[n] = worth[frozenset()]
    return phi


def train(
    n_features: int = 12, rounds: int = 20, seed: int = 0, **parameters: object
) -> tuple[lgb.Booster, np.ndarray]:
    """Train on numbers with missing values, the third feature being a category."""
    random = np.random.default_rng(seed)
    X = random.normal(size=(1500, n_features))
    X[:, 2] = random.integers(0, 30, 1500)
    X[random.random(X.shape) < 0.1] = np.nan
    y = np.nan_to_num(X).cumsum(axis=1).clip(-2, 2).sum(axis=1) + np.sin(5 * np.nan_to_num(X[:, 2]))
    settings = {"min_data_in_leaf": 2, "min_data_per_group": 2, "cat_smooth": 1, "num_threads": 1, "verbose": -1}
    return lgb.train(settings | parameters, lgb.Dataset(X, y, categorical_feature=[2]), rounds), X


def test_is_the_shapley_value_by_definition() -> None:
    booster, X = train(n_features=5, rounds=3, num_leaves=20)
    expected = np.array([shapley_by_definition(booster, row) for row in X[:8]])
    np.testing.assert_allclose(TreeTables(booster, "float64").contributions(X[:8]), expected, atol=1e-12)


def test_leaves_too_deep_for_a_table_are_summed_exactly() -> None:
    booster, X = train(n_features=40, rounds=4, num_leaves=300, min_gain_to_split=0)
    expected = booster.predict(X[:300], pred_contrib=True)
    scale = np.abs(expected).max()
    deep = TreeTables(booster, "float64")
    assert deep.n_deep_leaves > 20
    np.testing.assert_allclose(deep.contributions(X[:300]), expected, rtol=0, atol=1e-9 * scale)


def test_tables_stay_within_their_bytes_and_values_do_not_change() -> None:
    booster, X = train(num_leaves=40)
    whole = TreeTables(booster, "float64")
    expected = whole.contributions(X[:300])
    sizes = [whole.nbytes]
    for max_bytes in (200_000, 20_000, 0):
        small = TreeTables(booster, "float64", max_bytes=max_bytes)
        assert small._tables.values.nbytes <= max_bytes
        assert small.n_deep_leaves >= whole.n_deep_leaves
        sizes.append(small._tables.values.nbytes)
        np.testing.assert_allclose(small.contributions(X[:300]), expected, rtol=0, atol=1e-12 * np.abs(expected).max())
    assert sizes == sorted(sizes, reverse=True)


def test_values_depend_neither_on_threads_nor_on_blocks() -> None:
    booster, X = train()
    one = TreeTables(booster, threads=1, block=100_000)
    for threads, block in [(2, 64), (3, 1000), (1, 17)]:
        many = TreeTables(booster, threads=threads, block=block)
        np.testing.assert_array_equal(many.contributions(X), one.contributions(X))
        np.testing.assert_array_equal(many.raw_score(X), one.raw_score(X))
        for found, expected in zip(many.top(X, 4), one.top(X, 4), strict=True):
            np.testing.assert_array_equal(found, expected)
        groups = np.arange(12) // 3
        for found, expected in zip(many.top_groups(X, 2, groups), one.top_groups(X, 2, groups), strict=True):
            np.testing.assert_array_equal(found, expected)


def test_one_object_serves_several_threads_at_once() -> None:
    booster, X = train()
    tables = TreeTables(booster, threads=2, block=100)
    expected = tables.contributions(X)
    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(tables.contributions, [X] * 8):
            np.testing.assert_array_equal(found, expected)


def test_many_trees_keep_their_precision() -> None:
    booster, X = train(rounds=1000, num_leaves=8, learning_rate=0.05)
    expected = booster.predict(X[:100], pred_contrib=True)
    scale = np.abs(expected).max()
    np.testing.assert_allclose(TreeTables(booster).contributions(X[:100]), expected, rtol=0, atol=1e-6 * scale)
    np.testing.assert_allclose(
        TreeTables(booster, "float64").contributions(X[:100]), expected, rtol=0, atol=1e-11 * scale
    )


@pytest.mark.parametrize("boosting", ["gbdt", "dart", "rf"])
def test_every_kind_of_boosting(boosting: str) -> None:
    booster, X = train(boosting=boosting, bagging_freq=1, bagging_fraction=0.7)
    expected = booster.predict(X[:200], pred_contrib=True)
    tables = TreeTables(booster, "float64")
    np.testing.assert_allclose(tables.contributions(X[:200]), expected, atol=1e-9 * np.abs(expected).max())
    np.testing.assert_array_equal(tables.raw_score(X[:200]), booster.predict(X[:200], raw_score=True))


@settings(SLOW_MODELS, max_examples=15)
@given(case=cases(), k=st.integers(1, 10))
def test_top_is_the_head_of_all_contributions(case: Case, k: int) -> None:
    tables = TreeTables(case.booster)
    k = min(k, tables.n_features)
    shape = (len(case.rows), tables.n_classes, tables.n_features + 1)
    phi = tables.contributions(case.rows).reshape(shape)[:, :, :-1]
    order = np.argsort(-np.abs(phi), axis=2, kind="stable")[:, :, :k]
    indices, values, raw = (found.reshape(len(case.rows), tables.n_classes, -1) for found in tables.top(case.rows, k))
    np.testing.assert_array_equal(values, np.take_along_axis(phi, order, axis=2))
    chosen = values != 0  # features that contribute nothing may stand in any order
    np.testing.assert_array_equal(indices[chosen], order[chosen])
    assert all(len(set(row)) == k for row in indices.reshape(-1, k))
    total = phi.sum(axis=2) + tables.bias
    np.testing.assert_allclose(raw[:, :, 0], total, atol=1e-9 * max(1.0, np.abs(total).max()))


@settings(SLOW_MODELS, max_examples=10)
@given(case=cases(), k=st.integers(1, 6), data=st.data())
def test_top_groups_are_the_strongest_sums(case: Case, k: int, data: st.DataObject) -> None:
    tables = TreeTables(case.booster, "float64")
    drawn = data.draw(st.lists(st.integers(0, 3), min_size=tables.n_features, max_size=tables.n_features))
    groups = np.unique(drawn, return_inverse=True)[1]
    k = min(k, groups.max() + 1)
    n, n_classes = len(case.rows), tables.n_classes
    phi = tables.contributions(case.rows).reshape(n, n_classes, -1)[:, :, :-1]
    found = [part.reshape(n, n_classes, -1) for part in tables.top_groups(case.rows, k, groups)]
    for row, of_class in itertools.product(range(n), range(n_classes)):
        own = phi[row, of_class]
        sums = np.array([sum(own[groups == group]) for group in range(groups.max() + 1)])
        chosen, values, speakers, raw = (part[row, of_class] for part in found)
        np.testing.assert_allclose(values, sums[chosen], atol=1e-12 * max(1.0, np.abs(own).max()))
        np.testing.assert_allclose(np.abs(values), np.sort(np.abs(sums))[::-1][:k], atol=1e-12)
        assert len(set(chosen)) == k
        assert (groups[speakers] == chosen).all()
        for value, speaker, group in zip(values, speakers, chosen, strict=True):
            assert own[speaker] * np.sign(value) == (own[groups == group] * np.sign(value)).max()
        np.testing.assert_allclose(raw, own.sum() + tables.bias[of_class], atol=1e-9 * max(1.0, np.abs(own).max()))


def test_blocks_of_the_strongest_are_those_of_all_rows() -> None:
    booster, X = train()
    tables = TreeTables(booster, threads=2, block=100)
    groups = np.arange(12) % 4
    for whole, blocks in (
        (tables.top(X, 3), tables.iter_top(X, 3, rows=400)),
        (tables.top_groups(X, 3, groups), tables.iter_top(np.asfortranarray(X), 3, groups, rows=333)),
    ):
        found = list(blocks)
        assert [rows.start for rows, _ in found[1:]] == [rows.stop for rows, _ in found[:-1]]
        for place, expected in enumerate(whole):
            np.testing.assert_array_equal(np.concatenate([top[place] for _, top in found]), expected)


@pytest.mark.parametrize("dtype", [np.float32, np.int64, np.bool_, object])
def test_rows_of_any_number_type_are_read_as_doubles(dtype: type) -> None:
    booster, X = train(rounds=2)
    tables = TreeTables(booster)
    X = np.nan_to_num(X[:50] * 3).astype(dtype)
    np.testing.assert_array_equal(tables.contributions(X), tables.contributions(X.astype(float)))
    np.testing.assert_array_equal(tables.raw_score(X), booster.predict(X.astype(float), raw_score=True))


@importing_shap
def test_top_of_a_multiclass_model_has_an_axis_of_classes() -> None:
    random = np.random.default_rng(4)
    X = random.normal(size=(300, 4))
    y = np.digitize(X[:, 0] + X[:, 1], [-1, 1])
    booster = lgb.train({"objective": "multiclass", "num_class": 3, "verbose": -1, "num_threads": 1}, lgb.Dataset(X, y))
    tables = TreeTables(booster)
    indices, values, raw = tables.top(X, 2)
    assert indices.shape == values.shape == (300, 3, 2)
    np.testing.assert_allclose(raw, booster.predict(X, raw_score=True), atol=1e-6)
    assert tables.contributions(X).shape == (300, 3 * 5)
    assert tables.explanation(X).shape == (300, 4, 3)


@importing_shap
def test_explanation_is_what_shap_itself_makes() -> None:
    import shap

    booster, X = train()
    ours = TreeTables(booster, "float64").explanation(X[:50])
    theirs = shap.TreeExplainer(booster)(X[:50])
    np.testing.assert_allclose(ours.values, theirs.values, atol=1e-9 * np.abs(theirs.values).max())
    np.testing.assert_allclose(ours.base_values, theirs.base_values, atol=1e-9)
    np.testing.assert_array_equal(ours.data, X[:50])
    assert ours.feature_names == booster.feature_name()


def test_a_model_without_trees_explains_nothing() -> None:
    X = np.random.default_rng(0).normal(size=(50, 3))
    booster = lgb.Booster({"verbose": -1}, lgb.Dataset(X, X[:, 0]))
    tables = TreeTables(booster)
    assert not tables.contributions(X).any()
    assert not tables.raw_score(X).any()
    indices, values, raw = tables.top(X, 2)
    assert (indices == [0, 1]).all()
    assert not values.any()
    assert not raw.any()


def test_no_rows_are_explained_too() -> None:
    booster, X = train(rounds=2)
    tables = TreeTables(booster)
    assert tables.contributions(X[:0]).shape == (0, 13)
    assert tables.raw_score(X[:0]).shape == (0,)
    assert [found.shape for found in tables.top(X[:0], 3)] == [(0, 3), (0, 3), (0,)]


def test_wrong_use_is_told() -> None:
    booster, X = train(rounds=2)
    tables = TreeTables(booster)
    with pytest.raises(UsageError, match=r"matrix of the model's 12 features, but got shape \(1500, 11\)"):
        tables.contributions(X[:, 1:])
    with pytest.raises(UsageError, match="matrix"):
        tables.raw_score(X[0])
    with pytest.raises(UsageError, match="k must be from 1 to the 12 features"):
        tables.top(X, 13)
    with pytest.raises(UsageError, match="k must be from 1 to the 2 groups"):
        tables.top_groups(X, 3, [0, 1] * 6)
    with pytest.raises(UsageError, match="one whole number for each of the model's 12 features"):
        tables.top_groups(X, 1, [0, 1])
    with pytest.raises(UsageError, match=r"numbered 0, 1, 2 … without a gap, but got 2 from 0 to 2"):
        tables.top_groups(X, 1, [0, 2] * 6)
    with pytest.raises(UsageError, match="rows must be 1 or more"):
        next(tables.iter_top(X, 1, rows=0))
    with pytest.raises(UsageError, match="X must hold numbers"):
        tables.contributions(X.astype(str).astype(object) + "x")
    with pytest.raises(UsageError, match="dtype"):
        TreeTables(booster, "float16")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="threads and block"):
        TreeTables(booster, threads=0)
