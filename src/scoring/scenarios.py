"""What would change a score, for the clients who will be looked at: the rows of `score_scenarios`."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from appetence.book import Book
from appetence.book.copies import Copies, copy_of
from appetence.book.spine import SPINE
from appetence.book.stand_in import StandIn, Supposing
from appetence.config import FeatureSettings, Scenario, ScenarioSettings
from appetence.explain.scenarios import Supposition, say_supposed, supposed_fact, waves
from appetence.features.pipeline import build_features
from appetence.features.topic_model import TopicModel
from appetence.features.topics import build_topics
from appetence.models.artefact import Artefact
from appetence.models.kinds import ATTRITION, EROSION
from appetence.progress import Progress, silent
from appetence.scoring.tables import FIRST, SCORE_SCENARIOS
from appetence.targets.eligibility import eligible

Floats = npt.NDArray[np.float64]

ASKED = (ATTRITION, EROSION)

AT_A_TIME = 2_000
"""Suppositions of one build of features: their households' facts are in memory together."""

Asked = tuple[Scenario, Supposition]


def looked_at(client_scores: pa.Table, most: int) -> list[str]:
    """Return up to so many clients of the tiers high and medium, those with most money at stake first.

    Money at stake is the probability of leaving times the lifetime value, as reports order clients; where the value is
    not known, the probability alone.
    """
    rows = client_scores.filter(pc.is_in(client_scores["attrition_tier"], pa.array(["high", "medium"])))
    if not len(rows):
        return []
    probability = rows["attrition_probability"].to_numpy()
    worth = rows["lifetime_value"]
    value = np.ones(len(rows)) if worth.null_count == len(rows) else worth.fill_null(0.0).to_numpy()
    order = np.lexsort([rows["client_id"].to_pandas().to_numpy(), -probability, -probability * value])
    found: list[str] = rows["client_id"].take(pa.array(order[:most])).to_pylist()
    return found


@dataclass(frozen=True)
class Supposed:
    """What scenarios of a month need.

    Parameters
    ----------
    cut
        The first day not known.
    artefacts
        The models in use, by question; only those of attrition and erosion are asked.
    probabilities
        By question, `client_id` and `probability` as published: only these clients are asked.
    offers
        Scores of products, of which the best one is supposed.
    """

    book: Book
    cut: dt.date
    artefacts: Mapping[str, Artefact]
    probabilities: Mapping[str, pa.Table]
    offers: pa.Table
    features: FeatureSettings

    def rows(self, scenarios: ScenarioSettings, clients: Sequence[str], progress: Progress = silent) -> pa.Table:
        """Ask the models, for each scenario and client, what they would answer.

        Returns
        -------
        pyarrow.Table
            The rows of `score_scenarios`, less `run_id` and `month`.
        """
        progress("asking what would change the scores", 0.0)
        published = self._published(clients)
        asked = [(scenario, one) for scenario in scenarios.each for one in self.suppose(scenario, clients)]
        parts = self.in_waves(asked) if self.features.own else self._in_copies(asked)
        names = self._names()
        found: list[dict[str, object]] = []
        for part, answers in parts:
            progress("asking what would change the scores", len(found) / (len(ASKED) * len(asked)))
            for question, after in answers.items():
                for (scenario, one), probability in zip(part, after.tolist(), strict=True):
                    before = published[question].get(one.client_id)
                    if before is not None:
                        found.append(_row(scenario, one, question, before, probability, names))
        order = [("client_id", "ascending"), ("question", "ascending"), ("scenario", "ascending")]
        return pa.Table.from_pylist(found, no_scenarios().schema).sort_by(order)

    def _in_copies(self, asked: Sequence[Asked]) -> Iterator[tuple[Sequence[Asked], Mapping[str, Floats]]]:
        """Ask of copies of the clients, many at a time."""
        for start in range(0, len(asked), AT_A_TIME):
            part = asked[start : start + AT_A_TIME]
            clients = [one.client_id for _, one in part]
            facts = [supposed_fact(scenario, one, n, self.cut) for n, (scenario, one) in enumerate(part)]
            spine = self._spine([copy_of(client, number) for number, client in enumerate(clients)])
            yield part, self._answers(Copies(self.book, clients, facts), spine)

    def in_waves(self, asked: Sequence[Asked]) -> Iterator[tuple[Sequence[Asked], Mapping[str, Floats]]]:
        """Ask of the clients themselves, one of a household at a time: a firm's own features may read any table."""
        homes = self._homes([one.client_id for _, one in asked])
        for part in waves(asked, homes):
            facts: dict[str, list[Mapping[str, object]]] = {}
            for number, (scenario, one) in enumerate(part):
                table, row = supposed_fact(scenario, one, number, self.cut)
                facts.setdefault(table, []).append(row)
            yield part, self._answers(Supposing(self.book, facts), self._spine([one.client_id for _, one in part]))

    def _answers(self, book: StandIn, spine: pa.Table) -> Mapping[str, Floats]:
        """Return what the models answer of a spine's rows, by question."""
        frame = build_features(book, spine, self.features).frame()
        topics: dict[TopicModel, pd.DataFrame] = {}
        found = {}
        for question in ASKED:
            if question not in self.artefacts or question not in self.probabilities:
                continue
            artefact, read = self.artefacts[question], frame
            if artefact.topics is not None:
                if artefact.topics not in topics:
                    topics[artefact.topics] = build_topics(book, spine, artefact.topics).frame()
                read = pd.concat([frame, topics[artefact.topics]], axis=1)
            found[question] = artefact.predict(read)
        return found

    def suppose(self, scenario: Scenario, clients: Sequence[str]) -> list[Supposition]:
        """Return what is supposed of whom; nothing where the book knows no such thing."""
        if scenario.fact == "interaction":
            if not self.book.has("interactions"):
                return []
            contacts = self.book.as_known("interactions", self.cut)
            seen = self.book.execute(contacts.filter(contacts.kind == scenario.kind).limit(1).select("interaction_id"))
            return [Supposition(client) for client in clients] if len(seen) else []
        products = self._best() if scenario.product is None else self._of(scenario.product, clients)
        return [Supposition(client, products[client]) for client in clients if client in products]

    def _best(self) -> Mapping[str, str]:
        """Return each client's best next product, in the order in which reports propose them."""
        first = self.offers.filter(pc.equal(self.offers["purchase"], FIRST)).to_pandas()
        first["unknown"] = first["expected_value"].isna()
        by = ["client_id", "modelled", "unknown", "expected_value", "probability", "product_id"]
        first = first.sort_values(by, ascending=[True, False, True, False, False, True])
        best = first.drop_duplicates("client_id")
        return dict(zip(best["client_id"], best["product_id"], strict=True))

    def _of(self, product_id: str, clients: Sequence[str]) -> Mapping[str, str]:
        """Return the product of the clients who may buy it."""
        pairs = eligible(self.book, self._spine(clients), [product_id])
        return dict.fromkeys(pairs["client_id"].to_pylist(), product_id)

    def _spine(self, clients: Sequence[str]) -> pa.Table:
        cuts = pa.array([self.cut] * len(clients), pa.date32())
        return pa.Table.from_arrays([pa.array(clients, pa.string()), cuts], schema=SPINE)

    def _published(self, clients: Sequence[str]) -> Mapping[str, Mapping[str, float]]:
        wanted = pa.array(clients, pa.string())
        found = {}
        for question in ASKED:
            if question in self.probabilities and question in self.artefacts:
                rows = self.probabilities[question]
                rows = rows.filter(pc.is_in(rows["client_id"], wanted))
                found[question] = dict(zip(rows["client_id"].to_pylist(), rows["probability"].to_pylist(), strict=True))
        return found

    def _homes(self, clients: Sequence[str]) -> Mapping[str, str | None]:
        table = self.book.table("clients").select("client_id", "household_id")
        rows = self.book.execute(table)
        rows = rows.filter(pc.is_in(rows["client_id"], pa.array(clients, pa.string())))
        return dict(zip(rows["client_id"].to_pylist(), rows["household_id"].to_pylist(), strict=True))

    def _names(self) -> Mapping[str, tuple[str, ...]]:
        rows = self.book.execute(self.book.table("products").select("product_id", "label_en", "label_fr")).to_pylist()
        return {
            row["product_id"]: tuple(row[f"label_{language}"] or row["product_id"] for language in ("en", "fr"))
            for row in rows
        }


def _row(
    scenario: Scenario,
    one: Supposition,
    question: str,
    before: float,
    after: float,
    names: Mapping[str, tuple[str, ...]],
) -> dict[str, object]:
    en, fr = names.get(one.product_id or "", ("", ""))
    return {
        "client_id": one.client_id,
        "question": question,
        "scenario": scenario.name,
        "product_id": one.product_id,
        "probability_before": before,
        "probability_after": after,
        "points": 100 * (after - before),
        "text_en": say_supposed(scenario, en, "en"),
        "text_fr": say_supposed(scenario, fr, "fr"),
    }


def no_scenarios() -> pa.Table:
    """Return no rows."""
    return SCORE_SCENARIOS.schema.empty_table().drop_columns(["run_id", "month"])
