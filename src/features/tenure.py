"""How long the client has been with the firm."""

from __future__ import annotations

import ibis.expr.types as ir

from appetence.features.asof import KEY, AsKnown
from appetence.features.catalogue import Feature, Shape, Unit, Wording
from appetence.features.expressions import month_index, months_between

FEATURES = (
    Feature(
        "tenure",
        "tenure",
        "tenure",
        Unit.MONTHS,
        Wording("Length of the relationship", "Client for {value}", missing="Date of joining unknown"),
        Wording("Ancienneté de la relation", "Client depuis {value}", missing="Date d’entrée en relation inconnue"),
    ),
    Feature(
        "oldest_contract",
        "tenure",
        "tenure",
        Unit.MONTHS,
        Wording("Age of the oldest contract held", "Oldest contract held for {value}", missing="No contract held"),
        Wording(
            "Âge du plus ancien contrat détenu",
            "Plus ancien contrat détenu depuis {value}",
            missing="Aucun contrat détenu",
        ),
    ),
    Feature(
        "months_to_anniversary",
        "tenure",
        "tenure",
        Unit.MONTHS,
        Wording("Anniversary of joining", "Anniversary of joining in {value}", missing="Date of joining unknown"),
        Wording(
            "Anniversaire de l’entrée en relation",
            "Anniversaire de l’entrée en relation dans {value}",
            missing="Date d’entrée en relation inconnue",
        ),
    ),
)


def made_for(_shape: Shape) -> tuple[Feature, ...]:
    """Return the features that only this book has: none."""
    return ()


def build(known: AsKnown) -> ir.Table:
    """Return the group's features, one row per row of the spine."""
    contracts = known.contracts()
    held = contracts.group_by("client_id", "cut").agg(held_since=contracts.opened_on.min(where=contracts.held))
    rows = known.onto_spine(held).left_join(known.clients().select("row", "joined_on"), "row")
    to_anniversary = (month_index(rows.joined_on) - rows.cut_index) % 12
    return rows.select(
        *KEY,
        tenure=months_between(rows.cut, rows.joined_on),
        oldest_contract=months_between(rows.cut, rows.held_since),
        months_to_anniversary=(to_anniversary + 12) % 12,  # engines differ on the sign of a remainder
    )
