"""Spells: the stretches of time during which a client holds at least one contract, and what ended each."""

from __future__ import annotations

import datetime as dt

import ibis
import ibis.expr.types as ir

from appetence.book.clocks import BookTables

REASONS = ("death", "left", "insurer", "term")
"""Why contracts close. Of several that close a spell on the same day, the first of these names the exit."""

_NEVER = dt.date(9999, 12, 31)


def spells(book: BookTables) -> ir.Table:
    """Return the clients' spells as they really were, on all that is known today.

    Contracts that overlap, or of which one begins on the day on which another ends, make one spell. A contract closed
    on the day of its opening was never in force.

    Returns
    -------
    `client_id`, `started_on` (first day), `ended_on` (first day without a contract; null: still holding) and `exit`
    (one of REASONS; null with `ended_on`).
    """
    contracts = book.table("contracts")
    rows = contracts.select(
        "contract_id",
        "client_id",
        "opened_on",
        until=contracts.closed_on.fill_null(_NEVER),
        priority=_priority(contracts.close_reason),
    )
    rows = rows.filter(rows.opened_on < rows.until)
    order = ["opened_on", "contract_id"]  # without ties, so that both windows see the same order
    in_order = ibis.window(group_by="client_id", order_by=order, preceding=None, following=0)
    before = rows.until.max().over(ibis.window(group_by="client_id", order_by=order, preceding=(None, 1)))
    rows = rows.mutate(starts=(before.isnull() | (rows.opened_on > before)).cast("int64"))
    rows = rows.mutate(spell=rows.starts.sum().over(in_order))
    ends = rows.group_by("client_id", "spell").agg(started_on=rows.opened_on.min(), last=rows.until.max())
    closing = rows.inner_join(ends, ["client_id", "spell"])
    closing = closing.filter(closing.until == closing["last"])
    found = closing.group_by("client_id", "started_on", "last").agg(priority=closing.priority.min())
    ended = found["last"] < _NEVER
    return found.select(
        "client_id",
        "started_on",
        ended_on=ended.ifelse(found["last"], None),
        exit=ended.ifelse(ibis.cases(*((found.priority == i, reason) for i, reason in enumerate(REASONS))), None),
    )


def _priority(reason: ir.StringValue) -> ir.IntegerValue:
    """Return a reason's place in REASONS; a closing without a reason counts as left."""
    return ibis.cases(*((reason == name, i) for i, name in enumerate(REASONS)), else_=REASONS.index("left"))


def spell_at(book: BookTables, spine: ir.Table) -> ir.Table:
    """Return the spine with the spell that really covered the last day before the cut; null where there was none.

    Parameters
    ----------
    spine
        `client_id` and `cut`; further columns are kept.
    """
    all_spells = spells(book)
    return spine.left_join(
        all_spells,
        [
            spine.client_id == all_spells.client_id,
            all_spells.started_on < spine.cut,
            all_spells.ended_on.isnull() | (all_spells.ended_on >= spine.cut),
        ],
    ).drop("client_id_right")
