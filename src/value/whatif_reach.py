"""What it would take to reach a rise of a book's value: each lever alone, on top of a scenario."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from appetence.errors import UsageError
from appetence.value.whatif import Scenario, SegmentBook, WhatIf, what_if

Lever = Literal["multiple", "retention", "depth", "mix", "best", "worst"]


@dataclass(frozen=True)
class Needed:
    """One lever.

    Attributes
    ----------
    lever
        `multiple` (share by which it would have to rise), `retention` (added to that of the year), `depth` (products
        added per client), `mix` (share of all clients that would have to become clients of `segment`), `best` and
        `worst` (value that one client of `segment`, the one worth most or least, would need to have instead).
    needed
        What it would take; None where no amount of it is enough.
    limit
        The rise of the book's value that all there is of it gives, where it is not enough.
    today
        Of `best` and `worst`, the value now.
    """

    lever: Lever
    needed: float | None
    limit: float | None = None
    segment: str | None = None
    today: float | None = None


def needed_for(
    rise: float, book: SegmentBook, scenario: Scenario, yearly_rate: float, months: int
) -> tuple[Needed, ...]:
    """Say what each lever alone would have to do, on top of the scenario, for a rise of the book's value.

    Parameters
    ----------
    rise
        As a share of today's value: 0.6 for 60 %.

    Returns
    -------
    tuple of Needed
        Empty where the scenario reaches it already. Levers about which nothing is known are left out.
    """
    found = what_if(book, scenario, yearly_rate, months)
    if found.change >= rise:
        return ()
    wanted = (1.0 + rise) * found.value[0]
    levers = [Needed("multiple", wanted / found.value[1] - 1.0)]
    levers += _retention(rise, book, scenario, yearly_rate, months)
    levers += _depth(wanted, book, scenario, yearly_rate, months)
    levers.append(_mix(wanted, book, found))
    levers += _one_segment(rise, book, scenario, found)
    return tuple(levers)


def _retention(rise: float, book: SegmentBook, scenario: Scenario, rate: float, months: int) -> list[Needed]:
    if np.isnan(book.retention[book.clients > 0]).any():
        return []

    def change(points: float) -> float:
        return what_if(book, replace(scenario, retention=points), rate, months).change

    low, high = scenario.retention, 1.0
    most = change(high)
    if most < rise:
        return [Needed("retention", None, most)]
    for _ in range(60):  # halves the interval down to less than any figure that is told
        middle = (low + high) / 2
        low, high = (low, middle) if change(middle) >= rise else (middle, high)
    return [Needed("retention", high - scenario.retention)]


def _depth(wanted: float, book: SegmentBook, scenario: Scenario, rate: float, months: int) -> list[Needed]:
    try:
        now, one_more = (
            what_if(book, replace(scenario, cross_sell=scenario.cross_sell + more), rate, months).value[1]
            for more in (0.0, 1.0)
        )
    except UsageError:
        return []
    # the value is linear in the products added
    return [Needed("depth", (wanted - now) / (one_more - now))] if one_more > now else []


def _mix(wanted: float, book: SegmentBook, found: WhatIf) -> Needed:
    """Move clients from the segments worth least to the one worth most, until it is enough."""
    value = np.nan_to_num(found.client_value)
    there = (found.mix[1] > 0) | (book.clients > 0)
    best = int(np.argmax(np.where(there, value, -np.inf)))
    missing, moved = (wanted - found.value[1]) / book.clients.sum(), 0.0
    for place in np.argsort(np.where(there, value, np.inf)):
        gain, share = value[best] - value[place], float(found.mix[1][place])
        if place == best or not there[place] or gain <= 0:
            continue
        if share * gain >= missing:
            return Needed("mix", moved + missing / gain, segment=book.names[best])
        missing, moved = missing - share * gain, moved + share
    limit = float(value[best] * book.clients.sum() / found.value[0] - 1.0)
    return Needed("mix", None, limit, book.names[best])


def _one_segment(rise: float, book: SegmentBook, scenario: Scenario, found: WhatIf) -> list[Needed]:
    """Say what the segments worth most and least would have to be worth, before and after, for the mix to be enough."""
    if scenario.retention or scenario.cross_sell or scenario.multiple or not scenario.mix:
        return []
    before, after = found.mix
    value = np.where(np.isnan(book.value), 0.0, book.value)
    there = np.flatnonzero((before > 0) | (after > 0))
    levers: list[Needed] = []
    ends: tuple[tuple[Lever, int], ...] = (
        ("best", int(there[np.argmax(value[there])])),
        ("worst", int(there[np.argmin(value[there])])),
    )
    for lever, at in ends:
        rest = [float(shares @ value - shares[at] * value[at]) for shares in (before, after)]
        # (after·x + rest') = (1 + rise)·(before·x + rest)
        slope = float(after[at] - (1.0 + rise) * before[at])
        x = ((1.0 + rise) * rest[0] - rest[1]) / slope if slope else np.nan
        possible = np.isfinite(x) and before[at] * x + rest[0] > 0 and (lever == "worst" or x > value[at])
        limit = None
        if not possible:
            limit = float(after[at] / before[at] - 1.0) if before[at] > 0 else None
        if possible or limit is not None:
            found_value = float(x) if possible else None
            levers.append(Needed(lever, found_value, limit, book.names[at], float(value[at])))
    return levers
