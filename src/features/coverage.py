"""The coverage target: the families of products that a client of this segment should hold, and what is missing.

Segments and targets are the firm's (`features.coverage` of the config).
"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from appetence.book.conditions import condition
from appetence.features.asof import KEY, AsKnown
from appetence.features.catalogue import Feature, Shape, Unit, Wording
from appetence.features.expressions import age_at, ratio
from appetence.features.holding import contract_tallies
from appetence.features.product_sets import of_family, words

_SEGMENTED = (
    Feature(
        "coverage_segment",
        "coverage",
        "profile",
        Unit.CODE,
        Wording("Segment", "Segment: {value}", missing="In no segment"),
        Wording("Segment", "Segment : {value}", missing="Dans aucun segment"),
    ),
    Feature(
        "coverage_gap",
        "coverage",
        "multi_holding",
        Unit.COUNT,
        Wording(
            "Families missing from the coverage target",
            "{value} missing from the coverage target of the segment",
            zero="Holds all that the coverage target of the segment asks for",
            missing="No coverage target",
            noun=("product family", "product families"),
        ),
        Wording(
            "Familles manquantes à la couverture de base idéale",
            "Couverture de base idéale du segment : il manque {value}",
            zero="Couverture de base idéale du segment atteinte",
            missing="Pas de couverture de base idéale définie",
            noun=("famille de produits", "familles de produits"),
        ),
    ),
    Feature(
        "coverage_rate",
        "coverage",
        "multi_holding",
        Unit.SHARE,
        Wording(
            "Share of the coverage target held",
            "{value} of the coverage target of the segment is held",
            zero="Nothing of the coverage target of the segment is held",
            missing="No coverage target",
        ),
        Wording(
            "Part de la couverture de base idéale détenue",
            "{value} de la couverture de base idéale du segment est détenue",
            zero="Rien de la couverture de base idéale du segment n’est détenu",
            missing="Pas de couverture de base idéale définie",
        ),
    ),
)

FEATURES: tuple[Feature, ...] = ()

DECLARED = ("income", "net_worth", "marital_status", "children", "occupation", "region")
"""What a segment's condition may ask for, beside age and kind."""


def made_for(shape: Shape) -> tuple[Feature, ...]:
    """Return the group's features where the firm has set targets."""
    return _SEGMENTED if shape.coverage else ()


def build(known: AsKnown) -> ir.Table:
    """Return the group's features, one row per row of the spine."""
    coverage = known.shape.coverage
    families = sorted({family for target in coverage for family in target.families})
    held = known.asked(contract_tallies(known)).select("row", *words("held", known.shape))
    rows = _described(known).left_join(held, "row")
    products = [rows[word].fill_null(0) for word in words("held", known.shape)]
    of_client = {name: rows[name] for name in ("age", "kind", *DECLARED)}
    segment = _first_true(
        [(condition(t.when, of_client, of=f"the segment {t.segment!r}"), t.segment) for t in coverage]
    )
    rows = rows.mutate(coverage_segment=segment)
    owned = [of_family(products, family, known.shape).cast("int64") for family in families]
    in_segment = [(rows.coverage_segment == t.segment, t) for t in coverage]
    target = _first_true([(inside, len(set(t.families))) for inside, t in in_segment])
    covered = _first_true(
        [(inside, sum(owned[families.index(f)] for f in set(t.families))) for inside, t in in_segment]
    )
    return rows.select(*KEY, "coverage_segment", coverage_gap=target - covered, coverage_rate=ratio(covered, target))


def _described(known: AsKnown) -> ir.Table:
    """Return the spine with what conditions are written over."""
    clients = known.clients()
    who = clients.select("row", age=age_at(clients.cut, clients.birth_date), kind=clients.kind)
    facts = known.facts()
    return facts.select(*KEY, *DECLARED).left_join(who, "row").drop("row_right")


def _first_true(branches: list[tuple[ir.BooleanValue, object]]) -> ir.Value:
    """Return the value of the first condition that is true; one that is null is not."""
    return ibis.cases(*((holds.fill_null(False), value) for holds, value in branches))
