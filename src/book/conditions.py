"""Conditions that a firm writes over its clients: a little SQL over given columns, and nothing else."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from functools import reduce
from typing import Any

import ibis
import ibis.expr.types as ir
import sqlglot
from sqlglot import expressions as sql

from appetence.errors import BookError

_HINT = (
    "Write a condition over {columns} with comparisons, BETWEEN, IN, IS NULL, AND, OR and NOT, for example: "
    "kind = 'person' AND age BETWEEN 18 AND 75"
)

_PAIRS: dict[type[Any], Callable[[Any, Any], Any]] = {
    sql.And: operator.and_,
    sql.Or: operator.or_,
    sql.EQ: operator.eq,
    sql.NEQ: operator.ne,
    sql.LT: operator.lt,
    sql.LTE: operator.le,
    sql.GT: operator.gt,
    sql.GTE: operator.ge,
    sql.Add: operator.add,
    sql.Sub: operator.sub,
}


_Part = Callable[[Any], Any]
"""Translates a part of the condition."""


class _UnreadableError(Exception):
    """A part of a condition that has no meaning here."""


def condition(text: str, columns: Mapping[str, Any], *, of: str) -> ir.BooleanValue:
    """Translate a condition into an expression.

    The SQL is parsed, and each of its parts translated, so that nothing but a comparison of these columns can come of
    it: no other column, function, sub-query or file. SQL's three-valued logic holds: with an unknown age, `age > 18`
    is null, and `kind = 'company' OR age > 18` is true of a company.

    Parameters
    ----------
    text
        The condition, over the names of `columns` in any case.
    columns
        What each name stands for; names in lower case.
    of
        What the condition is of, for the message.

    Raises
    ------
    BookError
        The text is no such condition.
    """
    try:
        tree = sqlglot.parse_one(text, dialect="duckdb")
        found = _translated(tree, columns)
        if not isinstance(found, ir.BooleanValue):
            raise _UnreadableError("a value that is neither true nor false")
        return found
    except (sqlglot.errors.SqlglotError, _UnreadableError, TypeError, ibis.common.exceptions.IbisError) as error:
        reason = str(error) if isinstance(error, _UnreadableError) else "what cannot be read as a condition"
        names = ", ".join(columns)
        raise BookError(f"{of} must be a condition over {names}", reason, _HINT.format(columns=names)) from None


def _translated(node: Any, columns: Mapping[str, Any]) -> Any:
    def of(part: Any) -> Any:
        return _translated(part, columns)

    if type(node) in _PAIRS:
        return _PAIRS[type(node)](of(node.this), of(node.expression))
    if type(node) in _OTHERS:
        return _OTHERS[type(node)](node, of)
    if isinstance(node, sql.Column):
        if node.sql().lower() not in columns:
            raise _UnreadableError(f"the column {node.sql()}")
        return columns[node.sql().lower()]
    raise _UnreadableError(f"{node.key.upper()} in it")


def _in(node: Any, of: _Part) -> Any:
    if not node.expressions:
        raise _UnreadableError("a sub-query in it")
    return reduce(operator.or_, [of(node.this) == of(each) for each in node.expressions])


def _is(node: Any, of: _Part) -> Any:
    if not isinstance(node.expression, sql.Null):
        raise _UnreadableError("IS of something else than NULL")
    return of(node.this).isnull()


def _literal(node: Any, _of: _Part) -> Any:
    text = str(node.this)
    if node.is_string:
        return ibis.literal(text)
    return ibis.literal(int(text) if text.isdigit() else float(text))


_OTHERS: dict[type[Any], Callable[[Any, _Part], Any]] = {
    sql.Paren: lambda node, of: of(node.this),
    sql.Not: lambda node, of: ~of(node.this),
    sql.Neg: lambda node, of: -of(node.this),
    sql.Between: lambda node, of: of(node.this).between(of(node.args["low"]), of(node.args["high"])),
    sql.In: _in,
    sql.Is: _is,
    sql.Literal: _literal,
    sql.Boolean: lambda node, _of: ibis.literal(bool(node.this)),
}
