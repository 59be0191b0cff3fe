"""Spines: the clients and cuts that features and targets are asked for."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from appetence.errors import AppetenceError

SPINE = pa.schema([pa.field("client_id", pa.string(), nullable=False), pa.field("cut", pa.date32(), nullable=False)])
"""A snapshot is a client at a cut."""


def numbered_spine(spine: pa.Table) -> pa.Table:
    """Check a spine, and number its rows.

    Returns
    -------
    pyarrow.Table
        `client_id`, `cut`, `cut_index` (the cut as a month index) and `row` (0, 1, …).

    Raises
    ------
    AppetenceError
        A pair of client and cut twice, a null, or a cut that is no first day of a month.
    """
    data = spine.select(SPINE.names).cast(pa.schema([field.with_nullable(True) for field in SPINE])).combine_chunks()
    nulls = data["client_id"].null_count + data["cut"].null_count
    if nulls:
        raise AppetenceError("a spine must name a client and a cut in each row", f"{nulls} nulls")
    other_days = pc.sum(pc.not_equal(pc.day(data["cut"]), 1)).as_py() or 0
    if other_days:
        raise AppetenceError("a cut must be the first day of a month", f"another day in {other_days} rows")
    months = pc.subtract(pc.month(data["cut"]), 1)
    index = pc.add(pc.multiply(pc.year(data["cut"]), 12), months).cast(pa.int64())
    client = data["client_id"].combine_chunks().dictionary_encode().indices.cast(pa.int64())
    apart = (pc.max(index).as_py() or 0) + 1  # one number for client and cut: hashed several times faster than both
    repeated = data.num_rows - len(pc.unique(pc.add(pc.multiply(client, apart), index)))
    if repeated:
        raise AppetenceError("a spine must hold each client and cut once", f"{repeated} rows too many")
    row = pa.array(np.arange(data.num_rows, dtype=np.int64))
    return data.append_column("cut_index", index).append_column("row", row)
