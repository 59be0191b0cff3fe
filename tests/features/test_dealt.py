"""Facts dealt out to blocks come back whole, each to the block of its client."""

from __future__ import annotations

import datetime as dt
import tempfile

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from appetence.features import dealt
from appetence.features.dealt import Dealt


def _batches(codes: list[int], size: int) -> list[pa.RecordBatch]:
    table = pa.table(
        {
            "code": pa.array(codes, pa.int32()),
            "day": pa.array([None if c % 3 == 0 else dt.date(2020, 1, 1 + c % 28) for c in codes], pa.date32()),
            "text": [None if c % 5 == 0 else f"é{c}" for c in codes],
            "place": pa.array(range(len(codes)), pa.int64()),
        }
    )
    return table.to_batches(max_chunksize=size)


@given(st.lists(st.integers(0, 19)), st.sets(st.integers(1, 19)), st.integers(1, 7), st.integers(1, 9))
def test_every_fact_comes_back_once_in_its_block(codes, inner, size, together):
    bounds = (0, *sorted(inner), 20)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(dealt, "_TOGETHER", together)
        found = Dealt(_batches(codes, size), bounds)
    back = []
    for block, low in enumerate(bounds[:-1]):
        for batch in found.of(block):
            local = batch.column("code").to_numpy()
            assert (np.diff(local) >= 0).all()
            back += [row | {"code": row["code"] + low} for row in batch.to_pylist()]
            assert all(low <= row["code"] < bounds[block + 1] for row in back[-batch.num_rows :])
    found.close()
    expected = pa.Table.from_batches(_batches(codes, size)).to_pylist() if codes else []
    assert sorted(back, key=lambda row: row["place"]) == expected


def test_a_block_may_be_read_again(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    found = Dealt(_batches([3, 1, 2], 2), (0, 2, 4))
    assert [batch.num_rows for batch in found.of(1)] == [batch.num_rows for batch in found.of(1)]
    assert list(tmp_path.iterdir()) == []  # the file has no name: nothing is left of it however the process ends
    found.close()


def test_what_fails_while_facts_are_read_is_told(tmp_path):
    def broken():
        yield from _batches([1], 1)
        raise OSError("the disk is full")

    with pytest.raises(OSError, match="full"):
        Dealt(broken(), (0, 2))
