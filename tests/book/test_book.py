from __future__ import annotations

import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path

import duckdb
import ibis
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from appetence.book import open_book
from appetence.book.contract import TABLES
from appetence.config import BookSettings
from appetence.errors import BookError


def test_every_table_has_the_contract_s_columns_and_types_provided_or_not(make_book):
    book = make_book({"balances": [{"contract_id": "1"}]})
    assert book.tables == ("clients", "products", "contracts", "balances")
    for name, table in TABLES.items():
        schema = book.execute(book.table(name)).schema
        assert [(field.name, field.type) for field in schema] == [(c.name, c.type.arrow) for c in table.columns]
        assert book.table(name).schema() == ibis.Schema.from_pyarrow(schema)
        assert book.has(name) == (name in book.tables)


def test_columns_that_are_left_out_are_null_and_told_apart(make_book):
    book = make_book({"contracts": [{"client_id": "1", "ends_on": None}]})
    assert book.has_column("contracts", "ends_on")
    assert not book.has_column("contracts", "closed_on")
    assert not book.has_column("offers", "made_on")
    assert book.execute(book.table("contracts").closed_on.count()).as_py() == 0


def test_the_order_of_a_file_s_columns_and_its_narrower_types_do_not_matter(make_book, tmp_path):
    make_book({"balances": [{"contract_id": "1", "balance": "10.50"}]})
    path = tmp_path / "book0" / "balances.parquet"
    table = pq.read_table(path)
    floats = table.set_column(2, "balance", table["balance"].cast(pa.float32()))
    pq.write_table(floats.select(["revenue", "balance", "month", "contract_id"]), path)
    with open_book(BookSettings(directory=str(tmp_path / "book0"))) as book:
        (row,) = book.execute(book.table("balances")).to_pylist()
        assert row == {"contract_id": "1", "month": dt.date(2020, 1, 1), "balance": Decimal("10.50"), "net_flow": None,
                       "revenue": Decimal("0.00"), "cost": None}  # fmt: skip


def test_an_unknown_table_is_told_with_the_nearest(make_book):
    with pytest.raises(BookError, match="Did you mean 'contracts'"):
        make_book().table("contract")
    with pytest.raises(BookError, match="Did you mean 'balances'"):
        make_book().has("balance")
    with pytest.raises(BookError, match=r"a column of contracts must be named.*Did you mean 'closed_on'"):
        make_book().has_column("contracts", "closd_on")


def test_a_memtable_joins_with_the_book_and_is_replaced_by_its_name(make_book):
    book = make_book({"contracts": [{"client_id": "a"}, {"client_id": "b"}]})
    for clients in (["a"], ["a", "b", "c"]):
        spine = book.memtable("spine", pa.table({"client_id": clients, "cut": [dt.date(2024, 1, 1)] * len(clients)}))
        joined = book.execute(spine.join(book.table("contracts"), "client_id").order_by("client_id"))
        assert joined.column("client_id").to_pylist() == [client for client in clients if client != "c"]
        assert joined.schema.field("cut").type == pa.date32()


def test_two_books_are_independent(make_book):
    first = make_book({"contracts": [{"client_id": "a"}]})
    second = make_book({"contracts": [{"client_id": "b"}]})
    first.memtable("spine", pa.table({"x": [1]}))
    second.memtable("spine", pa.table({"x": [1, 2]}))
    assert first.execute(first.table("contracts")).column("client_id").to_pylist() == ["a"]
    assert second.execute(second.table("contracts")).column("client_id").to_pylist() == ["b"]


def test_closing_ends_the_connection_and_removes_temporary_files(make_book):
    book = make_book()
    spill = Path(book.connection.execute("SELECT current_setting('temp_directory')").fetchall()[0][0])
    assert spill.is_dir()
    book.close()
    book.close()
    assert not spill.exists()
    with pytest.raises(duckdb.ConnectionException):
        book.connection.execute("SELECT 1")


def test_a_book_that_cannot_be_opened_leaves_nothing_behind(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with pytest.raises(BookError):
        open_book(BookSettings(directory=str(tmp_path / "none")))
    assert list(tmp_path.iterdir()) == []


def test_the_database_is_confined_once_open(make_book, tmp_path):
    book = make_book()
    (tmp_path / "secret.csv").write_text("id\nhidden\n")
    for sql in (
        f"FROM read_csv('{tmp_path}/secret.csv')",
        f"COPY (SELECT 1) TO '{tmp_path}/out.csv'",
        f"ATTACH '{tmp_path}/out.duckdb'",
        "INSTALL httpfs",
        "SET enable_external_access = true",
        "SET memory_limit = '1GB'",
    ):
        with pytest.raises(duckdb.Error):
            book.connection.execute(sql)
    assert not (tmp_path / "out.csv").exists()


def test_a_memory_limit_is_kept_and_work_beyond_it_spills(make_book, tmp_path):
    make_book()
    settings = BookSettings(directory=str(tmp_path / "book0"), observed_until=dt.date(2024, 1, 1))
    with open_book(settings, memory_limit="64MB") as book:
        ((limit,),) = book.connection.execute("SELECT current_setting('memory_limit')").fetchall()
        assert limit == "61.0 MiB"
        rows = 1_500_000
        sorting = "SELECT row_number() OVER (ORDER BY md5(i::VARCHAR)) AS place FROM range($1) t(i)"
        assert book.connection.execute(f"SELECT max(place) FROM ({sorting})", [rows]).fetchall() == [(rows,)]


def test_each_thread_reads_on_while_another_asks(make_book):
    book = make_book({"contracts": [{"client_id": "1"}]})
    many = book.memtable("many", pa.table({"n": pa.array(range(300_000))}))
    rows = book.stream(many)
    seen = next(rows).num_rows
    with ThreadPoolExecutor(1) as other:
        counted = other.submit(book.prepared(many.agg(rows=many.count()))).result()
        other.submit(book.keeping("beside", many)).result()
    assert counted["rows"].to_pylist() == [300_000]
    assert seen + sum(batch.num_rows for batch in rows) == 300_000
    beside = book.awaited("beside", pa.schema([("n", pa.int64())]))
    assert book.execute(beside.agg(total=beside.n.sum()))["total"].to_pylist() == [sum(range(300_000))]
    book.forget("beside")
    assert not book.connection.execute("FROM duckdb_tables() WHERE table_name = 'beside'").fetchall()
