"""How well products were ordered: figures with intervals, and the same in words of both languages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from appetence.models.dependence import UNIT_WORDS, Unit
from appetence.models.metrics import Interval
from appetence.models.verdicts import Verdict, french

LENGTHS = (3, 7)
"""Products looked at from the top: what an advisor has in mind at a meeting, and a week's list."""

MODEL, POPULARITY, RULES, SIMILAR = "model", "popularity", "association rules", "similar clients"

SCORERS: Mapping[str, tuple[str, str]] = {
    MODEL: ("the models", "les modèles"),
    POPULARITY: ("popularity", "la popularité"),
    RULES: ("association rules", "les règles d’association"),
    SIMILAR: ("what similar clients hold", "ce que détiennent des clients semblables"),
}
"""Who orders products, in English and in French."""


@dataclass(frozen=True)
class ProductRanking:
    """Orders of products, judged on those who bought one.

    Attributes
    ----------
    buyers
        Rows: clients at a test date who bought something that they could have been proposed.
    questions
        Those whose products are in the order.
    dates
        Test dates.
    unit, units
        What was drawn as one for the intervals, and how many there are.
    ceiling
        {k: the most that any order could have had}
    figures
        {k: {scorer: MAP@k}}, the models' first.
    ahead
        {k: {scorer: MAP@k of the models less that of the scorer}}, both drawn together.
    """

    buyers: int
    questions: tuple[str, ...]
    dates: tuple[str, ...]
    unit: Unit
    units: int
    ceiling: Mapping[int, float]
    figures: Mapping[int, Mapping[str, Interval]]
    ahead: Mapping[int, Mapping[str, Interval]]

    @property
    def best_plain(self) -> str:
        """The plain order that is the best in the longest list."""
        plain = {name: one.value for name, one in self.figures[LENGTHS[-1]].items() if name != MODEL}
        return max(plain, key=lambda name: plain[name])

    @property
    def verdict(self) -> Verdict:
        """Say whether the models' order is better than the best of the plain ones, and by how much."""
        k, name = LENGTHS[-1], self.best_plain
        own, other, ahead = self.figures[k][MODEL].value, self.figures[k][name].value, self.ahead[k][name]
        (plain_en, plain_fr), (unit_en, unit_fr) = SCORERS[name], UNIT_WORDS[self.unit]
        en, fr = "shows no clear difference to", "ne montre pas d’écart net avec"
        if ahead.low > 0:
            en, fr = "beats", "fait mieux que"
        elif ahead.high < 0:
            en, fr = "loses to", "fait moins bien que"
        said, gone, low, high = f"{own:.3f}", f"{other:.3f}", f"{ahead.low:+.3f}", f"{ahead.high:+.3f}"
        best = f"{self.ceiling[k]:.3f}"
        return Verdict(
            f"the models' order {en} the best plain one, {plain_en}: MAP@{k} {said} against {gone} (95 % interval of "
            f"the difference {low} to {high}), at best {best}; intervals by {unit_en}",
            f"l’ordre des modèles {fr} le meilleur ordre simple, {plain_fr} : MAP@{k} {french(said)} contre "
            f"{french(gone)} (intervalle à 95 % de l’écart : {french(low)} à {french(high)}), au mieux "
            f"{french(best)} ; intervalles par {unit_fr}",
        )

    def as_dict(self) -> dict[str, Any]:
        """Return it for JSON."""
        return {
            **self.verdict.as_dict("verdict"),
            "buyers": self.buyers,
            "questions": list(self.questions),
            "test_dates": list(self.dates),
            "intervals_by": {"unit": self.unit, "units": self.units},
            **{
                f"map_at_{k}": {
                    "ceiling": self.ceiling[k],
                    **{_key(name): _bounds(one) for name, one in self.figures[k].items()},
                    "ahead_of": {_key(name): _bounds(one) for name, one in self.ahead[k].items()},
                }
                for k in self.figures
            },
        }

    def flat(self) -> dict[str, float]:
        """Return the figures under one name each, as MLflow has them."""
        found: dict[str, float] = {"buyers": float(self.buyers)}
        for k, figures in self.figures.items():
            own, name = figures[MODEL], f"map_at_{k}"
            found |= {name: own.value, f"{name}_low": own.low, f"{name}_high": own.high}
            found[f"ceiling_at_{k}"] = self.ceiling[k]
            for scorer, ahead in self.ahead[k].items():
                found |= {
                    f"{_key(scorer)}.{name}": figures[scorer].value,
                    f"{_key(scorer)}.ahead_at_{k}": ahead.value,
                    f"{_key(scorer)}.ahead_at_{k}_low": ahead.low,
                    f"{_key(scorer)}.ahead_at_{k}_high": ahead.high,
                }
        return found

    def lines(self) -> Iterator[str]:
        """Return it for a reader."""
        dates = f"{len(self.dates)} test date{'s' if len(self.dates) > 1 else ''}"
        yield f"order of products, over {self.buyers:,} buyers at {dates}: {self.verdict.en}"
        for k, figures in self.figures.items():
            told = [f"MAP@{k} {_told(figures[MODEL])}, at best {self.ceiling[k]:.3f}"]
            for name, one in self.ahead[k].items():
                told.append(f"{name} {figures[name].value:.3f}, ahead by {_told(one, '+')}")
            yield "  " + "; ".join(told)


def _told(one: Interval, sign: str = "") -> str:
    value, low, high = (f"{number:{sign}.3f}" for number in (one.value, one.low, one.high))
    return f"{value} ({low} to {high})"


def _bounds(one: Interval) -> dict[str, float]:
    return {"value": one.value, "low": one.low, "high": one.high}


def _key(scorer: str) -> str:
    return scorer.replace(" ", "_")
