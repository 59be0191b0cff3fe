"""The linear part of the margin: a regularised logistic regression on squashed numbers and one-hot levels.

Its effect is a function of one feature at a time, so that its Shapley values are those functions, centred.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from appetence.models.logistic import Around, fit_logistic, refit_logistic, times

MOST_ROWS = 200_000
"""More rows than this add time but hardly any precision to some hundred coefficients: a random part is used."""

SINGLE_CELLS = 1_000_000
"""Rows × columns of the design from which it is held in float32 and parts of the rows are fitted from the whole."""

_SQUASH = 3.0
_WIDTHS = ((25, 1.349), (5, 3.290), (1, 4.653))  # quantile pairs and their distance in a standard normal


@dataclass(frozen=True)
class NumberEffect:
    """slope × squash((x - center) / scale) - mean, and `missing` where x is missing."""

    center: float
    scale: float
    slope: float = 0.0
    missing: float = 0.0
    mean: float = 0.0

    def __call__(self, values: np.ndarray) -> np.ndarray:
        """Return the contribution of each value, of shape (n_rows,)."""
        effect = self.slope * squash(values, self.center, self.scale)
        return np.where(np.isnan(effect), self.missing, effect) - self.mean


@dataclass(frozen=True)
class LevelEffect:
    """One effect per code, centred on the training mean."""

    effects: tuple[float, ...]

    def __call__(self, values: np.ndarray) -> np.ndarray:
        """Return the contribution of each code, of shape (n_rows,)."""
        return np.asarray(self.effects)[values.astype(np.int64)]


@dataclass(frozen=True)
class LinearPart:
    """Sum of one effect per feature: log-odds = bias + Σ contributions."""

    effects: tuple[NumberEffect | LevelEffect, ...]
    bias: float

    def contributions(self, encoded: np.ndarray) -> np.ndarray:
        """Return each feature's contribution, centred on the training mean, of shape (n_rows, n_features)."""
        out = np.empty(encoded.shape)
        for j, effect in enumerate(self.effects):
            out[:, j] = effect(encoded[:, j])
        return out

    def margin(self, encoded: np.ndarray) -> np.ndarray:
        """Return Σ contributions, without the bias, of shape (n_rows,)."""
        total = np.zeros(len(encoded))
        for j, effect in enumerate(self.effects):
            total += effect(encoded[:, j])
        return total

    def scaled(self, shrink: float, bias: float) -> LinearPart:
        """Return the part with all effects multiplied by `shrink`, and another bias."""
        effects: list[NumberEffect | LevelEffect] = []
        for e in self.effects:
            if isinstance(e, LevelEffect):
                effects.append(LevelEffect(tuple(shrink * value for value in e.effects)))
            else:
                scaled = (shrink * value for value in (e.slope, e.missing, e.mean))
                effects.append(NumberEffect(e.center, e.scale, *scaled))
        return LinearPart(tuple(effects), bias)

    def to_contract(self) -> dict[str, Any]:
        """Describe the part in plain JSON values."""
        effects = [
            {"levels": list(e.effects)}
            if isinstance(e, LevelEffect)
            else {"center": e.center, "scale": e.scale, "slope": e.slope, "missing": e.missing, "mean": e.mean}
            for e in self.effects
        ]
        return {"bias": self.bias, "effects": effects}

    @classmethod
    def from_contract(cls, contract: dict[str, Any]) -> LinearPart:
        """Read what `to_contract` wrote."""
        effects = tuple(
            LevelEffect(tuple(e["levels"])) if "levels" in e else NumberEffect(**e) for e in contract["effects"]
        )
        return cls(effects, contract["bias"])


def squash(values: np.ndarray, center: float, scale: float) -> np.ndarray:
    """Clip smoothly: z / sqrt(1 + (z/3)²) with z = (x - center) / scale (Holzmüller et al. 2024, "Better by default").

    Money has long tails, and a linear effect of an amount without this is the effect of its three largest clients.
    """
    z = (values - center) / scale
    squashed: np.ndarray = z / np.sqrt(1.0 + (z / _SQUASH) ** 2)
    return squashed


class LinearFitter:
    """Fits the linear part on rows of one training matrix: once on all, then on each fold with the same prior.

    Parameters
    ----------
    encoded
        Training matrix of shape (n_rows, n_features), codes in the `categorical` columns.
    y, weight
        Labels and weights, of shape (n_rows,).
    categorical
        Positions of the coded columns.
    n_codes
        Number of codes of each categorical column, in the same order.
    monotone
        Per feature -1, 0 or 1; a numeric feature whose slope would have the wrong sign has no slope.
    seed
        Chooses the part of the rows used where there are more than MOST_ROWS.
    """

    def __init__(
        self,
        encoded: np.ndarray,
        y: np.ndarray,
        weight: np.ndarray,
        categorical: Sequence[int] = (),
        n_codes: Sequence[int] = (),
        monotone: Sequence[int] | None = None,
        seed: int = 0,
    ) -> None:
        self._encoded, self._y, self._weight = encoded, y, weight
        self._n_codes = dict(zip(categorical, n_codes, strict=True))
        self._monotone = monotone or [0] * encoded.shape[1]
        self._rows = np.arange(len(encoded))
        if len(encoded) > MOST_ROWS:
            self._rows = np.sort(np.random.default_rng([seed, 1]).choice(len(encoded), MOST_ROWS, replace=False))
        share = weight[self._rows]
        same = None if (share == share[0]).all() else share
        self._scales = [
            None if j in self._n_codes else _robust_scale(encoded[self._rows, j], same) for j in range(encoded.shape[1])
        ]
        self._feature_of, self._code_of, self._design = self._make_design()
        self._coefficients = np.zeros(len(self._feature_of))
        self._around: Around | None = None
        self.precision = 0.0

    def fit_all(self) -> LinearPart:
        """Fit on all rows, the precision by evidence; without the slopes whose sign a constraint forbids."""
        weight = self._weight[self._rows]
        while True:
            coefficients, level, self.precision = fit_logistic(
                self._design, self._y[self._rows], weight, None, self._coefficients
            )
            wrong = self._wrong_sign(coefficients)
            if not wrong.any():
                break
            self._design[:, wrong] = 0.0
        self._coefficients = coefficients
        if self._design.dtype == np.float32:
            self._around = Around.of(self._design, weight, coefficients, level)
        return self._part(coefficients, self._means(weight))

    def margins(self, train: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Return margins of `rows` by a fit on `train` (both positions) with the precision found on all."""
        chosen = np.isin(self._rows, train)
        coefficients = self._fit(chosen)
        coefficients = np.where(self._wrong_sign(coefficients), 0.0, coefficients)
        means = self._means(self._weight[self._rows] * chosen)
        if len(self._rows) == len(self._encoded):  # the design holds all rows: no need to squash them again
            return times(self._design, coefficients)[rows] - float(means @ coefficients)
        return self._part(coefficients, means).margin(self._encoded[rows])

    def cross_fit(self, folds: np.ndarray, rows: np.ndarray | None = None, at: np.ndarray | None = None) -> np.ndarray:
        """Return margins by models that have not seen the row's fold, nor anything outside `rows`.

        Parameters
        ----------
        folds
            Fold of each row, of shape (n_rows,).
        rows
            Positions of the rows to learn from; None for all. Where they all lie in one fold there is nothing to cross,
            and the margins are those of a model of the rows themselves.
        at
            Positions of the rows, among `rows`, to return margins of; None for all of them.

        Returns
        -------
        Margins of shape (len(at),).
        """
        rows = np.arange(len(self._encoded)) if rows is None else rows
        at = rows if at is None else at
        names = np.unique(folds[rows])
        if len(names) < 2:
            return self.margins(rows, at)
        margins = np.zeros(len(at))
        for fold in names:
            inside = folds[at] == fold
            margins[inside] = self.margins(rows[folds[rows] != fold], at[inside])
        return margins

    def _fit(self, chosen: np.ndarray) -> np.ndarray:
        rows = self._rows[chosen]
        design, y, weight = self._design[chosen], self._y[rows], self._weight[rows]
        if self._around is not None:
            return refit_logistic(design, y, weight, self.precision, self._around)[0]
        return fit_logistic(design, y, weight, self.precision, self._coefficients)[0]

    def _means(self, weight: np.ndarray) -> np.ndarray:
        return times(self._design.T, weight / weight.sum())

    def _make_design(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Build the columns: (feature, code) of each, code -1 for a number and -2 for "is missing"."""
        columns, feature_of, code_of = [], [], []
        for j, scale in enumerate(self._scales):
            values = self._encoded[self._rows, j]
            if scale is None:
                for code in np.unique(values):
                    columns.append((values == code).astype(np.float64))
                    feature_of.append(j)
                    code_of.append(int(code))
                continue
            absent = np.isnan(values)
            columns.append(np.where(absent, 0.0, squash(values, *scale)))
            feature_of.append(j)
            code_of.append(-1)
            if absent.any() and not absent.all():
                columns.append(absent.astype(np.float64))
                feature_of.append(j)
                code_of.append(-2)
        single = len(self._rows) * len(columns) >= SINGLE_CELLS
        design = np.empty((len(self._rows), len(columns)), np.float32 if single else np.float64)
        for k, column in enumerate(columns):
            design[:, k] = column
        return np.array(feature_of), np.array(code_of), design

    def _wrong_sign(self, coefficients: np.ndarray) -> np.ndarray:
        wanted = np.asarray(self._monotone)[self._feature_of]
        wrong: np.ndarray = (self._code_of == -1) & (wanted * coefficients < 0)
        return wrong

    def _part(self, coefficients: np.ndarray, means: np.ndarray) -> LinearPart:
        effects: list[NumberEffect | LevelEffect] = []
        for j, scale in enumerate(self._scales):
            of_feature = self._feature_of == j
            codes, values = self._code_of[of_feature], coefficients[of_feature]
            mean = float(means[of_feature] @ values)
            if scale is None:
                table = np.zeros(self._n_codes[j])
                table[codes] = values
                effects.append(LevelEffect(tuple((table - mean).tolist())))
            else:
                missing = float(values[codes == -2].sum())
                effects.append(NumberEffect(*scale, float(values[codes == -1].sum()), missing, mean))
        return LinearPart(tuple(effects), 0.0)


def _robust_scale(values: np.ndarray, weight: np.ndarray | None) -> tuple[float, float]:
    """Return the median, and a spread that is not zero where the values are not constant.

    A column that is zero for most clients has no interquartile range: wider quantile pairs are tried, then the range.
    """
    present = ~np.isnan(values)
    if not present.any():
        return 0.0, 1.0
    x = values[present]
    points = [50] + [q for low, _ in _WIDTHS for q in (low, 100 - low)]
    share = np.array(points) / 100
    quantiles = _quantiles(x, share, None if weight is None else weight[present])
    for i, (_, distance) in enumerate(_WIDTHS):
        width = float(quantiles[2 + 2 * i] - quantiles[1 + 2 * i])
        if width > 0:
            return float(quantiles[0]), width / distance
    return float(quantiles[0]), float(np.ptp(x)) or 1.0


def _quantiles(x: np.ndarray, share: np.ndarray, weight: np.ndarray | None) -> np.ndarray:
    """Invert the distribution: the smallest value at or below which lies that share. Without weights, no sorting."""
    if weight is not None:
        return np.quantile(x, share, weights=weight, method="inverted_cdf")
    place = np.searchsorted(np.arange(1, len(x) + 1) / len(x), share)
    return np.partition(x, np.unique(place))[place]
