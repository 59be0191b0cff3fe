"""The months published before: what the last one said of each client, and the figures of each advisor over time."""

from __future__ import annotations

from dataclasses import dataclass, field

import duckdb
import pyarrow as pa

from appetence.months import Month

MONTHS_SHOWN = 24
"""Months published that a trend reaches back over."""

_EARLIER = "SELECT month, run_id FROM publications WHERE month < ? ORDER BY month DESC LIMIT 1"
_CLIENTS = """
    SELECT client_id, advisor_id, attrition_probability, attrition_tier, lifetime_value
    FROM client_scores WHERE run_id = $run ORDER BY client_id"""
_OFFERS = """
    WITH first AS (SELECT * FROM offered WHERE run_id = $earlier AND purchase = 'first'),
    usual AS (SELECT product_id, avg(probability) AS average FROM first GROUP BY product_id)
    SELECT client_id, product_id, first.probability, average, modelled
    FROM first JOIN usual USING (product_id)
    SEMI JOIN shown_offers USING (client_id, product_id)
    ORDER BY client_id, product_id"""
_TREND = f"""
    WITH shown AS (
        SELECT month, run_id FROM publications WHERE month <= ? ORDER BY month DESC LIMIT {MONTHS_SHOWN})
    SELECT shown.month, advisor_id, count(*) AS clients,
        sum(CAST(round_even(attrition_probability * 1000000, 0) AS BIGINT))::BIGINT AS leavers,
        count(*) FILTER (attrition_tier = 'high') AS high,
        count(*) FILTER (attrition_tier = 'medium') AS medium,
        sum(CAST(round_even(attrition_probability * lifetime_value * 100, 0) AS BIGINT))::BIGINT AS at_stake,
        sum(CAST(round_even(lifetime_value * 100, 0) AS BIGINT))::BIGINT AS lifetime_value,
        sum(CAST(round_even(expected_outflow * 100, 0) AS BIGINT))::BIGINT AS outflow,
        sum(CAST(round_even(potential * 100, 0) AS BIGINT))::BIGINT AS potential
    FROM shown JOIN client_scores USING (run_id)
    GROUP BY ALL ORDER BY shown.month, advisor_id NULLS FIRST"""  # noqa: S608 - nothing of it is anyone's input

_WHO = pa.schema(
    [
        ("client_id", pa.string()),
        ("advisor_id", pa.string()),
        ("attrition_probability", pa.float64()),
        ("attrition_tier", pa.string()),
        ("lifetime_value", pa.float64()),
    ]
)
_WHAT = pa.schema(
    [
        ("client_id", pa.string()),
        ("product_id", pa.string()),
        ("probability", pa.float64()),
        ("average", pa.float64()),
        ("modelled", pa.bool_()),
    ]
)
_FIGURES = ("clients", "leavers", "high", "medium", "at_stake", "lifetime_value", "outflow", "potential")
_WHEN = pa.schema([("month", pa.string()), ("advisor_id", pa.string()), *((name, pa.int64()) for name in _FIGURES)])


@dataclass(frozen=True)
class History:
    """What was published before a month, and the trend up to it.

    Parameters
    ----------
    month
        The last month published before; None: there is none.
    clients
        What it said of each client.
    offers
        What it said of first purchases that the sheets propose now: probability, and the average of those asked then.
    trend
        Per month published and advisor, the month's own included: clients and tiers, departures expected in millionths,
        money in hundredths, so that sums are exact in whatever order.
    """

    month: Month | None = None
    clients: pa.Table = field(default_factory=_WHO.empty_table)
    offers: pa.Table = field(default_factory=_WHAT.empty_table)
    trend: pa.Table = field(default_factory=_WHEN.empty_table)


def read_history(connection: duckdb.DuckDBPyConnection, month: Month, offered: str, shown: pa.Table) -> History:
    """Read what was published up to a month.

    Parameters
    ----------
    connection
        To the database of scores.
    offered
        The clause that names the scores of products `offered`, whatever the database's age.
    shown
        This month's offers on the sheets: of the earlier ones, only the same are read.
    """
    trend = connection.sql(_TREND, params=[str(month)]).to_arrow_table()
    found = connection.sql(_EARLIER, params=[str(month)]).fetchall()
    if not found:
        return History(trend=trend)
    earlier, earlier_run = found[0]
    clients = connection.sql(_CLIENTS, params={"run": earlier_run}).to_arrow_table()
    # `offered` opens a WITH that this query goes on with
    sql = offered + _OFFERS.replace("\n    WITH ", ", ", 1)
    connection.register("shown_offers", shown.select(["client_id", "product_id"]))
    offers = connection.sql(sql, params={"earlier": earlier_run}).to_arrow_table()
    return History(Month.parse(earlier), clients, offers, trend)
