"""Label windows: closed on time, half-open, and unknown until all of them has been seen."""

from __future__ import annotations

import datetime as dt

from appetence.months import shift


def window(cut: dt.date, gap: int, horizon: int) -> tuple[dt.date, dt.date]:
    """Return a cut's label window `[cut + gap, cut + gap + horizon)` as its first day and the day after its last.

    >>> window(dt.date(2024, 11, 1), gap=1, horizon=6)
    (datetime.date(2024, 12, 1), datetime.date(2025, 6, 1))
    """
    return shift(cut, gap), shift(cut, gap + horizon)
