"""Copies of clients with their households, each with a supposed fact of its own, so that many are asked at a time.

A household's features hold what is known of all its members, so that what is supposed of one of them reaches the
others. A copy of the whole household per supposition keeps them apart, and one build of features serves all: a build
costs seconds however few its clients, because its expressions are compiled first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import ibis
import ibis.expr.types as ir
import pyarrow as pa

from appetence.book.book import Book
from appetence.book.stand_in import StandIn

MARK = "\x1f"
"""Between an id and the number of its copy: below every letter, so that copies stand in the order of the ids."""

_COPIES = pa.schema([("client_id", pa.string()), ("copy", pa.string())])
_IDS = ("client_id", "household_id", "contract_id", "interaction_id", "offer_id")

Fact = tuple[str, Mapping[str, object]]
"""A table's name and a row to add to it, with the client's own id; columns left out are null."""


def copy_of(client_id: str, number: int) -> str:
    r"""Return the id of a client's copy.

    >>> copy_of("0012", 3)
    '0012\x1f3'
    """
    return f"{client_id}{MARK}{number}"


@dataclass(frozen=True)
class Copies(StandIn):
    """A book of nothing but copies: copy i holds a client and the client's household, and one supposed fact or none.

    Statistics over all clients together stay those of the book. Only what hangs on a client, or on a contract of the
    client's, is copied: a firm's own features that find clients by another column would find no copy.

    Parameters
    ----------
    clients
        Copy i is of the i-th client and the household; a client may be there many times.
    facts
        As many: what is supposed of the client in the copy; None for nothing.
    """

    clients: Sequence[str]
    facts: Sequence[Fact | None]
    _told: dict[str, ir.Table] = field(default_factory=dict, init=False, repr=False)

    @property
    def at_large(self) -> Book:
        """The book itself."""
        return self.book

    def table(self, name: str) -> ir.Table:
        """Return the copies' rows of a table; one that belongs to no client is as it is."""
        whole = self.book.table(name)
        if not {"client_id", "contract_id"} & set(whole.columns):
            return whole
        if name not in self._told:
            self._told[name] = self.memtable(f"copied_{name}", self._copied(name, whole))
        return self._told[name]

    def _copied(self, name: str, whole: ir.Table) -> pa.Table:
        copies = self._copies()
        if "client_id" not in whole.columns:
            contracts = self.book.table("contracts").select("contract_id", "client_id")
            copies = copies.inner_join(contracts, "client_id").select("contract_id", "copy")
        rows = whole.inner_join(copies, "client_id" if "client_id" in whole.columns else "contract_id")
        renamed = {column: rows[column] + rows.copy for column in _IDS if column in whole.columns}
        found = self.book.execute(rows.mutate(**renamed).select(whole.columns))
        schema = whole.schema().to_pyarrow()
        added = [
            {**dict.fromkeys(schema.names), **fact[1], **self._own(fact[1], number)}
            for number, fact in enumerate(self.facts)
            if fact is not None and fact[0] == name
        ]
        return pa.concat_tables([found.cast(schema), pa.Table.from_pylist(added, schema)])

    def _own(self, row: Mapping[str, object], number: int) -> dict[str, object]:
        return {column: copy_of(str(row[column]), number) for column in _IDS if column in row}

    def _copies(self) -> ir.Table:
        """Return `client_id` and `copy` (what is appended to ids) of all members of the copied households."""
        if "copies" not in self._told:
            asked = pa.Table.from_arrays(
                [pa.array(self.clients, pa.string()), pa.array([f"{MARK}{n}" for n in range(len(self.clients))])],
                schema=_COPIES,
            )
            rows = self.memtable("asked_copies", asked)
            homes = self.book.table("clients").select("client_id", "household_id")
            homed = rows.inner_join(homes, "client_id").filter(ibis._.household_id.notnull())
            family = homed.select("copy", "household_id").inner_join(homes, "household_id").select("client_id", "copy")
            members = rows.union(family.select(*_COPIES.names), distinct=True)
            self._told["copies"] = self.memtable("copies", self.book.execute(members).cast(_COPIES))
        return self._told["copies"]
