from __future__ import annotations

import copy
import datetime as dt

import pyarrow as pa
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from appetence.config import FeatureSettings
from appetence.errors import AppetenceError, BookError, UsageError
from appetence.features.catalogue import Unit
from appetence.features.pipeline import build_features
from appetence.features.population import population

NO_SHRINKING = (Phase.explicit, Phase.reuse, Phase.generate)  # a smaller seed is no simpler book

CUT = dt.date(2020, 4, 1)


def _until(rows, cut):
    """Delete what the firm did not know at the cut, row by row."""
    kept = copy.deepcopy(rows)
    kept["clients"] = [r for r in kept["clients"] if r["joined_on"] < cut]
    kept["contracts"] = [r for r in kept["contracts"] if (r["known_on"] or r["opened_on"]) < cut]
    for row in kept["contracts"]:
        if row["closed_on"] and (row["closing_known_on"] or row["closed_on"]) >= cut:
            row |= {"closed_on": None, "close_reason": None, "closing_known_on": None}
    ids = {r["contract_id"] for r in kept["contracts"]}
    kept["balances"] = [r for r in kept["balances"] if r["month"] < cut and r["contract_id"] in ids]
    kept["interactions"] = [r for r in kept["interactions"] if (r["known_on"] or r["at"]) < cut]
    kept["offers"] = [r for r in kept["offers"] if r["made_on"] < cut]
    for row in kept["interactions"] + kept["offers"]:
        if row["outcome_on"] is None or row["outcome_on"] >= cut:
            row |= {"outcome": None, "outcome_on": None}
    for table in ("life_events", "client_facts"):
        kept[table] = [r for r in kept[table] if r["known_on"] < cut]
    return kept


@settings(max_examples=3, deadline=None, phases=NO_SHRINKING)
@given(seed=st.integers(0, 2**32))
def test_features_do_not_change_when_all_later_facts_are_deleted(seed, random_rows, open_rows, every_client):
    rows = random_rows(seed)
    earlier = _until(rows, CUT)
    spine = every_client(earlier, [CUT])
    with open_rows(rows) as book:
        with_later = build_features(book, spine)
        clients = population(book, [CUT])
    with open_rows(earlier) as book:
        without = build_features(book, spine)
        assert population(book, [CUT]).equals(clients)
    assert with_later.features == without.features
    assert with_later.data.equals(without.data)


def test_the_rows_are_the_spines_whatever_the_block_and_the_run(random_rows, open_rows, every_client):
    rows = random_rows(5)
    spine = every_client(rows)
    with open_rows(rows) as book:
        whole = build_features(book, spine)
        again = build_features(book, spine, block=11)
        some = build_features(book, spine.slice(4, 7))
    assert whole.data.select(["client_id", "cut"]).equals(spine)
    assert again.data.equals(whole.data)
    assert some.data.equals(whole.data.slice(4, 7))


def test_types_are_those_of_the_catalogue(random_rows, open_rows, every_client):
    rows = random_rows(6)
    with open_rows(rows) as book:
        table = build_features(book, every_client(rows))
    assert table.data.column_names == ["client_id", "cut", *(f.name for f in table.features)]
    types = {Unit.CODE: pa.string(), Unit.FLAG: pa.bool_()}
    for feature in table.features:
        assert table.data.schema.field(feature.name).type == types.get(feature.unit, pa.float64())
        if feature.unit is Unit.FLAG:
            assert table.data[feature.name].null_count == 0
    assert list(table.frame().columns) == [f.name for f in table.features]


def test_no_rows_make_no_rows(make_book):
    book = make_book({"contracts": [{"client_id": "1"}]})
    nobody = pa.table({"client_id": pa.array([], pa.string()), "cut": pa.array([], pa.date32())})
    table = build_features(book, nobody)
    assert table.data.num_rows == 0
    assert table.data.num_columns == 2 + len(table.features)


def test_missing_tables_switch_their_groups_off(make_book, spine):
    table = build_features(make_book({"contracts": [{"client_id": "1"}]}), spine("1", "2021-01-01"))
    reasons = dict(table.switched_off)
    lacking = {"holdings", "balances", "interactions", "text", "life_events", "household", "person"}
    assert set(reasons) == lacking
    assert reasons["life_events"] == "the book has no life_events, clients.birth_date"
    assert {f.group for f in table.features} == {"tenure", "holdings", "bundles", "person", "calendar"}


def test_excluded_features_are_left_out(make_book, spine):
    book = make_book({"contracts": [{"client_id": "1"}]})
    table = build_features(
        book,
        spine("1", "2021-01-01"),
        FeatureSettings(
            groups=("calendar",),
            exclude=(
                "season_sin",
                "tenure",
            ),
        ),
    )
    assert [f.name for f in table.features] == ["season_cos"]
    assert table.switched_off == ()


def test_unknown_features_are_refused(make_book, spine):
    book = make_book({"contracts": [{"client_id": "1"}]})
    with pytest.raises(UsageError, match="Did you mean 'season_sin'"):
        build_features(book, spine("1", "2021-01-01"), FeatureSettings(exclude=("seson_sin",)))


def test_families_that_make_one_column_are_refused(make_book, spine):
    products = [{"product_id": "P", "family": "savings"}, {"product_id": "Q", "family": "Savings!"}]
    book = make_book({"contracts": [{"client_id": "1"}], "products": products})
    with pytest.raises(BookError, match="holds_savings"):
        build_features(book, spine("1", "2021-01-01"))


def test_a_wrong_spine_is_refused(make_book, spine):
    book = make_book({"contracts": [{"client_id": "1"}]})
    with pytest.raises(AppetenceError, match="once, but got 1 rows too many"):
        build_features(book, spine("1", "2021-01-01", "2021-01-01"))
