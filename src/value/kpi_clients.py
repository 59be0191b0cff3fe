"""Components of key figures that only a month's scores know: probabilities of staying, values, segments of clients."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from appetence.book import Book
from appetence.book.clocks import index_of
from appetence.errors import UsageError
from appetence.value.kpi_components import YEAR, Components
from appetence.value.units import Units

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

COLUMNS = ("staying", "lifetime_value", "potential", "segment")
"""What a table of clients may tell beside `client_id`; all may be left out or null."""


def add_scores(book: Book, found: Components, units: Units, scores: Mapping[dt.date, pa.Table]) -> None:
    """Add what the scores of some months tell.

    Parameters
    ----------
    scores
        Per cut, `client_id` (each once) and any of `COLUMNS`; cuts outside the window are not looked at. `npv` is the
        lifetime value with the potential, where that is known; a client without a lifetime value has none.

    Raises
    ------
    UsageError
        A table without `client_id`.
    """
    window = found.window
    clients = book.execute(book.table("clients").select("client_id", "advisor_id"))
    leaf_of_client = units.leaf_of(clients["advisor_id"])
    ids = clients["client_id"].combine_chunks()
    tables: dict[int, tuple[Ints, pa.Table]] = {}
    for cut, table in scores.items():
        if "client_id" not in table.column_names:
            raise UsageError("a table of clients' scores must have the column client_id", table.column_names)
        bit = index_of(cut) - window.first
        if 0 <= bit < window.size:
            place = pc.index_in(table["client_id"], value_set=ids)
            known = place.is_valid()
            place = place.filter(known).to_numpy().astype(np.int64)
            tables[bit] = (place, table.filter(known))
    size, leaf = len(units.advisor_id), leaf_of_client

    def put(name: str, bit: int, place: Ints, values: Ints, detail: str = "") -> None:
        sums = found.sums.setdefault((name, detail), np.zeros((size, window.size), dtype=np.int64))
        np.add.at(sums[:, bit], leaf[place], values)
        found.known.setdefault(name, np.zeros(window.size, dtype=np.bool_))[bit] = True

    for bit, (place, table) in sorted(tables.items()):
        staying, stated = _numbers(table, "staying")
        if stated.any():
            put("staying", bit, place, np.rint(np.where(stated, staying, 0.0) * 1e9).astype(np.int64))
            put("staying_known", bit, place, stated.astype(np.int64))
        cents, valued = npv_cents(table)
        if valued.any():
            put("npv", bit, place, cents)
        for segment, mine in _segments(table).items():
            put("in_segment", bit, place[mine], np.ones(len(mine), dtype=np.int64), segment)
            put("segmented", bit, place[mine], np.ones(len(mine), dtype=np.int64))
        if bit - YEAR in tables and valued.any():
            then_place, then = tables[bit - YEAR]
            moved, effect = _moves(len(ids), (place, table), (then_place, then))
            if _segments(table) and _segments(then):
                put("segment_effect", bit, moved, effect)


def npv_cents(scores: pa.Table) -> tuple[Ints, Flags]:
    """Return (clients,) lifetime value and potential in cents, and whether it is known."""
    value, known = _numbers(scores, "lifetime_value")
    potential, stated = _numbers(scores, "potential")
    # each rounded by itself: a figure opened into its terms must add up
    cents = _to_cents(value, known) + _to_cents(potential, stated & known)
    return cents, known


def segment_values(scores: pa.Table) -> dict[str, int]:
    """Return, per segment, the mean value of a client in whole cents; segments without any value are left out."""
    cents, known = npv_cents(scores)
    found = {}
    for segment, mine in _segments(scores).items():
        of = mine[known[mine]]
        if len(of):
            found[segment] = round(int(cents[of].sum()) / len(of))
    return found


def _moves(size: int, now: tuple[Ints, pa.Table], then: tuple[Ints, pa.Table]) -> tuple[Ints, Ints]:
    """Return the clients who changed segment, and by how much that changes their worth at today's mean values."""
    worth = segment_values(now[1])
    codes = {segment: number for number, segment in enumerate(worth)}
    placed = []
    for place, table in (now, then):
        code = np.full(size, -1, dtype=np.int64)
        for segment, mine in _segments(table).items():
            code[place[mine]] = codes.get(segment, -1)
        placed.append(code)
    moved = np.flatnonzero((placed[0] >= 0) & (placed[1] >= 0) & (placed[0] != placed[1]))
    value = np.array([*worth.values(), 0], dtype=np.int64)
    return moved, value[placed[0][moved]] - value[placed[1][moved]]


def _segments(table: pa.Table) -> dict[str, Ints]:
    if "segment" not in table.column_names:
        return {}
    codes = table["segment"].cast(pa.string()).combine_chunks().dictionary_encode()
    place = codes.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    return {name: np.flatnonzero(place == number) for number, name in enumerate(codes.dictionary.to_pylist())}


def _numbers(table: pa.Table, name: str) -> tuple[Floats, Flags]:
    if name not in table.column_names:
        return np.zeros(len(table)), np.zeros(len(table), dtype=np.bool_)
    values = np.asarray(table[name].cast(pa.float64()).to_numpy(), dtype=np.float64)
    return values, np.isfinite(values)


def _to_cents(values: Floats, known: Flags) -> Ints:
    return np.asarray(np.rint(np.where(known, values, 0.0) * 100.0), dtype=np.int64)
