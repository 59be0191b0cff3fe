"""Contributions against LightGBM's own and against the definition of the Shapley value."""

from __future__ import annotations

from dataclasses import dataclass

import lightgbm as lgb
import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from appetence.explain import TreeTables

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
