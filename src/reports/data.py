"""The published scores of a month, read as narrowly as the pages need them."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from appetence.errors import PublicationError
from appetence.explain.wording import Language
from appetence.models.credit import CREDIT_DEFAULT
from appetence.models.kinds import ATTRITION, EROSION, NEXT_AGAIN, NEXT_PRODUCT, kind_of
from appetence.months import Month
from appetence.reports.history import History, read_history
from appetence.reports.moves import Moves, read_moves
from appetence.scoring.tables import AGAIN, FIRST

OFFERS_SHOWN = 3
"""Next products on a client's sheet."""

_RUN = """
    SELECT run_id, book_fingerprint, code_version, objected, models, settings
    FROM publications JOIN score_runs USING (run_id) WHERE publications.month = ?"""
_CLIENTS = """
    SELECT client_id, advisor_id, attrition_probability, attrition_tier, past_profit, lifetime_value, potential,
           erosion_probability, expected_outflow
    FROM client_scores WHERE run_id = $run ORDER BY client_id"""
_PRODUCTS = """
    SELECT product_id, purchase, count(*) AS eligible, sum(probability) AS buyers, avg(probability) AS average,
           sum(expected_value) AS value, bool_or(modelled) AS modelled
    FROM offered WHERE run_id = $run
    GROUP BY product_id, purchase ORDER BY value DESC NULLS LAST, product_id, purchase DESC"""
_OFFERS = f"""
    SELECT client_id, product_id, purchase, probability, expected_value, modelled
    FROM offered WHERE run_id = $run
    QUALIFY row_number() OVER (
        PARTITION BY client_id
        ORDER BY modelled DESC, expected_value DESC NULLS LAST, probability DESC, product_id) <= {OFFERS_SHOWN}
    ORDER BY client_id, modelled DESC, expected_value DESC NULLS LAST, probability DESC, product_id"""  # noqa: S608
_QUESTIONS = f"""
    SELECT client_id, question, probability, modelled
    FROM question_scores WHERE run_id = $run AND question <> '{CREDIT_DEFAULT}' ORDER BY client_id, question"""  # noqa: S608
"""Credit default is read by lifetime value alone: a score of a person's credit is no matter for a sales meeting."""

_HAS_QUESTIONS = "SELECT 1 FROM duckdb_tables() WHERE table_name = 'question_scores'"
_NO_QUESTIONS = """
    CREATE TEMP TABLE question_scores (
        run_id VARCHAR, client_id VARCHAR, question VARCHAR, probability DOUBLE, modelled BOOLEAN)"""
"""What stands in for the table in a database that was last written before there were questions of a firm's own."""

_REASONS = f"""
    SELECT client_id, question, theme, points, actionable, text_en, text_fr
    FROM score_reasons
    WHERE run_id = $run AND (
        question IN ('{ATTRITION}', '{EROSION}')
        OR question IN (
            SELECT DISTINCT question FROM question_scores
            WHERE run_id = $run AND question <> '{CREDIT_DEFAULT}')
        OR (client_id, question) IN (
            SELECT (client_id, if(purchase = '{AGAIN}', '{NEXT_AGAIN}:', '{NEXT_PRODUCT}:') || product_id)
            FROM ({_OFFERS})))
    ORDER BY client_id, question, rank"""  # noqa: S608

_ANSWERS = pa.schema(
    [("client_id", pa.string()), ("question", pa.string()), ("probability", pa.float64()), ("modelled", pa.bool_())]
)


def _offered(columns: Collection[str]) -> str:
    """Name the scores of products for the queries; a database of before there was another purchase had first ones."""
    known = "*" if "purchase" in columns else f"*, '{FIRST}' AS purchase"
    return f"WITH offered AS (SELECT {known} FROM appetence_scores)"  # noqa: S608 - nothing of it is anyone's input


@dataclass(frozen=True)
class ModelNote:
    """What there is to say of one question's model.

    Parameters
    ----------
    kind
        `classifier`, `constant` (a base rate), `fallback` (a plain rule that no model beats), or `refused`.
    texts
        The verdict or the reason of refusal, by language; where one language is missing, English serves.
    labels
        Of a question of the firm's own, by language.
    horizon
        Months ahead, where known.
    """

    question: str
    kind: str
    texts: Mapping[str, str]
    labels: Mapping[str, str] = field(default_factory=dict)
    horizon: int | None = None

    def text(self, language: Language) -> tuple[str, str]:
        """Return the text and the language it is in."""
        found = language if self.texts.get(language) else "en"
        return self.texts.get(found, ""), found


@dataclass(frozen=True)
class Run:
    """Where the scores come from.

    Parameters
    ----------
    horizons
        Months ahead, by kind of question (`attrition`, `buy`); one that is not known is left out.
    shares
        Of the book in the tiers `high` and `medium`, where known.
    """

    run_id: str
    month: Month
    fingerprint: str
    code_version: str
    objected: int
    models: Mapping[str, ModelNote]
    horizons: Mapping[str, int]
    shares: Mapping[str, float]


@dataclass(frozen=True)
class PublishedScores:
    """A month's scores as published.

    Parameters
    ----------
    clients
        One row per client.
    products
        One row per product with a score, and per `purchase`, first or again: how many may buy it, how many are expected
        to, the average probability.
    offers
        Each client's best next products: those with a model first, by expected value.
    reasons
        Of leaving, of erosion, of each client's offers, and of the firm's own questions, in the order of their rank.
    questions
        Scores of the firm's own questions, each client's in the order of their names.
    moves
        Why risks moved since the month before, and what would move them.
    history
        What was published before, and the trend.
    """

    run: Run
    clients: pa.Table
    products: pa.Table
    offers: pa.Table
    reasons: pa.Table
    questions: pa.Table = field(default_factory=_ANSWERS.empty_table)
    moves: Moves = field(default_factory=Moves)
    history: History = field(default_factory=History)

    @property
    def has_attrition(self) -> bool:
        """Whether the probability of leaving was modelled."""
        return self.clients["attrition_probability"].null_count < self.clients.num_rows

    @property
    def has_erosion(self) -> bool:
        """Whether it was modelled which money leaves while the client stays."""
        return self.clients["erosion_probability"].null_count < self.clients.num_rows

    @property
    def has_value(self) -> bool:
        """Whether the lifetime value of the clients is known."""
        return self.clients["lifetime_value"].null_count < self.clients.num_rows


def read_published(database: Path, month: Month) -> PublishedScores:
    """Read what the readers of a month see.

    Parameters
    ----------
    database
        The DuckDB file that the job publishes to; opened read-only.
    month
        The month scored.

    Raises
    ------
    PublicationError
        There is no such database, or nothing is published for the month.
    """
    if not database.is_file():
        raise PublicationError("scores must be published before they are reported", f"no file {database}")
    try:
        connection = duckdb.connect(str(database), read_only=True)
    except duckdb.Error as error:
        raise PublicationError("the score database must be readable", f"{database}: {type(error).__name__}") from None
    with connection:
        rows = connection.sql(_RUN, params=[str(month)]).fetchall()
        if not rows:
            raise PublicationError(
                "scores must be published before they are reported", f"nothing for {month}", "Score the month first"
            )
        offered = _offered({row[0] for row in connection.sql("DESCRIBE appetence_scores").fetchall()})
        if not connection.sql(_HAS_QUESTIONS).fetchall():
            connection.execute(_NO_QUESTIONS)
        queries = (_CLIENTS, _PRODUCTS, _OFFERS, _REASONS, _QUESTIONS)
        run = {"run": rows[0][0]}
        tables: list[pa.Table] = [connection.sql(offered + sql, params=run).to_arrow_table() for sql in queries]
        history = read_history(connection, month, offered, tables[queries.index(_OFFERS)])
        moves = read_moves(connection, rows[0][0])
    return replace(PublishedScores(_read_run(month, *rows[0]), *tables), moves=moves, history=history)


def _read_run(
    month: Month, run_id: str, fingerprint: str, code_version: str, objected: int, models: str, settings: str
) -> Run:
    written, entries = json.loads(settings), json.loads(models)
    notes = {question: _read_note(question, entry) for question, entry in entries.items()}
    scoring = written.get("scoring") or {}
    shares = {tier: float(scoring[tier]) for tier in ("high", "medium") if tier in scoring}
    return Run(run_id, month, fingerprint, code_version, objected, notes, _read_horizons(entries), shares)


def _read_horizons(models: Mapping[str, Mapping[str, Any]]) -> dict[str, int]:
    """Read months ahead off the models; where those of products differ, none is told."""
    found: dict[str, set[int]] = {}
    for question, entry in models.items():
        if "horizon" in entry:
            found.setdefault(kind_of(question), set()).add(int(entry["horizon"]))
    return {name: months.pop() for name, months in found.items() if len(months) == 1}


def _read_note(question: str, entry: Mapping[str, Any]) -> ModelNote:
    """Read what the job wrote of a question: of its model, or why there is none."""
    told = "refused" if entry.get("refused") else "verdict"
    plain = "fallback" if entry.get("alias") == "fallback" else "classifier"
    kind = "refused" if told == "refused" else str(entry.get("kind") or plain)
    texts = {language: entry.get(f"{told}_{language}") or "" for language in ("en", "fr")}
    texts["en"] = texts["en"] or str(entry.get(told) or "")
    labels = {language: str(entry[f"label_{language}"]) for language in ("en", "fr") if f"label_{language}" in entry}
    return ModelNote(question, kind, texts, labels, entry.get("horizon"))
