"""Time blocks: which cuts and which households a model is fitted, calibrated and tested on.

Blocks stand in time order, fit < calibrate < test, and are *purged*: a snapshot is used for fitting or calibrating only
if its label window has closed by the test cut, so that nothing is learnt from what was not known then. Households are
split once, by a stable hash, into those that models are fitted on and those kept for calibration: the two sides share
neither a cut nor a household nor a client. Once the slope is calibrated the model is fitted again on both sides; the
test cut stays unseen.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from appetence.config import TrainingSettings
from appetence.months import Month
from appetence.targets.windows import window


@dataclass(frozen=True)
class Window:
    """The label window of a question: [cut + gap, cut + gap + horizon) in months."""

    horizon: int
    gap: int = 0

    def closes(self, cut: dt.date) -> dt.date:
        """Return the first day after the label window of a snapshot at `cut`: its label is known from then on."""
        return window(cut, self.gap, self.horizon)[1]


@dataclass(frozen=True)
class Origin:
    """What may be learnt at one date, and what it is tested on.

    Attributes
    ----------
    at
        The date at which the model could have been made: the test cut, or the end of the book for the final model.
    fit, calibrate
        Cuts, ascending; all of `fit` lie before all of `calibrate`.
    test
        The cut whose snapshots are scored once; None for the final model.
    """

    at: dt.date
    fit: tuple[dt.date, ...]
    calibrate: tuple[dt.date, ...]
    test: dt.date | None

    @property
    def cuts(self) -> tuple[dt.date, ...]:
        """All cuts whose snapshots this origin needs."""
        return (*self.fit, *self.calibrate, *(() if self.test is None else (self.test,)))


@dataclass(frozen=True)
class Blocks:
    """All origins of a question: test dates, oldest first, and the final model."""

    tests: tuple[Origin, ...]
    final: Origin

    @property
    def cuts(self) -> tuple[dt.date, ...]:
        """All cuts needed, ascending."""
        return tuple(sorted({cut for origin in (*self.tests, self.final) for cut in origin.cuts}))


def plan_blocks(
    observed_from: dt.date,
    observed_until: dt.date,
    window: Window,
    settings: TrainingSettings,
    tests: int | None = None,
) -> Blocks | None:
    """Lay out the blocks of a question over the months that the book shows.

    Parameters
    ----------
    observed_from, observed_until
        First days of months; the second is exclusive.
    window
        Gap and horizon of the question.
    settings
        `every`, `history`, `tests` and `test_spacing` are used.
    tests
        Test dates wanted, instead of `settings.tests`. A short book gives fewer.

    Returns
    -------
    Blocks or None
        None where not even one test date is possible: see `months_needed`.
    """
    first, until = Month.of(observed_from) + settings.history, Month.of(observed_until)
    newest = until - (window.gap + window.horizon)
    grid = tuple(m.start for m in (newest - k * settings.every for k in range(_steps(newest - first, settings.every))))
    found = []
    for k in range(settings.tests if tests is None else tests):
        test = (newest - k * settings.test_spacing).start
        origin = _origin(grid, test, test, window)
        if origin is not None:
            found.append(origin)
    final = _origin(grid, observed_until, None, window)
    if not found or final is None:
        return None
    return Blocks(tuple(reversed(found)), final)


def months_needed(window: Window, settings: TrainingSettings) -> int:
    """Return the months of book without which no model can be fitted, calibrated and tested once.

    One label window for the test and, before it, one for the calibration cut, with a cut to fit on `every` months
    earlier, after `history` months. Cuts lie on a grid counted back from the newest test cut.
    """
    span = window.gap + window.horizon
    purge = -(-span // settings.every) * settings.every  # the last grid cut at least a window before the test cut
    return settings.history + settings.every + purge + span


def _steps(months: int, every: int) -> int:
    return months // every + 1 if months >= 0 else 0


def _origin(grid: Iterable[dt.date], at: dt.date, test: dt.date | None, window: Window) -> Origin | None:
    """Split the cuts that have matured by `at`; None where there are not two.

    Calibration gets the newest cuts, those whose label windows overlap the newest one, but no more than a third: the
    older ones are what the model is fitted on.
    """
    matured = sorted(cut for cut in grid if window.closes(cut) <= at)
    if len(matured) < 2:
        return None
    newest = Month.of(matured[-1])
    recent = sum(newest - Month.of(cut) < window.horizon for cut in matured)
    split = len(matured) - max(1, min(recent, len(matured) // 3))
    return Origin(at, tuple(matured[:split]), tuple(matured[split:]), test)


def held_out(groups: Iterable[str], share: float, seed: int) -> npt.NDArray[np.bool_]:
    """Say which households are kept out of the fit, for calibration.

    A household's side depends on its id and the seed only: it stays the same whoever else is in the book, from one
    training to the next and on every machine.

    Parameters
    ----------
    groups
        (n,) household ids, or client ids where a client belongs to none.
    share
        Part of the households kept out, between 0 and 1.

    Returns
    -------
    ndarray of bool
        (n,)
    """
    side: dict[str, bool] = {}
    limit = share * 2.0**64
    out = []
    for group in groups:
        if group not in side:
            digest = hashlib.blake2b(f"{seed}:{group}".encode(), digest_size=8).digest()
            side[group] = int.from_bytes(digest, "big") < limit
        out.append(side[group])
    return np.array(out, dtype=bool)
