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
import pandas as pd
import pyarrow as pa

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
    contracts = book.as_known("contracts", cut)
    last = index_of(cut) - LATER - WINDOW
    bought = contracts.filter(
        contracts.opened_on >= ibis.literal(book.observed_from), month_index(contracts.opened_on) <= last
    ).select("client_id", "product_id", purchase="contract_id", bought=month_index(contracts.opened_on))
    left = contracts.filter(contracts.close_reason == "left")
    left = left.select("client_id", "contract_id", ended="product_id", month=month_index(left.closed_on))
    pairs = bought.join(left, "client_id")
    after = pairs.month - pairs.bought
    near = pairs.filter(pairs.purchase != pairs.contract_id, after >= 0, after < LATER + WINDOW)
    near = near.select("product_id", "contract_id", "ended", after=near.month - near.bought)
    ends = book.execute(near.order_by("product_id", "contract_id", "after")).to_pandas()
    margin = _margins(book, cut, ends)
    sign = (ends["after"] < WINDOW).astype(float) - (ends["after"] >= LATER).astype(float)
    lost = (margin * sign).groupby(ends["product_id"]).sum()
    counted = book.execute(bought.group_by("product_id").agg(purchases=bought.count())).to_pylist()
    found = {
        row["product_id"]: max(float(lost.get(row["product_id"], 0.0)), 0.0) / row["purchases"]
        for row in counted
        if row["purchases"] >= FEWEST_PURCHASES
    }
    return np.array([found.get(product, 0.0) for product in product_ids], dtype=np.float64)


def _margins(book: Book, cut: dt.date, ends: pd.DataFrame) -> pd.Series[float]:
    """Return the yearly margin of each contract ended, by its newest balance where it is a rate.

    Looked up for these contracts alone and joined here: in one query over millions of rows DuckDB 2.0 stops now and
    then with an internal error of its caches of texts.
    """
    wanted = book.memtable("value_ended", pa.table({"contract_id": pa.array(sorted(set(ends["contract_id"])), "str")}))
    balances = book.as_known("balances", cut).semi_join(wanted, "contract_id")
    newest = balances.group_by("contract_id").agg(balance=balances.balance.argmax(balances.month).cast("float64"))
    balance = book.execute(newest).to_pandas().set_index("contract_id")["balance"].reindex(ends["contract_id"])
    kinds = book.execute(book.table("products").select("product_id", "annual_margin", "margin_kind")).to_pandas()
    kinds = kinds.set_index("product_id").reindex(ends["ended"])
    by_rate = (kinds["margin_kind"] == "rate").to_numpy()
    yearly = kinds["annual_margin"].to_numpy(dtype=np.float64)
    told = np.where(by_rate, yearly * balance.fillna(0.0).to_numpy(dtype=np.float64), yearly)
    return pd.Series(told, index=ends.index)
