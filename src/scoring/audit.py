"""What staged scores must satisfy before any reader sees them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from appetence.errors import PublicationError
from appetence.scoring.sink_duckdb import DuckdbSink
from appetence.scoring.tables import HORIZONS, RUN_TABLES

_POINTS_TOLERANCE = 1e-6
"""Percentage points: reasons are added in another order than scores, so the last digits may differ."""

_MEAN_FACTOR = 3.0
"""A book's mean risk does not triple in a month: a broken feature or mapping does that."""

_RANGES = {
    "client_scores": (*(f"attrition_{h}m" for h in HORIZONS), "attrition_probability", "erosion_probability"),
    "appetence_scores": ("probability",),
    "question_scores": ("probability",),
    "score_scenarios": ("probability_before", "probability_after"),
}
_FINITE = {
    "client_scores": ("expected_outflow", "past_profit", "lifetime_value", "value_low", "value_high", "potential"),
    "appetence_scores": ("expected_value",),
    "score_reasons": ("points",),
    "score_moves": ("points",),
    "score_scenarios": ("points",),
}

_PROBABILITIES = """
    SELECT run_id, client_id, 'attrition' AS question, attrition_probability AS probability
    FROM client_scores WHERE attrition_probability IS NOT NULL
    UNION ALL
    SELECT run_id, client_id, 'erosion', erosion_probability
    FROM client_scores WHERE erosion_probability IS NOT NULL
    UNION ALL
    SELECT run_id, client_id, if(purchase = 'again', 'rebuy:', 'buy:') || product_id, probability
    FROM appetence_scores
    UNION ALL
    SELECT run_id, client_id, question, probability FROM question_scores"""


@dataclass(frozen=True)
class AuditFinding:
    """One figure and whether it is as it should be; a warning that is not does not keep scores from their readers."""

    check: str
    figure: str
    passed: bool
    warning: bool = False


def audit(
    sink: DuckdbSink, run_id: str, clients: int, objecting: Collection[str], previous_run: str | None
) -> tuple[AuditFinding, ...]:
    """Check a staged run.

    Parameters
    ----------
    clients
        How many clients the run must hold: those of the population who do not object.
    objecting
        Clients of whom no row may be there.
    previous_run
        The run published for the month before, or None.
    """
    findings = [_row_count(sink, run_id, clients)]
    of_clients = [table.name for table in RUN_TABLES if "client_id" in table.schema.names]
    findings += [_nobody_objects(sink, run_id, name, objecting) for name in of_clients]
    findings += [_unique(sink, run_id, table.name, table.key) for table in RUN_TABLES]
    findings += [_in_range(sink, run_id, table, column) for table, columns in _RANGES.items() for column in columns]
    findings += [_finite(sink, run_id, table, column) for table, columns in _FINITE.items() for column in columns]
    findings += [_reasons_add_up(sink, run_id), _moves_add_up(sink, run_id)]
    findings += [_scenarios_start_at_the_score(sink, run_id), _outflow_with_its_probability(sink, run_id)]
    findings += [_value_adds_up(sink, run_id), _segments_of_all(sink, run_id), _kpis_add_up(sink, run_id)]
    if previous_run is not None:
        findings += [_mean_stable(sink, run_id, previous_run, question) for question in ("attrition", "erosion")]
    return tuple(findings)


def raise_on_failure(findings: tuple[AuditFinding, ...]) -> None:
    """Refuse publication where a check failed.

    Raises
    ------
    PublicationError
        Names the failed figures.
    """
    failed = [
        f"{finding.check}: {finding.figure}" for finding in findings if not finding.passed and not finding.warning
    ]
    if failed:
        raise PublicationError(
            "scores must pass the audit before they are published", "; ".join(failed), "Nothing was published"
        )


def _number(sink: DuckdbSink, sql: str, run_id: str) -> float:
    value = sink.query(sql, [run_id]).column(0)[0].as_py()
    return 0.0 if value is None else float(value)


def _row_count(sink: DuckdbSink, run_id: str, clients: int) -> AuditFinding:
    rows = int(_number(sink, "SELECT count(*) FROM client_scores WHERE run_id = ?", run_id))
    return AuditFinding("one row per client", f"{rows} rows for {clients} clients", rows == clients and clients > 0)


def _nobody_objects(sink: DuckdbSink, run_id: str, table: str, objecting: Collection[str]) -> AuditFinding:
    sql = f"SELECT count(*) FROM {table} WHERE run_id = ? AND client_id IN (SELECT unnest(?::VARCHAR[]))"
    value = sink.query(sql, [run_id, sorted(objecting)]).column(0)[0].as_py()
    return AuditFinding(f"{table}: nobody who objects", f"{value or 0} rows", not value)


def _unique(sink: DuckdbSink, run_id: str, table: str, key: tuple[str, ...]) -> AuditFinding:
    columns = ", ".join(key)
    sql = f"SELECT count(*) - count(DISTINCT ({columns})) FROM {table} WHERE run_id = ?"
    twice = int(_number(sink, sql, run_id))
    return AuditFinding(f"{table}: each key once", f"{twice} rows too many", twice == 0)


def _in_range(sink: DuckdbSink, run_id: str, table: str, column: str) -> AuditFinding:
    # a NaN is greater than everything in DuckDB, so it fails the same test
    sql = f"SELECT count(*) FROM {table} WHERE run_id = ? AND NOT ({column} BETWEEN 0 AND 1)"
    outside = int(_number(sink, sql, run_id))
    return AuditFinding(f"{table}.{column}: within [0, 1]", f"{outside} rows outside", outside == 0)


def _finite(sink: DuckdbSink, run_id: str, table: str, column: str) -> AuditFinding:
    sql = f"SELECT count(*) FROM {table} WHERE run_id = ? AND {column} IS NOT NULL AND NOT isfinite({column})"
    wrong = int(_number(sink, sql, run_id))
    return AuditFinding(f"{table}.{column}: finite", f"{wrong} rows not", wrong == 0)


def _reasons_add_up(sink: DuckdbSink, run_id: str) -> AuditFinding:
    sql = f"""
        WITH scores AS (
            SELECT * FROM ({_PROBABILITIES}) WHERE run_id = $1
        ), told AS (
            SELECT client_id, question, sum(points) AS points FROM score_reasons WHERE run_id = $1 GROUP BY ALL
        )
        SELECT max(coalesce(abs(points - 100 * probability), 100))
        FROM scores FULL JOIN told USING (client_id, question)
    """
    worst = _number(sink, sql, run_id)
    return AuditFinding("reasons add up to the score", f"{worst:.1e} points apart at most", worst < _POINTS_TOLERANCE)


def _moves_add_up(sink: DuckdbSink, run_id: str) -> AuditFinding:
    """Hold moves to both publications: parts add up to the difference, and who is new has no score there."""
    sql = f"""
        WITH scores AS ({_PROBABILITIES}), told AS (
            SELECT client_id, question, against_run, sum(points) AS points
            FROM score_moves WHERE run_id = $1 GROUP BY ALL
        )
        SELECT max(CASE WHEN told.points IS NULL AND before.probability IS NULL THEN 0
            ELSE coalesce(abs(told.points - 100 * (now.probability - before.probability)), 100) END)
        FROM told
        LEFT JOIN scores AS now ON now.run_id = $1 AND (now.client_id, now.question) = (told.client_id, told.question)
        LEFT JOIN scores AS before ON before.run_id = told.against_run
            AND (before.client_id, before.question) = (told.client_id, told.question)
    """
    worst = _number(sink, sql, run_id)
    check = "moves add up to the difference from the earlier score"
    return AuditFinding(check, f"{worst:.1e} points apart at most", worst < _POINTS_TOLERANCE)


def _scenarios_start_at_the_score(sink: DuckdbSink, run_id: str) -> AuditFinding:
    sql = f"""
        WITH scores AS (SELECT * FROM ({_PROBABILITIES}) WHERE run_id = $1)
        SELECT count(*) FROM score_scenarios AS told LEFT JOIN scores USING (run_id, client_id, question)
        WHERE told.run_id = $1 AND (
            scores.probability IS DISTINCT FROM told.probability_before
            OR abs(told.points - 100 * (told.probability_after - told.probability_before)) > {_POINTS_TOLERANCE})
    """
    wrong = int(_number(sink, sql, run_id))
    return AuditFinding("scenarios start at the score", f"{wrong} rows not", wrong == 0)


def _outflow_with_its_probability(sink: DuckdbSink, run_id: str) -> AuditFinding:
    sql = """SELECT count(*) FROM client_scores WHERE run_id = ? AND (
        expected_outflow < 0 OR (expected_outflow IS NULL) <> (erosion_probability IS NULL))"""
    wrong = int(_number(sink, sql, run_id))
    check = "client_scores.expected_outflow: beside each erosion_probability, and not negative"
    return AuditFinding(check, f"{wrong} rows not", wrong == 0)


def _value_adds_up(sink: DuckdbSink, run_id: str) -> AuditFinding:
    """Look whether the terms of each client's value add up to it, and whether losses are none or negative."""
    sql = """SELECT count(*) FROM client_scores WHERE run_id = ? AND lifetime_value IS NOT NULL AND NOT coalesce(
        abs(value_margin + value_erosion + value_credit + value_tail - lifetime_value)
            <= 1e-6 * (1 + abs(lifetime_value))
        AND value_credit <= 1e-6 AND value_low <= value_high, false)"""
    wrong = int(_number(sink, sql, run_id))
    check = "client_scores.lifetime_value: the sum of its terms, credit losses none or negative"
    return AuditFinding(check, f"{wrong} rows not", wrong == 0)


def _segments_of_all(sink: DuckdbSink, run_id: str) -> AuditFinding:
    """Look whether every client has a segment, or none has."""
    sql = """
        WITH scored AS (SELECT client_id, true AS scored FROM client_scores WHERE run_id = $1),
            divided AS (SELECT client_id, true AS divided FROM segments WHERE run_id = $1)
        SELECT count(*) FROM scored FULL JOIN divided USING (client_id)
        WHERE (scored IS NULL OR divided IS NULL) AND EXISTS (SELECT 1 FROM divided)"""
    wrong = int(_number(sink, sql, run_id))
    return AuditFinding("segments: one for each client scored, or none at all", f"{wrong} rows not", wrong == 0)


def _kpis_add_up(sink: DuckdbSink, run_id: str) -> AuditFinding:
    """Look whether the whole numbers of the advisors, and of clients without one, add up to those of the company.

    Units between need not: who has no advisor, or an advisor without a team, is in none of them.
    """
    sql = """
        WITH sums AS (
            SELECT kpi_month, kpi, detail, level, sum(numerator) AS n, sum(coalesce(denominator, 0)) AS d
            FROM book_kpis WHERE run_id = ? AND level IN ('advisor', 'company') GROUP BY ALL)
        SELECT count(*) FROM sums JOIN sums AS whole USING (kpi_month, kpi, detail)
        WHERE whole.level = 'company' AND (sums.n <> whole.n OR sums.d <> whole.d)
    """
    wrong = int(_number(sink, sql, run_id))
    return AuditFinding("book_kpis: advisors add up to the company", f"{wrong} sums not", wrong == 0)


def _mean_stable(sink: DuckdbSink, run_id: str, previous_run: str, question: str) -> AuditFinding:
    sql = f"SELECT avg({question}_probability) FROM client_scores WHERE run_id = ?"
    now, before = _number(sink, sql, run_id), _number(sink, sql, previous_run)
    stable = not (now and before) or 1 / _MEAN_FACTOR <= now / before <= _MEAN_FACTOR
    return AuditFinding(f"mean {question} against the month before", f"{now:.4f} after {before:.4f}", stable)
