"""From numpy arrays to the contract's Arrow columns, without a Python loop over rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from appetence.book.contract import TABLES
from appetence.book.simulate.arrays import Bools, Floats, Ints

NO_DAY = -(2**31)
"""Stands for a date that is not there; `dates` makes it null."""


def identifiers(numbers: Ints, width: int) -> pa.Array:
    """Write numbers as text of `width` digits, leading zeros kept; a negative number is null.

    >>> identifiers(np.array([12, -1]), 4).to_pylist()
    ['0012', None]
    """
    numbers = np.asarray(numbers, dtype=np.int64)
    digits = pa.array(numbers, mask=numbers < 0).cast(pa.string())
    return pc.utf8_lpad(digits, width, "0")


def dates(days: Ints) -> pa.Array:
    """Make dates of day numbers; NO_DAY is null.

    >>> dates(np.array([0, NO_DAY])).to_pylist()
    [datetime.date(1970, 1, 1), None]
    """
    days = np.asarray(days, dtype=np.int32)
    return pa.array(days, mask=days == NO_DAY).view(pa.date32())


def money(euros: Floats, valid: Bools | None = None) -> pa.Array:
    """Round amounts to cents and store them as decimals; NaN, and what is not `valid`, is null.

    The 128-bit values are laid out directly (low word, then sign extension): a cast from float goes value by value
    and took the greater part of the whole simulation.

    >>> money(np.array([1.005, -0.5, np.nan])).to_pylist()
    [Decimal('1.00'), Decimal('-0.50'), None]
    """
    euros = np.asarray(euros, dtype=np.float64)
    known = ~np.isnan(euros) if valid is None else valid & ~np.isnan(euros)
    words = np.empty((euros.size, 2), dtype="<i8")
    words[:, 0] = np.rint(np.where(known, euros, 0.0) * 100)
    words[:, 1] = words[:, 0] >> 63
    bits = None if known.all() else pa.py_buffer(np.packbits(known, bitorder="little"))
    return pa.Array.from_buffers(pa.decimal128(18, 2), euros.size, [bits, pa.py_buffer(words)])


def codes(indices: Ints, values: Sequence[str] | pa.Array) -> pa.Array:
    """Take texts by index; a negative index is null.

    >>> codes(np.array([1, -1, 0]), ["a", "b"]).to_pylist()
    ['b', None, 'a']
    """
    indices = np.asarray(indices, dtype=np.int32)
    values = values if isinstance(values, pa.Array) else pa.array(values, pa.string())
    return values.take(pa.array(indices, mask=indices < 0))


def integers(numbers: Ints, valid: Bools | None = None) -> pa.Array:
    """Make 64-bit integers, null where not `valid`."""
    return pa.array(np.asarray(numbers, dtype=np.int64), mask=None if valid is None else ~valid)


def flags(values: Bools, valid: Bools | None = None) -> pa.Array:
    """Make booleans, null where not `valid`."""
    return pa.array(np.asarray(values, dtype=np.bool_), mask=None if valid is None else ~valid)


def contract_table(name: str, columns: Mapping[str, pa.Array]) -> pa.Table:
    """Lay columns out as the contract says; one that is missing is a mistake of the simulator and raises KeyError."""
    schema = TABLES[name].arrow_schema()
    return pa.Table.from_arrays([columns[field.name] for field in schema], schema=schema)
