"""Parquet files with the same bytes for the same rows, in a directory that appears all at once."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from appetence.book.contract import TABLES
from appetence.errors import AppetenceError

TRUTH = "truth"
MARKER = "settings.json"
"""In `truth/`: what tells a simulated book from a firm's own files."""


class TableWriter:
    """A Parquet file written piece by piece; each piece becomes a row group."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        # Nearly all values of these tables differ: dictionaries made the files a third larger, in three times the time.
        self._writer = pq.ParquetWriter(
            path, schema, compression="zstd", use_dictionary=False, store_decimal_as_integer=True
        )

    def write(self, table: pa.Table) -> None:
        """Append rows."""
        self._writer.write_table(table)

    def close(self) -> None:
        """Finish the file."""
        self._writer.close()


def write_table(table: pa.Table, path: Path) -> None:
    """Write a whole table."""
    pq.write_table(table, path, compression="zstd", store_decimal_as_integer=True)


@contextmanager
def staged(directory: Path) -> Iterator[Path]:
    """Give an empty directory beside `directory` that takes its place when the block ends well.

    Raises
    ------
    AppetenceError
        `directory` holds something other than a simulated book.
    """
    directory = directory.absolute()
    _refuse_foreign(directory)
    directory.parent.mkdir(parents=True, exist_ok=True)
    staging = directory.with_name(f".{directory.name}.{os.getpid()}.partial")
    replaced = directory.with_name(f".{directory.name}.{os.getpid()}.replaced")
    staging.mkdir()
    try:
        (staging / TRUTH).mkdir()
        yield staging
        _refuse_foreign(directory)
        if directory.exists():
            directory.rename(replaced)
        staging.rename(directory)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
        shutil.rmtree(replaced, ignore_errors=True)


def _refuse_foreign(directory: Path) -> None:
    if not directory.exists():
        return
    if not directory.is_dir():
        raise AppetenceError(
            "a simulated book is written to a directory", f"a file at {directory}", "Name another place"
        )
    names = {entry.name for entry in directory.iterdir()}
    ours = {f"{name}.parquet" for name in TABLES} | {TRUTH}
    if names and (names - ours or not (directory / TRUTH / MARKER).is_file()):
        raise AppetenceError(
            "only a simulated book may be overwritten",
            f"{len(names - ours) or len(names)} other entries in {directory}",
            "Name an empty or a new directory",
        )
