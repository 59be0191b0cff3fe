"""What a new contract replaces: margins of other contracts that clients end when they buy it.

A client who moves a savings plan into a new one brings less than the new one's margin. How much a product replaces is
read off the book: the margins of contracts that its buyers ended by choice within three months of the purchase, less
what the same buyers ended in three months half a year later, which has nothing to do with it. Money moved between two
contracts that both go on is not seen here.
"""

from __future__ import annotations

import datetime as dt

import ibis
import numpy as np
import numpy.typing as npt

from appetence.book import Book
from appetence.book.clocks import index_of, month_index

Floats = npt.NDArray[np.float64]

WINDOW, LATER = 3, 6
"""Months in which an ending belongs to the purchase; and months after it that the window to compare with begins."""

FEWEST_PURCHASES = 50
"""Purchases below which nothing is taken to be replaced: a few endings would make all of the figure."""


def replaced_margins(book: Book, cut: dt.date, product_ids: tuple[str, ...]) -> Floats:
    """Return the yearly margin that a purchase of each product replaces on average, (products,), zero or more.

    Facts known before the cut count, of purchases whose second window was over by then.
    """
    contracts, products = book.as_known("contracts", cut), book.table("products")
    balances = book.as_known("balances", cut)
    newest = balances.group_by("contract_id").agg(balance=balances.balance.argmax(balances.month).cast("float64"))
    last = index_of(cut) - LATER - WINDOW
    bought = contracts.filter(
        contracts.opened_on >= ibis.literal(book.observed_from), month_index(contracts.opened_on) <= last
    ).select("client_id", "product_id", purchase="contract_id", bought=month_index(contracts.opened_on))
    ended = contracts.filter(contracts.close_reason == "left")
    ended = ended.join(products.select("product_id", "annual_margin", "margin_kind"), "product_id")
    ended = ended.left_join(newest, "contract_id")
    by_rate = ended.margin_kind == "rate"
    ended = ended.select(
        "client_id",
        "contract_id",
        ended=month_index(ended.closed_on),
        margin=by_rate.ifelse(ended.annual_margin * ended.balance.fill_null(0.0), ended.annual_margin),
    )
    pairs = bought.join(ended, "client_id")
    pairs = pairs.filter(pairs.purchase != pairs.contract_id)
    after = pairs.ended - pairs.bought
    at_once, later = (after >= 0) & (after < WINDOW), (after >= LATER) & (after < LATER + WINDOW)
    lost = pairs.group_by("product_id").agg(
        lost=pairs.margin.sum(where=at_once).fill_null(0.0) - pairs.margin.sum(where=later).fill_null(0.0)
    )
    counted = bought.group_by("product_id").agg(purchases=bought.count())
    rows = book.execute(counted.left_join(lost, "product_id").select("product_id", "purchases", "lost")).to_pylist()
    found = {
        row["product_id"]: max(row["lost"] or 0.0, 0.0) / row["purchases"]
        for row in rows
        if row["purchases"] >= FEWEST_PURCHASES
    }
    return np.array([found.get(product, 0.0) for product in product_ids], dtype=np.float64)
