"""Sets of products as whole numbers, a bit for each: united, compared and counted without a row per product.

A firm has few products and its clients few different sets of them: what is worked out set by set costs next to nothing,
however many clients there are.
"""

from __future__ import annotations

import operator
from functools import reduce
from typing import Any

import ibis
import ibis.expr.types as ir

from appetence.book.clocks import BookTables
from appetence.features.catalogue import Shape

BITS = 60
"""Products that one whole number of 64 bits stands for."""


def words(name: str, shape: Shape) -> tuple[str, ...]:
    """Return the columns that a set takes: one for each `BITS` products of the firm."""
    return tuple(f"{name}_{n}" for n in range(-(-max(len(shape.products), 1) // BITS)))


def product_places(book: BookTables) -> ir.Table:
    """Return `product`, and the `word` and `bit` that stand for it: its place in the order of `Shape.products`."""
    products = book.table("products").select(product="product_id")
    place = ibis.row_number().over(ibis.window(order_by="product")).cast("int64")
    one = ibis.literal(1, "int64")
    products = products.mutate(place=place)
    return products.select("product", word=products.place // BITS, bit=one << (products.place % BITS))


def with_bits(rows: ir.Table, book: BookTables, shape: Shape) -> ir.Table:
    """Return rows of a `product_id` with its set, in the columns `words("bit", shape)`."""
    places = product_places(book)
    joined = rows.left_join(places, rows.product_id == places["product"])
    bits = {name: (joined.word == n).ifelse(joined.bit, 0) for n, name in enumerate(words("bit", shape))}
    return joined.mutate(**{name: bit.fill_null(0) for name, bit in bits.items()}).drop("product", "word", "bit")


def size(found: list[Any]) -> Any:
    """Return how many products a set holds.

    Bits are added up in pairs, fours, eights … (Warren 2013, "Hacker's Delight", section 5-1).
    """
    return sum((_bits_set(word) for word in found), ibis.literal(0))


def _bits_set(word: Any) -> Any:
    for step in range(6):
        apart = 2**step
        mask = sum(((1 << apart) - 1) << place for place in range(0, 64, 2 * apart)) & (2**63 - 1)
        word = (word & mask) + ((word >> apart) & mask)
    return word


def of_family(found: list[Any], family: str, shape: Shape) -> Any:
    """Return whether a set holds a product of a family."""
    masks = [0] * len(found)
    for place, (_, of) in enumerate(shape.products):
        if of == family:
            masks[place // BITS] |= 1 << (place % BITS)
    return reduce(operator.or_, [(word & mask) != 0 for word, mask in zip(found, masks, strict=True)])


def families_in(found: list[Any], shape: Shape) -> Any:
    """Return how many families the products of a set are of."""
    return sum(
        (of_family(found, family, shape).cast("int64") for family in shape.families), ibis.literal(0).cast("int64")
    )
