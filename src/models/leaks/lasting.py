"""Who, of clients held at one old date, left or bought years later: what an attribute of that date may not know.

A fact recorded at a date loses its hold on what clients do as the years pass. A value that was written later, because
they left, does not: whoever bears it at the old date is gone by the end of the book, however late, and hardly anyone
who stayed bears it. So events are counted only from `AFTER` months after the date to the end of the book.

Both must surely hold of a value's bearers, against the other clients of the same months of joining:

- their odds of the event are more than `ODDS` times those of the others: the score test of a common odds ratio over
  strata, with the conditional mean and variance of Mantel (1963) and Breslow (1981);
- more than half of them met it (binomial): at any base rate, bearing the value is as good as having met it.

Of blanks and leaving, the first suffices: a blank is no target group, and it is often that of everyone not yet asked.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import binom, norm

from appetence.book import Book
from appetence.months import Month

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

AFTER = 12
"""Months after the old date from which events count: two reporting seasons, longer than any horizon in use here."""

FOLLOWED = 6
"""Months that must be left then."""

ODDS = 10.0
"""Ten times. Lasting traits (kind of client, how the premium is paid, how the client came) multiply hazards by two to
four; a group that left at ten times the others' rate for years would hardly be there at an old date."""

FEWEST = 20
"""Clients who bear a value, below which nothing is said of it."""

_PER_STRATUM = 50
_VARIANCE = 2.0
"""Of the bearers' events, below which their number is not nearly normal."""

_SMALLEST = 1e-300


@dataclass(frozen=True)
class Bearers:
    """The clients who bear a value, and how many met the event.

    Attributes
    ----------
    column, blank, question
        Which value that is is not told, only whether it is a blank.
    clients, events
        Who bears it, and how many of them met the event.
    errors
        By how many errors this is beyond its limits, the nearer of the two.
    """

    column: str
    blank: bool
    question: str
    clients: int
    events: int
    errors: float


def old_cut(book: Book) -> dt.date | None:
    """Return the old date, a third into the book; None where too little of the book follows it."""
    first, until = Month.of(book.observed_from), Month.of(book.observed_until)
    cut = first + (until - first) // 3
    return cut.start if until - cut >= AFTER + FOLLOWED else None


def strata(joined: pd.Series[pd.Timestamp], kind: pd.Series[str]) -> Ints:
    """Return strata of clients of one kind who joined in neighbouring months, some fifty clients each."""
    months = (joined.dt.year * 12 + joined.dt.month).to_numpy(dtype=np.int64)
    places, counts = np.unique(months, return_inverse=True, return_counts=True)[1:]
    full, code, codes = 0, 0, np.empty(len(counts), dtype=np.int64)
    for month, count in enumerate(counts):
        codes[month] = code
        full += int(count)
        if full >= _PER_STRATUM:
            full, code = 0, code + 1
    kinds = pd.factorize(kind)[0]
    return np.asarray(codes[places] * (kinds.max() + 1) + kinds, dtype=np.int64)


def bearers(column: str, question: str, levels: Ints, y: Ints, stratum: Ints) -> Iterator[Bearers]:
    """Yield each value of a column, 0 being the blank, with what became of the clients who bear it."""
    of_clients = not column.startswith("contracts.")  # a contract without an end differs from one with a term
    for level in np.unique(levels):
        marked = levels == level
        clients, events = int(marked.sum()), int(y[marked].sum())
        if not FEWEST <= clients <= len(levels) - FEWEST:
            continue
        errors = _beyond_odds(marked, y, stratum)
        blank = bool(level == 0)
        if not (blank and of_clients and question == "attrition"):
            errors = min(errors, float(norm.isf(max(binom.sf(events - 1, clients, 0.5), _SMALLEST))))
        if np.isfinite(errors):
            yield Bearers(column, blank, question, clients, events, errors)


def _beyond_odds(marked: npt.NDArray[np.bool_], y: Ints, stratum: Ints) -> float:
    """Return by how many errors the bearers' odds are above `ODDS` times the others'; -inf where too few can tell."""
    total = np.bincount(stratum).astype(np.float64)
    events = np.bincount(stratum, y, minlength=len(total)).astype(np.float64)
    ours = np.bincount(stratum, marked, minlength=len(total)).astype(np.float64)
    seen = total > 1
    mean, variance = _at_limit(total[seen], events[seen], ours[seen])
    both = np.bincount(stratum, y * marked, minlength=len(total))[seen]
    if variance.sum() < _VARIANCE:
        return -np.inf
    return float((both.sum() - mean.sum() - 0.5) / np.sqrt(variance.sum()))


def _at_limit(total: Floats, events: Floats, ours: Floats) -> tuple[Floats, Floats]:
    """Return mean and variance of the bearers' events per stratum if their odds were `ODDS` times the others'."""
    linear = total - ours - events + ODDS * (ours + events)
    root = np.sqrt(np.maximum(linear**2 - 4.0 * (ODDS - 1.0) * ODDS * ours * events, 0.0))
    mean = (linear - root) / (2.0 * (ODDS - 1.0))
    cells = np.stack([mean, ours - mean, events - mean, total - ours - events + mean])
    inverse = np.divide(1.0, cells, out=np.full(cells.shape, np.inf), where=cells > 1e-9).sum(axis=0)
    return mean, total / (total - 1.0) / inverse
