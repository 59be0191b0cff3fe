"""Clusters over months: which of this month's is which of last month's, and how many clients moved."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Tracked:
    """Clusters of this month under last month's numbers.

    Attributes
    ----------
    clusters
        (clients,) the numbers of this month's clients.
    renamed
        Number as it was learnt: number that it has now. A cluster that matches none of before has one never used.
    stayed_in
        Clients of both months.
    moved
        Share of these who are in another cluster; NaN where nobody is in both.
    """

    clusters: Ints
    renamed: dict[int, int]
    stayed_in: int
    moved: float


def track_clusters(
    before_clients: pa.Array, before: Ints, clients: pa.Array, clusters: Ints, used: int | None = None
) -> Tracked:
    """Match this month's clusters to last month's, so that names stay.

    Parameters
    ----------
    before_clients, before
        Last month's clients and their clusters.
    clients, clusters
        This month's.
    used
        The highest number ever given; the highest of `before` by default.

    Notes
    -----
    The matching is the one that leaves most clients where they were (the assignment problem: Kuhn 1955, "The Hungarian
    method"); it is right whether this month's clusters were learnt anew or not.
    """
    from scipy.optimize import linear_sum_assignment

    row = pc.index_in(clients, before_clients)
    both = np.asarray(row.is_valid())
    was = before[row.fill_null(0).to_numpy().astype(np.int64)[both]] if len(before) else before
    now = clusters[both]
    old, new = np.unique(before), np.unique(clusters)
    shared = np.zeros((len(new), len(old)), dtype=np.int64)
    np.add.at(shared, (np.searchsorted(new, now), np.searchsorted(old, was)), 1)
    pairs = zip(*linear_sum_assignment(shared, maximize=True), strict=True)
    renamed = {int(new[mine]): int(old[theirs]) for mine, theirs in pairs if shared[mine, theirs] > 0}
    following = max(int(old.max()) if len(old) else 0, used or 0)
    for number in new.tolist():
        if number not in renamed:
            following += 1
            renamed[number] = following
    names = np.array([renamed[number] for number in new.tolist()], dtype=np.int64)
    kept = names[np.searchsorted(new, clusters)] if len(new) else clusters
    moved = float((kept[both] != was).mean()) if both.any() else float("nan")
    return Tracked(kept, renamed, int(both.sum()), moved)
