"""The charts of a model report: of held-out scores, of contributions by feature, and of contributions by value."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logit

from appetence.explain.glossary import in_words
from appetence.explain.shapes import Mean, Shape, Split
from appetence.explain.summary import LEVEL, MISSING, FeatureWeight, Summary
from appetence.explain.wording import number, typeset
from appetence.models.card import Card
from appetence.models.held_out import BEST, BY_MONEY, MODEL, GainsCurve, HeldOut, wilson
from appetence.reports.charts import Axis, Chart, Series, axis, place
from appetence.reports.language import Pen
from appetence.reports.rows_charts import Dots, Range, RowsChart, place_rows

MOST_LETTERS = 44
"""Letters of a label beside a row of dots; levels have room for fewer."""

_MOST_LETTERS_OF_A_LEVEL = 22
_TICKS = (0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 0.7, 0.9, 0.97, 0.99)
_APART = 0.11  # of the axis: nearer to one another, ticks of probabilities run together
_MOST_LIFT = 12.0


@dataclass(frozen=True)
class Named:
    """A chart with the name of its file."""

    name: str
    chart: Chart


@dataclass(frozen=True)
class ShapeFigure:
    """A feature's shape: a chart over numbers or one of rows, and what is said below."""

    title: str
    chart: Chart | RowsChart
    notes: Sequence[str]
    by_rows: bool


def charts_of_scores(pen: Pen, held_out: HeldOut | None, card: Card) -> Iterator[Named]:
    """Yield the charts of held-out scores; of a version without curves, its reliability alone."""
    if held_out is None:
        if card.deciles:
            yield Named("reliability", _reliability_of_card(pen, card))
        return
    points = [(one.mean_score, one.observed) for one in held_out.reliability]
    ranges = [(one.mean_score, one.low, one.high) for one in held_out.reliability]
    yield Named("reliability", _reliability(pen, points, ranges))
    yield Named("scores", _spread(pen, held_out))
    yield Named("gains", _gains(pen, held_out, held_out.gains, "gains", "share_of_events"))
    yield Named("lift", _lift(pen, held_out))
    if held_out.money:
        words = f"money_{held_out.stake}"
        labels = {MODEL: pen("by probability"), BY_MONEY: pen(f"by_money_{held_out.stake}")}
        yield Named("money", _gains(pen, held_out, held_out.money, words, "share_of_money", labels))


def _reliability_of_card(pen: Pen, card: Card) -> Chart:
    known = [row for row in card.deciles if row["rows"]]
    rows = np.array([row["rows"] for row in known], dtype=np.float64)
    seen = np.array([row["observed"] for row in known], dtype=np.float64) / rows
    means = [float(row["mean_score"] or 0.0) for row in known]
    low, high = wilson(seen, rows)
    ranges = list(zip(means, low.tolist(), high.tolist(), strict=True))
    return _reliability(pen, list(zip(means, seen.tolist(), strict=True)), ranges)


def _reliability(
    pen: Pen, points: Sequence[tuple[float, float]], ranges: Sequence[tuple[float, float, float]]
) -> Chart:
    seen = [value for point in points for value in point] + [high for _, _, high in ranges]
    span = axis(seen, pen.share, include=(0.0,))
    return place(
        pen("reliability"),
        (pen("expected_share"), pen("observed_share")),
        (span, span),
        [Series("model", points, ranges)],
        guide=((0.0, 0.0), (span.high, span.high)),
    )


def _spread(pen: Pen, held_out: HeldOut) -> Chart:
    """Draw both groups' scores as steps, over the log-odds with probabilities written at their places."""
    edges = held_out.spread.edges

    def steps(shares: Sequence[float]) -> list[tuple[float, float]]:
        corners = [(edges[0], 0.0)]
        for left, right, share in zip(edges[:-1], edges[1:], shares, strict=True):
            corners += [(left, share), (right, share)]
        return [*corners, (edges[-1], 0.0)]

    ticks: dict[float, str] = {}
    for p in _TICKS:
        at, last = float(logit(p)), max(ticks, default=-np.inf)
        if edges[0] <= at <= edges[-1] and at - last >= _APART * (edges[-1] - edges[0]):
            ticks[at] = _probability(pen, p)
    if len(ticks) < 2:
        ticks = {edge: _probability(pen, float(expit(edge))) for edge in (edges[0], edges[-1])}
    along = Axis(edges[0], edges[-1], ticks)
    groups = {"happened": held_out.spread.happened, "did not": held_out.spread.did_not}
    upright = axis([max(max(shares) for shares in groups.values())], pen.share, (0.0,))
    return place(
        pen("spread"),
        (pen("score"), pen("share_of_group")),
        (along, upright),
        [Series(name, steps(shares)) for name, shares in groups.items()],
    )


def _probability(pen: Pen, p: float) -> str:
    gap = "\N{NO-BREAK SPACE}" if pen.language == "fr" else ""
    digits = 2 if p < 0.001 else 1 if p < 0.01 else 0
    return f"{pen.number(100 * p, digits)}{gap}%"


def _gains(
    pen: Pen,
    held_out: HeldOut,
    curves: Sequence[GainsCurve],
    title: str,
    upright: str,
    labels: Mapping[str, str] | None = None,
) -> Chart:
    """Draw curves over shares of clients; `labels` are for those whose names are no words of the page's."""
    whole = axis((0.0, 1.0), pen.share)
    return place(
        pen(title),
        (pen("share_of_rows"), pen(upright)),
        (whole, whole),
        [
            Series(
                one.name,
                list(zip(held_out.shares, one.found, strict=True)),
                label=(labels or {}).get(one.name, ""),
                dotted=False,
            )
            for one in curves
        ],
        guide=((0.0, 0.0), (1.0, 1.0)),
    )


def _lift(pen: Pen, held_out: HeldOut) -> Chart:
    """Draw gains over shares, from the first two percent on; the best order is left out, which would dwarf the rest."""
    shares = held_out.shares[1:]
    series = [
        Series(curve.name, [(x, y / x) for x, y in zip(shares, curve.found[1:], strict=True)], dotted=False)
        for curve in held_out.gains
        if curve.name != BEST
    ]
    seen = [y for one in series for _, y in one.points]
    upright = axis([min(max(seen, default=1.0), _MOST_LIFT)], lambda value: pen.number(value, 1), (0.0, 1.0))
    return place(
        pen("lift"),
        (pen("share_of_rows"), pen("times")),
        (axis((0.0, 1.0), pen.share), upright),
        series,
        guide=((0.0, 1.0), (1.0, 1.0)),
    )


def swarm_chart(pen: Pen, why: Summary) -> RowsChart:
    """Draw the contributions of the strongest features, a row each."""
    labels = {one.name: one.label[pen.language] for one in why.features}
    names = {MISSING: "missing", LEVEL: "level"}
    rows = [
        Dots(
            _short(typeset(labels[swarm.feature], pen.language), MOST_LETTERS),
            swarm.contributions,
            [names.get(fifth, f"v{fifth}") for fifth in swarm.fifths],
        )
        for swarm in why.swarms
    ]
    return place_rows(pen("swarm"), pen("swarm_axis"), rows, _tick(pen), width=960, left=310, row_height=40)


def shape_figures(pen: Pen, why: Summary) -> Iterator[ShapeFigure]:
    """Yield a figure per shape: over ordered bins, or by level."""
    features = {one.name: one for one in why.features}
    for shape in why.shapes:
        feature = features[shape.feature]
        title = typeset(feature.label[pen.language], pen.language)
        if shape.kind == "number":
            bins = [one for one in shape.means if one.value is not None]
            notes = [
                pen("missing_told", mean=pen.number(one.mean, 2), rows=pen.count(one.rows))
                for one in shape.means
                if one.value is None
            ]
            if shape.split is not None:
                other = features[shape.split.feature]
                told = typeset(other.label[pen.language], pen.language)
                notes.append(pen("split_told", feature=told, share=pen.share(shape.split.explains)))
            if bins:
                yield ShapeFigure(title, _by_value(pen, title, feature, bins, shape.split, features), notes, False)
        else:
            yield ShapeFigure(title, _by_level(pen, title, shape), [], True)


def _by_value(
    pen: Pen,
    title: str,
    feature: FeatureWeight,
    bins: Sequence[Mean],
    split: Split | None,
    features: dict[str, FeatureWeight],
) -> Chart:
    write = _writer(pen, feature.unit)
    places = {one.value: float(k) for k, one in enumerate(bins)}
    every = max(1, round(len(bins) / 4))
    ticks = {float(k): write(one.value or 0.0) for k, one in enumerate(bins) if k % every == 0 or len(bins) <= 4}
    series = [
        Series(
            "all",
            [(float(k), one.mean) for k, one in enumerate(bins)],
            [(float(k), one.low, one.high) for k, one in enumerate(bins)],
            dotted=True,
        )
    ]
    if split is not None:
        lower, upper = _sides(pen, features[split.feature], split)
        for name, line, label in (("lower", split.low, lower), ("upper", split.high, upper)):
            points = [(places[value], mean) for value, mean in line if value in places]
            series.append(Series(name, points, label=label))
    seen = [value for one in bins for value in (one.low, one.high)]
    seen += [y for one in series for _, y in one.points]
    return place(
        title,
        (pen(f"unit_{feature.unit}") if feature.unit not in ("code", "flag") else "", pen("contribution")),
        (Axis(-0.5, len(bins) - 0.5, ticks), axis(seen, _tick(pen), (0.0,))),
        series,
        guide=((-0.5, 0.0), (len(bins) - 0.5, 0.0)),
    )


def _sides(pen: Pen, other: FeatureWeight, split: Split) -> tuple[str, str]:
    if split.at is None:
        return pen("no"), pen("yes")
    at = _writer(pen, other.unit)(split.at)
    return pen("lower_than", at=at), pen("upper_than", at=at)


def _writer(pen: Pen, unit: str) -> Callable[[float], str]:
    if unit == "money":
        return pen.money
    if unit == "share":
        return pen.share
    return pen.count if unit in ("months", "years", "count") else lambda value: number(value, pen.language)


def _tick(pen: Pen) -> Callable[[float], str]:
    """Return what writes a tick of log-odds: two decimals, no more zeros than needed."""
    return lambda value: number(round(value, 2), pen.language)


def _by_level(pen: Pen, title: str, shape: Shape) -> RowsChart:
    rows = [Range(_level(pen, shape, one), one.mean, one.low, one.high) for one in shape.means]
    return place_rows(title, pen("contribution"), rows, _tick(pen), width=420, left=165, row_height=24)


def _level(pen: Pen, shape: Shape, one: Mean) -> str:
    if shape.kind == "flag":
        name = pen("missing") if one.value is None else pen("yes" if one.value > 0.5 else "no")
    elif one.level is None:
        name = pen("missing")
    else:
        name = in_words(one.level, pen.language) if one.level else pen("rare")
    return f"{_short(name, _MOST_LETTERS_OF_A_LEVEL)} ({pen.count(one.rows)})"


def _short(text: str, letters: int) -> str:
    return text if len(text) <= letters else text[: letters - 1].rstrip() + "…"
