"""The one place that knows a feature: its meaning in both languages, its unit, what it needs, who can act on it.

Model signatures, reasons, reports and docs read it; the groups' modules declare their features with these types.
"""

from __future__ import annotations

import enum
import importlib
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol, cast

from appetence.book.contract import CREDIT
from appetence.config import GROUPS, CoverageTarget
from appetence.errors import BookError

if TYPE_CHECKING:
    import ibis.expr.types as ir

    from appetence.features.asof import AsKnown


class Unit(enum.Enum):
    """How a value is written: money in the book's currency, a share as a percentage, a count with its noun."""

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


THEMES: Mapping[str, Theme] = MappingProxyType(
    {
        theme.name: theme
        for theme in (
            Theme("tenure", "Length of the relationship", "Ancienneté de la relation", False),
            Theme("multi_holding", "Multi-holding", "Multi-détention", True),
            Theme("holdings", "Products held", "Produits détenus", False),
            Theme("openings", "Recent openings", "Ouvertures récentes", False),
            Theme("closings", "Contracts closed", "Contrats clôturés", True),
            Theme("terms", "Contracts near their term", "Contrats proches de l’échéance", True),
            Theme("assets", "Assets held with us", "Encours confiés", False),
            Theme("asset_trend", "Trend of assets", "Évolution des encours", True),
            Theme("market", "Market and moves without a flow", "Marché et mouvements sans flux", False),
            Theme("flows", "Money in and out", "Versements et retraits", True),
            Theme("share_of_wallet", "Share of wallet", "Part de portefeuille", True),
            Theme("credit", "Credit", "Crédit", False),
            Theme("profitability", "Revenue and cost", "Revenus et coûts", False),
            Theme("contact", "Contact with the advisor", "Contact avec le conseiller", True),
            Theme("offers", "Offers made", "Propositions faites", True),
            Theme("complaints", "Complaints", "Réclamations", True),
            Theme("claims", "Claims", "Sinistres", False),
            Theme("messages", "What is written", "Sujets évoqués par écrit", True),
            Theme("satisfaction", "Satisfaction", "Satisfaction", True),
            Theme("life_events", "Life events", "Événements de vie", True),
            Theme("household", "The household", "Le foyer", False),
            Theme("household_exits", "Departures in the household", "Départs dans le foyer", True),
            Theme("profile", "Age and kind of client", "Âge et type de client", False),
            Theme("origin", "How the client came", "Origine du client", False),
            Theme("situation", "Declared situation", "Situation déclarée", False),
            Theme("file", "Freshness of the client’s file", "Actualité du dossier client", True),
            Theme("season", "Time of year", "Période de l’année", False),
        )
    }
)
"""Per name, what features are grouped under when they explain a score."""


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


@dataclass(frozen=True)
class Shape:
    """What one firm's book has of its own, for which features are made.

    Parameters
    ----------
    families
        Codes of the families of products, sorted.
    declared
        The firm's further columns of `client_facts`: name, and `number`, `text` or `date`.
    coverage
        What the firm holds its clients should have, by segment, in the order in which segments are tried.
    products
        Ids of the products and their families, sorted.
    """

    families: tuple[str, ...] = ()
    declared: tuple[tuple[str, str], ...] = ()
    coverage: tuple[CoverageTarget, ...] = ()
    products: tuple[tuple[str, str | None], ...] = ()

    @property
    def named_families(self) -> tuple[tuple[str, str], ...]:
        """Each family's code, and the same as a part of a column's name."""
        return tuple((code, column_part(code)) for code in self.families)

    @property
    def asset_families(self) -> tuple[tuple[str, str], ...]:
        """The same, of the families whose balances are the client's assets."""
        return tuple((code, part) for code, part in self.named_families if code != CREDIT)


def column_part(text: str) -> str:
    """Return a text as part of a column's name: LightGBM and SQL each forbid some characters in names.

    >>> column_part("Épargne retraite")
    'epargne_retraite'
    """
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "_", plain).strip("_") or "other"


class Group(Protocol):
    """What a group of features gives: a module of this package, or a file of the firm's."""

    @property
    def FEATURES(self) -> tuple[Feature, ...]:  # noqa: N802 - a constant of the module
        """The features of every book."""
        ...

    def made_for(self, shape: Shape, /) -> tuple[Feature, ...]:
        """Return the features that only this book has."""
        ...

    def build(self, known: AsKnown, /) -> ir.Table:
        """Return `KEY` and the group's features, one row per row of the spine."""
        ...


def catalogue(
    groups: Iterable[str] = GROUPS, shape: Shape | None = None, own: Iterable[Group] = ()
) -> tuple[Feature, ...]:
    """Return the features of some groups, in the order of the feature table.

    Parameters
    ----------
    groups
        Names of group modules, in any order.
    shape
        With it, the features made for this book follow those of every book in each group.
    own
        The firm's own groups, which come last.

    Raises
    ------
    BookError
        Two families or columns of the firm whose names differ in no letter or digit.
    """
    wanted = set(groups)
    features: list[Feature] = []
    for group in (*(group_module(name) for name in GROUPS if name in wanted), *own):
        features += group.FEATURES
        features += group.made_for(shape) if shape else ()
    names = [feature.name for feature in features]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise BookError(
            "features, families and columns of the firm must have names that differ in a letter or digit",
            f"two for each of {', '.join(twice)}",
        )
    return tuple(features)


def by_name(features: Iterable[Feature] | None = None) -> dict[str, Feature]:
    """Return features by their names; those of every book by default."""
    return {feature.name: feature for feature in (catalogue() if features is None else features)}


def group_module(group: str) -> Group:
    """Return the module of one of this package's groups."""
    return cast(Group, importlib.import_module(f"appetence.features.{group}"))
