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
Places = npt.NDArray[np.uint16]
"""What a code adds to the place of a row in a table."""

P = ParamSpec("P")
R = TypeVar("R")

TILE = 512
"""Rows whose table indices, codes and sums stay in the first-level cache."""


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
    value_start: Ints,
    values: npt.NDArray[np.floating],
    phi: Floats,
) -> None:
    """Add the contributions of the runs `runs[0]` to `runs[1]` to `phi`, (n_used, n_rows).

    A row's place in a run's table is the sum of one mapped code per feature; the run's contributions to its features
    stand there side by side.
    """
    n_rows = codes.shape[1]
    place = np.empty(TILE, dtype=np.int64)
    for run in range(runs[0], runs[1]):
        slots = range(slot_start[run], slot_start[run + 1])
        for first in range(0, n_rows, TILE):
            size = min(TILE, n_rows - first)
            place[:size] = value_start[run]
            for slot in slots:
                mapped = maps[map_start[slot] : map_start[slot + 1]]
                code = codes[slot_feature[slot], first : first + size]
                for row in range(size):
                    place[row] += mapped[code[row]]
            for slot in slots:
                total = phi[slot_feature[slot], first : first + size]
                offset = slot - slot_start[run]
                for row in range(size):
                    total[row] += values[place[row] + offset]


@compiled
def spread(phi: Floats, features: Ints, out: Floats) -> None:
    """Copy (n_used, n_rows) contributions to the columns of their features in `out`, a row at a time."""
    for first in range(0, phi.shape[1], 64):
        for used in range(len(features)):
            for row in range(first, min(first + 64, phi.shape[1])):
                out[row, features[used]] = phi[used, row]


@compiled
def strongest(phi: Floats, features: Ints, indices: Ints, values: npt.NDArray[np.floating]) -> None:
    """Keep each row's contributions of greatest magnitude, strongest first, the earlier feature where two tie.

    `indices` and `values`, (n_rows, k), are overwritten. With fewer used features than k, the first unused follow.
    """
    k = indices.shape[1]
    for row in range(phi.shape[1]):
        found = 0
        for used in range(len(features)):
            value = phi[used, row]
            if found == k and abs(value) <= abs(values[row, k - 1]):
                continue
            place = found if found < k else k - 1
            while place > 0 and abs(values[row, place - 1]) < abs(value):
                values[row, place], indices[row, place] = values[row, place - 1], indices[row, place - 1]
                place -= 1
            values[row, place], indices[row, place] = value, features[used]
            found = min(found + 1, k)
        column = 0
        while found < k:
            if not np.any(features == column):
                values[row, found], indices[row, found] = 0.0, column
                found += 1
            column += 1
