"""The book as it was known at a date: what a job of that date would have read.

Facts count when the firm knew them strictly before the cut. What happened to a fact afterwards (a contract's closing,
an offer's outcome, what was recovered of a default) is masked: a row may stay while its later columns are null.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import TYPE_CHECKING

import ibis

from appetence.book.contract import TABLES

if TYPE_CHECKING:
    from appetence.book.book import Book


def as_known(book: Book, name: str, cut: dt.date) -> ibis.Table:
    """Return what was known of a table strictly before a cut.

    A dated fact is kept when its known clock (where null or absent: the day it happened) lies before the cut, a month
    of balances when it was over by then. Clients count from the day they joined, products from their launch;
    protected attributes and advisors follow the clients known. A recovery and an outcome without a date cannot be
    placed in time and are masked at every cut.

    Parameters
    ----------
    book
        An open book.
    name
        A table of the contract.
    cut
        The first day not known.
    """
    table = book.table(name)
    contract = TABLES[name]
    day = ibis.literal(cut)
    if contract.known is not None and contract.happened is not None:
        table = table.filter(ibis.coalesce(table[contract.known], table[contract.happened]) < day)
    elif contract.happened is not None:
        table = table.filter(table[contract.happened] < day)
    rule = _RULES.get(name)
    return rule(book, table, cut) if rule else table


def _before(column: ibis.Value, day: ibis.Value) -> ibis.Value:
    return (column < day).fill_null(False)


def _products(_book: Book, table: ibis.Table, cut: dt.date) -> ibis.Table:
    day = ibis.literal(cut)
    table = table.filter((table.launched_on < day).fill_null(True))
    return table.mutate(withdrawn_on=_before(table.withdrawn_on, day).ifelse(table.withdrawn_on, ibis.null("date")))


def _contracts(_book: Book, table: ibis.Table, cut: dt.date) -> ibis.Table:
    closed = _before(ibis.coalesce(table.closing_known_on, table.closed_on), ibis.literal(cut))
    return table.mutate(
        closed_on=closed.ifelse(table.closed_on, ibis.null("date")),
        close_reason=closed.ifelse(table.close_reason, ibis.null("string")),
        closing_known_on=closed.ifelse(table.closing_known_on, ibis.null("date")),
    )


def _defaults(_book: Book, table: ibis.Table, _cut: dt.date) -> ibis.Table:
    return table.mutate(recovered=ibis.null(table.recovered.type()))


def _with_outcome(_book: Book, table: ibis.Table, cut: dt.date) -> ibis.Table:
    told = _before(table.outcome_on, ibis.literal(cut))
    return table.mutate(
        outcome=told.ifelse(table.outcome, ibis.null("string")),
        outcome_on=told.ifelse(table.outcome_on, ibis.null("date")),
    )


def _protected(book: Book, table: ibis.Table, cut: dt.date) -> ibis.Table:
    return table.semi_join(as_known(book, "clients", cut), "client_id")


def _advisors(book: Book, table: ibis.Table, cut: dt.date) -> ibis.Table:
    clients, prospects = as_known(book, "clients", cut), as_known(book, "prospects", cut)
    return table.semi_join(clients.select("advisor_id").union(prospects.select("advisor_id")), "advisor_id")


def _prospects(book: Book, table: ibis.Table, cut: dt.date) -> ibis.Table:
    clients = as_known(book, "clients", cut)
    became = table.became_client_id.isin(clients.client_id).fill_null(False)
    return table.mutate(became_client_id=became.ifelse(table.became_client_id, ibis.null("string")))


_RULES: dict[str, Callable[[Book, ibis.Table, dt.date], ibis.Table]] = {
    "products": _products,
    "contracts": _contracts,
    "defaults": _defaults,
    "interactions": _with_outcome,
    "offers": _with_outcome,
    "protected": _protected,
    "advisors": _advisors,
    "prospects": _prospects,
}
