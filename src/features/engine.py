"""The engine of features on a book that streams: what several groups stand on is kept, or added up by compiled code."""

from __future__ import annotations

from collections.abc import Collection

import ibis.expr.types as ir

from appetence.book.clocks import StreamingEngine
from appetence.features.asof import AsKnown
from appetence.features.compiled import Lines, make_lines, tally
from appetence.features.money_kernel import add_up_money
from appetence.features.tallies import Tallies


class Compiled:
    """Keeps expressions in the book's engine, and works out tallies and money by compiled code.

    Parameters
    ----------
    book
        The book whose facts are added up.
    """

    def __init__(self, book: StreamingEngine) -> None:
        self._book = book
        self._lines: dict[ir.Table, Lines] = {}

    def keep(self, name: str, expression: ir.Table) -> ir.Table:
        """Return a table of an expression's rows."""
        return self._book.keep(name, expression)

    def tally(self, name: str, spine: ir.Table, facts: ir.Table, tallies: Tallies) -> ir.Table:
        """Return what `appetence.features.tallies.by_expression` defines."""
        return self._book.memtable(f"kept_tally_{name}", tally(self._book, self.lines(spine), facts, tallies))

    def with_money(self, known: AsKnown, groups: Collection[str]) -> AsKnown:
        """Give what `appetence.features.money.money_of_members` defines to the groups that ask for it."""
        if self._book.has("balances") and {"balances", "household"} & set(groups):
            found = add_up_money(self._book, self.lines(known.members), known.shape)
            known.shared("money", lambda: self._book.memtable("kept_money", found))
        return known

    def lines(self, spine: ir.Table) -> Lines:
        """Return a spine's lines, sorted once."""
        if spine not in self._lines:
            self._lines[spine] = make_lines(self._book, f"kept_clients_{len(self._lines)}", spine)
        return self._lines[spine]
