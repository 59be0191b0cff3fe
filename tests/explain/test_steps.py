"""Maps told by steps, against the maps."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from appetence.explain.steps import to_steps

maps_of_runs = st.lists(
    st.lists(st.lists(st.integers(0, 2**16 - 1) | st.integers(0, 2), min_size=1, max_size=20), max_size=4), max_size=4
)


@settings(deadline=None)  # the first example compiles
@given(runs=maps_of_runs, most=st.integers(0, 6))
def test_base_and_steps_are_what_the_maps_say(runs: list[list[list[int]]], most: int) -> None:
    maps = [of_slot for run in runs for of_slot in run]
    slot_start = np.cumsum([0, *map(len, runs)])
    map_start = np.cumsum([0, *map(len, maps)])
    flat = np.array([place for of_slot in maps for place in of_slot], np.uint16)
    steps = to_steps(slot_start, map_start, flat, np.uint8, most)
    assert steps.step_code.dtype == np.uint8
    for run, slots in enumerate(runs):
        wanted = got = 0
        for slot in range(slot_start[run], slot_start[run + 1]):
            of_slot = np.array(maps[slot], np.int64)
            kept = steps.maps[steps.map_start[slot] : steps.map_start[slot + 1]].astype(np.int64)
            own = slice(steps.step_start[slot], steps.step_start[slot + 1])
            code = np.arange(len(of_slot))
            if np.count_nonzero(np.diff(of_slot)) > most:
                np.testing.assert_array_equal(kept, of_slot)
                assert own.start == own.stop
            else:
                assert not len(kept)
                kept = ((code[:, None] >= steps.step_code[own]) * steps.step_by[own].astype(np.int64)).sum(axis=1)
                assert len(steps.step_code[own]) <= most
            last = code[-1]
            wanted += of_slot[last]
            got += kept[last]
            np.testing.assert_array_equal((kept - kept[0]) % 2**16, (of_slot - of_slot[0]) % 2**16)
        assert (int(steps.base[run]) + got) % 2**16 == wanted % 2**16, slots
