"""What changed of a client's scores since the month before, and what would change them: read for the sheet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import duckdb

from appetence.explain.moves import NEW, REST
from appetence.explain.wording import Language
from appetence.models.kinds import ATTRITION, EROSION
from appetence.months import Month
from appetence.scoring.tables import SCORE_MOVES, SCORE_SCENARIOS

TOLD = 2
"""Changes named on a sheet."""

SEEN = 0.1
"""Points: a risk that moved less is not told to have moved."""

LONGEST = 72
"""Characters of a change, beyond which it is cut."""

LONGEST_FACT = 34
"""Of what is supposed."""

SUPPOSED = 3
"""Things supposed on a sheet: those first by which the risk falls most."""

_TABLES = "SELECT table_name FROM duckdb_tables()"
_MOVES = f"""
    SELECT client_id, against_month, part, points, text_en, text_fr
    FROM {SCORE_MOVES.name} WHERE run_id = ? AND question = '{ATTRITION}' ORDER BY client_id, rank"""  # noqa: S608
_SCENARIOS = f"""
    SELECT client_id, scenario, question, probability_after, points, text_en, text_fr
    FROM {SCORE_SCENARIOS.name} WHERE run_id = ? ORDER BY client_id, scenario"""  # noqa: S608


class Change(NamedTuple):
    """One step of the way from the earlier score; `points` is None where there was none."""

    part: str
    points: float | None
    en: str
    fr: str

    def text(self, language: Language) -> str:
        """Return the sentence, cut after about a line and a half."""
        return _cut(self.en if language == "en" else self.fr, LONGEST)


class Answer(NamedTuple):
    """What the model answers if something is supposed: the probability, and points against the published one."""

    probability: float
    points: float


@dataclass(frozen=True)
class Supposed:
    """One thing supposed of a client, and the answers by question."""

    en: str
    fr: str
    answers: Mapping[str, Answer]

    @property
    def leaving(self) -> Answer | None:
        """Of leaving."""
        return self.answers.get(ATTRITION)

    @property
    def eroding(self) -> Answer | None:
        """Of money that leaves."""
        return self.answers.get(EROSION)

    def text(self, language: Language) -> str:
        """Return what is supposed, cut where it would take a second line."""
        return _cut(self.en if language == "en" else self.fr, LONGEST_FACT)


@dataclass(frozen=True)
class Since:
    """Why a client's risk moved since an earlier month."""

    month: Month
    changes: tuple[Change, ...]

    @property
    def points(self) -> float | None:
        """The whole difference; None for a client who had no score."""
        known = [change.points for change in self.changes if change.points is not None]
        return sum(known) if known else None

    @property
    def is_new(self) -> bool:
        """Whether there was no score then."""
        return any(change.part == NEW for change in self.changes)

    @property
    def because(self) -> tuple[Change, ...]:
        """The strongest changes in the direction of the whole; none where next to nothing moved."""
        whole = self.points or 0.0
        if abs(whole) < SEEN:
            return ()
        found = [one for one in self.changes if one.part not in (REST, NEW) and (one.points or 0.0) * whole > 0]
        return tuple(sorted(found, key=lambda one: -abs(one.points or 0.0))[:TOLD])


@dataclass(frozen=True)
class Moves:
    """Of all clients, by their ids; empty for a run from before there were such tables."""

    since: Mapping[str, Since] = field(default_factory=dict)
    supposed: Mapping[str, tuple[Supposed, ...]] = field(default_factory=dict)


def read_moves(connection: duckdb.DuckDBPyConnection, run_id: str) -> Moves:
    """Read what a run says of changes."""
    there = {name for (name,) in connection.execute(_TABLES).fetchall()}
    changes: dict[str, tuple[Month, list[Change]]] = {}
    if SCORE_MOVES.name in there:
        for client, month, *change in connection.execute(_MOVES, [run_id]).fetchall():
            changes.setdefault(client, (Month.parse(month), []))[1].append(Change(*change))
    found: dict[str, dict[str, Supposed]] = {}
    if SCORE_SCENARIOS.name in there:
        for client, name, question, probability, points, en, fr in connection.execute(_SCENARIOS, [run_id]).fetchall():
            of_client = found.setdefault(client, {})
            before = of_client[name].answers if name in of_client else {}
            of_client[name] = Supposed(en, fr, {**before, question: Answer(probability, points)})
    return Moves(
        {client: Since(month, tuple(told)) for client, (month, told) in changes.items()},
        {client: tuple(sorted(scenarios.values(), key=_effect)[:SUPPOSED]) for client, scenarios in found.items()},
    )


def _effect(one: Supposed) -> float:
    return 0.0 if one.leaving is None else one.leaving.points


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"
