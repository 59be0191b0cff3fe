from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pyarrow as pa

from appetence.models.rankings.baskets import baskets_of, segments


def test_a_basket_is_what_was_known_at_the_cut(make_book):
    day = dt.date
    book = make_book(
        {
            "contracts": [
                {"client_id": "1", "product_id": "A", "opened_on": day(2020, 1, 1)},
                {"client_id": "1", "product_id": "B", "opened_on": day(2020, 1, 1), "closed_on": day(2020, 6, 1)},
                {"client_id": "2", "product_id": "A", "opened_on": day(2020, 1, 1), "closed_on": day(2020, 3, 1)},
                {"client_id": "2", "product_id": "A", "opened_on": day(2020, 4, 1)},
                {"client_id": "2", "product_id": "B", "opened_on": day(2020, 2, 1), "known_on": day(2020, 9, 1)},
                {"client_id": "2", "product_id": "C", "opened_on": day(2020, 2, 1)},
            ]
        }
    )
    cuts = pa.array([day(2020, 5, 1), day(2021, 1, 1), day(2020, 5, 1), day(2021, 1, 1)], pa.date32())
    spine = pa.table({"client_id": ["1", "1", "2", "2"], "cut": cuts})
    found = baskets_of(book, spine, ["B", "A"])  # C is not asked about
    assert found.held.astype(int).tolist() == [[1, 1], [0, 1], [0, 1], [1, 1]]
    assert found.had.astype(int).tolist() == [[1, 1], [1, 1], [0, 1], [1, 1]]
    assert found.more.astype(int).tolist() == [[0, 0], [0, 0], [0, 1], [0, 1]]
    assert len(baskets_of(book, spine.slice(0, 0), ["A"])) == 0


def test_segments_take_bands_from_those_learnt_from_and_know_what_is_missing():
    learnt = pd.DataFrame(
        {
            "client_kind": pd.Series(["person", "company"] * 5, dtype="str"),
            "income": np.arange(10.0),
            "risk_tolerance": [1.0] * 9 + [np.nan],
        }
    )
    asked = pd.DataFrame(
        {
            "client_kind": pd.Series(["company", "club", None], dtype="str"),
            "income": [100.0, -5.0, np.nan],
            "risk_tolerance": [1.0, 4.0, np.nan],
        }
    )
    known, wanted = segments(learnt, asked)
    assert wanted.tolist() == [[1, 4, 1], [-1, 0, 4], [-1, -1, -1]]
    assert np.bincount(known[:, 1]).tolist() == [2, 2, 2, 2, 2]  # bands of equal numbers
    assert segments(learnt[[]], asked[[]])[0].shape == (10, 0)
