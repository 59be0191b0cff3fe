"""At which cuts contracts and clients were held, as known then: one whole number per row, a bit for each cut.

A book's three years are a word of 64 bits: "held at the cut, and a year before it" is one operation for all months.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

import ibis
import ibis.expr.types as ir

from appetence.book.clocks import BookTables, contracts_on_both_clocks, index_of
from appetence.errors import UsageError
from appetence.features.expressions import united
from appetence.targets.spells import REASONS

MOST = 60
"""Cuts that fit."""

LEFT = REASONS.index("left")


@dataclass(frozen=True)
class Window:
    """Consecutive cuts, the newest last; bit j stands for the cut `first + j`.

    Parameters
    ----------
    cut
        The newest.
    size
        How many, at most `MOST`.
    """

    cut: dt.date
    size: int

    def __post_init__(self) -> None:
        if self.cut.day != 1:
            raise UsageError("a cut must be the first day of a month", self.cut.isoformat())
        if not 1 <= self.size <= MOST:
            raise UsageError(f"between 1 and {MOST} months can be looked at in one pass", self.size)

    @property
    def first(self) -> int:
        """Month index of the oldest cut."""
        return index_of(self.cut) - self.size + 1

    @property
    def full(self) -> int:
        """All bits."""
        return (1 << self.size) - 1


def bits(start: Any, end: Any, window: Window) -> Any:
    """Return the bits of the cuts from one month index to another, both included; null `end` is for ever."""
    low = ibis.greatest(start - window.first, 0)
    high = ibis.least(end.fill_null(window.first + window.size) - window.first, window.size - 1)
    width = ibis.greatest(high - low + 1, 0)
    one = ibis.literal(1, "int64")
    return (((one << width) - 1) << ibis.least(low, window.size - 1)).cast("int64")


def held_contracts(book: BookTables, window: Window) -> ir.Table:
    """Return the contracts held at any cut: `contract_id`, `client_id`, `product_id`, `family`, `held`, and the exit.

    `held` is what `appetence.book.clocks.held_at` says of each cut. `gone_at` is the bit of the first cut at which
    the contract was known to be over (null where none is), `exit` the place of its reason in
    `appetence.targets.spells.REASONS`, `closed_day` orders closings.
    """
    contracts = contracts_on_both_clocks(book)
    start = ibis.greatest(contracts.opened_month, contracts.opening_known_month) + 1
    end = ibis.greatest(contracts.closed_month, contracts.closing_known_month)
    end = contracts.closed_on.isnull().ifelse(ibis.null("int64"), end)
    reasons = ((contracts.close_reason == name, place) for place, name in enumerate(REASONS))
    closed = contracts.closed_on
    found = contracts.select(
        "contract_id",
        "client_id",
        "product_id",
        "family",
        start=start,
        held=bits(start, end, window),
        gone_at=end + 1 - window.first,
        exit=ibis.cases(*reasons, else_=LEFT),
        closed_day=(closed.year() * 10_000 + closed.month() * 100 + closed.day()).cast("int64"),
    )
    return found.filter(found.held != 0)


def exits(contracts: ir.Table, clients: ir.Table, window: Window) -> ir.Table:
    """Return `client_id` and `other`: the bits of cuts at which a client was gone by an exit that is no attrition.

    Of several contracts that ended a client's holding between the same two cuts, the last to close names the exit,
    and of those closed on the same day the first in `appetence.targets.spells.REASONS`.

    Parameters
    ----------
    contracts, clients
        From `held_contracts`; and `client_id` with `held`, the union of a client's contracts.
    """
    ended = contracts.filter(contracts.gone_at <= window.size - 1).select("client_id", "gone_at", "exit", "closed_day")
    rows = ended.inner_join(clients.select("client_id", of_client="held"), "client_id")
    # shifts need a place that exists, in rows that are left out, too
    at = ibis.greatest(rows.gone_at, 1)
    rows = rows.filter(rows.gone_at >= 1, ((rows.of_client >> at) & 1) == 0, ((rows.of_client >> (at - 1)) & 1) == 1)
    newest = rows.group_by("client_id", "gone_at", "of_client").agg(
        last=(rows.closed_day * len(REASONS) + (len(REASONS) - 1 - rows.exit)).max()
    )
    others = newest.filter(newest["last"] % len(REASONS) != len(REASONS) - 1 - LEFT)
    absent = (window.full - others.of_client) >> others.gone_at
    until_return = (absent - (absent & (absent + 1))) << others.gone_at
    return others.group_by("client_id").agg(other=united(until_return))
