import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appetence.errors import UsageError
from appetence.months import Month, shift

months = st.builds(Month, st.integers(1900, 2100), st.integers(1, 12))


@given(months, st.integers(-500, 500))
def test_adding_months_is_undone_by_taking_them_off(month, steps):
    assert (month + steps) - steps == month
    assert (month + steps) - month == steps


@given(months)
def test_the_cut_is_the_day_after_the_months_last_day(month):
    last_day = month.cut - dt.timedelta(days=1)
    assert Month.of(last_day) == month
    assert Month.before(month.cut) == month


@given(months)
def test_a_month_reads_back_as_it_is_written(month):
    assert Month.parse(str(month)) == month


@pytest.mark.parametrize("text", ["2024", "2024-13", "2024-00", "24-01", "2024-1", "2024/01", "", "2024-01-01"])
def test_anything_else_is_refused(text):
    with pytest.raises(UsageError, match="YYYY-MM"):
        Month.parse(text)


def test_only_a_first_day_can_be_shifted():
    assert shift(dt.date(2024, 1, 1), -1) == dt.date(2023, 12, 1)
    with pytest.raises(UsageError, match="first day"):
        shift(dt.date(2024, 1, 2), 1)
