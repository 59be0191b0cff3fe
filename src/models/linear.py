"""The linear part of the margin: a regularised logistic regression on squashed numbers and one-hot levels.

Its effect is a function of one feature at a time, so that its Shapley values are those functions, centred.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from appetence.models.logistic import fit_logistic

MOST_ROWS = 200_000
"""More rows than this add time but hardly any precision to some hundred coefficients: a random part is used."""

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
        self._scales = [
            None if j in self._n_codes else _robust_scale(encoded[self._rows, j], weight[self._rows])
            for j in range(encoded.shape[1])
        ]
        self._feature_of, self._code_of, self._design = self._make_design()
        self._coefficients = np.zeros(len(self._feature_of))
        self.precision = 0.0

    def fit_all(self) -> LinearPart:
        """Fit on all rows, the precision by evidence; without the slopes whose sign a constraint forbids."""
        everything = np.ones(len(self._rows), dtype=bool)
        while True:
            coefficients, _, self.precision = self._fit(everything, None)
            wrong = self._wrong_sign(coefficients)
            if not wrong.any():
                break
            self._design[:, wrong] = 0.0
        self._coefficients = coefficients
        return self._part(coefficients, everything)

    def fit_rows(self, rows: np.ndarray) -> LinearPart:
        """Fit on the given rows (positions) with the precision found on all."""
        chosen = np.isin(self._rows, rows)
        coefficients, _, _ = self._fit(chosen, self.precision)
        return self._part(np.where(self._wrong_sign(coefficients), 0.0, coefficients), chosen)

    def cross_fit(self, folds: np.ndarray, rows: np.ndarray | None = None) -> np.ndarray:
        """Return margins by models that have not seen the row's fold, nor anything outside `rows`.

        Parameters
        ----------
        folds
            Fold of each row, of shape (n_rows,).
        rows
            Positions of the rows to use; None for all. Where they all lie in one fold there is nothing to cross, and
            the margins are those of a model of the rows themselves.

        Returns
        -------
        Margins of the rows, of shape (len(rows),).
        """
        rows = np.arange(len(self._encoded)) if rows is None else rows
        names = np.unique(folds[rows])
        if len(names) < 2:
            return self.fit_rows(rows).margin(self._encoded[rows])
        margins = np.zeros(len(rows))
        for fold in names:
            inside = folds[rows] == fold
            margins[inside] = self.fit_rows(rows[~inside]).margin(self._encoded[rows[inside]])
        return margins

    def _fit(self, chosen: np.ndarray, precision: float | None) -> tuple[np.ndarray, float, float]:
        rows = self._rows[chosen]
        design = self._design if chosen.all() else self._design[chosen]
        return fit_logistic(design, self._y[rows], self._weight[rows], precision, self._coefficients)

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
        return np.array(feature_of), np.array(code_of), np.column_stack(columns)

    def _wrong_sign(self, coefficients: np.ndarray) -> np.ndarray:
        wanted = np.asarray(self._monotone)[self._feature_of]
        wrong: np.ndarray = (self._code_of == -1) & (wanted * coefficients < 0)
        return wrong

    def _part(self, coefficients: np.ndarray, chosen: np.ndarray) -> LinearPart:
        weight = self._weight[self._rows[chosen]]
        means = weight @ self._design[chosen] / weight.sum()
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


def _robust_scale(values: np.ndarray, weight: np.ndarray) -> tuple[float, float]:
    """Return the median, and a spread that is not zero where the values are not constant.

    A column that is zero for most clients has no interquartile range: wider quantile pairs are tried, then the range.
    """
    present = ~np.isnan(values)
    if not present.any():
        return 0.0, 1.0
    x = values[present]
    points = [50] + [q for low, _ in _WIDTHS for q in (low, 100 - low)]
    share = np.array(points) / 100
    quantiles = np.quantile(x, share, weights=weight[present], method="inverted_cdf")
    for i, (_, distance) in enumerate(_WIDTHS):
        width = float(quantiles[2 + 2 * i] - quantiles[1 + 2 * i])
        if width > 0:
            return float(quantiles[0]), width / distance
    return float(quantiles[0]), float(np.ptp(x)) or 1.0
