import numpy as np
import pytest

from appetence.models.classifier import PropensityClassifier
from appetence.models.uplifts.learners import (
    LEARNERS,
    T_LEARNER,
    X_LEARNER,
    EffectModel,
    EffectTrees,
    can_learn,
    choose_learner,
    fit_effects,
    fit_trees,
)

PLAIN = {"max_rounds": 25, "n_folds": 2}


@pytest.fixture(scope="module")
def planted(make_draws):
    """Draws with a strong effect, and the model of them."""
    draws, true = make_draws(n=4_000, effect=0.2)
    return draws, true, fit_effects(draws, PLAIN, seed=1)


@pytest.mark.parametrize("learner", LEARNERS)
def test_both_learners_find_a_planted_effect_in_clients_they_never_saw(planted, make_draws, learner):
    _, _, model = planted
    others, true = make_draws(n=2_000, seed=9, effect=0.2)
    found = model.effect(others.X, learner)
    assert np.corrcoef(found, true)[0, 1] > 0.7
    assert found.mean() == pytest.approx(true.mean(), abs=0.04)
    # need has no part in the effect, though it decides who buys
    assert abs(np.corrcoef(found, others.X["need"].fillna(0))[0, 1]) < 0.4


def test_the_score_is_the_probability_of_buying_when_offered(planted):
    draws, _, model = planted
    score = model.score(draws.X)
    assert score[draws.offered].mean() == pytest.approx(draws.bought[draws.offered].mean(), abs=0.01)
    assert np.corrcoef(score, draws.X["need"].fillna(0))[0, 1] > 0.4


def test_the_effect_of_each_learner_is_that_of_its_formula(planted):
    draws, _, model = planted
    X = draws.X.head(5)
    apart = model.offered.predict_proba(X)[:, 1] - model.held_out.predict_proba(X)[:, 1]
    assert model.effect(X, T_LEARNER) == pytest.approx(apart)
    flat = EffectModel(model.offered, model.held_out, EffectTrees(0.1, None), EffectTrees(0.2, None), share=0.75)
    # Künzel et al. 2019, equation 9: e(x) τ₀(x) + (1 - e(x)) τ₁(x)
    assert flat.effect(X, X_LEARNER) == pytest.approx(np.full(5, 0.75 * 0.2 + 0.25 * 0.1))


def test_a_regression_without_anything_to_find_is_one_number():
    rng = np.random.default_rng(5)
    n = 1_500
    chance = rng.normal(size=n)
    found = fit_trees(rng.normal(size=(n, 4)), chance, np.ones(n), np.arange(n), (chance > 1).astype(int), seed=1)
    spread = found.predict(rng.normal(size=(500, 4))).std()
    assert found.constant == pytest.approx(chance.mean())
    assert spread < 0.1  # of one standard deviation of what it was fitted to


def test_a_regression_finds_a_step():
    rng = np.random.default_rng(5)
    encoded = rng.normal(size=(2_000, 4))
    effect = 1.0 * (encoded[:, 2] > 0) + rng.normal(size=2_000)
    found = fit_trees(encoded, effect, np.ones(2_000), np.arange(2_000), (effect > 1).astype(int), seed=1)
    predicted = found.predict(encoded)
    assert predicted[encoded[:, 2] > 0].mean() - predicted[encoded[:, 2] <= 0].mean() == pytest.approx(1.0, abs=0.2)


def test_the_choice_rests_on_the_qini_of_unseen_households(planted):
    draws, _, _ = planted
    found = choose_learner(draws, PLAIN, seed=1)
    assert set(found) == set(LEARNERS)
    assert all(value > 0.01 for value in found.values())
    assert choose_learner(draws, PLAIN, seed=1) == found


def test_draws_too_few_to_be_dealt_into_folds_have_no_choice(planted):
    draws, _, _ = planted
    one_buyer = np.flatnonzero((draws.bought == 1) & ~draws.offered)[:1]
    rows = np.isin(np.arange(len(draws)), one_buyer) | draws.offered | (draws.bought == 0)
    assert choose_learner(draws.take(rows), PLAIN, seed=1) == {}
    assert not can_learn(draws.take(draws.offered | (draws.bought == 0)))


def test_the_sides_stand_on_the_estimator_of_all_questions(planted):
    _, _, model = planted
    assert isinstance(model.offered, PropensityClassifier)
    assert isinstance(model.held_out, PropensityClassifier)
