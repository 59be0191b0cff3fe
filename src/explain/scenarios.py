"""What would change a score: facts to suppose of clients, and in which order so that none meets another's.

What the model would answer is found by asking it: the supposed fact is put into the book, the features are built by
the same pipeline, so that all that follow from it move together, and the rows are scored. It is what the model says of
a client with that fact, not a promise of what the fact would cause.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from appetence.config import Scenario
from appetence.explain.wording import NO_BREAK, Language, points, probability, typeset, visible

PREFIX = "appetence-supposes-"
"""Of the ids of supposed facts: no firm's id begins so."""

_ANSWER: dict[Language, str] = {
    "en": "{what}: {after} instead of {before} ({points})",
    "fr": f"{{what}}{NO_BREAK}: {{after}} au lieu de {{before}} ({{points}})",
}
_NOTHING: dict[Language, str] = {
    "en": "{what}: no change, {before}",
    "fr": f"{{what}}{NO_BREAK}: sans effet, {{before}}",
}
_SEEN = 0.05  # points: less is shown as no change


@dataclass(frozen=True)
class Supposition:
    """One client with what is supposed: a contract needs a product."""

    client_id: str
    product_id: str | None = None


def supposed_fact(scenario: Scenario, one: Supposition, number: int, cut: dt.date) -> tuple[str, Mapping[str, object]]:
    """Return a table of the book and the row to add to it: a fact of the last day before the cut, known then."""
    day = cut - dt.timedelta(days=1)
    if scenario.fact == "interaction":
        return "interactions", {
            "interaction_id": f"{PREFIX}{number}",
            "client_id": one.client_id,
            "at": day,
            "channel": scenario.channel,
            "kind": scenario.kind,
        }
    return "contracts", {
        "contract_id": f"{PREFIX}{number}",
        "client_id": one.client_id,
        "product_id": one.product_id,
        "opened_on": day,
    }


def waves(
    asked: Sequence[tuple[Scenario, Supposition]], households: Mapping[str, str | None]
) -> list[list[tuple[Scenario, Supposition]]]:
    """Deal out suppositions so that no two of a wave are of the same client or household.

    What is supposed of one member is a fact of the whole household's features: together, effects would mix.

    Parameters
    ----------
    households
        Per client the household, None for a client without one.
    """
    met: Counter[tuple[str, str]] = Counter()
    dealt: dict[int, list[tuple[Scenario, Supposition]]] = {}
    for scenario, one in asked:
        household = households.get(one.client_id)
        home = ("client", one.client_id) if household is None else ("household", household)
        dealt.setdefault(met[home], []).append((scenario, one))
        met[home] += 1
    return [dealt[number] for number in sorted(dealt)]


def say_supposed(scenario: Scenario, product: str, language: Language) -> str:
    """Return what is supposed, with the name of the product; empty where there is none."""
    label = scenario.label_en if language == "en" else scenario.label_fr
    return typeset(label, language).replace("{product}", visible(product))


def say_answer(what: str, before: float, after: float, language: Language) -> str:
    """Return what is supposed and what the model answers.

    Parameters
    ----------
    before, after
        Probabilities.

    Examples
    --------
    >>> say_answer("A review held", 0.107, 0.067, "en")
    'A review held: 6.7% instead of 10.7% (−4.0 points)'
    """
    moved = 100 * (after - before)
    return (_ANSWER if abs(moved) >= _SEEN else _NOTHING)[language].format(
        what=what,
        before=probability(before, language),
        after=probability(after, language),
        points=points(moved, language),
    )
