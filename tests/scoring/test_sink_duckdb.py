import datetime as dt
import subprocess
import sys

import duckdb
import pyarrow as pa
import pytest

from appetence.errors import PublicationError
from appetence.scoring.sink_duckdb import DuckdbSink
from appetence.scoring.tables import (
    APPETENCE_SCORES,
    BOOK_KPIS,
    CLIENT_SCORES,
    QUESTION_SCORES,
    RUN_TABLES,
    SCORE_MOVES,
    SCORE_REASONS,
    SCORE_SCENARIOS,
    SEGMENT_CHANGES,
    SEGMENTS,
)

AT = dt.datetime(2024, 2, 1, 8, tzinfo=dt.UTC)


def a_run(run_id: str, month: str = "2024-01") -> dict[str, object]:
    return {
        "run_id": run_id,
        "month": month,
        "state": "staged",
        "started_at": AT,
        "finished_at": None,
        "book_fingerprint": "f" * 64,
        "models": "{}",
        "settings": "{}",
        "code_version": "0",
        "clients": 2,
        "objected": 0,
        "supersedes": None,
        "why": None,
    }


def rows(run_id: str, month: str, probability: float) -> dict[str, pa.Table]:
    common = {"run_id": run_id, "month": month}
    clients = [
        {**dict.fromkeys(CLIENT_SCORES.schema.names), **common, "client_id": c, "attrition_probability": probability}
        for c in ("a", "b")
    ]
    offer = {**common, "client_id": "a", "product_id": "p", "probability": 0.5, "rank": 1, "modelled": True}
    offer["purchase"] = "first"
    answer = {**common, "client_id": "a", "question": "complains", "probability": 0.5, "modelled": False}
    reason = {**common, "client_id": "a", "question": "attrition", "rank": 0, "theme": "baseline"}
    reason |= {"points": 1.0, "actionable": False, "text_en": "x", "text_fr": "x"}
    move = {**common, "client_id": "a", "question": "attrition", "rank": 1, "part": "rest", "points": 0.0}
    move |= {"text_en": "x", "text_fr": "x", "against_run": "r0", "against_month": "2023-12"}
    scenario = {**common, "client_id": "a", "question": "attrition", "scenario": "review", "points": 0.0}
    scenario |= {"probability_before": 0.1, "probability_after": 0.1, "text_en": "x", "text_fr": "x"}
    segment = {**common, "client_id": "a", "pending_months": 0}
    segment |= dict.fromkeys(("segment", "by_rule", "criteria", "rules"), "x")
    change = {**common, "client_id": "a", "segment_from": "B", "segment_to": "A", "text_en": "x", "text_fr": "x"}
    kpi = {**common, "kpi_month": month, "level": "company", "unit_id": "all", "kpi": "clients", "detail": ""}
    kpi["numerator"] = 2
    return {
        "client_scores": pa.Table.from_pylist(clients, schema=CLIENT_SCORES.schema),
        "appetence_scores": pa.Table.from_pylist([offer], schema=APPETENCE_SCORES.schema),
        "question_scores": pa.Table.from_pylist([answer], schema=QUESTION_SCORES.schema),
        "score_reasons": pa.Table.from_pylist([reason], schema=SCORE_REASONS.schema),
        "score_moves": pa.Table.from_pylist([move], schema=SCORE_MOVES.schema),
        "score_scenarios": pa.Table.from_pylist([scenario], schema=SCORE_SCENARIOS.schema),
        "segments": pa.Table.from_pylist([segment], schema=SEGMENTS.schema),
        "segment_changes": pa.Table.from_pylist([change], schema=SEGMENT_CHANGES.schema),
        "book_kpis": pa.Table.from_pylist([kpi], schema=BOOK_KPIS.schema),
    }


def shown(path, view="current_client_scores", column="attrition_probability"):
    with duckdb.connect(str(path), read_only=True) as reader:
        return [row[0] for row in reader.execute(f"SELECT {column} FROM {view}").fetchall()]


def test_a_database_of_before_a_column_gets_it_and_keeps_all_it_has(tmp_path):
    path = tmp_path / "scores.duckdb"
    with DuckdbSink(path) as sink:
        sink.stage(a_run("r1"), rows("r1", "2024-01", 0.1))
        sink.publish("r1", "2024-01", AT)
    with duckdb.connect(str(path)) as older:  # as a version without the column, and with another order, left it
        older.execute("CREATE TABLE old AS SELECT probability, * EXCLUDE (purchase, probability) FROM appetence_scores")
        older.execute("DROP TABLE appetence_scores; ALTER TABLE old RENAME TO appetence_scores")
        older.execute("CREATE OR REPLACE VIEW current_appetence_scores AS SELECT * FROM appetence_scores")
        before = older.execute("SELECT client_id, product_id, probability, modelled FROM appetence_scores").fetchall()
    with DuckdbSink(path) as sink:
        again = rows("r2", "2024-02", 0.2)
        again["appetence_scores"] = pa.Table.from_pylist(
            [{**again["appetence_scores"].to_pylist()[0], "purchase": "again"}], schema=APPETENCE_SCORES.schema
        )
        sink.stage(a_run("r2", "2024-02"), again)
        kept = sink.query("SELECT * FROM appetence_scores ORDER BY run_id").to_pylist()
        sink.publish("r2", "2024-02", AT)
    assert [tuple(kept[0][name] for name in ("client_id", "product_id", "probability", "modelled"))] == before
    assert [row["purchase"] for row in kept] == ["first", "again"]
    assert shown(path, "current_appetence_scores", "purchase") == ["again"]
    with DuckdbSink(path) as sink:  # once more: nothing is missing now
        assert sink.query("SELECT count(*) AS n FROM appetence_scores").to_pylist() == [{"n": 2}]


def test_readers_see_a_run_only_once_it_is_published(tmp_path):
    path = tmp_path / "deep" / "scores.duckdb"
    with DuckdbSink(path) as sink:
        sink.stage(a_run("r1"), rows("r1", "2024-01", 0.1))
    assert shown(path) == []
    with DuckdbSink(path) as sink:
        sink.publish("r1", "2024-01", AT)
        sink.stage(a_run("r2"), rows("r2", "2024-01", 0.2))
    assert shown(path) == [0.1, 0.1]
    with DuckdbSink(path) as sink:
        sink.publish("r2", "2024-01", AT)
        assert sink.published("2024-01").run_id == "r2"
        assert sink.published("2023-12") is None
        states = sink.query("SELECT run_id, state FROM score_runs ORDER BY run_id").to_pylist()
    assert shown(path) == [0.2, 0.2]
    assert states == [{"run_id": "r1", "state": "superseded"}, {"run_id": "r2", "state": "published"}]


def test_an_older_database_gets_the_table_it_lacks_and_keeps_its_rows(tmp_path):
    path = tmp_path / "scores.duckdb"
    with DuckdbSink(path) as sink:
        sink.stage(a_run("old"), rows("old", "2024-01", 0.1))
        sink.publish("old", "2024-01", AT)
    with duckdb.connect(str(path)) as connection:  # as it was before there were questions of a firm's own
        connection.execute("DROP VIEW current_question_scores; DROP TABLE question_scores")
        connection.execute("DROP VIEW current_score_moves; DROP TABLE score_moves")  # nor anything told of moves
    with DuckdbSink(path) as sink:
        assert sink.published("2024-01").run_id == "old"
        sink.stage(a_run("new", "2024-02"), rows("new", "2024-02", 0.2))
        assert shown_of(sink, "client_scores") == ["new", "old"]
        sink.publish("new", "2024-02", AT)
        assert shown_of(sink, "question_scores") == shown_of(sink, "score_moves") == ["new"]
        assert sink.published_before("2024-02").run_id == "old"
        assert sink.published_before("2025-01").run_id == "new"
        assert sink.published_before("2024-01") is None
    assert shown(path, "current_question_scores", "question") == ["complains"]
    assert shown(path) == [0.2, 0.2]


def shown_of(sink, table):
    return sink.query(f"SELECT DISTINCT run_id FROM {table} ORDER BY run_id")["run_id"].to_pylist()


def test_the_current_views_show_the_newest_month(tmp_path):
    path = tmp_path / "scores.duckdb"
    with DuckdbSink(path) as sink:
        for run_id, month, probability in (("new", "2024-02", 0.2), ("old", "2024-01", 0.1)):
            sink.stage(a_run(run_id, month), rows(run_id, month, probability))
            sink.publish(run_id, month, AT)
    for table in RUN_TABLES:
        assert set(shown(path, f"current_{table.name}", "month")) == {"2024-02"}


def test_what_an_interrupted_run_left_is_removed_and_published_rows_stay(tmp_path):
    with DuckdbSink(tmp_path / "scores.duckdb") as sink:
        sink.stage(a_run("good"), rows("good", "2024-01", 0.1))
        sink.publish("good", "2024-01", AT)
        sink.stage(a_run("half"), rows("half", "2024-02", 0.1))
        assert sink.discard_unpublished() == 1
        assert sink.query("SELECT DISTINCT run_id FROM client_scores")["run_id"].to_pylist() == ["good"]
        assert sink.runs_of("2024-02") == 0


def test_a_stage_that_fails_midway_leaves_nothing(tmp_path):
    with DuckdbSink(tmp_path / "scores.duckdb") as sink:
        tables = rows("r1", "2024-01", 0.1)
        tables["score_reasons"] = tables["score_reasons"].drop_columns(["text_fr"])
        with pytest.raises(KeyError):
            sink.stage(a_run("r1"), tables)
        assert sink.runs_of("2024-01") == 0
        assert sink.query("SELECT count(*) AS n FROM client_scores")["n"].to_pylist() == [0]


def test_a_failed_run_keeps_its_row_and_loses_its_scores(tmp_path):
    with DuckdbSink(tmp_path / "scores.duckdb") as sink:
        sink.stage(a_run("r1"), rows("r1", "2024-01", 0.1))
        sink.fail("r1", AT)
        assert sink.query("SELECT state FROM score_runs")["state"].to_pylist() == ["failed"]
        assert sink.query("SELECT count(*) AS n FROM score_reasons")["n"].to_pylist() == [0]


def test_a_second_process_is_told_that_the_database_is_held(tmp_path):
    path = tmp_path / "scores.duckdb"
    script = "import sys, pathlib, appetence.scoring.sink_duckdb as s; s.DuckdbSink(pathlib.Path(sys.argv[1]))"
    with DuckdbSink(path):
        other = subprocess.run([sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=False)
    assert other.returncode == 1
    assert "must be free for writing" in other.stderr


def test_a_file_that_is_no_database_is_refused_and_kept(tmp_path):
    path = tmp_path / "scores.duckdb"
    path.write_text("precious")
    with pytest.raises(PublicationError, match="must be a DuckDB file"):
        DuckdbSink(path)
    assert path.read_text() == "precious"
