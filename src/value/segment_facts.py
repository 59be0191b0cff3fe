"""What clients are divided by, side by side: features, what they earned, what they are worth, whom they brought."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection

import ibis
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from appetence.book import Book
from appetence.errors import UsageError, did_you_mean
from appetence.months import shift
from appetence.value.profit import TERMS, client_profits
from appetence.value.segment_rules import SegmentRules

PAST = {"revenue": "past_revenue", "cost": "past_cost", "credit_loss": "past_credit_loss", "profit": "past_profit"}
"""What the terms of past profit are called beside features."""

REFERRALS = "referrals_12m"
"""Clients who joined in the 12 months before the cut on this client's word."""

OF_VALUE = (*PAST.values(), REFERRALS)


def segment_facts(
    book: Book, cut: dt.date, features: pa.Table, scores: pa.Table | None = None, lgd: float = 1.0
) -> pa.Table:
    """Put the facts of clients at a cut side by side.

    Parameters
    ----------
    features
        `client_id` and features, one row per client; the rows of the result are its rows.
    scores
        `client_id` and figures of the month, such as the columns of `client_scores`; null for who is not in it.
    lgd
        As in `client_profits`.

    Returns
    -------
    pyarrow.Table
        All of these; the terms of the past profit of 12 months by the names of `PAST`, 0 for a client with nothing to
        count and null in a book without balances; and `REFERRALS`, null in a book that does not say who referred whom.
        A name that stands in two of them is taken from the first.
    """
    table = features
    clients = features["client_id"].combine_chunks()
    if scores is not None:
        table = _joined(table, clients, scores, {name: name for name in scores.column_names if name != "client_id"})
    profits = client_profits(book, cut, lgd=lgd)
    if profits is None:
        profits = pa.table({"client_id": pa.array([], pa.string()), **{term: pa.array([], "f8") for term in TERMS}})
        return _joined(_joined(table, clients, profits, PAST), clients, *_referrals(book, cut))
    return _joined(_joined(table, clients, profits, PAST, 0.0), clients, *_referrals(book, cut))


def columns_needed(rules: SegmentRules, known: Collection[str]) -> list[str]:
    """Return the columns that the rules read, each once.

    Raises
    ------
    UsageError
        A column that is not among the known ones: neither a feature of this book nor a fact of value.
    """
    wanted = list(dict.fromkeys(criterion.column or criterion.name for criterion in rules.criteria))
    for name in wanted:
        if name not in known:
            raise UsageError("a criterion of segments must be read from a known column", repr(name), _hint(name, known))
    return wanted


def _hint(name: str, known: Collection[str]) -> str:
    return did_you_mean(name, known)


def _referrals(book: Book, cut: dt.date) -> tuple[pa.Table, dict[str, str], float | None]:
    """Return how many each client brought; what the columns are called; and what those have who brought nobody."""
    if not book.has_column("clients", "referred_by"):
        return pa.table({"client_id": pa.array([], pa.string()), "n": pa.array([], "f8")}), {"n": REFERRALS}, None
    clients = book.table("clients")
    since = ibis.literal(shift(cut, -12))
    lately = clients.filter(
        clients.referred_by.notnull(), clients.joined_on >= since, clients.joined_on < ibis.literal(cut)
    )
    counted = lately.group_by(client_id=lately.referred_by).agg(n=lately.count().cast("float64"))
    return book.execute(counted), {"n": REFERRALS}, 0.0


def _joined(
    table: pa.Table, clients: pa.Array, other: pa.Table, names: dict[str, str], absent: float | None = None
) -> pa.Table:
    """Put columns of another table beside a table's own, by client; `absent` is the number of who is not in it."""
    row = pc.index_in(clients, other["client_id"].combine_chunks())
    there = np.asarray(row.is_valid())
    for name, called in names.items():
        if called in table.column_names:
            continue
        column = other[name].combine_chunks().take(row)
        if absent is not None:
            column = pc.if_else(pa.array(there), column, pa.scalar(absent, column.type))
        table = table.append_column(called, column)
    return table
