import datetime as dt
import math
from contextlib import contextmanager

import pyarrow as pa
import pytest

from appetence.errors import PublicationError
from appetence.scoring.audit import audit, raise_on_failure
from appetence.scoring.sink_duckdb import DuckdbSink
from appetence.scoring.tables import CLIENT_SCORES, RUN_TABLES, SCORE_RUNS

RUN = {"run_id": "r", "month": "2024-01"}
AT = dt.datetime(2024, 2, 1, tzinfo=dt.UTC)


_TEXTS = {"text_en": "x", "text_fr": "x"}
_TOLD = {**_TEXTS, "against_run": "before", "against_month": "2023-12"}


def good():
    client = {**dict.fromkeys(CLIENT_SCORES.schema.names), **RUN, "client_id": "a", "attrition_probability": 0.25}
    client |= {"lifetime_value": 10.0, "erosion_probability": 0.1, "expected_outflow": 7.0}
    client |= {"value_margin": 12.0, "value_erosion": -1.0, "value_credit": -3.0, "value_tail": 2.0}
    client |= {"value_low": 4.0, "value_high": 12.0}
    offer = {**RUN, "client_id": "a", "product_id": "p", "purchase": "first", "rank": 1, "modelled": True}
    offer["probability"] = 0.5
    again = offer | {"product_id": "q", "probability": 0.25, "purchase": "again", "rank": 2}
    base = {**RUN, "client_id": "a", "theme": "baseline", "actionable": False, "text_en": "x", "text_fr": "x"}
    reasons = [
        base | {"question": "attrition", "rank": 0, "points": 20.0},
        base | {"question": "attrition", "rank": 1, "points": 5.0},
        base | {"question": "erosion", "rank": 0, "points": 10.0},
        base | {"question": "buy:p", "rank": 0, "points": 50.0},
        base | {"question": "rebuy:q", "rank": 0, "points": 25.0},
        base | {"question": "complains", "rank": 0, "points": 30.0},
    ]
    answer = {**RUN, "client_id": "a", "question": "complains", "probability": 0.3, "modelled": True}
    return {
        "client_scores": [client],
        "appetence_scores": [offer, again],
        "question_scores": [answer],
        "score_reasons": reasons,
        "score_moves": [
            {**RUN, "client_id": "a", "question": "erosion", "rank": 1, "part": "new", "points": None, **_TOLD},
        ],
        "score_scenarios": [
            {
                **RUN,
                **_TEXTS,
                "client_id": "a",
                "question": "attrition",
                "scenario": "review",
                "probability_before": 0.25,
                "probability_after": 0.24,
                "points": -1.0,
            }
        ],
        "segments": [
            {
                **RUN,
                "client_id": "a",
                **dict.fromkeys(("segment", "by_rule", "criteria", "rules"), "x"),
                "pending_months": 0,
            }
        ],
        "segment_changes": [{**RUN, **_TEXTS, "client_id": "a", "segment_from": "B", "segment_to": "x"}],
    }


SCHEMAS = {table.name: table.schema for table in RUN_TABLES}
STAGED = {**dict.fromkeys(SCORE_RUNS.schema.names), **RUN, "state": "staged", "started_at": AT, "clients": 1}
STAGED |= {"book_fingerprint": "f", "models": "{}", "settings": "{}", "code_version": "0", "objected": 0}


@contextmanager
def staged(path, rows):
    """Open a database with rows staged as one run."""
    with DuckdbSink(path) as sink:
        empty = {name: schema.empty_table() for name, schema in SCHEMAS.items()}
        sink.stage(STAGED, empty | {name: pa.Table.from_pylist(r, schema=SCHEMAS[name]) for name, r in rows.items()})
        yield sink


def with_moves(rows, *points, part="client"):
    """Rows with moves of attrition against the run before."""
    moves = [
        {**RUN, "client_id": "a", "question": "attrition", "rank": rank, "part": part, "points": value, **_TOLD}
        for rank, value in enumerate(points, start=1)
    ]
    return {**rows, "score_moves": moves}


def findings(tmp_path, rows, clients=1, previous=None, objecting=()):
    with staged(tmp_path / "scores.duckdb", rows) as sink:
        if previous is not None:
            before = {**rows["client_scores"][0], "run_id": "before", "attrition_probability": previous}
            before["erosion_probability"] = None
            tables = {name: schema.empty_table() for name, schema in SCHEMAS.items()}
            tables["client_scores"] = pa.Table.from_pylist([before], schema=SCHEMAS["client_scores"])
            sink.stage({**STAGED, "run_id": "before"}, tables)
        return audit(sink, "r", clients, objecting, "before" if previous is not None else None)


MOVES = "moves add up to the difference from the earlier score"
VALUE = "client_scores.lifetime_value: the sum of its terms, credit losses none or negative"
OUTFLOW = "client_scores.expected_outflow: beside each erosion_probability, and not negative"


def failed(found):
    return [finding.check for finding in found if not finding.passed]


def test_good_scores_pass(tmp_path):
    found = findings(tmp_path, good(), previous=0.2)
    assert failed(found) == []
    raise_on_failure(found)


@pytest.mark.parametrize(
    ("table", "column", "value", "check"),
    [
        ("client_scores", "attrition_probability", 1.5, "client_scores.attrition_probability: within [0, 1]"),
        ("client_scores", "attrition_12m", math.nan, "client_scores.attrition_12m: within [0, 1]"),
        ("client_scores", "lifetime_value", math.inf, "client_scores.lifetime_value: finite"),
        ("client_scores", "erosion_probability", 0.2, "reasons add up to the score"),
        ("client_scores", "erosion_probability", None, OUTFLOW),
        ("client_scores", "expected_outflow", None, OUTFLOW),
        ("client_scores", "expected_outflow", -0.01, OUTFLOW),
        ("client_scores", "expected_outflow", math.nan, "client_scores.expected_outflow: finite"),
        ("client_scores", "lifetime_value", 10.1, VALUE),
        ("client_scores", "value_tail", None, VALUE),
        ("client_scores", "value_credit", 3.0, VALUE),
        ("client_scores", "value_low", 13.0, VALUE),
        ("appetence_scores", "probability", -0.1, "appetence_scores.probability: within [0, 1]"),
        ("question_scores", "probability", 1.1, "question_scores.probability: within [0, 1]"),
        ("question_scores", "question", "other", "reasons add up to the score"),
        ("score_reasons", "points", 20.001, "reasons add up to the score"),
        ("score_reasons", "question", "buy:other", "reasons add up to the score"),
    ],
)
def test_a_planted_fault_is_found(tmp_path, table, column, value, check):
    rows = good()
    rows[table][0][column] = value
    found = findings(tmp_path, rows)
    assert check in failed(found)
    with pytest.raises(PublicationError, match="Nothing was published"):
        raise_on_failure(found)


def test_a_client_scored_twice_or_missing_is_found(tmp_path):
    rows = good()
    rows["client_scores"] *= 2
    assert failed(findings(tmp_path, rows, clients=2)) == ["client_scores: each key once"]


def test_a_missing_client_is_found(tmp_path):
    assert failed(findings(tmp_path, good(), clients=2)) == ["one row per client"]


def test_a_mean_that_jumps_is_found(tmp_path):
    assert failed(findings(tmp_path, good(), previous=0.05)) == ["mean attrition against the month before"]


def test_a_client_who_objects_is_found(tmp_path):
    assert failed(findings(tmp_path, good(), objecting=["a", "z"])) == [
        f"{table.name}: nobody who objects" for table in RUN_TABLES if "client_id" in table.schema.names
    ]
    assert failed(findings(tmp_path / "other", good(), objecting=["z"])) == []


def test_moves_that_add_up_to_the_difference_pass_and_others_do_not(tmp_path):
    rows = with_moves(good(), 4.0, 1.0)  # from 0.2 to 0.25
    assert failed(findings(tmp_path, rows, previous=0.2)) == []
    assert failed(findings(tmp_path / "other", with_moves(good(), 4.0, 1.001), previous=0.2)) == [MOVES]
    # nobody is new who had a score, and nobody moved who had none
    assert failed(findings(tmp_path / "new", with_moves(good(), None, part="new"), previous=0.2)) == [MOVES]
    assert failed(findings(tmp_path / "none", with_moves(good(), 5.0))) == [MOVES]


def test_a_scenario_starts_at_the_published_score(tmp_path):
    rows = good()
    rows["score_scenarios"][0] |= {"probability_before": 0.26, "points": -2.0}
    assert failed(findings(tmp_path, rows)) == ["scenarios start at the score"]
    rows["score_scenarios"][0] |= {"probability_before": 0.25, "points": -2.0}
    assert failed(findings(tmp_path / "points", rows)) == ["scenarios start at the score"]
