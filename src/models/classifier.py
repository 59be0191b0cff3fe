"""The estimator behind every question: a shrunk linear margin plus slow trees, calibrated in the log-odds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Self

import lightgbm as lgb
import numpy as np
from scipy.special import expit
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import (
    _check_sample_weight,
    assert_all_finite,
    check_consistent_length,
    check_is_fitted,
    column_or_1d,
)

from appetence.errors import did_you_mean
from appetence.models.bins import BinnedRows
from appetence.models.boosting import TreeGrower, TreeSettings
from appetence.models.calibration import Calibration, fit_calibration
from appetence.models.columns import Columns, FeatureValueError, read_columns
from appetence.models.encoding import fit_encoder
from appetence.models.folds import assign_folds, group_keys, make_splits, row_keys
from appetence.models.linear import LinearFitter, LinearPart
from appetence.models.margin import MarginChoice, choose_margin, level
from appetence.models.parts import from_contract, read_parts, to_contract, write_parts
from appetence.models.sampling import keep, sampling_rate

ONE_THREAD_CELLS = 300_000
"""Rows × features below which threads bring less than they cost: waiting for each other on a busy machine, 30 times."""


class PropensityClassifier(ClassifierMixin, BaseEstimator):
    """Binary classifier whose log-odds are slope × (linear part + trees) + intercept.

    The linear part is a logistic regression whose strength of regularisation comes from the evidence (see
    `appetence.models.linear`). Its cross-fitted margin, multiplied by a shrinkage between 0 and 1, is where LightGBM's
    trees start. Shrinkage and number of trees are those with the smallest log-loss on rows not learned from; groups
    (households) are never split over folds. On fewer than 50 rows no tree is grown.

    Parameters
    ----------
    learning_rate, num_leaves, lambda_l2, feature_fraction, bagging_fraction
        As in LightGBM.
    min_data_in_leaf
        Rows in a leaf at least; None for 1 row in 200, between 20 and 100.
    max_rounds
        Most trees grown; the number used is found by log-loss.
    patience
        The search stops after this many trees without a smaller loss.
    linear_shrink
        Share of the linear margin kept, from 0 (trees only) to 1, or "auto".
    n_folds
        Folds for cross-fitting the linear part and for choosing shrinkage and rounds.
    max_levels
        A category with more levels is encoded by the out-of-fold log-odds of each level (see
        `appetence.models.encoding`), one with fewer by codes.
    monotone_constraints
        {feature: 1 or -1} for features whose effect may only rise or fall; {position: …} for data without names.
    negative_sampling
        Share of the negatives to learn from, in (0, 1]; the log-odds are corrected by its logarithm, which is exact
        (see `appetence.models.sampling`). "auto" keeps 10 negatives for each positive and no fewer than 5,000 rows;
        None keeps all.
    sampling_seed
        Seed of the sampling alone.
    n_jobs
        LightGBM's threads, -1 for its default; None for its default too, but one thread on less than 300,000 cells.
    random_state
        Seed of folds and trees. The same seed, data and threads give the same model, byte by byte.

    Attributes
    ----------
    classes_
        The two labels, the second being the event.
    n_features_in_, feature_names_in_
        Number of features, and their names where the training data had names.
    booster_
        The trees: a `lightgbm.Booster` over the matrix of `encode`.
    linear_shrink_, linear_bias_
        The shrinkage chosen, and the constant term of the log-odds.
    calibration_
        `Calibration(slope, intercept)`, the identity until `calibrate`.

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> X, y = load_breast_cancer(return_X_y=True, as_frame=True)
    >>> model = PropensityClassifier(max_rounds=20).fit(X, y)
    >>> model.predict_proba(X).shape
    (569, 2)
    """

    def __init__(
        self,
        *,
        learning_rate: float = 0.04,
        num_leaves: int = 15,
        min_data_in_leaf: int | None = None,
        lambda_l2: float = 10.0,
        feature_fraction: float = 0.7,
        bagging_fraction: float = 0.8,
        max_rounds: int = 1_000,
        patience: int = 40,
        linear_shrink: float | str = "auto",
        n_folds: int = 3,
        max_levels: int = 50,
        monotone_constraints: Mapping[Any, int] | None = None,
        negative_sampling: float | str | None = "auto",
        sampling_seed: int = 0,
        n_jobs: int | None = None,
        random_state: Any = 0,
    ) -> None:
        self.learning_rate = learning_rate
        self.num_leaves = num_leaves
        self.min_data_in_leaf = min_data_in_leaf
        self.lambda_l2 = lambda_l2
        self.feature_fraction = feature_fraction
        self.bagging_fraction = bagging_fraction
        self.max_rounds = max_rounds
        self.patience = patience
        self.linear_shrink = linear_shrink
        self.n_folds = n_folds
        self.max_levels = max_levels
        self.monotone_constraints = monotone_constraints
        self.negative_sampling = negative_sampling
        self.sampling_seed = sampling_seed
        self.n_jobs = n_jobs
        self.random_state = random_state

    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        groups: Any = None,
        time: Any = None,
        binned: BinnedRows | None = None,
    ) -> Self:
        """Learn from labelled rows.

        Parameters
        ----------
        X
            DataFrame, Arrow table or array of shape (n_rows, n_features); see `appetence.models.columns.read_columns`.
        y
            Two classes, of shape (n_rows,).
        sample_weight
            Weights of shape (n_rows,); a weight of 2 counts as two rows, a weight of 0 as none.
        groups
            Labels of shape (n_rows,) of what must not be split over folds: households, clients.
        time
            Sortable moments of shape (n_rows,). Shrinkage and rounds are then chosen on the latest 30 % of the rows, by
            models of the earlier ones.
        binned
            The same rows, binned before with others: saves the binning where several targets are learnt from one table.
        """
        columns = read_columns(X)
        target, classes = _check_target(y, columns.n_rows)
        weight = _check_sample_weight(sample_weight, target, dtype=np.float64, ensure_non_negative=True)
        units = row_keys(columns) if groups is None else group_keys(groups, columns.n_rows)
        moments = None if time is None else column_or_1d(np.asarray(time))
        check_consistent_length(target, moments)
        rate = sampling_rate(self.negative_sampling, target[weight > 0])
        rows = np.flatnonzero((weight > 0) & keep(target, rate, self.sampling_seed))
        if len(np.unique(target[rows])) < 2:
            raise FeatureValueError("both classes must have a positive weight", "one class only in sample_weight")

        self.classes_, self.n_features_in_ = classes, len(columns.columns)
        self._set_names(columns)
        self._fit_rows(
            columns if len(rows) == len(target) else columns.take(rows),
            target[rows],
            weight[rows],
            units[rows],
            None if moments is None else moments[rows],
            None if binned is None else binned.take(rows),
            float(np.log(rate)),
        )
        self.calibration_ = Calibration()
        return self

    def calibrate(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Fit slope and intercept of the log-odds on a later block of rows; replaces any earlier calibration.

        With few positives the slope is drawn towards 1, and with fewer than ten it stays 1: see
        `appetence.models.calibration`.
        """
        check_is_fitted(self)
        target = self._target_of(y)
        scores = self._margin(X)
        check_consistent_length(scores, target)
        weight = _check_sample_weight(sample_weight, target, dtype=np.float64, ensure_non_negative=True)
        self.calibration_ = fit_calibration(scores, target, weight)
        return self

    def recentre(self, X: Any, y: Any, slope: float = 1.0, sample_weight: Any = None) -> Self:
        """Set the slope of the log-odds, and the intercept that makes as many events expected on the rows as observed.

        For rows that were learnt from too: a sum over a block is far less overfitted than the order within it. Replaces
        any earlier calibration.
        """
        check_is_fitted(self)
        target = self._target_of(y)
        scores = slope * self._margin(X)
        check_consistent_length(scores, target)
        weight = _check_sample_weight(sample_weight, target, dtype=np.float64, ensure_non_negative=True)
        self.calibration_ = Calibration(slope, level(scores, target, weight))
        return self

    def decision_function(self, X: Any) -> np.ndarray:
        """Return the calibrated log-odds of the second class, of shape (n_rows,)."""
        check_is_fitted(self)
        return self.calibration_(self._margin(X))

    def predict_proba(self, X: Any) -> np.ndarray:
        """Return the probability of both classes, of shape (n_rows, 2)."""
        log_odds = self.decision_function(X)
        return np.column_stack([expit(-log_odds), expit(log_odds)])

    def predict(self, X: Any) -> np.ndarray:
        """Return the more probable class, of shape (n_rows,)."""
        second = self.decision_function(X) > 0
        chosen: np.ndarray = self.classes_[second.astype(np.int64)]
        return chosen

    def encode(self, X: Any) -> np.ndarray:
        """Return the matrix that trees and linear part see, float64 of shape (n_rows, n_features)."""
        check_is_fitted(self)
        return self._encoder.encode(read_columns(X))

    def linear_contributions(self, X: Any, *, encoded: bool = False) -> np.ndarray:
        """Return the Shapley values of the linear part in log-odds, before calibration, of shape (n_rows, n_features).

        With `encoded`, `X` is what `encode` returned: encoding takes longer than the rest.

        They are centred on the training mean and already shrunk, so that
        slope × (trees' raw score + `linear_bias_` + Σ contributions) + intercept is the decision function.
        """
        check_is_fitted(self)
        return self._linear.contributions(X if encoded else self.encode(X))

    @property
    def linear_bias_(self) -> float:
        """Constant term of the log-odds before calibration."""
        check_is_fitted(self)
        return self._linear.bias

    def to_parts(self) -> tuple[str, dict[str, Any]]:
        """Return the fitted model as LightGBM's model text and a contract of plain JSON values."""
        check_is_fitted(self)
        contract = to_contract(
            self.classes_, self._encoder, self._linear, self.calibration_, asdict(self._choice), self.get_params()
        )
        return self.booster_.model_to_string(), contract

    @classmethod
    def from_parts(cls, model_text: str, contract: Mapping[str, Any]) -> Self:
        """Rebuild a fitted model from what `to_parts` returned."""
        parts = from_contract(contract)
        model = cls(**parts.params)
        model.classes_, model.n_features_in_ = parts.classes, len(parts.encoder.features)
        model._encoder, model._linear, model.calibration_ = parts.encoder, parts.linear, parts.calibration
        model._choice = MarginChoice(**parts.choice)
        model.linear_shrink_ = model._choice.shrink
        if parts.encoder.names is not None:
            model.feature_names_in_ = np.array(parts.encoder.names, dtype=object)
        model.booster_ = lgb.Booster(model_str=model_text)
        return model

    def save(self, directory: str | Path) -> None:
        """Write `model.txt` and `contract.json` into a directory, made where it is missing."""
        write_parts(Path(directory), *self.to_parts())

    @classmethod
    def load(cls, directory: str | Path) -> Self:
        """Read what `save` wrote.

        A corrupt model text ends the process inside LightGBM: check the files' hashes first where they travelled.
        """
        return cls.from_parts(*read_parts(Path(directory)))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        tags.input_tags.allow_nan = True
        return tags

    def _fit_rows(
        self,
        columns: Columns,
        y: np.ndarray,
        weight: np.ndarray,
        units: np.ndarray,
        time: np.ndarray | None,
        binned: BinnedRows | None,
        correction: float,
    ) -> None:
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        folds = assign_folds(units, y, self.n_folds, seed)
        if binned is None:
            self._encoder, encoded = fit_encoder(columns, y, weight, folds, self.max_levels)
            binned = BinnedRows.of(encoded, self._encoder, self._threads(encoded.size))
        else:
            self._encoder = binned.bins.encoder
            encoded = self._encoder.encode(columns)
        monotone = self._monotone()
        categorical = self._encoder.categorical
        n_codes = [self._encoder.features[j].n_codes for j in categorical]
        fitter = LinearFitter(encoded, y, weight, categorical, n_codes, monotone, seed)
        settings = self._tree_settings(len(y), encoded.size, seed, monotone)
        grower = TreeGrower(binned, y, weight, settings)
        splits = make_splits(folds, y, time) if folds is not None else []
        linear, margin, self._choice = choose_margin(
            fitter, grower, encoded, y, weight, folds, splits, self.linear_shrink
        )
        self.linear_shrink_ = self._choice.shrink
        trained = grower.grow(margin, self._choice.rounds)
        # Read back from its text, the booster no longer holds the training data, and is what `load` gives.
        self.booster_ = lgb.Booster(model_str=trained.model_to_string())
        self._linear = LinearPart(linear.effects, linear.bias + correction)

    def _margin(self, X: Any) -> np.ndarray:
        """Return linear part + trees, before calibration."""
        encoded = self.encode(X)
        raw = self.booster_.predict(encoded, raw_score=True, num_threads=self._threads(encoded.size))
        total: np.ndarray = np.asarray(raw, dtype=np.float64) + self._linear.bias + self._linear.margin(encoded)
        return total

    def _threads(self, n_cells: int) -> int:
        """Return LightGBM's num_threads, where 0 is its default."""
        if self.n_jobs is None:
            return 1 if n_cells < ONE_THREAD_CELLS else 0
        return max(self.n_jobs, 0)

    def _tree_settings(self, n_rows: int, n_cells: int, seed: int, monotone: list[int]) -> TreeSettings:
        leaf = self.min_data_in_leaf
        return TreeSettings(
            learning_rate=self.learning_rate,
            num_leaves=self.num_leaves,
            min_data_in_leaf=int(np.clip(n_rows // 200, 20, 100)) if leaf is None else leaf,
            lambda_l2=self.lambda_l2,
            feature_fraction=self.feature_fraction,
            bagging_fraction=self.bagging_fraction,
            max_rounds=self.max_rounds,
            patience=self.patience,
            seed=seed,
            n_threads=self._threads(n_cells),
            monotone=tuple(monotone),
        )

    def _monotone(self) -> list[int]:
        known: list[Any] = list(self._encoder.names or range(len(self._encoder.features)))
        signs = [0] * len(known)
        for name, sign in (self.monotone_constraints or {}).items():
            if name not in known:
                hint = did_you_mean(str(name), [str(k) for k in known])
                raise FeatureValueError("monotone_constraints must name features of X", repr(name), hint)
            j = known.index(name)
            if sign not in (-1, 0, 1) or self._encoder.features[j].kind in ("category", "rate"):
                raise FeatureValueError(
                    "a monotone constraint must be -1, 0 or 1 on a numeric feature", f"{sign!r} on {name!r}"
                )
            signs[j] = int(sign)
        return signs

    def _set_names(self, columns: Columns) -> None:
        if columns.names is not None:
            self.feature_names_in_ = np.array(columns.names, dtype=object)
        elif hasattr(self, "feature_names_in_"):
            del self.feature_names_in_

    def _target_of(self, y: Any) -> np.ndarray:
        labels = column_or_1d(y)
        unknown = ~np.isin(labels, self.classes_)
        if unknown.any():
            raise FeatureValueError("labels must be those seen in training", f"{int(unknown.sum())} others")
        target: np.ndarray = (labels == self.classes_[1]).astype(np.float64)
        return target


def _check_target(y: Any, n_rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Return labels as 0.0 / 1.0 and the two classes."""
    if y is None:
        raise FeatureValueError("PropensityClassifier requires y to be passed, but the target y is None")
    labels = column_or_1d(y, warn=True)
    check_consistent_length(labels, np.empty(n_rows))
    assert_all_finite(labels, input_name="y")
    check_classification_targets(labels)
    classes, codes = np.unique(labels, return_inverse=True)
    if len(classes) > 2:
        kind = type_of_target(labels, input_name="y")
        raise FeatureValueError(f"Only binary classification is supported. The type of the target is {kind}.")
    if len(classes) < 2:
        raise FeatureValueError("both classes must be present in y", "only one class")
    return codes.astype(np.float64), classes
