from __future__ import annotations

from decimal import Decimal

import ibis
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appetence.errors import UsageError
from appetence.features.expressions import (
    at_least,
    cents,
    latest_known,
    matches,
    mean,
    money,
    ratio,
    relative_change,
    remainder,
    slope,
)


@pytest.fixture(scope="module")
def evaluate():
    connection = ibis.duckdb.connect()

    def run(function, **columns):
        table = ibis.memtable(pa.table(columns))
        return connection.to_pyarrow(table.select(x=function(table)))["x"].to_pylist()

    yield run
    connection.disconnect()


def test_ratio_is_null_over_zero(evaluate):
    found = evaluate(lambda t: ratio(t.a, t.b), a=pa.array([1, 0, 1, None]), b=pa.array([4, 0, 0, 2]))
    assert found == [0.25, None, None, None]


def test_relative_change_needs_something_to_compare_with(evaluate):
    now, then = pa.array([150, 50, -10, 10, 10, None]), pa.array([100, 100, 100, 99, None, 100])
    assert evaluate(lambda t: relative_change(t.a, t.b, 100), a=now, b=then)[:5] == [0.5, -0.5, -1.0, None, None]


def test_at_least(evaluate):
    assert evaluate(lambda t: at_least(t.a, 3), a=pa.array([2, 3, None])) == [None, 3, None]


def test_cents_are_exact(evaluate):
    amounts = pa.array([Decimal("0.29"), Decimal("-1.15"), None], pa.decimal128(18, 2))
    assert evaluate(lambda t: cents(t.a), a=amounts) == [29, -115, None]
    assert evaluate(lambda t: money(cents(t.a)), a=amounts) == [0.29, -1.15, None]


def test_remainders_are_not_negative(evaluate):
    assert evaluate(lambda t: remainder(t.a, 12), a=pa.array([-13, -12, -1, 0, 11, 12, None])) == [
        11,
        0,
        11,
        0,
        11,
        0,
        None,
    ]


def test_accents_and_line_breaks_do_not_hide_a_match(evaluate):
    texts = ["Réclamation\n", "re\u0301clamation", "RECLAMATION", "une réclamation", "", None]
    assert evaluate(lambda t: matches(t.a, "^reclamation ?$"), a=pa.array(texts)) == [True] * 3 + [False] * 3


@pytest.mark.parametrize("pattern", [r"\bfrais\b", "[[:alpha:]]+", "[a-z&&[^x]]", "[a[b]]"])
def test_a_pattern_that_engines_read_differently_is_refused(pattern):
    with pytest.raises(UsageError, match="must find the same on every engine"):
        matches(ibis.literal("frais"), pattern)


def test_the_latest_of_a_day_is_the_one_with_the_greatest_key():
    days = pa.array([1, 2, 2, 3], pa.int32()).cast(pa.date32())
    columns = {"day": days, "key": ["d", "a", "b", "c"], "value": pa.array([10, 20, 30, None])}
    table = ibis.memtable(pa.table(columns)).group_by(every=1)
    latest = table.agg(x=latest_known(ibis._.value, ibis._.day, ibis._.key, ibis._.value.notnull()))
    assert ibis.duckdb.connect().to_pyarrow(latest)["x"].to_pylist() == [30]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.none() | st.integers(-10_000_000, 10_000_000), min_size=2, max_size=12))
def test_slope_and_mean_are_those_of_numpy(evaluate, values):
    columns = {f"y{x}": pa.array([value], pa.int64()) for x, value in enumerate(values)}
    kept = [(x, value) for x, value in enumerate(values, start=1) if value is not None]
    found = evaluate(lambda t: slope([t[name] for name in columns]), **columns)[0]
    average = evaluate(lambda t: mean([t[name] for name in columns]), **columns)[0]
    if len(kept) < 2:
        assert found is None
    else:
        x, y = np.array(kept, dtype=float).T
        assert found == pytest.approx(np.polyfit(x, y, 1)[0], rel=1e-6, abs=1e-6)
    assert average == (pytest.approx(np.mean([y for _, y in kept])) if kept else None)
