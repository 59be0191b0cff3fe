from __future__ import annotations

import duckdb
import ibis
import pyarrow as pa
import pytest

from appetence.book.conditions import condition
from appetence.errors import BookError

CLIENTS = ibis.memtable(pa.table({"age": [0, 17, 18, 75, None, None], "kind": ["person"] * 4 + ["company", None]}))


@pytest.mark.parametrize(
    "text",
    [
        "kind = 'person' AND age BETWEEN 18 AND 75",
        "kind = 'company' OR age >= 18",
        "NOT (age < 18) and KIND <> 'company'",
        "age NOT BETWEEN 1 AND 17",
        "age IS NULL",
        "age IS NOT NULL",
        "kind IN ('company', 'club') OR age IN (17, 18)",
        "age NOT IN (17)",
        "-age < -17.5 AND age + 1 > 1e1 AND age - 1 != 74",
        "true",
    ],
)
def test_a_condition_means_what_it_means_in_sql(text):
    backend = ibis.duckdb.connect()
    told = CLIENTS.select("age", "kind", x=condition(text, {"age": CLIENTS.age, "kind": CLIENTS.kind}, of="P"))
    found = backend.to_pyarrow(told)
    with duckdb.connect() as connection:
        connection.register("clients", found.select(["age", "kind"]))
        expected = connection.execute(f"SELECT {text} FROM clients").fetchall()
    assert found["x"].to_pylist() == [value for (value,) in expected]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("age", "neither true nor false"),
        ("name = 'x'", "the column name"),
        ("clients.age > 3", r"the column clients\.age"),
        ("age > (SELECT 1)", "SUBQUERY"),
        ("age IN (SELECT 1)", "a sub-query"),
        ("read_text('secret') = 'x'", "but got"),
        ("length(kind) > 3", "LENGTH"),
        ("age IS TRUE", "IS of something else"),
        ("age >", "cannot be read"),
        ("", "cannot be read"),
        ("age > 1; SELECT 2", "but got"),
        ("kind > 5", "cannot be read"),
    ],
)
def test_anything_else_is_refused(text, told):
    with pytest.raises(BookError, match=told):
        condition(text, {"age": CLIENTS.age, "kind": CLIENTS.kind}, of="P")
