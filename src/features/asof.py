"""What the firm knew of each client at each cut: the facts that all feature groups stand on.

Each fact is joined to every cut of its client at which it was known; the groups then aggregate by row of the spine with
filters. One pass serves one cut or many.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Protocol

import ibis
import ibis.expr.types as ir

from appetence.book.clocks import BookTables, contracts_as_known, contracts_on_both_clocks
from appetence.book.contract import CREDIT
from appetence.features.catalogue import Shape
from appetence.features.expressions import cents, month_index, total
from appetence.features.tallies import Tallies, by_expression

KEY = ("row", "client_id", "cut", "cut_index")
"""Columns of a spine: the row's number, the client, the cut as a date and as a month index."""


class Engine(Protocol):
    """How that is worked out which several groups stand on; the numbers are the same however."""

    def keep(self, name: str, expression: ir.Table) -> ir.Table:
        """Return a table of an expression's rows, for whoever asks next."""
        ...

    def keep_whole(self, name: str, expression: ir.Table) -> ir.Table:
        """Return the same of what is told of the whole book: it is kept for all blocks of a spine."""
        ...

    def of_members(self, name: str, facts: ir.Table) -> ir.Table:
        """Return facts by `client_id`, of which other clients' than the spine's and their households' may be left out.

        Where a spine is built in blocks, they are looked for in the whole book once, and not for each block.
        """
        ...

    def tally(self, name: str, spine: ir.Table, facts: ir.Table, tallies: Tallies) -> ir.Table:
        """Return what `appetence.features.tallies.by_expression` defines."""
        ...

    def money(self, known: AsKnown, define: Callable[[], ir.Table]) -> ir.Table:
        """Return what `define` expresses: the sums of `appetence.features.money`."""
        ...


class Expressions:
    """Nothing is run ahead: each group's expression holds all that it stands on."""

    def keep(self, _name: str, expression: ir.Table) -> ir.Table:
        """Return the expression."""
        return expression

    keep_whole = keep

    def of_members(self, _name: str, facts: ir.Table) -> ir.Table:
        """Return the facts."""
        return facts

    def tally(self, _name: str, spine: ir.Table, facts: ir.Table, tallies: Tallies) -> ir.Table:
        """Return the tallies as an expression."""
        return by_expression(spine, facts, tallies)

    def money(self, _known: AsKnown, define: Callable[[], ir.Table]) -> ir.Table:
        """Return the sums as an expression."""
        return define()


@dataclass(frozen=True)
class AsKnown:
    """The book as known at the cuts of a spine.

    Parameters
    ----------
    book
        The firm's tables.
    spine
        `KEY`, one row per (client, cut); further columns are kept in what the methods return.
    shape
        What this book has of its own: product families, further columns of `client_facts`.
    associations
        Which products go together in the whole book at each cut (`appetence.features.bundles`); None where no group
        asks for it.
    everyone
        The spine with `home`, and after it the other members of its clients' households with a negative `row`; see
        `appetence.features.household`. None where no group asks for it.
    engine
        How that is worked out which several groups stand on.
    """

    book: BookTables
    spine: ir.Table
    shape: Shape
    associations: ir.Table | None = None
    everyone: ir.Table | None = None
    engine: Engine = field(default_factory=Expressions)
    _kept: dict[str, ir.Table] = field(default_factory=dict, repr=False, compare=False)

    def shared(self, name: str, make: Callable[[], ir.Table]) -> ir.Table:
        """Return what `make` returns, made once under a name for all groups of this spine."""
        if name not in self._kept:
            self._kept[name] = make()
        return self._kept[name]

    def tally(self, name: str, facts: ir.Table, tallies: Tallies) -> ir.Table:
        """Return tallies of the spine's facts by row; see `appetence.features.tallies`."""
        return self.shared(f"tally_{name}", lambda: self.engine.tally(name, self.spine, facts, tallies))

    def tally_of_members(self, name: str, facts: ir.Table, tallies: Tallies) -> ir.Table:
        """Return the same of all members of the households, by `row` and `home`."""
        return self.shared(f"tally_{name}", lambda: self.engine.tally(name, self.members, facts, tallies))

    def of_members(self, table: str) -> ir.Table:
        """Return a table of the book by `client_id`; see `Engine.of_members`."""
        return self._of_members(table, self.book.table(table))

    @property
    def members(self) -> ir.Table:
        """The spine with all members of its households, where a group asks for them; else the spine."""
        return self.spine if self.everyone is None else self.everyone

    def asked(self, rows: ir.Table) -> ir.Table:
        """Return the rows that belong to the spine, out of those that belong to all members of its households."""
        return rows if self.everyone is None else rows.filter(rows.row >= 0)

    def clients(self) -> ir.Table:
        """Return the spine with the client's row of `clients`, null where the client joined at the cut or later."""
        return self._kept_once("clients", self._clients)

    def contracts(self) -> ir.Table:
        """Return each contract known at each cut; see `contracts_as_known`."""
        return self._kept_once("contracts", lambda: contracts_as_known(self.book, self.spine))

    def interactions(self) -> ir.Table:
        """Return each interaction that had happened and was known, at each cut, without its text."""
        interactions = self.book.table("interactions").drop("text")
        interactions = interactions.mutate(known_on=interactions.known_on.coalesce(interactions["at"]))
        return _outcome_as_known(self._joined(interactions, happened="at"))

    def life_events(self) -> ir.Table:
        """Return each life event known at each cut; some, such as a retirement, are known before they happen."""
        return self._joined(self.of_members("life_events"), happened=None)

    def told(self, name: str, facts: ir.Table) -> ir.Table:
        """Return each row of `facts` (`client_id`, `at`, `known_on`, …) that had happened and was known at each cut."""
        return self._joined(self._of_members(name, facts), happened="at")

    def facts(self, ago: int = 0) -> ir.Table:
        """Return the spine with what the client had last declared, as known at the cut or `ago` months before it."""
        return self._kept_once(f"facts_{ago}", lambda: self._facts(ago))

    def months(self, longest: int) -> ir.Table:
        """Return the clients' months of balances known at each cut, in cents, with their `lag` of 1 to `longest`.

        Lag 1 is the last month before the cut. A row adds up contracts that became usable in the same month: a
        contract whose opening was known late brings its balances from then on only. Credit is apart from assets.
        """
        return self.asked(self.months_of_members(longest))

    def months_of_members(self, longest: int) -> ir.Table:
        """Return the same of all members of the households."""
        spine, months = self.members, self._client_months()
        rows = spine.inner_join(
            months,
            [
                spine.client_id == months.client_id,
                months.month < spine.cut_index,
                months.month >= spine.cut_index - longest,
                months.usable_from <= spine.cut_index,
            ],
        ).drop("client_id_right")
        return rows.mutate(lag=rows.cut_index - rows.month)

    def onto_spine(self, aggregated: ir.Table, zero: Iterable[str] = (), false: Iterable[str] = ()) -> ir.Table:
        """Return the spine with aggregates by row: 0 or false where a client has no fact to count."""
        fills: dict[str, Any] = dict.fromkeys(zero, 0) | dict.fromkeys(false, False)
        joined = self.spine.left_join(aggregated, "row")
        columns = [name for name in aggregated.columns if name not in KEY]
        return joined.select(
            *KEY, **{name: joined[name].fill_null(fills[name]) if name in fills else joined[name] for name in columns}
        )

    def _kept_once(self, name: str, make: Callable[[], ir.Table]) -> ir.Table:
        return self.shared(name, lambda: self.engine.keep(name, make()))

    def _of_members(self, name: str, facts: ir.Table) -> ir.Table:
        return self.shared(f"of_{name}", lambda: self.engine.of_members(name, facts))

    def _clients(self) -> ir.Table:
        clients = self.of_members("clients")
        return self.spine.left_join(
            clients, [self.spine.client_id == clients.client_id, clients.joined_on < self.spine.cut]
        ).drop("client_id_right")

    def _facts(self, ago: int) -> ir.Table:
        facts = self._kept_once("facts", self._facts_with_ends)
        then = self.spine.cut_index - ago  # a cut is a first of a month: days before it are those of earlier months
        return self.spine.left_join(
            facts,
            [
                self.spine.client_id == facts.client_id,
                facts.since < then,
                facts.until.isnull() | (facts.until >= then),
            ],
        ).drop("client_id_right", "since", "until")

    def _facts_with_ends(self) -> ir.Table:
        """Return what clients declared with the months in which it began and ceased to be the newest."""
        clients = self.spine.select("client_id").distinct()
        facts = self.of_members("client_facts").semi_join(clients, "client_id")
        newer = facts.known_on.lead().over(ibis.window(group_by="client_id", order_by="known_on"))
        return facts.mutate(since=month_index(facts.known_on), until=month_index(newer))

    def _joined(self, facts: ir.Table, happened: str | None) -> ir.Table:
        spine = self.spine
        # known and happened before the cut: one comparison, of a day worked out once per fact
        day = facts.known_on if happened is None else ibis.greatest(facts.known_on, facts[happened])
        facts = facts.mutate(usable_after=day)
        conditions = [spine.client_id == facts.client_id, facts.usable_after < spine.cut]
        return spine.inner_join(facts, conditions).drop("client_id_right", "usable_after")

    def _client_months(self) -> ir.Table:
        clients = self.members.select("client_id").distinct()
        contracts = contracts_on_both_clocks(self.book).semi_join(clients, "client_id")
        contracts = contracts.select("contract_id", "client_id", "family", "opening_known")
        rows = self.book.table("balances").inner_join(contracts, "contract_id")
        month = month_index(rows.month)
        rows = rows.select(
            client_id=rows.client_id,
            month=month,
            usable_from=ibis.greatest(month, month_index(rows.opening_known)) + 1,
            family=rows.family,
            balance=cents(rows.balance),
            flow=cents(rows.net_flow),
            revenue=cents(rows.revenue),
            cost=cents(rows.cost),
        )
        credit = (rows.family == CREDIT).fill_null(False)
        return rows.group_by("client_id", "month", "usable_from").agg(
            assets=total(rows.balance, ~credit),
            credit=total(rows.balance, credit),
            flow=total(rows.flow, ~credit),
            inflow=total(rows.flow, ~credit & (rows.flow > 0)),
            revenue=total(rows.revenue),
            cost=total(rows.cost),
            **{f"assets_{name}": total(rows.balance, rows.family == code) for code, name in self.shape.asset_families},
        )


def _outcome_as_known(rows: ir.Table) -> ir.Table:
    """Mask outcomes not known before the cut; one without a date cannot be placed in time."""
    told = (rows.outcome_on < rows.cut).fill_null(False)
    return rows.mutate(outcome=told.ifelse(rows.outcome, None), outcome_on=told.ifelse(rows.outcome_on, None))
