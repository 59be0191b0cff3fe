"""The value room of a month: each client's segment, who moved and why, and the key figures of the book."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from appetence.book import Book
from appetence.config import ValueSettings
from appetence.features.pipeline import FeatureTable
from appetence.months import Month
from appetence.scoring.sink_duckdb import DuckdbSink, PublishedRun
from appetence.scoring.tables import SEGMENT_CHANGES, SEGMENTS, rows_of_run
from appetence.value.credit import loss_given_default
from appetence.value.kpis import book_kpis
from appetence.value.segment_changes import segment_changes
from appetence.value.segment_facts import columns_needed, segment_facts
from appetence.value.segment_rules import SegmentRules
from appetence.value.segments import client_segments

YEAR = 12
_STAYING = "attrition_12m"


@dataclass(frozen=True)
class ValueRoom:
    """Rows of the tables `segments`, `segment_changes` and `book_kpis`, less `run_id` and `month`."""

    segments: pa.Table
    segment_changes: pa.Table
    book_kpis: pa.Table


def value_room(
    book: Book,
    month: Month,
    table: FeatureTable,
    client_scores: pa.Table,
    rules: SegmentRules | None,
    settings: ValueSettings,
    currency: str,
    sink: DuckdbSink,
) -> ValueRoom:
    """Divide the clients of a month into segments, and add up the key figures of the book.

    Parameters
    ----------
    table
        Features of the clients scored, one row each.
    client_scores
        Their rows of `client_scores`, in any order.
    rules
        The firm's segments; None: there are none, and no client is in one.
    sink
        Where months published before are read: the newest of them is the state that segments are steady against.

    Raises
    ------
    UsageError
        A criterion of the rules is read from a column that this book does not have.
    """
    segments, changes = rows_of_run(SEGMENTS).empty_table(), rows_of_run(SEGMENT_CHANGES).empty_table()
    scores = client_scores.select(["client_id", "lifetime_value", "potential"])
    scores = scores.append_column("staying", pc.subtract(1.0, client_scores[_STAYING]))
    if rules is not None:
        facts = segment_facts(book, month.cut, table.data, client_scores, loss_given_default(book).value)
        columns_needed(rules, facts.column_names)
        before = _published(sink, sink.published_before(str(month)))
        segments = client_segments(rules, facts, before)
        if before is not None:
            changes = segment_changes(rules, before, segments, currency)
        place = pc.index_in(scores["client_id"], segments["client_id"].combine_chunks())
        scores = scores.append_column("segment", segments["segment"].combine_chunks().take(place.combine_chunks()))
    told: dict[dt.date, pa.Table] = {month.cut: scores}
    then = month - YEAR
    earlier = _published(sink, sink.published(str(then)))
    if earlier is not None:
        told[then.cut] = earlier.select(["client_id", "segment"])
    kpis = book_kpis(book, month.cut, told, settings.multiple).table
    return ValueRoom(segments, changes, _by_month(kpis))


def _published(sink: DuckdbSink, run: PublishedRun | None) -> pa.Table | None:
    """Return a run's segments; None where there is no run, or it has none."""
    if run is None:
        return None
    rows = sink.query("SELECT * FROM segments WHERE run_id = ?", [run.run_id]).select(rows_of_run(SEGMENTS).names)
    return rows if len(rows) else None


def _by_month(kpis: pa.Table) -> pa.Table:
    """Write the months of key figures as all months are written."""
    place = kpis.schema.get_field_index("month")
    return kpis.set_column(place, "kpi_month", pc.strftime(kpis["month"], "%Y-%m"))
