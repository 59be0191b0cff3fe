"""Bins shared by several targets: the same model as alone where the rows are the same, and label-free."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from appetence.models import PropensityClassifier
from appetence.models.bins import BinnedRows, BinStore, make_bins
from appetence.models.columns import read_columns


def table(n: int = 900, seed: int = 0) -> tuple[pd.DataFrame, np.ndarray]:
    rng = np.random.default_rng(seed)
    X = pd.DataFrame({"age": rng.normal(50, 12, n), "money": np.exp(rng.normal(8, 2, n))})
    X["channel"] = rng.choice(["web", "branch", "phone", None], n)
    X.loc[rng.random(n) < 0.2, "money"] = np.nan
    score = 0.05 * (X["age"] - 50) + 1.2 * (X["channel"] == "web") * (X["age"] > 50) - 1.0
    return X, (rng.random(n) < 1 / (1 + np.exp(-score))).to_numpy()


def test_all_rows_of_a_shared_table_give_the_bytes_of_a_fit_alone():
    X, y = table()
    bins = make_bins(read_columns(X), max_levels=50)
    binned = BinnedRows(bins, np.arange(len(y)))
    weight = np.random.default_rng(1).uniform(0.5, 2, len(y))
    for target, w in ((y, None), (~y, weight)):
        alone = PropensityClassifier(n_jobs=1).fit(X, target, w)
        shared = PropensityClassifier(n_jobs=1).fit(X, target, w, binned=binned)
        assert shared.to_parts() == alone.to_parts()


def test_a_part_of_a_shared_table_learns_from_its_own_rows_and_labels():
    X, y = table()
    rows = np.flatnonzero(X["age"] > 45)
    bins = make_bins(read_columns(X), max_levels=50)
    part = X.iloc[rows].reset_index(drop=True)
    shared = PropensityClassifier(n_jobs=1, monotone_constraints={"age": 1}).fit(
        part, y[rows], binned=BinnedRows(bins, rows)
    )
    alone = PropensityClassifier(n_jobs=1, monotone_constraints={"age": 1}).fit(part, y[rows])
    assert np.corrcoef(shared.decision_function(part), alone.decision_function(part))[0, 1] > 0.97
    assert shared.predict_proba(part)[:, 1].mean() == pytest.approx(y[rows].mean(), abs=0.03)
    ages = part.iloc[[0] * 50].assign(age=np.linspace(20, 90, 50))
    assert (np.diff(shared.decision_function(ages)) >= -1e-12).all()


def test_a_category_encoded_by_labels_is_not_shared():
    X, _ = table()
    X["postcode"] = [f"{code:05d}" for code in np.arange(len(X)) % 60]
    assert make_bins(read_columns(X), max_levels=50) is None
    assert make_bins(read_columns(X), max_levels=60) is not None


def test_what_is_made_once_is_kept_also_where_there_is_nothing_to_keep():
    made = []

    def make():
        made.append(1)

    store = BinStore()
    assert store.get("origin", make) is store.get("origin", make) is None
    assert made == [1]
