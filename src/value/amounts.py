"""Figures of value in words: an amount by its unit, without the sentence around it."""

from __future__ import annotations

from collections.abc import Mapping

from appetence.explain import wording
from appetence.explain.wording import Language
from appetence.features.catalogue import Unit

_TIMES: Mapping[Unit, Mapping[Language, tuple[str, str]]] = {
    Unit.MONTHS: {"en": ("month", "months"), "fr": ("mois", "mois")},
    Unit.YEARS: {"en": ("year", "years"), "fr": ("an", "ans")},
}


def amount(value: float, unit: Unit, language: Language, currency: str) -> str:
    """Write an amount of a unit; a count without its noun.

    >>> amount(0.25, Unit.SHARE, "en", "EUR"), amount(3.0, Unit.MONTHS, "en", "EUR")
    ('25%', '3 months')
    """
    if unit is Unit.MONEY:
        return wording.money(value, language, currency)
    if unit is Unit.SHARE:
        return wording.share(value, language)
    if unit in _TIMES:
        return wording.count(value, _TIMES[unit][language], language)
    return wording.number(value, language)
