"""Calendar months and cuts: the only place that does arithmetic on them.

A *cut* is the first day of the month after the last month whose facts may be used: the cut of 2024-06 is 2024-07-01,
and a fact counts when it was known strictly before it.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from typing import overload

from appetence.errors import UsageError

_MONTH = re.compile(r"(\d{4})-(\d{2})")


@dataclass(frozen=True, order=True)
class Month:
    """A calendar month.

    >>> Month.parse("2024-12") + 1
    Month(2025-01)
    >>> Month.parse("2024-06").cut
    datetime.date(2024, 7, 1)
    >>> Month.parse("2024-03") - Month.parse("2023-12")
    3
    """

    year: int
    month: int

    def __post_init__(self) -> None:
        if not (1 <= self.month <= 12 and 1 <= self.year <= 9998):
            raise UsageError("a month must be written YYYY-MM with MM from 01 to 12", f"{self.year}-{self.month}")

    @classmethod
    def parse(cls, text: str) -> Month:
        """Read `YYYY-MM`."""
        match = _MONTH.fullmatch(text.strip())
        if match is None:
            raise UsageError("a month must be written YYYY-MM", repr(text), "For example 2024-06")
        return cls(int(match[1]), int(match[2]))

    @classmethod
    def of(cls, day: dt.date) -> Month:
        """Return the month that `day` lies in."""
        return cls(day.year, day.month)

    @classmethod
    def before(cls, cut: dt.date) -> Month:
        """Return the month whose cut this is: the last one that lies wholly before the day."""
        return cls.of(cut) - 1

    @property
    def start(self) -> dt.date:
        """The month's first day."""
        return dt.date(self.year, self.month, 1)

    @property
    def cut(self) -> dt.date:
        """The first day of the next month: facts of this month are known strictly before it."""
        return (self + 1).start

    def __add__(self, months: int) -> Month:
        year, month = divmod(self.year * 12 + self.month - 1 + months, 12)
        return Month(year, month + 1)

    @overload
    def __sub__(self, other: Month) -> int: ...
    @overload
    def __sub__(self, other: int) -> Month: ...
    def __sub__(self, other: Month | int) -> Month | int:
        if isinstance(other, Month):
            return (self.year - other.year) * 12 + self.month - other.month
        return self + -other

    def __str__(self) -> str:
        return f"{self.year:04d}-{self.month:02d}"

    def __repr__(self) -> str:
        return f"Month({self})"


def shift(cut: dt.date, months: int) -> dt.date:
    """Move a cut (a first day of a month) by whole months.

    >>> shift(dt.date(2024, 12, 1), 3)
    datetime.date(2025, 3, 1)
    """
    if cut.day != 1:
        raise UsageError("a cut must be the first day of a month", cut.isoformat())
    return (Month.of(cut) + months).start
