"""The strongest groups of features: each group's sum, and the feature that speaks for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from appetence.errors import UsageError
from appetence.explain.kernel import Floats, Ints, compiled


class Top(NamedTuple):
    """The strongest features of n rows; a multiclass model has an axis of classes after the rows.

    Attributes
    ----------
    indices, values
        (n, k) columns of the features of greatest magnitude, strongest first and the earlier column where two tie;
        their contributions.
    raw
        (n,) the raw score, bias and all contributions added.
    """

    indices: Ints
    values: Floats
    raw: Floats

    @classmethod
    def room(cls, n_rows: int, n_classes: int, k: int) -> Top:
        """Return arrays to be filled, with an axis of classes."""
        shape = n_rows, n_classes, k
        return cls(np.zeros(shape, np.int64), np.zeros(shape), np.zeros(shape[:2]))

    def part(self, rows: slice, of_class: int) -> tuple[Ints, Floats, Floats]:
        """Return what belongs to some rows and a class, to be written to."""
        return self.indices[rows, of_class], self.values[rows, of_class], self.raw[rows, of_class]

    def of_one_class(self) -> Top:
        """Return the same without the axis of classes, which has one only."""
        return Top(*self.part(slice(None), 0))


class TopGroups(NamedTuple):
    """The strongest groups of n rows; a multiclass model has an axis of classes after the rows.

    Attributes
    ----------
    groups, values
        (n, k) the groups of greatest magnitude, strongest first and the lower number where two tie; the sums of their
        features' contributions.
    speakers
        (n, k) the column of each group that moves most in the group's own direction.
    raw
        (n,) the raw score, bias and all contributions added.
    """

    groups: Ints
    values: Floats
    speakers: Ints
    raw: Floats

    @classmethod
    def room(cls, n_rows: int, n_classes: int, k: int) -> TopGroups:
        """Return arrays to be filled, with an axis of classes."""
        shape = n_rows, n_classes, k
        return cls(np.zeros(shape, np.int64), np.zeros(shape), np.zeros(shape, np.int64), np.zeros(shape[:2]))

    def part(self, rows: slice, of_class: int) -> tuple[Ints, Floats, Ints, Floats]:
        """Return what belongs to some rows and a class, to be written to."""
        of = rows, of_class
        return self.groups[of], self.values[of], self.speakers[of], self.raw[of]

    def of_one_class(self) -> TopGroups:
        """Return the same without the axis of classes, which has one only."""
        return TopGroups(*self.part(slice(None), 0))


def check_groups(groups: Sequence[int] | npt.NDArray[np.integer], n_features: int) -> tuple[Ints, int]:
    """Return the group of each feature, and how many groups there are.

    Raises
    ------
    UsageError
        Unless there is one whole number per feature, and the numbers are 0, 1, 2 … without a gap.
    """
    numbers = np.asarray(groups)
    if numbers.shape != (n_features,) or numbers.dtype.kind not in "iu":
        raise UsageError(
            f"groups must hold one whole number for each of the model's {n_features} features",
            f"shape {numbers.shape} of {numbers.dtype}",
        )
    found = np.unique(numbers)
    if not np.array_equal(found, np.arange(len(found))):
        raise UsageError(
            "groups must be numbered 0, 1, 2 … without a gap", f"{len(found)} from {found[0]} to {found[-1]}"
        )
    return numbers.astype(np.int64), len(found)


@compiled
def strongest_groups(
    phi: Floats, group_of: Ints, n_groups: int, groups: Ints, values: Floats, speakers: Ints, sums: Floats
) -> None:
    """Keep each row's groups of greatest magnitude.

    `phi` is (n_rows, n_features). `groups`, `values` and `speakers`, (n_rows, k), and `sums`, (n_rows,), of all
    contributions, are overwritten.
    """
    k = groups.shape[1]
    total, most = np.empty(n_groups), np.empty(n_groups)
    speaker = np.zeros(n_groups, np.int64)
    for row in range(phi.shape[0]):
        total[:] = 0.0
        most[:] = -np.inf
        for feature in range(phi.shape[1]):
            total[group_of[feature]] += phi[row, feature]
        for feature in range(phi.shape[1]):
            group = group_of[feature]
            moved = phi[row, feature] * np.sign(total[group])
            if moved > most[group]:
                most[group], speaker[group] = moved, feature
        found = 0
        sums[row] = 0.0
        for group in range(n_groups):
            sums[row] += total[group]
            magnitude = abs(total[group])
            if found == k and (k == 0 or magnitude <= abs(values[row, k - 1])):
                continue
            place = min(found, k - 1)
            while place > 0 and abs(values[row, place - 1]) < magnitude:
                groups[row, place], values[row, place] = groups[row, place - 1], values[row, place - 1]
                place -= 1
            groups[row, place], values[row, place] = group, total[group]
            found = min(found + 1, k)
        for place in range(k):
            speakers[row, place] = speaker[groups[row, place]]
