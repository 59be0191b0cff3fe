"""Charts with a row per feature or level, as plain numbers: swarms of dots, and means with their ranges."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from appetence.reports.charts import axis

_TOP, _BOTTOM, _RIGHT = 8, 40, 22
_DOT = 2.6
"""Distance of two dots that lie on one another, in units of the canvas."""


@dataclass(frozen=True)
class Row:
    """A row, placed: a path per class of dots, or a range as (left, right, middle)."""

    label: str
    y: float
    dots: Sequence[tuple[str, str]] = ()
    range: tuple[float, float, float] | None = None


@dataclass(frozen=True)
class RowsChart:
    """A chart of rows, placed; `zero` is where nothing is contributed."""

    title: str
    x_label: str
    x_ticks: Sequence[tuple[float, str]]
    rows: Sequence[Row]
    zero: float
    left: int
    right: int
    bottom: int
    height: int
    width: int
    top: int = _TOP


@dataclass(frozen=True)
class Dots:
    """Values of a row, and the class that each one's dot is drawn as."""

    label: str
    values: Sequence[float]
    classes: Sequence[str]


@dataclass(frozen=True)
class Range:
    """A mean with two bounds."""

    label: str
    mean: float
    low: float
    high: float


def place_rows(
    title: str,
    x_label: str,
    rows: Sequence[Dots | Range],
    text: Callable[[float], str],
    *,
    width: int,
    left: int,
    row_height: int,
) -> RowsChart:
    """Put rows on a canvas of so many units' width, below one another.

    Parameters
    ----------
    left
        Units for the labels.
    text
        Writes a tick's value.
    """
    seen = [value for row in rows for value in (row.values if isinstance(row, Dots) else (row.low, row.mean, row.high))]
    along = axis(seen, text, (0.0,))
    right, bottom = width - _RIGHT, _TOP + row_height * len(rows)
    at = along.at(left, right)
    placed = []
    for number, row in enumerate(rows):
        y = _TOP + row_height * (number + 0.5)
        if isinstance(row, Range):
            low, high, mean = (round(at(value), 1) for value in (row.low, row.high, row.mean))
            placed.append(Row(row.label, y, range=(low, high, mean)))
        else:
            paths = swarm(tuple(at(value) for value in row.values), tuple(row.classes), y, 0.44 * row_height)
            placed.append(Row(row.label, y, dots=list(paths.items())))
    return RowsChart(
        title,
        x_label,
        [(round(at(value), 1), label) for value, label in along.ticks.items()],
        placed,
        zero=round(at(0.0), 1),
        left=left,
        right=right,
        bottom=bottom,
        height=bottom + _BOTTOM,
        width=width,
    )


@lru_cache(maxsize=64)
def swarm(places: tuple[float, ...], classes: tuple[str, ...], y: float, half: float) -> Mapping[str, str]:
    """Return a path per class: a dot at each place, moved off the line where others lie already.

    Pages of both languages and the plot draw the same dots: the last ones are remembered.

    Parameters
    ----------
    half
        How far dots may be moved; a crowd is pressed together to fit.

    Examples
    --------
    >>> dict(swarm((10.0, 10.2, 30.0), ("low", "high", "low"), 50.0, 10.0))
    {'low': 'M10 50h0M30 50h0', 'high': 'M10.2 52.6h0'}
    """
    columns = np.round(np.asarray(places) / _DOT).astype(np.int64)
    crowd = int(np.unique(columns, return_counts=True)[1].max()) if len(columns) else 1
    step = min(_DOT, 2 * half / max(crowd, 1))
    taken: dict[int, int] = {}
    paths: dict[str, list[str]] = {}
    for x, column, name in zip(places, columns.tolist(), classes, strict=True):
        number = taken.get(column, 0)
        taken[column] = number + 1
        off = step * ((number + 1) // 2) * (1 if number % 2 else -1)
        paths.setdefault(name, []).append(f"M{round(x, 1):g} {round(y + off, 1):g}h0")
    return {name: "".join(dots) for name, dots in paths.items()}
