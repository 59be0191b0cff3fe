"""Read a feature table — pandas, Arrow or NumPy — into plain columns: numbers with NaN, or levels with codes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from sklearn.utils.validation import check_array

from appetence.errors import AppetenceError

_CONVERT = "Turn dates into durations (months since …) and anything else into numbers or strings"


class FeatureValueError(AppetenceError, ValueError):
    """A feature table with wrong columns or values."""


class FeatureTypeError(AppetenceError, TypeError):
    """A feature column of a type that no model can read."""


@dataclass(frozen=True)
class Numbers:
    """A numeric or boolean column: float64 values of shape (n_rows,), NaN where missing."""

    values: np.ndarray
    boolean: bool = False


@dataclass(frozen=True)
class Levels:
    """A column of categories: int32 codes of shape (n_rows,) into the sorted `names`, -1 where missing."""

    codes: np.ndarray
    names: tuple[str, ...]


Column = Numbers | Levels


@dataclass(frozen=True)
class Columns:
    """The columns of a feature table; `names` is None where the input has none (NumPy)."""

    columns: tuple[Column, ...]
    names: tuple[str, ...] | None
    n_rows: int

    def take(self, rows: np.ndarray) -> Columns:
        """Return the given rows (a mask or positions)."""
        taken = tuple(
            Numbers(c.values[rows], c.boolean) if isinstance(c, Numbers) else Levels(c.codes[rows], c.names)
            for c in self.columns
        )
        return Columns(taken, self.names, int(np.arange(self.n_rows)[rows].size))


def read_columns(X: Any) -> Columns:
    """Read a feature table.

    Parameters
    ----------
    X
        pandas DataFrame, Arrow table (or anything with an Arrow stream, such as a polars frame), or an array-like of
        shape (n_rows, n_features). Booleans become 0 and 1, strings and categories become levels.

    Raises
    ------
    FeatureTypeError
        A column of dates, objects, lists …
    FeatureValueError
        No rows, infinite values, or a column name used twice.
    """
    if isinstance(X, pd.DataFrame):
        return _from_pandas(X)
    if hasattr(X, "__arrow_c_stream__"):
        return _from_arrow(pa.table(X))
    return _from_array(X)


def _from_pandas(X: pd.DataFrame) -> Columns:
    _refuse_empty(*X.shape)
    named = all(isinstance(name, str) for name in X.columns)
    if not named and any(isinstance(name, str) for name in X.columns):
        raise FeatureTypeError("feature names must be all strings or all numbers", "a mix of both")
    labels = [str(name) for name in X.columns]
    _refuse_duplicates(labels)
    columns = tuple(_pandas_column(label, series) for label, (_, series) in zip(labels, X.items(), strict=True))
    return Columns(columns, tuple(labels) if named else None, len(X))


def _pandas_column(name: str, series: pd.Series[Any]) -> Column:
    dtype = series.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        names = [_level_name(level) for level in dtype.categories]
        return _sorted_levels(np.asarray(series.cat.codes, dtype=np.int32), names)
    if pd.api.types.is_complex_dtype(dtype):
        raise FeatureValueError(
            "feature columns must be real numbers", f"{dtype} in {name!r}: Complex data not supported"
        )
    if pd.api.types.is_bool_dtype(dtype) or pd.api.types.is_numeric_dtype(dtype):
        values = series.to_numpy(dtype=np.float64, na_value=np.nan)
        return Numbers(_finite(name, values), pd.api.types.is_bool_dtype(dtype))
    if dtype != np.dtype(object) and not isinstance(dtype, pd.StringDtype | pd.ArrowDtype):
        raise FeatureTypeError(f"feature {name!r} must be numbers, booleans or strings", str(dtype), _CONVERT)
    return _object_column(name, series)


def _from_arrow(table: pa.Table) -> Columns:
    _refuse_empty(table.num_rows, table.num_columns)
    _refuse_duplicates(table.column_names)
    columns = tuple(_arrow_column(name, table.column(name)) for name in table.column_names)
    return Columns(columns, tuple(table.column_names), table.num_rows)


def _arrow_column(name: str, values: pa.ChunkedArray | pa.Array) -> Column:
    if isinstance(values, pa.ChunkedArray):
        values = values.combine_chunks()
    kind = values.type
    if pa.types.is_dictionary(kind):
        values = pc.cast(values, kind.value_type)
        kind = kind.value_type
        if not _is_text(kind):
            return _text_column(pc.cast(values, pa.string()))
    if _is_text(kind):
        return _text_column(pc.cast(values, pa.string()))
    if pa.types.is_boolean(kind):
        values = pc.cast(values, pa.int8())
    elif not (
        pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind) or kind == pa.null()
    ):
        raise FeatureTypeError(f"feature {name!r} must be numbers, booleans or strings", str(kind), _CONVERT)
    numbers = pc.cast(values, pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    return Numbers(_finite(name, numbers), pa.types.is_boolean(kind))


def _from_array(X: Any) -> Columns:
    array = check_array(X, dtype=None, ensure_all_finite=False)
    if array.dtype.kind in "biuf":
        array = check_array(array, dtype=np.float64, ensure_all_finite="allow-nan", input_name="X")
        return Columns(tuple(Numbers(array[:, j]) for j in range(array.shape[1])), None, len(array))
    if array.dtype.kind not in "OUST":
        raise FeatureTypeError("features must be numbers, booleans or strings", str(array.dtype), _CONVERT)
    columns = tuple(_object_column(f"x{j}", pd.Series(array[:, j], dtype=object)) for j in range(array.shape[1]))
    return Columns(columns, None, len(array))


def _object_column(name: str, series: pd.Series[Any]) -> Column:
    try:
        return _arrow_column(name, pa.array(series, from_pandas=True))
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError) as error:
        kind = pd.api.types.infer_dtype(series, skipna=True)
        # The middle of the sentence is scikit-learn's own wording for a value that is neither; its checks ask for it.
        raise FeatureTypeError(
            f"feature {name!r}: the argument must be a string or a number throughout the column", kind, _CONVERT
        ) from error


def _text_column(values: pa.Array) -> Levels:
    encoded = values.dictionary_encode()
    codes = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int32)
    return _sorted_levels(codes, encoded.dictionary.to_pylist())


def _sorted_levels(codes: np.ndarray, names: list[str]) -> Levels:
    """Sort the levels by name, so that codes depend on what is in the column and not on the order of its rows."""
    order = sorted(range(len(names)), key=names.__getitem__)
    rank = np.full(len(names) + 1, -1, dtype=np.int32)  # the last place serves code -1, a missing value
    rank[order] = np.arange(len(names), dtype=np.int32)
    return Levels(rank[codes], tuple(names[i] for i in order))


def _level_name(level: object) -> str:
    """Name a level: 3 and 3.0 are one level, because a null among integers makes them floats."""
    if isinstance(level, float | np.floating) and float(level).is_integer():
        return str(int(level))
    return str(level)


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _finite(name: str, values: np.ndarray) -> np.ndarray:
    if np.isinf(values).any():
        count = int(np.isinf(values).sum())
        raise FeatureValueError(f"feature {name!r} must be finite or NaN", f"infinity or -inf in {count} rows")
    return values


def _refuse_duplicates(names: list[str]) -> None:
    if len(set(names)) < len(names):
        twice = sorted({name for name in names if names.count(name) > 1})
        raise FeatureValueError("feature names must be unique", f"twice: {', '.join(twice)}")


def _refuse_empty(n_rows: int, n_features: int) -> None:
    # scikit-learn's wording, which its checks and many users' tests look for.
    if n_rows == 0:
        raise FeatureValueError(
            f"Found array with 0 sample(s) (shape=(0, {n_features})) while a minimum of 1 is required"
        )
    if n_features == 0:
        raise FeatureValueError(
            f"0 feature(s) (shape=({n_rows}, 0)) while a minimum of 1 is required by PropensityClassifier"
        )
