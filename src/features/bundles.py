"""Products that go together: how strongly those that the client holds are bound in the whole book, at the cut.

The strength is the *lift* of a pair (Brin et al. 1997, "Dynamic itemset counting", section 5): clients who hold both,
over how many would if the one had nothing to do with the other.
"""

from __future__ import annotations

import ibis.expr.types as ir
import pyarrow as pa

from appetence.book.clocks import BookTables, contracts_as_known
from appetence.features.asof import KEY, AsKnown
from appetence.features.catalogue import Feature, Shape, Unit, Wording
from appetence.features.expressions import count_where, ratio

FEWEST_HOLDERS = 30
"""Clients who must hold both products: the lift of fewer is mostly chance (its standard error is above 1/√30)."""

FEATURES = (
    Feature(
        "bundle_lift",
        "bundles",
        "multi_holding",
        Unit.SCORE,
        Wording(
            "Strongest bundle held",
            "Holds two products that are held together {value} times as often as by chance",
            missing="Holds no two products that are often held together",
        ),
        Wording(
            "Plus forte association détenue",
            "Détient deux produits détenus ensemble {value} fois plus souvent que par hasard",
            missing="Ne détient pas deux produits souvent détenus ensemble",
        ),
    ),
    Feature(
        "bundles_held",
        "bundles",
        "multi_holding",
        Unit.COUNT,
        Wording(
            "Bundles held",
            "Holds {value} that go together",
            zero="Holds no products that go together",
            noun=("pair of products", "pairs of products"),
        ),
        Wording(
            "Associations de produits détenues",
            "Détient {value} allant ensemble",
            zero="Ne détient pas de produits allant ensemble",
            noun=("paire de produits", "paires de produits"),
        ),
    ),
)

ASSOCIATIONS = pa.schema(
    [("cut", pa.date32()), ("product", pa.string()), ("other", pa.string()), ("lift", pa.float64())]
)


def made_for(_shape: Shape) -> tuple[Feature, ...]:
    """Return the features that only this book has: none."""
    return ()


def build(known: AsKnown) -> ir.Table:
    """Return the group's features, one row per row of the spine."""
    if known.associations is None:
        raise ValueError("bundles need the associations of the whole book")
    contracts = known.contracts()
    pairs = _pairs(contracts.filter(contracts.held), ("row", "cut"))
    found = pairs.inner_join(known.associations, ["cut", "product", "other"])
    strengths = found.group_by("row").agg(bundle_lift=found.lift.max(), bundles_held=count_where(found.lift > 1))
    rows = known.spine.left_join(strengths, "row")
    return rows.select(*KEY, "bundle_lift", bundles_held=rows.bundles_held.fill_null(0))


def associations(book: BookTables, cuts: ir.Table) -> ir.Table:
    """Return the lift of the pairs of products held together by enough clients, as known at each cut.

    Parameters
    ----------
    cuts
        `cut`, each once.

    Returns
    -------
    `ASSOCIATIONS`: lift = n · n_ab / (n_a · n_b), of n clients holding anything.
    """
    clients = book.table("contracts").select("client_id").distinct()
    rows = contracts_as_known(book, clients.cross_join(cuts))
    held = rows.filter(rows.held).select("client_id", "cut", "product_id").distinct()
    everyone = held.group_by("cut").agg(n=held.client_id.nunique())
    each = held.group_by("cut", "product_id").agg(holders=held.count())
    pairs = _pairs(held, ("client_id", "cut"))
    both = pairs.group_by("cut", "product", "other").agg(together=pairs.count())
    both = both.filter(both.together >= FEWEST_HOLDERS).inner_join(everyone, "cut")
    for product, holders in (("product", "holders"), ("other", "other_holders")):
        both = both.inner_join(each.rename({product: "product_id", holders: "holders"}), ["cut", product])
    lift = ratio(both.n * both.together, both.holders * both.other_holders)
    return both.select("cut", "product", "other", lift=lift)


def _pairs(held: ir.Table, by: tuple[str, ...]) -> ir.Table:
    """Return the pairs of distinct products held, `product` before `other`."""
    one = held.select(*by, product="product_id").distinct()
    two = held.select(*by, other="product_id").distinct().view()
    return one.inner_join(two, [*by, one["product"] < two["other"]]).select(*by, "product", "other")
