"""Attrition: whether, when and how a client stops holding any contract after a cut."""

from __future__ import annotations

import ibis
import pyarrow as pa

from appetence.book import Book
from appetence.book.clocks import index_of, months_between
from appetence.book.spine import SPINE, numbered_spine
from appetence.targets.spells import REASONS, spell_at

STATUSES = (*REASONS, "stayed", "unknown", "gone")

TARGETS = pa.schema([*SPINE, pa.field("status", pa.string(), nullable=False), pa.field("months_to_exit", pa.int64())])
SPELLS = pa.schema([*SPINE, pa.field("kind", pa.string(), nullable=False), pa.field("months", pa.int64())])


def attrition_targets(book: Book, spine: pa.Table, gap: int, horizon: int) -> pa.Table:
    """Return what became of each client in `[cut + gap, cut + gap + horizon)`.

    Parameters
    ----------
    spine
        `client_id` and `cut`, each pair once.
    gap, horizon
        Months.

    Returns
    -------
    pyarrow.Table
        `TARGETS`, in the spine's order. `status`:

        - `left`: held nothing from a day in the window on, by the client's choice;
        - `death`, `term`, `insurer`: the same, by a competing exit, which is no attrition;
        - `stayed`: still held something when the window ended;
        - `gone`: held nothing already before the window, even if nobody knew yet: neither yes nor no, not to be used;
        - `unknown`: the window is not wholly observed. Then *all* rows of the cut are unknown, those with an exit
          already seen too: keeping these alone would make leavers of everyone whose fate is known.

        `months_to_exit` counts full months from the cut to an exit that gave the status; null otherwise.
    """
    rows = spell_at(book, book.memtable("target_spine", numbered_spine(spine)))
    months = months_between(rows.ended_on, rows.cut)
    # The cut is a first of a month, so months compare exactly as days do.
    matured = rows.cut_index + gap + horizon <= index_of(book.observed_until)
    status = ibis.cases(
        (~matured, "unknown"),
        (rows.started_on.isnull() | (months < gap), "gone"),
        (months < gap + horizon, rows["exit"]),
        else_="stayed",
    )
    rows = rows.select("row", "client_id", "cut", status=status, months=months)
    rows = rows.mutate(months_to_exit=rows.status.isin(REASONS).ifelse(rows.months, None))
    return book.execute(rows.order_by("row").select(*TARGETS.names)).cast(TARGETS)


def attrition_spells(book: Book, spine: pa.Table) -> pa.Table:
    """Return how long each client was followed after each cut, and what ended it: the material of life tables.

    Parameters
    ----------
    spine
        `client_id` and `cut`, each pair once.

    Returns
    -------
    pyarrow.Table
        `SPELLS`, in the spine's order. `kind` is one of the exits, `censored` (still holding when the records end; an
        exit that is agreed for later has not been seen either) or `gone` (held nothing already at the cut). `months`
        counts full months from the cut to the exit or to the end of the records: an exit at 0 fell in the first month,
        a censoring at 3 means three months survived. Null for `gone` and for cuts after the records' end.
    """
    rows = spell_at(book, book.memtable("target_spine", numbered_spine(spine)))
    followed = ibis.literal(index_of(book.observed_until)) - rows.cut_index
    months = months_between(rows.ended_on, rows.cut)
    seen = months.notnull() & (months < followed)
    gone = rows.started_on.isnull()
    rows = rows.select(
        "row",
        "client_id",
        "cut",
        kind=ibis.cases((gone, "gone"), (seen, rows["exit"]), else_="censored"),
        months=ibis.cases((gone | (followed < 0), None), (seen, months), else_=followed),
    )
    return book.execute(rows.order_by("row").select(*SPELLS.names)).cast(SPELLS)
