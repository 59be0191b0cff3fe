"""The time of year, as a point on a circle: December lies beside January."""

from __future__ import annotations

import math

import ibis
import ibis.expr.types as ir

from appetence.features.asof import KEY, AsKnown
from appetence.features.catalogue import Feature, Shape, Unit, Wording

FEATURES = (
    Feature(
        "season_sin",
        "calendar",
        "season",
        Unit.SCORE,
        Wording("Time of year (sine)", "What the time of year brings"),
        Wording("Période de l’année (sinus)", "Effet de la période de l’année"),
    ),
    Feature(
        "season_cos",
        "calendar",
        "season",
        Unit.SCORE,
        Wording("Time of year (cosine)", "What the time of year brings"),
        Wording("Période de l’année (cosinus)", "Effet de la période de l’année"),
    ),
)


def made_for(_shape: Shape) -> tuple[Feature, ...]:
    """Return the features that only this book has: none."""
    return ()


def build(known: AsKnown) -> ir.Table:
    """Return the group's features, one row per row of the spine."""
    spine = known.spine
    month = spine.cut_index % 12

    def of_month(function: object) -> object:
        # Twelve constants instead of a sine in the database: the last digit of a sine differs between machines.
        return ibis.cases(*((month == m, round(function(2 * math.pi * m / 12), 12)) for m in range(12)))  # type: ignore[operator]

    return spine.select(*KEY, season_sin=of_month(math.sin), season_cos=of_month(math.cos))
