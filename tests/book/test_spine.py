from __future__ import annotations

import datetime as dt

import pyarrow as pa
import pytest

from appetence.book.spine import numbered_spine
from appetence.errors import AppetenceError

JANUARY, FEBRUARY = dt.date(2021, 1, 1), dt.date(2021, 2, 1)


def _spine(*pairs):
    return pa.table(
        {"client_id": pa.array([c for c, _ in pairs], pa.string()), "cut": pa.array([d for _, d in pairs], pa.date32())}
    )


def test_rows_are_numbered():
    found = numbered_spine(_spine(("b", FEBRUARY), ("a", JANUARY)))
    assert found["row"].to_pylist() == [0, 1]
    assert found["cut_index"].to_pylist() == [2021 * 12 + 1, 2021 * 12]


@pytest.mark.parametrize(
    ("pairs", "told"),
    [
        ([("a", JANUARY), ("a", JANUARY)], "1 rows too many"),
        ([("a", None)], "1 nulls"),
        ([(None, JANUARY)], "1 nulls"),
        ([("a", dt.date(2021, 1, 2)), ("a", JANUARY)], "another day in 1 rows"),
    ],
)
def test_what_is_no_spine_is_refused(pairs, told):
    with pytest.raises(AppetenceError, match=told):
        numbered_spine(_spine(*pairs))
