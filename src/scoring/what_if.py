"""What would change one client's scores, asked on demand: of anyone who was scored, not of those looked at alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pyarrow as pa

from appetence.book import Book
from appetence.book.spine import SPINE
from appetence.config import Config
from appetence.errors import PublicationError
from appetence.features.pipeline import build_features
from appetence.features.topics import why_no_topics
from appetence.models.rows import check_usable
from appetence.models.tracking import TrackingStore
from appetence.months import Month
from appetence.scoring.consents import objecting_clients
from appetence.scoring.earlier import read_run, with_models
from appetence.scoring.moves import Comparison
from appetence.scoring.scenarios import ASKED, Supposed
from appetence.scoring.sink_duckdb import DuckdbSink
from appetence.scoring.tables import APPETENCE_SCORES


def what_if(config: Config, book: Book, store: TrackingStore, client_id: str, month: Month) -> pa.Table:
    """Ask the models that scored a published month what they would answer if something were so.

    Both answers are of today's book: where facts of that month were learnt since, `probability_before` is not the one
    published.

    Returns
    -------
    pyarrow.Table
        The rows of `score_scenarios`, less `run_id` and `month`.

    Raises
    ------
    PublicationError
        The month is not published, the client objects to profiling by now, or the models are gone.
    """
    if client_id in objecting_clients(book):
        raise PublicationError("the client must not object to profiling", "one who does", "Nothing may be computed")
    with DuckdbSink(Path(config.scoring.database)) as sink:
        run = sink.published(str(month))
        if run is None:
            raise PublicationError("a month must be published to ask what would change it", str(month))
        shown = read_run(sink, run)
        sql = f"SELECT * FROM {APPETENCE_SCORES.name} WHERE run_id = ? AND client_id = ?"  # noqa: S608 - a name of ours
        offers = sink.query(sql, [run.run_id, client_id])
    scores = {
        question: rows
        for question, rows in shown.probabilities.items()
        if question in ASKED and client_id in rows["client_id"].to_pylist()
    }
    models = with_models(replace(shown, probabilities=scores), store, {}, {}).models
    if not models:
        raise PublicationError("the models of the month must be in the registry", "none that can be trusted")
    spine = pa.Table.from_arrays([pa.array([client_id]), pa.array([month.cut], pa.date32())], schema=SPINE)
    table = build_features(book, spine, config.features)
    no_topics = why_no_topics(book, config.features)
    for model in models.values():
        check_usable(model, [feature.name for feature in table.features], no_topics)
    today = Comparison(book, table, month.cut, month.cut, no_topics)
    now = {
        question: pa.table({"client_id": [client_id], "probability": model.predict(today.read_by(model)[0])})
        for question, model in models.items()
    }
    return Supposed(book, month.cut, models, now, offers, config.features).rows(config.scenarios, [client_id])
