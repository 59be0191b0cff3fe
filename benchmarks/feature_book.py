"""A large client book for `benchmarks/features.py`, drawn by DuckDB: a million clients in about a minute, flat memory.

    python benchmarks/feature_book.py DIRECTORY [--clients 1000000] [--months 24] [--seed 7]

It is not the simulator: nothing in it is to be learnt. Sizes, shares of nulls, late knowledge, ids and the order of the
rows on disk are those of a bank's warehouse, since these decide how fast features are; per client there are about 3
contracts, 24 months of balances, 5 interactions, 2 declarations, 1 life event and 1 offer. Every value is a hash of its
row's number, its column and the seed, so that rows are drawn in any order and by any number of threads.

Ids are text that is no number: a program may not count on more than the contract promises.
"""

from __future__ import annotations

import argparse
import datetime as dt
import itertools
import tempfile
from pathlib import Path

import duckdb

UNTIL = dt.date(2024, 7, 1)
"""The first day that the book does not show: the cut of its last month."""

PRODUCTS = (
    # id, family, annual margin, kind of margin, weight, whether a balance is kept each month
    ("current_account", "account", 36.0, "amount", 18, True),
    ("premium_card", "card", 60.0, "amount", 14, False),
    ("livret", "savings", 0.006, "rate", 12, True),
    ("pel", "savings", 0.008, "rate", 3, True),
    ("term_deposit", "savings", 0.005, "rate", 3, True),
    ("per", "retirement", 0.009, "rate", 3, True),
    ("life_insurance", "investment", 0.008, "rate", 5, True),
    ("securities", "investment", 0.004, "rate", 2, True),
    ("home_loan", "credit", 0.01, "rate", 3, True),
    ("consumer_loan", "credit", 0.03, "rate", 4, True),
    ("car", "insurance", 80.0, "amount", 10, False),
    ("home", "insurance", 40.0, "amount", 10, False),
    ("health", "protection", 110.0, "amount", 7, False),
    ("protection", "protection", 90.0, "amount", 6, False),
)

MACROS = """
CREATE MACRO u(k, salt) AS  -- uniform in [0, 1): of row `k`, column `salt`
    (hash((k) * 512 + (salt) + getvariable('seed')::BIGINT * 1000000007) >> 11) / 9007199254740992.0;
CREATE MACRO normal(k, salt) AS sqrt(-2 * ln(1 - u(k, salt))) * cos(2 * pi() * u(k, salt + 1));
CREATE MACRO draw(codes, x) AS codes[1 + CAST(floor((x) * len(codes)) AS INTEGER)];
CREATE MACRO days(x) AS CAST(floor(x) AS INTEGER);
CREATE MACRO euros(x) AS CAST(x AS DECIMAL(18, 2));
CREATE MACRO client_id(i) AS 'C' || lpad(CAST((i) + 1 AS VARCHAR), 8, '0');
CREATE MACRO contract_id(i) AS 'K' || lpad(CAST((i) + 1 AS VARCHAR), 9, '0');
"""

# Clients are numbered in about the order in which they joined. Those who share a household are far apart: `place` is a
# permutation (the factor is a prime above any number of clients), cut into households of 2, 3, 2, 4 and 2.
CLIENTS = """
CREATE TABLE client AS
WITH placed AS (
    SELECT range AS i, (range * 2654435761) % getvariable('clients') AS place,
        place < getvariable('clients') * 3 // 5 // 13 * 13 AS shares,
        getvariable('until') - days(2 + 6900 * (1 - i / getvariable('clients')) * (0.8 + 0.2 * u(i, 0))) AS joined_on
    FROM range(getvariable('clients'))
)
SELECT i, joined_on,
    IF(shares, 'H' || lpad(CAST(place // 13 * 5 + [0, 0, 1, 1, 1, 2, 2, 3, 3, 3, 3, 4, 4][place % 13 + 1] AS VARCHAR),
        8, '0'), NULL) AS household_id,
    NOT shares AND u(i, 1) < 0.1 AS company,
    IF(company OR u(i, 2) < 0.03, NULL, joined_on - days(365.25 * (14 + 48 * u(i, 3) + 12 * u(i, 4) * u(i, 5))))
        AS birth_date,
    draw(['branch', 'branch', 'referral', 'campaign', 'web', NULL], u(i, 6)) AS source
FROM placed ORDER BY i;
"""

CLIENT_COLUMNS = """
SELECT client_id(i) AS client_id, household_id,
    'A' || lpad(CAST(days(u(i, 7) * (1 + getvariable('clients') // 400)) AS VARCHAR), 5, '0') AS advisor_id,
    IF(company, 'company', 'person') AS kind, 'Client ' || i AS name, birth_date, joined_on, source,
    IF(source = 'referral' AND i > 0, client_id(CAST(floor(u(i, 8) * i) AS BIGINT)), NULL) AS referred_by
FROM client ORDER BY i
"""

ADVISORS = """
SELECT 'A' || lpad(CAST(range AS VARCHAR), 5, '0') AS advisor_id, 'Advisor ' || range AS name,
    'Team ' || range % 40 AS team, 'Branch ' || range % 200 AS branch, 'Region ' || range % 12 AS region
FROM range(1 + getvariable('clients') // 400)
"""

PRODUCT_COLUMNS = """
SELECT product_id, product_id AS label_en, product_id AS label_fr, family, annual_margin, margin_kind
FROM product ORDER BY place
"""

# A contract is numbered in the order of opening. One closing in ten is announced, one in ten known late; a contract
# whose opening the firm does not know yet is not in its book.
CONTRACTS = """
CREATE TABLE contract AS
WITH numbered AS (
    SELECT i, joined_on, unnest(range(1 + least(9, CAST(floor(-2.45 * ln(1 - u(i, 64))) AS BIGINT)))) AS n
    FROM client
), opened AS (
    SELECT i, n, i * 16 + n AS k,
        (u(i, 65) * 100 + IF(n = 0 AND u(i, 66) < 0.55, -1000, n * 37 + 9 * u(k, 67))) AS slot,
        (SELECT list(place ORDER BY place, range) FROM product, range(weight))
            [IF(slot < 0, 1, 1 + CAST(floor(slot) AS INTEGER) % 100)] AS place,
        joined_on + IF(n = 0, 0, days(u(k, 68) * (getvariable('until') - joined_on))) AS opened_on,
        IF(u(k, 69) < 0.08, opened_on + days(1 + 60 * u(k, 70)), NULL) AS known_on,
        opened_on + days(20 - 3700 * ln(1 - u(k, 71))) AS closes_on,
        closes_on + CASE WHEN u(k, 72) < 0.1 THEN -days(1 + 60 * u(k, 73))
                         WHEN u(k, 72) < 0.2 THEN days(1 + 60 * u(k, 73)) END AS told_on
    FROM numbered
)
SELECT i, k, place, opened_on, known_on,
    coalesce(told_on, closes_on) < getvariable('until') AS closed,
    IF(closed, closes_on, NULL) AS closed_on,
    IF(closed, draw(['left', 'left', 'left', 'left', 'left', 'left', 'term', 'term', 'death', 'insurer', NULL],
        u(k, 74)), NULL) AS close_reason,
    CASE WHEN place IN (8, 9) THEN opened_on + days(365.25 * (1 + u(k, 75) * IF(place = 8, 24, 6)))
         WHEN place = 4 THEN opened_on + days(365.25 * (1 + floor(5 * u(k, 75))))
         WHEN place >= 10 THEN CAST(opened_on + to_years(CAST(1 + floor(
            (least(coalesce(closed_on, getvariable('until')), getvariable('until')) - opened_on) / 365.25) AS INTEGER))
            AS DATE) END AS ends_on,
    IF(closed, told_on, NULL) AS closing_known_on
FROM opened
WHERE coalesce(known_on, opened_on) < getvariable('until')
ORDER BY opened_on, k;
"""

CONTRACT_COLUMNS = """
SELECT contract_id(c.rowid) AS contract_id, client_id(i) AS client_id, p.product_id, opened_on, closed_on, close_reason,
    ends_on, known_on, closing_known_on
FROM contract c, LATERAL (SELECT list(product_id ORDER BY place)[c.place + 1] AS product_id FROM product) p
ORDER BY c.rowid
"""

# What is worked out once per contract of which a balance is kept: insurance has a row in the month of its anniversary.
ACCOUNTS = """
CREATE TABLE account AS
SELECT c.rowid AS contract, k, opened_on, closed_on, has_balance, month(opened_on) AS opened_in,
    place IN (8, 9) AS owed,
    exp(CASE WHEN place = 8 THEN 11.6 WHEN place = 9 THEN 8.6 WHEN place = 0 THEN 7.4 ELSE 8.9 END
        + 1.1 * normal(k, 80)) AS level,
    0.012 * normal(k, 82) AS drift, u(k, 84) AS habit, IF(margin_kind = 'rate', annual_margin / 12, 0) AS rate,
    IF(margin_kind = 'rate', 0, annual_margin / IF(has_balance, 12, 1)) AS fee
FROM contract c JOIN product USING (place)
WHERE closed_on IS NULL OR closed_on >= getvariable('first')
ORDER BY contract;
"""

MONTH = """
SELECT contract_id(contract) AS contract_id, DATE '{month}' AS month,
    euros(CASE WHEN NOT has_balance OR closed_on < DATE '{after}' THEN 0
        WHEN owed THEN level * greatest(0.02, 1 - 0.008 * {number})
        ELSE level * (1 + drift * {number} + 0.1 * u(j, 101)) - IF(habit < 0.04, level * 1.05, 0) END) AS balance,
    euros(CASE WHEN u(j, 102) < 0.02 THEN NULL WHEN NOT has_balance OR u(j, 102) < habit THEN 0
        ELSE level * 0.1 * (u(j, 103) - 0.45) END) AS net_flow,
    euros(fee + rate * level * (0.9 + 0.2 * u(j, 104))) AS revenue,
    euros(IF(u(j, 105) < 0.1, NULL, IF(has_balance, 0.6, 12 * u(j, 106) * fee * (u(j, 105) < 0.13)::INTEGER))) AS cost
FROM (SELECT *, k * 512 + {number} AS j FROM account
    WHERE opened_on < DATE '{after}' AND (closed_on IS NULL OR closed_on >= DATE '{month}')
        AND (has_balance OR opened_in = {calendar}))
"""

INTERACTIONS = """
CREATE TABLE interaction AS
WITH happened AS (
    SELECT i, i * 64 + unnest(range(least(60, CAST(floor(-5.5 * ln(1 - u(i, 128))) AS BIGINT)))) AS k,
        getvariable('until') - 1 - days(u(k, 129) * least(1826, getvariable('until') - joined_on)) AS met_on,
        draw(['call', 'call', 'call', 'visit', 'visit', 'email', 'email', 'email', 'email', 'review', 'survey',
            'survey', 'claim', 'complaint', 'message', 'message'], u(k, 130)) AS kind,
        IF(u(k, 131) < 0.1, met_on + days(1 + 40 * u(k, 132)), NULL) AS known_on,
        IF(kind IN ('claim', 'complaint') AND u(k, 133) < 0.85, met_on + days(1 + 150 * u(k, 134)), NULL) AS ended_on
    FROM client
)
SELECT *, ended_on < getvariable('until') AS ended FROM happened
WHERE coalesce(known_on, met_on) < getvariable('until')
ORDER BY met_on, k;
"""

INTERACTION_COLUMNS = """
SELECT 'I' || lpad(CAST(rowid + 1 AS VARCHAR), 10, '0') AS interaction_id, client_id(i) AS client_id, met_on AS "at",
    draw(['branch', 'branch', 'phone', 'phone', 'phone', 'email', 'email', 'app', 'app', 'post', 'chat'], u(k, 135))
        AS channel,
    kind, IF(kind = 'survey' AND u(k, 136) < 0.8, 10 - CAST(floor(11 * u(k, 137) * u(k, 138)) AS BIGINT), NULL) AS nps,
    IF(ended, draw(['settled', 'settled', 'settled', 'refused'], u(k, 139)), NULL) AS outcome,
    IF(ended, ended_on, NULL) AS outcome_on, known_on
FROM interaction ORDER BY rowid
"""

# A client's events are of different kinds, so that the key is unique; some are announced before they happen.
LIFE_EVENTS = """
WITH happened AS (
    SELECT i, unnest(range(least(6, CAST(floor(-1.7 * ln(1 - u(i, 192))) AS BIGINT)))) AS n, i * 8 + n AS k,
        ['birth', 'marriage', 'divorce', 'death_in_family', 'inheritance', 'graduation', 'new_home', 'move',
            'job_change', 'retirement', 'accident', 'birth_of_grandchild'][1 + (days(12 * u(i, 193)) + n) % 12] AS kind,
        getvariable('until') + days(120 - 7300 * power(u(k, 194), 1.8)) AS occurred_on,
        occurred_on + days(IF(u(k, 195) < 0.12, -240 * u(k, 196), 500 * power(u(k, 196), 2))) AS known_on
    FROM client WHERE NOT company
)
SELECT client_id(i) AS client_id, kind, occurred_on, known_on,
    draw(['questionnaire', 'crm', 'crm', 'inferred', NULL], u(k, 197)) AS source
FROM happened WHERE known_on < getvariable('until') ORDER BY known_on, k
"""

# Days are strictly increasing within a client: a whole day per declaration, then its share of the time as a client.
CLIENT_FACTS = """
WITH declared AS (
    SELECT i, joined_on, getvariable('until') - joined_on AS span,
        least(8, CAST(floor(-2.55 * ln(1 - u(i, 256))) AS BIGINT)) AS n, unnest(range(n)) AS m, i * 16 + m AS k,
        joined_on + CAST(m AS INTEGER) + days((m + u(k, 257)) / n * greatest(span - n, 0)) AS known_on
    FROM client
)
SELECT client_id(i) AS client_id, known_on,
    IF(u(k, 258) < 0.15, NULL, euros(exp(10.2 + 0.6 * normal(i, 259)) * (1 + 0.1 * u(k, 261)))) AS income,
    IF(u(k, 262) < 0.3, NULL, euros(exp(11 + 1.3 * normal(i, 263)) * (1 + 0.2 * u(k, 265)) - 4000)) AS net_worth,
    draw(['single', 'married', 'married', 'divorced', 'widowed', NULL], u(k, 266)) AS marital_status,
    IF(u(k, 267) < 0.1, NULL, CAST(floor(4 * u(k, 268) * u(k, 269)) AS BIGINT)) AS children,
    draw(['farmer', 'craft', 'executive', 'employee', 'employee', 'worker', 'retired', NULL], u(k, 270)) AS occupation,
    IF(u(k, 271) < 0.2, NULL, 1 + CAST(floor(5 * u(k, 272)) AS BIGINT)) AS risk_tolerance,
    IF(u(k, 273) < 0.02, NULL, 'Region ' || days(12 * u(i, 274))) AS region,
    draw(['branch', 'phone', 'email', 'app', NULL], u(k, 275)) AS preferred_channel
FROM declared WHERE known_on < getvariable('until') ORDER BY known_on, k
"""

OFFERS = """
CREATE TABLE offer AS
WITH made AS (
    SELECT i, i * 16 + unnest(range(least(12, CAST(floor(-1.45 * ln(1 - u(i, 320))) AS BIGINT)))) AS k,
        getvariable('until') - 1 - days(u(k, 321) * least(900, getvariable('until') - joined_on)) AS made_on,
        draw([true, false, false, false, false, false, false, false, false, NULL], u(k, 322)) AS held_out,
        IF(held_out OR u(k, 323) < 0.25, NULL, made_on + days(60 * u(k, 324))) AS answered_on
    FROM client
)
SELECT *, answered_on < getvariable('until') AS answered FROM made ORDER BY made_on, k;
"""

OFFER_COLUMNS = """
SELECT 'O' || lpad(CAST(rowid + 1 AS VARCHAR), 10, '0') AS offer_id, client_id(i) AS client_id,
    draw((SELECT list(product_id ORDER BY place) FROM product), u(k, 325)) AS product_id, made_on,
    draw(['branch', 'phone', 'email', 'app'], u(k, 326)) AS channel, 'Z' || strftime(made_on, '%Y%m') AS campaign_id,
    held_out,
    IF(answered, draw(['accepted', 'refused', 'refused', 'none', 'none', 'none'], u(k, 327)), NULL) AS outcome,
    IF(answered, answered_on, NULL) AS outcome_on
FROM offer ORDER BY rowid
"""


def make_book(directory: Path, clients: int, months: int = 24, seed: int = 7) -> None:
    """Write the contract's tables as Parquet files, balances month by month as a warehouse appends them.

    Parameters
    ----------
    directory
        Made if it is not there; files in it are replaced.
    clients
        Clients who ever joined; nine in ten hold a contract at the end.
    months
        Months of balances, the last of them June 2024. Other facts go back further.
    seed
        The same seed, clients and months give the same book.
    """
    directory.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=directory) as scratch:
        connection = duckdb.connect(Path(scratch) / "draw.duckdb", config={"threads": 2, "memory_limit": "3GB"})
        try:
            _prepare(connection, clients, months, seed)
            _write_all(connection, directory, _months(months))
        finally:
            connection.close()


def _months(months: int) -> list[tuple[dt.date, dt.date]]:
    """Return the first days of each month shown and of the next, the oldest first."""
    index = UNTIL.year * 12 + UNTIL.month - 1
    firsts = [dt.date(i // 12, i % 12 + 1, 1) for i in range(index - months, index + 1)]
    return list(itertools.pairwise(firsts))


def _prepare(connection: duckdb.DuckDBPyConnection, clients: int, months: int, seed: int) -> None:
    first = _months(months)[0][0]
    for name, value in {"clients": clients, "seed": seed, "first": first, "until": UNTIL}.items():
        connection.execute(f"SET VARIABLE {name} = $1", [value])
    connection.execute(MACROS)
    connection.execute(
        "CREATE TABLE product (place INTEGER, product_id VARCHAR, family VARCHAR, annual_margin DOUBLE,"
        " margin_kind VARCHAR, weight INTEGER, has_balance BOOLEAN)"
    )
    connection.executemany(
        "INSERT INTO product VALUES ($1, $2, $3, $4, $5, $6, $7)",
        [(place, *product) for place, product in enumerate(PRODUCTS)],
    )
    for table in (CLIENTS, CONTRACTS, ACCOUNTS, INTERACTIONS, OFFERS):
        connection.execute(table)


def _write_all(connection: duckdb.DuckDBPyConnection, directory: Path, months: list[tuple[dt.date, dt.date]]) -> None:
    balances = " UNION ALL ".join(  # the rows keep the order of the months
        MONTH.format(month=month, after=after, number=number, calendar=month.month)
        for number, (month, after) in enumerate(months)
    )
    queries = {
        "clients": CLIENT_COLUMNS,
        "advisors": ADVISORS,
        "products": PRODUCT_COLUMNS,
        "contracts": CONTRACT_COLUMNS,
        "balances": balances,
        "interactions": INTERACTION_COLUMNS,
        "life_events": LIFE_EVENTS,
        "client_facts": CLIENT_FACTS,
        "offers": OFFER_COLUMNS,
    }
    for name, query in queries.items():
        connection.execute(f"COPY ({query}) TO '{directory / name}.parquet' (FORMAT parquet)")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", type=Path)
    parser.add_argument("--clients", type=int, default=1_000_000)
    parser.add_argument("--months", type=int, default=24)
    parser.add_argument("--seed", type=int, default=7)
    chosen = parser.parse_args()
    make_book(chosen.directory, chosen.clients, chosen.months, chosen.seed)


if __name__ == "__main__":
    main()
