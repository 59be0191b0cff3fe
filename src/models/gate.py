"""The gate of promotion: a version beside the one in use, on the same rows of the newest months that are over.

The rows are those of cuts whose label windows have closed and, where there are any, from whose events neither model
has learnt. A version that was trained on everything known can only be held to such months once its label window has
passed again; until then the newest months are taken, and the result says who has learnt from them.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from appetence.book import Book
from appetence.config import FeatureSettings, TrainingSettings
from appetence.models import metrics
from appetence.models import promotion_verdicts as say
from appetence.models.artefact import Artefact
from appetence.models.blocks import Window
from appetence.models.evaluation import ENOUGH_DRAWS
from appetence.models.metrics import Interval
from appetence.models.questions import Question
from appetence.models.rows import Rows, as_answered, learnt_until, matured_cuts, newest_cut
from appetence.models.verdicts import Verdict
from appetence.months import shift

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

CUTS = 3
"""Cuts compared on, at most: recent months, and enough of them that no single one decides."""

DUEL = 0x6475656C
"""Second word of the seed of duels: their draws are not those of a training's own tests."""

FEWEST_EVENTS = 20
"""Distinct clients to whom it happened; with fewer, an interval from a bootstrap means little."""


@dataclass(frozen=True)
class Contender:
    """A version and its model; whether its training beat its baselines out of time."""

    version: int
    artefact: Artefact
    beats: bool

    @property
    def window(self) -> Window:
        """The label window that it answers for."""
        return Window(self.artefact.horizon, self.artefact.gap)


@dataclass(frozen=True)
class Gate:
    """What came of a comparison.

    Attributes
    ----------
    wins
        Whether the version may be promoted without a person overruling.
    verdict
        The same with the figures, in a sentence.
    figures
        {name: number}, for the record; empty where nothing was compared.
    cuts
        Days compared on.
    learnt
        Versions that had learnt from events of these cuts.
    """

    wins: bool
    verdict: Verdict
    figures: Mapping[str, float]
    cuts: tuple[str, ...] = ()
    learnt: tuple[int, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return it for JSON; a figure that cannot be computed is null."""
        return {
            "wins": self.wins,
            **self.verdict.as_dict("verdict"),
            "figures": {name: value if math.isfinite(value) else None for name, value in self.figures.items()},
            "cuts": list(self.cuts),
            "learnt_from_these_cuts": list(self.learnt),
        }


def hold_against(
    book: Book,
    question: Question,
    new: Contender,
    old: Contender | None,
    features: FeatureSettings,
    settings: TrainingSettings,
    unfit: str | None = None,
) -> Gate:
    """Compare a version with the one in use.

    It wins where its log-loss is smaller, in at least `ENOUGH_DRAWS` of the draws of a paired bootstrap over
    households, and where neither |log observed/expected| nor |slope - 1| is larger beyond the 95 % interval of the same
    bootstrap. Where it had learnt from the rows it must, besides, have beaten its baselines out of time. Without a
    version in use, or where that cannot score any more, its own test out of time decides.

    Parameters
    ----------
    question
        As asked of the book; what the version answers, its window above all, goes before it.
    new, old
        The version to promote, and what scores now.
    features, settings
        Of the config: what features there are, and the bootstrap's draws and seed.
    unfit
        Why what is in use cannot even be loaded, if so; `old` is then None.

    Raises
    ------
    ArtefactError
        The version to promote cannot score the features there are.
    """
    question = as_answered(question, new.artefact)
    newest = newest_cut(book.observed_until, new.window)
    first = shift(book.observed_from, settings.history)
    sides = [new] if old is None else [new, old]
    unseen = max(first, *(learnt_until(one.artefact, one.window) for one in sides))
    cuts = matured_cuts(unseen, newest, settings.every, CUTS) or matured_cuts(first, newest, settings.every, CUTS)
    # without a month that is over, the newest one still shows whether both can score
    rows = Rows.of(book, cuts or [book.observed_until], features, settings)
    rows.check_usable(new.artefact)
    if old is None and unfit is None:
        return Gate(new.beats, say.nothing_in_use(new.version, new.beats), {})
    missing = unfit if old is None else rows.why_unusable(old.artefact)
    if missing is not None or old is None:
        return Gate(new.beats, say.cannot_score_any_more(missing or "", new.version, new.beats), {})
    apart = _apart(question, new, old)
    if apart is not None:
        return Gate(False, apart, {})
    if not cuts:
        return Gate(False, say.no_month_over(), {})
    labelled = rows.label(question)
    if labelled.events < FEWEST_EVENTS:
        return Gate(False, say.too_few_to_compare(labelled.events, FEWEST_EVENTS), {}, tuple(map(str, cuts)))
    learnt = tuple(one.version for one in sides if learnt_until(one.artefact, one.window) > min(cuts))
    duel = Duel.fought(
        labelled.y,
        rows.score(new.artefact, labelled),
        rows.score(old.artefact, labelled),
        labelled.household,
        settings.bootstrap,
        settings.seed,
    )
    return _judged(duel, new, old, cuts, learnt)


def _apart(question: Question, new: Contender, old: Contender) -> Verdict | None:
    """Return why two versions cannot be held to the same labels, those of the question as the new one answers it."""
    if old.window != new.window:
        return say.another_window(old.version, new.version)
    if as_answered(question, old.artefact) != question:
        return say.another_rule(old.version, new.version)
    others = [one for one in (new, old) if one.artefact.contract.definition != question.definition]
    return say.another_question(others[0].version) if others else None


@dataclass(frozen=True)
class Duel:
    """Two models' probabilities on the same rows.

    Attributes
    ----------
    figures
        {name: (new, old)}
    gain, better
        The old model's log-loss less the new one's, and the share of draws in which it is above 0.
    level, slope
        By how much the new model's |log observed/expected|, and |slope - 1|, is larger; above 0 it is worse.
    rows, events
        Of the comparison.
    """

    figures: Mapping[str, tuple[float, float]]
    gain: Interval
    better: float
    level: Interval
    slope: Interval
    rows: int
    events: int

    @classmethod
    def fought(cls, y: Ints, new: Floats, old: Floats, household: Ints, draws: int, seed: int) -> Duel:
        """Compare (n,) probabilities of two models by a bootstrap over households, the same draws for both."""
        gain, better = metrics.log_loss_gain(y, new, old, household, draws, [seed, DUEL])
        return cls(
            figures={name: (metric(y, new, None), metric(y, old, None)) for name, metric in _FIGURES.items()},
            gain=gain,
            better=better,
            level=metrics.paired_difference(_off_level, y, new, old, household, draws, seed),
            slope=metrics.paired_difference(_off_slope, y, new, old, household, draws, seed),
            rows=len(y),
            events=int(y.sum()),
        )

    def flat(self) -> dict[str, float]:
        """Return all figures under one name each."""
        found = {
            f"{name}_{side}": pair[i] for name, pair in self.figures.items() for i, side in enumerate(("new", "old"))
        }
        for name, interval in (("gain", self.gain), ("level_worse_by", self.level), ("slope_worse_by", self.slope)):
            found |= {name: interval.value, f"{name}_low": interval.low, f"{name}_high": interval.high}
        return found | {"better": self.better, "rows": float(self.rows), "events": float(self.events)}


def _slope(y: Any, p: Any, weight: Any = None) -> float:
    return metrics.calibration_slope_intercept(y, p, weight)[0]


def _off_slope(y: Any, p: Any, weight: Any = None) -> float:
    return abs(_slope(y, p, weight) - 1.0)


def _off_level(y: Any, p: Any, weight: Any = None) -> float:
    ratio = metrics.observed_expected(y, p, weight)
    return abs(math.log(ratio)) if ratio > 0 else float("nan")


_FIGURES: Mapping[str, metrics.Metric] = {
    "log_loss": metrics.log_loss,
    "auc": metrics.auc,
    "observed_expected": metrics.observed_expected,
    "calibration_slope": _slope,
}


def _judged(duel: Duel, new: Contender, old: Contender, cuts: list[dt.date], learnt: tuple[int, ...]) -> Gate:
    why_not = []
    if duel.gain.value <= 0:
        why_not.append(say.no_gain())
    elif duel.better < ENOUGH_DRAWS:
        why_not.append(say.within_noise())
    if duel.level.low > 0:
        why_not.append(say.level_is_worse())
    if duel.slope.low > 0:
        why_not.append(say.slope_is_worse())
    if new.version in learnt and not new.beats:
        why_not.append(say.did_not_beat())
    days = tuple(map(str, cuts))
    rivals = say.Rivals(
        (new.version, old.version),
        duel.figures["log_loss"],
        duel.figures["observed_expected"],
        duel.figures["calibration_slope"],
        duel.gain,
        duel.better,
        duel.rows,
        duel.events,
        days,
    )
    verdict = say.compared(not why_not, rivals, why_not, [say.learnt_from(learnt, new.version)])
    return Gate(not why_not, verdict, duel.flat(), days, learnt)
