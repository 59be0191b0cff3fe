"""Label windows: closed on time, half-open, and unknown until all of them has been seen."""

from __future__ import annotations

import datetime as dt

from appetence.months import Month, shift


def window(cut: dt.date, gap: int, horizon: int) -> tuple[dt.date, dt.date]:
    """Return a cut's label window `[cut + gap, cut + gap + horizon)` as its first day and the day after its last.

    >>> window(dt.date(2024, 11, 1), gap=1, horizon=6)
    (datetime.date(2024, 12, 1), datetime.date(2025, 6, 1))
    """
    return shift(cut, gap), shift(cut, gap + horizon)


def is_matured(cut: dt.date, gap: int, horizon: int, observed_until: dt.date) -> bool:
    """Return whether the firm's records show the whole of a cut's label window."""
    return window(cut, gap, horizon)[1] <= observed_until


def last_matured_cut(observed_until: dt.date, gap: int, horizon: int) -> dt.date:
    """Return the newest cut whose label window is wholly observed.

    >>> last_matured_cut(dt.date(2025, 1, 1), gap=0, horizon=6)
    datetime.date(2024, 7, 1)
    """
    return shift(Month.of(observed_until).start, -(gap + horizon))
