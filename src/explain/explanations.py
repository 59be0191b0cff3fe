"""A whole estimator's contributions, as shap's plots take them."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from appetence.explain.contributions import explain
from appetence.models import PropensityClassifier

if TYPE_CHECKING:
    import shap


def explanation(classifier: PropensityClassifier, X: Any) -> shap.Explanation:
    """Return what an estimator's scores are made of: linear part and trees together, in calibrated log-odds.

    Parameters
    ----------
    classifier
        A fitted estimator.
    X
        (n, n_features) rows as its `predict_proba` takes them: a frame, an Arrow table or an array.

    Returns
    -------
    shap.Explanation
        `values` (n, n_features), exact Shapley values; `base_values` (n,), so that a row's sum is its
        `decision_function`; `data` as the estimator codes it, by which plots are coloured; `display_data` as it was
        given; and the features' names.

    Examples
    --------
    >>> X = pd.DataFrame(np.random.default_rng(0).normal(size=(200, 2)), columns=["age", "assets"])
    >>> model = PropensityClassifier(max_rounds=5).fit(X, X["age"] > 0)
    >>> found = explanation(model, X)
    >>> found.feature_names, found.values.shape
    (['age', 'assets'], (200, 2))
    >>> bool(np.allclose(found.base_values + found.values.sum(axis=1), model.decision_function(X), atol=1e-6))
    True
    """
    with warnings.catch_warnings():  # what matplotlib says of shap's colour maps, where both are installed
        warnings.simplefilter("ignore")
        from shap import Explanation  # shap takes seconds to import, and only this needs it

    found = explain(classifier, X)
    names = [str(name) for name in getattr(classifier, "feature_names_in_", [])]
    shown = X.to_pandas() if hasattr(X, "to_pandas") else X
    if isinstance(shown, pd.DataFrame) and names:
        shown = shown[names]  # in the estimator's order, as the contributions are
    return Explanation(
        values=found.phi,
        base_values=np.full(len(found.phi), found.bias),
        data=classifier.encode(X),
        display_data=np.asarray(shown, dtype=object),
        feature_names=names or [f"feature {j}" for j in range(found.phi.shape[1])],
    )
