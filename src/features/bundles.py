"""Products that go together: how strongly those that the client holds are bound in the whole book, at the cut.

The strength is the *lift* of a pair (Brin et al. 1997, "Dynamic itemset counting", section 5): clients who hold both,
over how many would if the one had nothing to do with the other.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from functools import reduce

import ibis
import ibis.expr.types as ir
import pyarrow as pa

from appetence.book.clocks import BookTables, contracts_on_both_clocks, held_at
from appetence.features.asof import KEY, AsKnown
from appetence.features.catalogue import Feature, Shape, Unit, Wording
from appetence.features.expressions import count_where, ratio, total, united
from appetence.features.holding import contract_tallies
from appetence.features.product_sets import product_places, with_bits, words

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
            "Détient deux produits que l’on trouve ensemble {value} fois aussi souvent que le voudrait le hasard",
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
    columns, places = words("held", known.shape), product_places(known.book)
    found = known.asked(contract_tallies(known)).inner_join(known.spine.select("row", "cut"), "row")
    held = found.filter(found.contracts_held > 0).select("row", "cut", *columns)
    sets = held.select("cut", *columns).distinct()
    pairs = _pairs(sets, places, columns, ("cut", *columns))
    found = pairs.inner_join(known.associations, ["cut", "product", "other"])
    strengths = found.group_by("cut", *columns).agg(
        bundle_lift=found.lift.max(), bundles_held=count_where(found.lift > 1)
    )
    of_row = held.inner_join(strengths, ["cut", *columns]).select("row", "bundle_lift", "bundles_held")
    rows = known.spine.left_join(of_row, "row")
    return rows.select(*KEY, "bundle_lift", bundles_held=rows.bundles_held.fill_null(0))


def associations(book: BookTables, cuts: ir.Table, indices: Sequence[int], shape: Shape) -> ir.Table:
    """Return the lift of the pairs of products held together by enough clients, as known at each cut.

    Parameters
    ----------
    cuts
        `cut` and `cut_index`, each once.
    indices
        The same month indices.

    Returns
    -------
    `ASSOCIATIONS`: lift = n · n_ab / (n_a · n_b), of n clients holding anything.
    """
    columns, places = words("held", shape), product_places(book)
    contracts = with_bits(contracts_on_both_clocks(book), book, shape)
    # A client's holdings at all cuts side by side: many clients share them, and a client's contracts are met once.
    indices = indices or (0,)  # of a spine without rows
    history = {
        f"{word}_at_{index}": united(contracts[bit], held_at(contracts, index))
        for index in indices
        for word, bit in zip(columns, words("bit", shape), strict=True)
    }
    alike = contracts.group_by("client_id").agg(**history).group_by(*history).agg(clients=lambda rows: rows.count())
    rows = alike.cross_join(cuts)
    of_cut = {
        word: ibis.cases(*((rows.cut_index == index, rows[f"{word}_at_{index}"]) for index in indices))
        for word in columns
    }
    rows = rows.select("cut", "clients", **of_cut)
    rows = rows.filter(reduce(operator.or_, (rows[word] != 0 for word in columns)))
    sets = rows.group_by("cut", *columns).agg(clients=total(rows.clients))
    everyone = sets.group_by("cut").agg(n=total(sets.clients))
    single = _members(sets, places, columns, "product")
    each = single.group_by("cut", "product").agg(holders=total(single.clients))
    pairs = _pairs(sets, places, columns, ("cut", "clients"))
    both = pairs.group_by("cut", "product", "other").agg(together=total(pairs.clients))
    both = both.filter(both.together >= FEWEST_HOLDERS).inner_join(everyone, "cut")
    both = both.inner_join(each, ["cut", "product"])
    other = each.rename(other="product", other_holders="holders")
    both = both.inner_join(other, ["cut", "other"])
    lift = ratio(both.n * both.together, both.holders * both.other_holders)
    return both.select("cut", "product", "other", lift=lift)


def _members(sets: ir.Table, places: ir.Table, columns: tuple[str, ...], name: str) -> ir.Table:
    """Return each set once per product in it."""
    rows = sets.cross_join(places.rename({name: "product"}))
    word = ibis.cases(*((rows.word == n, rows[column]) for n, column in enumerate(columns)))
    return rows.filter((word & rows.bit) != 0).drop("word", "bit")


def _pairs(sets: ir.Table, places: ir.Table, columns: tuple[str, ...], keep: tuple[str, ...]) -> ir.Table:
    """Return each set once per pair of products in it, `product` before `other`."""
    rows = _members(_members(sets, places, columns, "product"), places, columns, "other")
    return rows.filter(rows["product"] < rows["other"]).select(*keep, "product", "other")
