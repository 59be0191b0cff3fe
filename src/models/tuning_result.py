"""What a search brought: the gain out of time, and how it is told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import yaml

from appetence.models import metrics
from appetence.models.evaluation import within_dates
from appetence.models.fitting import Parameters, Predictions
from appetence.models.verdicts import Verdict


@dataclass(frozen=True)
class TuningResult:
    """What a search brought.

    Attributes
    ----------
    question
        Its name.
    state
        `gained`: the interval of the gain is above zero; `nothing`: it is not; `unfinished`: the time was over before
        anything could be compared; `refused`: the book does not allow it.
    verdict
        The same in a sentence, with the figures.
    study
        Name of the study; empty where there was none.
    folds, tests
        The dates that judged trials, newest first, and the test dates.
    trials
        {state: number of trials}, over all processes that worked on the study.
    in_use, best
        Parameters as `training.parameters` has them: those of the config, and those with the smallest loss.
    inside
        Mean log-loss of both over the folds.
    outside
        Figures at the test dates; see `compare`.
    """

    question: str
    state: Literal["gained", "nothing", "unfinished", "refused"]
    verdict: Verdict
    study: str = ""
    folds: tuple[str, ...] = ()
    tests: tuple[str, ...] = ()
    trials: Mapping[str, int] = field(default_factory=dict)
    in_use: Parameters = field(default_factory=dict)
    best: Parameters = field(default_factory=dict)
    inside: Mapping[str, float] = field(default_factory=dict)
    outside: Mapping[str, float] = field(default_factory=dict)

    @property
    def snippet(self) -> str:
        """The lines to write into the config; empty unless they are recommended."""
        if self.state != "gained":
            return ""
        return yaml.safe_dump({"training": {"parameters": dict(self.best)}}, sort_keys=False)

    def as_dict(self) -> dict[str, Any]:
        """Return it for JSON."""
        told = {name: value for name, value in asdict(self).items() if name != "verdict"}
        return {**told, **self.verdict.as_dict("verdict"), "config": self.snippet}

    def lines(self) -> Iterator[str]:
        """Return it for a reader."""
        yield f"{self.question}: {self.verdict}"
        if self.trials:
            counts = ", ".join(f"{number} {state}" for state, number in sorted(self.trials.items()))
            yield f"trials: {counts}, judged at {', '.join(self.folds)}; tested at {', '.join(self.tests)}"
        if self.inside:
            yield "log-loss inside the training period: " + ", ".join(
                f"{value:.4f} {name}" for name, value in self.inside.items()
            )
        if self.snippet:
            yield "To use them, write into the config. They hold for every question that is trained: tune others too."
            yield from self.snippet.splitlines()


def compare(own: Predictions, in_use: Predictions, draws: int, seed: int) -> dict[str, float]:
    """Hold two sets of probabilities of the same rows against each other.

    Returns
    -------
    dict
        `gain`: the log-loss in use less the tuned one, with `gain_low` and `gain_high` of a paired bootstrap over
        households (95 %); for `tuned` and `in_use` the AUC (within a date, averaged by events), the log-loss and
        observed / expected; `rows` and `events`.
    """
    gain = metrics.paired_difference(metrics.log_loss, own.y, in_use.p, own.p, own.unit, draws, seed)
    found = {"gain": gain.value, "gain_low": gain.low, "gain_high": gain.high}
    for name, one in (("tuned", own), ("in_use", in_use)):
        found[f"{name}_auc"] = within_dates(metrics.auc, one.date)(one.y, one.p, None)
        found[f"{name}_log_loss"] = metrics.log_loss(one.y, one.p)
        found[f"{name}_observed_expected"] = metrics.observed_expected(one.y, one.p)
    return {**found, "rows": float(len(own.y)), "events": float(own.y.sum())}
