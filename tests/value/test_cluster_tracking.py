from itertools import permutations

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from appetence.value.cluster_tracking import track_clusters

CLIENTS = st.dictionaries(st.integers(0, 30), st.integers(1, 3), min_size=1, max_size=30)


def tracked(before, now, **more):
    def side(clusters):
        return pa.array([str(c) for c in clusters], pa.string()), np.array(list(clusters.values()), dtype=np.int64)

    return track_clusters(*side(before), *side(now), **more)


def test_the_same_clusters_under_other_numbers_keep_their_names():
    before = dict.fromkeys(range(5), 1) | dict.fromkeys(range(5, 9), 2)
    found = tracked(before, dict.fromkeys(range(5), 2) | dict.fromkeys(range(5, 9), 1))
    assert found.renamed == {1: 2, 2: 1}
    assert (found.moved, found.stayed_in) == (0.0, 9)


def test_a_cluster_that_is_new_gets_a_number_never_used():
    before = dict.fromkeys(range(6), 1)
    now = dict.fromkeys(range(4), 1) | dict.fromkeys(range(4, 6), 2) | {7: 3}
    found = tracked(before, now, used=8)
    assert found.renamed == {1: 1, 2: 9, 3: 10}
    assert found.moved == 2 / 6
    assert found.clusters.tolist() == [1, 1, 1, 1, 9, 9, 10]


def test_where_nobody_is_in_both_months_nothing_is_said_to_have_moved():
    found = tracked({1: 1}, {2: 1})
    assert np.isnan(found.moved)
    assert found.renamed == {1: 2}


@given(CLIENTS, CLIENTS)
def test_no_other_naming_would_leave_more_clients_where_they_were(before, now):
    found = tracked(before, now)
    both = [client for client in now if client in before]
    old, new = sorted(set(before.values())), sorted(set(now.values()))
    spare = [100 + number for number in new]
    most = 0
    for names in permutations(old + spare, len(new)):
        naming = dict(zip(new, names, strict=True))
        most = max(most, sum(naming[now[client]] == before[client] for client in both))
        if most == len(both):
            break
    assert found.stayed_in == len(both)
    assert round((1 - found.moved) * len(both)) == most if both else np.isnan(found.moved)
    assert len(set(found.renamed.values())) == len(new)
