"""Reading pandas, Arrow and NumPy into the same plain columns."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from appetence.models.columns import FeatureTypeError, FeatureValueError, Levels, Numbers, read_columns


@pytest.mark.parametrize(
    "values",
    [
        pd.Series([1.5, None, 2.0]),
        pd.Series([1.5, None, 2.0], dtype="Float64"),
        pd.Series([1.5, None, 2.0], dtype="float32"),
        pd.Series([1.5, None, 2.0], dtype=pd.ArrowDtype(pa.float64())),
        pd.Series([Decimal("1.5"), None, Decimal(2)], dtype=object),
        pa.array([1.5, None, 2.0]),
        pa.array([Decimal("1.5"), None, Decimal("2.0")]),
        pa.array([1.5, None, 2.0], type=pa.float32()),
    ],
)
def test_numbers_of_any_type(values):
    table = pa.table({"x": values}) if isinstance(values, pa.Array) else pd.DataFrame({"x": values})
    column = read_columns(table).columns[0]
    assert isinstance(column, Numbers)
    np.testing.assert_array_equal(column.values, [1.5, np.nan, 2.0])


@pytest.mark.parametrize(
    "values",
    [
        pd.Series(["b", None, "a"], dtype="str"),
        pd.Series(["b", None, "a"], dtype=object),
        pd.Series(["b", None, "a"], dtype="category"),
        pd.Series(["b", None, "a"], dtype=pd.ArrowDtype(pa.string())),
        pa.array(["b", None, "a"]),
        pa.array(["b", None, "a"], type=pa.large_string()),
        pa.array(["b", None, "a"], type=pa.string_view()),
        pa.array(["b", None, "a"]).dictionary_encode(),
        pa.chunked_array([["b"], [None, "a"]]),
        pa.chunked_array([pa.array(["b"]).dictionary_encode(), pa.array([None, "a"]).dictionary_encode()]),
    ],
)
def test_levels_of_any_type(values):
    table = pa.table({"x": values}) if isinstance(values, pa.Array | pa.ChunkedArray) else pd.DataFrame({"x": values})
    column = read_columns(table).columns[0]
    assert isinstance(column, Levels)
    assert column.names == ("a", "b")
    assert column.codes.tolist() == [1, -1, 0]


@pytest.mark.parametrize("dtype", ["bool", "boolean", object])
def test_booleans_are_numbers(dtype):
    column = read_columns(pd.DataFrame({"x": pd.Series([True, False], dtype=dtype)})).columns[0]
    assert isinstance(column, Numbers)
    assert column.boolean
    assert column.values.tolist() == [1.0, 0.0]


def test_whole_numbers_as_categories_have_one_name_whatever_a_null_made_of_them():
    whole = read_columns(pd.DataFrame({"x": pd.Categorical([3, 1])})).columns[0]
    broken = read_columns(pd.DataFrame({"x": pd.Categorical([3.0, np.nan])})).columns[0]
    assert (whole.names, broken.names) == (("1", "3"), ("3",))


def test_arrays_have_no_names_and_may_hold_strings():
    read = read_columns(np.array([[1.0, "a"], [None, "b"]], dtype=object))
    assert read.names is None
    np.testing.assert_array_equal(read.columns[0].values, [1.0, np.nan])
    assert read.columns[1].names == ("a", "b")
    assert read_columns(pd.DataFrame({0: [1.0], 1: [2.0]})).names is None


def test_anything_with_an_arrow_stream_is_a_table():
    class Frame:
        def __arrow_c_stream__(self, requested_schema=None):
            return pa.table({"x": [1, 2]}).__arrow_c_stream__(requested_schema)

    assert read_columns(Frame()).names == ("x",)


@pytest.mark.parametrize(
    "values",
    [
        pd.Series(pd.to_datetime(["2020-01-01"])),
        pd.Series(pd.to_datetime(["2020-01-01"]).tz_localize("UTC")),
        pd.Series(pd.to_timedelta([1], unit="D")),
        pd.Series(pd.period_range("2020-01", periods=1, freq="M")),
        pd.Series([dt.date(2020, 1, 1)], dtype=object),
        pd.Series([{"a": 1}], dtype=object),
        pd.Series([object()], dtype=object),
        pd.Series([[1, 2]], dtype=object),
    ],
)
def test_dates_and_objects_are_refused_by_name(values):
    with pytest.raises(FeatureTypeError, match=r"'opened_on'.*(durations|numbers)"):
        read_columns(pd.DataFrame({"opened_on": values}))


def test_arrow_dates_and_lists_are_refused_by_name():
    for values in (pa.array([dt.date(2020, 1, 1)]), pa.array([[1]]), pa.array([b"x"])):
        with pytest.raises(FeatureTypeError, match="'opened_on'"):
            read_columns(pa.table({"opened_on": values}))
    with pytest.raises(FeatureTypeError, match="numbers, booleans or strings"):
        read_columns(np.array([["2020-01-01"]], dtype="datetime64[D]"))


def test_mixed_objects_are_refused_without_showing_a_value():
    with pytest.raises(FeatureTypeError, match="'x'") as caught:
        read_columns(pd.DataFrame({"x": pd.Series(["Dupont", 3], dtype=object)}))
    assert "Dupont" not in str(caught.value)


def test_infinity_and_double_names_and_nothing_are_refused():
    with pytest.raises(FeatureValueError, match="'x' must be finite or NaN, but got infinity or -inf in 2 rows"):
        read_columns(pd.DataFrame({"x": [np.inf, -np.inf, 1.0]}))
    with pytest.raises(FeatureValueError, match="twice: x"):
        read_columns(pd.DataFrame([[1, 2]], columns=["x", "x"]))
    with pytest.raises(FeatureTypeError, match="all strings or all numbers"):
        read_columns(pd.DataFrame([[1, 2]], columns=["x", 1]))
    with pytest.raises(FeatureValueError, match="0 sample"):
        read_columns(pd.DataFrame({"x": []}))
    with pytest.raises(FeatureValueError, match="0 feature"):
        read_columns(pd.DataFrame(index=[0, 1]))
    with pytest.raises(FeatureValueError, match="Complex data not supported"):
        read_columns(pd.DataFrame({"x": [1j]}))


def test_take_keeps_rows_by_mask_and_position():
    read = read_columns(pd.DataFrame({"x": [1, 2, 3], "c": ["a", "b", "a"]}))
    mask = read.take(np.array([True, False, True]))
    places = read.take(np.array([0, 2]))
    assert mask.n_rows == places.n_rows == 2
    assert mask.columns[0].values.tolist() == places.columns[0].values.tolist() == [1.0, 3.0]
    assert mask.columns[1].codes.tolist() == [0, 0]
