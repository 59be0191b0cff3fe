"""How good an order of products is for each client: average precision at k, beside the most that it could be."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from appetence.models.metrics import MetricError

Floats = npt.NDArray[np.float64]


def precisions_at_k(bought: Any, scores: Any, k: int) -> tuple[Floats, Floats]:
    """Return the average precision at k of each row, and the most that any order could have had.

    AP@k of a row is Σ_{i ≤ k} precision(i)·bought(i) / min(bought in all, k); MAP@k is its mean over the rows that
    bought anything. Options with the score -inf or NaN are not on offer: a purchase among them cannot be found, and
    lowers the most that could be had.

    Parameters
    ----------
    bought
        Booleans of shape (n_rows, n_options).
    scores
        Scores of the same shape; equal scores rank in the order of the columns.
    k
        Length of the list.

    Returns
    -------
    tuple of ndarray of float
        (n_rows,) each; NaN for rows that bought nothing.

    Raises
    ------
    MetricError
        Shapes differ, or k is not positive.
    """
    bought, scores = np.asarray(bought, dtype=bool), np.asarray(scores, dtype=np.float64)
    if bought.shape != scores.shape or bought.ndim != 2 or k < 1:
        raise MetricError("bought and scores must have one shape (n_rows, n_options), and k be positive", bought.shape)
    offered = np.isfinite(scores) | (scores == np.inf)
    order = np.argsort(np.where(offered, -scores, np.inf), axis=1, kind="stable")
    ranked = np.take_along_axis(bought & offered, order, axis=1)
    reachable = -np.sort(-(bought & offered).astype(np.int8), axis=1) > 0
    total = bought.sum(axis=1)
    wanted = np.where(total > 0, np.minimum(total, k), np.nan)
    return _precision(ranked, wanted, k), _precision(reachable, wanted, k)


def _precision(ranked: npt.NDArray[np.bool_], wanted: Floats, k: int) -> Floats:
    hits = ranked[:, :k]
    precision = np.cumsum(hits, axis=1) / np.arange(1, hits.shape[1] + 1)
    return np.asarray((precision * hits).sum(axis=1) / wanted, dtype=np.float64)
