"""Which tables and columns of the contract a firm provides, told the same way whatever engine holds them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from appetence.book.contract import TABLES, Column
from appetence.errors import BookError, did_you_mean


@dataclass(frozen=True)
class Mapped:
    """How a table of the contract was filled.

    Parameters
    ----------
    present
        Whether the firm provides the table.
    provided
        Names of the columns that the firm provides.
    columns
        All columns, in order: the contract's, then the firm's own.
    """

    present: bool
    provided: frozenset[str]
    columns: tuple[Column, ...]


class Provided:
    """What a book says of its tables without reading them.

    Parameters
    ----------
    mapped
        Per table of the contract, in the contract's order, how it was filled.
    """

    def __init__(self, mapped: Mapping[str, Mapped]) -> None:
        self._mapped = mapped

    @property
    def tables(self) -> tuple[str, ...]:
        """Names of the contract's tables that the firm provides, in the contract's order."""
        return tuple(name for name, mapped in self._mapped.items() if mapped.present)

    def has(self, table: str) -> bool:
        """Return whether the firm provides the table."""
        return self.mapping(table).present

    def has_column(self, table: str, column: str) -> bool:
        """Return whether the firm provides the column; an optional one that it leaves out is null everywhere."""
        mapped = self.mapping(table)
        names = [known.name for known in mapped.columns]
        if column not in names:
            raise BookError(f"a column of {table} must be named", repr(column), did_you_mean(column, names))
        return column in mapped.provided

    def extra_columns(self, table: str) -> tuple[str, ...]:
        """Return the firm's own columns of a table, beyond the contract."""
        return tuple(c.name for c in self.mapping(table).columns if c.name not in TABLES[table].by_name)

    def mapping(self, table: str) -> Mapped:
        """Return how a table was mapped: whether it is there, and its columns."""
        if table not in self._mapped:
            raise BookError("a table of the client book must be named", repr(table), did_you_mean(table, TABLES))
        return self._mapped[table]
