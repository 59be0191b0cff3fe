"""Multi-holding: what the client holds, what came and went, what is near its term."""

from __future__ import annotations

import ibis.expr.types as ir

from appetence.features.asof import KEY, AsKnown
from appetence.features.catalogue import Feature, Shape, Unit, Wording
from appetence.features.expressions import count_where, months_between
from appetence.features.families import family_words

CHANGES = (3, 6, 12, 24)
"""Months over which holdings are compared and openings and closings counted."""

NEAR_TERM = 6
"""Months ahead in which a contract's end is near."""


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
    rows = known.contracts()
    ends_in, opened, closed = (rows[month] - rows.cut_index for month in ("ends_month", "opened_month", "closed_month"))
    counts = {
        "contracts_held": count_where(rows.held),
        **{f"opened_{m}m": count_where(opened >= -m) for m in CHANGES},
        **{f"closed_{m}m": count_where((closed >= -m) & (closed < 0)) for m in CHANGES},
        "closings_announced": count_where(closed >= 0),
        f"ending_{NEAR_TERM}m": count_where(rows.held & (ends_in >= 0) & (ends_in < NEAR_TERM)),
    }
    days = {
        "last_opened": rows.opened_on.max(),
        "last_closed": rows.closed_on.max(where=closed < 0),
        "next_end": rows.ends_on.min(where=rows.held & (ends_in >= 0)),
        **{f"last_{p}": rows.opened_on.max(where=rows.family == c) for c, p in known.shape.named_families},
    }
    found = rows.group_by("row").agg(**counts, **days)
    products, families = _products(known), _families(known)
    flags = tuple(f"holds_{part}" for _, part in known.shape.named_families)
    held = ("products_held", "families_held")
    on = found.left_join(products, "row").drop("row_right").left_join(families, "row").drop("row_right")
    on = known.onto_spine(on, zero=(*counts, *(name for name in on.columns if _is_count(name))), false=flags)
    return on.select(
        *KEY,
        *counts,
        *held,
        *flags,
        **{f"{what}_change_{m}m": on[f"{what}_held"] - on[f"{what}_then_{m}"] for what in _COUNTED for m in CHANGES},
        months_since_opening=months_between(on.cut, on.last_opened),
        months_since_closing=months_between(on.cut, on.last_closed),
        months_to_end=months_between(on.next_end, on.cut),
        **{
            f"months_since_{part}_opening": months_between(on.cut, on[f"last_{part}"])
            for _, part in known.shape.named_families
        },
    )


def _is_count(name: str) -> bool:
    return name.startswith(tuple(f"{what}_" for what in _COUNTED))


def _moments() -> tuple[str, ...]:
    return ("held", *(f"then_{m}" for m in CHANGES))


def products_of_members(known: AsKnown) -> ir.Table:
    """Return each product that a member of the household ever held, as known, with `held` and `then_<months>`.

    Distinct products are counted in steps, by row and product first: a distinct count of its own for each moment is
    several times slower.
    """

    def make() -> ir.Table:
        rows = known.contracts_of_members()
        key = ("row", "product_id", "family", *(("home",) if "home" in rows.columns else ()))
        before = {f"then_{m}": _held_before(rows, m).any() for m in CHANGES}
        return rows.group_by(*key).agg(held=rows.held.any(), **before)

    return known.shared("products", make)


def _products(known: AsKnown) -> ir.Table:
    rows = known.asked(products_of_members(known))
    return rows.group_by("row").agg(**{f"products_{moment}": count_where(rows[moment]) for moment in _moments()})


def _families(known: AsKnown) -> ir.Table:
    rows = known.asked(products_of_members(known))
    rows = rows.filter(rows.family.notnull())
    rows = rows.group_by("row", "family").agg(**{moment: rows[moment].any() for moment in _moments()})
    return rows.group_by("row").agg(
        **{f"families_{moment}": count_where(rows[moment]) for moment in _moments()},
        **{f"holds_{part}": (rows.held & (rows.family == code)).any() for code, part in known.shape.named_families},
    )


def _held_before(rows: ir.Table, months: int) -> ir.BooleanValue:
    """Whether the contract was in force some months before the cut, by what is known at the cut."""
    then = rows.cut_index - months
    # `held` `months` earlier: opened before that first of a month, and not closed before it.
    return (rows.opened_month < then) & (rows.closed_month.isnull() | (rows.closed_month >= then))
