"""The book without its later facts, or with other ones: what no feature and no population of a cut may notice.

Both stand in for `Book` where features are built, so that a firm's own groups, which may read any table, are served
the same. The catalogue of products stays whole: which families there are decides which columns are made, not their
values.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

import ibis
import ibis.expr.types as ir

from appetence.book.contract import TABLES
from appetence.book.stand_in import StandIn

DAYS = 400
"""Later dates are drawn from this many days, so that some fall soon after the cut and some long after it."""


MOST_ROWS = 1_000_000
"""Of a table's later facts that are made up, so that memory stays bounded: of a larger table every n-th is."""


@dataclass(frozen=True)
class WithoutLater(StandIn):
    """A book from which everything known on the day of the cut or later is deleted.

    Parameters
    ----------
    book
        The open book.
    cut
        The first day not known.
    """

    cut: dt.date
    _told: dict[str, ir.Table] = field(default_factory=dict, init=False, repr=False)

    def table(self, name: str) -> ir.Table:
        """Return the table as known at the cut."""
        if name != "products":
            return self.book.as_known(name, self.cut)
        products = self.book.table(name)
        return products.mutate(withdrawn_on=_until(products.withdrawn_on, self.cut))


class WithOtherLater(WithoutLater):
    """A book in which everything known on the day of the cut or later is replaced by what never was.

    Rows not yet known stay, with clients, contracts and values taken from one another, and dates moved, but never to
    where they would have been known; a fact may still have happened before the cut and become known after it.
    What later happened to rows that were known is made up: closings, outcomes, recoveries, withdrawals.
    """

    def table(self, name: str) -> ir.Table:
        """Return the table as known at the cut, and the other later facts."""
        known = super().table(name)
        make_up = _MADE_UP.get(name)
        told = known if make_up is None else make_up(known, self.cut)
        if name not in self._told:  # once: window functions in every feature group took three times as long
            self._told[name] = self._with_later(name, known, told)
        return self._told[name]

    def _with_later(self, name: str, known: ir.Table, told: ir.Table) -> ir.Table:
        if TABLES[name].happened is None:
            return told
        later = self._later(name, known).select(*known.columns).cast(dict(known.schema().items()))
        kept = self.memtable(f"later_{name}", self.execute(later))
        if self.execute(told.agg(n=told.count()))["n"][0].as_py() > MOST_ROWS:
            return told.union(kept)
        return self.memtable(f"told_{name}", self.execute(told.union(kept)))

    def _later(self, name: str, known: ir.Table) -> ir.Table:
        """Return the rows not yet known, shuffled."""
        contract, key = TABLES[name], TABLES[name].key
        rows = self.book.table(name).anti_join(known, list(key))
        many = self.execute(rows.agg(n=rows.count()))["n"][0].as_py() // MOST_ROWS + 1
        rows = rows.filter(_draw(rows, key, 0) % many == 0)
        dates = {contract.happened, contract.known} - {None}
        of_others = {
            column: _of_another(rows, column, key, place)
            for place, column in enumerate(rows.columns, start=1)
            if column not in dates and (column not in key or contract.by_name[column].refers_to)
        }
        return rows.mutate(**of_others, **self._dates(rows, str(contract.happened), contract.known, key))

    def _dates(self, rows: ir.Table, happened: str, known: str | None, key: tuple[str, ...]) -> dict[str, Any]:
        """Return dates moved, those of knowing to the day of the cut or later."""
        if rows[happened].type() == ibis.dtype("date") and happened == "month":  # a month stays a first of a month
            months = (_draw(rows, key, 1) % 12).cast("int64")
            index = self.cut.year * 12 + self.cut.month - 1 + months
            return {happened: ibis.date((index // 12).cast("int32"), (index % 12 + 1).cast("int32"), ibis.literal(1))}
        after = _moved(ibis.literal(self.cut), _draw(rows, key, 2) % DAYS)
        if known is None or known == happened:
            return {happened: after}
        # half of them happened before the cut: the firm only heard of it later
        return {known: after, happened: _moved(after, -(_draw(rows, key, 3) % (2 * DAYS)))}


def _until(day: Any, cut: dt.date) -> Any:
    return (day < ibis.literal(cut)).fill_null(False).ifelse(day, ibis.null("date"))


def _draw(rows: ir.Table, key: tuple[str, ...], salt: int) -> Any:
    """Return a number that depends on the row's key: the same whenever the expression is run."""
    text = ibis.literal(str(salt))
    for column in key:
        text = text + "|" + rows[column].cast("string").fill_null("")
    return (text.hash() % 1_000_003).abs()


def _moved(day: Any, days: Any) -> Any:
    return (day + days.cast("int64").as_interval("D")).cast("date")


def _of_another(rows: ir.Table, column: str, key: tuple[str, ...], salt: int) -> Any:
    """Return the column's values, each taken from another row."""
    return rows[column].lag(1).over(ibis.window(order_by=[_draw(rows, key, 10 + salt), *(rows[name] for name in key)]))


def _other_closings(rows: ir.Table, cut: dt.date) -> ir.Table:
    """Close two of three contracts that were not known to be closed, some before the cut unknown to the firm."""
    told = rows.closed_on.notnull()
    draw = _draw(rows, ("contract_id",), 4)
    known = _moved(ibis.literal(cut), draw % DAYS)
    closed = ibis.greatest(rows.opened_on, _moved(known, -(_draw(rows, ("contract_id",), 5) % DAYS)))
    ends = draw % 3 > 0
    reason = ibis.cases((draw % 4 == 0, "term"), (draw % 4 == 1, "death"), else_="left")
    return rows.mutate(
        closed_on=ibis.cases((told, rows.closed_on), (ends, closed)),
        close_reason=ibis.cases((told, rows.close_reason), (ends, reason)),
        closing_known_on=ibis.cases((told, rows.closing_known_on), (ends, known)),
    )


def _other_outcomes(rows: ir.Table, cut: dt.date) -> ir.Table:
    told = rows.outcome_on.notnull()
    key = ("offer_id" if "offer_id" in rows.columns else "interaction_id",)
    outcome = (_draw(rows, key, 6) % 2 == 0).ifelse("accepted", "refused")
    return rows.mutate(
        outcome=told.ifelse(rows.outcome, outcome),
        outcome_on=told.ifelse(rows.outcome_on, _moved(ibis.literal(cut), _draw(rows, key, 7) % DAYS)),
    )


def _other_recoveries(rows: ir.Table, _cut: dt.date) -> ir.Table:
    return rows.mutate(recovered=(_draw(rows, ("contract_id",), 8) % 1000).cast(rows.recovered.type()))


def _other_withdrawals(rows: ir.Table, cut: dt.date) -> ir.Table:
    after = _moved(ibis.literal(cut), _draw(rows, ("product_id",), 9) % DAYS)
    return rows.mutate(withdrawn_on=rows.withdrawn_on.coalesce(after))


_MADE_UP = {
    "contracts": _other_closings,
    "interactions": _other_outcomes,
    "offers": _other_outcomes,
    "defaults": _other_recoveries,
    "products": _other_withdrawals,
}
