"""What stands in for a book where features are built: the same engine, some of whose facts are told differently."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import ibis
import ibis.expr.types as ir
import pyarrow as pa

from appetence.book.book import Book


@dataclass(frozen=True)
class StandIn:
    """A book as it is; what extends it tells some tables differently.

    Parameters
    ----------
    book
        The open book.
    """

    book: Book

    @property
    def at_large(self) -> StandIn | Book:
        """The book that statistics over all clients together are read from."""
        return self

    def has(self, table: str) -> bool:
        """Return whether the firm maps the table, whatever is told of it."""
        return self.book.has(table)

    def has_column(self, table: str, column: str) -> bool:
        """Return whether the firm maps the column, whatever is told of it."""
        return self.book.has_column(table, column)

    def extra_columns(self, table: str) -> tuple[str, ...]:
        """Return the firm's own columns of a table."""
        return self.book.extra_columns(table)

    def table(self, name: str) -> ir.Table:
        """Return the table."""
        return self.book.table(name)

    def memtable(self, name: str, data: pa.Table) -> ir.Table:
        """Put an Arrow table beside the book."""
        return self.book.memtable(name, data)

    def execute(self, expression: ibis.Expr) -> pa.Table:
        """Run an expression."""
        return self.book.execute(expression)

    def awaited(self, name: str, schema: pa.Schema) -> ir.Table:
        """Return the table that will be put under a name."""
        return self.book.awaited(name, schema)

    def prepared(self, expression: ir.Table) -> Callable[[], pa.Table]:
        """Compile an expression."""
        return self.book.prepared(expression)

    def keeping(self, name: str, expression: ir.Table) -> Callable[[], None]:
        """Compile an expression, to keep its rows."""
        return self.book.keeping(name, expression)

    def stream(self, expression: ir.Table) -> Iterator[pa.RecordBatch]:
        """Compile an expression, and hand out its rows."""
        return self.book.stream(expression)

    def forget(self, prefix: str) -> None:
        """Drop what was kept."""
        self.book.forget(prefix)


@dataclass(frozen=True)
class Supposing(StandIn):
    """A book with facts that nobody recorded: what would be known of a client if they were true.

    What is told of all clients together (which products go with which) stays that of the book, so that what is
    supposed of one client does not move another's features.

    Parameters
    ----------
    facts
        Per table, rows to add: {column: value}, null where left out.
    """

    facts: Mapping[str, Sequence[Mapping[str, object]]]
    _told: dict[str, ir.Table] = field(default_factory=dict, init=False, repr=False)

    @property
    def at_large(self) -> Book:
        """The book without what is supposed."""
        return self.book

    def table(self, name: str) -> ir.Table:
        """Return the table, and what is supposed beside it."""
        table = self.book.table(name)
        if not self.facts.get(name):
            return table
        if name not in self._told:
            schema = table.schema().to_pyarrow()
            rows = pa.Table.from_pylist([{**dict.fromkeys(schema.names), **row} for row in self.facts[name]], schema)
            self._told[name] = table.union(self.memtable(f"supposed_{name}", rows))
        return self._told[name]
