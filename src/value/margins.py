"""What contracts earn: yearly margins of those in force, of a new sale, and what was earned already."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import ibis
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from appetence.book import Book
from appetence.months import shift

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class HeldContracts:
    """Contracts in force at the cut.

    Parameters
    ----------
    client_id
        Shape (contracts,).
    yearly_margin
        Shape (contracts,): money a year; NaN where a margin is a share of a balance that nobody recorded.
    months_left
        Shape (contracts,): to the contract's own term; NaN where it has none.
    """

    client_id: pa.Array
    yearly_margin: Floats
    months_left: Floats


@dataclass(frozen=True)
class ProductEconomics:
    """What one sale of each product brings: the mean yearly margin of its contracts in force, and its cost."""

    product_id: tuple[str, ...]
    yearly_margin: Floats
    acquisition_cost: Floats


def _contract_margins(book: Book, cut: dt.date) -> ibis.Table:
    """Return contracts in force with their yearly margin: of the last month's balance where it is a rate."""
    contracts = book.as_known("contracts", cut)
    contracts = contracts.filter(
        contracts.opened_on < cut, contracts.closed_on.isnull() | (contracts.closed_on >= ibis.literal(cut))
    )
    balances = book.as_known("balances", cut)
    newest = balances.filter(balances.month == ibis.literal(shift(cut, -1))).select("contract_id", "balance")
    products = book.table("products").select("product_id", "annual_margin", "margin_kind")
    joined = contracts.join(products, "product_id").left_join(newest, "contract_id")
    balance = joined.balance.cast("float64")
    margin = (joined.margin_kind == "rate").ifelse(joined.annual_margin * balance, joined.annual_margin)
    return joined.select("contract_id", "client_id", "product_id", "ends_on", yearly_margin=margin)


def held_contracts(book: Book, cut: dt.date) -> HeldContracts:
    """Return the contracts in force at the cut; one without its own balance earns its product's mean."""
    margins = _contract_margins(book, cut)
    product_mean = margins.group_by("product_id").agg(mean_margin=margins.yearly_margin.mean())
    joined = margins.join(product_mean, "product_id")
    months = (joined.ends_on.year() - cut.year) * 12 + joined.ends_on.month() - cut.month
    rows = book.execute(
        joined.select(
            "contract_id",
            "client_id",
            yearly_margin=ibis.coalesce(joined.yearly_margin, joined.mean_margin),
            months_left=months.cast("float64"),
        ).order_by("contract_id")
    )
    return HeldContracts(
        rows["client_id"].combine_chunks(), _floats(rows["yearly_margin"]), _floats(rows["months_left"])
    )


def product_economics(book: Book, cut: dt.date) -> ProductEconomics:
    """Return what a sale of each product brings, from the contracts in force; NaN where that is not known."""
    margins = _contract_margins(book, cut)
    means = margins.group_by("product_id").agg(mean_margin=margins.yearly_margin.mean())
    products = book.table("products")
    joined = products.left_join(means, "product_id")
    # nobody holds it yet: an amount is known from the catalogue all the same
    amount = (joined.margin_kind == "amount").ifelse(joined.annual_margin, ibis.null("float64"))
    rows = book.execute(
        joined.select(
            "product_id",
            yearly_margin=ibis.coalesce(joined.mean_margin, amount),
            acquisition_cost=joined.acquisition_cost.cast("float64").fill_null(0.0),
        ).order_by("product_id")
    )
    return ProductEconomics(
        tuple(rows["product_id"].to_pylist()), _floats(rows["yearly_margin"]), _floats(rows["acquisition_cost"])
    )


def past_profit(book: Book, cut: dt.date) -> dict[str, float] | None:
    """Return each client's revenue less cost over the last 12 months, or None in a book without balances.

    Credit losses are not in it yet.
    """
    if not book.has("balances"):
        return None
    balances = book.as_known("balances", cut)
    balances = balances.filter(balances.month >= ibis.literal(shift(cut, -12)))
    profit = balances.revenue - balances.cost.fill_null(0)
    by_contract = balances.select("contract_id", profit=profit)
    owners = book.table("contracts").select("contract_id", "client_id")
    # summed as decimals, so that the order of rows cannot change the last digit
    rows = book.execute(
        by_contract.join(owners, "contract_id").group_by("client_id").agg(profit=lambda t: t.profit.sum())
    )
    return dict(zip(rows["client_id"].to_pylist(), (float(v) for v in rows["profit"].to_pylist()), strict=True))


def _floats(column: pa.ChunkedArray) -> Floats:
    return np.asarray(column.cast(pa.float64()).to_numpy(zero_copy_only=False), dtype=np.float64)
