"""A firm's own questions: to which clients something happened after a cut, by the firm's own SQL over the book."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence

import ibis
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from appetence.book import Book
from appetence.book.clocks import index_of, month_index
from appetence.book.contract import Column, Type
from appetence.book.queries import Query
from appetence.book.spine import SPINE, numbered_spine
from appetence.config import OwnQuestion
from appetence.errors import BookError

STATUSES = ("happened", "not_happened", "already", "unknown")

TARGETS = pa.schema([*SPINE, pa.field("status", pa.string(), nullable=False)])

_CLIENT = Column("client_id", Type.ID, "To whom it happened")
_EVENTS = (
    _CLIENT,
    Column("occurred_on", Type.DATE, "When"),
    Column(
        "known_on", Type.DATE, "When the firm knew it; null or left out: as the tables that it was read from say", False
    ),
)


def own_targets(book: Book, spine: pa.Table, question: OwnQuestion, gap: int, horizon: int) -> pa.Table:
    """Return what became of each client of a question's population in `[cut + gap, cut + gap + horizon)`.

    Parameters
    ----------
    spine
        `client_id` and `cut`, each pair once.
    question
        Its target and population; its own gap and horizon are not read.
    gap, horizon
        Months.

    Returns
    -------
    pyarrow.Table
        `TARGETS`, in the spine's order; who was not in the population at the cut is left out. `status`:

        - `happened`: an event fell in the window; of a question asked once, the client's first one;
        - `not_happened`: none did, whatever the client did else, leaving included;
        - `already`: of a question asked once, the first event fell before the window (in the gap, or before the cut
          without the firm's knowledge): neither yes nor no, not to be used;
        - `unknown`: the window is not wholly observed; then all rows of the cut are unknown, events seen too.

    Raises
    ------
    BookError
        The question's SQL is not what it must be.
    """
    events = _events(book, question)
    asked = own_population(book, spine, question)
    rows = book.memtable("target_spine", numbered_spine(asked))
    happened = book.memtable("target_events", events.select(["client_id", "occurred_on"]))
    months = happened.select("client_id", month=month_index(happened.occurred_on)).distinct()
    # The cut is a first of a month, so months compare exactly as days do.
    end = rows.cut_index + gap + horizon
    hits = rows.inner_join(months, [rows.client_id == months.client_id, months.month < end])
    hits = hits.mutate(early=hits.month < hits.cut_index + gap)
    hits = hits.group_by("row").agg(inside=(~hits.early).any(), before=hits.early.any())
    found = rows.left_join(hits, "row")
    matured = found.cut_index + gap + horizon <= index_of(book.observed_until)
    status = ibis.cases(
        (~matured, "unknown"),
        (found.before.fill_null(False) & ibis.literal(question.once), "already"),
        (found.inside.fill_null(False), "happened"),
        else_="not_happened",
    )
    found = found.select("row", "client_id", "cut", status=status)
    return book.execute(found.order_by("row").select(*TARGETS.names)).cast(TARGETS)


def own_population(book: Book, spine: pa.Table, question: OwnQuestion) -> pa.Table:
    """Return the rows of a spine whose client a question was asked of at the cut, by what was known then.

    The population's SQL, and of a question asked once its target's SQL too, are run anew for each cut on the tables as
    they were known then: neither can see a later fact, whatever it says.

    Parameters
    ----------
    spine
        `client_id` and `cut`, each pair once: those who hold a contract at the cut.

    Raises
    ------
    BookError
        The question's SQL is not what it must be.
    """
    numbered = spine.append_column("place", pa.array(np.arange(spine.num_rows)))
    parts = [_asked_at(book, numbered, question, cut) for cut in sorted(set(spine["cut"].to_pylist()))]
    if not parts:
        return spine
    return pa.concat_tables(parts).sort_by("place").select(spine.column_names)


def require_readable(book: Book, questions: Sequence[OwnQuestion]) -> None:
    """Run both queries of each question once.

    Raises
    ------
    BookError
        Tells all those that are not what they must be.
    """
    mistakes = [error for question in questions for error in _mistakes(book, question)]
    if len(mistakes) == 1:
        raise mistakes[0]
    if mistakes:
        told = "\n".join(f"  - {mistake}" for mistake in mistakes)
        raise BookError(f"the questions of the config have {len(mistakes)} mistakes:\n{told}")


def _mistakes(book: Book, question: OwnQuestion) -> Iterator[BookError]:
    try:
        _events(book, question)
    except BookError as error:
        yield error
    population = _population(question)
    try:
        if population is not None:
            book.answer(population, book.observed_until)
    except BookError as error:
        yield error


def _events(book: Book, question: OwnQuestion) -> pa.Table:
    """Return the events as the book knows them today."""
    query = _target(question)
    events = book.answer(query)
    clients = book.execute(book.table("clients").select("client_id"))["client_id"].combine_chunks()
    if len(events) and not pc.any(pc.is_in(events["client_id"], clients)).as_py():
        raise BookError(
            f"{query.place} must give ids of clients as client_id", "none that is a client's", "Take clients' client_id"
        )
    return events


def _asked_at(book: Book, spine: pa.Table, question: OwnQuestion, cut: dt.date) -> pa.Table:
    rows = spine.filter(pc.equal(spine["cut"], pa.scalar(cut, pa.date32())))
    population = _population(question)
    if population is not None:
        rows = rows.filter(pc.is_in(rows["client_id"], book.answer(population, cut)["client_id"].combine_chunks()))
    if question.once:
        events = book.answer(_target(question), cut)
        day = pa.scalar(cut, pa.date32())
        known = pc.less(pc.coalesce(events["known_on"], events["occurred_on"]), day)
        had = events.filter(pc.and_(known, pc.less(events["occurred_on"], day)))["client_id"].combine_chunks()
        rows = rows.filter(pc.invert(pc.is_in(rows["client_id"], had)))
    return rows


def _target(question: OwnQuestion) -> Query:
    return Query(f"the target of question {question.name!r}", question.target, _EVENTS)


def _population(question: OwnQuestion) -> Query | None:
    if question.population is None:
        return None
    return Query(f"the population of question {question.name!r}", question.population, (_CLIENT,), of_a_cut=True)
