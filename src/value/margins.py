"""What contracts earn: yearly margins of those in force, of a new sale, and what was earned already."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import ibis
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from appetence.book import Book
from appetence.book.contract import CREDIT
from appetence.months import shift
from appetence.value.replacement import replaced_margins

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class HeldContracts:
    """Contracts in force at the cut.

    Parameters
    ----------
    contract_id, client_id
        Shape (contracts,), in the order of contracts.
    yearly_margin
        Shape (contracts,): money a year; NaN where a margin is a share of a balance that nobody recorded.
    months_left
        Shape (contracts,): to the contract's own term; NaN where it has none.
    on_balance
        Shape (contracts,): whether the margin is earned on money of the client's, which may leave.
    exposure
        Shape (contracts,): outstanding of a loan, 0 where the contract is none; where nobody recorded it, what was
        outstanding on average when loans of the product defaulted, 0 without any default.
    """

    contract_id: pa.Array
    client_id: pa.Array
    yearly_margin: Floats
    months_left: Floats
    on_balance: npt.NDArray[np.bool_]
    exposure: Floats


@dataclass(frozen=True)
class ProductEconomics:
    """What one sale of each product brings.

    Parameters
    ----------
    yearly_margin
        Shape (products,): the mean of its contracts in force.
    replaced
        Shape (products,): yearly margin of other contracts that buyers end for it.
    acquisition_cost
        Shape (products,): of one sale.
    """

    product_id: tuple[str, ...]
    yearly_margin: Floats
    replaced: Floats
    acquisition_cost: Floats


def _contract_margins(book: Book, cut: dt.date) -> ibis.Table:
    """Return contracts in force with their yearly margin: of the last month's balance where it is a rate."""
    contracts = book.as_known("contracts", cut)
    contracts = contracts.filter(
        contracts.opened_on < cut, contracts.closed_on.isnull() | (contracts.closed_on >= ibis.literal(cut))
    )
    balances = book.as_known("balances", cut)
    newest = balances.filter(balances.month == ibis.literal(shift(cut, -1))).select("contract_id", "balance")
    products = book.table("products").select("product_id", "annual_margin", "margin_kind", "family")
    joined = contracts.join(products, "product_id").left_join(newest, "contract_id")
    balance = joined.balance.cast("float64")
    by_rate, loan = joined.margin_kind == "rate", joined.family == CREDIT
    owed = balance.isnull().ifelse(ibis.null("float64"), ibis.greatest(balance, 0.0))  # of nothing known, not 0
    return joined.select(
        "contract_id",
        "client_id",
        "product_id",
        "ends_on",
        yearly_margin=by_rate.ifelse(joined.annual_margin * balance, joined.annual_margin),
        on_balance=by_rate & ~loan,
        exposure=loan.ifelse(owed, 0.0),
    )


def held_contracts(book: Book, cut: dt.date, learned: bool = False) -> HeldContracts:
    """Return the contracts in force at the cut; one without its own balance earns its product's mean.

    Parameters
    ----------
    learned
        Whether margins are those that the contracts' own months showed (see `_learned_margins`), not the catalogue's.
    """
    margins = _learned_margins(book, cut) if learned and book.has("balances") else _contract_margins(book, cut)
    product_mean = margins.group_by("product_id").agg(mean_margin=margins.yearly_margin.mean())
    joined = margins.join(product_mean, "product_id").left_join(_default_exposures(book, cut), "product_id")
    months = (joined.ends_on.year() - cut.year) * 12 + joined.ends_on.month() - cut.month
    rows = book.execute(
        joined.select(
            "contract_id",
            "client_id",
            "on_balance",
            exposure=ibis.coalesce(joined.exposure, joined.mean_exposure, 0.0),
            yearly_margin=ibis.coalesce(joined.yearly_margin, joined.mean_margin),
            months_left=months.cast("float64"),
        ).order_by("contract_id")
    )
    return HeldContracts(
        rows["contract_id"].combine_chunks(),
        rows["client_id"].combine_chunks(),
        _floats(rows["yearly_margin"]),
        _floats(rows["months_left"]),
        np.asarray(rows["on_balance"].to_numpy(zero_copy_only=False), dtype=np.bool_),
        _floats(rows["exposure"]),
    )


def _default_exposures(book: Book, cut: dt.date) -> ibis.Table:
    """Return what was outstanding on average when loans of each product defaulted, as far as known before the cut."""
    defaults = book.as_known("defaults", cut)
    owed = defaults.join(book.table("contracts").select("contract_id", "product_id"), "contract_id")
    return owed.group_by("product_id").agg(mean_exposure=owed.exposure.cast("float64").mean())


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
    names = tuple(rows["product_id"].to_pylist())
    replaced = replaced_margins(book, cut, names)
    return ProductEconomics(names, _floats(rows["yearly_margin"]), replaced, _floats(rows["acquisition_cost"]))


def _learned_margins(book: Book, cut: dt.date) -> ibis.Table:
    """Return contracts in force with the margin that their own months showed, drawn to their product's mean.

    A contract's margin is its mean revenue less cost of the last 12 months, times 12. Of n months it is believed by
    n / (n + k), where k is the variance of a month within contracts over that of means between them (Bühlmann's
    credibility), for each product by moments; a product without two contracts, or whose contracts do not differ, tells
    its mean. Where no month was recorded, the catalogue's margin stands.
    """
    margins = _contract_margins(book, cut)
    balances = book.as_known("balances", cut)
    earned = balances.filter(balances.month >= ibis.literal(shift(cut, -12)), balances.revenue.notnull())
    monthly = (earned.revenue - earned.cost.fill_null(0)).cast("float64")
    own = earned.group_by("contract_id").agg(mean=monthly.mean(), months=monthly.count(), squares=(monthly**2).sum())
    rows = margins.inner_join(own, "contract_id")
    spread = rows.squares - rows.months * rows["mean"] ** 2
    by_product = rows.group_by("product_id").agg(
        product_mean=(rows["mean"] * rows.months).sum() / rows.months.sum(),
        contracts=rows.count(),
        all_months=rows.months.sum().cast("float64"),
        squared_months=(rows.months.cast("float64") ** 2).sum(),
        within=spread.sum() / ibis.greatest(rows.months.sum() - rows.count(), 1),
        weighted=(rows.months * rows["mean"] ** 2).sum(),
    )
    free = by_product.contracts - 1
    between = (by_product.weighted - by_product.all_months * by_product.product_mean**2 - free * by_product.within) / (
        by_product.all_months - by_product.squared_months / by_product.all_months
    )
    usable = (free > 0) & (between > 0)
    ratio = usable.ifelse(by_product.within / between, ibis.null("float64"))
    known = by_product.select("product_id", "product_mean", ratio=ratio)
    joined = margins.left_join(own, "contract_id").left_join(known, "product_id")
    believed = ibis.coalesce(joined.months / (joined.months + joined.ratio), 0.0)
    told = believed * ibis.coalesce(joined["mean"], 0.0) + (1.0 - believed) * joined.product_mean
    return joined.select(
        "contract_id",
        "client_id",
        "product_id",
        "ends_on",
        "on_balance",
        "exposure",
        yearly_margin=ibis.coalesce(12.0 * told, joined.yearly_margin),
    )


def _floats(column: pa.ChunkedArray) -> Floats:
    return np.asarray(column.cast(pa.float64()).to_numpy(zero_copy_only=False), dtype=np.float64)
