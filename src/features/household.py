"""The household: clients who live together decide together.

A client with no household is a household of one. The contract dates no change of household: a household at a cut is its
clients who had joined by then, told with the contracts, balances and events known then.
"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from appetence.features.asof import KEY, AsKnown
from appetence.features.balances import LEAST
from appetence.features.catalogue import Feature, Shape, Unit, Wording
from appetence.features.expressions import (
    count_where,
    money,
    months_between,
    relative_change,
    total,
    united,
)
from appetence.features.holding import contract_tallies
from appetence.features.life_events import event_tallies
from appetence.features.money import money_of_members
from appetence.features.product_sets import families_in, size, words

_HOUSEHOLD = ("clients.household_id",)
_BALANCES = ("clients.household_id", "balances")
_EVENTS = ("clients.household_id", "life_events")

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
            "Foyer comptant {value}",
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
    Feature(
        "household_families",
        "household",
        "household",
        Unit.COUNT,
        Wording(
            "Families of products of the household",
            "The household’s holdings cover {value}",
            zero="The household holds no product",
            noun=("product family", "product families"),
        ),
        Wording(
            "Familles de produits du foyer",
            "L’équipement du foyer couvre {value}",
            zero="Le foyer ne détient aucun produit",
            noun=("famille de produits", "familles de produits"),
        ),
        _HOUSEHOLD,
    ),
    Feature(
        "household_net_flow_6m",
        "household",
        "household",
        Unit.MONEY,
        Wording(
            "Net money paid in by the household over 6 months",
            "The household paid in {value} more than it took out over 6 months",
            negative="The household took out {value} more than it paid in over 6 months",
            zero="The household paid in as much as it took out over 6 months",
        ),
        Wording(
            "Versements nets du foyer sur 6 mois",
            "Les versements du foyer dépassent ses retraits de {value} sur 6 mois",
            negative="Les retraits du foyer dépassent ses versements de {value} sur 6 mois",
            zero="Versements et retraits du foyer s’équilibrent sur 6 mois",
        ),
        ("clients.household_id", "balances.net_flow"),
    ),
    Feature(
        "household_credit",
        "household",
        "household",
        Unit.MONEY,
        Wording(
            "Credit of the household",
            "{value} of credit outstanding in the household",
            zero="No credit outstanding in the household",
        ),
        Wording(
            "Crédit du foyer",
            "{value} de crédit restant dû dans le foyer",
            zero="Aucun crédit restant dû dans le foyer",
        ),
        _BALANCES,
    ),
    Feature(
        "household_events_12m",
        "household",
        "household",
        Unit.COUNT,
        Wording(
            "Life events in the household in 12 months",
            "{value} in the household in the last 12 months",
            zero="No life event in the household in the last 12 months",
            noun=("life event", "life events"),
        ),
        Wording(
            "Événements de vie du foyer en 12 mois",
            "{value} dans le foyer au cours des 12 derniers mois",
            zero="Aucun événement de vie dans le foyer au cours des 12 derniers mois",
            noun=("événement de vie", "événements de vie"),
        ),
        _EVENTS,
    ),
    Feature(
        "months_since_household_event",
        "household",
        "household",
        Unit.MONTHS,
        Wording(
            "Last life event in the household",
            "Last life event in the household {value} ago",
            missing="No life event known in the household",
        ),
        Wording(
            "Dernier événement de vie du foyer",
            "Dernier événement de vie du foyer il y a {value}",
            missing="Aucun événement de vie connu dans le foyer",
        ),
        _EVENTS,
    ),
)


def made_for(_shape: Shape) -> tuple[Feature, ...]:
    """Return the features that only this book has: none."""
    return ()


def build(known: AsKnown) -> ir.Table:
    """Return the group's features, one row per row of the spine."""
    if known.everyone is None:
        raise ValueError("the household's features need all of its members")
    homes = known.asked(known.everyone).select("row", "home")
    rows = known.spine.left_join(homes, "row").drop("row_right")
    parts = [
        _contracts(known),
        _events(known),
        *([_money(known)] if known.book.has("balances") else ()),
    ]
    for found in parts:
        rows = rows.left_join(found, "home").drop("home_right")
    counts = (
        "household_members",
        "household_opened_6m",
        "household_closed_6m",
        "household_left_12m",
        "household_events_12m",
    )
    held = [rows[word].fill_null(0) for word in words("held", known.shape)]
    return rows.select(
        *KEY,
        **{name: rows[name].fill_null(0) for name in counts},
        household_products=size(held),
        household_families=families_in(held, known.shape),
        months_since_household_exit=months_between(rows.cut, rows.last_exit),
        months_since_household_event=months_between(rows.cut, rows.last_event),
        **(_worth(rows) if known.book.has("balances") else {}),
    )


def everyone(clients: ir.Table, spine: ir.Table) -> ir.Table:
    """Return a spine with all members of its clients' households, holding or not, who had joined by the cut.

    Returns
    -------
    `KEY` and `home`: the same number for all members of a household at a cut. Members who are not in the spine have a
    `row` below zero, which is theirs alone within the household; a client of the spine who had not joined has no
    `home`.
    """
    clients = clients.select("client_id", "household_id", "joined_on")
    found = spine.inner_join(clients, ["client_id"])
    found = found.filter(found.joined_on < found.cut).select("row", "cut", "cut_index", "household_id")
    together = found.filter(found.household_id.notnull())
    together = together.group_by("household_id", "cut", "cut_index").agg(home=together.row.min())
    homes = found.left_join(together, ["household_id", "cut"])
    asked = spine.left_join(homes.select("row", home=homes.home.coalesce(homes.row)), "row").select(*KEY, "home")
    members = together.inner_join(clients, "household_id")
    members = members.filter(members.joined_on < members.cut).anti_join(spine, ["client_id", "cut"])
    number = ibis.row_number().over(ibis.window(group_by="home", order_by="client_id"))
    others = members.mutate(row=(-1 - number).cast("int64")).select(*KEY, "home")
    return asked.union(others)


def _contracts(known: AsKnown) -> ir.Table:
    """Aggregate the members' contracts by household, through the members for who has left."""
    each = contract_tallies(known)
    each = each.filter(each.last_opened.notnull())
    left = each.contracts_held == 0
    return each.group_by("home").agg(
        household_members=count_where(~left),
        household_opened_6m=total(each.opened_6m),
        household_closed_6m=total(each.closed_6m),
        household_left_12m=count_where(left & (each.closed_12m > 0)),
        last_exit=each.last_closed.max(where=left),
        **{word: united(each[word]) for word in words("held", known.shape)},
    )


def _money(known: AsKnown) -> ir.Table:
    rows = money_of_members(known)
    return rows.group_by("home").agg(
        assets_now=total(rows.assets),
        assets_then=rows.level_7.sum().cast("int64"),
        flow=total(rows.flow_6),
        credit=total(rows.credit),
    )


def _worth(rows: ir.Table) -> dict[str, ir.Value]:
    now = rows.assets_now.fill_null(0)
    return {
        "household_assets": money(now),
        "household_assets_change_6m": relative_change(now, rows.assets_then, LEAST),
        "household_net_flow_6m": money(rows.flow.fill_null(0)),
        "household_credit": money(rows.credit.fill_null(0)),
    }


def _events(known: AsKnown) -> ir.Table:
    """Aggregate the members' life events, those ahead left out."""
    each = event_tallies(known)
    return each.group_by("home").agg(household_events_12m=total(each.events_12m), last_event=each.event.max())
