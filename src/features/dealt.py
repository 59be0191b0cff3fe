"""Facts dealt out to the blocks of a spine in one reading, and kept on disk until their block comes.

A block that reads whole tables to find its clients' facts makes the work grow with the square of the book. The file has
no name: it is gone with the process, however that ends.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from threading import Lock
from typing import IO, Any

import numpy as np
import pyarrow as pa
from numba import njit

_TOGETHER = 2_000_000
"""Rows that are dealt out at a time: what one of a hundred blocks gets of them is still worth a read of its own."""


class Dealt:
    """Facts of a book by block, each written and read once.

    Parameters
    ----------
    batches
        Facts with `code`, the number of a client among the members of all blocks; in any order.
    bounds
        (blocks + 1,) codes with which the blocks begin.
    """

    def __init__(self, batches: Iterable[pa.RecordBatch], bounds: Sequence[int]) -> None:
        self._file: IO[bytes] = tempfile.TemporaryFile(prefix="appetence-")  # noqa: SIM115 - closed by `close`
        self._reading = Lock()
        self._pieces: list[list[tuple[int, int]]] = [[] for _ in bounds[1:]]
        self._bounds = np.asarray(bounds, dtype=np.int32)
        self._schema = pa.schema([])
        try:
            for table in _gathered(batches):
                self._schema = table.schema
                self._deal(table)
        except BaseException:
            self.close()
            raise

    def of(self, block: int) -> Iterator[pa.RecordBatch]:
        """Hand out the facts of a block's clients, sorted by client within a batch; `code` counts from its first."""
        for start, size in self._pieces[block]:
            with self._reading:
                self._file.seek(start)
                piece = self._file.read(size)
            yield pa.ipc.read_record_batch(pa.py_buffer(piece), self._schema)

    def close(self) -> None:
        """Give the disk back."""
        self._file.close()

    def _deal(self, table: pa.Table) -> None:
        order, ends = _by_code(table["code"].to_numpy(), self._bounds)
        table = table.take(pa.array(order)).combine_chunks()
        for block, pieces in enumerate(self._pieces):
            part = table.slice(ends[block], ends[block + 1] - ends[block])
            local = pa.array(part["code"].to_numpy() - self._bounds[block])
            for batch in part.set_column(part.schema.get_field_index("code"), "code", local).to_batches():
                at = self._file.tell()
                self._file.write(batch.serialize())
                pieces.append((at, self._file.tell() - at))


@njit(nogil=True, cache=True)
def _by_code(code: Any, bounds: Any) -> Any:
    """Return the order of the codes, and where each block begins in it: a counting sort, as there are many of few."""
    start = np.zeros(bounds[-1] + 1, np.int64)
    for i in range(len(code)):
        start[code[i] + 1] += 1
    start = np.cumsum(start)
    ends = start[bounds]
    order = np.empty(len(code), np.int64)
    for i in range(len(code)):
        order[start[code[i]]] = i
        start[code[i]] += 1
    return order, ends


def _gathered(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.Table]:
    waiting: list[pa.RecordBatch] = []
    rows = 0
    for batch in batches:
        waiting.append(batch)
        rows += batch.num_rows
        if rows >= _TOGETHER:
            yield pa.Table.from_batches(waiting).combine_chunks()
            waiting, rows = [], 0
    if rows:
        yield pa.Table.from_batches(waiting).combine_chunks()
