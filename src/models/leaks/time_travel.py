"""Time travel: features and population of old cuts may not change with facts that were known later.

Exact, so it never raises a false alarm: what is not even the same when it is built twice is a note. A feature is
caught if one row of those looked at changes; a leak that touches a share s of n rows is missed with probability
(1 - s)^n, 1 in 20 for 3 rows in 1,000 of 1,000 rows.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from appetence.book import Book
from appetence.book.clocks import BookEngine
from appetence.config import FeatureSettings
from appetence.errors import AppetenceError
from appetence.features.pipeline import build_features
from appetence.features.population import population
from appetence.models.leaks.later import WithOtherLater, WithoutLater
from appetence.models.leaks.material import Material, sampled, spread_cuts
from appetence.models.leaks.result import Result, counted, judged

NAME = "time travel"
CUTS = 3
MOST_CLIENTS = 5_000
HINT = "These read facts that were not known yet: limit them to facts known before the cut, as `known` does"
POPULATION = "the population itself"

WAYS: tuple[tuple[str, Callable[[Book, dt.date], WithoutLater]], ...] = (
    ("deleted", WithoutLater),
    ("replaced", WithOtherLater),
)


def detect(material: Material) -> Result:
    """Build features at a few old cuts as they are, without the later facts, and with other later facts."""
    return travel(material.book, material.settings, material.training.seed)


def travel(book: Book, settings: FeatureSettings, seed: int, cuts: int = CUTS) -> Result:
    """Compare features and population at `cuts` cuts spread over the book, bit by bit."""
    days = spread_cuts(book, cuts)
    spine, told = sampled(population(book, days), book.execute(book.table("clients")), MOST_CLIENTS * len(days), seed)
    base = build_features(book, spine, settings).data
    rows: Counter[str] = Counter()
    notes = []
    for day in days:
        here = base.filter(pc.equal(base["cut"], pa.scalar(day, pa.date32())))
        there = population(book, [day])
        for way, other in WAYS:
            for name, count in _changed(here, there, other(book, day), [day], settings).items():
                rows[name] = max(rows[name], count)
                notes.append(f"{name}: other in {counted(count, 'row')} at {day} with later facts {way}")
    if rows:
        for name in _changed(base, population(book, days), book, days, settings):
            notes = [f"{name}: not the same when built twice, whatever the facts", *_without(notes, name)]
            del rows[name]
    names = tuple(name for name, _ in rows.most_common())
    return Result(
        NAME,
        f"{base.num_columns - 2} features and the population of {told} at {', '.join(map(str, days))}, with all later "
        "facts deleted, and replaced",
        "rows that change",
        float(max(rows.values(), default=0)),
        0.0,
        judged(names, tuple(notes)),
        names,
        tuple(notes),
        HINT,
    )


def _changed(
    base: pa.Table, there: pa.Table, other: BookEngine, days: list[dt.date], settings: FeatureSettings
) -> dict[str, int]:
    """Return in how many rows each feature, and the population, differ on another book."""
    found = {}
    then = population(other, days)
    if not then.equals(there):
        before, after = set(there["client_id"].to_pylist()), set(then["client_id"].to_pylist())
        found[POPULATION] = len(before ^ after)
    try:
        built = build_features(other, base.select(["client_id", "cut"]), settings).data
    except AppetenceError as error:  # a firm's own group that cannot do without the later facts
        return found | {f"no features can be built: {error.requirement}": base.num_rows}
    for name in base.column_names[2:]:
        count = _differing(base[name], built[name]) if name in built.column_names else base.num_rows
        if count:
            found[name] = count
    return found


def _without(notes: list[str], name: str) -> list[str]:
    return [note for note in notes if not note.startswith(f"{name}: ")]


def _differing(one: pa.ChunkedArray, two: pa.ChunkedArray) -> int:
    """Count the rows that are not the same to the bit; null is like null."""
    if pa.types.is_floating(one.type):
        bits = [np.asarray(column.fill_null(0.0).to_numpy()).view(np.int64) for column in (one, two)]
        values = bits[0] != bits[1]
    else:
        values = np.asarray(pc.fill_null(pc.not_equal(one, two), False))
    nulls = np.asarray(one.is_null()) != np.asarray(two.is_null())
    return int((values | nulls).sum())
