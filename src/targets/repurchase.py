"""Purchases again: which products that a client has or had it buys another contract of after a cut.

A contract that takes the place of another of the same client and product, closed less than a month before its opening
or less than a month after, is a renewal and no purchase: it changes the contract, not what the client holds. So are
both of two contracts opened beside one that closed: which of them took its place, nothing tells.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

import ibis
import ibis.expr.types as ir
import pyarrow as pa

from appetence.book import Book
from appetence.book.clocks import contracts_on_both_clocks, index_of, months_between
from appetence.book.spine import numbered_spine
from appetence.targets.eligibility import eligible_pairs
from appetence.targets.purchase import told


def repurchase_targets(book: Book, spine: pa.Table, product_ids: Sequence[str], gap: int, horizon: int) -> pa.Table:
    """Return what became of each pair of a client and a product had before in `[cut + gap, cut + gap + horizon)`.

    The question is of the *next* contract, beyond those known at the cut.

    Parameters
    ----------
    spine
        `client_id` and `cut`, each pair once.
    product_ids
        Products to consider.
    gap, horizon
        Months.

    Returns
    -------
    pyarrow.Table
        `appetence.targets.purchase.TARGETS`, in the order of the spine, then of `product_ids`; pairs that were not
        eligible (see `appetence.targets.eligibility.eligible`) are left out. `status`:

        - `bought`: the next contract of the product that is no renewal opened in the window;
        - `not_bought`: none did before the window's end;
        - `already`: it opened before the window: in the gap, or before the cut without the firm's knowledge. The client
          may want a third, but what the question is about has happened: neither yes nor no, as with a first purchase;
        - `unknown`: the window is not wholly observed; then all pairs of the cut are unknown, purchases seen too.

        A closing makes a renewal only if it came before the window's end: later ones are not known when the label is.

    Raises
    ------
    BookError
        A product that is not in the catalogue, or a condition that cannot be read.
    """
    rows = book.memtable("target_spine", numbered_spine(spine))
    pairs = eligible_pairs(book, rows, product_ids, again=True)
    contracts = contracts_on_both_clocks(book)
    new = pairs.select("row", "client_id", "product_id", "cut", "cut_index").inner_join(
        contracts.select("client_id", "product_id", "contract_id", "opened_on", "opening_known"),
        ["client_id", "product_id"],
    )
    new = new.filter(new.opening_known >= new.cut)
    new = _no_renewals(new, contracts, new.cut_index + gap + horizon)
    opened = new.group_by("row", "product_id").agg(next_opened=new.opened_on.min())
    return told(book, pairs.left_join(opened, ["row", "product_id"]), "next_opened", gap, horizon)


def buyers_again(book: Book, until: dt.date) -> dict[str, int]:
    """Return for each product how many clients bought it again before a day, from the first day of the records on."""
    contracts = contracts_on_both_clocks(book)
    named = contracts.select("client_id", "product_id", "contract_id", "opened_on")
    first = contracts.group_by("client_id", "product_id").agg(first_opened=contracts.opened_on.min())
    new = named.inner_join(first, ["client_id", "product_id"])
    new = new.filter(
        new.opened_on > new.first_opened, new.opened_on >= book.observed_from, new.opened_on < ibis.literal(until)
    )
    new = _no_renewals(new, contracts, ibis.literal(index_of(until)))
    counted = book.execute(new.group_by("product_id").agg(clients=new.client_id.nunique()))
    return dict(zip(counted["product_id"].to_pylist(), counted["clients"].to_pylist(), strict=True))


def _no_renewals(new: ir.Table, contracts: ir.Table, end_index: Any) -> ir.Table:
    """Return the contracts that took no other's place, by closings before the month `end_index`."""
    others = contracts.filter(contracts.closed_on.notnull()).select(
        "client_id",
        "product_id",
        "closed_on",
        "closed_month",
        other_opened="opened_on",
        other_id="contract_id",
    )
    new = new.mutate(end_index=end_index)
    apart = (months_between(new.opened_on, others.closed_on), months_between(others.closed_on, new.opened_on))
    replaced = [
        new.client_id == others.client_id,
        new.product_id == others.product_id,
        new.contract_id != others.other_id,
        others.other_opened <= new.opened_on,
        others.closed_month < new.end_index,
        (others.closed_on <= new.opened_on).ifelse(apart[0], apart[1]) < 1,
    ]
    return new.anti_join(others, replaced)
