"""All detectors on one book, and what they found as a table."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from appetence.book import Book
from appetence.config import Asking, FeatureSettings, TrainingSettings
from appetence.models.leaks import (
    households,
    identifiers,
    label_windows,
    overwritten,
    permuted_target,
    single_features,
    time_travel,
)
from appetence.models.leaks.material import Material, gather
from appetence.models.leaks.result import Result
from appetence.progress import Progress, silent

DETECTORS: tuple[tuple[str, Callable[[Material], Result]], ...] = (
    (time_travel.NAME, time_travel.detect),
    (overwritten.NAME, overwritten.detect),
    (single_features.NAME, single_features.detect),
    (label_windows.NAME, label_windows.detect),
    (permuted_target.NAME, permuted_target.detect),
    (identifiers.NAME, identifiers.detect),
    (households.NAME, households.detect),
)

SHOWN = 8
"""Names and notes shown of one detector; `--json` has all."""


@dataclass(frozen=True)
class LeakReport:
    """What the detectors found, in their order, and which questions could not be looked at."""

    results: tuple[Result, ...]
    refused: dict[str, str]

    @property
    def ok(self) -> bool:
        """Whether no detector has a finding."""
        return all(result.state != "finding" for result in self.results)

    def as_dict(self) -> dict[str, Any]:
        """Return it for JSON."""
        return {"ok": self.ok, "detectors": [result.as_dict() for result in self.results], "refused": self.refused}

    def lines(self) -> Iterator[str]:
        """Return it for a reader: a row per detector, below it where its findings are."""
        table = [("detector", "verdict", "figure", "limit", "of what"), *map(_row, self.results)]
        widths = [max(len(row[column]) for row in table) for column in range(4)]
        for row, result in zip(table, (None, *self.results), strict=True):
            yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=False)) + f"  {row[4]}"
            if result is not None:
                yield f"    looked at: {result.checked}"
                yield from (f"    found: {name}" for name in _some(result.names))
                yield from (f"    note: {note}" for note in _some(result.notes))
                if result.state == "finding":
                    yield f"    {result.hint}"
        yield from (f"not looked at: {name}: {reason}" for name, reason in self.refused.items())
        yield "no leak was found" if self.ok else "leaks were found: do not train before they are understood"


def find_leaks(
    book: Book,
    asking: Asking,
    features: FeatureSettings,
    training: TrainingSettings,
    progress: Progress = silent,
) -> LeakReport:
    """Run all detectors on a book that has passed its checks.

    Parameters
    ----------
    progress
        Told what is being looked at, and the share done.

    Raises
    ------
    UsageError
        A feature, group or segment that is not known.
    """
    progress("building the rows that training will use", 0.0)
    material = gather(book, asking, features, training)
    results = []
    for number, (name, detect) in enumerate(DETECTORS):
        progress(f"looking for leaks: {name}", 0.2 + 0.8 * number / len(DETECTORS))
        results.append(detect(material))
    return LeakReport(tuple(results), dict(material.refused))


def _row(result: Result) -> tuple[str, str, str, str, str]:
    verdict = "FINDING" if result.state == "finding" else result.state
    return result.detector, verdict, _figure(result.figure), _figure(result.limit), result.measure


def _figure(value: float) -> str:
    if math.isnan(value):
        return "-"
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:.3f}"


def _some(texts: tuple[str, ...]) -> Iterator[str]:
    yield from texts[:SHOWN]
    if len(texts) > SHOWN:
        yield f"… and {len(texts) - SHOWN} more"
