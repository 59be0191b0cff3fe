"""Who may not be scored: clients whose newest word on profiling is an objection."""

from __future__ import annotations

import pyarrow as pa

from appetence.book import Book


def objecting_clients(book: Book) -> frozenset[str]:
    """Return the clients who object to profiling by all that the book knows today.

    Unlike a feature, an objection counts whatever month is scored: a client who objects now may not be profiled in
    the past either.
    """
    consents = book.table("consents")
    profiling = consents.filter(consents.purpose == "profiling")
    newest = profiling.group_by("client_id").agg(granted=profiling.granted.argmax(profiling.known_on))
    rows: pa.Table = book.execute(newest.filter(~newest.granted).select("client_id"))
    return frozenset(rows["client_id"].to_pylist())
