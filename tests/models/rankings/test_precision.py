from __future__ import annotations

import numpy as np
import pytest

from appetence.models.metrics import MetricError
from appetence.models.rankings.precision import precisions_at_k


def test_precision_by_hand():
    bought = [[1, 0, 1], [0, 1, 0], [0, 0, 0]]
    scores = [[0.9, 0.8, 0.7], [0.9, 0.8, 0.7], [0.9, 0.8, 0.7]]
    found, best = precisions_at_k(bought, scores, k=3)
    assert found[:2].tolist() == pytest.approx([(1 + 2 / 3) / 2, 1 / 2])
    assert best[:2].tolist() == [1.0, 1.0]
    assert np.isnan(found[2])
    assert np.isnan(best[2])
    assert precisions_at_k(bought, scores, k=1)[0][:2].tolist() == [1.0, 0.0]


def test_the_ceiling_falls_with_purchases_that_were_not_on_offer():
    for missing in (-np.inf, np.nan):
        found, best = precisions_at_k([[1, 1]], [[0.2, missing]], k=2)
        assert found.tolist() == best.tolist() == [0.5]


def test_shapes_must_fit():
    with pytest.raises(MetricError):
        precisions_at_k([[1, 0]], [[0.1]], k=3)
    with pytest.raises(MetricError):
        precisions_at_k([[1]], [[0.1]], k=0)
