"""Facts counted, and days looked for, in windows before each cut: declared once, run as SQL or by compiled code.

Most features ask the same of dated facts: how many in the last year, when the last one was. A group says so with
`Tally`; `by_expression` is what a tally means, and `appetence.features.compiled` a faster way to the same numbers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Literal

import ibis
import ibis.expr.types as ir

from appetence.features.expressions import count_where, month_index, months_ahead, united


@dataclass(frozen=True)
class Tally:
    """One number to find among the facts that a row of the spine knows.

    Parameters
    ----------
    op
        `count` facts; give the `newest` or `oldest` day, the fewest months, 0 to 11, to an `anniversary` of its month,
        or the `union` of the sets `of`, whole numbers of a bit for each element.
    day
        The date column that is looked at. A fact without this day does not count.
    within
        Months: the day lies in `[cut - within, cut)`, or with `ahead` in `[cut, cut + within)`. None: any distance.
    where
        A boolean column that must be true.
    ahead
        Look at days from the cut on, not before it.
    told
        A further date column that must lie before the cut.
    until, until_known
        A date column that must not lie before the cut: null, or the cut or later. It counts only if it was known: if
        the date column `until_known` lies before the cut.
    ago
        Months: `day` and `until` are compared with the cut as long ago, by what is known at the cut.
    of
        The column of sets of a `union`.
    """

    op: Literal["count", "newest", "oldest", "anniversary", "union"]
    day: str
    within: int | None = None
    where: str | None = None
    ahead: bool = False
    told: str | None = None
    until: str | None = None
    until_known: str | None = None
    ago: int = 0
    of: str | None = None


Tallies = Mapping[str, Tally]


counted = partial(Tally, "count")
newest = partial(Tally, "newest")
oldest = partial(Tally, "oldest")
anniversary = partial(Tally, "anniversary")
union = partial(Tally, "union")


def days_of(tallies: Tallies) -> tuple[str, ...]:
    """Return the date columns that tallies look at, each once."""
    return _once(day for tally in tallies.values() for day in (tally.day, tally.told, tally.until, tally.until_known))


def flags_of(tallies: Tallies) -> tuple[str, ...]:
    """Return the boolean columns that tallies look at, each once."""
    return _once(tally.where for tally in tallies.values())


def sets_of(tallies: Tallies) -> tuple[str, ...]:
    """Return the columns of sets that tallies unite, each once."""
    return _once(tally.of for tally in tallies.values())


def counts_of(tallies: Tallies) -> tuple[str, ...]:
    """Return the names of the counts, which are 0 where there is no fact."""
    return tuple(name for name, tally in tallies.items() if tally.op == "count")


def _once(names: Iterable[str | None]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for name in names if name is not None))


def by_expression(spine: ir.Table, facts: ir.Table, tallies: Tallies) -> ir.Table:
    """Return the tallies of each row of a spine that has facts.

    Parameters
    ----------
    spine
        `row`, `client_id`, `cut_index`, and `home` where households are asked for.
    facts
        `client_id`; `usable`, the day since when the fact may be used, which must lie before the cut; and the columns
        that the tallies name.

    Returns
    -------
    `row`, `home` where the spine has it, and a column per tally.
    """
    months = {f"month_of_{day}": month_index(facts[day]) for day in (*days_of(tallies), "usable")}
    facts = facts.select("client_id", *days_of(tallies), *flags_of(tallies), *sets_of(tallies), **months)
    rows = spine.inner_join(facts, [spine.client_id == facts.client_id, facts.month_of_usable < spine.cut_index]).drop(
        "client_id_right"
    )
    found = rows.group_by(*(name for name in ("row", "home") if name in spine.columns))
    return found.agg(**{name: _one(rows, tally) for name, tally in tallies.items()})


def _one(rows: ir.Table, tally: Tally) -> ir.Value:
    # A cut is the first of its month: a day lies before it just when the day's month does.
    then = rows.cut_index - tally.ago
    lag = then - rows[f"month_of_{tally.day}"]
    holds = lag <= 0 if tally.ahead else lag >= 1
    if tally.within is not None:
        holds &= lag > -tally.within if tally.ahead else lag <= tally.within
    if tally.where is not None:
        holds &= rows[tally.where]
    if tally.told is not None:
        holds &= rows[f"month_of_{tally.told}"] < rows.cut_index
    if tally.until is not None:
        until = rows[f"month_of_{tally.until}"]
        unknown = ibis.literal(False)
        if tally.until_known is not None:
            unknown = (rows[f"month_of_{tally.until_known}"] >= rows.cut_index).fill_null(True)
        holds &= until.isnull() | (until >= then) | unknown
    if tally.op == "count":
        return count_where(holds)
    if tally.op == "union":
        return united(rows[tally.of], where=holds)
    if tally.op == "anniversary":
        return months_ahead(rows[f"month_of_{tally.day}"], rows.cut_index).min(where=holds)
    return rows[tally.day].max(where=holds) if tally.op == "newest" else rows[tally.day].min(where=holds)


def later(one: ir.DateValue, other: ir.DateValue) -> ir.DateValue:
    """Return the later of two days; null where either is null, which engines differ on."""
    return (one >= other).ifelse(one, ibis.ifelse(other >= one, other, None))
