"""First purchases: which of the products a client may buy it does buy after a cut."""

from __future__ import annotations

from collections.abc import Sequence

import ibis
import ibis.expr.types as ir
import pyarrow as pa

from appetence.book import Book
from appetence.book.clocks import index_of, month_index
from appetence.book.spine import numbered_spine
from appetence.targets.eligibility import PAIRS, eligible_pairs

STATUSES = ("bought", "not_bought", "already", "unknown")

TARGETS = pa.schema([*PAIRS, pa.field("status", pa.string(), nullable=False)])


def purchase_targets(book: Book, spine: pa.Table, product_ids: Sequence[str], gap: int, horizon: int) -> pa.Table:
    """Return what became of each eligible pair of client and product in `[cut + gap, cut + gap + horizon)`.

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
        `TARGETS`, in the order of the spine, then of `product_ids`; pairs that were not eligible are left out.
        `status`:

        - `bought`: the client's first contract of the product opened in the window;
        - `not_bought`: none did before the window's end, whatever the client did else, leaving included;
        - `already`: it opened before the window (in the gap, or before the cut without the firm's knowledge): neither
          yes nor no, not to be used;
        - `unknown`: the window is not wholly observed; then all pairs of the cut are unknown, purchases seen too.

    Raises
    ------
    BookError
        A product that is not in the catalogue, or a condition that cannot be read.
    """
    pairs = eligible_pairs(book, book.memtable("target_spine", numbered_spine(spine)), product_ids)
    contracts = book.table("contracts")
    first = contracts.group_by("client_id", "product_id").agg(first_opened=contracts.opened_on.min())
    return told(book, pairs.left_join(first, ["client_id", "product_id"]), "first_opened", gap, horizon)


def told(book: Book, rows: ir.Table, opened: str, gap: int, horizon: int) -> pa.Table:
    """Return `TARGETS` of eligible pairs, by the day on which the contract in question opened; null: it never did."""
    # The cut is a first of a month, so months compare exactly as days do.
    months = month_index(rows[opened]) - rows.cut_index
    matured = rows.cut_index + gap + horizon <= index_of(book.observed_until)
    status = ibis.cases(
        (~matured, "unknown"),
        (months < gap, "already"),
        (months < gap + horizon, "bought"),
        else_="not_bought",
    )
    rows = rows.mutate(status=status)
    return book.execute(rows.order_by("row", "place").select(*TARGETS.names)).cast(TARGETS)
