"""What a detector says: one row of the table, the same shape from all of them."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any, Literal

ALARM = 0.002
"""Chance that a detector which rests on chance raises its alarm on a clean book. Four do (single features, attributes
overwritten, target permuted, identifiers): less than one clean book in a hundred. The other three compare exactly."""

State = Literal["clear", "note", "finding", "skipped"]


@dataclass(frozen=True)
class Result:
    """What one detector found in a book.

    Attributes
    ----------
    detector
        Its name.
    checked
        What was looked at, and how much of it; of a detector that was skipped, why.
    measure, figure, limit
        What was measured, how large it came out at its worst, and what it may be. NaN where nothing was measured.
    state
        `finding`: evidence that the future is in it. `note`: nothing proves it, somebody should look. `clear`.
        `skipped`: this book cannot be asked.
    names
        Where the findings are, the worst first: features, columns, products, questions, dates. Never a client.
    notes
        What is worth a look without being evidence.
    hint
        What a finding of this detector means, and what to do.
    """

    detector: str
    checked: str
    measure: str = ""
    figure: float = math.nan
    limit: float = math.nan
    state: State = "clear"
    names: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    hint: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Return it for JSON; a figure that was not measured is null."""
        told = asdict(self)
        return told | {name: None if math.isnan(told[name]) else told[name] for name in ("figure", "limit")}


def judged(names: tuple[str, ...], notes: tuple[str, ...] = ()) -> State:
    """Return the state of a detector that was run: names of findings decide, then notes."""
    if names:
        return "finding"
    return "note" if notes else "clear"


def counted(number: int, one: str, many: str | None = None) -> str:
    """Return a number with its noun.

    >>> counted(1, "row"), counted(1200, "row")
    ('1 row', '1,200 rows')
    """
    return f"{number:,} {one if number == 1 else many or one + 's'}"
