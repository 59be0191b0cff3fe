"""How long the client has been with the firm."""

from __future__ import annotations

import ibis.expr.types as ir

from appetence.features.asof import KEY, AsKnown
from appetence.features.catalogue import Feature, Shape, Unit, Wording
from appetence.features.expressions import month_index, months_ahead, months_between
from appetence.features.families import family_words
from appetence.features.holding import contract_tallies

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
    Feature(
        "months_to_contract_anniversary",
        "tenure",
        "terms",
        Unit.MONTHS,
        Wording("Next contract anniversary", "Next anniversary of a contract in {value}", missing="No contract held"),
        Wording(
            "Prochain anniversaire de contrat",
            "Prochain anniversaire de contrat dans {value}",
            missing="Aucun contrat détenu",
        ),
    ),
)


def made_for(shape: Shape) -> tuple[Feature, ...]:
    """Return the features per family of products of this book."""
    return tuple(_with_family(code, part) for code, part in shape.named_families)


def _with_family(code: str, part: str) -> Feature:
    english, french = family_words(code)
    return Feature(
        f"tenure_{part}",
        "tenure",
        "tenure",
        Unit.MONTHS,
        Wording(
            f"Time with “{english}”",
            f"Has held a contract of the family “{english}” for {{value}}",
            missing=f"Holds no contract of the family “{english}”",
        ),
        Wording(
            f"Ancienneté dans « {french} »",
            f"Détient un contrat de la famille « {french} » depuis {{value}}",
            missing=f"Ne détient aucun contrat de la famille « {french} »",
        ),
    )


def build(known: AsKnown) -> ir.Table:
    """Return the group's features, one row per row of the spine.

    With a family: since the opening of the oldest contract of it that is held.
    """
    rows = known.onto_spine(known.asked(contract_tallies(known))).left_join(
        known.clients().select("row", "joined_on"), "row"
    )
    return rows.select(
        *KEY,
        "months_to_contract_anniversary",
        tenure=months_between(rows.cut, rows.joined_on),
        oldest_contract=months_between(rows.cut, rows.held_since),
        months_to_anniversary=months_ahead(month_index(rows.joined_on), rows.cut_index),
        **{f"tenure_{part}": months_between(rows.cut, rows[f"since_{part}"]) for _, part in known.shape.named_families},
    )
