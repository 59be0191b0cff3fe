"""A small book with published scores: three advisors' worth of trouble in eight clients."""

import datetime as dt
import json
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

from appetence.explain.reasons import BASELINE, OTHER
from appetence.scoring.sink_duckdb import DuckdbSink
from appetence.scoring.tables import CLIENT_SCORES, RUN_TABLES

MONTH = "2023-12"
HOSTILE = (
    "<script>document.title='owned'</script>",
    '"><img src=x onerror="document.title=\'owned\'">',
    "=cmd|' /C calc'!A0",
    "{{7*7}}{% raw %}",
    "Anne\u202e\x00\u200b Dupré",
)
"""Names that try to run, to be computed, to be rendered, or to hide."""


def client_row(client_id: str, **values: object) -> dict[str, object]:
    row = dict.fromkeys(CLIENT_SCORES.schema.names) | {"client_id": client_id, "advisor_id": "A1"}
    return row | {"attrition_probability": 0.1, "attrition_tier": "low", "lifetime_value": 1000.0} | values


def offer_row(client_id: str, product_id: str, probability: float, worth: float | None, **values: object) -> dict:
    return {
        "client_id": client_id,
        "product_id": product_id,
        "probability": probability,
        "expected_value": worth,
        "rank": 1,
        "modelled": True,
        "purchase": "first",
    } | values


def reason_rows(client_id: str, question: str, *points: float) -> list[dict[str, object]]:
    """A baseline, a reason per further number but the last, and the rest."""
    themes = [BASELINE, *(f"theme{i}" for i in range(1, len(points) - 1)), OTHER]
    return [
        {
            "client_id": client_id,
            "question": question,
            "rank": rank,
            "theme": theme,
            "feature": None,
            "value": None,
            "points": value,
            "actionable": rank == 1,
            "text_en": f"Reason {rank} of {client_id}",
            "text_fr": f"Motif {rank} de {client_id}",
        }
        for rank, (theme, value) in enumerate(zip(themes, points, strict=True))
    ]


def publish_scores(
    path: Path,
    clients: list[dict],
    offers: list[dict] = (),
    reasons: list[dict] = (),
    answers: list[dict] = (),
    moves: list[dict] = (),
    scenarios: list[dict] = (),
    models: dict | None = None,
    settings: dict | None = None,
    run_id: str = "run-1",
    month: str = MONTH,
) -> Path:
    """Publish rows through the job's own sink."""
    at = dt.datetime(2024, 1, 2, tzinfo=dt.UTC)
    told = {"attrition": {"kind": "classifier", "verdict": "Good.", "horizon": 6}, "buy:P": {"horizon": 3}}
    told["erosion"] = {"verdict": "Money.", "verdict_fr": "Argent.", "horizon": 4}
    run = {
        "run_id": run_id,
        "month": month,
        "state": "staged",
        "started_at": at,
        "finished_at": None,
        "book_fingerprint": "0123456789abcdef" * 4,
        "models": json.dumps(told if models is None else models),
        "settings": json.dumps(settings or {}),
        "code_version": "1.2.3",
        "clients": len(clients),
        "objected": 4,
        "supersedes": None,
        "why": None,
    }
    named = {"run_id": run_id, "month": month}
    given = (clients, offers, answers, reasons, moves, scenarios)
    tables = {table.name: table.schema.empty_table() for table in RUN_TABLES} | {
        table.name: pa.Table.from_pylist([row | named for row in rows], schema=table.schema)
        for table, rows in zip(RUN_TABLES, given, strict=False)
    }
    with DuckdbSink(path) as sink:
        sink.stage(run, tables)
        sink.publish(run_id, month, at)
    return path


def small_book() -> dict[str, list[dict[str, object]]]:
    """Clients 1 to 8; the first five have hostile names, 7 and 8 share a household."""
    day = dt.date
    names = {str(i): name for i, name in enumerate((*HOSTILE, "Zoé Martin", "Léa Petit", "Paul Petit"), start=1)}
    return {
        "clients": [
            {
                "client_id": i,
                "name": name,
                "advisor_id": "A1" if i != "6" else "A2",
                "birth_date": day(1980, 1, 2),
                "joined_on": day(2015, 5, 4),
                "household_id": "H" if i in "78" else i,
            }
            for i, name in names.items()
        ],
        "advisors": [
            {"advisor_id": "A1", "name": HOSTILE[1], "team": "Équipe <b>Nord</b>", "branch": "Lille"},
            {"advisor_id": "A2", "name": "Inès Moreau", "team": "Équipe Sud", "branch": "Nice"},
        ],
        "products": [
            {"product_id": "P", "label_en": "Livret <i>A</i>", "label_fr": "Livret A & Cie"},
            {"product_id": "Q", "label_en": "Home loan", "label_fr": "Prêt immobilier"},
        ],
        "contracts": [{"contract_id": f"k{i}", "client_id": i, "product_id": "P"} for i in names],
        "life_events": [
            {
                "client_id": "6",
                "kind": "<b>birth</b>",
                "occurred_on": day(2023, 10, 1),
                "known_on": day(2023, 10, 9),
                "source": "crm",
            }
        ],
        "consents": [
            {"client_id": "1", "purpose": "phone", "known_on": day(2023, 1, 1), "granted": False},
            {"client_id": "7", "purpose": "marketing", "known_on": day(2024, 3, 1), "granted": False},
        ],
    }


def small_scores(path: Path, **changes: object) -> Path:
    ids = [str(i) for i in range(1, 9)]
    clients = [
        client_row(
            i,
            advisor_id="A2" if i == "6" else "A1",
            attrition_probability=0.05 * int(i),
            attrition_tier="high" if int(i) > 6 else "medium" if int(i) > 3 else "low",
            lifetime_value=9000.0 if i == "4" else 1000.0,
            past_profit=12.0,
            potential=30.0,
            erosion_probability=0.04 * int(i) if i not in "12" else None,
            expected_outflow=1000.0 * int(i) if i not in "12" else None,
        )
        for i in ids
    ]
    offers = [offer_row(i, "Q", 0.01 * int(i), 10.0 * int(i)) for i in ids]
    reasons = [row for i in ids for row in reason_rows(i, "attrition", 4.0, 3.0, -1.0, 5.0 * int(i) - 6.0)]
    reasons += [row for i in ids[2:] for row in reason_rows(i, "erosion", 9.0, 2.5, -2.5, 4.0 * int(i) - 9.0)]
    reasons += [row for i in ids for row in reason_rows(i, "buy:Q", 1.0, 0.5, 1.0 * int(i) - 1.5)]
    given = {"clients": clients, "offers": offers, "reasons": reasons, **changes}
    return publish_scores(path, **given)


@pytest.fixture
def scores(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that publishes the small book's scores, with changes, and returns the database's path."""
    return lambda **changes: small_scores(tmp_path / "scores.duckdb", **changes)


@pytest.fixture
def reasons() -> Callable[..., list[dict[str, object]]]:
    """Return `reason_rows`."""
    return reason_rows


@pytest.fixture
def reported(make_book, scores, tmp_path):
    """Return a function that writes the small book's reports, with changes to its scores, and returns the index."""
    from appetence.config import ReportSettings
    from appetence.months import Month
    from appetence.reports import read_published, write_reports

    def write(tables: dict | None = None, **changes: object):
        book = make_book(small_book() if tables is None else tables)
        published = read_published(scores(**changes), Month.parse(str(changes.get("month", MONTH))))
        return write_reports(published, book, ReportSettings(directory=str(tmp_path / "reports")), title="A & <b>B</b>")

    return write
