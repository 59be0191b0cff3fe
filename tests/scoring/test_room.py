"""Segments and key figures of a month: steady against the newest month published, told when they move, adding up."""

import datetime as dt
import json

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from appetence.config import ValueSettings
from appetence.features.pipeline import FeatureTable
from appetence.months import Month
from appetence.scoring.audit import audit
from appetence.scoring.room import value_room
from appetence.scoring.sink_duckdb import DuckdbSink
from appetence.scoring.tables import RUN_TABLES
from appetence.value.segment_rules import SegmentRules

from .test_audit import AT, STAGED

NOVEMBER, DECEMBER = Month.parse("2021-11"), Month.parse("2021-12")
RULES = SegmentRules.model_validate(
    {
        "confirm": 1,
        "margin": 0.1,
        "criteria": [{"name": "past_profit", "label_en": "profit", "label_fr": "rentabilité", "unit": "money"}],
        "segments": [
            {
                "name": "A",
                "label_en": "Best",
                "label_fr": "Meilleurs",
                "when": {"all": [{"criterion": "past_profit", "at_least": 100}]},
            },
            {"name": "B", "label_en": "Others", "label_fr": "Autres"},
        ],
    }
)
CLIENTS = ("1", "2", "3")
TABLES = {
    "clients": [{"client_id": c, "advisor_id": {"1": "x", "2": "y"}.get(c)} for c in CLIENTS],
    "advisors": [{"advisor_id": a, "name": a, "team": "T", "branch": "B", "region": "R"} for a in "xy"],
    "products": [{"product_id": "p", "family": "savings", "margin_kind": "amount", "annual_margin": 9.0}],
    "contracts": [
        {"contract_id": f"k{c}", "client_id": c, "product_id": "p", "opened_on": dt.date(2020, 1, 5)} for c in CLIENTS
    ],
    "balances": [
        {"contract_id": f"k{c}", "month": dt.date(2021, m, 1), "balance": 50, "revenue": 12 if c == "2" else 5}
        for c in CLIENTS
        for m in range(1, 13)
    ],
}


def scores_of(profits):
    columns = {"client_id": list(CLIENTS), "past_profit": profits, "lifetime_value": [10.0, 20.0, 30.0]}
    columns |= {"potential": [1.0, 2.0, 3.0], "attrition_12m": [0.1, 0.2, None]}
    return pa.table(columns)


def room_at(book, month, profits, sink, rules=RULES):
    spine = pa.table({"client_id": list(CLIENTS), "cut": pa.array([month.cut] * 3, pa.date32())})
    return value_room(
        book, month, FeatureTable(spine, (), {}, ()), scores_of(profits), rules, ValueSettings(), "EUR", sink
    )


def publish(sink, room, month, run_id):
    tables = {table.name: table.schema.empty_table() for table in RUN_TABLES}
    for name, rows in vars(room).items():
        named = rows.append_column("run_id", pa.repeat(run_id, len(rows)))
        tables[name] = named.append_column("month", pa.repeat(str(month), len(rows)))
    sink.stage({**STAGED, "run_id": run_id, "month": str(month)}, tables)
    sink.publish(run_id, str(month), AT)


@pytest.fixture
def sink(tmp_path):
    with DuckdbSink(tmp_path / "scores.duckdb") as sink:
        yield sink


def test_clients_move_beyond_the_margin_and_the_move_is_told(make_book, sink):
    book = make_book(TABLES)
    first = room_at(book, NOVEMBER, [60.0, 130.0, 120.0], sink)
    assert first.segments["segment"].to_pylist() == ["B", "A", "A"]
    assert len(first.segment_changes) == 0
    publish(sink, first, NOVEMBER, "november")
    second = room_at(book, DECEMBER, [104.0, 95.0, 20.0], sink)  # within the margin, within it, far beyond it
    assert second.segments["segment"].to_pylist() == ["B", "A", "B"]
    (moved,) = second.segment_changes.to_pylist()
    assert (moved["client_id"], moved["segment_from"], moved["segment_to"]) == ("3", "A", "B")
    assert json.loads(second.segments["criteria"][2].as_py())["past_profit"] == 20.0


def test_key_figures_are_of_24_months_and_every_level(make_book, sink):
    kpis = room_at(make_book(TABLES), DECEMBER, [60.0, 130.0, 120.0], sink).book_kpis
    assert pc.max(kpis["kpi_month"]).as_py() == "2021-12"
    assert set(kpis["level"].to_pylist()) == {"company", "region", "branch", "team", "advisor"}
    rows = kpis.to_pylist()
    whole = next(r for r in rows if (r["level"], r["kpi"], r["kpi_month"]) == ("company", "npv", "2021-12"))
    assert whole["value"] == pytest.approx(66.0)


def test_without_rules_there_are_key_figures_and_no_segments(make_book, sink):
    room = room_at(make_book(TABLES), DECEMBER, [60.0, 130.0, 120.0], sink, rules=None)
    assert len(room.segments) == len(room.segment_changes) == 0
    assert len(room.book_kpis) > 0


@pytest.mark.parametrize(
    ("planted", "check"),
    [
        ("UPDATE book_kpis SET numerator = numerator + 1 WHERE level = 'advisor'", "book_kpis: advisors add up"),
        ("DELETE FROM segments WHERE client_id = '2'", "segments: one for each client scored"),
        ("UPDATE segments SET client_id = '9' WHERE client_id = '2'", "segments: one for each client scored"),
    ],
)
def test_the_audit_finds_what_does_not_add_up(make_book, sink, planted, check):
    publish(sink, room_at(make_book(TABLES), DECEMBER, [60.0, 130.0, 120.0], sink), DECEMBER, "r")
    sink._connection.execute(
        "INSERT INTO client_scores (run_id, month, client_id) SELECT run_id, month, client_id FROM segments"
    )
    names = ("book_kpis", "segments")
    ours = [
        f
        for f in audit(sink, "r", 3, (), None)
        if f.check.startswith(names) and ("add up" in f.check or "one for" in f.check)
    ]
    assert [f.passed for f in ours] == [True, True]
    sink._connection.execute(planted)
    failed = [f.check for f in audit(sink, "r", 3, (), None) if not f.passed]
    assert any(name.startswith(check) for name in failed)
