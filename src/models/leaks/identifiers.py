"""Identifiers, the order of rows, and what is left blank: none may tell what will happen.

Ids issued in order of joining tell tenure, and that is no leak: everything is compared among clients of the same cut
*and the same month of joining*. Read are the order of ids (shorter first, then by text: of whole numbers their size),
their length and first and last characters, the order in which the firm's rows come, and which raw columns are filled.
(A view that joins or unites its sources may come in an order of the database's own, which says nothing either way.)

A finding needs an AUC of which one bound of the interval is beyond `LIMIT`, either way, two-sided at `ALARM` over all
signals and questions, errors by household. What is surely not .5 but within the limit is a note: branches have number
ranges of their own, and clients of whom little is known differ from others. False alarms: less than 1 in 500 books.
Power: leavers moved to the end of a table, or a mark filled for them alone, have AUCs of .9 and more and are found from
30 events on; .75 from about 200.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from appetence.models.dataset import Labelled
from appetence.models.leaks.attributes import attributes_at, joining_month, mask
from appetence.models.leaks.material import FEWEST_EVENTS, Material
from appetence.models.leaks.result import ALARM, Result, counted, judged
from appetence.models.leaks.separation import Ground, critical, expected_error

NAME = "identifiers"

LIMIT = 0.15
"""From .5. Where two halves of the clients differ twofold in their odds, the AUC is .08 from .5; where fourfold, .17.
Branches and habits of data entry may well make a factor of two among clients of one joining month; of four, hardly."""

HINT = "The tables were put together, sorted or filled knowing what came later: ask how the extract was made"
TABLES_IN_ORDER = ("clients", "contracts", "client_facts")
_PIECES = {"first characters": slice(0, 2), "last character": slice(-1, None)}

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class _Signal:
    """Values per row: an order, or levels without one."""

    values: Floats
    ordered: bool


def detect(material: Material) -> Result:
    """Measure what ids, order of rows and blanks tell, question by question, at equal cut and joining month."""
    questions = {q: material.apart(q) for q in material.planned}
    asked = {q: labelled for q, labelled in questions.items() if labelled.events >= FEWEST_EVENTS}
    if not asked:
        return Result(NAME, f"too few events to tell: fewer than {FEWEST_EVENTS} for any question", state="skipped")
    signals = _signals(material)
    joined = joining_month(material.book, material.spine)
    z = critical(ALARM / 2.0, len(signals) * len(asked))
    found = [one for q, labelled in asked.items() for one in _surely(q.name, labelled, joined, signals, z)]
    found.sort(reverse=True)
    names = tuple(told for surely, told in found if surely > LIMIT)
    notes = tuple(told for surely, told in found if 0.0 < surely <= LIMIT)
    return Result(
        NAME,
        f"{len(signals)} ids, orders and blanks × {counted(len(asked), 'question')} of {material.told}",
        "distance from .5 of an AUC, surely" + (f" ({found[0][1]})" if found else ""),
        max(found[0][0], 0.0) if found else float("nan"),
        LIMIT,
        judged(names, notes),
        names,
        notes,
        HINT,
    )


def _surely(
    question: str, labelled: Labelled, joined: Ints, signals: dict[str, _Signal], z: float
) -> Iterator[tuple[float, str]]:
    """Yield how far from .5 the AUC of each signal surely is, and the signal in words."""
    cohort = np.unique(labelled.cut, return_inverse=True)[1] * (joined.max() + 1) + joined[labelled.rows]
    ordered = Ground(labelled.y, cohort, labelled.household)
    halved = Ground(labelled.y, cohort, labelled.household, by_halves=True)
    for name, signal in signals.items():
        values, ground = signal.values[labelled.rows], ordered if signal.ordered else halved
        one = ground.separation(values if signal.ordered else ground.rate_places(values.astype(np.int64)))
        if one.events >= FEWEST_EVENTS:
            error = max(one.error, expected_error(0.5 + LIMIT, one.events, one.others))
            yield abs(one.auc - 0.5) - z * error, f"{name} for {question} (AUC {one.auc:.3f})"


def _signals(material: Material) -> dict[str, _Signal]:
    ids = material.spine["client_id"].to_pandas().astype("str")
    signals = {"order of clients.client_id": _Signal(_places(ids), ordered=True)}
    signals["length of clients.client_id"] = _Signal(ids.str.len().to_numpy(dtype=np.float64), ordered=True)
    for piece, part in _PIECES.items():
        codes = pd.factorize(ids.str[part])[0]
        signals[f"{piece} of clients.client_id"] = _Signal(codes.astype(np.float64), ordered=False)
    for table in TABLES_IN_ORDER:
        order = _row_order(material, table, ids)
        if order is not None:
            signals[f"order of rows in {table}"] = _Signal(order, ordered=True)
    raw = attributes_at(material.book, material.spine, material.settings)
    for name in raw.columns:
        filled = mask(raw[name])
        if 0 < filled.sum() < len(filled):
            signals[f"blanks of {name}"] = _Signal(filled.astype(np.float64), ordered=True)
    return {name: signal for name, signal in signals.items() if len(np.unique(signal.values)) > 1}


def _places(ids: pd.Series[str]) -> Floats:
    """Return the place of each id in the order of length, then text."""
    distinct = sorted(ids.unique(), key=lambda one: (len(one), one))
    places = pd.Series(np.arange(len(distinct), dtype=np.float64), index=distinct)
    return np.asarray(places.reindex(ids), dtype=np.float64)


def _row_order(material: Material, table: str, ids: pd.Series[str]) -> Floats | None:
    """Return the place of each client's first row in the firm's table as it is read; the last for who has none."""
    book = material.book
    if not book.has(table):
        return None
    rows = book.execute(book.table(table).select("client_id"))["client_id"].to_pandas().astype("str")
    first = pd.Series(np.arange(len(rows), dtype=np.float64), index=rows)
    first = first[~first.index.duplicated()]
    return np.asarray(first.reindex(ids).fillna(float(len(rows))), dtype=np.float64)
