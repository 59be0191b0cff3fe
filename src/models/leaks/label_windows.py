"""Label windows: nothing may be learnt from months that a test looks at, over the very blocks that training will use.

Exact, so it never raises a false alarm, and a single month in common is found.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping

from appetence.models.blocks import Blocks, Origin
from appetence.models.leaks.material import Material
from appetence.models.leaks.result import Result, counted, judged
from appetence.models.questions import Question
from appetence.months import Month

HINT = "A test that shares months with what was learnt is none: this is a fault of the software, please report it"
NAME = "label windows"


def detect(material: Material) -> Result:
    """Compare the months of all label windows that are learnt from with those of the test."""
    return overlaps(material.planned, material.book.observed_until)


def overlaps(planned: Mapping[Question, Blocks], observed_until: dt.date) -> Result:
    """Return how many months are shared, over all questions and origins."""
    if not planned:
        return Result(NAME, "the book is too short for any test out of time", state="skipped")
    names, most, pairs = [], 0, 0
    for question, blocks in planned.items():
        for origin in (*blocks.tests, blocks.final):
            pairs += len(origin.fit) + len(origin.calibrate)
            for fault, months in _faults(question, origin, observed_until):
                names.append(f"{question.name}: {fault}")
                most = max(most, months)
    origins = sum(len(blocks.tests) + 1 for blocks in planned.values())
    return Result(
        NAME,
        f"{counted(pairs, 'cut')} learnt from, at {counted(origins, 'origin')} of {counted(len(planned), 'question')}",
        "months learnt from that were not over at the test",
        float(most),
        0.0,
        judged(tuple(names)),
        tuple(names),
        hint=HINT,
    )


def _faults(question: Question, origin: Origin, observed_until: dt.date) -> Iterator[tuple[str, int]]:
    """Yield what is wrong with an origin, and how many months it concerns.

    The months are listed and compared one by one, so as not to trust the arithmetic that laid the blocks out.
    """
    at = "the final model" if origin.test is None else f"test {origin.test}"
    not_over = {Month.of(origin.at) + k for k in range(question.window.gap + question.window.horizon)}
    for block, cuts in (("fit", origin.fit), ("calibration", origin.calibrate)):
        for cut in cuts:
            shared = _window(question, cut) & not_over
            if shared or cut >= origin.at:
                yield f"{block} {cut} against {at}", max(len(shared), 1)
    if set(origin.fit) & set(origin.calibrate) or max(origin.fit) >= min(origin.calibrate):
        yield f"fit and calibration of {at} are not one after the other", 1
    if origin.test is not None:
        unseen = {month for month in _window(question, origin.test) if month.start >= observed_until}
        if unseen:
            yield f"the window of {at} is not wholly observed", len(unseen)


def _window(question: Question, cut: dt.date) -> set[Month]:
    first = Month.of(cut) + question.window.gap
    return {first + k for k in range(question.window.horizon)}
