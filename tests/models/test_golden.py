from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from appetence.models.golden import Golden, make_golden
from appetence.models.severity import Severity


def fresh_rows(n: int = 500) -> pd.DataFrame:
    rng = np.random.default_rng(11)
    return pd.DataFrame(
        {
            "complained": rng.random(n) < 0.5,
            "unused": rng.random(n),
            "channel": pd.Series(rng.choice(["app", "branch", "fax"], n), dtype="str").where(rng.random(n) > 0.1),
            "balance": np.where(rng.random(n) < 0.3, np.nan, rng.lognormal(8, 2, n)),
            "tenure_months": rng.integers(0, 400, n).astype(float),
        }
    )


def test_golden_rows_are_nobodys_and_reach_missing_and_unseen_values(artefact):
    X = fresh_rows(2_000)
    golden = make_golden(artefact.classifier, X, seed=3)
    frame = golden.frame()
    assert list(frame.columns) == list(artefact.features)
    assert frame.isna().all(axis=1).any()
    assert set(frame["channel"].dropna()) - {"app", "branch", "fax"}
    rare = X.assign(balance=np.arange(2_000.0))
    rare.loc[0, "balance"] = 1e12
    assert make_golden(artefact.classifier, rare, seed=3).frame()["balance"].max() < 2_000
    expected = artefact.classifier.predict_proba(frame)[:, 1]
    np.testing.assert_allclose(golden.probabilities, expected, rtol=0, atol=1e-12)


def test_of_erosion_the_share_is_told_of_the_same_rows(artefact):
    X, severity = fresh_rows(500), Severity(0.2, 0.45, artefact.classifier)
    golden = make_golden(artefact.classifier, X, 3, severity)
    assert golden.rows == make_golden(artefact.classifier, X, 3).rows
    assert golden.shares == pytest.approx([0.2 + 0.8 * p for p in golden.probabilities])
    assert make_golden(0.1, X, 3, Severity(0.2, 0.45)) == Golden(rows={}, probabilities=[0.1], shares=[0.45])
    with pytest.raises(ValueError, match="as many shares"):
        Golden(rows={}, probabilities=[0.1], shares=[0.4, 0.5])
