"""The engine of features on a book that streams: what several groups stand on is kept, or added up by compiled code.

The expressions of a build are made and compiled once. What is compiled runs in other threads while the next one is
made: the database's work in one, adding up in another. For each further block of the spine the same steps run again.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Lock
from types import TracebackType
from typing import Any, Self

import ibis.expr.operations as ops
import ibis.expr.types as ir
import pyarrow as pa

from appetence.book.clocks import StreamingEngine
from appetence.features.asof import AsKnown
from appetence.features.blocks import CLIENTS, ROWS, Block, Blocks, coded
from appetence.features.compiled import Lines, add_up, coded_facts, coded_spine, sorted_lines, tally_schema
from appetence.features.dealt import Dealt
from appetence.features.money_kernel import add_up_money, coded_months, money_schema
from appetence.features.steps import Steps
from appetence.features.tallies import Tallies

_PREFIX = "kept_"

_QUERIES, _SUMS = 0, 1
"""Lanes: while the database answers queries, sums go on."""

Facts = Callable[[], Iterator[pa.RecordBatch]]
"""Gives the facts of the block at hand."""


class Shared:
    """What the engines of one build share: the facts of the whole book, looked for once.

    To be used in a `with` statement, which drops whatever was put beside the book.

    Attributes
    ----------
    book
        The book whose facts are added up.
    blocks
        How the spine is cut.
    members
        The members of all blocks with their codes, as a table of the book's engine; without rows where there is one.
    """

    def __init__(self, book: StreamingEngine, blocks: Blocks) -> None:
        self.book, self.blocks = book, blocks
        self.members = book.memtable(f"{_PREFIX}members", coded(blocks.members))
        self._dealt: dict[str, Dealt] = {}
        self._kept: set[str] = set()
        self._looking: dict[str, Lock] = {}

    def keep(self, name: str, run: Callable[[], None]) -> None:
        """Run what keeps a table, unless it is kept; wait for whoever is at it."""
        with self._looking.setdefault(name, Lock()):
            if name not in self._kept:
                run()
                self._kept.add(name)

    def dealt(self, name: str, batches: Iterator[pa.RecordBatch]) -> Dealt:
        """Return facts dealt out to the blocks; wait for whoever is at it."""
        with self._looking.setdefault(name, Lock()):
            if name not in self._dealt:
                self._dealt[name] = Dealt(batches, self.blocks.bounds)
            return self._dealt[name]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for dealt in self._dealt.values():
            dealt.close()
        self.book.forget(_PREFIX)


class Compiled:
    """Keeps expressions in the book's engine, and works out tallies and money by compiled code.

    To be used in a `with` statement. Work on the first block begins as soon as it is asked for, on the others in
    `answers`.

    Parameters
    ----------
    shared
        What it shares with other engines of the same build.
    turn, engines
        Of so many engines, which one this is: it does every so-manieth block, from that number on.

    Attributes
    ----------
    spine
        The rows of the block at hand, as a table of the book's engine.
    """

    def __init__(self, shared: Shared, turn: int = 0, engines: int = 1) -> None:
        self._shared, self._book, self._blocks = shared, shared.book, shared.blocks
        self._further = iter(range(turn, len(self._blocks), engines))
        self._block = self._blocks[next(self._further)]
        self._prefix = f"{_PREFIX}{turn}_"
        self._steps, self._aside = Steps(2), ThreadPoolExecutor(1)
        self._made: dict[str, int] = {}
        self._taken: list[Future[Any]] = []
        self._lines: dict[ir.Table, tuple[Callable[[], Lines], int]] = {}
        self.spine = self._put("block_rows", ROWS, lambda: self._block.rows, _QUERIES)
        self._clients = self._members = self._book.awaited(f"{self._prefix}block_clients", CLIENTS)
        self._n_clients = 0
        if len(self._blocks) > 1:  # facts are dealt out by the codes of all members, and added up by those of the block
            self._put_clients(lambda: self._block.clients)
            self._members = shared.members

    def code(self, members: ir.Table) -> None:
        """Give numbers to the clients of a spine and of its households; before any facts are asked for."""
        if len(self._blocks) == 1:
            clients = members.select("client_id").distinct()
            run = self._book.prepared(clients)
            self._put_clients(lambda: coded(run()["client_id"].combine_chunks()), self._read(clients))

    def keep(self, name: str, expression: ir.Table) -> ir.Table:
        """Return a table of an expression's rows."""
        name = f"{self._prefix}{name}"
        run = self._book.keeping(name, expression)
        self._made[name] = self._steps.add(run, _QUERIES, self._read(expression))
        return self._book.awaited(name, expression.schema().to_pyarrow())

    def keep_whole(self, name: str, expression: ir.Table) -> ir.Table:
        """Return the same of what is told of the whole book: it is kept for all blocks."""
        name = f"{_PREFIX}{name}"
        run = self._book.keeping(name, expression)
        self._made[name] = self._steps.add(lambda: self._shared.keep(name, run), _QUERIES)
        return self._book.awaited(name, expression.schema().to_pyarrow())

    def of_members(self, name: str, facts: ir.Table) -> ir.Table:
        """Return facts, of which other clients' than those of the block may be left out."""
        if len(self._blocks) == 1:
            return facts
        theirs = facts.inner_join(self._members, "client_id")
        read, streamed = self._facts(f"of_{name}", theirs), theirs.schema().to_pyarrow()
        schema = facts.schema().to_pyarrow()

        def rows() -> pa.Table:
            return pa.Table.from_batches([batch.cast(streamed) for batch in read()], streamed).select(schema.names)

        return self._put(f"of_{name}", schema, rows, _QUERIES, self._read(facts))

    def tally(self, name: str, spine: ir.Table, facts: ir.Table, tallies: Tallies) -> ir.Table:
        """Return what `appetence.features.tallies.by_expression` defines."""
        expression = coded_facts(facts, self._members, tallies)
        schema = tally_schema(spine, tallies)
        return self._added(
            f"tally_{name}", schema, spine, expression, lambda batches, lines: add_up(batches, lines, tallies)
        )

    def money(self, known: AsKnown, _define: Callable[[], ir.Table]) -> ir.Table:
        """Return what `appetence.features.money.money_of_members` defines."""
        shape, schema = known.shape, money_schema(known.members, known.shape)
        expression = coded_months(self._book, self._members, shape, self._blocks.first_cut, self._blocks.last_cut)
        return self._added(
            "money", schema, known.members, expression, lambda batches, lines: add_up_money(batches, lines, shape)
        )

    def ask(self, expression: ir.Table, take: Callable[[pa.Table, Block], Any]) -> None:
        """Have an expression's rows given to `take`, which works while the engine is at the next step."""
        run = self._book.prepared(expression)

        def step() -> None:
            self._taken.append(self._aside.submit(take, run(), self._block))

        self._steps.add(step, _QUERIES, self._read(expression))

    def answers(self) -> Iterator[tuple[Block, list[Any]]]:
        """Hand out, block by block, what was made of the rows that were asked for, in the order of asking.

        The next block is begun before one is handed out.
        """
        while True:
            self._steps.finish()
            block, found = self._block, self._results()
            following = next(self._further, None)
            if following is not None:
                self._block = self._blocks[following]
                self._steps.again()
            yield block, found
            if following is None:
                return
            del block, found

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._steps.close()
        self._aside.shutdown(cancel_futures=True)

    def _results(self) -> list[Any]:
        found, self._taken = [job.result() for job in self._taken], []
        return found

    def _put_clients(self, make: Callable[[], Any], after: Collection[int] = ()) -> None:
        def clients() -> pa.Table:
            found = make()
            self._n_clients = len(found)
            return found

        self._put("block_clients", CLIENTS, clients, _QUERIES, after)

    def _read(self, expression: ir.Table) -> list[int]:
        """Return the steps that make what an expression reads."""
        tables = expression.op().find(ops.DatabaseTable)
        return [self._made[table.name] for table in tables if table.name in self._made]

    def _put(
        self, name: str, schema: pa.Schema, make: Callable[[], pa.Table], lane: int, after: Collection[int] = ()
    ) -> ir.Table:
        """Put a table that is made anew for each block beside the book."""
        name = f"{self._prefix}{name}"
        self._made[name] = self._steps.add(lambda: self._book.memtable(name, make()), lane, after)
        return self._book.awaited(name, schema)

    def _added(
        self,
        name: str,
        schema: pa.Schema,
        spine: ir.Table,
        facts: ir.Table,
        add: Callable[[Iterator[pa.RecordBatch], Lines], pa.Table],
    ) -> ir.Table:
        """Put what facts add up to, for each line of a spine, beside the book."""
        lines, sorting = self._sorted(spine)
        read = self._facts(name, facts)
        return self._put(name, schema, lambda: add(read(), lines()), _SUMS, [sorting, *self._read(facts)])

    def _sorted(self, spine: ir.Table) -> tuple[Callable[[], Lines], int]:
        """Return what gives a spine's lines, sorted once a block, and the step that sorts them."""
        if spine not in self._lines:
            expression = coded_spine(spine, self._clients)
            run = self._book.prepared(expression)
            now: list[Lines] = []

            def step() -> None:
                now[:] = [sorted_lines(run(), self._n_clients)]

            self._lines[spine] = (lambda: now[0], self._steps.add(step, _SUMS, self._read(expression)))
        return self._lines[spine]

    def _facts(self, name: str, expression: ir.Table) -> Facts:
        """Return what gives the facts of the block at hand, in one reading of the book for all blocks."""
        batches = self._book.stream(expression)
        if len(self._blocks) == 1:
            return lambda: batches
        return lambda: self._shared.dealt(name, batches).of(self._block.number)
