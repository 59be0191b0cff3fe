"""Checks of a client book: one aggregate query per table, counts and a few keys, never a row of personal data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from graphlib import TopologicalSorter
from typing import Any

from appetence.book import quarantine
from appetence.book.book import Book
from appetence.book.contract import TABLES, Table, Type
from appetence.book.rules import Rule, Severity, rules_for
from appetence.book.sql import one_row, quoted
from appetence.errors import BookError

LARGEST_SHARE = 0.05
"""Of a table's rows set aside: with more, the mapping is at fault rather than the rows."""

_KEYS = 5


@dataclass(frozen=True)
class Finding:
    """What one check found in one table.

    Parameters
    ----------
    table, check, severity
        Where, which, and what follows: an error stops, quarantined rows are set aside, a warning is counted.
    count
        How many rows break the rule.
    keys
        Up to five keys of such rows, the smallest: ids and dates only.
    message, hint
        What must hold, and what to do.
    """

    table: str
    check: str
    severity: Severity
    count: int
    keys: tuple[str, ...]
    message: str
    hint: str | None = None

    def __str__(self) -> str:
        shown = f" ({', '.join(self.keys)}{' …' if self.count > len(self.keys) else ''})" if self.keys else ""
        rows = f"{self.count:,} row{'' if self.count == 1 else 's'}"
        return f"{self.table}: {self.message}: {rows}{shown}" + (f". {self.hint}" if self.hint else "")


@dataclass(frozen=True)
class CheckReport:
    """The findings, errors first, and how many rows each table has (those set aside included)."""

    findings: tuple[Finding, ...]
    rows: dict[str, int]

    @property
    def ok(self) -> bool:
        """Whether the book may be used: no error among the findings."""
        return not self.of("error")

    def of(self, severity: Severity) -> tuple[Finding, ...]:
        """Return the findings of one severity."""
        return tuple(finding for finding in self.findings if finding.severity == severity)

    def raise_for_errors(self) -> None:
        """Raise a BookError that lists every error, if there is one."""
        errors = self.of("error")
        if errors:
            listed = "".join(f"\n  - {error}" for error in errors)
            raise BookError(f"the client book must pass its checks; {len(errors)} failed:{listed}")

    def to_json(self) -> dict[str, Any]:
        """Return the report as JSON can hold it."""
        findings = [asdict(finding) | {"keys": list(finding.keys)} for finding in self.findings]
        return {"ok": self.ok, "rows": dict(self.rows), "findings": findings}


def check_book(book: Book) -> CheckReport:
    """Check every table, set rows aside where a check says so, and report all that was found.

    Rows set aside leave `Book.table` from then on, and what refers to them is set aside after them; they are kept in
    `book.quarantine` with their reason. Checking again starts afresh and finds the same.
    """
    quarantine.clear(book.connection)
    findings: list[Finding] = []
    rows: dict[str, int] = {}
    for name in _referred_first():
        if book.has(name):
            rows[name], found = _check_table(book, TABLES[name])
            findings += found
    order: dict[Severity, int] = {"error": 0, "quarantine": 1, "warning": 2}
    places = list(TABLES)
    findings.sort(key=lambda f: (order[f.severity], places.index(f.table), f.check))
    return CheckReport(tuple(findings), {name: rows[name] for name in TABLES if name in rows})


def _referred_first() -> list[str]:
    """Return the tables in an order in which each comes after those that it refers to."""
    graph: TopologicalSorter[str] = TopologicalSorter()
    for name, table in TABLES.items():
        targets = {column.refers_to.split(".")[0] for column in table.columns if column.refers_to}
        graph.add(name, *sorted(targets - {name}))
    return list(graph.static_order())


def _check_table(book: Book, table: Table) -> tuple[int, list[Finding]]:
    mapped = book.mapping(table.name)
    provided = [column for column in mapped.columns if column.name in mapped.provided]
    rules = rules_for(table, provided, book.tables, book.observed_until)
    flags = ", ".join(f"({rule.broken}) AS f{number}" for number, rule in enumerate(rules))
    judged = f"SELECT {_listed(table.key)}, {flags} FROM book.{table.name} t"
    counts = ", ".join(f"count_if(f{number})" for number in range(len(rules)))
    total, *broken = one_row(book.connection, f"SELECT count(*), {counts} FROM ({judged})")
    failed = [
        (f"f{number}", rule, count) for number, (rule, count) in enumerate(zip(rules, broken, strict=True)) if count
    ]
    findings = [
        Finding(table.name, rule.check, rule.severity, count, _keys(book, table, judged, flag), rule.message, rule.hint)
        for flag, rule, count in failed
    ]
    findings += _duplicates(book, table)
    if table.required and not total:
        findings.append(Finding(table.name, "empty", "error", 0, (), "the table must have rows", "Check its view"))
    findings += _set_aside(book, table, failed, judged, total)
    return total, findings


def _listed(columns: Sequence[str]) -> str:
    return ", ".join(quoted(column) for column in columns)


def _keys(book: Book, table: Table, judged: str, flag: str) -> tuple[str, ...]:
    """Return the smallest keys of rows that break a rule: ids and dates, since a code may be personal."""
    shown = [column for column in table.key if table.by_name[column].type in (Type.ID, Type.DATE, Type.MONTH)]
    listed = _listed(shown)
    rows = book.connection.execute(
        f"SELECT {listed} FROM ({judged}) WHERE {flag} ORDER BY {listed} LIMIT {_KEYS}"
    ).fetchall()
    return tuple(" ".join("?" if value is None else str(value) for value in row) for row in rows)


def _duplicates(book: Book, table: Table) -> list[Finding]:
    key = _listed(table.key)
    judged = f"SELECT {key}, count(*) - 1 AS again, count(*) > 1 AS twice FROM book.{table.name} GROUP BY {key}"
    (count,) = one_row(book.connection, f"SELECT coalesce(sum(again), 0)::BIGINT FROM ({judged})")
    if not count:
        return []
    message = f"{' with '.join(table.key)} must name one row"
    hint = "Remove doubles in the view, with DISTINCT or QUALIFY row_number() OVER (…) = 1"
    return [Finding(table.name, "duplicate_key", "error", count, _keys(book, table, judged, "twice"), message, hint)]


def _set_aside(
    book: Book, table: Table, failed: Sequence[tuple[str, Rule, int]], judged: str, total: int
) -> list[Finding]:
    broken = {rule.check: flag for flag, rule, _ in failed if rule.severity == "quarantine"}
    if not broken:
        return []
    count = quarantine.set_aside(book.connection, table.name, broken, judged)
    if count <= LARGEST_SHARE * total:
        return []
    message = f"at most {LARGEST_SHARE:.0%} of the rows may be set aside, not {count:,} of {total:,}"
    return [Finding(table.name, "too_many_set_aside", "error", count, (), message, "Look at the mapping first")]
