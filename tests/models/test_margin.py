"""Shrinkage and rounds are chosen by what holds on rows not learned from."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit

from appetence.models import margin, parts
from appetence.models.bins import BinnedRows
from appetence.models.boosting import TreeGrower, TreeSettings
from appetence.models.encoding import Encoder, FeatureCode
from appetence.models.folds import make_splits
from appetence.models.linear import LinearFitter

SETTINGS = TreeSettings(0.1, 8, 20, 1.0, 1.0, 1.0, 200, 20, seed=1, n_threads=1)


def grow(X, y, weight, settings=SETTINGS):
    plain = Encoder(tuple(FeatureCode(None, "numeric") for _ in range(X.shape[1])))
    return TreeGrower(BinnedRows.of(X, plain), y, weight, settings)


def choose(X, y, shrink="auto", weight=None, settings=SETTINGS):
    weight = np.ones(len(y)) if weight is None else weight
    folds = np.arange(len(y)) % 3
    fitter = LinearFitter(X, y, weight)
    grower = grow(X, y, weight, settings)
    return margin.choose_margin(fitter, grower, X, y, weight, folds, make_splits(folds, y), shrink), grower


def draw(n, score, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 5))
    return X, (rng.random(n) < expit(score(X))).astype(float)


def test_a_linear_truth_keeps_the_linear_margin_and_an_even_one_does_without():
    (_, _, linear), _ = choose(*draw(3_000, lambda X: X @ [1, -1, 0.8, 0.5, -0.6]))
    (_, _, even), _ = choose(*draw(3_000, lambda X: 2 * np.abs(X[:, 0]) - 2 + 2 * (X[:, 1] * X[:, 2] > 0)))
    assert linear.shrink == 1.0
    assert even.rounds > linear.rounds
    assert even.loss < 0.69


def test_noise_grows_hardly_a_tree():
    (_, initial, choice), grower = choose(*draw(1_500, lambda X: np.zeros(len(X))))
    assert choice.rounds < 10
    assert np.abs(expit(initial) - 0.5).max() < 0.1
    assert grower.grow(initial, 0).num_trees() == 1  # a single leaf of value 0 is a readable model
    np.testing.assert_array_equal(grower.grow(initial, 0).predict(np.zeros((3, 5)), raw_score=True), 0)


def test_the_loss_reported_is_that_of_models_refitted_by_hand():
    X, y = draw(900, lambda X: X[:, 0] * X[:, 1])
    (_, _, choice), _ = choose(X, y, shrink=0.0)
    losses = []
    for fold in range(3):
        inside = np.arange(900) % 3 == fold
        base = margin.level(np.zeros(600), y[~inside], np.ones(600))
        booster = grow(X[~inside], y[~inside], np.ones(600)).grow(np.full(600, base), choice.rounds)
        score = base + booster.predict(X[inside], raw_score=True)
        losses.append((np.logaddexp(0, score) - y[inside] * score).mean())
    assert choice.loss == pytest.approx(np.mean(losses), rel=0.01)  # bins of all rows there, of two thirds here


def test_only_the_best_candidate_runs_beyond_the_heat(monkeypatch):
    """What lags after the heat stops there; the winner gets the rounds that it would have had alone."""
    X, y = draw(1_500, lambda X: 2 * np.abs(X[:, 0]) - 2 + 2 * (X[:, 1] * X[:, 2] > 0))
    monkeypatch.setattr(margin, "HEAT", 5)
    monkeypatch.setattr(margin, "LAST_HEAT", 15)
    (_, _, raced), _ = choose(X, y)
    (_, _, alone), _ = choose(X, y, shrink=raced.shrink)
    assert raced == alone
    assert raced.rounds > 15


def test_a_race_on_a_part_of_the_rows_chooses_as_on_all(monkeypatch):
    X, y = draw(3_000, lambda X: X @ [1, -1, 0.8, 0.5, -0.6])
    (_, _, whole), _ = choose(X, y)
    monkeypatch.setattr(margin, "MOST_RACE_ROWS", 1_500)
    (_, initial, part), _ = choose(X, y)
    assert part.shrink == whole.shrink == 1.0
    assert part.loss == pytest.approx(whole.loss, abs=0.05)
    assert len(initial) == 3_000


def test_as_many_splits_judge_as_hold_positives_enough():
    folds = np.arange(3_000) % 3
    splits = make_splits(folds, (np.arange(3_000) % 10 == 0).astype(float))
    for every, used in ((2, 1), (5, 2), (100, 3)):  # 500, 200 and 10 positives in a fold; 300 are enough
        positives = ((np.arange(3_000) // 3) % every == 0).astype(float)
        assert list(margin._enough(splits, positives)) == splits[:used]


def test_few_rows_grow_no_tree():
    X, y = draw(40, lambda X: X[:, 0])
    (linear, _, choice), _ = choose(X, y)
    assert (choice.shrink, choice.rounds, choice.loss) == (margin.FALLBACK_SHRINK, 0, None)
    assert linear.effects[0].slope > 0


def test_level_meets_the_observed_number():
    rng = np.random.default_rng(0)
    scores, y, w = rng.normal(size=500) * 3, (rng.random(500) < 0.1).astype(float), rng.uniform(0, 2, 500)
    total = w.sum()
    expected = (w @ y + 0.5) / (total + 1) * total
    assert w @ expit(scores + margin.level(scores, y, w)) == pytest.approx(expected)
    assert np.isfinite(margin.level(scores, np.zeros(500), w))


def test_a_generator_has_no_value_to_store():
    stored = parts._plain(
        {"random_state": np.random.RandomState(0), "n_jobs": np.int64(2), "monotone_constraints": {0: 1}}
    )
    assert stored == {"random_state": None, "n_jobs": 2, "monotone_constraints": [[0, 1]]}
