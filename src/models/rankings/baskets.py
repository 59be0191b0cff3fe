"""What clients held and had, product by product, as known at a cut: the material of rules and of likeness."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from appetence.book import Book
from appetence.book.clocks import contracts_as_known
from appetence.book.spine import numbered_spine

Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]

BANDS = 5
"""Bands of income, of equal numbers of the clients learnt from: what is much differs between books and currencies."""

_CODES = ("age_band", "client_kind")
_AMOUNTS = ("income",)


@dataclass(frozen=True)
class Baskets:
    """Clients at cuts, one row each.

    Attributes
    ----------
    held
        (n, products) in force at the cut.
    had
        (n, products) in force or closed.
    more
        (n, products) two contracts or more, in force or closed.
    """

    held: Flags
    had: Flags
    more: Flags

    def __len__(self) -> int:
        return len(self.held)

    def rows(self, chosen: slice) -> Baskets:
        """Return some of the rows."""
        return Baskets(self.held[chosen], self.had[chosen], self.more[chosen])


def baskets_of(book: Book, spine: pa.Table, products: Sequence[str]) -> Baskets:
    """Read what was known of each row's contracts at its cut.

    Parameters
    ----------
    spine
        `client_id` and `cut`, each pair once.
    products
        The columns, in their order; other products are left out.
    """
    found = {name: np.zeros((len(spine), len(products)), dtype=bool) for name in ("held", "had", "more")}
    if len(spine) and products:
        known = contracts_as_known(book, book.memtable("basket_spine", numbered_spine(spine)))
        counted = known.group_by("row", "product_id").agg(held=known.held.any(), contracts=known.count())
        table = book.execute(counted)
        place = pc.index_in(table["product_id"].combine_chunks(), pa.array(products, pa.string()))
        asked = np.asarray(place.is_valid())
        row = table["row"].to_numpy()[asked]
        column = place.fill_null(0).to_numpy(zero_copy_only=False)[asked]
        found["held"][row, column] = table["held"].to_numpy()[asked]
        found["had"][row, column] = True
        found["more"][row, column] = table["contracts"].to_numpy()[asked] > 1
    return Baskets(**found)


def segments(learnt: pd.DataFrame, asked: pd.DataFrame) -> tuple[Ints, Ints]:
    """Return codes of what else makes clients alike, as far as it is among the features.

    Parameters
    ----------
    learnt, asked
        Features of the clients learnt from, and of those asked about.

    Returns
    -------
    tuple of ndarray of int
        (n, attributes) of either: kind, band of age, band of income, tolerance of risk, the one that matters least
        last; -1 where it is unknown.
    """
    columns = []
    for name in ("client_kind", "age_band", "income", "risk_tolerance"):
        if name not in learnt:
            continue
        if name in _CODES:
            levels = pd.Index(learnt[name].dropna().unique())
            columns.append([levels.get_indexer(X[name]).astype(np.int64) for X in (learnt, asked)])
        else:
            values = [X[name].to_numpy(dtype=np.float64, na_value=np.nan) for X in (learnt, asked)]
            edges = _edges(values[0]) if name in _AMOUNTS else None
            columns.append([_banded(one, edges) for one in values])
    if not columns:
        return np.zeros((len(learnt), 0), dtype=np.int64), np.zeros((len(asked), 0), dtype=np.int64)
    return np.column_stack([one[0] for one in columns]), np.column_stack([one[1] for one in columns])


def _edges(values: Floats) -> Floats:
    known = values[~np.isnan(values)]
    return np.unique(np.quantile(known, np.arange(1, BANDS) / BANDS)) if len(known) else np.empty(0)


def _banded(values: Floats, edges: Floats | None) -> Ints:
    """Return the band of each value; without edges, the whole number that it is."""
    band = np.nan_to_num(values) if edges is None else np.searchsorted(edges, values, side="right")
    return np.where(np.isnan(values), -1, band).astype(np.int64)
