"""Values in words: a feature's value as a sentence in French or English, by the formats of Unicode's CLDR.

Numbers are written by Python's own formatting with CLDR's marks put in: it gives what Babel gives (the tests hold it
to that) at a twentieth of the time, and a book has hundreds of thousands of sentences.
"""

from __future__ import annotations

import datetime as dt
import math
import numbers
import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from typing import Any, Literal

from babel import Locale
from babel.dates import format_date
from babel.numbers import get_currency_symbol

from appetence.explain.glossary import in_words
from appetence.features.catalogue import Feature, Unit, Wording

Language = Literal["fr", "en"]

NO_BREAK = "\N{NO-BREAK SPACE}"
_GAP: dict[Language, str] = {"fr": NO_BREAK, "en": " "}  # between a number and its noun
_MINUS = "\N{MINUS SIGN}"  # screen readers say it; many skip a hyphen
_UNSEEN = re.compile("[\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff\ud800-\udfff\ufffe\uffff]")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_NEAR_ZERO = 1e-9  # what is left of a difference that is zero
_YES_NO: dict[Language, tuple[str, str]] = {"fr": ("oui", "non"), "en": ("yes", "no")}
_UNKNOWN: dict[Language, str] = {"fr": f"{{label}}{NO_BREAK}: non renseigné", "en": "{label}: unknown"}
_FLAG: dict[Language, str] = {"fr": f"{{label}}{NO_BREAK}: {{value}}", "en": "{label}: {value}"}
_LESS_THAN: dict[Language, str] = {"fr": "moins de {value}", "en": "less than {value}"}
_LEAST = {Unit.MONEY: 0.01, Unit.SHARE: 0.001, Unit.COUNT: 0.1, Unit.SCORE: 0.01}  # the smallest amount ever written
_MONTHS_UP_TO = 36
_TIME_NOUNS: dict[Unit, dict[Language, tuple[str, str]]] = {
    Unit.MONTHS: {"fr": ("mois", "mois"), "en": ("month", "months")},
    Unit.YEARS: {"fr": ("an", "ans"), "en": ("year", "years")},
}
_NOT_ONE: dict[Unit, dict[Language, str]] = {
    Unit.MONTHS: {"fr": "moins d’un mois", "en": "less than a month"},
    Unit.YEARS: {"fr": "moins d’un an", "en": "less than a year"},
}


def say(feature: Feature, value: Any, language: Language, currency: str = "EUR") -> str:
    """Return the sentence that a feature's value stands for.

    Parameters
    ----------
    feature
        Its unit and wording are used.
    value
        A float, a bool of a FLAG, a str of a CODE; None, NaN or an infinity where it is unknown.
    currency
        ISO 4217, of MONEY.

    Notes
    -----
    The sentence is true of the value as it stands: where there is no sentence of its own for a negative value, the
    value is written with its sign; a small value that would be shown as zero is told as "less than".

    >>> months = Wording("Client since", "Client for {value}")
    >>> say(Feature("tenure", "tenure", "tenure", Unit.MONTHS, months, months), 14.0, "en")
    'Client for 14 months'
    """
    wording: Wording = getattr(feature, language)
    if _is_missing(value):
        return _sentence(wording.missing or _UNKNOWN[language].replace("{label}", wording.label), "", language)
    if feature.unit is Unit.FLAG:
        return _said_flag(wording, bool(value), language)
    if feature.unit is Unit.CODE:
        return _sentence(wording.text, visible(in_words(str(value), language)), language)
    amount, template = float(value), wording.text
    if abs(amount) < _NEAR_ZERO:
        amount, template = 0.0, wording.zero or wording.text
    elif amount < 0 and wording.negative is not None:
        amount, template = -amount, wording.negative
    return _sentence(template, _amount(amount, feature.unit, wording.noun, language, currency), language)


def say_all(feature: Feature, values: Iterable[Any], language: Language, currency: str = "EUR") -> list[str]:
    """Return a sentence per value; give it distinct values."""
    return [say(feature, value, language, currency) for value in values]


def amount_in_words(feature: Feature, value: Any, language: Language, currency: str = "EUR") -> str:
    """Return a feature's value by itself, with its unit or noun: « 12 400 € », "3 contracts".

    Parameters
    ----------
    value
        A known number, or the code of a CODE.
    """
    if feature.unit is Unit.CODE:
        return visible(in_words(str(value), language))
    wording: Wording = getattr(feature, language)
    return _amount(0.0 if abs(value) < _NEAR_ZERO else float(value), feature.unit, wording.noun, language, currency)


def money(value: float, language: Language, currency: str, digits: int | None = None) -> str:
    """Write an amount, without decimals from 100 on: « 12 400 € », "€12,400"."""
    shown = (0 if abs(value) >= 99.995 else 2) if digits is None else digits
    text = _decimal(abs(value), shown, language)
    if shown and text.endswith(_marks(language)[1] + "00"):
        text = text[:-3]
    sign = _MINUS if value < 0 and text.strip("0.,") else ""
    return sign + _currency_pattern(language, currency).replace("#", text)


def share(value: float, language: Language) -> str:
    """Write a share, 0.32, as a percentage, with one decimal below 10 %: « 32 % », "5.4%"."""
    percent = 100 * value
    text = _trimmed(percent, 0 if abs(percent) >= 9.95 else 1, language)
    return f"{text}{NO_BREAK}%" if language == "fr" else f"{text}%"


def probability(value: float, language: Language) -> str:
    """Write a probability with one decimal, so that two of them can be compared: « 12,3 % », "12.3%"."""
    text = _decimal(100 * value, 1, language)
    return f"{text}{NO_BREAK}%" if language == "fr" else f"{text}%"


def count(value: float, noun: tuple[str, str] | None, language: Language) -> str:
    """Write a number with its noun, singular or plural as CLDR has it: « 1,5 contrat », "1.5 contracts"."""
    digits = 0 if abs(value) >= 9.95 else 1
    text = _trimmed(value, digits, language)
    if noun is None:
        return text
    return f"{text}{_GAP[language]}{noun[0] if _is_singular(round(abs(value), digits), language) else noun[1]}"


def number(value: float, language: Language) -> str:
    """Write a bare number with about three figures."""
    return _trimmed(value, 0 if abs(value) >= 99.5 else 1 if abs(value) >= 9.95 else 2, language)


def points(value: float, language: Language) -> str:
    """Write points of probability with their sign: « +9,2 points », "-0.34 points"."""
    digits = 1 if abs(value) >= 0.995 else 2
    rounded = round(abs(value), digits)
    sign = "" if rounded == 0 else "+" if value > 0 else _MINUS
    noun = "point" if language == "fr" and rounded < 2 else "points"  # English has decimals in the plural, 1.0 too
    return f"{sign}{_decimal(rounded, digits, language)}{_GAP[language]}{noun}"


@lru_cache(maxsize=20_000)
def day(value: dt.date, language: Language) -> str:
    """Write a day as in a letter: « 3 mars 2024 », "3 March 2024"."""
    text: str = format_date(value, "d MMMM y", locale=language)
    return text.replace("1 ", "1er ", 1) if language == "fr" and value.day == 1 else text


@lru_cache(maxsize=2_000)
def month_and_year(value: dt.date, language: Language) -> str:
    """Write a month: « mars 2024 », "March 2024"."""
    text: str = format_date(value, "MMMM y", locale=language)
    return text


def visible(text: str) -> str:
    """Return the text with nothing hidden in it: controls become spaces, marks that turn or hide text become �."""
    if text.isascii() and text.isprintable():  # most are, and this is a tenth of the time
        return text
    return _UNSEEN.sub("\N{REPLACEMENT CHARACTER}", _CONTROL.sub(" ", text))


@lru_cache(maxsize=5_000)
def typeset(text: str, language: Language) -> str:
    """Return an authored text with the no-break spaces and apostrophes of French typography."""
    text = unicodedata.normalize("NFC", text)
    if language == "fr":
        text = re.sub(r" (?=[:;!?»%€])", NO_BREAK, text)
        text = re.sub(r"« ", "«" + NO_BREAK, text).replace("'", "’")
    return text


def _sentence(template: str, value: str, language: Language) -> str:
    text = typeset(template, language).replace("{value}", value)
    return text[:1].upper() + text[1:]


def _said_flag(wording: Wording, value: bool, language: Language) -> str:
    yes, no = _YES_NO[language]
    if value:
        return _sentence(wording.text, yes, language)
    if wording.zero is None:
        return _sentence(_FLAG[language].replace("{label}", wording.label), no, language)
    return _sentence(wording.zero, no, language)


def _amount(value: float, unit: Unit, noun: tuple[str, str] | None, language: Language, currency: str) -> str:
    if unit in _TIME_NOUNS:
        return _time(value, unit, language)
    least = _LEAST[unit]
    if 0 < abs(value) < least / 2:
        return _LESS_THAN[language].replace("{value}", _amount(least, unit, noun, language, currency))
    if unit is Unit.MONEY:
        return money(value, language, currency)
    if unit is Unit.SHARE:
        return share(value, language)
    return count(value, noun, language) if unit is Unit.COUNT else number(value, language)


def _time(value: float, unit: Unit, language: Language) -> str:
    """Whole months or years completed, as ages are told; from three years on nobody counts in months."""
    whole = math.trunc(value + math.copysign(1e-6, value))
    if unit is Unit.MONTHS and abs(whole) >= _MONTHS_UP_TO:
        whole, unit = math.trunc(whole / 12), Unit.YEARS
    return count(whole, _TIME_NOUNS[unit][language], language) if whole else _NOT_ONE[unit][language]


def _is_missing(value: Any) -> bool:
    if type(value) is float:  # nearly all are, and the question below takes as long as the rest of the sentence
        return not math.isfinite(value)
    return value is None or (isinstance(value, numbers.Real) and not math.isfinite(value))


def _trimmed(value: float, digits: int, language: Language) -> str:
    text = _decimal(value, digits, language)
    mark = _marks(language)[1]
    text = text.rstrip("0").removesuffix(mark) if digits else text
    return "0" if text == _MINUS + "0" else text


def _decimal(value: float, digits: int, language: Language) -> str:
    text = f"{value:,.{digits}f}".replace("-", _MINUS)
    if language == "en":
        return text
    group, decimal = _marks(language)
    return text.replace(",", "\0").replace(".", decimal).replace("\0", group)


@lru_cache
def _marks(language: Language) -> tuple[str, str]:
    symbols = Locale(language).number_symbols["latn"]
    return symbols["group"], symbols["decimal"]


@lru_cache
def _currency_pattern(language: Language, currency: str) -> str:
    """Return where the number goes, as `#`: CLDR asks for a space between a letter and a digit."""
    symbol = get_currency_symbol(currency, locale=language)
    if language == "fr":
        return f"#{NO_BREAK}{symbol}"
    return f"{symbol}{NO_BREAK}#" if symbol[-1].isalpha() else f"{symbol}#"


@lru_cache(maxsize=10_000)
def _is_singular(value: float, language: Language) -> bool:
    whole = int(value) if float(value).is_integer() else value
    return bool(Locale(language).plural_form(whole) == "one")
