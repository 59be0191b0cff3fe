"""Who may not be scored, or offered anything: clients whose newest word on a purpose is an objection."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from appetence.book import Book


def objecting_clients(book: Book, purposes: Sequence[str] = ("profiling",)) -> frozenset[str]:
    """Return the clients who object to any of some purposes by all that the book knows today.

    Unlike a feature, an objection counts whatever month is scored: a client who objects now may not be profiled in
    the past either.
    """
    consents = book.table("consents")
    asked = consents.filter(consents.purpose.isin(purposes))
    newest = asked.group_by("client_id", "purpose").agg(granted=asked.granted.argmax(asked.known_on))
    rows: pa.Table = book.execute(newest.filter(~newest.granted).select("client_id"))
    return frozenset(rows["client_id"].to_pylist())
