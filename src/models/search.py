"""Optuna: which parameters are tried, in what order, and what is kept of it.

With `search_space` the only module that touches it. A study is a row in a SQLite file, so that a killed process loses
no more than the fold it was at. Its next trial is drawn by a sampler that is seeded anew, by the seed and the number of
trials that are finished: a study that was killed and went on tries the very same parameters as one that was not.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
import optuna
from optuna.trial import FrozenTrial, TrialState

from appetence.errors import AppetenceError
from appetence.models.search_space import DEFAULTS, SPACE, FoldPruner, Parameters, as_config, inside

State = Literal["complete", "pruned", "stopped"]

STARTUP = 10
"""Trials drawn at random before the sampler models them: Optuna's own number, a little above that of parameters."""

_STATES: Mapping[TrialState, State] = {
    TrialState.COMPLETE: "complete",
    TrialState.PRUNED: "pruned",
    TrialState.FAIL: "stopped",
}
_IN_USE, _LOSSES, _SECONDS = "in_use", "losses", "seconds"


class TuningError(AppetenceError):
    """A search that cannot be begun or gone on with."""


@dataclass(frozen=True)
class Trial:
    """A set of parameters, and how it did.

    Attributes
    ----------
    number
        In the study, from 0.
    state
        `complete`; `pruned`: worse than most after some folds; `stopped`: killed or out of time, and tried again later.
    drawn
        Value of each parameter of the space.
    parameters
        The same as `training.parameters` has them: what is left to the default is not named.
    in_use
        Whether these are the parameters that were in use before.
    losses
        Log-loss of each fold done, in their order.
    began, ended
        Milliseconds since 1970.
    """

    number: int
    state: State
    drawn: Mapping[str, Any]
    parameters: Parameters
    in_use: bool
    losses: tuple[float, ...]
    began: int
    ended: int

    @property
    def loss(self) -> float:
        """Mean log-loss over the folds done."""
        return float(np.mean(self.losses)) if self.losses else float("nan")


@dataclass
class Clock:
    """The time budget of a search: it ends before a fold that would not fit into it.

    Attributes
    ----------
    until
        `time.monotonic()` at which all must be done.
    reserve
        How many fits as long as the longest so far must still fit in after the search.
    longest
        Seconds of the longest fold so far.
    """

    until: float
    reserve: int = 0
    longest: float = 0.0

    @property
    def over(self) -> bool:
        """Whether another fold would end too late."""
        return time.monotonic() + self.longest * (1 + self.reserve) > self.until


Judge = Callable[[Parameters, int], float]
"""Given parameters and the number of a fold, return the log-loss."""


class Study:
    """A study in a folder's `tuning.db`: begun, or gone on with where it was.

    Use it as a context manager. One process may have it open at a time.

    Parameters
    ----------
    folder
        Made where it is missing.
    name
        Whatever the losses depend on must be in it, as a hash.
    in_use
        Parameters in use, tried first.
    seed
        Of the sampler.

    Raises
    ------
    TuningError
        Another process has the study open.
    """

    def __init__(self, folder: Path, name: str, in_use: Parameters, seed: int) -> None:
        self.name = name
        self._folder, self._in_use, self._seed = folder, in_use, seed

    def __enter__(self) -> Self:
        self._folder.mkdir(parents=True, exist_ok=True)
        self._held = _alone(self._folder / f".{self.name.rsplit(' ', 1)[-1]}.lock")
        self._held.__enter__()
        try:
            optuna.logging.set_verbosity(optuna.logging.WARNING)
            self._storage = optuna.storages.RDBStorage(f"sqlite:///{(self._folder / 'tuning.db').resolve()}")
            self._study = optuna.create_study(
                storage=self._storage, study_name=self.name, load_if_exists=True, pruner=FoldPruner()
            )
            self._go_on()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if hasattr(self, "_storage"):
            self._storage.remove_session()
            self._storage.engine.dispose()
        self._held.__exit__(None, None, None)

    def search(
        self, judge: Judge, folds: int, trials: int, clock: Clock, on_trial: Callable[[Trial], None] | None = None
    ) -> bool:
        """Try parameters until as many trials are finished, in this process and in earlier ones, or the time is over.

        Parameters
        ----------
        on_trial
            Told of each trial that is finished.

        Returns
        -------
        Whether all trials were finished.
        """
        clock.longest = max([clock.longest, *self._seconds()])
        while len(done := self.finished) < trials:
            if clock.over:
                return False
            self._study.sampler = optuna.samplers.TPESampler(n_startup_trials=STARTUP, seed=self._seed_of(len(done)))
            trial = self._study.ask(dict(SPACE))
            if not self._judge(trial, judge, folds, clock):
                return False
            if on_trial is not None:
                on_trial(self.finished[-1])
        return True

    @property
    def trials(self) -> tuple[Trial, ...]:
        """All trials but those still waiting, in their order."""
        return tuple(self._told(trial) for trial in self._study.get_trials(states=tuple(_STATES)))

    @property
    def finished(self) -> tuple[Trial, ...]:
        """The trials that are complete or pruned, in the order in which they ended."""
        return tuple(trial for trial in self.trials if trial.state != "stopped")

    @property
    def best(self) -> Trial | None:
        """The complete trial with the smallest loss, the earliest of equals; None before any."""
        complete = [trial for trial in self.trials if trial.state == "complete"]
        return min(complete, key=lambda trial: (trial.loss, trial.number), default=None)

    def importances(self) -> dict[str, float]:
        """Return each parameter's share in what the best trials have in common (PED-ANOVA, Watanabe et al. 2023).

        Empty where fewer than `STARTUP` trials are complete.
        """
        if sum(trial.state == "complete" for trial in self.trials) < STARTUP:
            return {}
        return optuna.importance.get_param_importances(self._study)

    def note(self, key: str, value: object) -> None:
        """Keep a JSON value with the study."""
        self._study.set_user_attr(key, value)

    def noted(self, key: str) -> Any:
        """Return what was kept; None where nothing was."""
        return self._study.user_attrs.get(key)

    def _go_on(self) -> None:
        """Put the parameters in use first, and what a killed process was at next."""
        everything = self._study.get_trials(deepcopy=False)
        for trial in everything:
            if trial.state == TrialState.RUNNING:
                self._again(trial.number, trial.params, trial.user_attrs)
        if not everything:
            self._enqueue_in_use({})

    def _enqueue_in_use(self, attributes: Mapping[str, Any]) -> None:
        drawn = {name: inside(name, self._in_use.get(name, default)) for name, default in DEFAULTS.items()}
        self._study.enqueue_trial(drawn, user_attrs={**attributes, _IN_USE: True})

    def _again(self, number: int, drawn: Mapping[str, Any], attributes: Mapping[str, Any]) -> None:
        """End a trial as failed, and let the next one have its parameters and the folds that it had done.

        A trial that was killed while it was drawn, or between the two steps here, is drawn again, the same.
        """
        self._study.tell(number, state=TrialState.FAIL)
        if attributes.get(_IN_USE):
            self._enqueue_in_use(attributes)
        elif len(drawn) == len(SPACE):
            self._study.enqueue_trial(dict(drawn), user_attrs=dict(attributes))

    def _judge(self, trial: optuna.Trial, judge: Judge, folds: int, clock: Clock) -> bool:
        """Work through the folds not done yet; return False where the time was over before the last."""
        in_use = bool(trial.user_attrs.get(_IN_USE))
        parameters = dict(self._in_use) if in_use else as_config(trial.params, self._in_use)
        losses: list[float] = list(trial.user_attrs.get(_LOSSES, []))
        seconds: list[float] = list(trial.user_attrs.get(_SECONDS, []))
        for fold in range(folds):
            if fold >= len(losses):
                if clock.over:
                    self._again(trial.number, trial.params, trial.user_attrs)
                    return False
                began = time.monotonic()
                losses.append(float(judge(parameters, fold)))
                seconds.append(time.monotonic() - began)
                clock.longest = max(clock.longest, seconds[-1])
                trial.set_user_attr(_SECONDS, seconds)
                trial.set_user_attr(_LOSSES, losses)
            trial.report(float(np.mean(losses[: fold + 1])), fold)
            if fold + 1 < folds and trial.should_prune():
                self._study.tell(trial, state=TrialState.PRUNED)
                return True
        self._study.tell(trial, float(np.mean(losses)))
        return True

    def _seconds(self) -> Iterator[float]:
        for trial in self._study.get_trials(deepcopy=False):
            yield from trial.user_attrs.get(_SECONDS, [])

    def _seed_of(self, finished: int) -> int:
        return int(np.random.SeedSequence([self._seed, finished]).generate_state(1)[0])

    def _told(self, trial: FrozenTrial) -> Trial:
        in_use = bool(trial.user_attrs.get(_IN_USE))
        began, ended = (
            0 if at is None else int(at.timestamp() * 1000) for at in (trial.datetime_start, trial.datetime_complete)
        )
        return Trial(
            number=trial.number,
            state=_STATES[trial.state],
            drawn=dict(trial.params),
            parameters=dict(self._in_use) if in_use else as_config(trial.params, self._in_use),
            in_use=in_use,
            losses=tuple(trial.user_attrs.get(_LOSSES, ())),
            began=began,
            ended=ended,
        )


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Hold a lock that a killed process lets go of by itself: an open transaction of SQLite, on every system alike."""
    with closing(sqlite3.connect(path, timeout=0, isolation_level=None)) as connection:
        try:
            connection.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError:
            raise TuningError(
                "one process may tune a question at a time", "another one at it", "Wait until it has ended"
            ) from None
        yield
    path.unlink(missing_ok=True)
