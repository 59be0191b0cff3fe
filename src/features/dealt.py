"""Facts dealt out to the blocks of a spine in one reading, and kept on disk until their block comes.

A block that reads whole tables to find its clients' facts makes the work grow with the square of the book. The file has
no name: it is gone with the process, however that ends.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from typing import IO

import numpy as np
import pyarrow as pa

_TOGETHER = 1_000_000
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
        self._pieces: list[list[tuple[int, int]]] = [[] for _ in bounds[1:]]
        self._schema = pa.schema([])
        try:
            for table in _gathered(batches):
                self._schema = table.schema
                self._deal(table, np.asarray(bounds))
        except BaseException:
            self.close()
            raise

    def of(self, block: int) -> Iterator[pa.RecordBatch]:
        """Hand out the facts of a block's clients; `code` counts from the block's first."""
        for start, size in self._pieces[block]:
            self._file.seek(start)
            yield pa.ipc.read_record_batch(pa.py_buffer(self._file.read(size)), self._schema)

    def close(self) -> None:
        """Give the disk back."""
        self._file.close()

    def _deal(self, table: pa.Table, bounds: np.ndarray) -> None:
        codes = table["code"].to_numpy()
        blocks = np.searchsorted(bounds, codes, side="right") - 1
        order = np.argsort(blocks.astype(np.int16 if len(bounds) < 2**15 else np.int64), kind="stable")  # radix
        ends = np.searchsorted(blocks, np.arange(len(bounds)), sorter=order)
        local = pa.array((codes - bounds[blocks]).astype(np.int32))
        table = table.set_column(table.schema.get_field_index("code"), "code", local).take(pa.array(order))
        whole = table.combine_chunks()
        for block, pieces in enumerate(self._pieces):
            start, rows = int(ends[block]), int(ends[block + 1] - ends[block])
            for batch in whole.slice(start, rows).to_batches() if rows else ():
                at = self._file.tell()
                self._file.write(batch.serialize())
                pieces.append((at, self._file.tell() - at))


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
