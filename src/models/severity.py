"""How much of the money leaves where it does: the second part of the expected outflow.

E[outflow] = P(erosion) · E[share | erosion] · base: a two-part model (Duan, Manning, Morris and Newhouse 1983), whose
second part is a share of the base, not an amount. Amounts have so heavy a tail (one client in a hundred holds a fifth
of the money) that a regression of them would be of a few clients, and their logarithm would need a smearing factor, one
for clients whose spread differs. The share that leaves lies in [threshold, 1]: rescaled to [0, 1] it is learnt as a
fractional logit (Papke and Wooldridge 1996), which keeps every prediction inside these bounds and gets the mean right.

A fractional response z is, to the log-loss, a row of weight z where it happened and one of weight 1 - z where it did
not. So the estimator of the probabilities serves here too: its regularisation, its categories, its text and its JSON.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from appetence.models.classifier import PropensityClassifier
from appetence.models.dataset import Labelled

Floats = npt.NDArray[np.float64]

FEWEST_FOR_SHARES = 100
"""Distinct clients with an erosion below which everyone gets the mean share: a share is worth about one event each."""

MOST_ROWS = 20_000
"""Erosions learnt from at most, drawn at random: more of them cost memory, and say little more."""

_ROUNDS, _LEAF, _SHRINK = 150, 60, 0.5
"""Trees at most, rows of a leaf at least (each event makes two), share of the linear margin: the part is small, and so
is what it can learn. The shrinkage is not searched for: on a simulated book of 8,000 clients .128 of a share's variance
was explained out of time with the search, .131 at a half and .112 at one, in 3.3, 2.2 and 2.0 seconds."""


@dataclass(frozen=True)
class Severity:
    """The share of the base that leaves, given erosion.

    Parameters
    ----------
    threshold
        Share from which it is erosion.
    mean_share
        Of the erosions learnt from, in [threshold, 1].
    model
        Of the share rescaled to [0, 1]; None where everyone gets the mean.
    """

    threshold: float
    mean_share: float
    model: PropensityClassifier | None = None

    def share(self, X: pd.DataFrame) -> Floats:
        """Return (n,) the share of the base expected to leave where erosion happens, in [threshold, 1]."""
        if self.model is None:
            return np.full(len(X), self.mean_share)
        names = [str(name) for name in self.model.feature_names_in_]
        return self.threshold + (1.0 - self.threshold) * np.asarray(self.model.predict_proba(X[names])[:, 1])

    def without_model(self) -> Severity:
        """Return the mean share alone: what goes with a plain rate."""
        return Severity(self.threshold, self.mean_share)


def mean_severity(known: Labelled, threshold: float) -> Severity:
    """Return the mean share of the erosions among some rows; without any, half-way from the threshold to all."""
    share = _shares(known)
    return Severity(threshold, float(share.mean()) if len(share) else (1.0 + threshold) / 2.0)


def fit_severity(known: Labelled, threshold: float, seed: int) -> Severity:
    """Learn the share from the rows where erosion happened; from few of them, only its mean.

    Parameters
    ----------
    known
        Rows that may be learnt from, at the origin that they are read at. Households are not split over folds, and what
        is chosen is chosen on the latest rows, as for the probabilities.
    threshold
        See `Severity`.
    seed
        Of folds and trees.
    """
    plain = mean_severity(known, threshold)
    eroded = known.where(known.y == 1)
    if threshold >= 1.0 or eroded.events < FEWEST_FOR_SHARES:
        return plain
    if len(eroded) > MOST_ROWS:
        eroded = eroded.where(np.sort(np.random.default_rng(seed).permutation(len(eroded))[:MOST_ROWS]))
    z = np.clip((_shares(eroded) - threshold) / (1.0 - threshold), 0.0, 1.0)
    if np.ptp(z) == 0:
        return plain
    X = eroded.X
    model = PropensityClassifier(
        max_rounds=_ROUNDS, min_data_in_leaf=_LEAF, linear_shrink=_SHRINK, n_jobs=1, random_state=seed
    )
    model.fit(
        pd.concat([X, X], ignore_index=True),
        np.repeat([1, 0], len(z)),
        sample_weight=np.concatenate([z, 1.0 - z]),
        groups=np.tile(eroded.household, 2),
        time=np.tile(eroded.cut, 2),
    )
    return Severity(threshold, plain.mean_share, model)


def _shares(known: Labelled) -> Floats:
    """Return the share of the base that left, of the rows where erosion happened."""
    if known.amounts is None:
        raise ValueError("these rows are not about money")
    eroded = known.y == 1
    return np.minimum(known.amounts.lost[eroded] / known.amounts.base[eroded], 1.0)
