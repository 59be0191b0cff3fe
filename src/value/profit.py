"""Past profitability: revenue less costs less credit losses of the last months, by contract, client and household."""

from __future__ import annotations

import datetime as dt

import ibis
import pyarrow as pa

from appetence.book import Book
from appetence.months import shift

YEAR = 12
"""Months that a past profit is of."""

TERMS = ("revenue", "cost", "credit_loss", "profit")
"""Columns of money: the last is the first less the two between."""


def contract_profits(book: Book, cut: dt.date, months: int = YEAR, lgd: float = 1.0) -> ibis.Table | None:
    """Return what each contract brought in the months before a cut, from facts known then; None without any balances.

    Parameters
    ----------
    months
        How far back, in whole months.
    lgd
        Share of what was outstanding at a default that is lost in the end, from `appetence.value.credit`. What was
        recovered of a default bears no date in the book, so that a month's profit may not look at it.

    Returns
    -------
    ibis.Table
        `contract_id`, `client_id`, `product_id` and `TERMS` as decimals, of contracts with anything to count, closed
        ones included. `cost` is that of claims and servicing; `credit_loss` the share `lgd` of what was outstanding
        at a default, in the month of the default.

    Notes
    -----
    Sums are of decimals, so that the order of rows cannot change the last digit.
    """
    if not book.has("balances"):
        return None
    since = ibis.literal(shift(cut, -months))
    balances = book.as_known("balances", cut)
    zero = ibis.literal(0).cast("decimal(18, 2)")
    earned = balances.filter(balances.month >= since).select(
        "contract_id",
        revenue=balances.revenue.cast("decimal(18, 2)").fill_null(zero),
        cost=balances.cost.cast("decimal(18, 2)").fill_null(zero),
        credit_loss=zero,
    )
    if book.has("defaults"):
        defaults = book.as_known("defaults", cut)
        lost = (defaults.exposure.cast("float64") * lgd).round(2)
        earned = earned.union(
            defaults.filter(defaults.defaulted_on >= since).select(
                "contract_id", revenue=zero, cost=zero, credit_loss=lost.cast("decimal(18, 2)").fill_null(zero)
            )
        )
    summed = earned.group_by("contract_id").agg(**{term: earned[term].sum() for term in TERMS[:-1]})
    owners = book.table("contracts").select("contract_id", "client_id", "product_id")
    joined = owners.join(summed, "contract_id")
    return joined.mutate(profit=joined.revenue - joined.cost - joined.credit_loss)


def client_profits(book: Book, cut: dt.date, months: int = YEAR, lgd: float = 1.0) -> pa.Table | None:
    """Return the past profit of each client with anything to count: `client_id` and `TERMS`; None without balances."""
    return _by(book, contract_profits(book, cut, months, lgd), "client_id")


def household_profits(book: Book, cut: dt.date, months: int = YEAR, lgd: float = 1.0) -> pa.Table | None:
    """Return the past profit of each household, as `client_profits`; clients that belong to none are left out."""
    profits = contract_profits(book, cut, months, lgd)
    if profits is None:
        return None
    homes = book.table("clients").select("client_id", "household_id")
    return _by(book, profits.join(homes.filter(homes.household_id.notnull()), "client_id"), "household_id")


def product_profits(book: Book, cut: dt.date, months: int = YEAR, lgd: float = 1.0) -> pa.Table | None:
    """Return the past profit of each product, as `client_profits`."""
    return _by(book, contract_profits(book, cut, months, lgd), "product_id")


def _by(book: Book, profits: ibis.Table | None, key: str) -> pa.Table | None:
    if profits is None:
        return None
    grouped = profits.group_by(key).agg(**{term: profits[term].sum().cast("float64") for term in TERMS})
    return book.execute(grouped.order_by(key))
