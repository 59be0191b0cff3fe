"""An answer's rows in the order of the spine, which costs the engine more than it costs here."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from numba import njit

from appetence.errors import AppetenceError
from appetence.features.blocks import Block
from appetence.features.compiled import known_where


def in_order(group: str, found: pa.Table, block: Block) -> list[pa.Array]:
    """Return a group's columns in the order of the block's rows; NaN and infinities are null.

    Raises
    ------
    AppetenceError
        The group does not give each row once.
    """
    place, rows = found["row"].to_numpy(), len(block.rows)
    position = np.full(rows, -1, dtype=np.int64)
    if len(place) == rows and (rows == 0 or (place.min() >= 0 and place.max() < rows)):
        position[place] = np.arange(rows)
    if (position < 0).any() or len(place) != rows:
        raise AppetenceError(f"feature group {group} must give each row of the spine once", f"{found.num_rows} rows")
    moved = pa.array(position)
    return [
        _numbers(column, place) if pa.types.is_floating(column.type) else column.combine_chunks().take(moved)
        for column in found.drop_columns(["row"]).columns
    ]


def _numbers(column: pa.ChunkedArray, place: npt.NDArray[np.int64]) -> pa.Array:
    """Put each number to its place, which a firm's own group may have made of a division by zero."""
    values, known, start = np.zeros(len(column)), np.zeros(len(column), dtype=np.bool_), 0
    for chunk in column.chunks:
        bits, data = chunk.buffers()
        nulls = np.frombuffer(bits, np.uint8) if bits is not None else _NO_NULLS
        part = np.frombuffer(data, np.float64)[chunk.offset : chunk.offset + len(chunk)]
        _scatter(part, nulls, chunk.offset, place[start : start + len(chunk)], values, known)
        start += len(chunk)
    return pa.array(values) if known.all() else known_where(values, known, pa.float64())


_NO_NULLS = np.empty(0, np.uint8)


@njit(nogil=True, cache=True)
def _scatter(part: Any, nulls: Any, offset: int, place: Any, values: Any, known: Any) -> None:
    for i in range(len(part)):
        at = offset + i
        if (len(nulls) == 0 or nulls[at >> 3] >> (at & 7) & 1) and np.isfinite(part[i]):
            values[place[i]] = part[i]
            known[place[i]] = True
