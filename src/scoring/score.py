"""A month's scores: every question over every client, and what they are worth, as the tables that get published."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from appetence.book import Book
from appetence.book.spine import SPINE
from appetence.config import OwnQuestion, ScoringSettings, ValueSettings
from appetence.errors import BookError
from appetence.explain.reasons import SCHEMA as REASONS_SCHEMA
from appetence.features.pipeline import FeatureTable
from appetence.features.topic_model import TopicModel
from appetence.features.topics import build_topics
from appetence.models.artefact import Artefact
from appetence.models.credit import CREDIT_DEFAULT
from appetence.models.curves import History
from appetence.models.kinds import ATTRITION, EROSION, NEXT_AGAIN, NEXT_PRODUCT, kind_of, product_of
from appetence.models.survival import SurvivalCurves
from appetence.progress import Progress, silent
from appetence.scoring.moves import no_moves
from appetence.scoring.questions import QuestionScores, score_question
from appetence.scoring.scenarios import no_scenarios
from appetence.scoring.tables import (
    AGAIN,
    BOOK_KPIS,
    FIRST,
    HORIZONS,
    SEGMENT_CHANGES,
    SEGMENTS,
    VALUE_TERMS,
    rows_of_run,
)
from appetence.targets.eligibility import eligible
from appetence.targets.erosion import asset_base
from appetence.targets.own import own_population
from appetence.value.clients import ClientValues, Expected, client_annuities, value_clients
from appetence.value.credit import loss_given_default
from appetence.value.lifetime import sale_value
from appetence.value.margins import product_economics
from appetence.value.profit import TERMS, client_profits

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class MonthScores:
    """The rows of the tables that a run writes, less `run_id` and `month`."""

    client_scores: pa.Table
    appetence_scores: pa.Table
    question_scores: pa.Table
    score_reasons: pa.Table
    score_moves: pa.Table = field(default_factory=no_moves)
    score_scenarios: pa.Table = field(default_factory=no_scenarios)
    segments: pa.Table = field(default_factory=lambda: rows_of_run(SEGMENTS).empty_table())
    segment_changes: pa.Table = field(default_factory=lambda: rows_of_run(SEGMENT_CHANGES).empty_table())
    book_kpis: pa.Table = field(default_factory=lambda: rows_of_run(BOOK_KPIS).empty_table())


def score_clients(
    book: Book,
    cut: dt.date,
    table: FeatureTable,
    artefacts: Mapping[str, Artefact],
    scoring: ScoringSettings,
    value: ValueSettings,
    currency: str,
    own: Sequence[OwnQuestion] = (),
    progress: Progress = silent,
) -> MonthScores:
    """Score every client of a feature table for every question that has a model.

    Parameters
    ----------
    table
        One row per client, at `cut`.
    artefacts
        Per question (`attrition`, `erosion`, `buy:<product_id>`, a name of `own`) its verified model.
    own
        The firm's own questions: each is asked of its population alone.
    """
    job = _Month(book, cut, table, scoring, value, currency)
    reasons = []
    attrition = None
    steps = len(artefacts) + 2
    if ATTRITION in artefacts:
        progress("scoring attrition", 0.0)
        attrition = job.question(artefacts[ATTRITION], np.arange(len(job.clients)))
        reasons.append(_named(attrition.reasons, ATTRITION))
    erosion = None
    if EROSION in artefacts:
        progress("scoring erosion", 1 / steps)
        erosion = job.erosion(artefacts[EROSION])
        reasons += [] if erosion is None else [_named(erosion.reasons, EROSION)]
    answers = []
    default = None
    for question in own:
        answering = artefacts.get(question.name)
        rows = job.rows_of(own_population(book, table.data.select(SPINE.names), question)["client_id"])
        if answering is None or len(rows) == 0:
            continue
        progress(f"scoring {question.name}", 2 / steps)
        found = job.question(answering, rows)
        reasons.append(_named(found.reasons, question.name))
        answers.append(_answers(job.clients, rows, question.name, found.probability, answering))
        if question.name == CREDIT_DEFAULT:
            default = Expected(_spread(found.probability, rows, len(job.clients)), answering.horizon)
    model = artefacts.get(ATTRITION)
    history = History.of(book, cut)
    curves = history.curves(
        job.clients,
        None if attrition is None else attrition.probability,
        1 if model is None else model.horizon,
        max(value.horizon, *HORIZONS),
    )
    annuity = client_annuities(history, job.clients, curves.staying, value, None if erosion is None else erosion.seen)
    values = value_clients(book, cut, job.clients, annuity, curves.staying, value, default)
    offers = []
    economics = product_economics(book, cut)
    sales = sale_value(annuity, economics)
    for number, (artefact, product_id, rows) in enumerate(job.asked_about(artefacts)):
        progress(f"scoring appetence for {artefact.question}", (number + 2) / steps)
        if len(rows) == 0:
            continue
        found = job.question(artefact, rows)
        reasons.append(_named(found.reasons, artefact.question))
        worth = found.probability * sales[rows, economics.product_id.index(product_id)]
        offers.append(_offers(job.clients, rows, product_id, found.probability, worth, artefact))
    appetence = _ranked(pa.concat_tables(offers) if offers else _no_offers())
    return MonthScores(
        job.client_rows(attrition, erosion, curves, values, appetence),
        appetence,
        pa.concat_tables(answers) if answers else _no_answers(),
        pa.concat_tables(reasons) if reasons else _no_reasons(),
    )


@dataclass(frozen=True)
class _Erosion:
    """Of all clients, NaN for those with too little money with us; reasons of the others."""

    seen: Expected
    outflow: Floats
    reasons: pa.Table


class _Month:
    """What all questions of a month share: clients, feature rows, catalogue."""

    def __init__(
        self,
        book: Book,
        cut: dt.date,
        table: FeatureTable,
        scoring: ScoringSettings,
        value: ValueSettings,
        currency: str,
    ) -> None:
        self.book, self.cut, self.scoring, self.value, self.currency = book, cut, scoring, value, currency
        self.values = table.data.combine_chunks()
        self.clients: pa.Array = self.values["client_id"].combine_chunks()
        self.frame: pd.DataFrame = table.frame()
        self.features = {feature.name: feature for feature in table.features}
        self.themes = table.themes
        self._topics: dict[TopicModel, FeatureTable] = {}

    def rows_of(self, client_ids: pa.ChunkedArray) -> npt.NDArray[np.int64]:
        """Return the rows of some clients, ascending."""
        found = pc.index_in(client_ids, self.clients).to_numpy(zero_copy_only=False)
        return np.sort(np.asarray(found, dtype=np.int64))

    def asked_about(self, artefacts: Mapping[str, Artefact]) -> Iterator[tuple[Artefact, str, npt.NDArray[np.int64]]]:
        """Yield the questions of products with the product and the rows of the clients who may buy it."""
        spine = self.values.select(SPINE.names)
        for kind in (NEXT_PRODUCT, NEXT_AGAIN):
            asked = {product_of(q) or "": artefact for q, artefact in artefacts.items() if kind_of(q) == kind}
            pairs = eligible(self.book, spine, sorted(asked), again=kind == NEXT_AGAIN)
            for product_id, artefact in sorted(asked.items()):
                clients = pairs.filter(pc.equal(pairs["product_id"], product_id))["client_id"]
                yield artefact, product_id, self.rows_of(clients)

    def question(self, artefact: Artefact, rows: npt.NDArray[np.int64]) -> QuestionScores:
        """Score and explain one question for some rows, with the topics of its own model beside the features of all."""
        taken = pa.array(rows)
        values, frame, features = self.values.take(taken), self.frame.iloc[rows], self.features
        if artefact.topics is not None:
            topics = self.topics(artefact.topics)
            features = features | {feature.name: feature for feature in topics.features}
            for feature in topics.features:
                values = values.append_column(feature.name, topics.data[feature.name].take(taken))
            frame = pd.concat([frame, topics.frame().iloc[rows].set_axis(frame.index)], axis=1)
        return score_question(
            artefact,
            self.clients.take(taken),
            values,
            frame,
            features,
            self.themes,
            self.scoring.reasons,
            self.currency,
        )

    def erosion(self, artefact: Artefact) -> _Erosion | None:
        """Score silent erosion for those who hold the least balance it is asked of; None where nobody does.

        The expected outflow is probability times share of the money that leaves times the balances known at the cut.
        """
        loss = artefact.contract.loss
        if loss is None:
            raise ValueError("the model must be one of erosion")
        bases = asset_base(self.book, self.values.select(SPINE.names))["base"].to_numpy()
        rows = np.flatnonzero(bases >= loss.min_balance)  # NaN, without any balance, is not
        if len(rows) == 0:
            return None
        found = self.question(artefact, rows)
        probability = _spread(found.probability, rows, len(self.clients))
        share = _spread(np.ones(len(rows)) if found.share is None else found.share, rows, len(self.clients))
        expected = Expected(probability, artefact.horizon, share)
        return _Erosion(expected, probability * share * bases, found.reasons)

    def topics(self, model: TopicModel) -> FeatureTable:
        """Return the clients' topics by a topic model; models of one training share theirs."""
        if model not in self._topics:
            self._topics[model] = build_topics(self.book, self.values.select(SPINE.names), model)
        return self._topics[model]

    def client_rows(
        self,
        attrition: QuestionScores | None,
        erosion: _Erosion | None,
        curves: SurvivalCurves,
        values: ClientValues,
        appetence: pa.Table,
    ) -> pa.Table:
        """Put a client's figures side by side."""
        nothing = pa.nulls(len(self.clients), pa.float64())
        probability = None if attrition is None else attrition.probability
        lgd = loss_given_default(self.book).value
        profit = client_profits(self.book, self.cut, lgd=lgd)
        return pa.table(
            {
                "client_id": self.clients,
                "advisor_id": self._advisors(),
                **{
                    f"attrition_{h}m": nothing if probability is None else pa.array(curves.leaving[:, h - 1])
                    for h in HORIZONS
                },
                "attrition_probability": nothing if probability is None else pa.array(probability),
                "attrition_tier": _tiers(probability, len(self.clients), self.scoring.high, self.scoring.medium),
                "erosion_probability": nothing if erosion is None else _known(erosion.seen.probability),
                "expected_outflow": nothing if erosion is None else _known(erosion.outflow),
                **{f"past_{term}": nothing if profit is None else self._of(profit, term) for term in TERMS},
                "lifetime_value": _known(values.total),
                **{f"value_{term}": _known(getattr(values, term)) for term in VALUE_TERMS},
                "potential": self._potential(appetence),
            }
        )

    def _advisors(self) -> pa.Array:
        clients = self.book.execute(self.book.table("clients").select("client_id", "advisor_id"))
        place = pc.index_in(self.clients, clients["client_id"].combine_chunks())
        if place.null_count:
            raise BookError("every client with a contract must be in clients", f"{place.null_count} who are not")
        return clients["advisor_id"].combine_chunks().take(place)

    def _of(self, profits: pa.Table, term: str) -> pa.Array:
        """Return a column of money in the order of the clients; who is not there has none."""
        place = pc.index_in(self.clients, profits["client_id"].combine_chunks())
        return pc.fill_null(profits[term].combine_chunks().take(place), 0.0)

    def _potential(self, appetence: pa.Table) -> pa.Array:
        row = pc.index_in(appetence["client_id"].combine_chunks(), self.clients).to_numpy(zero_copy_only=False)
        worth = appetence["expected_value"].combine_chunks()
        if len(worth) and worth.null_count == len(worth):
            return pa.nulls(len(self.clients), pa.float64())
        weights = worth.fill_null(0.0).to_numpy(zero_copy_only=False)
        return pa.array(np.bincount(row.astype(np.int64), weights=weights, minlength=len(self.clients)))


def _spread(values: Floats, rows: npt.NDArray[np.int64], clients: int) -> Floats:
    """Return values of some rows among all clients, NaN elsewhere."""
    spread = np.full(clients, np.nan)
    spread[rows] = values
    return spread


def _named(reasons: pa.Table, question: str) -> pa.Table:
    return reasons.append_column(pa.field("question", pa.string()), pa.repeat(question, len(reasons)))


def _known(values: Floats) -> pa.Array:
    return pa.array(values, mask=np.isnan(values))


def _tiers(probability: Floats | None, clients: int, high: float, medium: float) -> pa.Array:
    """Rank the book: the `high` share of it at the top, then the `medium` share, then all others."""
    if probability is None:
        return pa.nulls(clients, pa.string())
    order = np.argsort(-probability, kind="stable")
    share = np.empty(clients)
    share[order] = np.arange(clients) / clients
    return pa.array(np.where(share < high, "high", np.where(share < high + medium, "medium", "low")), pa.string())


def _offers(
    clients: pa.Array,
    rows: npt.NDArray[np.int64],
    product_id: str,
    probability: Floats,
    worth: Floats,
    artefact: Artefact,
) -> pa.Table:
    return pa.table(
        {
            "client_id": clients.take(pa.array(rows)),
            "product_id": pa.repeat(product_id, len(rows)),
            "probability": pa.array(probability),
            "expected_value": _known(worth),
            "modelled": pa.repeat(artefact.kind == "classifier", len(rows)),
            "purchase": pa.repeat(AGAIN if kind_of(artefact.question) == NEXT_AGAIN else FIRST, len(rows)),
        }
    )


def _ranked(offers: pa.Table) -> pa.Table:
    """Rank each client's products by probability; on a tie, by name."""
    order = [("client_id", "ascending"), ("probability", "descending"), ("product_id", "ascending")]
    offers = offers.sort_by(order).combine_chunks()
    clients = offers["client_id"].to_pandas()
    rank = clients.groupby(clients).cumcount().to_numpy(dtype=np.int64) + 1
    return offers.append_column(pa.field("rank", pa.int64()), pa.array(rank, pa.int64()))


def _answers(
    clients: pa.Array, rows: npt.NDArray[np.int64], question: str, probability: Floats, artefact: Artefact
) -> pa.Table:
    return pa.table(
        {
            "client_id": clients.take(pa.array(rows)),
            "question": pa.repeat(question, len(rows)),
            "probability": pa.array(probability),
            "modelled": pa.repeat(artefact.kind == "classifier", len(rows)),
        }
    )


def _no_answers() -> pa.Table:
    columns = {"client_id": pa.string(), "question": pa.string(), "probability": pa.float64(), "modelled": pa.bool_()}
    return pa.schema(list(columns.items())).empty_table()


def _no_offers() -> pa.Table:
    columns = {"client_id": pa.string(), "product_id": pa.string(), "probability": pa.float64()}
    columns |= {"expected_value": pa.float64(), "modelled": pa.bool_(), "purchase": pa.string()}
    return pa.schema(list(columns.items())).empty_table()


def _no_reasons() -> pa.Table:
    return REASONS_SCHEMA.append(pa.field("question", pa.string())).empty_table()
