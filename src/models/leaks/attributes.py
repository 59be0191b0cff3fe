"""The firm's raw columns about clients beside each client and cut: what the detectors of attributes read.

Undated columns are today's; `client_facts` are those in force at the cut. Names are `table.column`.
"""

from __future__ import annotations

from typing import Any

import ibis.expr.types as ir
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from appetence.book import Book
from appetence.book.contract import TABLES, Type
from appetence.book.spine import numbered_spine
from appetence.config import FeatureSettings
from appetence.features.asof import AsKnown
from appetence.features.pipeline import shape_of
from appetence.models.leaks.single_features import sliced

Ints = npt.NDArray[np.int64]

MOST_LEVELS = 100
"""Levels of a column looked at one by one, the most frequent ones; the rest are one level together."""

MASK_ONLY = ("clients.name", "clients.household_id", "clients.referred_by")
"""Columns of which only whether they are filled is read: personal, or with a level for every few clients."""


def attributes_at(book: Book, spine: pa.Table, settings: FeatureSettings) -> pd.DataFrame:
    """Return the raw columns of `clients`, `client_facts` and, of contracts held, `ends_on`, in the order of the spine.

    Columns that the firm does not map are left out.
    """
    known = AsKnown(book, book.memtable("spine", numbered_spine(spine)), shape_of(book, settings))
    parts = [_columns(book, "clients", known.clients(), [c for c in TABLES["clients"].by_name if c != "client_id"])]
    if book.has("client_facts"):
        names = [c for c in TABLES["client_facts"].by_name if c not in ("client_id", "known_on")]
        parts.append(_columns(book, "client_facts", known.facts(), [*names, *book.extra_columns("client_facts")]))
    if book.has_column("contracts", "ends_on"):
        held = known.contracts()
        ends = held.filter(held.held).group_by("row").agg(ends_on=held.ends_on.max())
        parts.append(_columns(book, "contracts", known.spine.left_join(ends, "row"), ["ends_on"]))
    return pd.concat(parts, axis=1)


def _columns(book: Book, table: str, rows: ir.Table, names: list[str]) -> pd.DataFrame:
    kept = [name for name in names if book.has_column(table, name) and name != "joined_on"]
    found = book.execute(rows.select("row", *kept).order_by("row"))
    return pd.DataFrame({f"{table}.{name}": found[name].to_pandas() for name in kept})


def joining_month(book: Book, spine: pa.Table) -> Ints:
    """Return the month in which each row's client joined, as a code."""
    clients = book.execute(book.table("clients").select("client_id", "joined_on"))
    days = clients["joined_on"].to_numpy().astype("datetime64[M]").astype(np.int64)
    of_client = pd.Series(days, index=clients["client_id"].to_pandas().astype("str"))
    return np.unique(of_client.reindex(spine["client_id"].to_pandas().astype("str")), return_inverse=True)[1]


def mask(column: pd.Series[Any]) -> Ints:
    """Return 1 where the column is filled, 0 where it is null."""
    return column.notna().to_numpy().astype(np.int64)


def levels(name: str, column: pd.Series[Any]) -> Ints:
    """Return codes of the column's levels, 0 where it is null; numbers and dates in slices."""
    type_ = TABLES[name.split(".", maxsplit=1)[0]].by_name.get(name.split(".")[1])
    if name in MASK_ONLY or (type_ is not None and type_.type is Type.TEXT):
        return mask(column)
    if type_ is not None and type_.type is Type.DATE:
        days = pd.to_datetime(column)
        return sliced(np.asarray(days.dt.year.to_numpy(dtype=np.float64, na_value=np.nan)))
    numbers = pd.to_numeric(column, errors="coerce")
    if numbers.notna().sum() == column.notna().sum() and not isinstance(column.dtype, pd.StringDtype):
        return sliced(np.asarray(numbers.to_numpy(dtype=np.float64, na_value=np.nan)))
    codes = pd.factorize(column)[0] + 1
    frequent = np.argsort(-np.bincount(codes, minlength=1), kind="stable")[:MOST_LEVELS]
    return np.where(np.isin(codes, frequent) | (codes == 0), codes, codes.max() + 1).astype(np.int64)
