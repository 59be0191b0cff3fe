"""The one place that knows a feature: its meaning in both languages, its unit, what it needs, who can act on it.

Model signatures, reasons, reports and docs read it; the groups' modules declare their features with these types.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Unit(enum.Enum):
    """How a value is written: money in the book's currency, a share as a percentage, a count with its noun, and so on."""

    MONEY = "money"
    SHARE = "share"  # 0.32 is shown as 32 %
    MONTHS = "months"
    YEARS = "years"
    COUNT = "count"  # shown with the feature's noun
    SCORE = "score"  # a bare number
    CODE = "code"  # a category, shown as it is
    FLAG = "flag"


@dataclass(frozen=True)
class Wording:
    """What a value says, in one language.

    Parameters
    ----------
    label
        The feature's name for a reader: a noun phrase with a capital.
    text
        A sentence about a value, with `{value}` where the formatted absolute value goes.
    negative, zero, missing
        The sentence instead, for a value below zero, equal to zero (or false), or null. None: `text` serves for the
        first two; a null value is told as `label` with "unknown".
    noun
        Of a COUNT: singular and plural.
    """

    label: str
    text: str
    negative: str | None = None
    zero: str | None = None
    missing: str | None = None
    noun: tuple[str, str] | None = None


@dataclass(frozen=True)
class Theme:
    """Features that say the same thing to an advisor, explained as one reason."""

    name: str
    label_en: str
    label_fr: str
    actionable: bool


@dataclass(frozen=True)
class Feature:
    """One column of the feature table.

    Parameters
    ----------
    name
        The column: snake_case, the same in training, scoring, model contracts and docs.
    group
        The module that computes it.
    theme
        The reason it is explained under: a key of `THEMES`.
    unit
        Also fixes the type: CODE is text, FLAG is boolean, all others are float64 with null for unknown.
    en, fr
        Its wording.
    needs
        Tables, or `table.column`, without which it cannot be computed and is left out.
    """

    name: str
    group: str
    theme: str
    unit: Unit
    en: Wording
    fr: Wording
    needs: tuple[str, ...] = ()

    @property
    def is_category(self) -> bool:
        """Whether the values are codes."""
        return self.unit is Unit.CODE
