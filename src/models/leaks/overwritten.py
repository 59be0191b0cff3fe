"""Attributes written over: today's value of what has no date, or has one that is not true, joined to the past.

Findings are of two kinds, and each needs evidence, not suspicion: a value borne at an old date by those who left, or
bought, a year and more later (see `lasting`); a declaration that bears the outcome of an event before the event (see
`declared`). What merely never changes is a note.

False alarms: 1 in 500 books (`ALARM`, half to each kind, Bonferroni over all values, columns and questions). One client
per household is counted. Power, measured with a thousand values: a mark that four of five leavers bear and one in a
hundred others is found in 98 of 100 books with 60 later leavers, but in 18 of 100 with 30; with 300 leavers also one
that half of them bear, or that one in twenty others bear (77 of 100). What a third of the others bear too cannot be
told from a trait, nor can a value that is only somewhat more frequent among those who left.
"""

from __future__ import annotations

import datetime as dt

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from appetence.features.population import population
from appetence.models.leaks.attributes import attributes_at, levels
from appetence.models.leaks.declared import reflected, unchanging
from appetence.models.leaks.lasting import AFTER, Bearers, bearers, old_cut, strata
from appetence.models.leaks.material import FEWEST_EVENTS, Material, homes_of, sampled
from appetence.models.leaks.result import ALARM, Result, counted, judged
from appetence.models.leaks.separation import critical
from appetence.models.questions import Question
from appetence.months import Month
from appetence.targets.attrition import attrition_targets
from appetence.targets.erosion import erosion_targets
from appetence.targets.own import own_targets
from appetence.targets.purchase import purchase_targets
from appetence.targets.repurchase import repurchase_targets

NAME = "attributes overwritten"
HINT = "These columns hold what was written later: map the value of then, with its date, or leave the column out"
MOST_CLIENTS = 30_000

Ints = npt.NDArray[np.int64]


def detect(material: Material) -> Result:
    """Look for attributes that know what came years later."""
    declared, notes = reflected(material.book, ALARM / 2.0), unchanging(material.book)
    cut = old_cut(material.book)
    found = [] if cut is None else _all_bearers(material, cut)
    found.sort(key=lambda one: -one.errors)
    limit = critical(ALARM / 2.0, len(found))
    names = (*(_told(one, cut) for one in found if one.errors > limit), *declared)
    return Result(
        NAME,
        _checked(found, cut),
        "errors beyond what a trait could do" + (f" ({found[0].column} for {found[0].question})" if found else ""),
        found[0].errors if found else float("nan"),
        limit if found else float("nan"),
        judged(names, tuple(notes)),
        names,
        tuple(notes),
        HINT,
    )


def _checked(found: list[Bearers], cut: dt.date | None) -> str:
    if cut is None:
        return f"declarations only: the book is too short to follow clients for {AFTER} months and more"
    columns, questions = len({one.column for one in found}), len({one.question for one in found})
    looked = f"{counted(len(found), 'value')} of {counted(columns, 'column')} × {counted(questions, 'question')}"
    return f"{looked}, clients at {cut}, their events from {_from(cut)} on; declarations"


def _from(cut: dt.date) -> Month:
    return Month.of(cut) + AFTER


def _told(one: Bearers, cut: dt.date | None) -> str:
    what = "being blank" if one.blank else "one value"
    return f"{one.column}, {what} at {cut}: {one.events:,} of {counted(one.clients, 'client')} met {one.question} later"


def _all_bearers(material: Material, cut: dt.date) -> list[Bearers]:
    """Return all values of all attributes at the old date, for each question with events enough."""
    book = material.book
    clients = book.execute(book.table("clients"))
    spine, _ = sampled(_one_each(population(book, [cut]), clients), clients, MOST_CLIENTS, material.training.seed)
    if not spine.num_rows:
        return []
    raw = attributes_at(book, spine, material.settings)
    coded = {name: levels(name, raw[name]) for name in raw.columns}
    ids = spine["client_id"].to_pandas().astype("str")
    own = clients.select(["client_id", "joined_on", "kind"]).to_pandas().set_index("client_id").reindex(ids)
    stratum = strata(pd.to_datetime(own["joined_on"]), own["kind"])
    found: list[Bearers] = []
    for question in material.planned:
        rows, y = _later_events(material, question, spine, cut)
        if y.sum() >= FEWEST_EVENTS:
            for name, codes in coded.items():
                found += bearers(name, question.name, codes[rows], y, stratum[rows])
    return found


def _one_each(spine: pa.Table, clients: pa.Table) -> pa.Table:
    """Return the first client of each household: families leave together and share what is recorded of them."""
    home = pd.Series(homes_of(clients), index=clients["client_id"].to_pandas().astype("str"))
    first = ~home.reindex(spine["client_id"].to_pandas().astype("str")).duplicated()
    return spine.filter(pa.array(first.to_numpy()))


def _later_events(material: Material, question: Question, spine: pa.Table, cut: dt.date) -> tuple[Ints, Ints]:
    """Return the rows of the spine that were followed, and whether they met the event from `AFTER` months on."""
    horizon = Month.of(material.book.observed_until) - _from(cut)
    if question.own is not None:
        status = own_targets(material.book, spine, question.own, AFTER, horizon)
    elif question.rule is not None:
        months, rule = min(horizon, question.window.horizon), question.rule
        status = erosion_targets(material.book, spine, AFTER, months, rule.threshold, rule.min_balance)
    elif question.product_id is not None:
        targets = repurchase_targets if question.kind == "rebuy" else purchase_targets
        status = targets(material.book, spine, [question.product_id], AFTER, horizon)
    else:
        status = attrition_targets(material.book, spine, AFTER, horizon)
    no = ("unknown", "gone", "already", "too_small")
    told = status["status"].to_pandas().astype("str")
    kept = ~told.isin(no).to_numpy()
    places = pd.Index(spine["client_id"].to_pandas().astype("str")).get_indexer(
        status["client_id"].to_pandas().astype("str")
    )
    happened = told.isin(("left", "eroded", "bought", "happened")).to_numpy()
    return places[kept].astype(np.int64), happened[kept].astype(np.int64)
