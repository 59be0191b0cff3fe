"""The compiled loops over rows.

Every kernel works on one block of rows, releases the interpreter's lock and shares nothing, so that blocks run on
plain Python threads: no threading layer of numba is needed, and none can clash with another library's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar, cast

import numba
import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bits = npt.NDArray[np.uint8]
"""Booleans, one byte each."""
CodeMatrix = npt.NDArray[np.unsignedinteger]
"""(n_used, n_rows) codes: those of a feature stand together."""
CodeVector = npt.NDArray[np.unsignedinteger]
"""Codes of the same width as those of the rows."""
Places = npt.NDArray[np.uint16]
"""What a code adds to the place of a row in a table."""

P = ParamSpec("P")
R = TypeVar("R")

TILE = 2048
"""Rows done at a time, whose places, codes and sums stay in the nearest caches."""


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """Compile without the interpreter's lock; kept on disk for the next process where a directory can be written."""
    try:
        return cast(Callable[P, R], numba.njit(nogil=True, cache=True)(function))
    except RuntimeError:  # no cache directory: compile anew in each process
        return cast(Callable[P, R], numba.njit(nogil=True)(function))


@compiled
def add_tables(
    codes: CodeMatrix,
    runs: tuple[int, int],
    slot_start: Ints,
    slot_feature: Ints,
    map_start: Ints,
    maps: Places,
    step_start: Ints,
    step_code: CodeVector,
    step_by: Places,
    base: Places,
    value_start: Ints,
    values: npt.NDArray[np.floating],
    phi: Floats,
) -> float:
    """Add the contributions of the runs `runs[0]` to `runs[1]` to `phi`, (n_used, n_rows).

    A row's place in a run's table is the sum of one number per feature, read from the feature's map or put together
    from its steps (`appetence.explain.steps`); the run's contributions to its features stand there side by side.

    A table is read from its first number to its last before rows pick theirs: in order, processors fetch it from
    memory several times as fast as at random, which takes a quarter off the whole. What is returned means nothing, but
    without it the compiler would leave that reading out.
    """
    line = 64 // values.itemsize
    read = 0.0
    n_rows = codes.shape[1]
    nothing = np.uint16(0)
    place = np.empty(TILE, dtype=np.uint16)
    for run in range(runs[0], runs[1]):
        slots = range(slot_start[run], slot_start[run + 1])
        table = values[value_start[run] : value_start[run + 1]]
        for number in range(0, len(table), line):
            read += table[number]
        for first in range(0, n_rows, TILE):
            size = min(TILE, n_rows - first)
            place[:size] = base[run]
            for slot in slots:
                code = codes[slot_feature[slot], first : first + size]
                mapped = maps[map_start[slot] : map_start[slot + 1]]
                if len(mapped) > 0:
                    for row in range(size):
                        place[row] += mapped[code[row]]
                for step in range(step_start[slot], step_start[slot + 1]):
                    at, by = step_code[step], step_by[step]
                    for row in range(size):  # no look-up: processors do 16 rows or more at a time
                        place[row] += by if code[row] >= at else nothing
            slot = slot_start[run]
            while slot + 1 < slot_start[run + 1]:  # two at a time: their numbers are neighbours
                one = phi[slot_feature[slot], first : first + size]
                other = phi[slot_feature[slot + 1], first : first + size]
                column = table[slot - slot_start[run] :]
                for row in range(size):
                    cell = np.uint32(place[row])
                    one[row] += column[cell]
                    other[row] += column[cell + np.uint32(1)]
                slot += 2
            if slot < slot_start[run + 1]:
                last = phi[slot_feature[slot], first : first + size]
                column = table[slot - slot_start[run] :]
                for row in range(size):
                    last[row] += column[place[row]]
    return read


@compiled
def spread(phi: Floats, features: Ints, out: Floats) -> None:
    """Copy (n_used, n_rows) contributions to the columns of their features in `out`, a row at a time."""
    for first in range(0, phi.shape[1], 64):
        for used in range(len(features)):
            for row in range(first, min(first + 64, phi.shape[1])):
                out[row, features[used]] = phi[used, row]


@compiled
def strongest(phi: Floats, features: Ints, indices: Ints, values: Floats, sums: Floats) -> None:
    """Keep each row's contributions of greatest magnitude, and the sum of all.

    Strongest first, the earlier feature where two tie. `indices` and `values`, (n_rows, k), and `sums`, (n_rows,), are
    overwritten. With fewer used features than k, the first unused ones follow.
    """
    k = indices.shape[1]
    tile = np.empty((64, len(features)))  # rows side by side: a column of phi is a cache line per feature
    best, which = np.empty(k), np.empty(k, np.int64)
    for first in range(0, phi.shape[1], 64):
        size = min(64, phi.shape[1] - first)
        for used in range(len(features)):
            for row in range(size):
                tile[row, used] = phi[used, first + row]
        for row in range(size):
            found = 0
            total = 0.0
            least = -1.0  # magnitude to be exceeded for a place among the k
            for used in range(len(features)):
                value = tile[row, used]
                total += value
                magnitude = abs(value)
                if magnitude <= least:
                    continue
                place = min(found, k - 1)
                while place > 0 and abs(best[place - 1]) < magnitude:
                    best[place], which[place] = best[place - 1], which[place - 1]
                    place -= 1
                best[place], which[place] = value, features[used]
                found = min(found + 1, k)
                if found == k:
                    least = abs(best[k - 1])
            column = 0
            while found < k:
                if not np.any(features == column):
                    best[found], which[found] = 0.0, column
                    found += 1
                column += 1
            values[first + row], indices[first + row], sums[first + row] = best, which, total
