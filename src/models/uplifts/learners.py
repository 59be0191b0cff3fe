"""Learners of the effect of an offer, from those offered and those held out (Künzel, Sekhon, Bickel and Yu 2019).

- **T-learner**: one model of each side; the effect is the difference of the two probabilities.
- **X-learner**: the same two models fill in, for each client, what the other side would have brought; one regression
  per side learns the difference from the truth, and the two are averaged by the share that was offered. It is meant
  for sides of very different size, as offers and their control group are.

Both stand on `PropensityClassifier`. The regressions are few small trees, as many as help on households they have not
seen; where none does, the effect is one number for all, and orders nobody.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import lightgbm as lgb
import numpy as np
import numpy.typing as npt
import pandas as pd

from appetence.models.classifier import PropensityClassifier
from appetence.models.folds import assign_folds, group_keys
from appetence.models.uplifts.draws import Draws
from appetence.models.uplifts.qini import qini, rank_within

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Parameters = Mapping[str, float | int | bool | None]

T_LEARNER, X_LEARNER = "T-learner", "X-learner"
LEARNERS = (T_LEARNER, X_LEARNER)

FOLDS = 3
ROUNDS, PATIENCE = 200, 20
"""Most trees of a regression, and how many may be tried without a smaller error."""


@dataclass(frozen=True)
class EffectTrees:
    """A regression of effects: a constant, and trees where these help."""

    constant: float
    booster: lgb.Booster | None

    def predict(self, encoded: Floats) -> Floats:
        """Return effects of shape (n_rows,)."""
        if self.booster is None:
            return np.full(len(encoded), self.constant)
        found: Floats = self.constant + np.asarray(self.booster.predict(encoded, num_threads=1), dtype=np.float64)
        return found


@dataclass(frozen=True)
class EffectModel:
    """Both learners on one set of draws.

    Attributes
    ----------
    offered, held_out
        The probability of buying of those who were offered the product, and of those who were not.
    on_offered, on_held_out
        The X-learner's regressions.
    share
        Of the clients who were offered.
    """

    offered: PropensityClassifier
    held_out: PropensityClassifier
    on_offered: EffectTrees
    on_held_out: EffectTrees
    share: float

    def score(self, X: pd.DataFrame) -> Floats:
        """Return the probability of buying when offered: what targeting by score goes by, of shape (n_rows,)."""
        found: Floats = self.offered.predict_proba(X)[:, 1]
        return found

    def effect(self, X: pd.DataFrame, learner: str) -> Floats:
        """Return by how much an offer changes the probability of buying, of shape (n_rows,)."""
        if learner == T_LEARNER:
            return self.score(X) - self.held_out.predict_proba(X)[:, 1]
        encoded = self.offered.encode(X)
        found: Floats = self.share * self.on_held_out.predict(encoded) + (1.0 - self.share) * self.on_offered.predict(
            encoded
        )
        return found


def can_learn(draws: Draws) -> bool:
    """Say whether both sides have buyers and others."""
    sides = (draws.bought[draws.offered], draws.bought[~draws.offered])
    return all(len(side) and 0 < side.sum() < len(side) for side in sides)


def fit_effects(draws: Draws, parameters: Parameters, seed: int) -> EffectModel:
    """Fit both learners.

    Rows weigh so that both sides hold the same mix of campaigns. Rounds and shrinkage are chosen over all of them, not
    on the latest alone as for other questions: the held out who buy are few.
    """
    sides = {side: draws.offered == side for side in (True, False)}
    weight = draws.weight
    models = {side: _fit_side(draws, rows, weight, parameters, seed) for side, rows in sides.items()}
    share = float(draws.offered.mean())
    encoded = models[True].encode(draws.X)
    trees = {}
    for side, rows in sides.items():
        other = models[not side].predict_proba(draws.X[rows])[:, 1]
        found = draws.bought[rows] - other if side else other - draws.bought[rows]
        trees[side] = fit_trees(encoded[rows], found, weight[rows], draws.household[rows], draws.bought[rows], seed)
    return EffectModel(models[True], models[False], trees[True], trees[False], share)


def fit_trees(encoded: Floats, effect: Floats, weight: Floats, household: Ints, bought: Ints, seed: int) -> EffectTrees:
    """Fit the regression of one side.

    An imputed effect is nearly all chance (a purchase or none, less a small probability), so that leaves are wide and
    steps short; codes of categories are read as numbers.

    Parameters
    ----------
    encoded
        (n_rows, n_features)
    effect, weight, household, bought
        (n_rows,): imputed effects, weights, what is not split over folds, and what is dealt evenly to them.
    """
    constant = float(np.average(effect, weights=weight))
    folds = assign_folds(group_keys(household, len(household)), bought.astype(np.float64), FOLDS, seed)
    if folds is None:
        return EffectTrees(constant, None)
    params: dict[str, Any] = {
        "objective": "regression",
        "metric": "l2",
        "boost_from_average": False,
        "learning_rate": 0.05,
        "num_leaves": 7,
        "min_data_in_leaf": int(np.clip(len(effect) // 20, 20, 200)),
        "lambda_l2": 10.0,
        "feature_fraction": 0.7,
        "bagging_fraction": 0.8,
        "bagging_freq": 1,
        "seed": seed,
        "deterministic": True,
        "force_row_wise": True,
        "num_threads": 1,
        "verbosity": -1,
    }
    best = _rounds(encoded, effect, weight, folds, params)
    if best == 0:
        return EffectTrees(constant, None)
    data = lgb.Dataset(encoded, effect - constant, weight=weight, params=params)
    return EffectTrees(constant, lgb.train(params, data, best))


def _rounds(encoded: Floats, effect: Floats, weight: Floats, folds: Ints, params: dict[str, Any]) -> int:
    """Grow all folds side by side until their squared error stops falling; return the best number of trees, or 0."""
    boosters, start, share = [], [], []
    for fold in np.unique(folds):
        train, valid = folds != fold, folds == fold
        level = float(np.average(effect[train], weights=weight[train]))
        data = lgb.Dataset(encoded[train], effect[train] - level, weight=weight[train], params=params)
        left = effect[valid] - level
        judged = data.create_valid(encoded[valid], left, weight=weight[valid])
        boosters.append(lgb.Booster(params, data).add_valid(judged, "unseen"))
        start.append(float(np.average(left**2, weights=weight[valid])))
        share.append(float(weight[valid].sum()))
    losses, best = [float(np.average(start, weights=share))], 0
    for done in range(1, ROUNDS + 1):
        for booster in boosters:
            booster.update()
        losses.append(float(np.average([booster.eval_valid()[0][2] for booster in boosters], weights=share)))
        if losses[done] < losses[best]:
            best = done
        elif done - best >= PATIENCE:
            break
    return best


def choose_learner(draws: Draws, parameters: Parameters, seed: int) -> dict[str, float]:
    """Return each learner's Qini, purchases per client, on households of the draws that it has not seen.

    The learner with the largest is to be used, of equals the first of `LEARNERS`. Empty where the draws are too few to
    be dealt into folds.
    """
    scarce = (draws.bought * ~draws.offered).astype(np.float64)
    folds = assign_folds(group_keys(draws.household, len(draws)), scarce, FOLDS, seed)
    if folds is None:
        return {}
    effects = {name: np.zeros(len(draws)) for name in LEARNERS}
    for fold in np.unique(folds):
        learnt = draws.take(folds != fold)
        if not can_learn(learnt):
            return {}
        model = fit_effects(learnt, parameters, seed)
        inside = folds == fold
        for name in LEARNERS:
            effects[name][inside] = model.effect(draws.X[inside], name)
    within = draws.stratum * (int(folds.max()) + 1) + folds  # models of two folds are not ranked against each other
    return {
        name: qini(draws.bought, rank_within(found, within), draws.weight, offered=draws.offered)
        for name, found in effects.items()
    }


def _fit_side(
    draws: Draws, rows: npt.NDArray[np.bool_], weight: Floats, parameters: Parameters, seed: int
) -> PropensityClassifier:
    """Fit one side's model; its level is set on its own rows, so that the sides' difference is that of the draws."""
    settings: dict[str, Any] = {**parameters, "random_state": seed, "n_jobs": 1}
    X, y, w = draws.X[rows], draws.bought[rows], weight[rows] / weight[rows].mean()
    model = PropensityClassifier(**settings).fit(X, y, sample_weight=w, groups=draws.household[rows])
    return model.recentre(X, y, sample_weight=w)
