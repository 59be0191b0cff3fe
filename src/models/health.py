"""Whether the models in use still earn their keep: each beside its plain baselines, on months since it was trained.

A month counts once its label window has closed, and only where the model has learnt from nothing that happened in it.
The baselines are made of what was known at the start of that month, as a firm without a model would have made them.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from appetence.book import Book
from appetence.config import FeatureSettings, TrainingSettings
from appetence.models import metrics
from appetence.models import promotion_verdicts as say
from appetence.models.artefact import Artefact
from appetence.models.baselines import LIFE_TABLE, LOGISTIC, TENURE, fit_baselines
from appetence.models.blocks import Window
from appetence.models.dataset import Labelled
from appetence.models.gate import DUEL, FEWEST_EVENTS
from appetence.models.metrics import Interval, log_loss
from appetence.models.questions import Question
from appetence.models.rows import Rows, as_answered, learnt_until, matured_cuts, newest_cut
from appetence.models.verdicts import Verdict
from appetence.months import Month, shift
from appetence.progress import Progress, silent

BASELINE_CUTS = 4
"""Cuts that the baselines are made of: a year of them, so that no season stands for all."""


@dataclass(frozen=True)
class InUse:
    """A champion: its question, its version and its model."""

    question: Question
    version: int
    artefact: Artefact

    @property
    def window(self) -> Window:
        """The label window that it answers for."""
        return Window(self.artefact.horizon, self.artefact.gap)


@dataclass(frozen=True)
class Health:
    """What can be said of one champion.

    Attributes
    ----------
    state
        `beats`: its log-loss is smaller than that of every plain baseline; `behind`: it is not; `unknown`: there is no
        month yet to tell by.
    verdict
        The same in a sentence, with the figures or the reason.
    log_loss
        Of the model, and of each baseline; empty where unknown.
    gains
        {baseline: by how much the model's log-loss is smaller}
    cut
        Of the month looked at; None where unknown.
    """

    question: str
    version: int
    state: Literal["beats", "behind", "unknown"]
    verdict: Verdict
    log_loss: Mapping[str, float] = field(default_factory=dict)
    gains: Mapping[str, Interval] = field(default_factory=dict)
    cut: dt.date | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return it for JSON."""
        return {
            "version": self.version,
            "state": self.state,
            **self.verdict.as_dict("verdict"),
            "cut": None if self.cut is None else self.cut.isoformat(),
            "log_loss": dict(self.log_loss),
            "gain_in_log_loss": {
                name: {"value": gain.value, "low": gain.low, "high": gain.high} for name, gain in self.gains.items()
            },
        }


def champions_health(
    book: Book,
    champions: Sequence[InUse],
    until: dt.date,
    features: FeatureSettings,
    settings: TrainingSettings,
    progress: Progress = silent,
) -> dict[str, Health]:
    """Look at every champion on the newest month that is over and that it has not learnt from.

    Parameters
    ----------
    champions
        Those that score; they must be able to score the features there are.
    until
        What happened on this day or later does not count: the cut of the month that is scored.
    features, settings
        Of the config.

    Returns
    -------
    dict
        {question: health}, in the order given.
    """
    found: dict[str, Health] = {}
    windows = list(dict.fromkeys(one.window for one in champions))
    for number, window in enumerate(windows):
        progress("looking at the models in use on months since they were trained", number / len(windows))
        of_window = [one for one in champions if one.window == window]
        found |= _of_window(book, of_window, window, until, features, settings)
    return {one.question.name: found[one.question.name] for one in champions}


def health_lines(health: Mapping[str, Health]) -> Iterator[str]:
    """Say of champions what a reader must know: each that is behind, and how many could be looked at."""
    if not health:
        return
    told = [found for found in health.values() if found.state != "unknown"]
    for found in told:
        if found.state == "behind":
            yield f"  warning: {found.question}: {found.verdict}"
            yield f"    it goes on scoring: train anew, and see appetence promote {found.question}"
    if told:
        beats = sum(found.state == "beats" for found in told)
        yield f"  models in use on months since they were trained: {beats} of {len(told)} beat their plain baselines"
    else:
        first = next(iter(health.values()))
        yield (
            f"  models in use on months since they were trained: nothing to tell yet. {first.question}: {first.verdict}"
        )


def _of_window(
    book: Book,
    champions: Sequence[InUse],
    window: Window,
    until: dt.date,
    features: FeatureSettings,
    settings: TrainingSettings,
) -> dict[str, Health]:
    """Build the features of one cut, and of the cuts before it what baselines read, for all that can be told."""
    cut = newest_cut(until, window)
    ready = [one for one in champions if learnt_until(one.artefact, window) <= cut]
    found = {one.question.name: _not_yet(one, window) for one in champions if one not in ready}
    before = matured_cuts(
        shift(book.observed_from, settings.history), newest_cut(cut, window), settings.every, BASELINE_CUTS
    )
    if not ready or not before:
        return found | {one.question.name: _unknown(one, say.too_short_a_past()) for one in ready}
    # the oldest months serve the baselines alone: no more is built of them than these read
    plain = FeatureSettings(groups=("tenure",))
    past, now = Rows.of(book, before, plain, settings), Rows.of(book, [cut], features, settings)
    return found | {one.question.name: _looked_at(one, past, now, cut, settings) for one in ready}


def _looked_at(one: InUse, past: Rows, now: Rows, cut: dt.date, settings: TrainingSettings) -> Health:
    question = as_answered(one.question, one.artefact)
    known, rows = past.label(question), now.label(question)
    if rows.events < FEWEST_EVENTS or not len(known):
        return _unknown(one, say.too_few_to_compare(rows.events, FEWEST_EVENTS))
    p = now.score(one.artefact, rows)
    losses = {"model": log_loss(rows.y, p)}
    gains = {}
    for name, baseline in fit_baselines(known, _plain(question.baselines, rows)).items():
        q = baseline(rows.X)
        losses[name] = log_loss(rows.y, q)
        gains[name] = metrics.log_loss_gain(rows.y, p, q, rows.household, settings.bootstrap, [settings.seed, DUEL])[0]
    state: Literal["beats", "behind"] = "beats" if all(gain.value > 0 for gain in gains.values()) else "behind"
    verdict = say.still(state == "beats", one.version, cut.isoformat(), losses["model"], gains, losses)
    return Health(one.question.name, one.version, state, verdict, losses, gains, cut)


def _plain(baselines: Iterable[str], rows: Labelled) -> list[str]:
    """Return the baselines that one of would score in the model's place: no regression, and what tenure there is."""
    has_tenure = TENURE in rows.snapshots.X.columns
    return [name for name in baselines if name != LOGISTIC and (name != LIFE_TABLE or has_tenure)]


def _not_yet(one: InUse, window: Window) -> Health:
    first = learnt_until(one.artefact, window)
    return _unknown(one, say.not_told_yet(one.version, str(Month.before(window.closes(first)))))


def _unknown(one: InUse, reason: Verdict) -> Health:
    return Health(one.question.name, one.version, "unknown", reason)
