"""Who leaves, who drains: monthly probabilities from the true state, and what they add up to over months.

Over several months the probability is compounded along the expected path: effects that are to run out in known months
run out (a complaint, an early tenure), seasons pass, draining starts and stops as a two-state Markov chain, and shocks
that have not happened yet weigh as often as they are seen among all clients now. Holdings stand still.
"""

from __future__ import annotations

import numpy as np

from appetence.book.simulate.arrays import Bools, Floats, Ints, Months
from appetence.book.simulate.catalogue import Money, which
from appetence.book.simulate.effects import DRAINING, LEAVING, SEASON, Effect, effects_on, log_odds
from appetence.book.simulate.state import State

LEAVING_INTERCEPT = -5.45
DRAINING_INTERCEPT = -5.1
RECOVERY = 0.06
"""Monthly probability that draining stops."""

HORIZONS = (3, 6, 12)
ASSETS = np.concatenate([which(Money.ACCOUNT), which(Money.SAVINGS)])
"""Products that hold the client's own money."""

_INTERCEPTS = {LEAVING: LEAVING_INTERCEPT, DRAINING: DRAINING_INTERCEPT}


def sigmoid(log_odds: Floats) -> Floats:
    """Return probabilities of log-odds."""
    return 1 / (1 + np.exp(-log_odds))


def window(effect: Effect) -> int:
    """Return the months that a recent effect acts; ValueError for a trait, which has none."""
    if effect.months is None:
        raise ValueError(f"{effect.question}: {effect.trigger} is a trait and has no months")
    return effect.months


def recent(effect: Effect, last: Months, month: int) -> Bools:
    """Say for whom a recent effect acts in a month: the trigger happened 1 to `months` months before (or did not)."""
    return (month - last.astype(np.int32) <= window(effect)) != effect.absent


def death_hazard(state: State, clients: Ints, month: int) -> Floats:
    """Return the monthly probability of dying: Gompertz (1825), about 0.3 % a year at 50 and 6 % at 80."""
    age = state.people.ages(state.calendar.start(month))[clients]
    return np.where(state.people.company[clients], 0.0, 2.0e-5 * np.exp(0.1 * np.maximum(age, 30.0)) / 12)


def ahead_log_odds(effect: Effect, last: Months, month: int, ahead: int) -> Floats:
    """Return what a recent effect adds `ahead` months on: in full where it will act, else as a shock to be expected.

    A shock of which a share q of the clients is under now has come to q · min(ahead, months) / months of the others by
    then, and multiplies their hazard by exp(log_odds): the mean is returned as log-odds, right for rare outcomes.
    """
    acts = recent(effect, last, month + ahead)
    if ahead == 0 or effect.absent or effect.trigger == "joined":
        return np.where(acts, effect.log_odds, 0.0)
    share = recent(effect, last, month).mean() * min(ahead, window(effect)) / window(effect)
    return np.where(acts, effect.log_odds, np.log1p(share * np.expm1(effect.log_odds)))


class Leaving:
    """Log-odds of leaving of some clients, in the month of the state and the months after."""

    def __init__(self, state: State, clients: Ints, month: int) -> None:
        self._state, self._clients, self._month = state, clients, month
        self.death = death_hazard(state, clients, month)
        self.draining = state.draining[clients]
        traits = state.traits(clients, month)
        self._fixed: dict[str, Floats] = {
            question: np.full(clients.size, intercept) + _of_traits(question, traits)
            for question, intercept in _INTERCEPTS.items()
        }
        self._last = {
            effect: state.last_of(effect.trigger)[clients]
            for question in self._fixed
            for effect in effects_on(question)
            if effect.months is not None
        }
        # Only those who hold money with us can drain it.
        self._can_drain = (state.held[clients][:, ASSETS] > 0).any(axis=1)

    def _log_odds(self, question: str, ahead: int) -> Floats:
        total = self._fixed[question].copy()
        for effect, last in self._last.items():
            if effect.question == question:
                total += ahead_log_odds(effect, last, self._month, ahead)
        return total

    def hazard(self, draining: Bools | bool, ahead: int = 0) -> Floats:
        """Return the probability of leaving in the month, `ahead` months on, given who drains."""
        season = SEASON[self._state.calendar.of_year(self._month + ahead)]
        shift = log_odds(LEAVING, "draining") * np.asarray(draining)
        return sigmoid(self._log_odds(LEAVING, ahead) + season + shift) * (1 - self.death)

    def drain_start(self, ahead: int = 0) -> Floats:
        """Return the probability that draining starts in the month."""
        return sigmoid(self._log_odds(DRAINING, ahead)) * self._can_drain

    def path(self) -> tuple[dict[int, Floats], list[Floats]]:
        """Return P(leave within h) for the HORIZONS, and the survival to the start of each month ahead."""
        sound = (~self.draining).astype(np.float64)
        drained = self.draining.astype(np.float64)
        left = np.zeros(sound.size)
        within, survival = {}, []
        for ahead in range(max(HORIZONS)):
            survival.append(sound + drained)
            leave_sound, leave_drained = self.hazard(False, ahead), self.hazard(True, ahead)
            start = self.drain_start(ahead)
            left += sound * leave_sound + drained * leave_drained
            sound, drained = sound * (1 - leave_sound - self.death), drained * (1 - leave_drained - self.death)
            sound, drained = sound * (1 - start) + drained * RECOVERY, drained * (1 - RECOVERY) + sound * start
            if ahead + 1 in HORIZONS:
                within[ahead + 1] = left.copy()
        return within, survival


def _of_traits(question: str, traits: dict[str, Floats]) -> Floats | float:
    # Draining comes and goes along the path, so it is added there.
    return sum(
        effect.log_odds * traits[effect.trigger]
        for effect in effects_on(question)
        if effect.months is None and effect.trigger != "draining"
    )
