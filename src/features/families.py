"""Families of products in words: the firm's own code is shown where it is not one of the usual ones."""

from __future__ import annotations

from types import MappingProxyType

FAMILY_WORDS = MappingProxyType(
    {
        "account": ("accounts", "comptes"),
        "card": ("cards", "cartes"),
        "savings": ("savings", "épargne"),
        "retirement": ("retirement savings", "épargne retraite"),
        "investment": ("investments", "placements"),
        "life_insurance": ("life insurance", "assurance vie"),
        "credit": ("credit", "crédit"),
        "insurance": ("insurance", "assurance"),
        "protection": ("protection", "prévoyance"),
        "health": ("health", "santé"),
    }
)
"""Per code, the English and the French words."""


def family_words(code: str) -> tuple[str, str]:
    """Return a family's name in English and French, as it stands between quotation marks.

    >>> family_words("retirement"), family_words("AUTO_PRO")
    (('retirement savings', 'épargne retraite'), ('AUTO PRO', 'AUTO PRO'))
    """
    shown = code.replace("_", " ")
    return FAMILY_WORDS.get(code.lower(), (shown, shown))
