"""Writing the files of all languages, in one process or shared over several: the same bytes either way."""

from __future__ import annotations

import gc
import multiprocessing
import os
import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from itertools import product
from pathlib import Path

from appetence.progress import Progress
from appetence.reports.lists import rows_of, write_csv, write_xlsx
from appetence.reports.pages import Pages

FEW_CLIENTS = 2_000
"""Below as many, other processes cost more than they save."""

_PER_PROCESS = 6
"""Shares for each process, so that none waits long for the others at the end."""


@contextmanager
def without_collection() -> Iterator[None]:
    """Hold Python's search for cycles back while millions of objects are made that have none."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


@dataclass(frozen=True)
class Shares:
    """What is to be written, and where.

    Parameters
    ----------
    pages
        Of every language.
    folder
        Gets a folder per language.
    scratch
        For parts of long lists.
    created
        What workbooks say of their making.
    """

    pages: Sequence[Pages]
    folder: Path
    scratch: Path
    created: date


_shared: list[Shares] = []
"""What the processes write, which they inherit: to send it to them would take longer than to write it."""


def write_shares(shares: Shares, clients: int, processes: int | None, progress: Progress) -> int:
    """Write all files and return the number of pages.

    Parameters
    ----------
    clients
        How many have a sheet, which decides on the number of processes where none is given.
    processes
        How many; where processes cannot be forked there is always one.

    Raises
    ------
    OSError
        A file could not be written; in whatever process.
    """
    for pages in shares.pages:
        (shares.folder / pages.language).mkdir(parents=True)
    gc.freeze()  # all that was read stays: to look through it for rubbish costs time, and children a copy of it
    try:
        return _write(shares, clients, processes, progress)
    finally:
        gc.unfreeze()


def _write(shares: Shares, clients: int, processes: int | None, progress: Progress) -> int:
    wanted = processes if processes is not None else 1 if clients < FEW_CLIENTS else os.cpu_count() or 1
    if wanted == 1 or "fork" not in multiprocessing.get_all_start_methods():
        return _write_alone(shares, progress)
    return _write_together(shares, wanted, progress)


def _write_alone(shares: Shares, progress: Progress) -> int:
    count = 0
    for place, pages in enumerate(shares.pages):
        progress(_telling(pages), place / len(shares.pages))
        count += write_share(shares, place, 0, 1)
    return count


def _write_together(shares: Shares, processes: int, progress: Progress) -> int:
    of = processes * _PER_PROCESS
    _shared.append(shares)
    try:
        with warnings.catch_warnings():
            # Python 3.12 warns of forking beside threads; these processes touch nothing that other threads hold
            warnings.simplefilter("ignore", DeprecationWarning)
            with ProcessPoolExecutor(processes, multiprocessing.get_context("fork")) as pool:
                # the first share of each language has the company's list, the longest of all
                tasks = product(range(of), range(len(shares.pages)))
                pending = [pool.submit(_write_inherited, place, number, of) for number, place in tasks]
                count = 0
                try:
                    for done, future in enumerate(as_completed(pending), start=1):
                        count += future.result()
                        progress("writing the reports", done / len(pending))
                except BaseException:
                    pool.shutdown(cancel_futures=True)
                    raise
                return count
    finally:
        _shared.pop()


def _write_inherited(place: int, number: int, of: int) -> int:
    return write_share(_shared[-1], place, number, of)


def write_share(shares: Shares, place: int, number: int, of: int) -> int:
    """Write one share of one language's pages and lists; return the number of pages."""
    pages = shares.pages[place]
    folder = shares.folder / pages.language
    count = 0
    for name, text in pages.render(number, of):
        (folder / name).write_text(text, encoding="utf-8", newline="\n")
        count += 1
    for stem, columns, sheets in pages.lists(number, of):
        rows = rows_of(columns, sheets)
        write_xlsx(
            folder / f"{stem}.xlsx",
            columns,
            write_csv(folder / f"{stem}.csv", columns, rows, pages.language),
            title=pages.list_title,
            language=pages.language,
            currency=pages.currency,
            created=shares.created,
            scratch=shares.scratch,
        )
    return count


def _telling(pages: Pages) -> str:
    return f"writing the reports ({pages.language})"
