"""Single features: none may tell alone, with near certainty, what will happen months later.

For each question and feature, the AUC within the cut of the feature's values as levels (twenty slices of a number, the
codes of a category, null as one more), each scored by its rate among the other half of the households: without regard
to the direction, and without reward for having many levels. Cuts are taken whose label windows do not overlap.

A finding needs the lower bound of its interval to exceed `LIMIT`. The interval is one-sided at `ALARM` over all pairs
of feature and question (Bonferroni), its error by household, and never less than what Hanley and McNeil expect of that
many events. So a book whose features are all honestly below the limit raises an alarm less than once in 500. Power: a
feature with an AUC of .98 is found from 50 events on, one of .95 from about 200.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from appetence.models.columns import Levels, Numbers, read_columns
from appetence.models.leaks.material import FEWEST_EVENTS, Material
from appetence.models.leaks.result import ALARM, Result, counted, judged
from appetence.models.leaks.separation import Ground, critical, expected_error

NAME = "single features"

LIMIT = 0.9
"""An AUC of .9 is what two bell curves 1.8 standard deviations apart give: nine of ten pairs in the right order. A
decision that a client takes within months depends on many things that no one column holds, and one column known before
it that orders nine of ten pairs is more likely to be its record than its cause. (Where it is no leak, as with a notice
given in writing, the question is asked too late to be of use: a gap is due.)"""

HINT = "Such a feature is more likely the record of the event than its cause: see when its source is written"
BINS = 20

Ints = npt.NDArray[np.int64]


def detect(material: Material) -> Result:
    """Measure how well each feature alone tells events from the rest, question by question."""
    questions = {q: material.apart(q) for q in material.planned}
    few = [q.name for q, labelled in questions.items() if labelled.events < FEWEST_EVENTS]
    asked = {q: labelled for q, labelled in questions.items() if q.name not in few}
    if not asked:
        return Result(NAME, f"too few events to tell: fewer than {FEWEST_EVENTS} for any question", state="skipped")
    levels = levels_of(material)
    z = critical(ALARM, len(levels) * len(asked))
    found = []
    for question, labelled in asked.items():
        cut = np.unique(labelled.cut, return_inverse=True)[1]
        ground = Ground(labelled.y, cut, labelled.household, by_halves=True)
        if ground.events < FEWEST_EVENTS:
            continue
        floor = expected_error(LIMIT, ground.events, ground.others)
        for feature, codes in levels.items():
            one = ground.separation(ground.rate_places(codes[labelled.rows]))
            found.append((one.low(z, floor), f"{feature} for {question.name} (AUC {one.auc:.3f})"))
    found.sort(reverse=True)
    names = tuple(name for low, name in found if low > LIMIT)
    return Result(
        NAME,
        f"{len(levels)} features × {counted(len(asked), 'question')} of {material.told}"
        + (f"; too few events to tell: {', '.join(few)}" if few else ""),
        f"largest lower bound of an AUC ({found[0][1]})" if found else "AUC",
        found[0][0] if found else float("nan"),
        LIMIT,
        judged(names),
        names,
        hint=HINT,
    )


def levels_of(material: Material) -> dict[str, Ints]:
    """Return each feature as codes of its levels, null the first."""
    if not len(material.snapshots):
        return {}
    columns = read_columns(material.snapshots.X)
    names = columns.names or ()
    return {name: _levels(column) for name, column in zip(names, columns.columns, strict=True)}


def _levels(column: Numbers | Levels) -> Ints:
    if isinstance(column, Levels):
        return column.codes.astype(np.int64) + 1
    return sliced(column.values)


def sliced(values: npt.NDArray[np.float64]) -> Ints:
    """Return slices of equal size of a number's values, 1 and up; 0 where it is NaN. A frequent value has its own."""
    there = ~np.isnan(values)
    if not there.any():
        return np.zeros(len(values), dtype=np.int64)
    distinct = np.unique(values[there])
    edges = distinct if len(distinct) <= BINS else np.unique(np.quantile(values[there], np.linspace(0, 1, BINS + 1)))
    codes = 2 * np.searchsorted(edges, values, side="left") + np.isin(values, edges)
    return np.where(there, codes + 1, 0).astype(np.int64)
