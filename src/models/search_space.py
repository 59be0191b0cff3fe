"""Which parameters are searched, between what bounds and why, and when a set of them is given up."""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import FrozenTrial, TrialState

from appetence.models.classifier import PropensityClassifier

Parameters = Mapping[str, float | int | bool | None]

SPACE: Mapping[str, BaseDistribution] = MappingProxyType(
    {
        # Below 0.015 a fit needs more trees than `max_rounds` allows; above 0.15 the number of trees is too coarse a
        # choice for strongly regularised trees.
        "learning_rate": FloatDistribution(0.015, 0.15, log=True),
        # 4 leaves hold little more than pairs of features; beyond 63 trees of such books are cut off by
        # `min_data_in_leaf` anyway.
        "num_leaves": IntDistribution(4, 63, log=True),
        # None lets the number of rows decide (20 to 100). With few events in a hundred rows, a leaf of less than 20
        # rows often holds none; one of 400 still holds several.
        "min_data_in_leaf": CategoricalDistribution((None, 20, 50, 100, 200, 400)),
        # In units of the hessian p(1 - p) summed over a leaf: at a rate of 5 %, 100 outweighs 2,000 rows.
        "lambda_l2": FloatDistribution(0.1, 100.0, log=True),
        # Many features say the same: three in ten are enough to choose from, and all may be needed on narrow books.
        "feature_fraction": FloatDistribution(0.3, 1.0),
        # Below half of the rows, trees of rare events see too few of these.
        "bagging_fraction": FloatDistribution(0.5, 1.0),
        # "auto" chooses among 0, 1/2 and 1 in each fit; a fixed share cannot follow one period's accidents.
        "linear_shrink": CategoricalDistribution(("auto", 0.0, 0.25, 0.5, 0.75, 1.0)),
    }
)
"""What is searched. Negative sampling is not: it saves time, and its correction is exact; it stays as it is set."""

DEFAULTS = {name: value for name, value in PropensityClassifier().get_params().items() if name in SPACE}
"""What the classifier does where a config says nothing."""

FEWEST_TO_PRUNE = 5
"""Trials that must have got as far before another is held against their median."""


def inside(name: str, value: Any) -> Any:
    """Return the value of the space that is nearest to a parameter in use.

    >>> inside("num_leaves", 500), inside("min_data_in_leaf", 60), inside("linear_shrink", "auto")
    (63, 50, 'auto')
    """
    known = SPACE[name]
    if isinstance(known, CategoricalDistribution):
        if value in known.choices:
            return value
        numbers = [choice for choice in known.choices if isinstance(choice, int | float)]
        return min(numbers, key=lambda choice: abs(choice - value))
    if isinstance(known, IntDistribution | FloatDistribution):
        return min(max(value, known.low), known.high)
    raise TypeError(f"no such range: {known}")


def as_config(drawn: Mapping[str, Any], in_use: Parameters) -> Parameters:
    """Return drawn parameters as a config has them: to three digits, defaults not named; what is not searched stays.

    >>> as_config({"learning_rate": 0.0312345, "num_leaves": 15}, {"max_rounds": 50, "num_leaves": 31})
    {'max_rounds': 50, 'learning_rate': 0.0312}
    """
    rounded = {name: _rounded(value) for name, value in drawn.items() if value != DEFAULTS[name]}
    return {name: value for name, value in in_use.items() if name not in SPACE} | rounded


def _rounded(value: Any) -> Any:
    """Return a number with three digits, so that what was tested is what a config says.

    >>> _rounded(0.0312345), _rounded(12), _rounded(None)
    (0.0312, 12, None)
    """
    return float(f"{value:.3g}") if isinstance(value, float) and math.isfinite(value) else value


class FoldPruner(optuna.pruners.BasePruner):
    """Stops a trial whose mean loss over the folds so far is above the median of what others had after as many.

    As Optuna's MedianPruner, but for one thing: that one holds a trial's *best* step against the median, and where the
    level of the loss differs by fold (quiet years, waves of surrenders) the best step is the quietest fold, so that it
    would hardly ever stop anything. Rank tests over folds, as in its WilcoxonPruner, have no power over two or three.
    """

    def prune(self, study: optuna.Study, trial: FrozenTrial) -> bool:
        """Say whether to stop."""
        step = trial.last_step
        if step is None:
            return False
        ended = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE, TrialState.PRUNED))
        others = [other.intermediate_values[step] for other in ended if step in other.intermediate_values]
        return len(others) >= FEWEST_TO_PRUNE and trial.intermediate_values[step] > float(np.median(others))
