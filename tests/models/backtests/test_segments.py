from __future__ import annotations

import numpy as np
import pandas as pd

from appetence.models.backtests.segments import segments_of


def test_rows_are_grouped_by_what_is_known_of_them():
    X = pd.DataFrame(
        {
            "families_held": [1.0, 2.0, 5.0, np.nan],
            "tenure": [0.0, 12.0, 11.0, 24.0],
            "age_band": pd.Series(["36–45", None, "18–25", "18–25"], dtype="str"),
        }
    )
    found = {(one.by, one.value): one.rows.tolist() for one in segments_of(X)}
    assert found == {
        ("families", "0–1"): [0],
        ("families", "2"): [1],
        ("families", "4+"): [2],
        ("tenure", "0–11"): [0, 2],
        ("tenure", "12–23"): [1],
        ("tenure", "24–35"): [3],
        ("new", "0–23"): [0, 1, 2],
        ("new", "24+"): [3],
        ("age", "18–25"): [2, 3],
        ("age", "36–45"): [0],
    }


def test_a_group_that_holds_everyone_is_none():
    assert list(segments_of(pd.DataFrame({"client_kind": ["person", "person"], "other": [1, 2]}))) == []
