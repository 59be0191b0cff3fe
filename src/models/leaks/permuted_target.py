"""Permuted target: the real procedure, taught labels dealt anew within each month, must have nothing to say.

The questions with most events are tried at their newest test date. Dealing leaves of the labels only how many there
are at a cut; whatever order the scores then have out of time comes from the procedure having seen what it is tested on.

The AUC within the test date must be .5 within its error: that of dealing labels (exact: (m + n + 1) / 12mn) or that
which varies with households, whichever is larger, two-sided at `ALARM` over the questions tried: 1 false alarm in 500.
Power: with 100 events a procedure that reaches an AUC of .64 is found nine times in ten, with 1,000 one of .55. An
estimator that judges its own complexity on households it has not seen, as ours does, learns little from leaked rows:
this finds leaks that get through, not all that are there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from appetence.config import TrainingSettings
from appetence.models.blocks import Origin
from appetence.models.dataset import Labelled
from appetence.models.fitting import can_fit, fit_model
from appetence.models.leaks.material import FEWEST_EVENTS, Material
from appetence.models.leaks.result import ALARM, Result, counted, judged
from appetence.models.leaks.separation import Ground, critical
from appetence.models.questions import Question

NAME = "target permuted"
HINT = "The procedure has seen what it is tested on: this is a fault of the software, please report it"
MOST_QUESTIONS = 3
MOST_LEARNT = 10_000
"""Rows learnt from: fitting is what takes time, and what is looked for does not hang on how much is learnt."""

Floats = npt.NDArray[np.float64]
Procedure = Callable[[Labelled, Origin, TrainingSettings], Floats]
"""Learns at an origin and returns the scores of its test block."""


def fitted(labelled: Labelled, origin: Origin, training: TrainingSettings) -> Floats:
    """Fit as training does, and score the test block."""
    model = fit_model(labelled, origin, training.parameters, training.seed).model
    return np.asarray(model.predict_proba(_test(labelled, origin).X)[:, 1], dtype=np.float64)


def detect(material: Material, procedure: Procedure = fitted) -> Result:
    """Deal labels within each cut, learn, and test out of time."""
    tried: list[tuple[str, float, float, int]] = []
    for number, (question, origin) in enumerate(_most_events(material)):
        dealt = permuted(material.labelled[question], material.training.seed + number)
        less = thinned(dealt, origin)
        if can_fit(dealt, less):
            with threadpool_limits(1):  # as training does: BLAS threads that wait for each other are slower
                scores = procedure(dealt, less, material.training)
            tried.append((question.name, *_auc(scores, _test(dealt, less))))
    if not tried:
        return Result(NAME, f"too few events to tell: fewer than {FEWEST_EVENTS} at a test date", state="skipped")
    z = critical(ALARM / 2.0, len(tried))
    tried.sort(key=lambda one: -abs(one[1] - 0.5) / one[2])
    name, auc, error, _ = tried[0]
    names = tuple(f"{q} (AUC {a:.3f} ± {e:.3f})" for q, a, e, _ in tried if abs(a - 0.5) > z * e)
    told = ", ".join(f"{q} with {counted(events, 'event')}" for q, _, _, events in tried)
    return Result(
        NAME,
        f"{told}, at the newest test date, of {material.told}",
        f"distance from .5 of the AUC out of time ({name}: {auc:.3f})",
        abs(auc - 0.5),
        z * error,
        judged(names),
        names,
        hint=HINT,
    )


def _most_events(material: Material) -> list[tuple[Question, Origin]]:
    """Return the questions with most events at their newest test date, and its origin."""
    found = [(question, blocks.tests[-1]) for question, blocks in material.planned.items()]
    events = {q: _test(material.labelled[q], origin).events for q, origin in found}
    enough = [pair for pair in found if events[pair[0]] >= FEWEST_EVENTS]
    return sorted(enough, key=lambda pair: -events[pair[0]])[:MOST_QUESTIONS]


def thinned(labelled: Labelled, origin: Origin) -> Origin:
    """Return the origin with fewer cuts to learn from, evenly spread, where there are more than enough rows."""
    rows = max(1, len(labelled.block((*origin.fit, *origin.calibrate))) // max(len(origin.fit + origin.calibrate), 1))
    step = -(-len(origin.fit) // max(1, MOST_LEARNT // rows - 1))
    return replace(origin, fit=origin.fit[::-1][::step][::-1], calibrate=origin.calibrate[-1:])


def _test(labelled: Labelled, origin: Origin) -> Labelled:
    return labelled.block([] if origin.test is None else [origin.test])


def permuted(labelled: Labelled, seed: int) -> Labelled:
    """Return the rows with the labels of each cut dealt anew among them."""
    rng = np.random.default_rng(seed)
    y = labelled.y.copy()
    for cut in np.unique(labelled.cut):
        rows = np.flatnonzero(labelled.cut == cut)
        y[rows] = y[rng.permutation(rows)]
    return replace(labelled, y=y, amounts=None)


def _auc(scores: Floats, test: Labelled) -> tuple[float, float, int]:
    """Return the AUC of a test block, the error it would have by chance, and the events."""
    found = Ground(test.y, np.zeros(len(test), dtype=np.int64), test.household).separation(scores)
    m, n = int(test.y.sum()), int((1 - test.y).sum())
    return found.auc, max(found.error, float(np.sqrt((m + n + 1) / (12 * m * n)))), m
