"""Which products may be proposed to which client at a cut."""

from __future__ import annotations

from collections.abc import Sequence

import ibis
import ibis.expr.types as ir
import pyarrow as pa

from appetence.book import Book
from appetence.book.clocks import age_at, contracts_on_both_clocks, held_at, months_between
from appetence.book.conditions import condition
from appetence.book.spine import SPINE, numbered_spine
from appetence.errors import BookError, did_you_mean

PAIRS = pa.schema([*SPINE, pa.field("product_id", pa.string(), nullable=False)])


FEWEST_AT_ONCE = 10
"""Clients who must have held two contracts of a product side by side before holders are proposed another one."""


def eligible(book: Book, spine: pa.Table, product_ids: Sequence[str], *, again: bool = False) -> pa.Table:
    """Return the products that each client may buy for the first time, or again, as far as was known at the cut.

    A product qualifies when it is on sale on the day of the cut (launched then or before, not withdrawn), when its
    condition over age and kind is true of the client, and when no contract of it was known before the cut, in force or
    closed. A condition that comes out null (an unknown age) does not qualify: what may be forbidden is not proposed.

    Again means that a contract of it was known before the cut. A client who holds one qualifies only where at least
    `FEWEST_AT_ONCE` clients are known to have held two of the product for a month or longer: many products are one to
    a client, by law or by the firm's terms, and no catalogue says which. Fewer may be slips of the file, or a change
    from one contract to the next.

    Parameters
    ----------
    spine
        `client_id` and `cut`, each pair once.
    product_ids
        Products to consider.
    again
        Whether another contract is meant, not the first.

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
    found = eligible_pairs(book, rows, product_ids, again=again)
    return book.execute(found.order_by("row", "place").select(*PAIRS.names)).cast(PAIRS)


def eligible_pairs(book: Book, rows: ir.Table, product_ids: Sequence[str], *, again: bool = False) -> ir.Table:
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
    pairs = pairs.filter(on_sale).select(*_PAIR)
    known = contracts_on_both_clocks(book)
    if again:
        return _had_before(known.filter(known.product_id.isin(list(product_ids))), rows, pairs)
    first_known = known.group_by("client_id", "product_id").agg(first_known=known.opening_known.min())
    pairs = pairs.left_join(first_known, ["client_id", "product_id"])
    return pairs.filter(pairs.first_known.isnull() | (pairs.first_known >= pairs.cut)).select(*_PAIR)


_PAIR = ("row", "client_id", "cut", "cut_index", "product_id", "place")


def _had_before(contracts: ir.Table, rows: ir.Table, pairs: ir.Table) -> ir.Table:
    """Return the pairs of which a contract was known; if it is in force, only where another may be held beside it."""
    asked = rows.select("row", "cut", "client_id", "cut_index")
    own = asked.inner_join(contracts, [asked.client_id == contracts.client_id, contracts.opening_known < asked.cut])
    had = own.group_by("row", "product_id").agg(holds=held_at(own, own.cut_index).any())
    several = _several(contracts, rows)
    pairs = pairs.inner_join(had, ["row", "product_id"]).left_join(several, ["cut_index", "product_id"])
    beside = pairs.clients.fill_null(0) >= FEWEST_AT_ONCE
    return pairs.filter(~pairs.holds | beside).select(*_PAIR)


def _several(contracts: ir.Table, rows: ir.Table) -> ir.Table:
    """Return by `cut_index` and `product_id` how many `clients` were known to have held two contracts at once."""
    earlier = contracts.select(
        "client_id",
        "product_id",
        "closed_on",
        "closing_known",
        from_on="opened_on",
        first_id="contract_id",
        first_known="opening_known",
    )
    later = contracts.select(
        "client_id",
        "product_id",
        "opened_on",
        "contract_id",
        "opening_known",
        until_on="closed_on",
        until_known="closing_known",
    )
    two = earlier.inner_join(later, ["client_id", "product_id"])
    in_order = (two.from_on < two.opened_on) | ((two.from_on == two.opened_on) & (two.first_id < two.contract_id))
    two = two.filter(in_order).cross_join(rows.select("cut", "cut_index").distinct())
    two = two.filter((two.first_known < two.cut) & (two.opening_known < two.cut) & (two.opened_on < two.cut))
    ends = [
        ((known < two.cut) & (day < two.cut)).fill_null(False).ifelse(day, two.cut)
        for day, known in ((two.closed_on, two.closing_known), (two.until_on, two.until_known))
    ]
    two = two.filter(months_between(ibis.least(*ends), two.opened_on) >= 1)
    return two.group_by("cut_index", "product_id").agg(clients=two.client_id.nunique())


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
