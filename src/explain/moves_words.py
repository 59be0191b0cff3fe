"""What changed between two months, in words: a value now and the same value before, and what else moves a score."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from appetence.explain.wording import NO_BREAK, Language, amount_in_words, say
from appetence.features.catalogue import Feature, Theme, Unit, Wording

_NEAR_ZERO = 1e-9
_TIMES = (Unit.MONTHS, Unit.YEARS)  # « contre 2 mois un mois plus tôt » would stumble
_ONE_MONTH: dict[Language, str] = {"en": "a month earlier", "fr": f"un{NO_BREAK}mois plus tôt"}
_MONTHS: dict[Language, str] = {"en": "{n} months earlier", "fr": f"{{n}}{NO_BREAK}mois plus tôt"}
_AGAINST: dict[Language, str] = {"en": "{now}, against {before} {earlier}", "fr": "{now}, contre {before} {earlier}"}
_THEN: dict[Language, str] = {
    "en": "{now}; {earlier}: {before}",
    "fr": f"{{now}}{NO_BREAK}; {{earlier}}{NO_BREAK}: {{before}}",
}
_LITTLE: dict[Language, dict[bool, str]] = {
    "en": {True: "{now}, a little more than {earlier}", False: "{now}, a little less than {earlier}"},
    "fr": {True: "{now}, un peu plus {earlier}", False: "{now}, un peu moins {earlier}"},
}
_AS_BEFORE: dict[Language, str] = {
    "en": "{label}: as before, but it weighs differently beside what changed",
    "fr": f"{{label}}{NO_BREAK}: rien de changé, mais un autre poids à côté de ce qui a changé",
}


def say_change(feature: Feature, before: Any, now: Any, months: int, language: Language, currency: str = "EUR") -> str:
    """Return the sentence that a feature's value stands for, with what the value was some months earlier.

    Parameters
    ----------
    before, now
        Values as `appetence.explain.wording.say` takes them; they differ.
    months
        How long ago the earlier value was true.

    Examples
    --------
    >>> months = Wording("Client since", "Client for {value}")
    >>> say_change(Feature("tenure", "tenure", "tenure", Unit.MONTHS, months, months), 14.0, 15.0, 1, "en")
    'Client for 15 months; a month earlier: 14 months'
    """
    wording: Wording = getattr(feature, language)
    told, then = say(feature, now, language, currency), say(feature, before, language, currency)
    earlier = _earlier(months, language)
    kind = _kind(feature, wording, now)
    if kind == "own" or kind != _kind(feature, wording, before):
        if told == then:
            return told
        return _THEN[language].format(now=told, earlier=earlier, before=_inside(then))
    if told == then:  # a difference that the figures shown do not show
        more = abs(float(now)) > abs(float(before)) if kind == "negative" else float(now) > float(before)
        than = earlier if language == "en" else _than(months, earlier)
        return _LITTLE[language][more].format(now=told, earlier=than)
    shown = -before if kind == "negative" else before
    bare = amount_in_words(feature, shown, language, currency)
    template = _THEN if feature.unit in _TIMES else _AGAINST
    return template[language].format(now=told, before=bare, earlier=earlier)


def say_changes(
    feature: Feature, pairs: Iterable[tuple[Any, Any]], months: int, language: Language, currency: str = "EUR"
) -> list[str]:
    """Return a sentence per pair of an earlier value and the one now; give it distinct pairs."""
    return [say_change(feature, before, now, months, language, currency) for before, now in pairs]


def say_unchanged(theme: Theme, language: Language) -> str:
    """Return what is said of a theme that moved the score although nothing of it changed."""
    return _AS_BEFORE[language].format(label=theme.label_en if language == "en" else theme.label_fr)


def _earlier(months: int, language: Language) -> str:
    return _ONE_MONTH[language] if months == 1 else _MONTHS[language].format(n=months)


def _than(months: int, earlier: str) -> str:
    return f"qu’{earlier}" if months == 1 else f"que {earlier}"


def _kind(feature: Feature, wording: Wording, value: Any) -> str:
    """Return which of a feature's sentences serves a value; `own` where it holds no figure to set beside another."""
    if value is None or (isinstance(value, float) and not math.isfinite(value)) or feature.unit is Unit.FLAG:
        return "own"
    kind = "plain"
    if feature.unit is not Unit.CODE:
        if abs(value) < _NEAR_ZERO and wording.zero is not None:
            return "own"
        kind = "negative" if value < 0 and wording.negative is not None else "plain"
    template = wording.negative if kind == "negative" else wording.text
    return kind if "{value}" in (template or "") else "own"


def _inside(sentence: str) -> str:
    """Return a sentence as it stands inside another one; a name of capitals stays as it is."""
    return sentence if sentence[1:2].isupper() else sentence[:1].lower() + sentence[1:]
