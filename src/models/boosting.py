"""Trees on top of an initial margin: slow, strongly regularised, stopped by log-loss on rows not learned from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import lightgbm as lgb
import numpy as np

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


@dataclass(frozen=True)
class Stopped:
    """The outcome of one search for the number of rounds."""

    rounds: int
    loss: float


class TreeGrower:
    """Grows trees on one binned training matrix, shared by all folds and by the last fit.

    Parameters
    ----------
    encoded
        Training matrix of shape (n_rows, n_features).
    y, weight
        Labels and weights, of shape (n_rows,).
    categorical
        Positions of the coded columns.
    names
        Feature names for the model text, or None.
    settings
        Settings of the trees.
    """

    def __init__(
        self,
        encoded: np.ndarray,
        y: np.ndarray,
        weight: np.ndarray,
        categorical: list[int],
        names: list[str] | None,
        settings: TreeSettings,
    ) -> None:
        self._settings = settings
        self._params = settings.to_lightgbm()
        self._weight = weight
        self._data = lgb.Dataset(
            encoded,
            y,
            weight=None if (weight == 1.0).all() else weight,
            feature_name=names or "auto",
            categorical_feature=categorical,
            params=self._params,
            free_raw_data=True,
        ).construct()

    def search_rounds(self, splits: Sequence[Split], margins: Sequence[tuple[np.ndarray, np.ndarray]]) -> Stopped:
        """Grow all splits side by side until their mean loss stops falling.

        Parameters
        ----------
        splits
            Rows to learn from and to judge by.
        margins
            Initial margins of each split: of its training rows and of its validation rows.

        Returns
        -------
        The best number of rounds (0: no tree helps) and the log-loss there, by the validation rows' weights.
        """
        boosters = [self._start(split, margin) for split, margin in zip(splits, margins, strict=True)]
        share = np.array([self._weight[split.valid].sum() for split in splits])
        share /= share.sum()
        start = [self._initial_loss(split, margin) for split, margin in zip(splits, margins, strict=True)]
        losses = [float(start @ share)]
        best = 0
        for done in range(1, self._settings.max_rounds + 1):
            for booster in boosters:
                booster.update()
            losses.append(float(np.array([booster.eval_valid()[0][2] for booster in boosters]) @ share))
            if losses[done] < losses[best]:
                best = done
            elif done - best >= self._settings.patience:
                break
        return Stopped(best, float(losses[best]))

    def grow(self, margin: np.ndarray, rounds: int) -> lgb.Booster:
        """Grow `rounds` trees on all rows over the initial margin of shape (n_rows,); at least a single leaf."""
        self._data.set_init_score(margin)
        params = self._params if rounds else self._params | {"num_leaves": 2, "min_data_in_leaf": 2**31 - 1}
        return lgb.train(params, self._data, max(rounds, 1))

    def _start(self, split: Split, margin: tuple[np.ndarray, np.ndarray]) -> lgb.Booster:
        train = self._data.subset(split.train, self._params).construct().set_init_score(margin[0])
        valid = self._data.subset(split.valid, self._params).construct().set_init_score(margin[1])
        return lgb.Booster(self._params, train).add_valid(valid, "valid")

    def _initial_loss(self, split: Split, margin: tuple[np.ndarray, np.ndarray]) -> float:
        y = np.asarray(self._data.get_label())[split.valid]
        loss = np.logaddexp(0.0, margin[1]) - y * margin[1]
        return float(np.average(loss, weights=self._weight[split.valid]))
