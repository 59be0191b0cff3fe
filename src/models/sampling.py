"""Learn from all positives and a part of the negatives; the log-odds are then too high by the logarithm of that part.

The correction is exact for a logistic model whatever the features (Prentice & Pyke 1979, "Logistic disease incidence
models and case-control studies"): the odds among the rows kept are the odds among all, divided by the rate.
"""

from __future__ import annotations

import numpy as np

from appetence.models.columns import FeatureValueError

NEGATIVES_PER_POSITIVE = 10
"""Negatives that "auto" keeps for each positive.

With K controls a case, the variance of a log-odds is 1 + 1/K times that with all controls (Ury 1975, "Efficiency of
case-control studies with multiple controls per case"): 10 cost a tenth of what there is to learn, less where clients
are seen at several dates, whose rows say much the same. On simulated books no loss could be measured.
"""

FEWEST_ROWS = 5_000
"""Rows that "auto" leaves at least: below, learning from all costs little time."""


def sampling_rate(asked: float | str | None, target: np.ndarray) -> float:
    """Return the share of the negatives to learn from.

    Parameters
    ----------
    asked
        The share; None for all; "auto" for the two constants above.
    target
        Labels, 0 or 1, of the rows that there are to learn from.

    Raises
    ------
    FeatureValueError
        A share outside (0, 1].
    """
    if asked is None:
        return 1.0
    if asked == "auto":
        positives = float(target.sum())
        wanted = max(NEGATIVES_PER_POSITIVE * positives, FEWEST_ROWS - positives)
        return min(1.0, wanted / max(len(target) - positives, 1.0))
    if isinstance(asked, str) or not 0.0 < asked <= 1.0:
        hint = "For example 0.1 keeps one in ten"
        raise FeatureValueError("negative_sampling must be 'auto', None or in (0, 1]", repr(asked), hint)
    return float(asked)


def keep(target: np.ndarray, rate: float, seed: int) -> np.ndarray:
    """Choose rows: every positive, and each negative with probability `rate`; bool of shape (n_rows,).

    Rows are drawn one by one, not by household: copies of a client at several dates say little more than one of them,
    so that a sample of rows holds more distinct clients than as many rows of whole households.
    """
    # The second word keeps the draws apart from those of data simulated with the same small seed.
    draws = np.random.default_rng([seed, 0x6E6567]).random(len(target))
    kept: np.ndarray = (target == 1) | (draws < rate)
    return kept
