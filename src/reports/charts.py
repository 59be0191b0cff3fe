"""Charts as plain numbers: where lines, dots and marks go on a small canvas; a template draws them as inline SVG."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

WIDTH, HEIGHT = 420, 260
_LEFT, _RIGHT, _TOP, _BOTTOM = 58, 22, 12, 40
_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)

Point = tuple[float, float]


@dataclass(frozen=True)
class Series:
    """Points of one scorer; a range where its figure has an interval; joined by a line or not.

    Dots are drawn where `dotted` says so; by default of the model alone.

    `label` is what the key says where that is no word of the page's own: a year.
    """

    name: str
    points: Sequence[Point]
    ranges: Sequence[tuple[float, float, float]] = ()
    joined: bool = True
    label: str = ""
    dotted: bool | None = None


@dataclass(frozen=True)
class Drawn:
    """A series on the canvas: a polyline's points as SVG has them, dots, and ranges as (x, top, bottom)."""

    name: str
    line: str
    dots: Sequence[Point]
    ranges: Sequence[tuple[float, float, float]]
    label: str
    dotted: bool


@dataclass(frozen=True)
class Chart:
    """A chart, placed: ticks as (position, text), a guide to compare with, and the series.

    Attributes
    ----------
    left, right, top, bottom
        Edges of the plot on the canvas of `WIDTH` × `HEIGHT`.
    """

    title: str
    x_label: str
    y_label: str
    x_ticks: Sequence[tuple[float, str]]
    y_ticks: Sequence[tuple[float, str]]
    guide: str
    series: Sequence[Drawn]
    left: int = _LEFT
    right: int = WIDTH - _RIGHT
    top: int = _TOP
    bottom: int = HEIGHT - _BOTTOM
    width: int = WIDTH
    height: int = HEIGHT


@dataclass(frozen=True)
class Axis:
    """The values an axis spans, and its ticks: {value: text}."""

    low: float
    high: float
    ticks: Mapping[float, str] = field(default_factory=dict)

    def at(self, start: float, end: float) -> Callable[[float], float]:
        """Return the function that places a value between two edges of the canvas; beyond them it stays on the edge."""
        span = (self.high - self.low) or 1.0
        return lambda value: start + (end - start) * min(max((value - self.low) / span, 0.0), 1.0)


def axis(values: Sequence[float], text: Callable[[float], str], include: Sequence[float] = ()) -> Axis:
    """Return an axis over values with round ticks, four or so.

    >>> list(axis([0.03, 0.41], str).ticks.values())
    ['0.0', '0.1', '0.2', '0.3', '0.4', '0.5']
    """
    known = [value for value in (*values, *include) if np.isfinite(value)] or [0.0, 1.0]
    low, high = min(known), max(known)
    span = (high - low) or abs(high) or 1.0
    size = 10.0 ** np.floor(np.log10(span / 4))
    step = size * min(_STEPS, key=lambda one: abs(span / (size * one) - 4))
    first, last = int(np.floor(low / step + 1e-9)), int(np.ceil(high / step - 1e-9))
    ticks = {float(round(k * step, 10)): text(float(round(k * step, 10))) for k in range(first, last + 1)}
    return Axis(min(first * step, low), max(last * step, high), ticks)


def place(
    title: str,
    labels: tuple[str, str],
    axes: tuple[Axis, Axis],
    series: Sequence[Series],
    guide: Sequence[Point] = (),
) -> Chart:
    """Put series on the canvas.

    Parameters
    ----------
    title, labels
        In words; of the horizontal and of the vertical axis.
    axes
        Horizontal, vertical.
    guide
        Points of a line to compare with.
    """
    x, y = axes[0].at(_LEFT, WIDTH - _RIGHT), axes[1].at(HEIGHT - _BOTTOM, _TOP)
    drawn = []
    for one in series:
        points = [(round(x(a), 1), round(y(b), 1)) for a, b in one.points if np.isfinite(b)]
        ranges = [(round(x(a), 1), round(y(high), 1), round(y(low), 1)) for a, low, high in one.ranges if low <= high]
        line = _line(points) if one.joined else ""
        dotted = one.name == "model" if one.dotted is None else one.dotted
        drawn.append(Drawn(one.name, line, points, ranges, one.label, dotted))
    return Chart(
        title,
        *labels,
        x_ticks=[(round(x(value), 1), text) for value, text in axes[0].ticks.items()],
        y_ticks=[(round(y(value), 1), text) for value, text in axes[1].ticks.items()],
        guide=_line([(round(x(a), 1), round(y(b), 1)) for a, b in guide]),
        series=drawn,
    )


def _line(points: Sequence[Point]) -> str:
    return " ".join(f"{x:g},{y:g}" for x, y in points)
