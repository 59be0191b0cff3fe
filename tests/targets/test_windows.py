from __future__ import annotations

import datetime as dt

import pytest

from appetence.errors import UsageError
from appetence.targets.windows import is_matured, last_matured_cut, window


def test_a_window_is_matured_when_its_last_day_was_seen():
    cut = dt.date(2024, 8, 1)
    assert window(cut, 1, 3) == (dt.date(2024, 9, 1), dt.date(2024, 12, 1))
    assert is_matured(cut, 1, 3, dt.date(2024, 12, 1))
    assert not is_matured(cut, 1, 3, dt.date(2024, 11, 1))


@pytest.mark.parametrize("until", [dt.date(2024, 2, 1), dt.date(2024, 12, 1)])
@pytest.mark.parametrize(("gap", "horizon"), [(0, 1), (1, 6), (2, 24)])
def test_the_last_matured_cut_is_the_last(until, gap, horizon):
    cut = last_matured_cut(until, gap, horizon)
    assert is_matured(cut, gap, horizon, until)
    following = (cut + dt.timedelta(days=31)).replace(day=1)
    assert not is_matured(following, gap, horizon, until)


def test_a_cut_is_a_first_of_a_month():
    with pytest.raises(UsageError, match="first day of a month"):
        window(dt.date(2024, 8, 2), 0, 1)
