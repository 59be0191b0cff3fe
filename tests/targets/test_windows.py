from __future__ import annotations

import datetime as dt

import pytest

from appetence.errors import UsageError
from appetence.targets.windows import window


@pytest.mark.parametrize(
    ("gap", "horizon", "first", "until"),
    [(0, 1, (2024, 8), (2024, 9)), (1, 3, (2024, 9), (2024, 12)), (2, 24, (2024, 10), (2026, 10))],
)
def test_a_window_begins_after_the_gap_and_is_as_long_as_the_horizon(gap, horizon, first, until):
    assert window(dt.date(2024, 8, 1), gap, horizon) == (dt.date(*first, 1), dt.date(*until, 1))


def test_a_cut_is_a_first_of_a_month():
    with pytest.raises(UsageError, match="first day of a month"):
        window(dt.date(2024, 8, 2), 0, 1)
