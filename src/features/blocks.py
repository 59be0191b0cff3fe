"""A spine in blocks: rows that are built together, each household whole in one of them.

What is told of a household stands on all of its members. With households kept together, no member's facts are read for
two blocks, and the facts of a whole book can be dealt out to its blocks in one reading.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import ibis.expr.types as ir
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from appetence.book.clocks import BookEngine, BookTables

Ints = npt.NDArray[np.int64]


ROWS = pa.schema([("client_id", pa.string()), ("cut", pa.date32()), ("cut_index", pa.int64()), ("row", pa.int64())])
"""A block's rows of a spine, as `numbered_spine` gives them."""

CLIENTS = pa.schema([("client_id", pa.string()), ("code", pa.int32())])
"""Clients, numbered."""


@dataclass(frozen=True)
class Block:
    """Some rows of a spine, and all clients whose facts they need.

    Attributes
    ----------
    number
        0, 1, …
    rows
        `client_id`, `cut`, `cut_index` and `row`: 0, 1, … within the block.
    clients
        `client_id` and `code`: 0, 1, … within the block; None where it is the only one, whose clients nobody needs to
        know ahead.
    """

    number: int
    rows: pa.Table
    clients: pa.Table | None


@dataclass(frozen=True)
class Blocks:
    """How a spine is cut.

    Attributes
    ----------
    order
        (rows,) which row of the spine comes where.
    starts
        (blocks + 1,) where each block begins in that order.
    members
        `client_id` of the spine's clients and, where households are asked for, of all who live with them, block by
        block; empty where there is one block.
    bounds
        (blocks + 1,) where each block's members begin.
    first_cut, last_cut
        Month indices of the spine's oldest and newest cut; 0 where it has no rows.
    """

    spine: pa.Table
    order: Ints
    starts: tuple[int, ...]
    members: pa.Array
    bounds: tuple[int, ...]
    first_cut: int
    last_cut: int

    def __len__(self) -> int:
        return len(self.starts) - 1

    def __getitem__(self, number: int) -> Block:
        start, end = self.starts[number : number + 2]
        if len(self) == 1:
            return Block(number, self.spine.select(ROWS.names).cast(ROWS), None)
        rows = self.spine.take(pa.array(self.order[start:end]))
        numbers = pa.array(np.arange(end - start, dtype=np.int64))
        rows = rows.set_column(rows.schema.get_field_index("row"), "row", numbers).select(ROWS.names).cast(ROWS)
        low, high = self.bounds[number : number + 2]
        return Block(number, rows, coded(self.members.slice(low, high - low)))

    def __iter__(self) -> Iterator[Block]:
        return (self[number] for number in range(len(self)))

    def cuts(self) -> pa.Table:
        """Return `cut` and `cut_index` of the spine, each once."""
        return self.spine.select(["cut", "cut_index"]).group_by(["cut", "cut_index"]).aggregate([])

    def in_order(self, columns: pa.Table) -> pa.Table:
        """Return a table of all blocks' rows, one after another, in the order of the spine."""
        if len(self) == 1:
            return columns
        places = np.empty(len(self.order), dtype=np.int64)
        places[self.order] = np.arange(len(self.order))
        back = pa.array(places)
        # column by column: a second copy of the whole table would not fit where the first one hardly does
        for at, name in enumerate(columns.column_names):
            columns = columns.set_column(at, name, columns[name].combine_chunks().take(back))
        return columns


def cut_into_blocks(book: BookEngine, spine: pa.Table, size: int, *, households: bool) -> Blocks:
    """Cut a numbered spine into blocks of at least `size` rows, the last one less.

    Parameters
    ----------
    spine
        As `numbered_spine` gives it.
    size
        Rows; a block ends with the household in which it reaches them. A spine of no more is one block, in its order.
    households
        Whether those who live with the spine's clients belong to it. Else each client is a household.
    """
    cut = spine["cut_index"].to_numpy()
    ends = (int(cut.min()), int(cut.max())) if len(cut) else (0, 0)
    if len(spine) <= size:
        return Blocks(spine, np.arange(len(spine)), (0, len(spine)), pa.array([], pa.string()), (0, 0), *ends)
    encoded = spine["client_id"].combine_chunks().dictionary_encode()
    who = encoded.indices.to_numpy()
    members, homes, home_of = encoded.dictionary, np.arange(len(encoded.dictionary)), None
    if households:
        places = pa.array(np.arange(len(members)))
        asked = book.memtable("block_clients", pa.table({"client_id": members, "place": places}))
        found = book.execute(_members(book, asked)).combine_chunks()
        homes = found["home"].to_numpy()
        order = np.argsort(homes, kind="stable")
        homes, place = homes[order], found["place"].fill_null(-1).to_numpy()[order]
        members = found["client_id"].combine_chunks().take(pa.array(order))
        home_of = np.empty(len(places), dtype=np.int64)
        home_of[place[place >= 0]] = homes[place >= 0]
    of_row = who.astype(np.int64) if home_of is None else home_of[who]
    order = np.argsort(of_row, kind="stable")
    starts, bounds = [0], [0]
    while starts[-1] + size < len(who):
        last = of_row[order[starts[-1] + size - 1]]
        starts.append(int(np.searchsorted(of_row, last, side="right", sorter=order)))
        bounds.append(int(np.searchsorted(homes, last, side="right")))
    if starts[-1] < len(who):
        starts.append(len(who))
        bounds.append(len(members))
    return Blocks(spine, order, tuple(starts), members, tuple(bounds), *ends)


def coded(clients: pa.Array) -> pa.Table:
    """Return clients numbered 0, 1, …, as `CLIENTS`."""
    return pa.Table.from_arrays([clients, pa.array(np.arange(len(clients), dtype=np.int32))], schema=CLIENTS)


def _members(book: BookTables, asked: ir.Table) -> ir.Table:
    """Return the clients asked for and those of their households: `client_id`, `place` where asked, and `home`.

    `home` is the first place of the household: the same for all of its members.
    """
    clients = book.table("clients").select("client_id", "household_id")
    found = clients.left_join(asked, "client_id").drop("client_id_right")
    together = found.filter(found.household_id.notnull() & found.place.notnull())
    together = together.group_by("household_id").agg(home=together.place.min())
    found = found.left_join(together, "household_id").drop("household_id_right")
    found = found.filter(found.place.notnull() | found.home.notnull())
    found = found.select("client_id", "place", home=found.home.coalesce(found.place))
    unknown = asked.anti_join(clients, "client_id")
    return found.union(unknown.select("client_id", "place", home=unknown.place), distinct=False)
