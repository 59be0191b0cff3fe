"""SQL of a firm's own over the book's tables: confined to them, repeatable, and run on what was known at a cut.

The text is read by DuckDB's own parser and walked, so that nothing but the contract's tables can be reached: no other
schema, no file, no function that looks outside the rows. Each table it names is then put before it under that name, as
the book holds it or as it was known at a cut. So a query cannot see a later fact, whatever it says.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb
import pyarrow as pa

from appetence.book.conform import conform, require_castable, select_list
from appetence.book.contract import TABLES, Column
from appetence.book.firm_sql import CLOCK, no_clock, one_select, told
from appetence.book.sql import literal, one_row, quoted
from appetence.errors import BookError, did_you_mean

CUT = "cut"
"""`$cut` in a query stands for the first day that is not known yet."""

_KEPT_FROM_QUERIES = frozenset({"protected"})  # read by the audit of fairness alone
_TABLE_FUNCTIONS = frozenset({"unnest", "range", "generate_series"})
_OF_AN_ORDER = frozenset({"any_value", "arbitrary", "first", "last", "mode", "reservoir_quantile"})
_OF_A_PLACE = frozenset(
    f"WINDOW_{name}" for name in ("ROW_NUMBER", "NTILE", "LEAD", "LAG", "FIRST_VALUE", "LAST_VALUE", "NTH_VALUE")
)
_FOUND = "work.firm_query"


@dataclass(frozen=True)
class Query:
    """A firm's query, and what it must give.

    Attributes
    ----------
    place
        What it is of, for messages: `the target of question 'x'`.
    sql
        One SELECT over the tables of the contract, by their names alone.
    columns
        Wanted of it. A row with a null in a required one is left out: what has no day has not happened, and may have
        none only as far as was known at a cut.
    of_a_cut
        Whether it may name `$cut`.
    """

    place: str
    sql: str
    columns: tuple[Column, ...]
    of_a_cut: bool = False


def answer(
    connection: duckdb.DuckDBPyConnection,
    query: Query,
    tables: Mapping[str, Sequence[str]],
    sql_of: Callable[[str], str],
    cut: dt.date | None,
) -> pa.Table:
    """Run a query, and cast what it gives.

    Parameters
    ----------
    tables
        {table: columns} that the firm provides.
    sql_of
        Returns SQL of a table's rows, as the query may see them.
    cut
        What `$cut` stands for.

    Raises
    ------
    BookError
        The query reaches beyond the book, may give other rows another time, does not run, or does not give its columns.
    """
    text = one_select(connection, query.place, query.sql)
    tree = _Tree.of(connection, query.place, text)
    tree.refuse_other_functions(connection)
    read = tree.tables(tables)
    tree.refuse_disorder()
    named = tree.parameters(query.of_a_cut)
    sees = ", ".join(f"{quoted(name)} AS ({sql_of(name)})" for name in read)
    whole = f"{f'WITH {sees} ' if sees else ''}FROM (\n{text}\n)"
    try:
        relation = connection.sql(whole, params={CUT: cut} if named else None)
        found = list(zip(relation.columns, map(str, relation.types), strict=True))
        _require_named(query, relation.columns)
        casts = conform(query.place, query.columns, found)
        connection.execute(f"DROP TABLE IF EXISTS {_FOUND}")
        relation.create(_FOUND)
        require_castable(connection, query.place, _FOUND, casts)
        given = " AND ".join(f"{quoted(column.name)} IS NOT NULL" for column in query.columns if column.required)
        wanted = f"SELECT {select_list(query.columns, casts)} FROM {_FOUND} WHERE {given} ORDER BY ALL"
        rows = connection.sql(wanted).to_arrow_table()
        connection.execute(f"DROP TABLE {_FOUND}")
    except duckdb.Error as error:
        raise told(query.place, error, {name: tables[name] for name in read}, "the book's tables", "tables") from None
    return rows.cast(pa.schema([(column.name, column.type.arrow) for column in query.columns]))


def _require_named(query: Query, found: Sequence[str]) -> None:
    wanted = [column.name for column in query.columns]
    missing = [column.name for column in query.columns if column.required and column.name not in found]
    other = [name for name in found if name not in wanted]
    if missing or other:
        raise BookError(
            f"{query.place} must give the columns {' and '.join(c.name for c in query.columns if c.required)}",
            ", ".join(found),
            f"Write … AS {missing[0]}" if missing else f"Leave out {', '.join(other)}",
        )


@dataclass(frozen=True)
class _Tree:
    """A query as DuckDB's parser reads it."""

    place: str
    root: Any

    @classmethod
    def of(cls, connection: duckdb.DuckDBPyConnection, place: str, text: str) -> _Tree:
        (written,) = one_row(connection, f"SELECT json_serialize_sql({literal(text)}::VARCHAR)")
        read = json.loads(written)
        if read["error"]:  # SELECTs of a kind that has no tree, such as PIVOT
            raise BookError(f"{place} must be a plain SELECT", str(read["error_message"]).rstrip("!"))
        return cls(place, read["statements"])

    def tables(self, known: Mapping[str, Sequence[str]]) -> list[str]:
        """Return the tables of the book that are read, in the contract's order."""
        steps = {str(name).lower() for node in self._nodes("cte_map") for name in _keys(node["cte_map"])}
        steps |= {str(node["cte_name"]).lower() for node in self._nodes("cte_name")}
        read = set()
        for node in self._nodes("table_name"):
            name = str(node["table_name"])
            path = [str(part) for part in node.get("qualified_name", {}).get("path", [name])]
            if len(path) > 1 or node.get("schema_name") or node.get("catalog_name"):
                hint = "Name a table of the book alone, without a schema"
                raise BookError(f"{self.place} must read the book's tables", repr(".".join(path)), hint)
            if name.lower() in TABLES:
                read.add(name.lower())
            elif name.lower() not in steps:
                hint = did_you_mean(name, set(known) - _KEPT_FROM_QUERIES)
                raise BookError(f"{self.place} must read the book's tables", repr(name), hint)
        for name in sorted(read & _KEPT_FROM_QUERIES):
            hint = "It serves the audit of fairness, and nothing else"
            raise BookError(f"{self.place} must not read protected attributes", repr(name), hint)
        for name in sorted(read - steps):
            if name not in known:
                hint = f"There are: {', '.join(sorted(set(known) - _KEPT_FROM_QUERIES))}"
                raise BookError(f"{self.place} must read tables that the firm provides", repr(name), hint)
        return [name for name in TABLES if name in read and name in known]

    def refuse_other_functions(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Refuse what reads files, settings, clocks or dice, and whatever makes a table that is none of the book's."""
        for node in self._typed():
            if node["type"] == "SHOW_REF":
                raise BookError(f"{self.place} must read the book's tables", "SHOW, DESCRIBE or SUMMARIZE")
            if node["type"] == "TABLE_FUNCTION":
                name = str(node["function"]["function_name"]).lower()
                if name not in _TABLE_FUNCTIONS:
                    raise BookError(f"{self.place} must read the book's tables", f"the function {name!r}")
        used = {str(node["function_name"]).lower() for node in self._nodes("function_name")}
        varying = connection.execute(
            """SELECT function_name, coalesce(stability <> 'CONSISTENT', FALSE), coalesce(macro_definition, '')
               FROM duckdb_functions()"""
        ).fetchall()
        for name, varies, definition in varying:
            if name in used and (varies or CLOCK.search(definition)):
                raise no_clock(self.place, str(name))

    def refuse_disorder(self) -> None:
        """Refuse what takes one of several rows and does not say which: it may take another one the next time."""
        for node in self._typed():
            if node["type"] in _OF_A_PLACE and not (node["orders"] or node.get("arg_orders")):
                raise self._disorder(f"{str(node['function_name']).lower()} over rows without ORDER BY")
            if node.get("ref_type") == "POSITIONAL":
                raise self._disorder("POSITIONAL JOIN")
        for node in self._nodes("function_name"):
            name = str(node["function_name"]).lower()
            if name in _OF_AN_ORDER and not (node.get("order_bys") or {}).get("orders"):
                raise self._disorder(f"{name} without ORDER BY")
        for node in self._nodes("sample"):
            if node["sample"] is not None:
                raise self._disorder("a sample")
        for node in self._nodes("modifiers"):
            kinds = {modifier["type"]: modifier for modifier in node["modifiers"]}
            picks = "LIMIT_MODIFIER" in kinds or "LIMIT_PERCENT_MODIFIER" in kinds
            picks = picks or bool(kinds.get("DISTINCT_MODIFIER", {}).get("distinct_on_targets"))
            if picks and "ORDER_MODIFIER" not in kinds:
                raise self._disorder("LIMIT or DISTINCT ON without ORDER BY")

    def parameters(self, of_a_cut: bool) -> bool:
        """Return whether `$cut` is named; refuse any other parameter."""
        names = [str(node["identifier"]) for node in self._nodes("identifier") if node["type"] == "VALUE_PARAMETER"]
        for name in names:
            if not of_a_cut or name.lower() != CUT:
                hint = f"${CUT} is known there" if of_a_cut else "It is run once, for all cuts"
                raise BookError(f"{self.place} must name no parameter", f"${name}", hint)
        return bool(names)

    def _disorder(self, what: str) -> BookError:
        hint = "Say which row is meant: ORDER BY, or min and max"
        return BookError(f"{self.place} must give the same rows in any order of the data", what, hint)

    def _typed(self) -> Iterator[dict[str, Any]]:
        """Return all parts of a kind; what is left are SQL types, whose type is a tree by itself."""
        return (node for node in self._nodes("type") if isinstance(node["type"], str))

    def _nodes(self, key: str) -> Iterator[dict[str, Any]]:
        """Return all parts of the tree that have an entry."""
        waiting: list[Any] = [self.root]
        while waiting:
            part = waiting.pop()
            if isinstance(part, dict):
                if key in part:
                    yield part
                waiting += part.values()
            elif isinstance(part, list):
                waiting += part


def _keys(cte_map: Mapping[str, Any]) -> list[str]:
    return [entry["key"] for entry in cte_map.get("map", [])]
