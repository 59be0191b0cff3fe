"""The trend of a part of the firm over the months published: figures, and lines to draw them by."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import pyarrow as pa

from appetence.months import Month

WIDTH, HEIGHT = 240, 56
_EDGE = 5

_PARTS = {"leavers": 1_000_000, "at_stake": 100, "lifetime_value": 100, "outflow": 100, "potential": 100}
"""Whole parts of a unit in which figures are added up."""


@dataclass(frozen=True)
class Figures:
    """One month of one part of the firm; None where nothing is known."""

    month: Month
    clients: int
    high: int
    medium: int
    leavers: float | None
    at_stake: float | None
    lifetime_value: float | None
    outflow: float | None
    potential: float | None

    @property
    def start(self) -> dt.date:
        """The month's first day."""
        return self.month.start

    @property
    def rate(self) -> float | None:
        """Departures expected as a share of clients."""
        return None if self.leavers is None or not self.clients else self.leavers / self.clients


class Trends:
    """The figures of all advisors over the months published, added up for whoever asks.

    Parameters
    ----------
    table
        As `History.trend`.

    Notes
    -----
    Advisors count where they are today, with the clients that they had in each month.
    """

    def __init__(self, table: pa.Table) -> None:
        rows = table.to_pylist()
        self.months = tuple(sorted({row["month"] for row in rows}))
        self._rows: dict[str | None, list[dict[str, int | None]]] = defaultdict(list)
        for row in rows:
            self._rows[row["advisor_id"]].append(row)

    def of(self, advisors: Iterable[str | None]) -> tuple[Figures, ...]:
        """Return the figures of some advisors together, month by month."""
        rows = [row for advisor_id in advisors for row in self._rows.get(advisor_id, ())]
        return self._add_up(rows)

    def of_all(self) -> tuple[Figures, ...]:
        """Return the figures of the whole book, advisors included who have no client any more."""
        return self.of(self._rows)

    def _add_up(self, rows: Sequence[dict[str, int | None]]) -> tuple[Figures, ...]:
        found = []
        for month in self.months:
            there = [row for row in rows if row["month"] == month]
            if there:
                clients, high, medium = (_count(there, name) for name in ("clients", "high", "medium"))
                known = {name: _sum(there, name) for name in _PARTS}
                found.append(Figures(Month.parse(month), clients, high, medium, **known))
        return tuple(found)


class Line(NamedTuple):
    """A figure over time on a canvas of `WIDTH` × `HEIGHT`: a polyline, the area below, and both its ends."""

    name: str
    points: str
    area: str
    last: tuple[float, float]
    first_value: float
    last_value: float
    first_month: dt.date
    last_month: dt.date


def draw(figures: Sequence[Figures], name: str, value: Callable[[Figures], float | None]) -> Line | None:
    """Place a figure's months on the canvas; None where fewer than two months know it.

    The axis starts at zero, so that a small change looks small.
    """
    known = [(one.month, amount) for one in figures if (amount := value(one)) is not None]
    if len(known) < 2:
        return None
    first, last = known[0][0], known[-1][0]
    top, bottom = max(0.0, *(v for _, v in known)), min(0.0, *(v for _, v in known))
    span = top - bottom or 1.0
    places = [
        (
            round(_EDGE + (WIDTH - 2 * _EDGE) * (month - first) / (last - first), 1),
            round(_EDGE + (HEIGHT - 2 * _EDGE) * (top - amount) / span, 1),
        )
        for month, amount in known
    ]
    points = " ".join(f"{x},{y}" for x, y in places)
    floor = round(_EDGE + (HEIGHT - 2 * _EDGE) * top / span, 1)
    area = f"{places[0][0]},{floor} {points} {places[-1][0]},{floor}"
    return Line(name, points, area, places[-1], known[0][1], known[-1][1], first.start, last.start)


def _count(rows: Sequence[dict[str, int | None]], name: str) -> int:
    return sum(row[name] or 0 for row in rows)


def _sum(rows: Sequence[dict[str, int | None]], name: str) -> float | None:
    known = [value for row in rows if (value := row[name]) is not None]
    return sum(known) / _PARTS[name] if known else None
