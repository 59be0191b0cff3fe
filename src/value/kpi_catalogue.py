"""The one place that knows a key figure of a book of business: its meaning in both languages, its formula, its unit.

The table `book_kpis`, the reports and the docs read it. A figure is told from sums of whole numbers
(`appetence.value.kpi_components`), so that it means the same of an advisor and of the company.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from appetence.features.catalogue import Unit


class Kind(enum.Enum):
    """How a value follows from sums: a at the cut, a₁₂ a year before it, b likewise."""

    LEVEL = "a"
    RATIO = "a / b"
    GROWTH = "(a − a₁₂) / a₁₂"
    CHANGE = "a / b − a₁₂ / b₁₂"


@dataclass(frozen=True)
class Kpi:
    """One key figure.

    Parameters
    ----------
    name
        As in `book_kpis`.
    asked
        The aim that it serves: a key of `AIMS`.
    en, fr
        Its name and what it means.
    unit
        How it is written.
    kind, of, over
        The formula, and the components a and b.
    scale
        What a (or a / b) is multiplied by, to be in the unit.
    higher_is_better
        None where neither is: then it has no rank.
    year_to_date
        Components that tell the year to date apart from the rule of `Kpi.since_january`.
    """

    name: str
    asked: str
    en: tuple[str, str]
    fr: tuple[str, str]
    unit: Unit
    kind: Kind
    of: str
    over: str | None = None
    scale: float = 1.0
    higher_is_better: bool | None = True
    year_to_date: tuple[str, str] | None = None

    @property
    def needs(self) -> tuple[str, ...]:
        """The components."""
        return (self.of,) if self.over is None else (self.of, self.over)

    @property
    def flows(self) -> bool:
        """Whether it adds up what happens from month to month."""
        return self.of in FLOWS

    @property
    def since_january(self) -> str:
        """What the year to date is: `cohort`, `sum`, `growth` or `change`."""
        if self.year_to_date is not None:
            return "cohort"
        if self.kind is Kind.GROWTH:
            return "growth"
        return "sum" if self.flows else "change"

    @property
    def relative_trend(self) -> bool:
        """Whether the trend is a share of last year's value, not a difference from it."""
        return self.unit is Unit.MONEY or (self.kind is Kind.LEVEL and self.unit is Unit.COUNT)


FLOWS = frozenset({"joined", "joined_by_source", "referred", "revenue", "cost"})
"""Components of one month each: figures add up the twelve months before the cut."""

CENTS, BILLIONTHS = 0.01, 1e-9

AIMS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "aum": ("Assets under management: trend and rank", "Encours : tendance et classement"),
        "retention": ("Retention rate: trend and rank", "Taux de rétention : tendance et classement"),
        "expected_retention": ("Probability of retention", "Probabilité de fidélisation"),
        "referrals": ("Best referral sources", "Meilleures sources de recommandation"),
        "book_value": ("Book value and net present value", "Valeur du portefeuille et valeur actuelle nette"),
        "breadth": ("Breadth of relations and share of wallet", "Étendue des relations et part de portefeuille"),
        "clients": ("Client characteristics", "Caractéristiques des clients"),
        "revenue": ("Fee revenue: history and rank", "Revenus : historique et classement"),
        "segments": ("Mix of segments and its effect on the book", "Répartition par segment et effet sur la valeur"),
        "wallet_trend": ("Trend of the share of wallet", "Tendance de la part de portefeuille"),
    }
)
"""What the field asks to be followed, in its order."""

KPIS: tuple[Kpi, ...] = (
    Kpi(
        "aum",
        "aum",
        ("Assets under management", "Balances of all contracts but credit at the month's end, of clients who stay"),
        ("Encours gérés", "Encours de fin de mois, hors crédits, des clients présents"),
        Unit.MONEY,
        Kind.LEVEL,
        "assets",
        scale=CENTS,
    ),
    Kpi(
        "aum_growth",
        "aum",
        ("Growth of assets", "Change of assets under management over 12 months"),
        ("Croissance des encours", "Évolution des encours gérés sur 12 mois"),
        Unit.SHARE,
        Kind.GROWTH,
        "assets",
    ),
    Kpi(
        "retention",
        "retention",
        (
            "Retention rate",
            "Of clients of 12 months ago, those still here; deaths, terms and exits by the insurer are left out",
        ),
        (
            "Taux de rétention",
            "Part des clients d'il y a 12 mois encore présents ; hors décès, échéances et résiliations par l'assureur",
        ),
        Unit.SHARE,
        Kind.RATIO,
        "kept",
        "to_keep",
        year_to_date=("kept_of_the_year", "to_keep_of_the_year"),
    ),
    Kpi(
        "expected_retention",
        "expected_retention",
        ("Expected retention", "Mean probability of staying, by the attrition model"),
        ("Rétention attendue", "Probabilité moyenne de rester, selon le modèle d'attrition"),
        Unit.SHARE,
        Kind.RATIO,
        "staying",
        "staying_known",
        scale=BILLIONTHS,
    ),
    Kpi(
        "new_clients",
        "referrals",
        ("New clients", "Clients who joined in the last 12 months"),
        ("Nouveaux clients", "Clients entrés au cours des 12 derniers mois"),
        Unit.COUNT,
        Kind.LEVEL,
        "joined",
    ),
    Kpi(
        "referred_share",
        "referrals",
        ("Share referred by a client", "Of new clients, those who came on the word of another client"),
        ("Part des recommandations", "Part des nouveaux clients venus sur la recommandation d'un client"),
        Unit.SHARE,
        Kind.RATIO,
        "referred",
        "joined",
    ),
    Kpi(
        "new_clients_by_source",
        "referrals",
        ("New clients by source", "Clients who joined in the last 12 months, by how they came"),
        ("Nouveaux clients par source", "Clients entrés au cours des 12 derniers mois, par origine"),
        Unit.COUNT,
        Kind.LEVEL,
        "joined_by_source",
    ),
    Kpi(
        "book_value",
        "book_value",
        ("Book value", "Revenue of 12 months times the multiple that the book deserves"),
        ("Valeur du portefeuille", "Revenus de 12 mois fois le multiple que mérite le portefeuille"),
        Unit.MONEY,
        Kind.LEVEL,
        "book_value",
        scale=CENTS,
    ),
    Kpi(
        "multiple",
        "book_value",
        ("Multiple of revenue", "Book value over the revenue of 12 months"),
        ("Multiple des revenus", "Valeur du portefeuille rapportée aux revenus de 12 mois"),
        Unit.SCORE,
        Kind.RATIO,
        "book_value",
        "revenue",
    ),
    Kpi(
        "npv",
        "book_value",
        ("Net present value", "Lifetime values of all clients, and the value of their expected purchases"),
        ("Valeur actuelle nette", "Valeur vie de tous les clients et valeur de leurs achats attendus"),
        Unit.MONEY,
        Kind.LEVEL,
        "npv",
        scale=CENTS,
    ),
    Kpi(
        "families_per_client",
        "breadth",
        ("Breadth of relations", "Different families of products per client"),
        ("Étendue des relations", "Nombre de familles de produits par client"),
        Unit.COUNT,
        Kind.RATIO,
        "families",
        "clients",
    ),
    Kpi(
        "products_per_client",
        "breadth",
        ("Products per client", "Different products held per client"),
        ("Produits par client", "Nombre de produits différents détenus par client"),
        Unit.COUNT,
        Kind.RATIO,
        "products",
        "clients",
    ),
    Kpi(
        "multi_holding",
        "breadth",
        ("Multi-holding rate", "Clients who hold products of two families or more"),
        ("Taux de multi-détention", "Part des clients détenant des produits d'au moins deux familles"),
        Unit.SHARE,
        Kind.RATIO,
        "several_families",
        "clients",
    ),
    Kpi(
        "share_of_wallet",
        "breadth",
        ("Share of wallet", "Assets with us over net worth, of clients whose net worth is known"),
        ("Part de portefeuille", "Encours confiés rapportés au patrimoine, pour les clients au patrimoine connu"),
        Unit.SHARE,
        Kind.RATIO,
        "wallet_assets",
        "net_worth",
    ),
    Kpi(
        "clients",
        "clients",
        ("Clients", "Clients who hold a contract"),
        ("Clients", "Clients détenant au moins un contrat"),
        Unit.COUNT,
        Kind.LEVEL,
        "clients",
    ),
    Kpi(
        "age",
        "clients",
        ("Mean age", "Mean age of persons whose birth date is known"),
        ("Âge moyen", "Âge moyen des particuliers dont la date de naissance est connue"),
        Unit.YEARS,
        Kind.RATIO,
        "months_of_age",
        "persons_with_age",
        scale=1 / 12,
        higher_is_better=None,
    ),
    Kpi(
        "income",
        "clients",
        ("Mean income", "Mean yearly income of clients who declared it"),
        ("Revenu moyen des clients", "Revenu annuel moyen des clients qui l'ont déclaré"),
        Unit.MONEY,
        Kind.RATIO,
        "income",
        "income_known",
        scale=CENTS,
    ),
    Kpi(
        "net_worth",
        "clients",
        ("Mean net worth", "Mean net worth of clients who declared it"),
        ("Patrimoine moyen", "Patrimoine moyen des clients qui l'ont déclaré"),
        Unit.MONEY,
        Kind.RATIO,
        "net_worth",
        "net_worth_known",
        scale=CENTS,
    ),
    Kpi(
        "living_in",
        "clients",
        ("Where clients live", "Of all clients, those who declared that they live in the region"),
        ("Lieu de résidence", "Part des clients ayant déclaré résider dans la région"),
        Unit.SHARE,
        Kind.RATIO,
        "living_in",
        "clients",
        higher_is_better=None,
    ),
    Kpi(
        "revenue",
        "revenue",
        ("Revenue", "Revenue of the last 12 months, of clients who left, too"),
        ("Revenus", "Revenus des 12 derniers mois, y compris ceux des clients partis"),
        Unit.MONEY,
        Kind.LEVEL,
        "revenue",
        scale=CENTS,
    ),
    Kpi(
        "revenue_growth",
        "revenue",
        ("Growth of revenue", "Revenue of the last 12 months against the 12 before"),
        ("Croissance des revenus", "Revenus des 12 derniers mois par rapport aux 12 mois précédents"),
        Unit.SHARE,
        Kind.GROWTH,
        "revenue",
    ),
    Kpi(
        "revenue_per_client",
        "revenue",
        ("Revenue per client", "Revenue of the last 12 months over clients at their end"),
        ("Revenus par client", "Revenus des 12 derniers mois rapportés aux clients présents à leur terme"),
        Unit.MONEY,
        Kind.RATIO,
        "revenue",
        "clients",
        scale=CENTS,
    ),
    Kpi(
        "segment_share",
        "segments",
        ("Share of a segment", "Of clients who have a segment, those in this one"),
        ("Part d'un segment", "Part des clients segmentés appartenant à ce segment"),
        Unit.SHARE,
        Kind.RATIO,
        "in_segment",
        "segmented",
        higher_is_better=None,
    ),
    Kpi(
        "segment_effect",
        "segments",
        (
            "Effect of moves between segments",
            "For clients who changed segment in 12 months, the mean value of a client of the new one less the old one",
        ),
        (
            "Effet des changements de segment",
            "Pour les clients ayant changé de segment en 12 mois, valeur moyenne d'un client du nouveau segment moins "
            "celle de l'ancien",
        ),
        Unit.MONEY,
        Kind.LEVEL,
        "segment_effect",
        scale=CENTS,
    ),
    Kpi(
        "share_of_wallet_trend",
        "wallet_trend",
        ("Trend of the share of wallet", "Share of wallet less that of 12 months ago"),
        ("Tendance de la part de portefeuille", "Part de portefeuille moins celle d'il y a 12 mois"),
        Unit.SHARE,
        Kind.CHANGE,
        "wallet_assets",
        "net_worth",
    ),
)

BY_NAME: Mapping[str, Kpi] = MappingProxyType({kpi.name: kpi for kpi in KPIS})

MISSING: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "assets": ("the book has no balances", "le portefeuille ne comporte pas d'encours"),
        "revenue": ("the book has no balances", "le portefeuille ne comporte pas d'encours"),
        "wallet_assets": (
            "the book has no balances or no net worth",
            "le portefeuille ne comporte pas d'encours ou pas de patrimoine déclaré",
        ),
        "net_worth": ("clients declared no net worth", "aucun patrimoine n'est déclaré"),
        "income": ("clients declared no income", "aucun revenu n'est déclaré"),
        "living_in": ("clients declared no region", "aucune région de résidence n'est déclarée"),
        "referred": ("the book does not say who referred whom", "le portefeuille n'indique pas qui a recommandé qui"),
        "joined_by_source": (
            "the book does not say how clients came",
            "le portefeuille n'indique pas l'origine des clients",
        ),
        "staying": ("no model of attrition speaks", "aucun modèle d'attrition ne se prononce"),
        "npv": ("lifetime values are not known", "les valeurs vie client ne sont pas connues"),
        "book_value": ("the book has no balances", "le portefeuille ne comporte pas d'encours"),
        "in_segment": ("the firm has set no segments", "aucun segment n'est défini"),
        "segment_effect": (
            "segments of a year ago, or lifetime values, are not known",
            "les segments d'il y a un an ou les valeurs vie client ne sont pas connus",
        ),
    }
)
"""Why a figure is left out, by the component that the book lacks."""
