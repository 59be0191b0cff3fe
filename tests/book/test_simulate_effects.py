"""The planted effects are recovered from the tables a firm would have (and the truth, to keep a confounder out)."""

from __future__ import annotations

import duckdb
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from appetence.book.simulate import SimulateSettings, simulate
from appetence.book.simulate.catalogue import INDEX
from appetence.book.simulate.effects import (
    ANY_PRODUCT,
    DRAINING,
    DROPPING,
    EFFECTS,
    LEAVING,
    effects_on,
    log_odds,
)


@pytest.fixture(scope="module")
def connection(tmp_path_factory: pytest.TempPathFactory) -> duckdb.DuckDBPyConnection:
    directory = tmp_path_factory.mktemp("planted") / "book"
    simulate(SimulateSettings(clients=9000, months=48, seed=21), directory)
    connection = duckdb.connect()
    for name in ("clients", "contracts", "interactions", "life_events", "offers"):
        connection.execute(f"CREATE VIEW {name} AS FROM '{directory}/{name}.parquet'")
    connection.execute(f"CREATE VIEW truth AS FROM '{directory}/truth/attrition.parquet'")
    connection.execute(f"CREATE VIEW demand AS FROM '{directory}/truth/purchase.parquet'")
    return connection


@pytest.fixture(scope="module")
def leaving(connection: duckdb.DuckDBPyConnection) -> dict[str, float]:
    """Coefficients of a logistic regression of leaving in the month on what the tables show at its cut."""
    frame = connection.execute("""
        WITH panel AS (SELECT client_id, cut, draining::INT AS draining FROM truth),
        holding AS (
            SELECT client_id, cut, least(count(DISTINCT product_id), 5) - 1 AS multi_holding,
                   max((product_id = 'home_loan')::INT) AS home_loan,
                   max((product_id = 'current_account')::INT) AS current_account
            FROM panel JOIN contracts USING (client_id)
            WHERE opened_on < cut AND (closed_on IS NULL OR closed_on >= cut) GROUP BY ALL
        ),
        ended AS (
            SELECT client_id, max(closed_on) AS ended_on, arg_max(close_reason, closed_on) AS reason
            FROM contracts GROUP BY 1 HAVING count(*) = count(closed_on)
        ),
        complained AS (
            SELECT DISTINCT client_id, cut FROM panel JOIN interactions USING (client_id)
            WHERE kind = 'complaint' AND "at" < cut AND "at" >= cut - INTERVAL 3 MONTH
        ),
        moved AS (
            SELECT DISTINCT client_id, cut FROM panel JOIN life_events USING (client_id)
            WHERE kind = 'move' AND occurred_on < cut AND occurred_on >= cut - INTERVAL 6 MONTH
        ),
        seen AS (
            SELECT DISTINCT client_id, cut FROM panel JOIN interactions USING (client_id)
            WHERE kind IN ('visit', 'call', 'review') AND "at" < cut AND "at" >= cut - INTERVAL 12 MONTH
        )
        SELECT (reason = 'left' AND ended_on < cut + INTERVAL 1 MONTH) IS TRUE AS y,
               draining, multi_holding, home_loan, current_account,
               (complained.cut IS NOT NULL)::INT AS complaint, (moved.cut IS NOT NULL)::INT AS move,
               (joined_on >= cut - INTERVAL 12 MONTH)::INT AS joined,
               (seen.cut IS NULL)::INT AS contact
        FROM panel JOIN holding USING (client_id, cut) JOIN clients USING (client_id) LEFT JOIN ended USING (client_id)
        LEFT JOIN complained USING (client_id, cut) LEFT JOIN moved USING (client_id, cut)
        LEFT JOIN seen USING (client_id, cut)
        WHERE cut >= (SELECT min(cut) FROM truth) + INTERVAL 12 MONTH ORDER BY client_id, cut
    """).fetchnumpy()
    names = [name for name in frame if name != "y"]
    X = np.column_stack([frame[name] for name in names]).astype(float)
    model = LogisticRegression(C=1e3, max_iter=200).fit(X, frame["y"])
    return dict(zip(names, model.coef_[0], strict=True))


@pytest.mark.parametrize(
    ("trigger", "tolerance"),
    [("complaint", 0.45), ("multi_holding", 0.2), ("home_loan", 0.5), ("move", 0.7), ("draining", 0.5)],
)
def test_what_drives_leaving_is_recovered(leaving: dict[str, float], trigger: str, tolerance: float) -> None:
    assert leaving[trigger] == pytest.approx(log_odds(LEAVING, trigger), abs=tolerance)


def test_neglect_and_early_tenure_raise_leaving(leaving: dict[str, float]) -> None:
    # Contacts about a competitor or fees look like care in the tables, and the second and third year count, too.
    assert 0.2 < leaving["contact"] < 1.1
    assert 0.6 < leaving["joined"] < 1.4


def test_a_new_home_drives_home_loans(connection: duckdb.DuckDBPyConnection) -> None:
    frame = connection.execute("""
        WITH could AS (SELECT client_id, cut, date_diff('year', birth_date, cut) AS age
                       FROM demand JOIN clients USING (client_id) WHERE home_loan > 0 AND birth_date IS NOT NULL),
        home AS (SELECT DISTINCT client_id, cut FROM could JOIN life_events USING (client_id)
                 WHERE kind = 'new_home' AND occurred_on < cut AND occurred_on >= cut - INTERVAL 6 MONTH)
        SELECT age, (home.cut IS NOT NULL)::INT AS home, count(contract_id) > 0 AS y
        FROM could LEFT JOIN home USING (client_id, cut) LEFT JOIN contracts AS c ON c.client_id = could.client_id
            AND product_id = 'home_loan' AND opened_on >= could.cut AND opened_on < could.cut + INTERVAL 1 MONTH
        GROUP BY could.client_id, could.cut, age, home.cut ORDER BY could.client_id, could.cut
    """).fetchnumpy()
    age = (frame["age"] - 35) / 10
    X = np.column_stack([frame["home"], age, age**2]).astype(float)
    found = LogisticRegression(C=1e3, max_iter=200).fit(X, frame["y"]).coef_[0][0]
    assert found == pytest.approx(log_odds("home_loan", "new_home"), abs=0.7)


def test_the_control_group_shows_the_uplift_of_campaigns(connection: duckdb.DuckDBPyConnection) -> None:
    rows = connection.execute("""
        SELECT held_out, count(*), count(c.contract_id) FROM offers AS o LEFT JOIN contracts AS c
        ON c.client_id = o.client_id AND c.product_id = o.product_id
            AND opened_on >= date_trunc('month', made_on) + INTERVAL 1 MONTH
            AND opened_on < date_trunc('month', made_on) + INTERVAL 4 MONTH
        WHERE campaign_id IS NOT NULL GROUP BY 1
    """).fetchall()
    odds = {held_out: bought / (made - bought) for held_out, made, bought in rows}
    found = np.log(odds[False] / odds[True])
    assert found == pytest.approx(log_odds(ANY_PRODUCT, "offered"), abs=0.5)


def test_every_effect_names_a_question_and_stands_once() -> None:
    assert {effect.question for effect in EFFECTS} == {LEAVING, DRAINING, DROPPING, ANY_PRODUCT} | (
        INDEX.keys() & {effect.question for effect in EFFECTS}
    )
    keys = [(effect.question, effect.trigger, effect.months) for effect in EFFECTS]
    assert len(set(keys)) == len(keys)
    assert sum(len(effects_on(question)) for question in {effect.question for effect in EFFECTS}) == len(EFFECTS)
    with pytest.raises(KeyError):
        log_odds(LEAVING, "weather")
