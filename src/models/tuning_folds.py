"""The dates that judge a set of parameters: inside the training period, before calibration and test."""

from __future__ import annotations

import datetime as dt

from appetence.config import TrainingSettings
from appetence.models.blocks import Origin, Window, plan_blocks
from appetence.months import Month

LONGEST_BOOK = 600
"""Months up to which a book that would be long enough is looked for."""


def plan_folds(
    first: Origin, observed_from: dt.date, window: Window, settings: TrainingSettings, wanted: int
) -> tuple[Origin, ...]:
    """Return the origins that judge trials, newest first: what could have been made, and tested, before the first test.

    They lie `test_spacing` months apart, as test dates do, or `every` where the book is too short for as many; labels
    of neighbours then overlap.

    Parameters
    ----------
    first
        The origin of the first test date. Its fit cuts are the dates: their windows have closed by then, and they lie
        before its calibration cuts.
    wanted
        Folds at most.
    """
    possible = []
    for cut in reversed(first.fit):
        blocks = plan_blocks(observed_from, window.closes(cut), window, settings, tests=1)
        if blocks is not None:
            possible.append(blocks.tests[0])
    spaced: list[Origin] = []
    for origin in possible:
        if not spaced or Month.of(spaced[-1].at) - Month.of(origin.at) >= settings.test_spacing:
            spaced.append(origin)
    return tuple(spaced if len(spaced) >= wanted else possible)[:wanted]


def months_to_tune(window: Window, settings: TrainingSettings) -> int:
    """Return the months of book without which there is no fold."""
    start = Month(2000, 1)
    for months in range(1, LONGEST_BOOK):
        blocks = plan_blocks(start.start, (start + months).start, window, settings)
        if blocks is not None and plan_folds(blocks.tests[0], start.start, window, settings, 1):
            return months
    return LONGEST_BOOK
