"""What is drawn of a search: tables as CSV, and the same as plain SVG, which MLflow shows without a drawing library."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from xml.sax.saxutils import escape

from appetence.models.search import Trial
from appetence.models.search_space import SPACE

_WIDTH, _HEIGHT = 320, 200
_LEFT, _RIGHT, _TOP, _BOTTOM = 62, 12, 26, 36
_DOT, _LINE = "#1f5f8b", "#b5452c"
_LOSS = "log-loss inside the training period"
_NAME_WIDTH, _ROW = 130, 22

Point = tuple[float, float]


def study_files(trials: Sequence[Trial], importances: Mapping[str, float]) -> dict[str, str]:
    """Return the plots of a study, {path: content}: its history, its parameters' importances, and slices.

    Parameters
    ----------
    trials
        Finished trials, in their order.
    importances
        {parameter: share}; without any there is no such plot.
    """
    if not trials:
        return {}
    files = {
        "study/trials.csv": _table(trials),
        "study/history.svg": _page([_history(trials)], 1),
        "study/slices.svg": _page([_slice(name, trials) for name in SPACE], 3),
    }
    if importances:
        rows = [f"{name},{share:.6g}" for name, share in importances.items()]
        files["study/importances.csv"] = "\n".join(["parameter,importance", *rows]) + "\n"
        files["study/importances.svg"] = _bars(importances)
    return files


def _table(trials: Sequence[Trial]) -> str:
    folds = max(len(trial.losses) for trial in trials)
    header = ["trial", "state", "loss", *(f"fold_{k}" for k in range(folds)), *SPACE]
    lines = [",".join(header)]
    for trial in trials:
        losses = [f"{loss:.10g}" for loss in trial.losses] + [""] * (folds - len(trial.losses))
        drawn = ["" if trial.drawn[name] is None else str(trial.drawn[name]) for name in SPACE]
        lines.append(",".join([str(trial.number), trial.state, f"{trial.loss:.10g}", *losses, *drawn]))
    return "\n".join(lines) + "\n"


def _history(trials: Sequence[Trial]) -> str:
    """Draw each complete trial, and the best so far."""
    complete = [trial for trial in trials if trial.state == "complete"]
    points = [(float(trial.number), trial.loss) for trial in complete]
    best = [(x, min(y for _, y in points[: k + 1])) for k, (x, _) in enumerate(points)]
    return _panel("Complete trials, and the best so far", "trial", points, best)


def _slice(name: str, trials: Sequence[Trial]) -> str:
    """Draw the loss over one parameter; values that are no numbers stand at places of their own, named below."""
    complete = [trial for trial in trials if trial.state == "complete"]
    values = [trial.drawn[name] for trial in complete]
    choices = getattr(SPACE[name], "choices", None)
    if choices is None:
        return _panel(name, name, [(float(v), t.loss) for v, t in zip(values, complete, strict=True)], ())
    places = {choice: float(place) for place, choice in enumerate(choices)}
    points = [(places[v], t.loss) for v, t in zip(values, complete, strict=True)]
    return _panel(name, " · ".join("by rows" if c is None else str(c) for c in choices), points, (), len(choices) - 1)


def _panel(title: str, below: str, points: Sequence[Point], line: Sequence[Point], last: float | None = None) -> str:
    """Draw points over axes that are labelled with their ends; `last` fixes the end of the horizontal one."""
    if not points:
        return _text(_LEFT, _TOP, f"{title}: no complete trial")
    xs, ys = [x for x, _ in points], [y for _, y in points]
    x0, x1 = (min(xs), max(xs)) if last is None else (0.0, last)
    y0, y1 = min(ys), max(ys)
    right, bottom = _WIDTH - _RIGHT, _HEIGHT - _BOTTOM

    def place(point: Point) -> Point:
        across = (point[0] - x0) / (x1 - x0) if x1 > x0 else 0.5
        up = (point[1] - y0) / (y1 - y0) if y1 > y0 else 0.5
        return _LEFT + across * (right - _LEFT), bottom - up * (bottom - _TOP)

    parts = [
        _text(_LEFT, 14, title, weight="bold"),
        f'<path d="M{_LEFT} {_TOP}V{bottom}H{right}" fill="none" stroke="#444"/>',
        _text(_LEFT - 5, _TOP + 4, f"{y1:.5g}", "end"),
        _text(_LEFT - 5, bottom, f"{y0:.5g}", "end"),
        _text((_LEFT + right) / 2, _HEIGHT - 6, below, "middle"),
    ]
    if last is None:
        parts += [_text(_LEFT, bottom + 14, f"{x0:.3g}"), _text(right, bottom + 14, f"{x1:.3g}", "end")]
    if line:
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in map(place, line))
        parts.append(f'<polyline points="{path}" fill="none" stroke="{_LINE}" stroke-width="1.5"/>')
    parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{_DOT}"/>' for x, y in map(place, points)]
    return "".join(parts)


def _page(panels: Sequence[str], columns: int) -> str:
    """Put panels side by side."""
    rows = -(-len(panels) // columns)
    placed = [
        f'<g transform="translate({_WIDTH * (k % columns)} {_HEIGHT * (k // columns)})">{panel}</g>'
        for k, panel in enumerate(panels)
    ]
    return _svg(_WIDTH * columns, _HEIGHT * rows, placed, _LOSS)


def _bars(importances: Mapping[str, float]) -> str:
    most = max(importances.values()) or 1.0
    parts = []
    for row, (name, share) in enumerate(importances.items()):
        top, width = 8 + row * _ROW, (_WIDTH - 50) * share / most
        parts.append(_text(_NAME_WIDTH - 6, top + 13, name, "end"))
        parts.append(f'<rect x="{_NAME_WIDTH}" y="{top}" width="{width:.1f}" height="16" fill="{_DOT}"/>')
        parts.append(_text(_NAME_WIDTH + width + 5, top + 13, f"{share:.2f}"))
    about = "share of each parameter in what sets the best trials apart"
    return _svg(_NAME_WIDTH + _WIDTH, 16 + _ROW * len(importances), parts, about)


def _text(x: float, y: float, text: str, anchor: str = "start", weight: str = "normal") -> str:
    return f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}" font-weight="{weight}">{escape(text)}</text>'


def _svg(width: int, height: int, parts: Sequence[str], title: str) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'font-family="sans-serif" font-size="11" fill="#222"><title>{escape(title)}</title>'
        f'<rect width="{width}" height="{height}" fill="#fff"/>{"".join(parts)}</svg>\n'
    )
