from __future__ import annotations

import pyarrow as pa
import pytest

from appetence.book.contract import TABLES, Type

EVERY = [pytest.param(table, id=name) for name, table in TABLES.items()]


@pytest.mark.parametrize("table", EVERY)
def test_keys_and_clocks_are_columns_and_keys_are_required(table):
    assert set(table.key) <= {column.name for column in table.columns if column.required}
    for clock in (table.happened, table.known):
        assert clock is None or table.by_name[clock].type in (Type.DATE, Type.MONTH)
    assert table.happened is None or table.by_name[table.happened].required


@pytest.mark.parametrize("table", EVERY)
def test_references_name_the_only_key_of_another_table(table):
    for column in table.columns:
        if column.refers_to:
            target, key = column.refers_to.split(".")
            assert TABLES[target].key == (key,)
            assert TABLES[target].by_name[key].type is column.type is Type.ID


@pytest.mark.parametrize("table", EVERY)
def test_columns_are_told_once_and_their_limits_fit_their_types(table):
    names = [column.name for column in table.columns]
    assert len(set(names)) == len(names)
    for column in table.columns:
        assert column.meaning
        assert not column.values or column.type is Type.CODE
        assert (column.low is None and column.high is None) or column.type in (Type.MONEY, Type.NUMBER, Type.INTEGER)


def test_the_tables_are_those_of_the_design():
    assert [name for name, table in TABLES.items() if table.required] == ["clients", "products", "contracts"]
    assert list(TABLES) == [
        "clients", "client_facts", "protected", "consents", "advisors", "products", "contracts", "balances",
        "interactions", "life_events", "defaults", "offers", "prospects", "prospect_status",
    ]  # fmt: skip


def test_the_arrow_schema_has_every_column_with_its_type():
    schema = TABLES["balances"].arrow_schema()
    assert schema.names == ["contract_id", "month", "balance", "net_flow", "revenue", "cost"]
    assert schema.field("balance") == pa.field("balance", pa.decimal128(18, 2), nullable=False)
    assert schema.field("cost") == pa.field("cost", pa.decimal128(18, 2))
    assert schema.field("month").type == pa.date32()
