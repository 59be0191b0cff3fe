"""Advisors and the parts of the firm above them: figures of advisors added up, so that parts make the whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from appetence.book import Book

Ints = npt.NDArray[np.int64]

COMPANY, ADVISOR = "company", "advisor"
LEVELS = (COMPANY, "region", "branch", "team", ADVISOR)
"""From the top."""

ALL = "all"
"""Id of the one unit of the company's level."""

NOBODY = ""
"""Id, on the advisors' level, of the clients who have no advisor."""

SEPARATOR = " / "

Path = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Units:
    """The firm's units, from the company down to the advisors.

    Attributes
    ----------
    advisor_id
        Of the leaves, sorted; the last leaf is `NOBODY`.
    level, unit_id
        Of the units, (units,). A region, branch or team is known by its name and by what it is part of, so that teams
        of the same name in two branches are two; levels that the book does not name are left out.
    parent
        (units,) place of the unit one level above; -1 for the company. Advisors of a branch without a team belong to
        the branch itself.
    leaf, above
        (pairs,): place of a leaf, and of a unit that it belongs to, itself included.
    """

    advisor_id: tuple[str, ...]
    level: tuple[str, ...]
    unit_id: tuple[str, ...]
    parent: Ints
    leaf: Ints
    above: Ints

    def __len__(self) -> int:
        return len(self.unit_id)

    def add_up(self, leaves: Ints) -> Ints:
        """Return the sums of all units: from (leaves, …) to (units, …), in whole numbers and so exact."""
        summed = np.zeros((len(self), *leaves.shape[1:]), dtype=np.int64)
        np.add.at(summed, self.above, leaves[self.leaf])
        return summed

    def leaf_of(self, advisor_ids: pa.Array | pa.ChunkedArray) -> Ints:
        """Return the leaf of each advisor's id; null and unknown ids are those of `NOBODY`."""
        found = pc.index_in(advisor_ids, value_set=pa.array(self.advisor_id[:-1], pa.string()))
        return np.asarray(found.fill_null(len(self.advisor_id) - 1).to_numpy(zero_copy_only=False), dtype=np.int64)

    @property
    def ranked(self) -> npt.NDArray[np.bool_]:
        """(units,) whether a unit has a rank among those of its level: clients without an advisor are no book."""
        return np.array([unit != NOBODY for unit in self.unit_id])


def read_units(book: Book) -> Units:
    """Return the units of a book; where it names no advisors, the company and the clients without one."""
    paths: dict[str, Path] = {}
    if book.has_column("clients", "advisor_id"):
        clients = book.table("clients")
        named = book.execute(clients.filter(clients.advisor_id.notnull()).select("advisor_id").distinct())
        paths = dict.fromkeys(sorted(named["advisor_id"].to_pylist()), ())
    if book.has("advisors"):
        rows = book.execute(book.table("advisors").select("advisor_id", "region", "branch", "team"))
        paths |= {row["advisor_id"]: _path(row) for row in rows.to_pylist()}
    return build_units(paths)


def build_units(paths: Mapping[str, Path]) -> Units:
    """Return the units of advisors.

    Parameters
    ----------
    paths
        Per advisor's id, the (level, name) of the units that the advisor is in, from the top.
    """
    advisors = (*sorted(paths), NOBODY)
    inner = sorted(
        {path[:depth] for path in paths.values() for depth in range(1, len(path) + 1)},
        key=lambda path: (LEVELS.index(path[-1][0]), path),
    )
    place: dict[Path, int] = {(): 0} | {path: number for number, path in enumerate(inner, start=1)}
    first_leaf = len(place)
    parent = [-1, *(place[path[:-1]] for path in inner), *(place[paths.get(advisor, ())] for advisor in advisors)]
    leaf, above = [], []
    for number in range(len(advisors)):
        unit = first_leaf + number
        while unit >= 0:
            leaf.append(number)
            above.append(unit)
            unit = parent[unit]
    return Units(
        advisors,
        (COMPANY, *(path[-1][0] for path in inner), *(ADVISOR for _ in advisors)),
        (ALL, *(SEPARATOR.join(name for _, name in path) for path in inner), *advisors),
        np.array(parent, dtype=np.int64),
        np.array(leaf, dtype=np.int64),
        np.array(above, dtype=np.int64),
    )


def sums_by(place: Ints, values: Ints, size: int) -> Ints:
    """Return (size, …) sums of (rows, …) whole numbers by place; rows must be sorted by place.

    >>> sums_by(np.array([0, 0, 2]), np.array([1, 2, 5]), 3).tolist()
    [3, 0, 5]
    """
    summed = np.zeros((size, *values.shape[1:]), dtype=np.int64)
    if len(place):
        starts = np.flatnonzero(np.r_[True, place[1:] != place[:-1]])
        summed[place[starts]] = np.add.reduceat(values, starts, axis=0)
    return summed


def _path(row: Mapping[str, str | None]) -> Path:
    named: Sequence[tuple[str, str | None]] = [(level, row[level]) for level in LEVELS[1:-1]]
    return tuple((level, name) for level, name in named if name is not None)
