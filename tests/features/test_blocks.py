"""A spine in blocks: every row once, each household whole, the order given back."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from appetence.book.spine import numbered_spine
from appetence.features.blocks import cut_into_blocks
from appetence.features.pipeline import BLOCK, WHOLE, build_features, stream_features


@settings(max_examples=15, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate))
@given(seed=st.integers(0, 2**32), size=st.integers(1, 12), households=st.booleans())
def test_each_row_stands_in_one_block_with_its_whole_household(
    seed, size, households, random_rows, open_rows, every_client
):
    rows = random_rows(seed)
    spine = numbered_spine(every_client(rows))
    home = {row["client_id"]: row["household_id"] or f"alone {row['client_id']}" for row in rows["clients"]}
    with open_rows(rows) as book:
        cut = cut_into_blocks(book, spine, size, households=households)
        blocks = list(cut)
    keys = [(row["client_id"], row["cut"]) for block in blocks for row in block.rows.to_pylist()]
    assert sorted(keys) == sorted(zip(spine["client_id"].to_pylist(), spine["cut"].to_pylist(), strict=True))
    assert all(block.rows["row"].to_pylist() == list(range(len(block.rows))) for block in blocks)
    assert all(len(block.rows) >= size for block in blocks[:-1])
    asked = set(spine["client_id"].to_pylist())
    for block in blocks if len(blocks) > 1 else ():
        own, members = set(block.rows["client_id"].to_pylist()), block.clients["client_id"].to_pylist()
        assert len(members) == len(set(members))
        if households:
            homes = {home[client] for client in own}
            assert set(members) == {client for client in home if home[client] in homes}
            assert {client for client in asked if home[client] in homes} == own
        else:
            assert set(members) == own
    placed = pa.table({"client_id": [client for client, _ in keys], "cut": pa.array([cut for _, cut in keys])})
    assert cut.in_order(placed).equals(spine.select(["client_id", "cut"]))


def test_a_client_that_the_book_does_not_know_has_a_row_all_the_same(make_book, spine):
    book = make_book({"contracts": [{"client_id": "1"}, {"client_id": "2"}]})
    asked = pa.concat_tables([spine("1", "2021-01-01"), spine("nobody", "2021-01-01"), spine("2", "2021-01-01")])
    whole, cut = build_features(book, asked).data, build_features(book, asked, block=1).data
    assert whole["client_id"].to_pylist() == ["1", "nobody", "2"]
    assert cut.equals(whole)


def test_households_stand_together_in_the_order_of_their_first_client(make_book, spine):
    clients = [{"client_id": c, "household_id": h} for c, h in (("a", "x"), ("b", None), ("c", "x"), ("d", None))]
    book = make_book({"clients": clients, "contracts": [{"client_id": c["client_id"]} for c in clients]})
    asked = pa.concat_tables([spine(c, "2021-01-01") for c in "abcd"])
    blocks = [block["client_id"].to_pylist() for block in stream_features(book, asked, block=1).blocks]
    assert blocks == [["a", "c"], ["b"], ["d"]]


def test_a_month_of_a_million_clients_is_one_block_and_more_are_not(make_book):
    book = make_book({"contracts": [{"client_id": "1"}]})

    def blocks(rows: int) -> int:
        days = pa.array(np.full(rows, np.datetime64(dt.date(2021, 1, 1))))
        clients = pa.array(np.char.add("c", np.arange(rows).astype(str)))
        cut = cut_into_blocks(
            book, numbered_spine(pa.table({"client_id": clients, "cut": days})), BLOCK, households=False
        )
        return len(cut)

    assert WHOLE > BLOCK
    assert blocks(BLOCK) == 1
    assert blocks(2 * BLOCK + 1) == 3


@pytest.mark.parametrize("size", [1, 3])
def test_what_is_left_on_disk_is_gone_when_a_stream_is_dropped_early(make_book, spine, size):
    book = make_book({"contracts": [{"client_id": str(n)} for n in range(9)]})
    asked = pa.concat_tables([spine(str(n), "2021-01-01") for n in range(9)])
    stream = stream_features(book, asked, block=size).blocks
    assert next(stream).num_rows == size
    stream.close()
    left = book.connection.execute("SELECT table_name FROM duckdb_tables() WHERE schema_name = 'work'").fetchall()
    assert not [name for (name,) in left if name.startswith("kept_")]
    assert build_features(book, asked, block=size).data.equals(build_features(book, asked).data)
