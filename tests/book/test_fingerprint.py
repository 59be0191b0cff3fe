from __future__ import annotations

import copy
import datetime as dt
import hashlib
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from appetence.book import open_book
from appetence.book.contract import TABLES, Type
from appetence.book.fingerprint import _sums
from appetence.config import BookSettings

CUT = dt.date(2022, 1, 1)
OLD, LATER = dt.date(2021, 5, 1), dt.date(2022, 3, 1)

TABLES_OF_A_BOOK = {
    "clients": [
        {"client_id": "1", "household_id": "H", "name": "Zoë | 3:x ~", "birth_date": dt.date(1980, 2, 3)},
        {"client_id": "2", "household_id": None, "name": "", "birth_date": None},
    ],
    "client_facts": [{"client_id": "1", "known_on": OLD, "income": "31000.50", "children": 2, "size": 0.1}],
    "consents": [{"client_id": "1", "known_on": OLD, "granted": False}],
    "products": [{"product_id": "P", "annual_margin": 1 / 3, "withdrawn_on": None, "launched_on": None}],
    "contracts": [
        {"contract_id": "a", "client_id": "1", "opened_on": OLD, "closed_on": LATER, "close_reason": "left",
         "known_on": None, "closing_known_on": None},
        {"contract_id": "b", "client_id": "2", "opened_on": OLD},
    ],
    "balances": [{"contract_id": "a", "month": dt.date(2021, m, 1), "balance": m * 100} for m in range(5, 13)],
    "offers": [
        {"offer_id": "o", "client_id": "2", "product_id": "P", "made_on": OLD, "outcome": None, "outcome_on": None}
    ],
    "defaults": [{"contract_id": "b", "defaulted_on": OLD, "exposure": 10, "recovered": None}],
}  # fmt: skip
EXTRA = {"client_facts": {"size": "number"}}


@pytest.fixture
def fingerprint(make_book):
    def fingerprint(tables, cut: dt.date = CUT) -> str:
        return make_book(tables, extra_columns=EXTRA).fingerprint(cut)

    return fingerprint


@pytest.fixture
def tables():
    return copy.deepcopy(TABLES_OF_A_BOOK)


def test_it_is_a_sha256_and_the_same_again(fingerprint, tables):
    digest = fingerprint(tables)
    assert len(bytes.fromhex(digest)) == 32
    assert fingerprint(copy.deepcopy(TABLES_OF_A_BOOK)) == digest


def test_later_facts_change_nothing(fingerprint, tables):
    before = fingerprint(tables)
    tables["clients"].append({"client_id": "3", "joined_on": LATER})
    tables["client_facts"].append({"client_id": "1", "known_on": LATER, "income": 1})
    tables["consents"].append({"client_id": "1", "known_on": CUT, "granted": True})
    tables["products"].append({"product_id": "Q", "launched_on": LATER})
    tables["products"][0]["withdrawn_on"] = LATER
    tables["contracts"].append({"contract_id": "c", "client_id": "2", "opened_on": OLD, "known_on": LATER})
    tables["contracts"][0] |= {"closed_on": OLD, "close_reason": "death", "closing_known_on": LATER}
    tables["balances"].append({"contract_id": "a", "month": CUT, "balance": 1})
    tables["offers"][0] |= {"outcome": "accepted", "outcome_on": LATER}
    tables["defaults"][0] |= {"recovered": 5}
    assert fingerprint(tables) == before


@pytest.mark.parametrize(
    ("table", "change"),
    [
        ("clients", {"household_id": "H2"}),
        ("clients", {"household_id": None}),
        ("clients", {"household_id": ""}),
        ("clients", {"birth_date": dt.date(1980, 2, 4)}),
        ("client_facts", {"income": "31000.51"}),
        ("client_facts", {"size": 0.1 + 2**-56}),
        ("client_facts", {"children": None}),
        ("consents", {"granted": True}),
        ("products", {"withdrawn_on": OLD}),
        ("contracts", {"closing_known_on": OLD}),
        ("contracts", {"opened_on": dt.date(2021, 5, 2)}),
        ("balances", {"balance": "500.01"}),
        ("offers", {"outcome": "refused", "outcome_on": OLD}),
    ],
)
def test_whatever_was_known_changes_it(fingerprint, tables, table, change):
    before = fingerprint(tables)
    tables[table][0] |= change
    assert fingerprint(tables) != before


def test_a_row_less_a_row_twice_and_a_column_less_change_it(fingerprint, tables):
    digests = [fingerprint(tables)]
    tables["balances"].append(tables["balances"][0])
    digests.append(fingerprint(tables))
    tables["balances"] = tables["balances"][1:-1]
    digests.append(fingerprint(tables))
    for offer in tables["offers"]:
        del offer["outcome"]
    digests.append(fingerprint(tables))
    assert len(set(digests)) == len(digests)


def test_texts_that_run_into_each_other_differ(fingerprint, tables):
    tables["clients"][0] |= {"household_id": "a|1:b", "name": "c"}
    first = fingerprint(tables)
    tables["clients"][0] |= {"household_id": "a", "name": "1:b|c"}
    assert fingerprint(tables) != first


def test_the_layout_of_files_does_not_matter(make_book, tables, tmp_path):
    expected = make_book(tables, extra_columns=EXTRA).fingerprint(CUT)
    path = tmp_path / "book0" / "balances.parquet"
    table = pq.read_table(path)
    shuffled = table.take(pa.array([3, 1, 0, 2, 7, 6, 5, 4])).select(list(reversed(table.column_names)))
    pq.write_table(shuffled, path, compression="zstd", row_group_size=2)
    settings = BookSettings(directory=str(tmp_path / "book0"), extra_columns=EXTRA)
    with open_book(settings) as book:
        assert book.fingerprint(CUT) == expected


def canonical(value: object, type_: Type) -> str:
    """Write a value as the fingerprint is defined, in plain Python."""
    if value is None:
        return "~"
    if type_ in (Type.ID, Type.TEXT, Type.CODE):
        return f"{len(str(value).encode())}:{value}"
    if type_ is Type.NUMBER:
        return f"{float(value):.16e}"
    return {bool: lambda v: str(v).lower(), Decimal: lambda v: f"{v:.2f}"}.get(type(value), str)(value)


def test_the_sums_are_those_of_md5_of_each_row(make_book, tables):
    book = make_book(tables, extra_columns=EXTRA)
    for name in book.tables:
        columns = [c for c in book.mapping(name).columns if c.name in book.mapping(name).provided]
        assert {c.name for c in columns} <= {c.name for c in TABLES[name].columns} | {"size"}
        high = low = 0
        rows = book.execute(book.table(name)).to_pylist()
        for row in rows:
            text = "|".join(canonical(row[c.name], c.type) for c in columns)
            number = int.from_bytes(hashlib.md5(text.encode(), usedforsecurity=False).digest(), "little")
            high, low = high + (number >> 64), low + (number & (2**64 - 1))
        assert _sums(book, book.table(name), columns) == [str(len(rows)), str(high), str(low)]
