"""Multi-holding: what the client holds, what came and went, what is near its term."""

from __future__ import annotations

import ibis.expr.types as ir

from appetence.features.asof import KEY, AsKnown
from appetence.features.catalogue import Feature, Shape, Unit, Wording
from appetence.features.expressions import months_between
from appetence.features.families import family_words
from appetence.features.holding import CHANGES, NEAR_TERM, contract_tallies
from appetence.features.product_sets import families_in, of_family, size, words

_COUNTED = {
    "products": (("product", "products"), ("produit", "produits"), "produits"),
    "families": (("product family", "product families"), ("famille de produits", "familles de produits"), "familles"),
}
"""What changes are counted of: the noun in English and in French, and the French plural in a label."""


def _changed(what: str, months: int) -> Feature:
    english, french, short = _COUNTED[what]
    return Feature(
        f"{what}_change_{months}m",
        "holdings",
        "multi_holding",
        Unit.COUNT,
        Wording(
            f"Change in {what} held over {months} months",
            f"Holds {{value}} more than {months} months ago",
            negative=f"Holds {{value}} fewer than {months} months ago",
            zero=f"Holds as many {english[1]} as {months} months ago",
            noun=english,
        ),
        Wording(
            f"Évolution du nombre de {short} sur {months} mois",
            f"Détient {{value}} de plus qu’il y a {months} mois",
            negative=f"Détient {{value}} de moins qu’il y a {months} mois",
            zero=f"Détient autant de {french[1]} qu’il y a {months} mois",
            noun=french,
        ),
    )


def _opened(months: int) -> Feature:
    return Feature(
        f"opened_{months}m",
        "holdings",
        "openings",
        Unit.COUNT,
        Wording(
            f"Contracts opened in {months} months",
            f"{{value}} opened in the last {months} months",
            zero=f"No contract opened in the last {months} months",
            noun=("contract", "contracts"),
        ),
        Wording(
            f"Contrats ouverts en {months} mois",
            f"{{value}} au cours des {months} derniers mois",
            zero=f"Aucun contrat ouvert au cours des {months} derniers mois",
            noun=("contrat ouvert", "contrats ouverts"),
        ),
    )


def _closed(months: int) -> Feature:
    return Feature(
        f"closed_{months}m",
        "holdings",
        "closings",
        Unit.COUNT,
        Wording(
            f"Contracts closed in {months} months",
            f"{{value}} closed in the last {months} months",
            zero=f"No contract closed in the last {months} months",
            noun=("contract", "contracts"),
        ),
        Wording(
            f"Contrats clôturés en {months} mois",
            f"{{value}} au cours des {months} derniers mois",
            zero=f"Aucun contrat clôturé au cours des {months} derniers mois",
            noun=("contrat clôturé", "contrats clôturés"),
        ),
    )


FEATURES = (
    Feature(
        "contracts_held",
        "holdings",
        "multi_holding",
        Unit.COUNT,
        Wording("Contracts held", "{value} in force", zero="No contract in force", noun=("contract", "contracts")),
        Wording("Contrats détenus", "{value} en cours", zero="Aucun contrat en cours", noun=("contrat", "contrats")),
    ),
    Feature(
        "products_held",
        "holdings",
        "multi_holding",
        Unit.COUNT,
        Wording(
            "Distinct products held",
            "Holds {value}",
            zero="Holds no product",
            noun=("distinct product", "distinct products"),
        ),
        Wording(
            "Produits distincts détenus",
            "Détient {value}",
            zero="Ne détient aucun produit",
            noun=("produit distinct", "produits distincts"),
        ),
    ),
    Feature(
        "families_held",
        "holdings",
        "multi_holding",
        Unit.COUNT,
        Wording(
            "Families of products held",
            "Holdings cover {value}",
            zero="Holds no product",
            noun=("product family", "product families"),
        ),
        Wording(
            "Familles de produits détenues",
            "Équipement couvrant {value}",
            zero="Ne détient aucun produit",
            noun=("famille de produits", "familles de produits"),
        ),
    ),
    *(_changed(what, months) for what in _COUNTED for months in CHANGES),
    *(_opened(months) for months in CHANGES),
    Feature(
        "months_since_opening",
        "holdings",
        "openings",
        Unit.MONTHS,
        Wording("Last opening", "Last contract opened {value} ago", missing="No contract opened"),
        Wording("Dernière ouverture", "Dernier contrat ouvert il y a {value}", missing="Aucun contrat ouvert"),
    ),
    *(_closed(months) for months in CHANGES),
    Feature(
        "months_since_closing",
        "holdings",
        "closings",
        Unit.MONTHS,
        Wording("Last closing", "Last contract closed {value} ago", missing="No contract ever closed"),
        Wording("Dernière clôture", "Dernier contrat clôturé il y a {value}", missing="Aucun contrat clôturé"),
    ),
    Feature(
        "closings_announced",
        "holdings",
        "closings",
        Unit.COUNT,
        Wording(
            "Closings announced",
            "{value} already announced",
            zero="No closing announced",
            noun=("closing", "closings"),
        ),
        Wording(
            "Clôtures annoncées",
            "{value} pour les mois à venir",
            zero="Aucune clôture annoncée",
            noun=("clôture annoncée", "clôtures annoncées"),
        ),
        ("contracts.closing_known_on",),
    ),
    Feature(
        f"ending_{NEAR_TERM}m",
        "holdings",
        "terms",
        Unit.COUNT,
        Wording(
            f"Contracts ending within {NEAR_TERM} months",
            f"{{value}} reaching term within {NEAR_TERM} months",
            zero=f"No contract reaching term within {NEAR_TERM} months",
            noun=("contract", "contracts"),
        ),
        Wording(
            f"Contrats à échéance dans les {NEAR_TERM} mois",
            f"{{value}} à échéance dans les {NEAR_TERM} mois",
            zero=f"Aucun contrat à échéance dans les {NEAR_TERM} mois",
            noun=("contrat", "contrats"),
        ),
        ("contracts.ends_on",),
    ),
    Feature(
        "months_to_end",
        "holdings",
        "terms",
        Unit.MONTHS,
        Wording("Next contract term", "Next contract term in {value}", missing="No contract term ahead"),
        Wording(
            "Prochaine échéance de contrat",
            "Prochaine échéance de contrat dans {value}",
            missing="Aucune échéance de contrat à venir",
        ),
        ("contracts.ends_on",),
    ),
)


def made_for(shape: Shape) -> tuple[Feature, ...]:
    """Return the features per family of products of this book."""
    return tuple(feature for code, part in shape.named_families for feature in (_holds(code, part), _since(code, part)))


def _holds(code: str, part: str) -> Feature:
    english, french = family_words(code)
    return Feature(
        f"holds_{part}",
        "holdings",
        "holdings",
        Unit.FLAG,
        Wording(
            f"Holds “{english}”",
            f"Holds a product of the family “{english}”",
            zero=f"Holds no product of the family “{english}”",
        ),
        Wording(
            f"Détention « {french} »",
            f"Détient un produit de la famille « {french} »",
            zero=f"Ne détient aucun produit de la famille « {french} »",
        ),
    )


def _since(code: str, part: str) -> Feature:
    english, french = family_words(code)
    return Feature(
        f"months_since_{part}_opening",
        "holdings",
        "openings",
        Unit.MONTHS,
        Wording(
            f"Last opening in “{english}”",
            f"Last contract of the family “{english}” opened {{value}} ago",
            missing=f"Never a contract of the family “{english}”",
        ),
        Wording(
            f"Dernière ouverture « {french} »",
            f"Dernier contrat de la famille « {french} » ouvert il y a {{value}}",
            missing=f"Jamais de contrat de la famille « {french} »",
        ),
    )


def build(known: AsKnown) -> ir.Table:
    """Return the group's features, one row per row of the spine."""
    found = known.asked(contract_tallies(known))
    counts = (
        "contracts_held",
        *(f"{what}_{m}m" for what in ("opened", "closed") for m in CHANGES),
        "closings_announced",
        f"ending_{NEAR_TERM}m",
    )
    sets = {moment: words(moment, known.shape) for moment in ("held", *(f"then_{m}" for m in CHANGES))}
    on = known.onto_spine(found, zero=(*counts, *(word for each in sets.values() for word in each)))
    held, *then = ([on[word] for word in each] for each in sets.values())
    products, families = size(held), families_in(held, known.shape)
    return on.select(
        *KEY,
        *counts,
        products_held=products,
        families_held=families,
        **{f"products_change_{m}m": products - size(before) for m, before in zip(CHANGES, then, strict=True)},
        **{
            f"families_change_{m}m": families - families_in(before, known.shape)
            for m, before in zip(CHANGES, then, strict=True)
        },
        **{f"holds_{part}": of_family(held, code, known.shape) for code, part in known.shape.named_families},
        months_since_opening=months_between(on.cut, on.last_opened),
        months_since_closing=months_between(on.cut, on.last_closed),
        months_to_end=months_between(on.next_end, on.cut),
        **{
            f"months_since_{part}_opening": months_between(on.cut, on[f"last_{part}"])
            for _, part in known.shape.named_families
        },
    )
