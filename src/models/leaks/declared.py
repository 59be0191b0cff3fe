"""Dated declarations that do not look as if they had been written when they say.

A value that names the outcome of an event before the event is evidence. Values that never change, or that all bear one
date, prove nothing by themselves: they are notes.
"""

from __future__ import annotations

from typing import Any

import ibis
import ibis.expr.types as ir
import pyarrow as pa
from scipy.stats import beta

from appetence.book import Book
from appetence.book.contract import TABLES
from appetence.models.leaks.result import counted

OUTCOMES = (
    ("marriage", "marital_status", "married"),
    ("divorce", "marital_status", "divorced"),
    ("retirement", "occupation", "retired"),
)
"""Events after which a declaration bears a value that it can hardly bear before; in the words of the contract."""

SHARE = 0.5
"""Of those who met the event. Some marry again, or were entered late; that most were so before is no accident."""

FEWEST = 20
FEWEST_PAIRS = 200
"""Renewed declarations without which a column that never changes says nothing."""

LIVELY = 0.02
"""Share of renewed declarations with another value in some column: the table as such does follow its clients."""

MOST_ON_ONE_DAY = 0.5


def reflected(book: Book, alarm: float) -> list[str]:
    """Return the columns in which most clients bore the outcome of an event before it happened or was known.

    One-sided exact intervals (Clopper and Pearson 1934) at `alarm` over the kinds of events.
    """
    if not (book.has("client_facts") and book.has("life_events")):
        return []
    found = []
    for kind, column, value in OUTCOMES:
        if not book.has_column("client_facts", column):
            continue
        before = _before(book, kind, column)
        told = _one_row(book, before.agg(n=before.count(), k=_count(before[column] == value)))
        n, k = told["n"], told["k"] or 0
        low = beta.ppf(alarm / len(OUTCOMES), k, n - k + 1) if k else 0.0
        if n >= FEWEST and low > SHARE:
            found.append(f"client_facts.{column}: {k:,} of {n:,} clients bore {value!r} before their {kind}")
    return found


def _before(book: Book, kind: str, column: str) -> ir.Table:
    """Return what clients had last declared before an event of a kind happened or was known, one row per client."""
    events = book.table("life_events").filter(lambda t: t.kind == kind)
    first = events.mutate(day=ibis.least(events.occurred_on, events.known_on)).group_by("client_id")
    first = first.agg(day=lambda t: t.day.min())
    facts = book.table("client_facts").select("client_id", "known_on", column)
    facts = facts.filter(facts[column].notnull())
    rows = first.inner_join(facts, [first.client_id == facts.client_id, facts.known_on < first.day])
    return rows.group_by("client_id").agg(**{column: rows[column].argmax(rows.known_on)})


def _count(condition: ir.BooleanValue) -> ir.IntegerScalar:
    return condition.fill_null(False).cast("int64").sum()


def unchanging(book: Book) -> list[str]:
    """Return notes on declarations that are never renewed with another value, or that all bear one date."""
    if not book.has("client_facts"):
        return []
    return [*_never_another(book), *_one_date(book)]


def _never_another(book: Book) -> list[str]:
    facts = book.table("client_facts")
    names = [c for c in TABLES["client_facts"].by_name if c not in ("client_id", "known_on")]
    names = [c for c in (*names, *book.extra_columns("client_facts")) if book.has_column("client_facts", c)]
    window = ibis.window(group_by="client_id", order_by="known_on")
    before = facts.mutate(**{f"before_{i}": facts[name].lag().over(window) for i, name in enumerate(names)})
    counts = {f"n{i}": _count(before[f"before_{i}"].notnull() & before[n].notnull()) for i, n in enumerate(names)}
    counts |= {f"k{i}": _count(before[f"before_{i}"] != before[n]) for i, n in enumerate(names)}
    told = book.execute(before.agg(**counts)).to_pylist()[0] if names else {}
    pairs = {name: (told[f"n{i}"] or 0, told[f"k{i}"] or 0) for i, name in enumerate(names)}
    lively = any(n >= FEWEST_PAIRS and k >= LIVELY * n for n, k in pairs.values())
    still = [name for name, (n, k) in pairs.items() if n >= FEWEST_PAIRS and k == 0]
    if not lively:
        return []
    return [
        f"client_facts.{name} never changes in {pairs[name][0]:,} renewed declarations while other columns do: is it "
        "written as declared then, or as it is today?"
        for name in still
    ]


def _one_date(book: Book) -> list[str]:
    facts = book.table("client_facts")
    joined = book.table("clients").select("client_id", "joined_on")
    told = _one_row(
        book,
        facts.inner_join(joined, "client_id").agg(n=lambda t: t.count(), k=lambda t: _count(t.known_on == t.joined_on)),
    )
    days = facts.group_by("known_on").agg(n=facts.count())
    most = _one_row(book, days.agg(k=days.n.max(), day=days.known_on.argmax(days.n)))
    n, notes = told["n"] or 0, []
    if n >= FEWEST_PAIRS and told["k"] == n:
        notes.append(
            f"client_facts: all {counted(n, 'row')} bear the day of joining: known then, or written over since?"
        )
    elif n >= FEWEST_PAIRS and most["k"] > MOST_ON_ONE_DAY * n:
        notes.append(
            f"client_facts: {most['k']:,} of {n:,} rows bear the date {most['day']}: a load is no day of knowing"
        )
    return notes


def _one_row(book: Book, expression: ir.Table) -> dict[str, Any]:
    found: pa.Table = book.execute(expression)
    return dict(found.to_pylist()[0])
