"""The engine of features on a book that streams: what several groups stand on is kept, or added up by compiled code.

The expressions of a build are made and compiled once. What is compiled runs in another thread while the next one is
made; for each further block of the spine the same steps run again.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Any, Self

import ibis.expr.types as ir
import pyarrow as pa

from appetence.book.clocks import StreamingEngine
from appetence.features.asof import AsKnown
from appetence.features.blocks import CLIENTS, ROWS, Block, Blocks
from appetence.features.compiled import Lines, add_up, coded_facts, coded_spine, sorted_lines, tally_schema
from appetence.features.dealt import Dealt
from appetence.features.money_kernel import add_up_money, coded_months, money_schema
from appetence.features.steps import Steps
from appetence.features.tallies import Tallies

_PREFIX = "kept_"

Facts = Callable[[], Iterator[pa.RecordBatch]]
"""Gives the facts of the block at hand."""


class Compiled:
    """Keeps expressions in the book's engine, and works out tallies and money by compiled code.

    To be used in a `with` statement, which drops what was kept.

    Parameters
    ----------
    book
        The book whose facts are added up.
    blocks
        How the spine is cut. Work on the first block begins as soon as it is asked for, on the others in `answers`.

    Attributes
    ----------
    spine
        The rows of the block at hand, as a table of the book's engine.
    """

    def __init__(self, book: StreamingEngine, blocks: Blocks) -> None:
        self._book, self._blocks, self._further = book, blocks, iter(blocks)
        self._block = next(self._further)
        self._steps, self._aside = Steps(), ThreadPoolExecutor(1)
        self._taken: list[Future[Any]] = []
        self._lines: dict[ir.Table, Callable[[], Lines]] = {}
        self._dealt: list[Dealt] = []
        self.spine = self._put("block_rows", ROWS, lambda: self._block.rows)
        self._clients = self._members = self._put("block_clients", CLIENTS, lambda: self._block.clients)
        if len(blocks) > 1:
            self._members = book.memtable(f"{_PREFIX}block_members", blocks.coded_members())

    def keep(self, name: str, expression: ir.Table) -> ir.Table:
        """Return a table of an expression's rows."""
        name = f"{_PREFIX}{name}"
        self._steps.add(self._book.keeping(name, expression))
        return self._book.awaited(name, expression.schema().to_pyarrow())

    def tally(self, name: str, spine: ir.Table, facts: ir.Table, tallies: Tallies) -> ir.Table:
        """Return what `appetence.features.tallies.by_expression` defines."""
        lines, read = self._sorted(spine), self._facts(coded_facts(facts, self._members, tallies))
        schema = tally_schema(spine, tallies)
        return self._put(f"tally_{name}", schema, lambda: add_up(read(), lines(), tallies))

    def with_money(self, known: AsKnown, groups: Collection[str]) -> AsKnown:
        """Give what `appetence.features.money.money_of_members` defines to the groups that ask for it."""
        if self._book.has("balances") and {"balances", "household"} & set(groups):
            spine, shape, first, last = known.members, known.shape, self._blocks.first_cut, self._blocks.last_cut
            lines, read = self._sorted(spine), self._facts(coded_months(self._book, self._members, shape, first, last))
            table = self._put("money", money_schema(spine, shape), lambda: add_up_money(read(), lines(), shape))
            known.shared("money", lambda: table)
        return known

    def ask(self, expression: ir.Table, take: Callable[[pa.Table, Block], Any]) -> None:
        """Have an expression's rows given to `take`, which works while the engine is at the next step."""
        run = self._book.prepared(expression)
        self._steps.add(lambda: self._taken.append(self._aside.submit(take, run(), self._block)))

    def answers(self) -> Iterator[tuple[Block, list[Any]]]:
        """Hand out, block by block, what was made of the rows that were asked for, in the order of asking."""
        self._steps.finish()
        yield self._block, self._results()
        for block in self._further:
            self._block = block
            self._steps.again()
            yield self._block, self._results()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._steps.close()
        self._aside.shutdown(cancel_futures=True)
        for dealt in self._dealt:
            dealt.close()
        self._book.forget(_PREFIX)

    def _results(self) -> list[Any]:
        found, self._taken = [job.result() for job in self._taken], []
        return found

    def _put(self, name: str, schema: pa.Schema, make: Callable[[], pa.Table]) -> ir.Table:
        """Put a table that is made anew for each block beside the book."""
        name = f"{_PREFIX}{name}"
        self._steps.add(lambda: self._book.memtable(name, make()))
        return self._book.awaited(name, schema)

    def _sorted(self, spine: ir.Table) -> Callable[[], Lines]:
        """Return what gives a spine's lines, sorted once a block."""
        if spine not in self._lines:
            run = self._book.prepared(coded_spine(spine, self._clients))
            now: list[Lines] = []
            self._steps.add(lambda: now.__setitem__(slice(None), [sorted_lines(run(), len(self._block.clients))]))
            self._lines[spine] = lambda: now[0]
        return self._lines[spine]

    def _facts(self, expression: ir.Table) -> Facts:
        """Return what gives the facts of the block at hand, in one reading of the book for all blocks."""
        batches = self._book.stream(expression)
        if len(self._blocks) == 1:
            return lambda: batches
        dealt: list[Dealt] = []

        def read() -> Iterator[pa.RecordBatch]:
            if not dealt:
                dealt.append(Dealt(batches, self._blocks.bounds))
                self._dealt.extend(dealt)
            return dealt[0].of(self._block.number)

        return read
