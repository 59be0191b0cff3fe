from __future__ import annotations

import datetime as dt
import math
from decimal import Decimal

import duckdb
import pytest

from appetence.book.conform import conform, require_castable, select_list
from appetence.book.contract import Column, Type
from appetence.errors import BookError


def convert(sql: str, type_: Type) -> object:
    columns = (Column("x", type_, ""),)
    with duckdb.connect() as connection:
        relation = connection.sql(f"SELECT {sql} AS x")
        casts = conform("here", columns, [("x", str(relation.types[0]))])
        require_castable(connection, "here", f"(SELECT {sql} AS x)", casts)
        result = connection.sql(f"SELECT {select_list(columns, casts)} FROM (SELECT {sql} AS x)")
        assert str(result.types[0]).replace(",", ", ") == type_.sql
        return result.fetchall()[0][0]


@pytest.mark.parametrize(
    ("sql", "type_", "value"),
    [
        ("'0012'", Type.ID, "0012"),
        ("12", Type.ID, "12"),
        ("'a'::ENUM('a')", Type.CODE, "a"),
        ("'2024-02-29'", Type.DATE, dt.date(2024, 2, 29)),
        ("TIMESTAMP '2024-02-29 23:59:59'", Type.DATE, dt.date(2024, 2, 29)),
        ("DATE '2024-02-01'", Type.MONTH, dt.date(2024, 2, 1)),
        ("12", Type.MONEY, Decimal("12.00")),
        ("0.1::DOUBLE", Type.MONEY, Decimal("0.10")),
        ("'-12.345'", Type.MONEY, Decimal("-12.35")),
        ("'nan'::DOUBLE", Type.MONEY, None),
        ("'nan'::DOUBLE", Type.NUMBER, None),
        ("'inf'::DOUBLE", Type.NUMBER, math.inf),  # left to the checks
        ("1.5", Type.NUMBER, 1.5),
        ("3.0::DOUBLE", Type.INTEGER, 3),
        ("'4'", Type.INTEGER, 4),
        ("'true'", Type.FLAG, True),
        ("0", Type.FLAG, False),
        ("NULL", Type.DATE, None),
        ("NULL::INTEGER", Type.DATE, None),  # an empty column of another type is an empty column
    ],
)
def test_values_that_fit(sql, type_, value):
    assert convert(sql, type_) == value


@pytest.mark.parametrize(
    ("sql", "type_"),
    [
        ("12.0::DOUBLE", Type.ID),  # an id that became a float has lost its zeros, or worse
        ("DATE '2024-01-01'", Type.ID),
        ("true", Type.CODE),
        ("20240229", Type.DATE),
        ("'29/02/2024'", Type.DATE),
        ("'2023-02-29'", Type.DATE),
        ("'1,5'", Type.MONEY),
        ("1e17", Type.MONEY),
        ("'inf'::DOUBLE", Type.MONEY),
        ("true", Type.NUMBER),
        ("'x'", Type.NUMBER),
        ("1.5", Type.INTEGER),
        ("'1.5'", Type.INTEGER),
        ("2", Type.FLAG),
        ("'maybe'", Type.FLAG),
        ("[1]", Type.INTEGER),
    ],
)
def test_values_that_do_not_fit_are_counted(sql, type_):
    with pytest.raises(BookError, match=r"here: column 'x' must be .* with 1 value\(s\) that are not"):
        convert(sql, type_)
