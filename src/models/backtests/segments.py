"""Groups of clients that a figure is given for: by what they hold, how long they have been clients, age and kind."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

Ints = npt.NDArray[np.int64]

FEWEST_EVENTS = 20
"""Clients to whom it happened, below which a group gets no figure."""

_BANDS: tuple[tuple[str, str, tuple[float, ...], tuple[str, ...]], ...] = (
    ("families", "families_held", (2.0, 3.0, 4.0), ("0–1", "2", "3", "4+")),
    # The edges of the life table from a year on. "new" puts the first two bands together: some products are sold in the
    # first two years or not at all, and an order over all clients then says little but how long they have been here.
    ("tenure", "tenure", (12.0, 24.0, 36.0, 60.0, 120.0), ("0–11", "12–23", "24–35", "36–59", "60–119", "120+")),
    ("new", "tenure", (24.0,), ("0–23", "24+")),
)
"""By what, the feature, the lower bounds of all groups but the first, and what the groups are called."""

_CODES: Mapping[str, str] = {"age_band": "age", "client_kind": "kind"}

SEGMENTS: Mapping[str, tuple[str, str]] = {
    "families": ("families of products held", "familles de produits détenues"),
    "tenure": ("months as a client", "mois d’ancienneté"),
    "new": ("new or established, months as a client", "récent ou établi, mois d’ancienneté"),
    "age": ("age", "âge"),
    "kind": ("kind of client", "type de client"),
}
"""What each way of grouping is called in English and in French."""


@dataclass(frozen=True)
class Segment:
    """A group: by what, its value, and the positions of its rows in what was grouped."""

    by: str
    value: str
    rows: Ints


def segments_of(X: pd.DataFrame) -> Iterator[Segment]:
    """Yield the groups of feature rows, as far as the features are there; rows of unknown value belong to none.

    Parameters
    ----------
    X
        (n, features).
    """
    for by, feature, edges, names in _BANDS:
        if feature in X:
            values = X[feature].to_numpy(dtype=np.float64, na_value=np.nan)
            band = np.where(np.isnan(values), -1, np.searchsorted(edges, values, side="right"))
            yield from _groups(by, band, names)
    for feature, by in _CODES.items():
        if feature in X:
            codes, levels = pd.factorize(X[feature], sort=True)
            yield from _groups(by, codes.astype(np.int64), tuple(str(level) for level in levels))


def _groups(by: str, codes: Ints, names: tuple[str, ...]) -> Iterator[Segment]:
    found = [(name, np.flatnonzero(codes == code)) for code, name in enumerate(names)]
    found = [(name, rows) for name, rows in found if len(rows)]
    if len(found) > 1:  # a book of persons only has no kinds to tell apart
        yield from (Segment(by, name, rows) for name, rows in found)
