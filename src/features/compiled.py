"""Tallies by compiled code, for engines that stream: each fact is added, as it comes, to the cuts that know it.

An engine's filtered aggregates touch the state of every sum for every pair of fact and cut; here a pair costs a few
comparisons. `appetence.features.tallies.by_expression` is the definition, and a test holds this to it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Any

import ibis
import ibis.expr.types as ir
import numpy as np
import numpy.typing as npt
import pyarrow as pa
from numba import njit

from appetence.features.tallies import Tallies, days_of, flags_of, sets_of

Ints = npt.NDArray[np.int64]

_THREADS = 2
_FAR = 2**30
"""A month later than all: of a day that is null."""

_NULL = 2**31 - 1
_EPOCH, _OLDEST, _NEWEST = dt.date(1970, 1, 1), dt.date(1500, 1, 1), dt.date(9999, 12, 31)
_OPS = {"count": 0, "newest": 1, "oldest": 2, "anniversary": 3, "union": 4}
_NUMBERS = ("count", "anniversary", "union")
_NONE = -(2**40)
"""No day: below all days."""


@dataclass(frozen=True)
class Lines:
    """The rows of a spine, sorted by client and cut: a client's lines stand together.

    Attributes
    ----------
    keys
        `row`, and `home` where the spine has it, of each line.
    first
        (clients + 1,) where each client's lines begin, by the client's code.
    cut
        (lines,) month indices.
    """

    keys: pa.Table
    first: Ints
    cut: Ints


def coded_spine(spine: ir.Table, clients: ir.Table) -> ir.Table:
    """Return a spine with its clients' codes, for `sorted_lines`."""
    rows = spine.left_join(clients, "client_id")
    return rows.select(*(name for name in ("row", "home") if name in spine.columns), "cut_index", "code")


def sorted_lines(rows: pa.Table, clients: int) -> Lines:
    """Sort a coded spine's rows by client and cut; `clients` is how many codes there are."""
    code = rows["code"].to_numpy().astype(np.int64)
    cut = rows["cut_index"].to_numpy().astype(np.int64)
    order = np.argsort(code * (int(cut.max(initial=0)) + 1) + cut, kind="stable")
    first = np.searchsorted(code[order], np.arange(clients + 1)).astype(np.int64)
    keys = rows.drop_columns(["cut_index", "code"]).combine_chunks()
    return Lines(keys.take(pa.array(order)), first, cut[order])


def add_batches(
    batches: Iterable[pa.RecordBatch], lines: Lines, add: Callable[[pa.RecordBatch, int, int], None]
) -> None:
    """Add batch after batch; each thread has clients of its own, so that none waits and none disturbs another."""
    bounds = np.linspace(0, len(lines.first) - 1, _THREADS + 1).astype(np.int64)
    with ThreadPoolExecutor(_THREADS) as pool:
        jobs: list[Future[None]] = []
        for batch in batches:
            for job in jobs:  # at most one batch waits while the next one is read
                job.result()
            jobs = [pool.submit(add, batch, int(low), int(high)) for low, high in pairwise(bounds)]
        for job in jobs:
            job.result()


def add_up(batches: Iterable[pa.RecordBatch], lines: Lines, tallies: Tallies) -> pa.Table:
    """Return what `by_expression` defines, for every line: 0 or null where there is no fact.

    Parameters
    ----------
    batches
        Of `coded_facts`.

    Notes
    -----
    Memory: 8 bytes per line and tally, and one batch of facts. A day before 1500 counts as one of that year.
    """
    days, flags, sets = ("usable", *days_of(tallies)), flags_of(tallies), sets_of(tallies)
    found = np.zeros((len(lines.cut), len(tallies)), dtype=np.int64)
    for place, one in enumerate(tallies.values()):
        if one.op not in ("count", "union"):
            found[:, place] = _NONE if one.op == "newest" else -_NONE
    spec = np.array(
        [
            (
                _OPS[one.op],
                days.index(one.day),
                0 if one.where is None else 1 << flags.index(one.where),
                _FAR if one.within is None else one.within,
                one.ahead,
                -1 if one.told is None else days.index(one.told),
                -1 if one.until is None else days.index(one.until),
                -1 if one.until_known is None else days.index(one.until_known),
                one.ago,
                0 if one.of is None else sets.index(one.of),
            )
            for one in tallies.values()
        ],
        dtype=np.int64,
    )
    columns, month_of = np.ascontiguousarray(spec.T), _months_by_day()

    def add(batch: pa.RecordBatch, low: int, high: int) -> None:
        table = np.stack([batch.column(name).view(pa.int32()).fill_null(_NULL).to_numpy() for name in days])
        united = np.stack([batch.column(name).to_numpy() for name in (*sets, "flags")])
        _tally(
            batch.column("code").to_numpy(), table, united, month_of,
            lines.first, lines.cut, low, high, columns, found,
        )  # fmt: skip

    if len(lines.cut):
        add_batches(batches, lines, add)
    table = lines.keys
    for values, (name, one) in zip(by_column(found), tallies.items(), strict=True):
        table = table.append_column(name, _column(values, one.op))
    return table


def by_column(found: Ints) -> Ints:
    """Return (lines, n) sums as (n, lines), which takes all threads a fraction of what numpy's copy takes."""
    turned = np.empty(found.shape[::-1], dtype=np.int64)
    bounds = np.linspace(0, len(found), _THREADS + 1).astype(np.int64)
    with ThreadPoolExecutor(_THREADS) as pool:
        list(pool.map(lambda part: _turn(found, turned, *part), pairwise(bounds.tolist())))
    return turned


def known_where(values: npt.NDArray[Any], known: npt.NDArray[np.bool_], kind: pa.DataType) -> pa.Array:
    """Return an Arrow array of fixed width over the values, null where they are not known, without copying them."""
    return pa.Array.from_buffers(
        kind, len(values), [pa.py_buffer(np.packbits(known, bitorder="little")), pa.py_buffer(values)]
    )


@njit(nogil=True, cache=True)
def _turn(found: Any, turned: Any, low: int, high: int) -> None:
    tile = 32  # of as many lines, every column fills whole cache lines
    for start in range(low, high, tile):
        for column in range(found.shape[1]):
            for line in range(start, min(start + tile, high)):
                turned[column, line] = found[line, column]


def tally_schema(keys: ir.Table, tallies: Tallies) -> pa.Schema:
    """Return the columns that `add_up` gives to the lines of a spine."""
    names = [name for name in ("row", "home") if name in keys.columns]
    kinds = {name: pa.int64() if tally.op in _NUMBERS else pa.date32() for name, tally in tallies.items()}
    return pa.schema([*((name, pa.int64()) for name in names), *kinds.items()])


def coded_facts(facts: ir.Table, clients: ir.Table, tallies: Tallies) -> ir.Table:
    """Return the facts of some clients: the client's code, days, sets, and the flags as bits of one number."""
    bits = sum(
        (facts[flag].fill_null(False).ifelse(1 << place, 0) for place, flag in enumerate(flags_of(tallies))),
        ibis.literal(0),
    )
    days = ("usable", *days_of(tallies))
    coded = facts.select("client_id", *sets_of(tallies), *days, flags=bits.cast("int64"))
    return coded.inner_join(clients, "client_id").drop("client_id")


@cache
def _months_by_day() -> npt.NDArray[np.int32]:
    """Return the month index of each day from 1500 to 9999."""
    days = np.arange((_OLDEST - _EPOCH).days, (_NEWEST - _EPOCH).days + 1, dtype=np.int64).astype("datetime64[D]")
    return (days.astype("datetime64[M]").astype(np.int64) + 1970 * 12).astype(np.int32)


_FIRST_DAY = (_OLDEST - _EPOCH).days


@njit(nogil=True, cache=True)
def _tally(  # noqa: PLR0912 - one pass is the point
    code: Any,
    days: Any,
    sets: Any,
    month_of: Any,
    first: Any,
    cut: Any,
    low: int,
    high: int,
    spec: Any,
    found: Any,
) -> None:
    op, day, mask, within, ahead, told, until = spec[0], spec[1], spec[2], spec[3], spec[4], spec[5], spec[6]
    until_known, ago, of, flags = spec[7], spec[8], spec[9], sets[-1]
    months = np.empty(len(days), np.int64)
    asked = np.empty(len(op), np.int64)
    for i in range(len(code)):
        client = code[i]
        if client < low or client >= high:
            continue
        for d in range(len(days)):
            at = days[d, i] - _FIRST_DAY
            months[d] = month_of[max(at, 0)] if at < len(month_of) else _FAR
        n = 0
        for s in range(len(op)):  # what is asked of this fact at any cut
            if flags[i] & mask[s] == mask[s] and months[day[s]] < _FAR:
                asked[n] = s
                n += 1
        for line in range(first[client], first[client + 1]):
            now = cut[line]
            if months[0] >= now:
                continue
            for k in range(n):
                s = asked[k]
                then = now - ago[s]
                lag = then - months[day[s]]
                if ahead[s] != 0:
                    if lag > 0 or lag <= -within[s]:
                        continue
                elif lag < 1 or lag > within[s]:
                    continue
                if told[s] >= 0 and months[told[s]] >= now:
                    continue
                if until[s] >= 0 and months[until[s]] < then and (until_known[s] < 0 or months[until_known[s]] < now):
                    continue
                if op[s] == 0:
                    found[line, s] += 1
                elif op[s] == 1:
                    found[line, s] = max(found[line, s], days[day[s], i])
                elif op[s] == 2:
                    found[line, s] = min(found[line, s], days[day[s], i])
                elif op[s] == 4:
                    found[line, s] |= sets[of[s], i]
                else:
                    found[line, s] = min(found[line, s], (months[day[s]] - now) % 12)


def _column(values: Ints, op: str) -> pa.Array:
    if op in ("count", "union"):
        return pa.array(values)
    known = values != (_NONE if op == "newest" else -_NONE)
    if op == "anniversary":
        return known_where(values, known, pa.int64())
    return known_where(values.astype(np.int32), known, pa.date32())  # what is not known loses its upper half: no matter
