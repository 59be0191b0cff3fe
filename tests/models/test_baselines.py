from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from appetence.models.baselines import (
    BASE_RATE,
    LIFE_TABLE,
    LOGISTIC,
    fit_base_rate,
    fit_baselines,
    fit_life_table,
    fit_regression,
    smoothed_rate,
)
from appetence.models.dataset import Labelled


def with_tenure(block: Labelled, tenure: np.ndarray, y: np.ndarray) -> Labelled:
    snapshots = block.snapshots
    X = snapshots.X.assign(tenure=tenure)
    return Labelled(type(snapshots)(**{**vars(snapshots), "X": X}), block.rows, y)


@given(st.integers(0, 50), st.integers(50, 5_000), st.floats(0.001, 0.5))
def test_a_smoothed_rate_lies_between_what_was_seen_and_the_prior(events, rows, prior):
    low, high = sorted((events / rows, prior))
    assert low - 1e-12 <= smoothed_rate(events, rows, prior) <= high + 1e-12


def test_smoothing_by_hand():
    assert smoothed_rate(10, 1_000, 0.02, prior_events=5) == pytest.approx(15 / 1_250)
    assert smoothed_rate(3, 100, 0.0) == 0.03
    assert smoothed_rate(0, 0, 0.0) == 0.0


def test_the_base_rate_is_the_share(make_labelled):
    block = make_labelled(1_000)
    assert fit_base_rate(block)(block.X).tolist() == [float(block.y.mean())] * 1_000


def test_the_life_table_is_the_smoothed_rate_of_each_band(make_labelled):
    block = make_labelled(1_000)
    tenure = np.where(np.arange(1_000) < 400, 3.0, np.where(np.arange(1_000) < 900, 30.0, np.nan))
    y = np.zeros(1_000, dtype=np.int64)
    y[:80] = y[400:425] = y[900:905] = 1  # 80 of 400 newcomers, 25 of 500 in the third year, 5 of 100 unknown
    table = fit_life_table(with_tenure(block, tenure, y))
    p = table(pd.DataFrame({"tenure": [0.0, 5.9, 24.0, 35.0, np.nan, 500.0]}))
    overall = 110 / 1_000
    newcomers, third, unknown = ((n + 5) / (m + 5 / overall) for n, m in ((80, 400), (25, 500), (5, 100)))
    assert p.tolist() == pytest.approx([newcomers, newcomers, third, third, unknown, overall])


def test_the_regression_finds_what_was_planted_and_takes_missing_and_unseen_values(make_labelled):
    block, fresh = make_labelled(4_000, seed=1), make_labelled(2_000, seed=2)
    regression = fit_regression(block)
    assert roc_auc_score(fresh.y, regression(fresh.X)) > 0.7
    odd = fresh.X.head(3).assign(channel=pd.Series(["fax", None, "app"], dtype="str"), balance=np.nan)
    p = regression(odd)
    assert np.isfinite(p).all()
    assert ((p > 0) & (p < 1)).all()


def test_a_column_that_is_all_missing_does_no_harm(make_labelled):
    block = make_labelled(500)
    X = block.snapshots.X.assign(balance=np.nan)
    empty = Labelled(type(block.snapshots)(**{**vars(block.snapshots), "X": X}), block.rows, block.y)
    assert np.isfinite(fit_regression(empty)(empty.X)).all()


def test_there_is_no_life_table_without_tenure(make_labelled):
    block = make_labelled(500)
    X = block.snapshots.X.drop(columns="tenure")
    without = Labelled(type(block.snapshots)(**{**vars(block.snapshots), "X": X}), block.rows, block.y)
    assert set(fit_baselines(without, (BASE_RATE, LIFE_TABLE, LOGISTIC))) == {BASE_RATE, LOGISTIC}
    assert set(fit_baselines(block, (BASE_RATE, LIFE_TABLE))) == {BASE_RATE, LIFE_TABLE}
