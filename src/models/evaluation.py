"""The verdict on a model: its figures out of time, with intervals, beside plain baselines on the same rows."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from appetence.models import metrics
from appetence.models.baselines import BASE_RATE, LOGISTIC
from appetence.models.dependence import Dependence, Unit
from appetence.models.fitting import Predictions
from appetence.models.metrics import Interval
from appetence.models.outflows import MEAN_SHARE, OutflowFigures, measure_outflows
from appetence.models.verdicts import Figures, Verdict, in_money, judged

Floats = npt.NDArray[np.float64]
SHARE = 0.1
"""Part of the clients that an advisor is taken to have time for: lift and capture are read there."""

ENOUGH_DRAWS = 0.9
"""Share of the bootstrap's draws in which the model must have a smaller log-loss than any plain rate."""


def _slope(y: Any, p: Any, weight: Any = None) -> float:
    return metrics.calibration_slope_intercept(y, p, weight)[0]


def _intercept(y: Any, p: Any, weight: Any = None) -> float:
    return metrics.calibration_slope_intercept(y, p, weight)[1]


RANKING: Mapping[str, metrics.Metric] = {
    "auc": metrics.auc,
    "average_precision": metrics.average_precision,
    "lift_10": partial(metrics.lift_at, share=SHARE),
    "capture_10": partial(metrics.capture_at, share=SHARE),
}
"""Figures of an order. Clients are ranked against each other in a month, so they are taken within each test date."""

PROBABILITY: Mapping[str, metrics.Metric] = {
    "log_loss": metrics.log_loss,
    "brier": metrics.brier,
    "calibration_slope": _slope,
    "calibration_intercept": _intercept,
    "observed_expected": metrics.observed_expected,
}
"""Figures of the probabilities themselves, over all test dates together: a level that drifts shows in them."""


@dataclass(frozen=True)
class Comparison:
    """A baseline on the model's test rows.

    Attributes
    ----------
    metrics
        {metric: figure} of the baseline.
    gain
        Its log-loss less the model's: above 0, the model is better.
    better
        Share of the draws, the same units for both, in which it is.
    """

    metrics: Mapping[str, float]
    gain: Interval
    better: float


@dataclass(frozen=True)
class Evaluation:
    """Figures of a model at its test dates.

    Attributes
    ----------
    metrics
        {metric: estimate} of the model.
    baselines
        {baseline: comparison}
    beats, verdict
        See `evaluate`; and the same as a sentence with the figures.
    rows, events, dates
        Of the test.
    dependence, units
        What was drawn as one for the intervals, and how many of them there are.
    deciles, gains
        Rows of the calibration table by decile of the score, and of the cumulative capture.
    outflow
        The error of the expected outflow in money; None where the question is not about money.
    """

    metrics: Mapping[str, Interval]
    baselines: Mapping[str, Comparison]
    beats: bool
    verdict: Verdict
    rows: int
    events: int
    dates: tuple[str, ...]
    deciles: tuple[Mapping[str, float], ...]
    gains: tuple[Mapping[str, float], ...]
    dependence: Dependence
    units: int
    outflow: OutflowFigures | None = None

    @property
    def calibration_error(self) -> float:
        """The expected calibration error over the deciles: the mean of |observed - expected share|, rows weighted."""
        return sum(abs(row["observed"] - row["expected"]) for row in self.deciles) / self.rows

    def summary(self) -> dict[str, float]:
        """Return what is stored with the model: its own figures, as far as they can be computed."""
        return {name: float(found.value) for name, found in self.metrics.items() if np.isfinite(found.value)}

    def flat(self) -> dict[str, float]:
        """Return all figures under one name each, as MLflow has them."""
        found: dict[str, float] = {}
        for name, estimate in self.metrics.items():
            found |= {name: estimate.value, f"{name}_low": estimate.low, f"{name}_high": estimate.high}
        for baseline, other in self.baselines.items():
            figures = {**other.metrics, "gain": other.gain.value, "gain_low": other.gain.low, "better": other.better}
            found |= {f"{baseline.replace(' ', '_')}.{name}": value for name, value in figures.items()}
        found |= {} if self.outflow is None else self.outflow.flat()
        found["expected_calibration_error"] = self.calibration_error
        return {name: value for name, value in found.items() if np.isfinite(value)}

    def as_dict(self) -> dict[str, object]:
        """Return everything for JSON; a figure that cannot be computed is null."""
        return {
            "metrics": {name: _finite(vars(estimate)) for name, estimate in self.metrics.items()},
            "baselines": {
                name: {
                    "metrics": _finite(other.metrics),
                    "gain_in_log_loss": _finite(vars(other.gain)),
                    "share_of_draws_better": other.better,
                }
                for name, other in self.baselines.items()
            },
            "beats": self.beats,
            "rows": self.rows,
            "events": self.events,
            "test_dates": list(self.dates),
            "intervals_by": self.dependence.as_dict() | {"units": self.units},
            **({} if self.outflow is None else {"outflow": self.outflow.as_dict()}),
        }

    def series(self) -> dict[str, dict[int, float]]:
        """Return what MLflow draws: the events found by percent of rows, and each decile of the score, lowest first."""
        drawn = {"gains": {round(100 * row["share_of_rows"]): row["share_of_events"] for row in self.gains}}
        for name in ("expected", "observed"):
            drawn[f"decile_{name}"] = {step: row[name] for step, row in enumerate(self.deciles, start=1)}
        return drawn

    def texts(self) -> dict[str, str]:
        """Return the files logged with a run: all figures as JSON, the curves as CSV."""
        return {
            "evaluation.json": json.dumps(self.as_dict(), indent=1, sort_keys=True),
            "curves/calibration.csv": _csv(self.deciles),
            "curves/gains.csv": _csv(self.gains),
            **({} if self.outflow is None else {"curves/outflow.csv": self.outflow.csv()}),
        }


def evaluate(predictions: Predictions, draws: int, seed: int) -> Evaluation:
    """Compare a model with its baselines.

    The rule is a simple gate. Over all test dates together

    - the model's log-loss is smaller than that of every baseline;
    - against the plain rates (base rate, life table), one of which would score in its place, its AUC is larger too,
      and its log-loss is smaller in at least `ENOUGH_DRAWS` of the draws of a bootstrap over units that move together.

    No such certainty is asked against the logistic regression: a book where straight lines are all there is to find
    should be scored by a model that finds them, not by a plain rate.

    Parameters
    ----------
    draws, seed
        Of the bootstrap.
    """
    y, p = predictions.y, predictions.p
    estimates = {
        name: metrics.bootstrap_intervals(metric, y, p, predictions.unit, draws, seed)
        for name, metric in _metrics(predictions).items()
    }
    baselines = {name: _compare(predictions, name, draws, seed) for name in predictions.baselines}
    beats = all(_beaten(estimates, name, other) for name, other in baselines.items())
    dates = tuple(str(date) for date in np.unique(predictions.date))
    verdict = _verdict(beats, estimates, baselines, len(dates), predictions.dependence.unit)
    money = predictions.outflows
    outflow = None if money is None else measure_outflows(money, predictions.unit, draws, seed)
    return Evaluation(
        metrics=estimates,
        baselines=baselines,
        beats=beats,
        verdict=verdict if outflow is None else verdict.and_then(outflow_verdict(outflow)),
        rows=len(y),
        events=int(y.sum()),
        dates=dates,
        deciles=tuple(vars(one) | {"ratio": one.ratio} for one in metrics.reliability_bins(y, p)),
        gains=gains(predictions),
        dependence=predictions.dependence,
        units=len(np.unique(predictions.unit)),
        outflow=outflow,
    )


def _beaten(own: Mapping[str, Interval], name: str, other: Comparison) -> bool:
    if own["log_loss"].value >= other.metrics["log_loss"]:
        return False
    return name == LOGISTIC or (own["auc"].value > other.metrics["auc"] and other.better >= ENOUGH_DRAWS)


_OF_A_SLOPE = ("calibration_slope", "calibration_intercept")  # a constant has none


def _metrics(predictions: Predictions) -> dict[str, metrics.Metric]:
    within = {name: within_dates(metric, predictions.date) for name, metric in RANKING.items()}
    return {**within, **PROBABILITY}


def within_dates(metric: metrics.Metric, date: npt.NDArray[np.datetime64]) -> metrics.Metric:
    """Return the mean of a metric over the test dates, each by its events; dates without any say nothing."""
    dates = [np.flatnonzero(date == one) for one in np.unique(date)]

    def mean(y: Any, p: Any, weight: Any = None) -> float:
        w = np.ones(len(y)) if weight is None else weight
        events = np.array([float(w[rows] @ y[rows]) for rows in dates])
        seen = [(metric(y[rows], p[rows], w[rows]), n) for rows, n in zip(dates, events, strict=True) if n > 0]
        return float(np.average([value for value, _ in seen], weights=[n for _, n in seen])) if seen else float("nan")

    return mean


def _compare(predictions: Predictions, name: str, draws: int, seed: int) -> Comparison:
    """Judge a baseline, and draw units to see how sure its distance to the model is."""
    y, q = predictions.y, predictions.baselines[name]
    gain, better = metrics.log_loss_gain(y, predictions.p, q, predictions.unit, draws, seed)
    return Comparison(
        {name: figure(y, q, None) for name, figure in _metrics(predictions).items() if name not in _OF_A_SLOPE},
        gain,
        better,
    )


def _verdict(
    beats: bool, own: Mapping[str, Interval], baselines: Mapping[str, Comparison], dates: int, unit: Unit
) -> Verdict:
    """Say it in a sentence: the model's figures, then each baseline's.

    A base rate that was beaten as others were is left out; one that was not is what the sentence must name.
    """
    return judged(
        beats,
        Figures(own["auc"].value, own["log_loss"].value),
        {
            name: Figures(other.metrics["auc"], other.metrics["log_loss"], (other.gain.low, other.gain.high))
            for name, other in baselines.items()
            if name != BASE_RATE or len(baselines) == 1 or not _beaten(own, name, other)
        },
        dates,
        unit,
    )


def outflow_verdict(found: OutflowFigures) -> Verdict:
    """Say in a sentence how far the money that left was from what was expected."""
    return in_money(
        found.model.promised,
        found.realised,
        (found.model.ratio.low, found.model.ratio.high),
        found.model.mae.value,
        {name: other.mae.value for name, other in found.baselines.items()},
        (found.model.capture_10.value, found.baselines[MEAN_SHARE].capture_10.value),
    )


def gains(predictions: Predictions) -> tuple[Mapping[str, float], ...]:
    """Return the share of events found in the highest-scored share of each test date's rows."""
    y, p, found = predictions.y, predictions.p, []
    for share in (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0):
        captured = within_dates(partial(metrics.capture_at, share=share), predictions.date)
        found.append({"share_of_rows": share, "share_of_events": captured(y, p, None)})
    return tuple(found)


def _finite(figures: Mapping[str, float]) -> dict[str, float | None]:
    return {name: float(value) if np.isfinite(value) else None for name, value in figures.items()}


def _csv(rows: Sequence[Mapping[str, float]]) -> str:
    lines = [",".join(rows[0])] + [",".join(f"{value:.10g}" for value in row.values()) for row in rows]
    return "\n".join(lines) + "\n"
