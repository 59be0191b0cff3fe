"""The sums of `appetence.features.money` by one compiled pass over the months of balances, for engines that stream.

Every month of balances belongs to many windows of many cuts: filtered sums in SQL look at each row once per sum and
cut. Here a row is added to the windows that it touches, as it comes. `appetence.features.money` is the definition, and
a test holds this to it.
"""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Protocol

import ibis
import ibis.expr.types as ir
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from numba import njit

from appetence.book.clocks import BookTables, contracts_on_both_clocks, month_index
from appetence.features.asof import AsKnown
from appetence.features.catalogue import CREDIT, Shape
from appetence.features.expressions import cents
from appetence.features.money import LONGEST, WINDOWS, YEAR

Ints = npt.NDArray[np.int64]

_THREADS = 2
_LEVELS = YEAR + 1
_SHORT, _HALF, _LONG = WINDOWS

# Columns of the sums: one line per row of the spine, so that what a month touches lies close together.
_CREDIT, _FLOW, _REVENUE, _COST, _BEFORE, _INFLOW, _SEEN, _LEVEL = 0, 1, 4, 5, 6, 7, 8, 9
_FAMILY = _LEVEL + _LEVELS

_NO_FAMILY, _OF_CREDIT = -1, -2
"""Places of a family that has no column of its own: balances without one, and what the client owes."""


class StreamingBook(BookTables, Protocol):
    """A book whose engine hands out rows as they come."""

    def execute(self, expression: ir.Table) -> pa.Table:
        """Run an expression and return its rows."""
        ...

    def stream(self, expression: ir.Table) -> Iterable[pa.RecordBatch]:
        """Run an expression and hand out its rows in batches."""
        ...

    def memtable(self, name: str, data: pa.Table) -> ir.Table:
        """Put rows into the engine."""
        ...


@dataclass(frozen=True)
class _Lines:
    """Rows of the spine and of the members, sorted by client and cut: a client's lines stand together.

    Attributes
    ----------
    clients
        Distinct client ids; a client's place among them is its code.
    first
        (clients + 1,) where each client's lines begin.
    cut
        (lines,) month indices.
    """

    table: pa.Table
    clients: pa.Array
    first: Ints
    cut: Ints


def add_up_money(book: StreamingBook, known: AsKnown) -> pa.Table:
    """Return what `money_of_members` defines, added up by compiled code.

    Parameters
    ----------
    book
        The book that `known` reads.

    Returns
    -------
    pyarrow.Table
        One row per row of the members' spine, those without balances included: sums 0, levels null.

    Notes
    -----
    Memory: 8 bytes for each of some 30 sums per row of the spine, and one batch of balances.
    """
    lines = _lines(book.execute(known.members))
    sums = np.zeros((len(lines.cut), _FAMILY + len(known.shape.asset_families)), dtype=np.int64)
    sums[:, _INFLOW] = LONGEST + 1
    if len(lines.cut):
        clients = pa.table(
            {"client_id": lines.clients, "code": pa.array(np.arange(len(lines.clients), dtype=np.int32))}
        )
        months = _months(book, book.memtable("money_clients", clients), known.shape, lines.cut)
        _add_all(book.stream(months), lines, sums)
    return _as_table(lines.table, sums, known.shape)


def _lines(members: pa.Table) -> _Lines:
    encoded = members["client_id"].combine_chunks().dictionary_encode()
    code = encoded.indices.to_numpy().astype(np.int64)
    cut = members["cut_index"].to_numpy().astype(np.int64)
    order = np.lexsort((cut, code))
    first = np.searchsorted(code[order], np.arange(len(encoded.dictionary) + 1))
    kept = [name for name in ("row", "home") if name in members.column_names]
    return _Lines(members.select(kept).take(pa.array(order)), encoded.dictionary, first.astype(np.int64), cut[order])


def _months(book: BookTables, clients: ir.Table, shape: Shape, cut: Ints) -> ir.Table:
    """Return the clients' months of balances that some window of some cut can hold, in whole cents."""
    contracts = contracts_on_both_clocks(book).inner_join(clients, "client_id")
    places = [(contracts.family == code, place) for place, (code, _) in enumerate(shape.asset_families)]
    place = ibis.cases(*places, (contracts.family == CREDIT, _OF_CREDIT), else_=_NO_FAMILY)
    contracts = contracts.select(
        "contract_id", "code", place=place.cast("int32"), opening=month_index(contracts.opening_known).cast("int32")
    )
    balances = book.table("balances")
    oldest, newest = int(cut.min()) - LONGEST, int(cut.max()) - 1
    balances = balances.filter(balances.month.between(_first_day(oldest), _first_day(newest)))
    rows = balances.inner_join(contracts, "contract_id")
    month = month_index(rows.month).cast("int32")
    return rows.select(
        "code",
        "place",
        month=month,
        usable=ibis.greatest(month, rows.opening) + 1,
        balance=cents(rows.balance).fill_null(0),
        flow=cents(rows.net_flow).fill_null(0),
        revenue=cents(rows.revenue).fill_null(0),
        cost=cents(rows.cost).fill_null(0),
    )


def _first_day(index: int) -> ir.DateScalar:
    return ibis.date(f"{index // 12:04d}-{index % 12 + 1:02d}-01")


def _add_all(batches: Iterable[pa.RecordBatch], lines: _Lines, sums: Ints) -> None:
    """Add batch after batch; each thread has clients of its own, so that none waits and none disturbs another."""
    bounds = np.linspace(0, len(lines.clients), _THREADS + 1).astype(np.int64)
    names = ("code", "place", "month", "usable", "balance", "flow", "revenue", "cost")
    with ThreadPoolExecutor(_THREADS) as pool:
        for batch in batches:
            columns = [batch.column(name).to_numpy(zero_copy_only=False) for name in names]
            jobs = [
                pool.submit(_add, *columns, lines.first, lines.cut, low, high, sums) for low, high in pairwise(bounds)
            ]
            for job in jobs:
                job.result()


@njit(nogil=True, cache=True)
def _add(  # noqa: PLR0912 - one pass is the point
    code: Any,
    place: Any,
    month: Any,
    usable: Any,
    balance: Any,
    flow: Any,
    revenue: Any,
    cost: Any,
    first: Any,
    cut: Any,
    low: int,
    high: int,
    sums: Any,
) -> None:
    for i in range(len(code)):
        client = code[i]
        if client < low or client >= high:
            continue
        for line in range(first[client], first[client + 1]):
            lag = cut[line] - month[i]
            if lag < 1 or lag > LONGEST or usable[i] > cut[line]:
                continue
            into = sums[line]
            owed = place[i] == _OF_CREDIT
            into[_SEEN] |= 1 << lag
            if not owed:
                if lag <= _LEVELS:
                    into[_LEVEL + lag - 1] += balance[i]
                if lag <= _LONG:
                    into[_FLOW + 2] += flow[i]
                    if lag <= _HALF:
                        into[_FLOW + 1] += flow[i]
                        if lag <= _SHORT:
                            into[_FLOW] += flow[i]
                if flow[i] > 0 and lag < into[_INFLOW]:
                    into[_INFLOW] = lag
            if lag == 1:
                if owed:
                    into[_CREDIT] += balance[i]
                elif place[i] != _NO_FAMILY:
                    into[_FAMILY + place[i]] += balance[i]
            if lag <= YEAR:
                into[_REVENUE] += revenue[i]
                into[_COST] += cost[i]
            else:
                into[_BEFORE] += revenue[i]


def _as_table(lines: pa.Table, sums: Ints, shape: Shape) -> pa.Table:
    seen = sums[:, _SEEN]
    year_before = ((1 << (LONGEST + 1)) - 1) ^ ((1 << (YEAR + 1)) - 1)
    levels = {lag: _known(sums[:, _LEVEL + lag - 1], (seen >> lag) & 1 == 1) for lag in range(1, _LEVELS + 1)}
    columns = {
        "assets": pc.fill_null(levels[1], 0),
        "credit": pa.array(sums[:, _CREDIT]),
        **{f"flow_{m}": pa.array(sums[:, _FLOW + n]) for n, m in enumerate(WINDOWS)},
        "revenue": pa.array(sums[:, _REVENUE]),
        "cost": pa.array(sums[:, _COST]),
        **{f"assets_{part}": pa.array(sums[:, _FAMILY + n]) for n, (_, part) in enumerate(shape.asset_families)},
        **{f"level_{lag}": level for lag, level in levels.items()},
        "revenue_before": _known(sums[:, _BEFORE], seen & year_before != 0),
        "last_inflow": _known(sums[:, _INFLOW], sums[:, _INFLOW] <= LONGEST),
    }
    for name, values in columns.items():
        lines = lines.append_column(name, values)
    return lines


def _known(values: Ints, known: npt.NDArray[np.bool_]) -> pa.Array:
    return pa.array(values, mask=~known)
