"""What an earlier month's readers saw: its probabilities, and the models that gave them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from appetence.errors import ArtefactError
from appetence.models.artefact import Artefact
from appetence.models.kinds import ATTRITION, EROSION, NEXT_AGAIN, NEXT_PRODUCT
from appetence.models.registry import ModelRef, load_models, recorded
from appetence.models.tracking import TrackingStore
from appetence.models.verdicts import Verdict
from appetence.months import Month
from appetence.scoring.sink_duckdb import DuckdbSink, PublishedRun
from appetence.scoring.tables import AGAIN, APPETENCE_SCORES, CLIENT_SCORES, QUESTION_SCORES, ScoreTable

Probabilities = Mapping[str, pa.Table]
"""Per question, `client_id` and `probability` of whom it was asked."""


@dataclass(frozen=True)
class Earlier:
    """The newest month published before another one.

    Attributes
    ----------
    run
        What its readers see.
    probabilities
        As published.
    clients
        Everyone who was scored.
    models
        Per question the model that scored it: the one in use where it is the same, else the stored one, verified.
    lost
        Per question why its model cannot be had.
    """

    run: PublishedRun
    probabilities: Probabilities
    clients: pa.Array
    models: Mapping[str, Artefact] = field(default_factory=dict)
    lost: Mapping[str, Verdict] = field(default_factory=dict)

    @property
    def month(self) -> Month:
        """The month scored."""
        return Month.parse(self.run.month)

    @property
    def recorded(self) -> Mapping[str, Mapping[str, Any]]:
        """Per question what the run wrote of its model."""
        found: Mapping[str, Mapping[str, Any]] = json.loads(self.run.models)
        return found


def read_earlier(sink: DuckdbSink, month: Month) -> Earlier | None:
    """Return the newest month published before a month, without its models; None where there is none."""
    run = sink.published_before(str(month))
    return None if run is None else read_run(sink, run)


def read_run(sink: DuckdbSink, run: PublishedRun) -> Earlier:
    """Return what a run's readers see, without its models."""
    tables = {table.name: _rows_of(sink, table, run.run_id) for table in (CLIENT_SCORES, APPETENCE_SCORES)}
    tables[QUESTION_SCORES.name] = _rows_of(sink, QUESTION_SCORES, run.run_id)
    clients = tables[CLIENT_SCORES.name]["client_id"].combine_chunks()
    return Earlier(run, probabilities(*tables.values()), clients)


def probabilities(client_scores: pa.Table, appetence_scores: pa.Table, question_scores: pa.Table) -> Probabilities:
    """Read a run's probabilities off its tables."""
    found = {}
    for question in (ATTRITION, EROSION):
        known = client_scores.select(["client_id", f"{question}_probability"]).drop_null()
        found[question] = known.rename_columns(["client_id", "probability"])
    again = pc.equal(appetence_scores["purchase"], AGAIN)
    prefix = pc.if_else(again, f"{NEXT_AGAIN}:", f"{NEXT_PRODUCT}:")
    offered = pc.binary_join_element_wise(prefix, appetence_scores["product_id"], "")
    for table, named in ((appetence_scores, offered), (question_scores, question_scores["question"])):
        for question in pc.unique(named).to_pylist():
            found[question] = table.filter(pc.equal(named, question)).select(["client_id", "probability"])
    return {question: rows.combine_chunks() for question, rows in found.items() if len(rows)}


def with_models(
    earlier: Earlier, store: TrackingStore | None, refs: Mapping[str, ModelRef], in_use: Mapping[str, Artefact]
) -> Earlier:
    """Return the earlier month with the models that scored it, as far as they can be trusted.

    A model is found by the hashes that the run recorded. Where those in use have other hashes, the registry is asked
    for a version with these, which must have been approved, and it is verified like any model before it is loaded.
    """
    models: dict[str, Artefact] = {}
    lost: dict[str, Verdict] = {}
    stored: dict[str, ModelRef] = {}
    for question in earlier.probabilities:
        entry = earlier.recorded.get(question, {})
        sha256 = dict(entry.get("sha256") or {})
        if question in refs and dict(refs[question].stored.sha256) == sha256:
            models[question] = in_use[question]
            continue
        found = None if store is None else recorded(store, question, str(entry.get("name") or ""), sha256)
        if found is None:
            lost[question] = _GONE
        else:
            stored[question] = found
    for question, artefact in _load(stored).items():
        if artefact is None:
            lost[question] = _BROKEN
        else:
            models[question] = artefact
    return Earlier(earlier.run, earlier.probabilities, earlier.clients, models, lost)


_GONE = Verdict(
    "the model of then is not in the registry any more, or was never approved",
    "le modèle d’alors n’est plus dans le registre, ou n’a jamais été approuvé",
)
_BROKEN = Verdict(
    "the model of then is not what was approved, or cannot be read any more",
    "le modèle d’alors n’est plus celui qui avait été approuvé, ou ne peut plus être lu",
)


def _load(stored: Mapping[str, ModelRef]) -> Mapping[str, Artefact | None]:
    """Load models; one that fails its checks is None and keeps no other from being loaded."""
    try:
        return load_models(stored.values())
    except ArtefactError:
        pass
    found: dict[str, Artefact | None] = {}
    for question, ref in stored.items():
        try:
            found |= load_models([ref])
        except ArtefactError:
            found[question] = None
    return found


def _rows_of(sink: DuckdbSink, table: ScoreTable, run_id: str) -> pa.Table:
    return sink.query(f"SELECT * FROM {table.name} WHERE run_id = ?", [run_id])
