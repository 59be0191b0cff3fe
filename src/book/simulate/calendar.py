"""The months observed, as day numbers since 1970-01-01."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field

import numpy as np

from appetence.book.simulate.arrays import Ints
from appetence.months import Month

_EPOCH = dt.date(1970, 1, 1).toordinal()
DAYS_PER_MONTH = 365.25 / 12


def day_number(day: dt.date) -> int:
    """Return the days since 1970-01-01.

    >>> day_number(dt.date(1970, 2, 1))
    31
    """
    return day.toordinal() - _EPOCH


@dataclass(frozen=True)
class Calendar:
    """Months 0 … `months` - 1 from `first` on; `start(months)` is the end of the window, exclusive.

    >>> calendar = Calendar(Month.parse("2021-01"), 12)
    >>> calendar.start(1) - calendar.start(0)
    31
    >>> calendar.of_year(13)
    1
    """

    first: Month
    months: int
    starts: Ints = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        starts = [day_number((self.first + t).start) for t in range(self.months + 1)]
        object.__setattr__(self, "starts", np.array(starts, dtype=np.int64))

    def start(self, month: int) -> int:
        """First day of a month of the window; of `months`, the first day after it."""
        return int(self.starts[month])

    @property
    def end(self) -> int:
        """First day after the window."""
        return self.start(self.months)

    def of_year(self, month: int) -> int:
        """Return 0 for January … 11 for December; `month` may lie outside the window."""
        return (self.first.month - 1 + month) % 12

    def month_of(self, days: Ints) -> Ints:
        """Return the month of each day, exact inside the window and by mean months before it."""
        inside = np.searchsorted(self.starts, days, side="right") - 1
        before = np.floor((days - self.start(0)) / DAYS_PER_MONTH).astype(np.int64)
        return np.where(days < self.start(0), np.minimum(before, -1), inside)

    def days(self, rng: np.random.Generator, month: int, size: int) -> Ints:
        """Draw days of a month, uniformly."""
        return rng.integers(self.start(month), self.start(month + 1), size)
