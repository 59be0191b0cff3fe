"""Why a client has the published scores: read back, as one would read them to the client."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import duckdb

from appetence.errors import PublicationError, UsageError, did_you_mean
from appetence.explain import wording
from appetence.explain.scenarios import say_answer
from appetence.months import Month
from appetence.scoring.tables import CLIENT_SCORES, PUBLICATIONS, SCORE_MOVES, SCORE_REASONS, SCORE_SCENARIOS

Language = Literal["fr", "en"]

_WORDS: Mapping[str, dict[Language, str]] = {
    "client": {"en": "client {client}, {month}, run {run}", "fr": "client {client}, {month}, exécution {run}"},
    "question": {"en": "{question}: {probability}", "fr": "{question} : {probability}"},
    "moved": {"en": "since {month}: {points}", "fr": "depuis {month} : {points}"},
    "first": {
        "en": "(the first month published: there is nothing to compare the scores with)",
        "fr": "(premier mois publié : rien à quoi comparer les scores)",
    },
    "not_compared": {
        "en": "(not compared with an earlier month: scored by a version that did not do so)",
        "fr": "(sans comparaison avec un mois antérieur : calculé par une version qui n’en faisait pas)",
    },
    "scenarios": {"en": "what the model would answer:", "fr": "ce que le modèle répondrait :"},
    "acts": {
        "en": "(* = something that an advisor can act on)",
        "fr": "(* = levier d’action pour le conseiller)",
    },
    "promise": {
        "en": "(what the model would answer for a client with that fact: no promise of an effect)",
        "fr": "(réponse du modèle pour un client dont ce serait la situation : aucun effet n’est promis)",
    },
}


@dataclass(frozen=True)
class Reason:
    """One row of `score_reasons`."""

    rank: int
    theme: str
    text: str
    points: float
    actionable: bool


@dataclass(frozen=True)
class Move:
    """One row of `score_moves`; `points` is None for a score that is new."""

    rank: int
    part: str
    theme: str | None
    text: str
    points: float | None


@dataclass(frozen=True)
class ScenarioAnswer:
    """One row of `score_scenarios`."""

    scenario: str
    text: str
    probability_before: float
    probability_after: float
    points: float


@dataclass(frozen=True)
class Explanation:
    """The reasons of one client's scores, by question: their points add up to the probability in percent.

    Parameters
    ----------
    is_first
        Whether no month before it is published.
    against
        Month and run that moves compare with; None where no month was published before, or none was compared with.
    moves
        By question, why the score moved since: their points add up to the difference in percent.
    scenarios
        By question, what the model would answer; of clients who are looked at.
    """

    client_id: str
    month: str
    run_id: str
    questions: dict[str, tuple[Reason, ...]]
    against: tuple[str, str] | None = None
    moves: Mapping[str, tuple[Move, ...]] = field(default_factory=dict)
    scenarios: Mapping[str, tuple[ScenarioAnswer, ...]] = field(default_factory=dict)
    language: Language = "en"
    is_first: bool = True

    def asked_anew(self, rows: Iterable[Mapping[str, Any]]) -> Explanation:
        """Return it with the answers of these rows of `score_scenarios` in the place of those published."""
        answers: dict[str, tuple[ScenarioAnswer, ...]] = {}
        for row in sorted(rows, key=lambda row: (row["points"], row["scenario"])):
            figures = (row["probability_before"], row["probability_after"], row["points"])
            one = ScenarioAnswer(row["scenario"], row[f"text_{self.language}"], *figures)
            if row["question"] in self.questions:
                answers[row["question"]] = (*answers.get(row["question"], ()), one)
        return replace(self, scenarios=answers)

    def as_dict(self) -> dict[str, Any]:
        """Return it for JSON."""
        return {
            "client_id": self.client_id,
            "month": self.month,
            "run_id": self.run_id,
            "against": None if self.against is None else {"month": self.against[0], "run_id": self.against[1]},
            "questions": {
                question: {
                    "probability": sum(reason.points for reason in reasons) / 100,
                    "reasons": [vars(reason) for reason in reasons],
                    "moves": [vars(move) for move in self.moves.get(question, ())],
                    "scenarios": [vars(answer) for answer in self.scenarios.get(question, ())],
                }
                for question, reasons in self.questions.items()
            },
        }

    def lines(self) -> Iterator[str]:
        """Return it for a reader."""
        yield self._say("client", client=self.client_id, month=self.month, run=self.run_id)
        for question, reasons in self.questions.items():
            yield ""
            probability = wording.probability(sum(reason.points for reason in reasons) / 100, self.language)
            yield self._say("question", question=question, probability=probability)
            for reason in reasons:
                yield f"  {self._points(reason.points)}  {reason.text}" + ("  *" if reason.actionable else "")
            yield from self._moved(self.moves.get(question, ()))
            if question in self.scenarios:
                yield f"  {self._say('scenarios')}"
                for answer in self.scenarios[question]:
                    before, after = answer.probability_before, answer.probability_after
                    yield f"    {say_answer(answer.text, before, after, self.language)}"
        yield ""
        if self.against is None:
            yield self._say("first" if self.is_first else "not_compared")
        yield self._say("acts")
        if self.scenarios:
            yield self._say("promise")

    def _moved(self, moves: tuple[Move, ...]) -> Iterator[str]:
        if not moves or self.against is None:
            return
        points = [move.points for move in moves if move.points is not None]
        month = wording.month_and_year(Month.parse(self.against[0]).start, self.language)
        if points:
            yield f"  {self._say('moved', month=month, points=wording.points(sum(points), self.language))}"
        for move in moves:
            yield f"    {'' if move.points is None else self._points(move.points) + '  '}{move.text}"

    def _say(self, key: str, **values: str) -> str:
        return wording.typeset(_WORDS[key][self.language], self.language).format(**values)

    def _points(self, value: float) -> str:
        text = f"{value:+7.2f}"
        return text.replace(".", ",") if self.language == "fr" else text


def explain_client(
    database: Path, client_id: str, month: Month | None, question: str | None, language: Language
) -> Explanation:
    """Read the published reasons of a client.

    Parameters
    ----------
    month
        None: the newest one published.
    question
        None: all, the most probable first.

    Raises
    ------
    PublicationError
        There are no published scores of that month, or none of that client.
    UsageError
        The client has no score for that question.
    """
    if not database.exists():
        raise PublicationError("scores must be published before they can be explained", hint="First: appetence run")
    with duckdb.connect(str(database), read_only=True) as connection:
        month_sql = f"SELECT coalesce(?, max(month)) FROM {PUBLICATIONS.name}"
        wanted = connection.execute(month_sql, [None if month is None else str(month)]).fetchall()[0][0]
        run = connection.execute(f"SELECT run_id FROM {PUBLICATIONS.name} WHERE month = ?", [wanted]).fetchall()
        if not run:
            raise PublicationError(
                "scores must be published before they can be explained", f"none of {wanted}", "First: appetence score"
            )
        run_id = run[0][0]
        rows = connection.execute(
            f"""SELECT question, rank, theme, text_{language}, points, actionable
                FROM {SCORE_REASONS.name} WHERE run_id = ? AND client_id = ?
                ORDER BY sum(points) OVER (PARTITION BY question) DESC, question, rank""",
            [run_id, client_id],
        ).fetchall()
        known = connection.execute(
            f"SELECT count(*) FROM {CLIENT_SCORES.name} WHERE run_id = ? AND client_id = ?", [run_id, client_id]
        ).fetchall()[0][0]
        earlier = connection.execute(f"SELECT count(*) FROM {PUBLICATIONS.name} WHERE month < ?", [wanted])
        is_first = not earlier.fetchall()[0][0]
        against, moves, scenarios = _since(connection, run_id, client_id, language)
    if not known:
        raise PublicationError(
            f"the client must have scores in {wanted}",
            "an id that has none",
            "Ids are text: 0012 is not 12. A client without contracts, or who objects to profiling, is not scored",
        )
    questions: dict[str, list[Reason]] = {}
    for name, *reason in rows:
        questions.setdefault(name, []).append(Reason(*reason))
    if question is not None and question not in questions:
        raise UsageError("the client must have a score for the question", question, did_you_mean(question, questions))
    chosen = {name: tuple(found) for name, found in questions.items() if question in (None, name)}
    moves = {name: found for name, found in moves.items() if name in chosen}
    scenarios = {name: found for name, found in scenarios.items() if name in chosen}
    return Explanation(client_id, wanted, run_id, chosen, against, moves, scenarios, language, is_first)


def _since(
    connection: duckdb.DuckDBPyConnection, run_id: str, client_id: str, language: Language
) -> tuple[tuple[str, str] | None, dict[str, tuple[Move, ...]], dict[str, tuple[ScenarioAnswer, ...]]]:
    """Read what a run says of changes; nothing of a run from before there were such tables."""
    against: tuple[str, str] | None = None
    moves: dict[str, tuple[Move, ...]] = {}
    scenarios: dict[str, tuple[ScenarioAnswer, ...]] = {}
    there = {name for (name,) in connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()}
    if SCORE_MOVES.name in there:
        compared = f"SELECT against_month, against_run FROM {SCORE_MOVES.name} WHERE run_id = ? LIMIT 1"
        found = connection.execute(compared, [run_id]).fetchall()
        against = found[0] if found else None
        rows = connection.execute(
            f"""SELECT question, rank, part, theme, text_{language}, points
                FROM {SCORE_MOVES.name} WHERE run_id = ? AND client_id = ? ORDER BY question, rank""",
            [run_id, client_id],
        ).fetchall()
        for name, *move in rows:
            moves[name] = (*moves.get(name, ()), Move(*move))
    if SCORE_SCENARIOS.name in there:
        rows = connection.execute(
            f"""SELECT question, scenario, text_{language}, probability_before, probability_after, points
                FROM {SCORE_SCENARIOS.name} WHERE run_id = ? AND client_id = ? ORDER BY question, points, scenario""",
            [run_id, client_id],
        ).fetchall()
        for name, *answer in rows:
            scenarios[name] = (*scenarios.get(name, ()), ScenarioAnswer(*answer))
    return against, moves, scenarios
