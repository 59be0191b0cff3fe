"""Households: none on both sides of a split that claims to be of others, in the split that training will make.

Exact, so it never raises a false alarm, and one household is enough. Households are read anew from the firm's table.
What cannot be seen is one that the firm writes as two; ids that differ in case or blanks only are told as a note.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from appetence.models.folds import assign_folds, group_keys, make_splits
from appetence.models.leaks.material import Material, homes_of
from appetence.models.leaks.result import Result, counted, judged
from appetence.models.questions import Question

NAME = "households"
HINT = "Both sides must be of other households: this is a fault of the software, please report it"
FOLDS = 3

Ints = npt.NDArray[np.int64]


def detect(material: Material) -> Result:
    """Look for households and clients on both sides of fit and calibration, and of the folds within a fit."""
    clients = material.book.execute(material.book.table("clients").select("client_id", "household_id"))
    ids = material.spine["client_id"].to_pandas().astype("str")
    home = pd.Series(homes_of(clients), index=clients["client_id"].to_pandas().astype("str"))
    homes = {
        "household": pd.factorize(home.reindex(ids).to_numpy())[0].astype(np.int64),
        "client": pd.factorize(ids.to_numpy())[0].astype(np.int64),
    }
    found: dict[str, int] = {}
    for question in material.planned:
        found |= {f"{question.name}: {name}": n for name, n in _sides(material, question, homes).items() if n}
    names = tuple(f"{name} ({n:,})" for name, n in sorted(found.items(), key=lambda pair: -pair[1]))
    alike = _alike(clients["household_id"].to_pandas().dropna().astype("str"))
    notes = (f"clients.household_id: {alike:,} ids differ from another in case or blanks only",) if alike else ()
    homes_told = f"{len(np.unique(homes['household'])):,} households of {material.told}"
    return Result(
        NAME,
        f"{homes_told}, in fit, calibration and folds of {counted(len(material.planned), 'question')}",
        "households or clients on both sides",
        float(max(found.values(), default=0)),
        0.0,
        judged(names, notes),
        names,
        notes,
        HINT,
    )


def _sides(material: Material, question: Question, units: dict[str, Ints]) -> dict[str, int]:
    """Count units on both sides, per split."""
    labelled, seed = material.labelled[question], material.training.seed
    found: dict[str, int] = {}
    for origin in (*material.planned[question].tests, material.planned[question].final):
        fit, other = labelled.block(origin.fit, held_out=False), labelled.block(origin.calibrate, held_out=True)
        for unit, codes in units.items():
            name = f"{unit} in fit and calibration at {origin.at}"
            found[name] = len(np.intersect1d(codes[fit.rows], codes[other.rows]))
    learnt = labelled.block((*material.planned[question].final.fit, *material.planned[question].final.calibrate))
    groups = group_keys(learnt.household, len(learnt))
    folds = assign_folds(groups, learnt.y, FOLDS, seed) if learnt.has_both_classes else None
    for split in [] if folds is None else make_splits(folds, learnt.y, learnt.cut):
        for unit, codes in units.items():
            shared = np.intersect1d(codes[learnt.rows[split.train]], codes[learnt.rows[split.valid]])
            name = f"{unit} in both sides of a fold"
            found[name] = max(found.get(name, 0), len(shared))
    return found


def _alike(ids: pd.Series[str]) -> int:
    """Count ids that become another's when case and blanks are left out."""
    distinct = pd.Series(ids.unique())
    return len(distinct) - distinct.str.replace(r"\s", "", regex=True).str.casefold().nunique()
