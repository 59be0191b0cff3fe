"""The columns of the feature pipeline for one cut, in SQL written by hand: the bar of `benchmarks/features.py`.

    python benchmarks/features_sql.py BOOK SPINE OUT           # OUT: Parquet

It knows this one cut, this one book and this one engine, and uses that: dates are constants, what a client holds is one
integer with a bit per product and per family, each table is read once into one row per client, households are summed
from clients, and pairs of products are counted over the few distinct sets of products instead of over clients. What it
need not do is what makes ours longer: several cuts, other engines, columns that a firm does not have, clients of a
block at a time. Written from the meaning of each column, not from the pipeline's code.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from features_sql_columns import CHANGES, CHANNELS, EVENTS, FAMILY_BITS, Coverage, Days, columns_of, typed


def comma(*columns: str) -> str:
    return ",\n    ".join(columns)


def contracts_sql(book: Path, on: Days, families: Sequence[str]) -> str:
    """Return what was known of each client's contracts, one row per client."""
    held_before = {
        m: f"opened_on < {on.before(m)} AND (closed_on IS NULL OR closed_on >= {on.before(m)})" for m in CHANGES
    }
    ahead = f"(month(opened_on) - {on.month} + 12) % 12"
    columns = comma(
        "count(*) FILTER (held) AS contracts_held",
        "coalesce(bit_or(bits) FILTER (held), 0) AS holds",
        *(f"coalesce(bit_or(bits) FILTER ({held_before[m]}), 0) AS held_{m}" for m in CHANGES),
        *(f"count(*) FILTER (opened_on >= {on.before(m)}) AS opened_{m}m" for m in CHANGES),
        *(f"count(*) FILTER (closed_before AND closed_on >= {on.before(m)}) AS closed_{m}m" for m in CHANGES),
        "count(*) FILTER (NOT closed_before) AS closings_announced",
        f"count(*) FILTER (held AND ends_on >= {on.cut} AND ends_on < {on.before(-6)}) AS ending_6m",
        "max(opened_on) AS last_opened",
        "max(closed_on) FILTER (closed_before) AS last_closed",
        f"min(ends_on) FILTER (held AND ends_on >= {on.cut}) AS next_end",
        "min(opened_on) FILTER (held) AS held_since",
        f"min({ahead}) FILTER (held) AS anniversary",
        *(f"max(opened_on) FILTER (family = {n}) AS opened_{n}" for n in range(len(families))),
        *(f"min(opened_on) FILTER (held AND family = {n}) AS since_{n}" for n in range(len(families))),
    )
    return f"""
    CREATE TEMP TABLE contracts AS
    SELECT client_id, {columns}
    FROM (
        SELECT client_id, bits, family, opened_on, ends_on,
            CASE WHEN coalesce(k.closing_known_on, k.closed_on) < {on.cut} THEN k.closed_on END AS closed_on,
            CASE WHEN coalesce(k.closing_known_on, k.closed_on) < {on.cut} THEN k.closed_on < {on.cut} END
                AS closed_before,
            closed_before IS NOT TRUE AS held
        FROM '{book}/contracts.parquet' k JOIN products USING (product_id)
        WHERE opened_on < {on.cut} AND coalesce(known_on, opened_on) < {on.cut}
    )
    GROUP BY client_id"""


def balances_sql(book: Path, on: Days, families: Sequence[str]) -> str:
    """Return each client's levels and flows; month by month on disk, so that most filters skip whole vectors."""
    columns = comma(
        *(f"sum(assets) FILTER (month = {on.before(lag)}) AS level_{lag}" for lag in range(1, 14)),
        f"sum(flow) FILTER (month >= {on.before(3)}) AS flow_1",
        f"sum(flow) FILTER (month >= {on.before(6)} AND month < {on.before(3)}) AS flow_4",
        f"sum(flow) FILTER (month >= {on.before(12)} AND month < {on.before(6)}) AS flow_7",
        "max(month) FILTER (flow > 0) AS last_inflow",
        f"sum(revenue) FILTER (month >= {on.before(12)}) AS revenue",
        f"sum(revenue) FILTER (month < {on.before(12)}) AS revenue_before",
        f"sum(cost) FILTER (month >= {on.before(12)}) AS cost",
    )
    known = f"""(
        SELECT contract_id, client_id, family, family_code = 'credit' AS owed
        FROM '{book}/contracts.parquet' JOIN products USING (product_id)
        WHERE coalesce(known_on, opened_on) < {on.cut}
    )"""
    return f"""
    CREATE TEMP TABLE balances AS
    SELECT client_id, {columns}
    FROM (
        SELECT client_id, month, CASE WHEN owed THEN 0 ELSE balance::DOUBLE END AS assets,
            CASE WHEN NOT owed THEN net_flow::DOUBLE END AS flow,
            revenue::DOUBLE AS revenue, cost::DOUBLE AS cost
        FROM '{book}/balances.parquet' JOIN {known} USING (contract_id)
        WHERE month >= {on.before(24)} AND month < {on.cut}
    )
    GROUP BY client_id;
    CREATE TEMP TABLE last_month AS
    SELECT client_id, {comma(*(f"sum(balance::DOUBLE) FILTER (family = {n}) AS of_{n}" for n in range(len(families))))}
    FROM '{book}/balances.parquet' JOIN {known} USING (contract_id)
    WHERE month = {on.before(1)}
    GROUP BY client_id"""


def interactions_sql(book: Path, on: Days) -> str:
    """Return each client's contacts, claims and answers, then the offers made."""
    year, advisor = f"met_on >= {on.before(12)}", "kind IN ('visit', 'call', 'review', 'meeting')"
    columns = comma(
        *(f"count(*) FILTER (met_on >= {on.before(m)}) AS contacts_{m}m" for m in (3, 12)),
        f"count(*) FILTER ({year} AND {advisor}) AS advisor_contacts_12m",
        *(f"count(*) FILTER ({year} AND channel = '{c}') AS contacts_{c}_12m" for c in CHANNELS),
        *(f"count(*) FILTER (kind = 'complaint' AND met_on >= {on.before(m)}) AS complaints_{m}m" for m in (3, 12)),
        f"count(*) FILTER (kind = 'claim' AND {year}) AS claims_12m",
        f"count(*) FILTER (kind = 'claim' AND (outcome_on < {on.cut}) IS NOT TRUE) AS claims_open",
        f"count(*) FILTER (kind = 'claim' AND outcome = 'refused' AND outcome_on >= {on.before(12)}"
        f" AND outcome_on < {on.cut}) AS claims_refused_12m",
        "max(met_on) AS contact",
        f"max(met_on) FILTER ({advisor}) AS advisor",
        *(f"max(met_on) FILTER (kind = '{kind}') AS {kind}" for kind in ("review", "complaint", "claim", "call")),
    )
    known = f"""(
        SELECT *, "at" AS met_on FROM '{book}/interactions.parquet'
        WHERE "at" < {on.cut} AND coalesce(known_on, "at") < {on.cut}
    )"""
    return f"""
    CREATE TEMP TABLE interactions AS SELECT client_id, {columns} FROM {known} GROUP BY client_id;
    CREATE TEMP TABLE answers AS
    SELECT client_id, answer[1] AS last_nps, answer[1] - answer[2] AS nps_change
    FROM (
        SELECT client_id, arg_max(nps, strftime(met_on, '%Y%m%d') || interaction_id, 2) AS answer
        FROM {known} WHERE nps IS NOT NULL GROUP BY client_id
    );
    CREATE TEMP TABLE offers AS
    SELECT client_id, count(*) FILTER (made_on >= {on.before(12)}) AS offers_12m,
        count(*) FILTER (made_on >= {on.before(12)}
            AND (outcome IN ('accepted', 'refused') AND outcome_on < {on.cut}) IS NOT TRUE) AS offers_unanswered_12m,
        max(made_on) AS last_offer
    FROM '{book}/offers.parquet' WHERE made_on < {on.cut} AND held_out IS NOT TRUE GROUP BY client_id"""


def people_sql(book: Path, on: Days) -> str:
    """Return each client's life events (those learnt since the last review need it), then what was last declared."""
    columns = comma(
        f"count(*) FILTER (occurred_on >= {on.before(12)} AND past) AS events_12m",
        f"count(*) FILTER (e.known_on >= {on.before(3)}) AS events_learnt_3m",
        "count(*) FILTER (NOT past) AS events_ahead",
        "count(*) FILTER (review IS NULL OR e.known_on >= review) AS events_since_review",
        "max(occurred_on) FILTER (past) AS event",
        *(f"max(occurred_on) FILTER (past AND kind = '{kind}') AS {kind}" for kind in EVENTS),
        f"min(occurred_on) FILTER (past AND kind = 'birth' AND occurred_on >= {on.before(18 * 12)}) AS minor_born",
        "max(e.known_on) FILTER (source = 'questionnaire') AS asked",
    )
    return f"""
    CREATE TEMP TABLE life_events AS
    SELECT client_id, {columns}
    FROM (SELECT *, occurred_on < {on.cut} AS past FROM '{book}/life_events.parquet' WHERE known_on < {on.cut}) e
        LEFT JOIN (SELECT client_id, review FROM interactions WHERE review IS NOT NULL) USING (client_id)
    GROUP BY client_id;
    CREATE TEMP TABLE facts AS
    SELECT f.*, round(f.net_worth::DOUBLE * 100) AS worth
    FROM '{book}/client_facts.parquet' f
        JOIN (SELECT client_id, max(known_on) AS known_on FROM '{book}/client_facts.parquet'
              WHERE known_on < {on.cut} GROUP BY client_id) USING (client_id, known_on);
    CREATE TEMP TABLE facts_then AS
    SELECT client_id, round(f.net_worth::DOUBLE * 100) AS worth_then
    FROM '{book}/client_facts.parquet' f
        JOIN (SELECT client_id, max(known_on) AS known_on FROM '{book}/client_facts.parquet'
              WHERE known_on < {on.before(12)} GROUP BY client_id) USING (client_id, known_on)"""


PRODUCTS = f"""
CREATE TEMP TABLE products AS
SELECT product_id, family_code, family,
    (1::BIGINT << (row_number() OVER (ORDER BY product_id) - 1)) | (1::BIGINT << ({FAMILY_BITS} + family)) AS bits
FROM (SELECT product_id, p.family AS family_code, dense_rank() OVER (ORDER BY p.family) - 1 AS family
      FROM '{{book}}/products.parquet' p)
"""

BUNDLES = f"""
CREATE TEMP TABLE sets AS
SELECT holds, count(*) AS clients FROM contracts WHERE contracts_held > 0 GROUP BY holds;
CREATE TEMP TABLE bundles AS
WITH places AS (SELECT unnest(range({FAMILY_BITS})) AS place),
member AS (SELECT holds, place, clients FROM sets, places WHERE holds >> place & 1 = 1),
holders AS (SELECT place, sum(clients) AS n FROM member GROUP BY place),
pair AS (SELECT holds, a.place AS one, b.place AS two, a.clients
    FROM member a JOIN member b USING (holds) WHERE a.place < b.place),
together AS (SELECT one, two, sum(clients) AS n FROM pair GROUP BY one, two HAVING sum(clients) >= 30),
lifts AS (SELECT one, two, (everyone.n * t.n)::DOUBLE / (a.n * b.n)::DOUBLE AS lift
    FROM together t JOIN holders a ON a.place = one JOIN holders b ON b.place = two,
        (SELECT sum(clients) AS n FROM sets) everyone)
SELECT holds, max(lift) AS bundle_lift, count(*) FILTER (lift > 1) AS bundles_held
FROM pair JOIN lifts USING (one, two) GROUP BY holds
"""


def clients_sql(book: Path, on: Days, families: Sequence[str]) -> str:
    """Return all that is known of a client in one row, and sums of the same over households."""
    cents = {
        "assets": "coalesce(level_1, 0)",
        **{f"l{lag}": f"level_{lag}" for lag in range(1, 14)},
        "flow_3": "coalesce(flow_1, 0)",
        "flow_6": "coalesce(flow_1, 0) + coalesce(flow_4, 0)",
        "flow_12": "coalesce(flow_1, 0) + coalesce(flow_4, 0) + coalesce(flow_7, 0)",
        "revenue_year": "coalesce(revenue, 0)",
        "revenue_change": "coalesce(revenue, 0) - revenue_before",
        "cost_year": "coalesce(cost, 0)",
        **{f"in_{n}": f"coalesce(of_{n}, 0)" for n in range(len(families))},
    }
    of_balances = comma(*(f"round(({amount}) * 100) AS {name}" for name, amount in cents.items()))
    credit = families.index("credit") if "credit" in families else None
    owed = "0" if credit is None else f"in_{credit}"
    return f"""
    CREATE TEMP TABLE who AS
    SELECT client_id, kind, birth_date, joined_on, source, referred_by,
        CASE WHEN birth_date < {on.cut} THEN {on.since("birth_date")} // 12 END AS age,
        coalesce('h' || household_id, 'c' || client_id) AS household
    FROM '{book}/clients.parquet' WHERE joined_on < {on.cut};
    CREATE TEMP TABLE money AS
    SELECT client_id, last_inflow, {of_balances} FROM balances LEFT JOIN last_month USING (client_id);
    CREATE TEMP TABLE households AS
    SELECT household, count(*) FILTER (contracts_held > 0) AS household_members,
        coalesce(bit_or(holds), 0) AS household_holds,
        coalesce(sum(opened_6m), 0) AS household_opened_6m, coalesce(sum(closed_6m), 0) AS household_closed_6m,
        count(*) FILTER (contracts_held = 0 AND last_closed >= {on.before(12)}) AS household_left_12m,
        max(last_closed) FILTER (contracts_held = 0) AS last_exit,
        coalesce(sum(assets), 0) AS household_now, sum(l7) AS household_then,
        coalesce(sum(flow_6), 0) AS household_flow, coalesce(sum({owed}), 0) AS household_owed,
        coalesce(sum(events_12m), 0) AS household_events_12m, max(event) AS last_event
    FROM who
        LEFT JOIN contracts USING (client_id) LEFT JOIN money USING (client_id) LEFT JOIN life_events USING (client_id)
    GROUP BY household"""


def features_sql(spine: Path, on: Days, families: Sequence[str], coverage: Coverage) -> str:
    """Return the last query: a client's row, the household's and the set of products' beside each row of the spine."""
    lags = range(1, 13)
    seen = [f"(l{lag} IS NOT NULL)::BIGINT" for lag in lags]
    centred = [f"coalesce((l{lag} - sy / n) * (l{lag} - sy / n), 0)" for lag in lags]
    return f"""
    SELECT client_id, {comma(*(typed(n, sql) for n, sql in columns_of(on, families, coverage).items()))}
    FROM (
        SELECT *, {" + ".join(centred)} AS squares FROM (
            SELECT *, coalesce(assets, 0) AS now,
                {" + ".join(seen)} AS n,
                {" + ".join(f"{lag} * {one}" for lag, one in zip(lags, seen, strict=True))} AS sx,
                {" + ".join(f"{lag * lag} * {one}" for lag, one in zip(lags, seen, strict=True))} AS sxx,
                {" + ".join(f"coalesce(l{lag}, 0)" for lag in lags)} AS sy,
                {" + ".join(f"{lag} * coalesce(l{lag}, 0)" for lag in lags)} AS sxy,
                greatest(coalesce(assets, 0), {", ".join(f"l{lag}" for lag in lags)}) AS peak
            FROM '{spine}' LEFT JOIN who USING (client_id)
                LEFT JOIN contracts USING (client_id) LEFT JOIN bundles USING (holds) LEFT JOIN money USING (client_id)
                LEFT JOIN interactions USING (client_id) LEFT JOIN answers USING (client_id)
                LEFT JOIN offers USING (client_id) LEFT JOIN life_events USING (client_id)
                LEFT JOIN facts USING (client_id) LEFT JOIN facts_then USING (client_id)
                LEFT JOIN households USING (household)
        )
    )"""


def build(book: Path, spine: Path, coverage: Coverage = ()) -> pa.Table:
    """Return the columns for the clients of a spine, a Parquet file of `client_id` and one `cut`, in any order."""
    connection = duckdb.connect(config={"threads": 2})
    connection.execute("SET preserve_insertion_order = false")
    ((cut,),) = connection.execute(f"SELECT max(cut) FROM '{spine}'").fetchall()
    connection.execute(PRODUCTS.format(book=book))
    found = connection.execute("SELECT DISTINCT family_code FROM products ORDER BY ALL").fetchall()
    families, on = [family for (family,) in found], Days(cut)
    ((products,),) = connection.execute("SELECT count(*) FROM products").fetchall()
    assert products < FAMILY_BITS, "what a client holds is one integer, with a bit for each product and family"
    for statement in (
        contracts_sql(book, on, families),
        balances_sql(book, on, families),
        interactions_sql(book, on),
        people_sql(book, on),
        clients_sql(book, on, families),
        BUNDLES,
    ):
        connection.execute(statement)
    return connection.sql(features_sql(spine, on, families, coverage)).to_arrow_table()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("book", type=Path)
    parser.add_argument("spine", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--coverage", type=json.loads, default=[], help="JSON: [[segment, condition, [family, …]], …]")
    chosen = parser.parse_args()
    found = build(chosen.book, chosen.spine, chosen.coverage)
    pq.write_table(found, chosen.out)


if __name__ == "__main__":
    main()
