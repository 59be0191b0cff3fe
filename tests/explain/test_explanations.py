"""Explanations in shap's form: exact, named, and drawn by shap's own plots."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

mpl.use("Agg")

from matplotlib import pyplot as plt

import appetence.explain
from appetence.explain import TreeTables, explanation
from appetence.models import PropensityClassifier


@pytest.fixture(scope="module")
def fitted() -> tuple[PropensityClassifier, pd.DataFrame]:
    rng = np.random.default_rng(3)
    X = pd.DataFrame(
        {
            "tenure": rng.exponential(60, 500),
            "balance": np.where(rng.random(500) < 0.2, np.nan, rng.normal(size=500)),
            "channel": pd.Series(rng.choice(["branch", "phone", "web"], 500), dtype="str"),
        }
    )
    score = 2 * np.nan_to_num(X["balance"]) * np.where(X["channel"] == "web", 1, -1) - X["tenure"] / 60
    y = (score + rng.normal(size=500) > 0).to_numpy()
    return PropensityClassifier(max_rounds=30, n_jobs=1).fit(X, y).calibrate(X, y), X


def test_a_rows_values_add_up_to_its_calibrated_log_odds(fitted):
    model, X = fitted
    found = explanation(model, X)
    np.testing.assert_allclose(found.base_values + found.values.sum(axis=1), model.decision_function(X), atol=1e-5)
    assert found.feature_names == ["tenure", "balance", "channel"]
    assert pd.DataFrame(found.display_data).equals(pd.DataFrame(np.asarray(X, dtype=object)))
    assert found.data.dtype == np.float64


def test_columns_in_another_order_arrow_and_arrays_without_names_are_taken(fitted):
    model, X = fitted
    wanted = explanation(model, X)
    other = explanation(model, X[["channel", "tenure", "balance"]])
    np.testing.assert_array_equal(other.values, wanted.values)
    assert pd.DataFrame(other.display_data).equals(pd.DataFrame(wanted.display_data))
    arrow = explanation(model, pa.Table.from_pandas(X, preserve_index=False))
    np.testing.assert_array_equal(arrow.values, wanted.values)
    numbers = np.nan_to_num(X[["tenure", "balance"]].to_numpy())
    nameless = PropensityClassifier(max_rounds=5, n_jobs=1).fit(numbers, numbers[:, 1] > 0)
    assert explanation(nameless, numbers).feature_names == ["feature 0", "feature 1"]


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::PendingDeprecationWarning", "ignore::FutureWarning")
@pytest.mark.parametrize("of", ["classifier", "trees"])
def test_shaps_own_plots_draw_it(fitted, of):
    import shap

    model, X = fitted
    found = explanation(model, X) if of == "classifier" else TreeTables(model.booster_).explanation(model.encode(X))
    draw = {
        "beeswarm": lambda: shap.plots.beeswarm(found, show=False),
        "bar": lambda: shap.plots.bar(found, show=False),
        "scatter": lambda: shap.plots.scatter(found[:, 1], color=found[:, 2], show=False),
        "waterfall": lambda: shap.plots.waterfall(found[0], show=False),
    }
    for name, plot in draw.items():
        plt.figure()
        plot()
        axes = plt.gcf().axes
        assert any(axis.collections or axis.patches or axis.lines for axis in axes), name
        if of == "classifier" and name == "beeswarm":
            assert "balance" in [label.get_text() for label in axes[0].get_yticklabels()]
        plt.close("all")


def test_it_is_a_public_name():
    assert set(appetence.explain.__all__) == {"TreeTables", "explanation"}
