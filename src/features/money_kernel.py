"""The sums of `appetence.features.money` by one compiled pass over the months of balances, for engines that stream.

Every month of balances belongs to many windows of many cuts: filtered sums in SQL look at each row once per sum and
cut. Here a row is added to the windows that it touches, as it comes. `appetence.features.money` is the definition, and
a test holds this to it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import ibis
import ibis.expr.types as ir
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from numba import njit

from appetence.book.clocks import BookTables, contracts_on_both_clocks, month_index
from appetence.book.contract import CREDIT
from appetence.features.catalogue import Shape
from appetence.features.compiled import Lines, add_batches, by_column, known_where
from appetence.features.expressions import cents
from appetence.features.money import LONGEST, WINDOWS, YEAR

Ints = npt.NDArray[np.int64]

_NOTHING = np.empty(0, dtype=np.int64)

_LEVELS = YEAR + 1
_SHORT, _HALF, _LONG = WINDOWS

# Columns of the sums: one line per row of the spine, so that what a month touches lies close together.
_CREDIT, _FLOW, _REVENUE, _COST, _BEFORE, _INFLOW, _SEEN, _LEVEL = 0, 1, 4, 5, 6, 7, 8, 9
_FAMILY = _LEVEL + _LEVELS

_NO_FAMILY, _OF_CREDIT = -1, -2
"""Places of a family that has no column of its own: balances without one, and what the client owes."""


def add_up_money(batches: Iterable[pa.RecordBatch], lines: Lines, shape: Shape) -> pa.Table:
    """Return what `money_of_members` defines, added up by compiled code.

    Parameters
    ----------
    batches
        Of `coded_months`.

    Returns
    -------
    pyarrow.Table
        One row per line, those without balances included: sums 0, levels null.

    Notes
    -----
    Memory: 8 bytes for each of some 30 sums per line, and one batch of balances.
    """
    sums = np.zeros((len(lines.cut), _FAMILY + len(shape.asset_families)), dtype=np.int64)
    sums[:, _INFLOW] = LONGEST + 1

    def add(batch: pa.RecordBatch, low: int, high: int) -> None:
        columns = [batch.column(name).to_numpy() for name in _COLUMNS]
        _add(*columns, lines.first, lines.cut, low, high, sums)

    if len(lines.cut):
        add_batches(batches, lines, add)
    return _as_table(lines.keys, sums, shape)


_COLUMNS = ("code", "place", "month", "usable", "balance", "flow", "revenue", "cost")


def coded_months(book: BookTables, clients: ir.Table, shape: Shape, first_cut: int, last_cut: int) -> ir.Table:
    """Return some clients' months of balances that some window of some cut can hold, in whole cents."""
    contracts = contracts_on_both_clocks(book).inner_join(clients, "client_id")
    places = [(contracts.family == code, place) for place, (code, _) in enumerate(shape.asset_families)]
    place = ibis.cases(*places, (contracts.family == CREDIT, _OF_CREDIT), else_=_NO_FAMILY)
    contracts = contracts.select(
        "contract_id", "code", place=place.cast("int32"), opening=month_index(contracts.opening_known).cast("int32")
    )
    balances = book.table("balances")
    first, last = _first_day(first_cut - LONGEST), _first_day(last_cut - 1)
    balances = balances.filter(balances.month.between(first, last))
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


def money_schema(keys: ir.Table, shape: Shape) -> pa.Schema:
    """Return the columns that `add_up_money` gives to the lines of a spine."""
    names = [name for name in ("row", "home") if name in keys.columns]
    nothing = Lines(pa.table({name: pa.array([], pa.int64()) for name in names}), _NOTHING, _NOTHING)
    return add_up_money((), nothing, shape).schema


def _as_table(lines: pa.Table, sums: Ints, shape: Shape) -> pa.Table:
    by_sum = by_column(sums)
    seen = by_sum[_SEEN]
    year_before = ((1 << (LONGEST + 1)) - 1) ^ ((1 << (YEAR + 1)) - 1)
    levels = {lag: _known(by_sum[_LEVEL + lag - 1], (seen >> lag) & 1 == 1) for lag in range(1, _LEVELS + 1)}
    columns = {
        "assets": pc.fill_null(levels[1], 0),
        "credit": pa.array(by_sum[_CREDIT]),
        **{f"flow_{m}": pa.array(by_sum[_FLOW + n]) for n, m in enumerate(WINDOWS)},
        "revenue": pa.array(by_sum[_REVENUE]),
        "cost": pa.array(by_sum[_COST]),
        **{f"assets_{part}": pa.array(by_sum[_FAMILY + n]) for n, (_, part) in enumerate(shape.asset_families)},
        **{f"level_{lag}": level for lag, level in levels.items()},
        "revenue_before": _known(by_sum[_BEFORE], seen & year_before != 0),
        "last_inflow": _known(by_sum[_INFLOW], by_sum[_INFLOW] <= LONGEST),
    }
    for name, values in columns.items():
        lines = lines.append_column(name, values)
    return lines


def _known(values: Ints, known: npt.NDArray[np.bool_]) -> pa.Array:
    return known_where(values, known, pa.int64())
