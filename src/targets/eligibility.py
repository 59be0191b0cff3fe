"""Which products may be proposed to which client at a cut."""

from __future__ import annotations

from collections.abc import Sequence

import ibis
import ibis.expr.types as ir
import pyarrow as pa

from appetence.book import Book
from appetence.book.clocks import age_at, contracts_on_both_clocks
from appetence.book.conditions import condition
from appetence.book.spine import SPINE, numbered_spine
from appetence.errors import BookError, did_you_mean

PAIRS = pa.schema([*SPINE, pa.field("product_id", pa.string(), nullable=False)])


def eligible(book: Book, spine: pa.Table, product_ids: Sequence[str]) -> pa.Table:
    """Return the products that each client may buy for the first time, as far as was known at the cut.

    A product qualifies when it is on sale on the day of the cut (launched then or before, not withdrawn), when its
    condition over age and kind is true of the client, and when no contract of it was known before the cut, in force or
    closed. A condition that comes out null (an unknown age) does not qualify: what may be forbidden is not proposed.

    Parameters
    ----------
    spine
        `client_id` and `cut`, each pair once.
    product_ids
        Products to consider.

    Returns
    -------
    pyarrow.Table
        `PAIRS`, in the order of the spine, then of `product_ids`.

    Raises
    ------
    BookError
        A product that is not in the catalogue, or a condition that cannot be read.
    """
    rows = book.memtable("target_spine", numbered_spine(spine))
    found = eligible_pairs(book, rows, product_ids)
    return book.execute(found.order_by("row", "place").select(*PAIRS.names)).cast(PAIRS)


def eligible_pairs(book: Book, rows: ir.Table, product_ids: Sequence[str]) -> ir.Table:
    """Return `eligible` as an expression over a numbered spine, with `row` and the product's `place`."""
    conditions = _conditions(book, product_ids)
    clients = book.table("clients").select("client_id", "birth_date", "kind")
    aged = rows.inner_join(clients, "client_id")
    aged = aged.mutate(age=age_at(aged.cut, aged.birth_date))
    pairs = aged.cross_join(book.memtable("target_products", _places(product_ids)))
    of_client = {"age": pairs.age, "kind": pairs.kind}  # ages in full years, kinds 'person' and 'company'
    allowed = (
        ibis.cases(
            *(
                (
                    pairs.product_id == product_id,
                    condition(text, of_client, of=f"the eligibility of product {product_id!r}"),
                )
                for product_id, text in conditions.items()
                if text is not None
            ),
            else_=True,
        )
        if any(text is not None for text in conditions.values())
        else ibis.literal(True)
    )
    products = book.table("products").select("product_id", "launched_on", "withdrawn_on")
    pairs = pairs.filter(allowed.fill_null(False)).inner_join(products, "product_id")
    on_sale = (pairs.launched_on.isnull() | (pairs.launched_on <= pairs.cut)) & (
        pairs.withdrawn_on.isnull() | (pairs.withdrawn_on > pairs.cut)
    )
    pairs = pairs.filter(on_sale).select("row", "client_id", "cut", "cut_index", "product_id", "place")
    known = contracts_on_both_clocks(book).select("client_id", "product_id", "opening_known")
    first_known = known.group_by("client_id", "product_id").agg(first_known=known.opening_known.min())
    pairs = pairs.left_join(first_known, ["client_id", "product_id"])
    pairs = pairs.filter(pairs.first_known.isnull() | (pairs.first_known >= pairs.cut))
    return pairs.select("row", "client_id", "cut", "cut_index", "product_id", "place")


def _conditions(book: Book, product_ids: Sequence[str]) -> dict[str, str | None]:
    """Return the products' conditions, null or blank as None."""
    products = book.execute(book.table("products").select("product_id", "eligibility"))
    texts = dict(zip(products["product_id"].to_pylist(), products["eligibility"].to_pylist(), strict=True))
    for product_id in product_ids:
        if product_id not in texts:
            raise BookError("a product must be in the catalogue", repr(product_id), did_you_mean(product_id, texts))
    return {product_id: (texts[product_id] or "").strip() or None for product_id in product_ids}


def _places(product_ids: Sequence[str]) -> pa.Table:
    ids = list(dict.fromkeys(product_ids))
    return pa.table({"product_id": pa.array(ids, pa.string()), "place": pa.array(range(len(ids)), pa.int64())})
