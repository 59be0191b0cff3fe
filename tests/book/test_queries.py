"""A firm's own SQL over the book: what it may read, and that nothing else is let through."""

from __future__ import annotations

import datetime as dt

import duckdb
import pytest

from appetence.book import open_book
from appetence.book.contract import Column, Type
from appetence.book.queries import Query
from appetence.config import BookSettings
from appetence.errors import BookError

CLIENT = (Column("client_id", Type.ID, "Who"),)
CUT = dt.date(2020, 6, 1)
TABLES = {
    "clients": [{"client_id": "1", "birth_date": dt.date(1950, 1, 1)}, {"client_id": "2", "household_id": "h"}],
    "contracts": [
        {"contract_id": "a", "client_id": "1", "closed_on": dt.date(2021, 1, 1), "close_reason": "left"},
        {"contract_id": "b", "client_id": "2", "opened_on": dt.date(2020, 7, 1)},
    ],
    "protected": [{"client_id": "1", "gender": "f"}],
}


@pytest.fixture(scope="module")
def ask(tmp_path_factory, write_book):
    directory = write_book(tmp_path_factory.mktemp("queries"), dict(TABLES))
    days = {"observed_from": dt.date(2019, 1, 1), "observed_until": dt.date(2024, 1, 1)}
    with open_book(BookSettings(directory=str(directory), **days)) as book:

        def ask(sql: str, cut: dt.date | None = CUT, of_a_cut: bool = True) -> list[str]:
            return book.answer(Query("the query", sql, CLIENT, of_a_cut), cut)["client_id"].to_pylist()

        yield ask


@pytest.mark.parametrize(
    ("sql", "found"),
    [
        ("SELECT client_id FROM clients", ["1", "2"]),
        ("FROM clients SELECT client_id;  -- a terminator and all", ["1", "2"]),
        # what is closed later is open as far as was known, and what is opened later is not there
        ("SELECT client_id FROM contracts WHERE closed_on IS NULL", ["1"]),
        ("SELECT client_id FROM contracts WHERE close_reason = 'left'", []),
        ("SELECT client_id FROM Clients WHERE birth_date < $cut - INTERVAL 60 YEAR", ["1"]),
        ("WITH contracts AS (FROM contracts WHERE closed_on IS NULL) SELECT client_id FROM contracts", ["1"]),
        ("WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r WHERE n < 3) "
         "SELECT client_id FROM clients, r WHERE n = 3", ["1", "2"]),
        ("SELECT client_id FROM clients WHERE EXISTS (FROM contracts c WHERE c.client_id = clients.client_id)", ["1"]),
        ("SELECT client_id FROM clients ORDER BY client_id DESC LIMIT 1", ["2"]),
        ("SELECT first(client_id ORDER BY client_id) AS client_id FROM clients", ["1"]),
        ("SELECT client_id FROM clients QUALIFY row_number() OVER (ORDER BY client_id) = 1", ["1"]),
        ("SELECT DISTINCT unnest(['1', '2']) AS client_id FROM range(3)", ["1", "2"]),
        ("SELECT 1 AS client_id", ["1"]),
        ("SELECT household_id AS client_id FROM clients", ["h"]),  # a row that names no client is left out
        ("SELECT client_id FROM clients WHERE 'now()' <> 'read_csv(1)'", ["1", "2"]),
    ],
)  # fmt: skip
def test_what_may_be_asked_is_answered_as_it_was_known(ask, sql, found):
    assert sorted(ask(sql)) == found


def test_without_a_cut_the_book_is_read_as_it_is_known_today(ask):
    assert ask("SELECT client_id FROM contracts WHERE close_reason = 'left'", None) == ["1"]


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("SELECT client_id FROM book.clients", "'book.clients'. Name a table of the book alone"),
        ("SELECT client_id FROM mapped.contracts", "'mapped.contracts'"),
        ("SELECT client_id FROM memory.mapped.contracts", "'memory.mapped.contracts'"),
        ("SELECT client_id FROM clients, (SELECT 1 FROM aside.clients)", "'aside.clients'"),
        ("SELECT client_id FROM client", "Did you mean 'clients'"),
        ("SELECT clientid AS client_id FROM clients", "must use columns that its tables have, but got 'clientid'. Did"),
        ("SELECT client_id FROM protected", "must not read protected attributes"),
        ("WITH protected AS (FROM protected) SELECT client_id FROM protected", "must not read protected"),
        ("WITH offers AS (FROM offers) SELECT client_id FROM offers", "must"),
        ("WITH x AS (FROM protected) SELECT client_id FROM x", "must not read protected attributes"),
        ("WITH book AS (FROM clients) SELECT client_id FROM book.clients", "'book.clients'"),
        ("SELECT client_id FROM clients WHERE EXISTS (WITH y AS (FROM aside.clients) FROM y)", "'aside.clients'"),
        ("SELECT client_id FROM offers", "tables that the firm provides, but got 'offers'"),
        ("SELECT client_id FROM '/etc/passwd'", "must read the book's tables, but got '/etc/passwd'"),
        ("SELECT client_id FROM read_csv('/etc/passwd')", "the function 'read_csv'"),
        ("SELECT client_id FROM read_text('/etc/passwd')", "the function 'read_text'"),
        ("SELECT client_id FROM query('SELECT 1 AS client_id')", "the function 'query'"),
        ("SELECT client_id FROM query_table('mapped.clients')", "the function 'query_table'"),
        ("SELECT client_id FROM duckdb_tables()", "the function 'duckdb_tables'"),
        ("SELECT client_id FROM sqlite_master", "but got 'sqlite_master'"),
        ("SELECT client_id FROM information_schema.tables", "but got 'information_schema.tables'"),
        ("FROM (DESCRIBE clients)", "SHOW, DESCRIBE or SUMMARIZE"),
        ("SELECT client_id FROM clients WHERE birth_date < today()", "the same rows on any day, but got 'today'"),
        ("SELECT client_id FROM clients WHERE birth_date < CURRENT_DATE", "'CURRENT_DATE'"),
        ("SELECT client_id FROM clients WHERE birth_date < ago(INTERVAL 60 YEAR)", "any day, but got 'ago'"),
        ('SELECT client_id FROM clients WHERE "random"() < 0.5', "any day, but got 'random'"),
        ("SELECT client_id FROM clients WHERE getvariable('x') IS NULL", "'getvariable'"),
        ("SELECT client_id FROM clients WHERE current_setting('threads') > 1", "'current_setting'"),
        ("SELECT client_id FROM clients LIMIT 1", "LIMIT or DISTINCT ON without ORDER BY"),
        ("SELECT client_id FROM (FROM clients LIMIT 50%) AS c", "LIMIT or DISTINCT ON without ORDER BY"),
        ("SELECT DISTINCT ON (kind) client_id FROM clients", "LIMIT or DISTINCT ON without ORDER BY"),
        ("SELECT any_value(client_id) AS client_id FROM clients", "any_value without ORDER BY"),
        ("SELECT client_id FROM clients QUALIFY row_number() OVER (PARTITION BY kind) = 1", "row_number over rows"),
        ("SELECT client_id FROM clients TABLESAMPLE 50%", "a sample"),
        ("SELECT client_id FROM clients USING SAMPLE 1", "a sample"),
        ("SELECT c.client_id FROM clients c POSITIONAL JOIN contracts", "POSITIONAL JOIN"),
        ("SELECT client_id FROM clients WHERE joined_on < $day", "must name no parameter, but got $day. $cut is known"),
        ("SELECT client_id FROM clients WHERE joined_on < ?", "must name no parameter"),
        ("SELECT client_id, kind FROM clients", "must give the columns client_id, but got client_id, kind. Leave out"),
        ("SELECT kind FROM clients", "must give the columns client_id, but got kind. Write … AS client_id"),
        ("SELECT joined_on AS client_id FROM clients", "'client_id' must be an id"),
        ("DELETE FROM clients", "must be one SELECT statement, but got DELETE"),
        ("SELECT client_id FROM clients; SELECT 1", "must be one SELECT statement"),
        ("COPY clients TO '/tmp/x.csv'", "must be one SELECT statement"),
        ("SELECT client_id FROM clients) UNION (SELECT '3'", "must be valid SQL"),
        ("SELECT client_id FROM", "must be valid SQL"),
        ("PIVOT clients ON kind USING count(*)", "must be one SELECT statement"),
    ],
)  # fmt: skip
def test_hostile_and_mistaken_sql_is_refused_in_one_line(ask, sql, message):
    with pytest.raises(BookError) as caught:
        ask(sql)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_query_that_is_run_for_all_cuts_at_once_knows_none(ask):
    with pytest.raises(BookError, match=r"no parameter, but got \$cut. It is run once"):
        ask("SELECT client_id FROM clients WHERE joined_on < $cut", of_a_cut=False)


def test_a_value_that_does_not_fit_stays_out_of_the_message(ask):
    with pytest.raises(BookError) as caught:
        ask("SELECT client_id FROM clients WHERE CAST('Dupont' || client_id AS INTEGER) > 1")
    assert "Dupont" not in str(caught.value)
    assert "TRY_CAST" in str(caught.value)


def test_every_function_that_varies_is_known_to_duckdb_as_such():
    """What the refusal rests on: the engine's own word on its functions."""
    with duckdb.connect() as connection:
        rows = connection.execute(
            "SELECT DISTINCT function_name FROM duckdb_functions() WHERE stability <> 'CONSISTENT'"
        ).fetchall()
    assert {"now", "random", "uuid", "nextval", "getvariable", "current_setting", "today"} <= {name for (name,) in rows}
