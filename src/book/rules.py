"""What must hold in each table of the contract, as SQL conditions that are true on a row that breaks the rule.

Most rules follow from the contract (null, closed list, range, reference, both clocks); the rest are listed per table.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from appetence.book.contract import Column, Table, Type
from appetence.book.sql import literal, quoted

Severity = Literal["error", "quarantine", "warning"]
"""An error stops, a quarantined row is set aside with its reason, a warning is counted."""

FOUNDATIONS = ("clients", "advisors", "products")
"""Tables that others hang on: a bad row stops, because setting it aside would take a client's whole history along."""

OLDEST = 120
"""Years: a birth date further back is a slip."""


@dataclass(frozen=True)
class Rule:
    """A condition on single rows.

    Parameters
    ----------
    check
        Its name in reports: `missing:client_id`, `closed_before_opened` …
    severity
        What happens to a row that breaks it.
    broken
        SQL over the alias `t`, true on a row that breaks it; null counts as false.
    message, hint
        What must hold, and what to do.
    """

    check: str
    severity: Severity
    broken: str
    message: str
    hint: str | None = None


def rules_for(table: Table, columns: Sequence[Column], present: Collection[str], until: dt.date) -> list[Rule]:
    """Return the rules of a table, in a fixed order.

    Parameters
    ----------
    columns
        The columns that the firm provides, its own included.
    present
        Tables that the firm provides: a reference to a table that it leaves out cannot be checked.
    until
        The first day no longer observed.
    """
    rules = [rule for column in columns for rule in _of_column(table, column, present)]
    rules += _of_clocks(table, {column.name for column in columns}, until)
    if table.name in _SPECIFIC:
        rules += _SPECIFIC[table.name](present, until)
    return rules


def _of_column(table: Table, column: Column, present: Collection[str]) -> Iterator[Rule]:
    name, at = column.name, f"t.{quoted(column.name)}"
    if column.required:
        empty = f" OR {at} = ''" if column.type is Type.ID else ""
        yield Rule(f"missing:{name}", "error", f"{at} IS NULL{empty}", f"{name} must be given on every row")
    if column.values:
        listed = ", ".join(literal(value) for value in column.values)
        yield Rule(
            f"unknown_code:{name}",
            "error",
            f"{at} NOT IN ({listed})",
            f"{name} must be one of {', '.join(column.values)}",
            "Translate your codes in the view, with CASE",
        )
    if column.type is Type.NUMBER:
        yield Rule(f"not_finite:{name}", "error", f"NOT isfinite({at})", f"{name} must be a finite number")
    if column.type is Type.MONTH:
        yield Rule(
            f"not_first_day:{name}",
            "error",
            f"day({at}) <> 1",
            f"{name} must be the first day of its month",
            f"Write date_trunc('month', {name}) in the view",
        )
    yield from _of_range(table, column, at)
    yield from _of_reference(column, at, present)


def _of_range(table: Table, column: Column, at: str) -> Iterator[Rule]:
    bounds = [f"{at} < {column.low}"] if column.low is not None else []
    bounds += [f"{at} > {column.high}"] if column.high is not None else []
    if bounds:
        told = f"at least {column.low:g}" if column.low is not None else ""
        told += (" and " if told else "") + f"at most {column.high:g}" if column.high is not None else ""
        yield Rule(
            f"out_of_range:{column.name}",
            "error" if table.name in FOUNDATIONS else "quarantine",
            " OR ".join(bounds),
            f"{column.name} must be {told}",
        )


def _of_reference(column: Column, at: str, present: Collection[str]) -> Iterator[Rule]:
    if column.refers_to is None:
        return
    target, key = column.refers_to.split(".")
    if target in present:
        yield Rule(
            f"orphan:{column.name}",
            "quarantine" if column.required else "warning",
            # a null among the ids would make every NOT IN null
            f"{at} NOT IN (SELECT {quoted(key)} FROM book.{target} WHERE {quoted(key)} IS NOT NULL)",
            f"{column.name} must be in {target}",
            f"Check the view of {target}, and that both write ids alike (leading zeros, spaces)",
        )


def _of_clocks(table: Table, provided: Collection[str], until: dt.date) -> Iterator[Rule]:
    future = dict.fromkeys(c for c in (table.happened, table.known, *_LATER.get(table.name, ())) if c in provided)
    for name in future:
        yield Rule(
            f"future:{name}",
            "warning",
            f"t.{quoted(name)} >= DATE '{until}'",
            f"{name} should lie before {until}, the first day no longer observed",
            "Set observed_until, or correct the dates; such facts are not used before their day",
        )
    if table.known in provided and table.known and table.happened and table.known != table.happened:
        yield Rule(
            f"known_before:{table.happened}",
            "warning",
            f"t.{quoted(table.known)} < t.{quoted(table.happened)}",
            f"{table.known} should not lie before {table.happened}",
            "Right where a fact was announced before it happened; otherwise the two are swapped",
        )


_LATER = {"contracts": ("closing_known_on",), "offers": ("outcome_on",)}
"""Further columns that date something that has happened."""


def _clients(_present: Collection[str], until: dt.date) -> list[Rule]:
    oldest = until.replace(year=until.year - OLDEST)
    return [
        Rule(
            "impossible_birth",
            "warning",
            f"t.birth_date > t.joined_on OR t.birth_date < DATE '{oldest}'",
            f"birth_date should lie after {oldest} and not after joined_on",
            "Check the date format and the century; stand-ins such as 1900-01-01 are better left null",
        )
    ]


def _products(present: Collection[str], _until: dt.date) -> list[Rule]:
    rules = [
        Rule(
            "rate_above_one",
            "warning",
            "t.margin_kind = 'rate' AND abs(t.annual_margin) > 1",
            "an annual_margin of kind rate should be a share of the balance, below 1",
            "Write 1.5 % as 0.015",
        ),
        Rule(
            "withdrawn_before_launched",
            "warning",
            "t.withdrawn_on < t.launched_on",
            "withdrawn_on should not lie before launched_on",
        ),
    ]
    if "balances" not in present:
        rules.append(
            Rule(
                "rate_without_balances",
                "warning",
                "t.margin_kind = 'rate'",
                "a margin of kind rate needs balances, and there are none",
                "Give balances, or the margin as an amount per contract",
            )
        )
    return rules


def _contracts(_present: Collection[str], _until: dt.date) -> list[Rule]:
    still_open = "coalesce(t.closed_on, DATE '9999-12-31')"
    earlier = (
        "PARTITION BY t.client_id, t.product_id ORDER BY t.opened_on, t.contract_id"
        " ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING"
    )
    return [
        Rule(
            "closed_before_opened",
            "quarantine",
            "t.closed_on < t.opened_on",
            "closed_on must not lie before opened_on",
            "Check which columns are mapped, and stand-in dates that mean no closing",
        ),
        Rule("ends_before_opened", "warning", "t.ends_on < t.opened_on", "ends_on should not lie before opened_on"),
        Rule(
            "reason_without_closing",
            "warning",
            "t.close_reason IS NOT NULL AND t.closed_on IS NULL",
            "close_reason should be given with closed_on only",
            "Without closed_on the contract counts as in force",
        ),
        Rule(
            "opened_before_joined",
            "warning",
            "t.opened_on < (SELECT min(c.joined_on) FROM book.clients c WHERE c.client_id = t.client_id)",
            "a contract should not be opened before its client joined",
            "Is joined_on the day of the newest contract, or of a move to a new system?",
        ),
        Rule(
            "overlapping",
            "warning",
            f"t.opened_on < max({still_open}) OVER ({earlier})",
            "contracts of one client and product usually do not overlap",
            "Right where clients hold several; otherwise a renewal may have been booked as a new contract",
        ),
    ]


def _offers(_present: Collection[str], _until: dt.date) -> list[Rule]:
    return [
        Rule(
            "to_nobody",
            "quarantine",
            "t.client_id IS NULL AND t.prospect_id IS NULL",
            "an offer must name a client or a prospect",
        ),
        Rule(
            "outcome_before_offer",
            "warning",
            "t.outcome_on < t.made_on",
            "outcome_on should not lie before made_on",
        ),
    ]


_SPECIFIC: dict[str, Callable[[Collection[str], dt.date], list[Rule]]] = {
    "clients": _clients,
    "products": _products,
    "contracts": _contracts,
    "offers": _offers,
}
