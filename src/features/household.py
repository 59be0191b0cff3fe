"""The household: clients who live together decide together.

A client with no household is a household of one.
"""

from __future__ import annotations

import ibis.expr.types as ir

from appetence.features.asof import KEY, AsKnown
from appetence.features.balances import LEAST
from appetence.features.catalogue import Feature, Shape, Unit, Wording
from appetence.features.expressions import (
    count_where,
    in_months_before,
    money,
    months_between,
    relative_change,
    total,
)

_HOUSEHOLD = ("clients.household_id",)
_BALANCES = ("clients.household_id", "balances")

FEATURES = (
    Feature(
        "household_members",
        "household",
        "household",
        Unit.COUNT,
        Wording(
            "Clients in the household",
            "Household of {value}",
            zero="Nobody in the household holds a contract",
            noun=("client", "clients"),
        ),
        Wording(
            "Clients dans le foyer",
            "Foyer de {value}",
            zero="Personne dans le foyer ne détient de contrat",
            noun=("client", "clients"),
        ),
        _HOUSEHOLD,
    ),
    Feature(
        "household_products",
        "household",
        "household",
        Unit.COUNT,
        Wording(
            "Distinct products of the household",
            "The household holds {value}",
            zero="The household holds no product",
            noun=("distinct product", "distinct products"),
        ),
        Wording(
            "Produits distincts du foyer",
            "Le foyer détient {value}",
            zero="Le foyer ne détient aucun produit",
            noun=("produit distinct", "produits distincts"),
        ),
        _HOUSEHOLD,
    ),
    Feature(
        "household_opened_6m",
        "household",
        "household",
        Unit.COUNT,
        Wording(
            "Contracts opened in the household in 6 months",
            "{value} opened in the household in the last 6 months",
            zero="No contract opened in the household in the last 6 months",
            noun=("contract", "contracts"),
        ),
        Wording(
            "Contrats ouverts dans le foyer en 6 mois",
            "{value} dans le foyer au cours des 6 derniers mois",
            zero="Aucun contrat ouvert dans le foyer au cours des 6 derniers mois",
            noun=("contrat ouvert", "contrats ouverts"),
        ),
        _HOUSEHOLD,
    ),
    Feature(
        "household_closed_6m",
        "household",
        "household_exits",
        Unit.COUNT,
        Wording(
            "Contracts closed in the household in 6 months",
            "{value} closed in the household in the last 6 months",
            zero="No contract closed in the household in the last 6 months",
            noun=("contract", "contracts"),
        ),
        Wording(
            "Contrats clôturés dans le foyer en 6 mois",
            "{value} dans le foyer au cours des 6 derniers mois",
            zero="Aucun contrat clôturé dans le foyer au cours des 6 derniers mois",
            noun=("contrat clôturé", "contrats clôturés"),
        ),
        _HOUSEHOLD,
    ),
    Feature(
        "household_left_12m",
        "household",
        "household_exits",
        Unit.COUNT,
        Wording(
            "Members of the household who left in 12 months",
            "{value} left in the last 12 months",
            zero="Nobody in the household left in the last 12 months",
            noun=("member of the household", "members of the household"),
        ),
        Wording(
            "Départs dans le foyer en 12 mois",
            "{value} au cours des 12 derniers mois",
            zero="Aucun départ dans le foyer au cours des 12 derniers mois",
            noun=("départ dans le foyer", "départs dans le foyer"),
        ),
        _HOUSEHOLD,
    ),
    Feature(
        "months_since_household_exit",
        "household",
        "household_exits",
        Unit.MONTHS,
        Wording(
            "Last departure in the household",
            "A member of the household left {value} ago",
            missing="No departure in the household",
        ),
        Wording(
            "Dernier départ dans le foyer",
            "Dernier départ dans le foyer il y a {value}",
            missing="Aucun départ dans le foyer",
        ),
        _HOUSEHOLD,
    ),
    Feature(
        "household_assets",
        "household",
        "household",
        Unit.MONEY,
        Wording(
            "Assets of the household",
            "The household holds {value} of assets with us",
            negative="The household is overdrawn by {value} overall",
            zero="The household holds no assets with us",
        ),
        Wording(
            "Encours du foyer",
            "{value} d’encours confiés par le foyer",
            negative="Solde global du foyer débiteur de {value}",
            zero="Aucun encours confié par le foyer",
        ),
        _BALANCES,
    ),
    Feature(
        "household_assets_change_6m",
        "household",
        "household",
        Unit.SHARE,
        Wording(
            "Change in the household’s assets over 6 months",
            "The household’s assets rose by {value} in 6 months",
            negative="The household’s assets fell by {value} in 6 months",
            zero="The household’s assets unchanged over 6 months",
            missing="Next to no assets of the household 6 months ago",
        ),
        Wording(
            "Évolution des encours du foyer sur 6 mois",
            "Les encours du foyer ont augmenté de {value} en 6 mois",
            negative="Les encours du foyer ont baissé de {value} en 6 mois",
            zero="Encours du foyer inchangés sur 6 mois",
            missing="Pas ou presque pas d’encours du foyer 6 mois plus tôt",
        ),
        _BALANCES,
    ),
)


def made_for(_shape: Shape) -> tuple[Feature, ...]:
    """Return the features that only this book has: none."""
    return ()


def build(known: AsKnown) -> ir.Table:
    """Return the group's features, one row per row of the spine."""
    households = _households(known)
    rows = known.spine.left_join(households.select("row", "household"), "row").drop("row_right")
    members = AsKnown(known.book, _members(known, households), known.shape)
    contracts, money_of = _contracts(members), _assets(members)
    rows = rows.left_join(contracts, ["household", "cut"]).drop("household_right", "cut_right")
    rows = rows.left_join(money_of, ["household", "cut"])
    counts = (
        "household_members",
        "household_products",
        "household_opened_6m",
        "household_closed_6m",
        "household_left_12m",
    )
    now = rows.assets_now.fill_null(0)
    return rows.select(
        *KEY,
        **{name: rows[name].fill_null(0) for name in counts},
        months_since_household_exit=months_between(rows.cut, rows.last_exit),
        household_assets=money(now),
        household_assets_change_6m=relative_change(now, rows.assets_then, LEAST),
    )


def _households(known: AsKnown) -> ir.Table:
    """Return the spine with `household`: the id of the household, or the client's own where there is none."""
    clients = known.clients()
    # The two kinds of id are told apart by a prefix: a client's id may be the same text as some household's.
    household = clients.household_id.notnull().ifelse("h" + clients.household_id, "c" + clients.client_id)
    return clients.select(*KEY, household=household)


def _members(known: AsKnown, households: ir.Table) -> ir.Table:
    """Return a spine of all members, holding or not, at each cut of their household."""
    asked = households.select("household", "cut", "cut_index").distinct()
    clients = known.book.table("clients")
    clients = clients.select(
        "client_id",
        "joined_on",
        household=clients.household_id.notnull().ifelse("h" + clients.household_id, "c" + clients.client_id),
    )
    return asked.inner_join(clients, [asked.household == clients.household, clients.joined_on < asked.cut]).select(
        "client_id", "household", "cut", "cut_index"
    )


def _contracts(members: AsKnown) -> ir.Table:
    """Aggregate the members' contracts by (household, cut), through the members for who has left."""
    rows = members.contracts()
    households = rows.group_by("household", "cut").agg(
        household_members=rows.client_id.nunique(where=rows.held),
        household_products=rows.product_id.nunique(where=rows.held),
        household_opened_6m=count_where(in_months_before(rows.opened_on, rows.cut_index, 6)),
        household_closed_6m=count_where(in_months_before(rows.closed_on, rows.cut_index, 6)),
    )
    each = rows.group_by("household", "cut", "cut_index", "client_id").agg(
        holds=rows.held.any(), last_closed=rows.closed_on.max()
    )
    left = ~each.holds
    exits = each.group_by("household", "cut").agg(
        household_left_12m=count_where(left & in_months_before(each.last_closed, each.cut_index, 12)),
        last_exit=each.last_closed.max(where=left),
    )
    return households.inner_join(exits, ["household", "cut"])


def _assets(members: AsKnown) -> ir.Table:
    rows = members.months(7)
    return rows.group_by("household", "cut").agg(
        assets_now=total(rows.assets, rows.lag == 1), assets_then=rows.assets.sum(where=rows.lag == 7).cast("int64")
    )
