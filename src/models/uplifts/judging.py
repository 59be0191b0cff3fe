"""Uplift out of time: learnt from older campaigns, judged on the newest, beside targeting by score and at random."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from appetence.models.metrics import Interval, bootstrap_intervals, paired_difference
from appetence.models.uplifts.draws import Draws
from appetence.models.uplifts.learners import LEARNERS, Parameters, choose_learner, fit_effects
from appetence.models.uplifts.qini import DEPTHS, qini, qini_coefficient, qini_curve, rank_within, uplift_at
from appetence.models.uplifts.verdicts import cannot_tell, targets_by_lift
from appetence.models.verdicts import Verdict

Floats = npt.NDArray[np.float64]

TEST_SHARE = 0.3
"""Part of the offers, the newest, that judge."""

FEWEST_TO_TEST = 10
"""Buyers on each side of the campaigns that judge: with fewer the bootstrap meets samples without any."""

DUST = 1e-9
"""What sums of floats leave of an order that knows nothing: no interval above it is above zero."""

SHARES = (0.1, 0.2, 0.3)
"""Shares of the clients at which figures are given; the verdict speaks of all depths, where chance is least."""


@dataclass(frozen=True)
class Depth:
    """What offers to the first `share` of the clients bring, as purchases added per offer.

    Attributes
    ----------
    lift, score
        In the order of the effect, and in that of the score.
    over_score, over_random
        By how much the first is more than the second, and than offers to clients at random.
    """

    share: float
    lift: Interval
    score: Interval
    over_score: Interval
    over_random: Interval


@dataclass(frozen=True)
class Judgement:
    """Figures of uplift on campaigns that the model never saw; purchases per client or per offer.

    Attributes
    ----------
    learner, chosen_by
        The one that was used, and each one's Qini on unseen households of the older campaigns.
    qini, qini_score, qini_over_score
        Area above random order: by effect, by score, and the difference.
    coefficient
        The first as a share of the most there could be.
    average, expected
        What an offer to anyone adds, as observed and as the model said.
    depths
        At `SHARES`.
    curve
        Rows of the Qini curves.
    found, better
        Whether the order is better than random, and than that of the score, beyond chance over all depths.
    verdict
        The same as a sentence.
    """

    learner: str
    chosen_by: Mapping[str, float]
    qini: Interval
    qini_score: Interval
    qini_over_score: Interval
    coefficient: float
    average: Interval
    expected: float
    depths: tuple[Depth, ...]
    curve: tuple[Mapping[str, float], ...]
    found: bool
    better: bool
    verdict: Verdict

    def flat(self) -> dict[str, float]:
        """Return all figures under one name each, as MLflow has them."""
        intervals = {
            "qini": self.qini,
            "qini_score": self.qini_score,
            "qini_over_score": self.qini_over_score,
            "average_uplift": self.average,
        }
        for depth in self.depths:
            percent = round(100 * depth.share)
            intervals |= {f"{name}_{percent}": one for name, one in vars(depth).items() if isinstance(one, Interval)}
        figures = {"qini_coefficient": self.coefficient, "expected_average_uplift": self.expected}
        figures |= {f"chosen_by_qini.{name}": value for name, value in self.chosen_by.items()}
        for name, one in intervals.items():
            figures |= {name: one.value, f"{name}_low": one.low, f"{name}_high": one.high}
        return {name: float(value) for name, value in figures.items() if np.isfinite(value)}


def split_in_time(draws: Draws) -> tuple[Draws, Draws] | None:
    """Return the older offers to learn from and the newest to judge by; None where there are none of either.

    The newest `TEST_SHARE` of the offers judge, whole months. What is learnt from was known before the first of them:
    offers whose outcome came later are in neither.
    """
    months, counts = np.unique(draws.cut, return_counts=True)
    from_here = np.cumsum(counts[::-1])[::-1]
    enough = np.flatnonzero(from_here >= TEST_SHARE * len(draws))
    first = months[enough[-1]]
    older, newest = draws.take(draws.closes <= first), draws.take(draws.cut >= first)
    return (older, newest) if len(older) and len(newest) else None


def judge(older: Draws, newest: Draws, parameters: Parameters, bootstrap: int, seed: int) -> Judgement:
    """Learn from the older offers, choosing the learner there, and score the newest once.

    Parameters
    ----------
    older, newest
        From `split_in_time`; both sides of each must have buyers.
    parameters
        Of `PropensityClassifier`.
    bootstrap, seed
        Draws of households behind an interval, and the seed.
    """
    chosen_by = choose_learner(older, parameters, seed)
    learner = max(LEARNERS, key=lambda name: chosen_by.get(name, 0.0))
    model = fit_effects(older, parameters, seed)
    effect, score = model.effect(newest.X, learner), model.score(newest.X)
    y, offered, weight = newest.bought, newest.offered, newest.weight
    by_lift, by_score = rank_within(effect, newest.stratum), rank_within(score, newest.stratum)
    again: dict[str, Any] = {"groups": newest.household, "n": bootstrap, "seed": seed, "weight": weight}

    area = partial(qini, offered=offered)
    at_random = np.zeros(len(newest))
    average = bootstrap_intervals(partial(uplift_at, offered=offered), y, at_random, **again)
    own, plain = (bootstrap_intervals(area, y, order, **again) for order in (by_lift, by_score))
    more = paired_difference(area, y, by_lift, by_score, **again)
    depths = []
    for share in SHARES:
        there = partial(uplift_at, offered=offered, share=share)
        depths.append(
            Depth(
                share,
                bootstrap_intervals(there, y, by_lift, **again),
                bootstrap_intervals(there, y, by_score, **again),
                paired_difference(there, y, by_lift, by_score, **again),
                paired_difference(there, y, by_lift, at_random, **again),
            )
        )
    found = own.low > DUST
    better = found and more.low > DUST
    return Judgement(
        learner=learner,
        chosen_by=chosen_by,
        qini=own,
        qini_score=plain,
        qini_over_score=more,
        coefficient=qini_coefficient(y, by_lift, weight, offered=offered),
        average=average,
        expected=float(np.average(effect, weights=weight)),
        depths=tuple(depths),
        curve=_curve(newest, by_lift, by_score),
        found=found,
        better=better,
        verdict=targets_by_lift(better, per_offer(more), per_offer(own), average, newest.draws)
        if found
        else cannot_tell(per_offer(own), average, newest.draws),
    )


def per_offer(area: Interval) -> Interval:
    """Turn an area, purchases per client, into purchases per offer: over all depths half of the clients are offered."""
    return Interval(2.0 * area.value, 2.0 * area.low, 2.0 * area.high, area.share)


def _curve(draws: Draws, by_lift: Floats, by_score: Floats) -> tuple[Mapping[str, float], ...]:
    y, w = draws.bought, draws.weight
    lift, score = (qini_curve(y, order, w, offered=draws.offered) for order in (by_lift, by_score))
    return tuple(
        {"share_of_clients": float(d), "by_lift": float(a), "by_score": float(b), "at_random": float(d * lift[-1])}
        for d, a, b in zip(DEPTHS, lift, score, strict=True)
    )
