"""Maps from codes to places, as the few steps that most of them are.

A map says, for every code of a feature, what it adds to a row's place in a table. Codes are ordered like values, so
the map of a numerical feature changes at the few thresholds that a run tests, and perhaps at the code of NaN. Then it
is quicker to add the change for every row whose code is at least the step's, which processors do for many rows at a
time, than to look the map up row by row.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from appetence.explain.kernel import CodeVector, Ints, Places, compiled

MOST_STEPS = 12
"""Steps above which a look-up is quicker: measured, and flat from 8 to 20."""


class Steps(NamedTuple):
    """Maps as steps where these are few, and as they are where not.

    Attributes
    ----------
    base
        (n_runs,) the place of a row whose features are all below their first step.
    step_start, step_code, step_by
        (n_slots + 1,) where each feature's steps begin in a run; the first code that takes a step; what the step adds,
        modulo 2^16.
    map_start, maps
        (n_slots + 1,) where each map begins; the maps. One that is told by steps is empty.
    """

    base: Places
    step_start: Ints
    step_code: CodeVector
    step_by: Places
    map_start: Ints
    maps: Places


def to_steps(slot_start: Ints, map_start: Ints, maps: Places, codes: npt.DTypeLike, most: int = MOST_STEPS) -> Steps:
    """Tell maps by steps where they have at most `most` of them.

    Parameters
    ----------
    slot_start
        (n_runs + 1,) where each run's features begin.
    map_start, maps
        (n_slots + 1,) where each feature's map begins; all maps, whole.
    codes
        The type of the rows' codes.
    """
    base, step_start, code, by, kept_start, kept = _split(slot_start, map_start, maps, most)
    return Steps(base, step_start, code.astype(codes), by, kept_start, kept)


@compiled
def _split(
    slot_start: Ints, map_start: Ints, maps: Places, most: int
) -> tuple[Places, Ints, Ints, Places, Ints, Places]:
    n_slots = len(map_start) - 1
    step_start, kept_start = np.zeros(n_slots + 1, np.int64), np.zeros(n_slots + 1, np.int64)
    for slot in range(n_slots):
        steps = 0
        for place in range(map_start[slot] + 1, map_start[slot + 1]):
            steps += maps[place] != maps[place - 1]
        few = steps <= most
        step_start[slot + 1] = step_start[slot] + (steps if few else 0)
        kept_start[slot + 1] = kept_start[slot] + (0 if few else map_start[slot + 1] - map_start[slot])
    code, by = np.empty(step_start[n_slots], np.int64), np.empty(step_start[n_slots], np.uint16)
    kept = np.empty(kept_start[n_slots], np.uint16)
    base = np.zeros(len(slot_start) - 1, np.uint16)
    for run in range(len(slot_start) - 1):
        for slot in range(slot_start[run], slot_start[run + 1]):
            first, stop = map_start[slot], map_start[slot + 1]
            if kept_start[slot + 1] > kept_start[slot]:
                kept[kept_start[slot] : kept_start[slot + 1]] = maps[first:stop]
                continue
            base[run] += maps[first]
            step = step_start[slot]
            for place in range(first + 1, stop):
                if maps[place] != maps[place - 1]:
                    code[step], by[step] = place - first, np.int64(maps[place]) - np.int64(maps[place - 1])
                    step += 1
    return base, step_start, code, by, kept_start, kept
