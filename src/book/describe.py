"""The contract of the client book as a page of documentation, made from its one declaration."""

from __future__ import annotations

from collections.abc import Iterator

from appetence.book.contract import TABLES, Column, Table, Type

_INTRODUCTION = """\
# The client book

<!-- Made from src/book/contract.py by appetence.book.describe: change the contract, not this page. -->

These are the tables that the software reads. A firm maps its own tables to them with one SQL view per table in its
config (`book.views`), or gives a folder with one Parquet file per table (`book.directory`).

- **Required** tables are clients, products and contracts. Any other may be left out: what needs it switches off and
  says so. A column that is not required may be left out of the view, and may be null where it is there.
- **Ids** are text: `0012` stays `0012`. **Money** is a decimal with two places, all of it in the book's one currency.
  **Months** are dates, the first day of the month. Dates have no time of day.
- **Two clocks**: a fact has a day on which it happened and a day on which the firm knew it. A score of month M uses
  what was known strictly before the first day of month M+1 and nothing else, in training as on the day. Where your
  records have one date only, it serves as both; a fact that was booked late then looks as if known in time.
- **Closed contracts belong in the book**, with the day and the reason: leaving is learnt from those who left. Only the
  reason `left` (or none) is attrition; an ending at term, by death or by the insurer is not.
- **Columns of your own** go into tables marked as extensible, listed with a type in `book.extra_columns`.
- **Checks** (`appetence check`) count what breaks these rules. An error stops: a missing value, an unknown code, a key
  that names two rows. A row that cannot be right on its own is set aside with its reason, and what hangs on it too: an
  unknown client or product, a closing before the opening; more than 5 % of a table set aside is an error. Anything
  merely odd is a warning: dates to come, overlapping contracts, impossible birth dates.
"""

_TYPES = {
    Type.ID: "text; whole numbers are written as text",
    Type.TEXT: "text",
    Type.CODE: "text with few distinct values",
    Type.DATE: "date",
    Type.MONTH: "date, the first day of a month",
    Type.MONEY: "decimal(18, 2), in the book's currency",
    Type.NUMBER: "double",
    Type.INTEGER: "64-bit whole number",
    Type.FLAG: "true or false",
}


def describe_contract() -> str:
    """Return the page `docs/book.md` as Markdown: every table with its key, clocks, columns, types and meanings."""
    parts = [_INTRODUCTION, "## Types", "", "| type | stored as |", "| --- | --- |"]
    parts += [f"| {type_.label} | {told} |" for type_, told in _TYPES.items()]
    parts += ["", "## Tables", "", *_overview()]
    for table in TABLES.values():
        parts += ["", *_section(table)]
    return "\n".join(parts) + "\n"


def _overview() -> Iterator[str]:
    yield "| table | | one row per | what it holds |"
    yield "| --- | --- | --- | --- |"
    for table in TABLES.values():
        need = "required" if table.required else "optional"
        yield f"| [{table.name}](#{table.name}) | {need} | {', '.join(table.key)} | {_cell(table.meaning)} |"


def _section(table: Table) -> Iterator[str]:
    yield f"### {table.name}"
    yield ""
    yield table.meaning
    yield ""
    yield f"- {'Required' if table.required else 'Optional'}; key: {_names(table.key)}."
    yield f"- {_clocks(table)}"
    if table.extensible:
        yield "- Extensible: list columns of your own in `book.extra_columns`."
    yield ""
    yield "| column | type | required | meaning |"
    yield "| --- | --- | --- | --- |"
    for column in table.columns:
        yield f"| {column.name} | {column.type.label} | {'yes' if column.required else ''} | {_meaning(column)} |"


def _clocks(table: Table) -> str:
    if table.happened is None:
        return "Clocks: none, the table holds what is so today."
    if table.known is None or table.known == table.happened:
        return f"Clocks: `{table.happened}` says when it happened and when the firm knew."
    known = table.by_name[table.known]
    return f"Clocks: happened `{table.happened}`, known `{table.known}`" + (
        "." if known.required else f" (where null: `{table.happened}`)."
    )


def _meaning(column: Column) -> str:
    parts = [column.meaning]
    if column.values:
        parts.append("One of " + ", ".join(f"`{value}`" for value in column.values))
    if column.low is not None or column.high is not None:
        low = "" if column.low is None else f"at least {column.low:g}"
        high = "" if column.high is None else f"at most {column.high:g}"
        parts.append("Range: " + ", ".join(bound for bound in (low, high) if bound))
    if column.refers_to:
        parts.append(f"Refers to `{column.refers_to}`")
    return _cell(". ".join(part.rstrip(".") for part in parts))


def _names(names: tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
