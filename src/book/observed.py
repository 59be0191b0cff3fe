"""Over which months the firm's records show events."""

from __future__ import annotations

import datetime as dt

import ibis
import ibis.expr.types as ir

from appetence.book.clocks import BookEngine
from appetence.book.contract import TABLES
from appetence.errors import BookError
from appetence.months import Month

DATED = {
    name: tuple(
        column
        for column in (table.happened, table.known, *{"contracts": ("closed_on", "closing_known_on")}.get(name, ()))
        if column is not None
    )
    for name, table in TABLES.items()
}
"""Columns that date a fact, per table: agreed terms (`ends_on`) are not among them."""


def observed_window(book: BookEngine, first: dt.date | None, until: dt.date | None) -> tuple[dt.date, dt.date]:
    """Return the first day observed and the first day no longer observed, both first days of a month.

    Where a firm does not say, balances decide: from the first month that has any to the end of the last. Without
    balances, the book starts in the month of the first contract and ends *before* the month of the newest dated fact,
    because that month may be incomplete.

    Raises
    ------
    BookError
        The book is empty, or the days are out of order.
    """
    if first is None or until is None:
        low, high = _balance_months(book) if book.has("balances") else (None, None)
        if low is None or high is None:
            low, high = _fact_months(book)
        first = first or (low.start if low else None)
        until = until or (high.start if high else None)
    if first is None or until is None:
        raise BookError("the book must hold at least one contract", "none", "Check the view or file of contracts")
    if first >= until:
        raise BookError(
            "observed_from must lie before observed_until",
            f"{first} and {until}",
            "Set both in the config's book section; without balances the month of the newest fact is left out",
        )
    return first, until


def _balance_months(book: BookEngine) -> tuple[Month | None, Month | None]:
    balances = book.table("balances")
    low, high = _days(book, balances.agg(low=balances.month.min(), high=balances.month.max()))
    return (Month.of(low) if low else None), (Month.of(high) + 1 if high else None)


def _fact_months(book: BookEngine) -> tuple[Month | None, Month | None]:
    contracts = book.table("contracts")
    (low,) = _days(book, contracts.agg(low=contracts.opened_on.min()))
    days = [book.table(name).select(day=column) for name in TABLES if book.has(name) for column in DATED[name]]
    (high,) = _days(book, ibis.union(*days).agg(high=ibis._.day.max()))
    return (Month.of(low) if low else None), (Month.of(high) if high else None)


def _days(book: BookEngine, aggregated: ir.Table) -> tuple[dt.date | None, ...]:
    found = book.execute(aggregated)
    return tuple(found[name][0].as_py() for name in found.column_names)
