"""Why a client has the published scores: read back, as one would read them to the client."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import duckdb

from appetence.errors import PublicationError, UsageError, did_you_mean
from appetence.months import Month
from appetence.scoring.tables import CLIENT_SCORES, PUBLICATIONS, SCORE_REASONS

Language = Literal["fr", "en"]


@dataclass(frozen=True)
class Reason:
    """One row of `score_reasons`."""

    rank: int
    theme: str
    text: str
    points: float
    actionable: bool


@dataclass(frozen=True)
class Explanation:
    """The reasons of one client's scores, by question: their points add up to the probability in percent."""

    client_id: str
    month: str
    run_id: str
    questions: dict[str, tuple[Reason, ...]]

    def as_dict(self) -> dict[str, Any]:
        """Return it for JSON."""
        return {
            "client_id": self.client_id,
            "month": self.month,
            "run_id": self.run_id,
            "questions": {
                question: {
                    "probability": sum(reason.points for reason in reasons) / 100,
                    "reasons": [vars(reason) for reason in reasons],
                }
                for question, reasons in self.questions.items()
            },
        }

    def lines(self) -> Iterator[str]:
        """Return it for a reader."""
        yield f"client {self.client_id}, {self.month}, run {self.run_id}"
        for question, reasons in self.questions.items():
            yield ""
            yield f"{question}: {sum(reason.points for reason in reasons):.1f} %"
            for reason in reasons:
                yield f"  {reason.points:+7.2f}  {reason.text}" + ("  *" if reason.actionable else "")
        yield ""
        yield "(* = something that an advisor can act on)"


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
    return Explanation(client_id, wanted, run_id, chosen)
