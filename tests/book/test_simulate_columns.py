from __future__ import annotations

import datetime as dt
from decimal import ROUND_HALF_EVEN, Decimal

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from appetence.book.simulate.columns import NO_DAY, codes, contract_table, dates, flags, identifiers, integers, money

amounts = st.one_of(st.just(float("nan")), st.floats(-1e12, 1e12, allow_nan=False))


@given(st.lists(amounts, max_size=40))
def test_money_is_the_nearest_cent_and_nan_is_null(values: list[float]) -> None:
    column = money(np.array(values, dtype=np.float64))
    column.validate(full=True)
    assert column.type == pa.decimal128(18, 2)
    for value, got in zip(values, column.to_pylist(), strict=True):
        if np.isnan(value):
            assert got is None
        else:
            # The same rounding in decimals, of the binary product that the column rounds.
            expected = Decimal(value * 100).quantize(Decimal(1), ROUND_HALF_EVEN) / 100
            assert got == expected


def test_money_leaves_out_what_is_not_valid() -> None:
    column = money(np.array([1.5, 2.5, -3.25]), np.array([True, False, True]))
    assert column.to_pylist() == [Decimal("1.50"), None, Decimal("-3.25")]
    assert column.null_count == 1


@given(st.lists(st.dates(dt.date(1900, 1, 1), dt.date(2100, 1, 1)), max_size=20))
def test_dates_count_from_1970(days: list[dt.date]) -> None:
    numbers = np.array([(day - dt.date(1970, 1, 1)).days for day in days], dtype=np.int64)
    assert dates(np.r_[numbers, NO_DAY].astype(np.int64)).to_pylist() == [*days, None]


def test_identifiers_keep_leading_zeros() -> None:
    assert identifiers(np.array([7, 12345, -1]), 5).to_pylist() == ["00007", "12345", None]


def test_codes_take_by_index_and_give_plain_strings() -> None:
    column = codes(np.array([2, -1, 0]), ("x", "y", "z"))
    assert column.to_pylist() == ["z", None, "x"]
    assert column.type == pa.string()


def test_integers_and_flags_have_their_nulls() -> None:
    valid = np.array([True, False])
    assert integers(np.array([3, 4]), valid).to_pylist() == [3, None]
    assert flags(np.array([True, True]), valid).to_pylist() == [True, None]


def test_a_missing_column_is_not_made_up() -> None:
    with pytest.raises(KeyError, match="gender"):
        contract_table("protected", {"client_id": pa.array(["1"])})
