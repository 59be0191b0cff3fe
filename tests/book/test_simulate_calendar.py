from __future__ import annotations

import datetime as dt

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from appetence.book.simulate.calendar import Calendar, day_number
from appetence.months import Month

CALENDAR = Calendar(Month.parse("2021-11"), 30)


@given(st.dates(dt.date(2021, 11, 1), dt.date(2024, 4, 30)))
def test_the_month_of_a_day_inside_is_exact(day: dt.date) -> None:
    expected = Month.of(day) - Month.parse("2021-11")
    assert CALENDAR.month_of(np.array([day_number(day)])).tolist() == [expected]


@given(st.dates(dt.date(1980, 1, 1), dt.date(2021, 10, 31)))
def test_the_month_of_a_day_before_is_negative_and_near(day: dt.date) -> None:
    expected = Month.of(day) - Month.parse("2021-11")
    got = int(CALENDAR.month_of(np.array([day_number(day)]))[0])
    assert got < 0
    assert abs(got - expected) <= 1


def test_starts_are_the_cuts_and_the_end_is_exclusive() -> None:
    assert CALENDAR.start(2) == day_number(dt.date(2022, 1, 1))
    assert CALENDAR.end == day_number(dt.date(2024, 5, 1))
    assert [CALENDAR.of_year(month) for month in (0, 1, 2, 14)] == [10, 11, 0, 0]


def test_days_stay_in_their_month() -> None:
    days = CALENDAR.days(np.random.default_rng(1), 3, 2000)
    assert days.min() == day_number(dt.date(2022, 2, 1))
    assert days.max() == day_number(dt.date(2022, 2, 28))
