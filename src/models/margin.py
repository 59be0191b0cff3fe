"""Choose how much of the linear margin to keep and how many trees to grow, by log-loss on rows not learned from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from appetence.models.boosting import RoundSearch, TreeGrower
from appetence.models.folds import Split, thinned
from appetence.models.linear import LinearFitter, LinearPart

SHRINKS = (0.0, 0.5, 1.0)
"""Candidates: none, half and all of the linear margin."""

HEAT = 25
"""Trees between looks at the race: who is further behind the first than it came forward since the last look stops."""

LAST_HEAT = 300
"""Trees after which only the first goes on: by then the trees have made up for where they started."""

MOST_RACE_ROWS = 100_000
"""Rows that choose shrinkage and rounds at most: a part drawn at random ranks the candidates as all would."""

FALLBACK_SHRINK = 0.5
"""Kept where there are too few rows to choose."""

FEWEST_FOR_TREES = 50.0
"""Total weight below which no tree is grown."""

ONE_SPLIT_CELLS = 1_000_000
"""Rows × features from which fewer than all splits may judge, where they hold positives enough."""

ENOUGH_POSITIVES = 300
"""Positives among the rows that judge: log-losses are compared by these few rows, however many negatives there are."""

Margins = list[tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True)
class MarginChoice:
    """What was chosen, and the mean log-loss that it had; None where there was nothing to choose by."""

    shrink: float
    rounds: int
    loss: float | None


def choose_margin(
    fitter: LinearFitter,
    grower: TreeGrower,
    encoded: np.ndarray,
    y: np.ndarray,
    weight: np.ndarray,
    folds: np.ndarray | None,
    splits: Sequence[Split],
    shrink: float | str,
) -> tuple[LinearPart, np.ndarray, MarginChoice]:
    """Fit the linear part and choose shrinkage and rounds.

    Returns
    -------
    linear, margin, choice
        The linear part refitted on all rows, shrunk and with its bias; the cross-fitted initial margin of the training
        rows, of shape (n_rows,), on which the trees must be grown; and what was chosen.
    """
    linear = fitter.fit_all()
    crossed = fitter.cross_fit(folds) if folds is not None else linear.margin(encoded)
    candidates = SHRINKS if shrink == "auto" else (float(shrink),)
    if folds is None or not splits or weight.sum() < FEWEST_FOR_TREES:
        choice = MarginChoice(FALLBACK_SHRINK if shrink == "auto" else float(shrink), 0, None)
    else:
        splits = _enough(splits, weight * y) if encoded.size >= ONE_SPLIT_CELLS else splits
        parts = [thinned(split, MOST_RACE_ROWS) for split in splits]
        margins = [_margins(fitter, split, part, folds) for split, part in zip(splits, parts, strict=True)]
        choice = _race(grower, parts, margins, y, weight, candidates)
    bias = level(choice.shrink * crossed, y, weight)
    return linear.scaled(choice.shrink, bias), choice.shrink * crossed + bias, choice


def level(margin: np.ndarray, y: np.ndarray, weight: np.ndarray) -> float:
    """Return the constant that, added to the margin, makes the expected number of events the observed one.

    Half an event is added to either side, so that the constant is finite.
    """
    total = float(weight.sum())
    wanted = (float(weight @ y) + 0.5) / (total + 1.0) * total
    low, high = -40.0 - float(margin.max()), 40.0 - float(margin.min())
    constant = (low + high) / 2.0
    for _ in range(100):  # Newton's steps where they stay inside the bracket, halves of it where they overshoot
        p = expit(margin + constant)
        excess = float(weight @ p) - wanted
        low, high = (constant, high) if excess < 0 else (low, constant)
        slope = float(weight @ (p * (1.0 - p)))
        step = excess / slope if slope > 0 else np.inf
        proposal = constant - step if low < constant - step < high else (low + high) / 2.0
        if abs(proposal - constant) < 1e-12:
            break
        constant = proposal
    return constant


def _enough(splits: Sequence[Split], positives: np.ndarray) -> Sequence[Split]:
    """Return as many of the splits as hold positives enough to judge by."""
    found = np.cumsum([positives[split.valid].sum() for split in splits])
    return splits[: int(np.searchsorted(found, ENOUGH_POSITIVES)) + 1]


def _margins(fitter: LinearFitter, split: Split, part: Split, folds: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the linear margins of a part of a split's rows, all by models of its training rows alone.

    The margins crossed over all folds would not do: those of the training rows know the validation rows' labels, the
    trees would learn the opposite of these, and too few trees would seem best (measured).
    """
    return fitter.cross_fit(folds, split.train, part.train), fitter.margins(split.train, part.valid)


def _race(
    grower: TreeGrower,
    splits: Sequence[Split],
    margins: Margins,
    y: np.ndarray,
    weight: np.ndarray,
    candidates: Sequence[float],
) -> MarginChoice:
    searches = {}
    for shrink in candidates:
        initial = []
        for split, (train, valid) in zip(splits, margins, strict=True):
            bias = level(shrink * train, y[split.train], weight[split.train])
            initial.append((shrink * train + bias, shrink * valid + bias))
        searches[shrink] = grower.search(splits, initial)
    best = _winner(searches)
    leader = searches[best]
    leader.advance(grower.max_rounds)
    return MarginChoice(best, leader.rounds, leader.loss)


def _winner(searches: dict[float, RoundSearch]) -> float:
    """Let the candidates grow side by side, and return the one that is left."""
    running = dict(searches)
    for trees in range(HEAT, LAST_HEAT + 1, HEAT):
        before = {shrink: search.loss for shrink, search in running.items()}
        for search in running.values():
            search.advance(trees)
        first = min(running, key=lambda shrink: running[shrink].loss)
        lag = {shrink: search.loss - running[first].loss for shrink, search in running.items()}
        running = {s: search for s, search in running.items() if s == first or lag[s] < before[s] - search.loss}
        if len(running) == 1:
            break
    return min(running, key=lambda shrink: running[shrink].loss)
