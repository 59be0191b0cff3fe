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

_FAMILIES = (2.0, 3.0, 4.0)
_TENURE = (12.0, 36.0, 60.0, 120.0)
_BANDS: Mapping[str, tuple[str, tuple[float, ...], tuple[str, ...]]] = {
    "families_held": ("families", _FAMILIES, ("0–1", "2", "3", "4+")),
    "tenure": ("tenure", _TENURE, ("0–11", "12–35", "36–59", "60–119", "120+")),
}
_CODES: Mapping[str, str] = {"age_band": "age", "client_kind": "kind"}

SEGMENTS: Mapping[str, tuple[str, str]] = {
    "families": ("families of products held", "familles de produits détenues"),
    "tenure": ("months as a client", "mois d’ancienneté"),
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
    for feature, (by, edges, names) in _BANDS.items():
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
