"""Folds that keep together what moves together: households, repeated rows, and the order of time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.utils.validation import check_consistent_length, column_or_1d

from appetence.models.columns import Columns, Numbers

LATE_SHARE = 0.3
"""Share of the rows, the latest ones, that judge choices when `time` is known."""


@dataclass(frozen=True)
class Split:
    """Positions of the rows to learn from and of those to judge by."""

    train: np.ndarray
    valid: np.ndarray


def row_keys(columns: Columns) -> np.ndarray:
    """Return a 64-bit hash of each row's content, uint64 of shape (n_rows,): equal rows have equal keys."""
    keys = np.zeros(columns.n_rows, dtype=np.uint64)
    for column in columns.columns:
        values = column.values if isinstance(column, Numbers) else column.codes
        canonical = np.where(np.isnan(values), np.nan, values + 0.0).astype(np.float64)
        keys = _mix(keys * np.uint64(31) + canonical.view(np.uint64))
    return keys


def assign_folds(units: np.ndarray, y: np.ndarray, n_folds: int, seed: int) -> np.ndarray | None:
    """Deal whole units into folds, those with a positive evenly.

    Dealing follows a hash of the unit, not the order of the rows: the same rows in another order, or a row repeated
    instead of weighted, give the same folds. (Contiguous folds of time-ordered rows would judge by other periods.)

    Parameters
    ----------
    units
        What must not be split over folds: uint64 keys of shape (n_rows,).
    y
        Labels, 0 or 1, of shape (n_rows,).
    n_folds
        Folds wanted; fewer are made where a class has fewer units.

    Returns
    -------
    int64 of shape (n_rows,), or None where no two folds could each leave both classes to learn from.
    """
    keys, unit = np.unique(units, return_inverse=True)
    has_positive = np.bincount(unit, y) > 0
    has_negative = np.bincount(unit, 1.0 - y) > 0
    n_folds = min(n_folds, int(has_positive.sum()), int(has_negative.sum()))
    if n_folds < 2:
        return None
    order = np.lexsort((_mix(keys + np.uint64(seed)), has_positive))
    fold_of_unit = np.empty(len(keys), dtype=np.int64)
    fold_of_unit[order] = np.arange(len(keys)) % n_folds
    folds = fold_of_unit[unit]
    for fold in range(n_folds):
        if len(np.unique(y[folds != fold])) < 2:
            return None
    return folds


def group_keys(groups: Any, n_rows: int) -> np.ndarray:
    """Turn group labels of any type into keys, uint64 of shape (n_rows,)."""
    labels = column_or_1d(np.asarray(groups))
    check_consistent_length(labels, np.empty(n_rows))
    _, codes = np.unique(labels.astype(str) if labels.dtype == object else labels, return_inverse=True)
    return codes.astype(np.uint64)


def make_splits(folds: np.ndarray, y: np.ndarray, time: Any = None) -> list[Split]:
    """Return one split per fold.

    With `time`, each split learns from the earlier rows outside the fold and is judged by the latest rows inside it:
    what is chosen so has to hold both for clients never seen and for a time never seen. Splits that lack a class on
    either side are left out.
    """
    late = _is_late(np.asarray(time)) if time is not None else None
    splits = []
    for fold in np.unique(folds):
        inside = folds == fold
        train, valid = (~inside, inside) if late is None else (~inside & ~late, inside & late)
        if len(np.unique(y[train])) == 2 and len(np.unique(y[valid])) == 2:
            splits.append(Split(np.flatnonzero(train), np.flatnonzero(valid)))
    return splits


def thinned(split: Split, most: int) -> Split:
    """Return a split of at most so many rows, drawn at random in proportion; itself where it has no more.

    The draw has a fixed seed: a part of rows that are in no order needs no luck, and repeats itself.
    """
    rows = len(split.train) + len(split.valid)
    if rows <= most:
        return split
    rng = np.random.default_rng(0x7468696E)
    parts = (rng.choice(part, part.size * most // rows, replace=False) for part in (split.train, split.valid))
    return Split(*(np.sort(part) for part in parts))


def _is_late(time: np.ndarray) -> np.ndarray:
    moments, position = np.unique(time, return_inverse=True)
    share_from = 1.0 - np.cumsum(np.bincount(position)) / len(position)  # share of rows strictly later
    late = np.append(1.0, share_from[:-1])[position] <= LATE_SHARE + 1e-9
    if not late.any():  # the last moment alone holds more than that share
        late = position == len(moments) - 1
    return late & (len(moments) > 1)


def _mix(keys: np.ndarray) -> np.ndarray:
    """Scramble 64-bit keys (the finaliser of SplitMix64, Steele et al. 2014)."""
    keys = (keys ^ (keys >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    keys = (keys ^ (keys >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed: np.ndarray = keys ^ (keys >> np.uint64(31))
    return mixed
