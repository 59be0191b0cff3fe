"""What a model leans on, against its contributions row by row; and that no row can be put together from it."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

from appetence.explain.contributions import explain
from appetence.explain.summary import LEVEL, MISSING, MOST_DOTS, summarise
from appetence.features.catalogue import THEMES, Feature, Unit, Wording
from appetence.models import PropensityClassifier


def feature(name: str, theme: str, unit: Unit = Unit.SCORE) -> Feature:
    wording = Wording(f"<i>{name}</i>", "{value}")
    return Feature(name, theme, theme, unit, wording, wording)


FEATURES = (
    feature("tenure", "tenure"),
    feature("balance", "assets", Unit.MONEY),
    feature("trend", "assets"),
    feature("channel", "contact", Unit.CODE),
    feature("complained", "complaints", Unit.FLAG),
    feature("constant", "season"),
)


def make_frame(n: int, seed: int) -> tuple[pd.DataFrame, np.ndarray]:
    rng = np.random.default_rng(seed)
    X = pd.DataFrame(
        {
            "tenure": rng.exponential(60, n),
            "balance": np.where(rng.random(n) < 0.2, np.nan, rng.lognormal(8, 1, n)),
            "trend": rng.normal(size=n),
            "channel": pd.Series(rng.choice(["branch", "phone", "web"], n), dtype="str"),
            "complained": rng.random(n) < 0.3,
            "constant": 1.0,
        }
    )
    web = np.where(X["channel"] == "web", 2.0, -1.0)
    score = -1 - X["tenure"] / 60 + web * np.sign(X["trend"]) + X["complained"]
    return X, (rng.random(n) < 1 / (1 + np.exp(-score))).astype(int)


@pytest.fixture(scope="module")
def model() -> PropensityClassifier:
    X, y = make_frame(2_000, 1)
    return PropensityClassifier(max_rounds=60, n_jobs=1).fit(X, y).calibrate(*make_frame(1_000, 2))


def test_weights_are_means_of_what_each_row_was_given(model):
    X, _ = make_frame(800, 3)
    found, rows = summarise(model, X, FEATURES, THEMES, 0), explain(model, X)
    assert [one.mean for one in found.features] == sorted((one.mean for one in found.features), reverse=True)
    for one in found.features:
        j = X.columns.get_loc(one.name)
        assert one.mean == pytest.approx(np.abs(rows.phi[:, j]).mean())
        assert one.points == pytest.approx(100 * np.abs(rows.points[:, j]).mean())
        linear = model.calibration_.slope * model.linear_contributions(X)[:, j]
        assert (one.linear, one.trees) == pytest.approx((np.abs(linear).mean(), np.abs(rows.phi[:, j] - linear).mean()))
    assert "constant" not in [one.name for one in found.features]
    assert (found.rows, found.read) == (800, 6)
    assert found.gap < 1e-5
    assert found.mean == pytest.approx(model.predict_proba(X)[:, 1].mean(), abs=1e-6)
    (assets,) = [one for one in found.themes if one.name == "assets"]
    together = rows.phi[:, [1, 2]].sum(axis=1)
    assert (assets.mean, assets.features) == (pytest.approx(np.abs(together).mean()), 2)


def test_relations_are_rank_correlations_of_known_values(model):
    X, _ = make_frame(800, 3)
    found = {one.name: one.relation for one in summarise(model, X, FEATURES, THEMES, 0).features}
    phi = explain(model, X).phi
    known = X["balance"].notna().to_numpy()
    assert found["balance"] == pytest.approx(spearmanr(X["balance"][known], phi[known, 1]).statistic)
    assert found["tenure"] < -0.8
    assert found["complained"] > 0.7  # a yes or no has ties: no more than √(3 · 0.3 · 0.7) is possible
    assert found["channel"] is None


def test_dots_are_contributions_beside_fifths_and_no_row_can_be_put_together(model):
    X, _ = make_frame(1_500, 3)
    phi = explain(model, X).phi
    found = summarise(model, X, FEATURES, THEMES, 0)
    rows = {}
    for swarm in found.swarms:
        column = np.round(phi[:, X.columns.get_loc(swarm.feature)], 3)
        assert len(swarm.contributions) == MOST_DOTS
        assert set(swarm.contributions) <= set(column.tolist())
        rows[swarm.feature] = swarm
    assert set(rows["channel"].fifths) == {LEVEL}
    assert set(rows["complained"].fifths) == {0, 4}
    share = np.mean(np.array(rows["balance"].fifths) == MISSING)
    assert share == pytest.approx(0.2, abs=0.05)
    low, high = (np.mean([c for c, f in zip(*rows_of(rows["tenure"]), strict=True) if f == k]) for k in (0, 4))
    assert low > high
    # rows are drawn anew for each feature: what one dot says of a client cannot be joined to another feature's
    order = {name: list(zip(*rows_of(swarm), strict=True)) for name, swarm in rows.items()}
    first, second = (np.array([c for c, _ in order[name]]) for name in ("tenure", "complained"))
    by_value = {round(float(a), 3): round(float(b), 3) for a, b in zip(phi[:, 0], phi[:, 4], strict=True)}
    joined = np.mean([by_value.get(a) == b for a, b in zip(first.tolist(), second.tolist(), strict=True)])
    assert joined < 0.2
    told = json.loads(found.model_dump_json())
    assert not any(str(value) in json.dumps(told) for value in X["balance"].dropna()[:50])


def rows_of(swarm):
    return swarm.contributions, swarm.fifths


def test_a_share_begins_at_its_floor_and_the_same_seed_gives_the_same_summary(model):
    X, _ = make_frame(300, 3)
    plain = summarise(model, X, FEATURES, THEMES, 0)
    share = summarise(model, X, FEATURES, THEMES, 0, floor=0.2, drawn=False)
    assert share.baseline == pytest.approx(0.2 + 0.8 * plain.baseline)
    assert share.features[0].points == pytest.approx(0.8 * plain.features[0].points)
    assert (share.swarms, share.shapes) == ((), ())
    assert summarise(model, X, FEATURES, THEMES, 0) == plain
    assert summarise(model, X, FEATURES, THEMES, 1) != plain


def test_a_model_of_straight_lines_leans_on_no_tree():
    X, _ = make_frame(600, 5)
    rng = np.random.default_rng(6)
    y = (rng.random(600) < 1 / (1 + np.exp(X["tenure"] / 40 - 1))).astype(int)
    model = PropensityClassifier(max_rounds=1, learning_rate=1e-6, linear_shrink=1.0, n_jobs=1).fit(X, y)
    found = summarise(model, X, FEATURES, THEMES, 0)
    assert found.features[0].name == "tenure"
    assert found.features[0].trees < 1e-4 < found.features[0].linear
