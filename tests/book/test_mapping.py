from __future__ import annotations

import datetime as dt
from decimal import Decimal

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from appetence.book import open_book
from appetence.config import BookSettings
from appetence.errors import BookError

CLIENTS = "id;joined;income\n0012;01/02/2020;1.234,56\n0013;15/03/2021;\n"
CONTRACTS = "nr;client;sort;from;until;why\nK1;0012;SAV;01/02/2020;;\nK2;0013;SAV;15/03/2021;30/06/2022;resilié\n"

VIEWS = {
    "clients": "SELECT id AS client_id, 'person' AS kind, joined AS joined_on FROM people",
    "products": """SELECT 'SAV' AS product_id, 'Savings' AS label_en, 'Épargne' AS label_fr, 'savings' AS family,
                          0.01 AS annual_margin, 'rate' AS margin_kind""",
    "contracts": """SELECT nr AS contract_id, client AS client_id, sort AS product_id, "from" AS opened_on,
                           until AS closed_on, CASE WHEN until IS NOT NULL THEN 'left' END AS close_reason
                    FROM policies;  -- a firm's own SQL, terminator and all""",
}


@pytest.fixture
def settings(tmp_path):
    (tmp_path / "people.csv").write_text(CLIENTS, encoding="latin-1")
    (tmp_path / "policies.csv").write_text(CONTRACTS, encoding="latin-1")

    def settings(**changes: object) -> BookSettings:
        french = {"format": "csv", "encoding": "latin-1", "delimiter": ";", "decimal": ",", "thousands": ".",
                  "date_format": "%d/%m/%Y"}  # fmt: skip
        sources = {
            "people": french
            | {"path": str(tmp_path / "people.csv"), "columns": {"joined": "date", "income": "number"}},
            "policies": french | {"path": str(tmp_path / "policies.csv"), "columns": {"from": "date", "until": "date"}},
        }
        views = {name: sql for name, sql in (VIEWS | changes.pop("views", {})).items() if sql is not None}
        return BookSettings(sources=sources, views=views, **changes)

    return settings


def failure(settings: BookSettings) -> str:
    with pytest.raises(BookError) as caught:
        open_book(settings)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_views_give_tables_typed_as_in_the_contract(settings):
    facts = "SELECT id AS client_id, joined AS known_on, income, 7 AS children, length(id) AS id_length FROM people"
    with open_book(
        settings(views={"client_facts": facts}, extra_columns={"client_facts": {"id_length": "number"}})
    ) as book:
        assert book.tables == ("clients", "client_facts", "products", "contracts")
        rows = book.execute(book.table("client_facts").order_by("client_id")).to_pylist()
        assert rows[0]["client_id"] == "0012"
        assert rows[0]["income"] == Decimal("1234.56")
        assert rows[1]["income"] is None
        assert (rows[0]["children"], rows[0]["id_length"]) == (7, 4.0)
        contracts = book.execute(book.table("contracts").order_by("contract_id"))
        assert contracts.column("closed_on").to_pylist() == [None, dt.date(2022, 6, 30)]
        assert contracts.schema.field("ends_on").type == pa.date32()
        assert book.has_column("contracts", "closed_on")
        assert not book.has_column("contracts", "ends_on")
        assert book.extra_columns("client_facts") == ("id_length",)


def test_a_view_of_an_unknown_name_is_told_with_the_nearest(settings):
    message = failure(settings(views={"contract": VIEWS["contracts"]}))
    assert message == "a view must bear a name of the contract's tables, but got 'contract'. Did you mean 'contracts'?"


def test_a_required_table_without_a_view_is_told(settings):
    message = failure(settings(views={"products": None}))
    assert "must provide the required table 'products', but got no view products" in message


def test_an_unknown_column_is_told_with_the_view_and_the_nearest(settings):
    message = failure(settings(views={"contracts": VIEWS["contracts"].replace("AS opened_on", "AS opend_on")}))
    assert "view 'contracts' must have columns of the contract only, but got unknown column 'opend_on'" in message
    assert "Did you mean 'opened_on'?" in message


def test_a_missing_required_column_is_told(settings):
    message = failure(settings(views={"clients": "SELECT id AS client_id, 'person' AS kind FROM people"}))
    assert "view 'clients' must have the required column 'joined_on'" in message


def test_a_column_twice_is_told(settings):
    message = failure(settings(views={"clients": "SELECT id AS client_id, id AS client_id FROM people"}))
    assert "view 'clients' must name each column once, but got 'client_id' twice" in message


def test_a_source_column_that_is_not_there_is_told_with_the_nearest(settings):
    message = failure(settings(views={"clients": VIEWS["clients"].replace("joined AS", "joind AS")}))
    assert message == "view 'clients' must use columns that its sources have, but got 'joind'. Did you mean 'joined'?"


def test_a_source_that_is_not_there_is_told_with_the_nearest(settings):
    message = failure(settings(views={"clients": VIEWS["clients"].replace("people", "poeple")}))
    assert message == "view 'clients' must read the config's sources, but got 'poeple'. Did you mean 'people'?"


def test_views_do_not_see_each_other(settings):
    message = failure(settings(views={"protected": "SELECT client_id, 'x' AS gender FROM clients"}))
    assert "view 'protected' must read the config's sources, but got 'clients'" in message


@pytest.mark.parametrize(
    ("sql", "kinds"),
    [
        ("DELETE FROM people", "DELETE"),
        ("SELECT 1; SELECT 2", "SELECT, SELECT"),
        ("CREATE TABLE x AS FROM people", "CREATE"),
        ("COPY people TO 'out.csv'", "COPY"),
        ("SET threads = 1", "SET"),
        ("ATTACH 'other.duckdb'", "ATTACH"),
        ("-- nothing", "none"),
    ],
)
def test_anything_but_one_select_is_refused(settings, sql, kinds):
    assert f"view 'clients' must be one SELECT statement, but got {kinds}" in failure(settings(views={"clients": sql}))


def test_a_slip_in_the_sql_is_told_in_one_line(settings):
    message = failure(settings(views={"clients": "SELECT id FORM people WHERE"}))
    assert message.startswith("view 'clients' must be valid SQL, but got Parser Error: syntax error")


@pytest.mark.parametrize(
    "reading", ["read_text('{}')", "read_csv('{}')", "'{}'", "read_parquet('{}')", "glob('{}*')", "read_blob('{}')"]
)
def test_a_view_reaches_no_file_beyond_the_sources(settings, tmp_path, reading):
    secret = tmp_path / "secret.csv"
    secret.write_text("id\nhidden\n")
    message = failure(settings(views={"clients": f"SELECT * FROM {reading.format(secret)}"}))
    assert "view 'clients' must" in message
    assert "hidden" not in message


def test_a_cast_that_fails_inside_a_view_shows_no_value(settings):
    message = failure(settings(views={"clients": "SELECT why::INT AS client_id FROM policies"}))
    assert "view 'clients' must" in message
    assert "resili" not in message


def test_a_value_that_does_not_fit_the_contract_is_counted_and_not_shown(settings):
    message = failure(settings(views={"contracts": VIEWS["contracts"].replace('"from" AS', "why AS")}))
    assert (
        "view 'contracts': column 'opened_on' must be a date (YYYY-MM-DD), but got VARCHAR with 1 value(s)" in message
    )
    assert "resili" not in message


def test_extra_columns_are_for_extensible_tables_and_new_names(settings):
    with pytest.raises(BookError, match="takes the contract's columns only, but got extra_columns shoe_size"):
        open_book(settings(extra_columns={"contracts": {"shoe_size": "number"}}))
    facts = {"client_facts": "SELECT id AS client_id, joined AS known_on FROM people"}
    with pytest.raises(BookError, match="must be new names, but got income"):
        open_book(settings(views=facts, extra_columns={"client_facts": {"income": "number"}}))


def test_parquet_and_database_sources_serve_views_and_are_let_go(settings, tmp_path):
    pq.write_table(pa.table({"id": ["0012", "0013"], "sex": ["f", "m"]}), tmp_path / "crm.parquet")
    warehouse = tmp_path / "warehouse.duckdb"
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute("CREATE TABLE agents AS SELECT '7' AS id, 'Agent' AS called")
    base = settings(
        views={
            "protected": "SELECT id AS client_id, sex AS gender FROM crm",
            "advisors": "SELECT id AS advisor_id, called AS name FROM agents",
        }
    )
    sources = base.sources | {
        "crm": {"format": "parquet", "path": str(tmp_path / "crm.parquet")},
        "agents": {"format": "duckdb", "path": str(warehouse), "table": "agents"},
    }
    with open_book(BookSettings(sources=sources, views=base.views)) as book:
        assert book.execute(book.table("protected").count()).as_py() == 2
        assert book.execute(book.table("advisors").name).to_pylist() == ["Agent"]
        with duckdb.connect(str(warehouse)) as connection:
            connection.execute("CREATE TABLE scores AS SELECT 1 AS x")


@pytest.mark.parametrize("clock", ["current_date", "NOW()", "today ()", "random()", "uuid()", "localtimestamp"])
def test_a_view_that_differs_from_day_to_day_is_refused(settings, clock):
    message = failure(settings(views={"clients": VIEWS["clients"] + f" WHERE {clock} IS NOT NULL"}))
    assert "view 'clients' must give the same rows on any day, but got" in message


def test_names_and_texts_that_look_like_a_clock_are_no_clock(settings):
    harmless = """ WHERE id <> 'now()' /* today() */ AND id <> 'it''s current_date' -- random()"""
    with open_book(settings(views={"clients": VIEWS["clients"] + harmless})) as book:
        assert book.execute(book.table("clients").count()).as_py() == 2


class TestDirectory:
    @pytest.fixture
    def directory(self, make_book, tmp_path):
        make_book({"contracts": [{"client_id": "1", "closed_on": dt.date(2022, 5, 3)}]})
        return tmp_path / "book0"

    def test_other_files_and_the_truth_are_never_read(self, directory):
        (directory / "truth").mkdir()
        (directory / "truth" / "balances.parquet").write_bytes(b"not for us")
        (directory / "orders.parquet").write_bytes(b"another word than offers")
        (directory / "notes.txt").write_text("…")
        with open_book(BookSettings(directory=str(directory))) as book:
            assert book.tables == ("clients", "products", "contracts")

    @pytest.mark.parametrize(
        ("slip", "meant"), [("balance", "balances"), ("Balances", "balances"), ("ofefrs", "offers")]
    )
    def test_a_file_name_with_a_slip_is_told(self, directory, slip, meant):
        (directory / f"{slip}.parquet").write_bytes(b"")
        message = failure(BookSettings(directory=str(directory)))
        assert f"{slip}.parquet. Did you mean '{meant}'?" in message

    def test_a_missing_directory_and_a_missing_table_are_told(self, directory, tmp_path):
        assert "book's directory must exist" in failure(BookSettings(directory=str(tmp_path / "none")))
        (directory / "products.parquet").unlink()
        assert "required table 'products', but got no file products.parquet" in failure(
            BookSettings(directory=str(directory))
        )

    def test_a_file_that_is_no_parquet_is_told(self, directory):
        (directory / "balances.parquet").write_bytes(b"PAR?")
        assert "file balances.parquet must be a Parquet file" in failure(BookSettings(directory=str(directory)))

    def test_columns_are_held_to_the_contract(self, directory):
        table = pa.table({"contract_id": ["1"], "month": [dt.date(2020, 1, 1)], "balance": [1.0], "revenu": [0.0]})
        pq.write_table(table, directory / "balances.parquet")
        message = failure(BookSettings(directory=str(directory)))
        assert (
            "file balances.parquet must have columns of the contract only, but got unknown column 'revenu'" in message
        )
        assert "Did you mean 'revenue'?" in message
