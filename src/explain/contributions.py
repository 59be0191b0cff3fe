"""What an estimator's probability is made of: additive in the log-odds, then in points of probability.

The estimator's log-odds are slope × (linear part + trees) + intercept. Both parts have exact Shapley values, so their
calibrated sum has, and nothing is left over.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import expit

from appetence.errors import UsageError
from appetence.explain.kernel import Floats
from appetence.explain.tables import TreeTables
from appetence.models import PropensityClassifier

BLOCK = 16_384
SMALL_TOTAL = 1e-2
"""Below this sum of contributions, points come from a series: the difference of two near probabilities is noise."""


@dataclass(frozen=True)
class Contributions:
    """Contributions of a block of rows to their calibrated log-odds.

    Attributes
    ----------
    phi
        (n_rows, n_features) Shapley values in log-odds, features in the order of the estimator's.
    bias
        Log-odds that contributions start from: the mean over the rows learned from.
    """

    phi: Floats
    bias: float

    @property
    def raw(self) -> Floats:
        """(n_rows,) log-odds, as `decision_function`: the bias and all contributions."""
        raw: Floats = self.bias + self.phi.sum(axis=1)
        return raw

    @property
    def probability(self) -> Floats:
        """(n_rows,) probability of the event."""
        probability: Floats = expit(self.raw)
        return probability

    @property
    def baseline(self) -> float:
        """Probability that points start from: that of the bias."""
        return float(expit(self.bias))

    @property
    def points(self) -> Floats:
        """(n_rows, n_features) points of probability; see `probability_points`."""
        return probability_points(self.phi, self.bias)


def explain(classifier: PropensityClassifier, X: Any) -> Contributions:
    """Return the contributions of all rows at once; for many rows see `explain_blocks`.

    Parameters
    ----------
    classifier
        A fitted estimator.
    X
        Rows as its `predict_proba` takes them.

    Examples
    --------
    >>> X = np.random.default_rng(0).normal(size=(200, 3))
    >>> model = PropensityClassifier(max_rounds=5).fit(X, X[:, 0] > 0)
    >>> found = explain(model, X)
    >>> bool(np.allclose(found.raw, model.decision_function(X), atol=1e-6))
    True
    >>> bool(np.allclose(found.baseline + found.points.sum(axis=1), model.predict_proba(X)[:, 1], atol=1e-6))
    True
    """
    return _explain_rows(classifier, TreeTables(classifier.booster_), X)


def explain_blocks(classifier: PropensityClassifier, X: Any, block: int = BLOCK) -> Iterator[Contributions]:
    """Yield the contributions of consecutive blocks of rows, so that memory does not grow with their number.

    Parameters
    ----------
    classifier
        A fitted estimator.
    X
        Rows as its `predict_proba` takes them: a frame, an Arrow table or an array.
    block
        Rows at a time. Values do not depend on it.
    """
    if block < 1:
        raise UsageError("block must be 1 row or more", block)
    tables = TreeTables(classifier.booster_)
    for first in range(0, len(X), block):
        yield _explain_rows(classifier, tables, _rows(X, first, first + block))


def probability_points(phi: Floats, bias: float | Floats) -> Floats:
    """Share the distance from the baseline's probability to the row's in proportion to the contributions.

    points_i = φ_i · (p − p₀) / Σφ with p₀ = σ(bias) and p = σ(bias + Σφ); as Σφ tends to 0, φ_i · p₀(1 − p₀).

    Parameters
    ----------
    phi
        (n_rows, n_features) contributions in log-odds.
    bias
        Log-odds of the baseline, one for all rows or (n_rows,).

    Returns
    -------
    points
        (n_rows, n_features), in units of probability (0.09 is 9 points): p₀ + Σ points = p.

    Notes
    -----
    For small sums h = Σφ the quotient is √(p₀(1−p₀)p(1−p)) · sinh(h/2)/(h/2), from
    σ(b) − σ(a) = sinh((b−a)/2) / (2 cosh(a/2) cosh(b/2)): no difference is taken.

    Examples
    --------
    >>> probability_points(np.array([[2.0, -2.0]]), 0.0).tolist()
    [[0.5, -0.5]]
    """
    total = phi.sum(axis=1)
    start, end = expit(bias), expit(bias + total)
    small = np.abs(total) < SMALL_TOTAL
    sinhc = 1 + total**2 / 24 + total**4 / 1920
    steep = np.sqrt(start * expit(-np.asarray(bias)) * end * expit(-bias - total)) * sinhc
    slope = np.where(small, steep, (end - start) / np.where(small, 1.0, total))
    points: Floats = phi * slope[:, None]
    return points


def _explain_rows(classifier: PropensityClassifier, tables: TreeTables, X: Any) -> Contributions:
    slope, intercept = classifier.calibration_.slope, classifier.calibration_.intercept
    encoded = classifier.encode(X)
    phi = tables.contributions(encoded)[:, :-1]
    phi += classifier.linear_contributions(encoded, encoded=True)
    phi *= slope
    return Contributions(phi, slope * (float(tables.bias[0]) + classifier.linear_bias_) + intercept)


def _rows(X: Any, first: int, stop: int) -> Any:
    """Return a slice of the rows of a frame, an Arrow table or an array."""
    if hasattr(X, "iloc"):
        return X.iloc[first:stop]
    return X.slice(first, stop - first) if hasattr(X, "slice") else X[first:stop]
