"""Contributions of the estimator: additive, in log-odds and in points of probability."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from appetence.errors import UsageError
from appetence.explain.contributions import explain, explain_blocks, probability_points
from appetence.models import PropensityClassifier


def make_frame(n: int = 600) -> tuple[pd.DataFrame, np.ndarray]:
    random = np.random.default_rng(3)
    frame = pd.DataFrame(
        {
            "tenure": random.exponential(60, n),
            "balance": np.where(random.random(n) < 0.2, np.nan, random.normal(size=n)),
            "channel": random.choice(["branch", "phone", "web"], n),
        }
    )
    # An interaction that no linear margin holds, so that trees are grown.
    score = 2 * np.nan_to_num(frame["balance"]) * np.where(frame["channel"] == "web", 1, -1) - frame["tenure"] / 60
    return frame, (score + random.normal(size=n) > 0).to_numpy()


@pytest.fixture(scope="module")
def fitted() -> tuple[PropensityClassifier, pd.DataFrame]:
    frame, y = make_frame()
    model = PropensityClassifier(max_rounds=60, random_state=1).fit(frame[:400], y[:400])
    model.calibrate(frame[400:], y[400:])
    assert model.calibration_.slope != 1.0
    assert model.booster_.num_trees() > 1
    return model, frame


def test_log_odds_are_the_decision_function(fitted: tuple[PropensityClassifier, pd.DataFrame]) -> None:
    model, frame = fitted
    found = explain(model, frame)
    assert found.phi.shape == (600, 3)
    np.testing.assert_allclose(found.raw, model.decision_function(frame), rtol=0, atol=1e-6)
    np.testing.assert_allclose(found.probability, model.predict_proba(frame)[:, 1], rtol=0, atol=1e-6)


def test_points_add_up_to_the_probability(fitted: tuple[PropensityClassifier, pd.DataFrame]) -> None:
    found = explain(*fitted)
    np.testing.assert_allclose(found.baseline + found.points.sum(axis=1), found.probability, rtol=0, atol=1e-12)


def test_contributions_are_linear_and_tree_parts_scaled_by_the_slope(
    fitted: tuple[PropensityClassifier, pd.DataFrame],
) -> None:
    model, frame = fitted
    trees = model.booster_.predict(model.encode(frame), pred_contrib=True)
    slope, intercept = model.calibration_.slope, model.calibration_.intercept
    found = explain(model, frame)
    np.testing.assert_allclose(found.phi, slope * (trees[:, :-1] + model.linear_contributions(frame)), atol=1e-6)
    assert found.bias == pytest.approx(slope * (trees[0, -1] + model.linear_bias_) + intercept, abs=1e-9)


@pytest.mark.parametrize("block", [1, 7, 599, 10_000])
def test_blocks_join_to_the_whole(fitted: tuple[PropensityClassifier, pd.DataFrame], block: int) -> None:
    model, frame = fitted
    frame = frame[:20] if block == 1 else frame
    whole = explain(model, frame)
    blocks = list(explain_blocks(model, frame, block))
    assert len(blocks) == math.ceil(len(frame) / block)
    np.testing.assert_array_equal(np.vstack([b.phi for b in blocks]), whole.phi)
    assert {b.bias for b in blocks} == {whole.bias}


def test_frames_and_arrow_tables_give_the_same(fitted: tuple[PropensityClassifier, pd.DataFrame]) -> None:
    model, frame = fitted
    of_frame = np.vstack([b.phi for b in explain_blocks(model, frame, 250)])
    of_table = np.vstack([b.phi for b in explain_blocks(model, pa.Table.from_pandas(frame), 250)])
    np.testing.assert_array_equal(of_table, of_frame)


def test_a_model_too_small_for_trees_is_explained() -> None:
    frame, y = make_frame(40)
    model = PropensityClassifier().fit(frame, y)
    found = explain(model, frame)
    np.testing.assert_allclose(found.raw, model.decision_function(frame), rtol=0, atol=1e-6)


def test_no_rows_give_no_blocks(fitted: tuple[PropensityClassifier, pd.DataFrame]) -> None:
    model, frame = fitted
    assert list(explain_blocks(model, frame[:0])) == []
    with pytest.raises(UsageError, match="block must be"):
        next(explain_blocks(model, frame, 0))


def test_points_of_a_hand_worked_client() -> None:
    # From even odds: contributions of +ln 9 + ln 2 and -ln 2 lead to odds of 9, that is from 0.5 to 0.9.
    phi = np.array([[math.log(18), -math.log(2)]])
    points = probability_points(phi, 0.0)
    assert points.sum() == pytest.approx(0.4, abs=1e-15)
    assert points[0, 0] == pytest.approx(0.4 * math.log(18) / math.log(9), abs=1e-15)


def test_contributions_that_cancel_keep_their_points() -> None:
    at_rest = probability_points(np.array([[1.5, -1.5]]), math.log(0.2 / 0.8))
    np.testing.assert_allclose(at_rest, [[1.5 * 0.16, -1.5 * 0.16]], rtol=1e-14)
    nearly = probability_points(np.array([[1.5, -1.5 + 1e-13]]), math.log(0.2 / 0.8))
    np.testing.assert_allclose(nearly, at_rest, rtol=1e-9)


@settings(deadline=None)
@given(bias=st.floats(-30, 30), sign=st.sampled_from([-1.0, 1.0]))
def test_the_series_meets_the_quotient(bias: float, sign: float) -> None:
    below, above = probability_points(np.array([[0.01 * (1 - 1e-9)], [0.01 * (1 + 1e-9)]]) * sign, bias)
    assert below == pytest.approx(above, rel=1e-7, abs=1e-15)


@settings(deadline=None)
@given(
    phi=arrays(np.float64, array_shapes(min_dims=2, max_dims=2, max_side=8), elements=st.floats(-20, 20)),
    bias=st.floats(-40, 40),
)
def test_points_add_up_whatever_the_contributions(phi: np.ndarray, bias: float) -> None:
    points = probability_points(phi, bias)

    def sigmoid(x: float) -> float:
        return 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x))

    for row, shares in zip(phi, points, strict=True):
        assert abs(sigmoid(bias) + shares.sum() - sigmoid(bias + row.sum())) < 1e-12
        assert (np.sign(shares) * np.sign(row) >= 0).all()
