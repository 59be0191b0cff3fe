"""Trees on top of an initial margin: slow, strongly regularised, stopped by log-loss on rows not learned from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import lightgbm as lgb
import numpy as np

from appetence.models.bins import MOST_BINS, BinnedRows
from appetence.models.folds import Split


@dataclass(frozen=True)
class TreeSettings:
    """Settings of the trees; see `PropensityClassifier` for their meaning."""

    learning_rate: float
    num_leaves: int
    min_data_in_leaf: int
    lambda_l2: float
    feature_fraction: float
    bagging_fraction: float
    max_rounds: int
    patience: int
    seed: int
    n_threads: int
    monotone: tuple[int, ...] | None = None

    def to_lightgbm(self) -> dict[str, Any]:
        """Return LightGBM's parameters; the same seed and threads give the same bytes."""
        params: dict[str, Any] = {
            "objective": "binary",
            "metric": "binary_logloss",
            "boost_from_average": False,  # the level is in the initial margin
            "learning_rate": self.learning_rate,
            "num_leaves": self.num_leaves,
            "max_bin": MOST_BINS,
            "min_data_in_leaf": self.min_data_in_leaf,
            "min_sum_hessian_in_leaf": 1.0,
            "min_data_per_group": self.min_data_in_leaf,
            "cat_smooth": 20.0,
            "lambda_l2": self.lambda_l2,
            "feature_fraction": self.feature_fraction,
            "bagging_fraction": self.bagging_fraction,
            "bagging_freq": 1 if self.bagging_fraction < 1 else 0,
            "feature_pre_filter": False,
            "seed": self.seed,
            "deterministic": True,
            "force_row_wise": True,
            "num_threads": self.n_threads,
            "verbosity": -1,
        }
        if self.monotone is not None and any(self.monotone):
            params["monotone_constraints"] = list(self.monotone)
        return params


class RoundSearch:
    """A search for the number of rounds: trees are added until the loss on rows not learned from stops falling.

    Attributes
    ----------
    rounds
        The best number so far; 0: no tree helps.
    """

    def __init__(
        self, boosters: list[lgb.Booster], share: np.ndarray, start: np.ndarray, settings: TreeSettings
    ) -> None:
        self._boosters, self._share, self._settings = boosters, share, settings
        self._losses = [float(start @ share)]
        self.rounds = 0

    @property
    def loss(self) -> float:
        """The log-loss at `rounds`, by the validation rows' weights."""
        return self._losses[self.rounds]

    def advance(self, until: int) -> None:
        """Add trees up to `until`, or to the settings' own end: `patience` trees without a smaller loss."""
        for done in range(len(self._losses), min(until, self._settings.max_rounds) + 1):
            if done - 1 - self.rounds >= self._settings.patience:
                break
            for booster in self._boosters:
                booster.update()
            self._losses.append(float(np.array([b.eval_valid()[0][2] for b in self._boosters]) @ self._share))
            if self._losses[done] < self.loss:
                self.rounds = done


class TreeGrower:
    """Grows trees on rows that were binned once, for all folds and for the last fit.

    Parameters
    ----------
    binned
        The training rows.
    y, weight
        Labels and weights, of shape (n_rows,).
    settings
        Settings of the trees.
    """

    def __init__(self, binned: BinnedRows, y: np.ndarray, weight: np.ndarray, settings: TreeSettings) -> None:
        self._binned, self._y, self._weight = binned, y, weight
        self._settings, self.max_rounds = settings, settings.max_rounds
        self._params = settings.to_lightgbm()
        self._weighted = not (weight == 1.0).all()

    def search(self, splits: Sequence[Split], margins: Sequence[tuple[np.ndarray, np.ndarray]]) -> RoundSearch:
        """Begin a search for the number of rounds: splits are grown side by side, judged by their mean loss.

        Parameters
        ----------
        splits
            Rows to learn from and to judge by.
        margins
            Initial margins of each split: of its training rows and of its validation rows.
        """
        boosters = [self._start(split, margin) for split, margin in zip(splits, margins, strict=True)]
        share = np.array([self._weight[split.valid].sum() for split in splits])
        start = [self._initial_loss(split, margin) for split, margin in zip(splits, margins, strict=True)]
        return RoundSearch(boosters, share / share.sum(), np.array(start), self._settings)

    def grow(self, margin: np.ndarray, rounds: int) -> lgb.Booster:
        """Grow `rounds` trees on all rows over the initial margin of shape (n_rows,); at least a single leaf."""
        data = self._part(np.arange(len(self._y)), margin)
        params = self._params if rounds else self._params | {"num_leaves": 2, "min_data_in_leaf": 2**31 - 1}
        return lgb.train(params, data, max(rounds, 1))

    def _start(self, split: Split, margin: tuple[np.ndarray, np.ndarray]) -> lgb.Booster:
        train, valid = self._part(split.train, margin[0]), self._part(split.valid, margin[1])
        return lgb.Booster(self._params, train).add_valid(valid, "valid")

    def _part(self, rows: np.ndarray, margin: np.ndarray) -> lgb.Dataset:
        """Return some rows with their own labels over their initial margin."""
        places = self._binned.places[rows]
        data = self._binned.bins.data.subset(places, self._params).construct()
        data.set_label(self._y[rows]).set_init_score(margin)
        return data.set_weight(self._weight[rows]) if self._weighted else data

    def _initial_loss(self, split: Split, margin: tuple[np.ndarray, np.ndarray]) -> float:
        y = self._y[split.valid]
        loss = np.logaddexp(0.0, margin[1]) - y * margin[1]
        return float(np.average(loss, weights=self._weight[split.valid]))
