"""Who is scored, and who is learnt from: clients holding at least one contract at the cut, as known then."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

import pyarrow as pa

from appetence.book.clocks import BookEngine, contracts_as_known, index_of
from appetence.book.spine import SPINE


def population(book: BookEngine, cuts: Iterable[dt.date]) -> pa.Table:
    """Return the clients holding at least one contract at each cut, as the firm knew then.

    Clients who have left since are in it, and so are those whose closing became known only later.

    Parameters
    ----------
    cuts
        First days of months.

    Returns
    -------
    pyarrow.Table
        `SPINE`, sorted by client and cut.
    """
    ordered = sorted(set(cuts))
    indices = pa.array([index_of(cut) for cut in ordered], pa.int64())
    days = pa.table({"cut": pa.array(ordered, pa.date32()), "cut_index": indices})
    contracts = book.table("contracts")
    spine = contracts.select("client_id").distinct().cross_join(book.memtable("population_cuts", days))
    rows = contracts_as_known(book, spine)
    held = rows.filter(rows.held)
    # grouped, not made distinct: of a sorted `SELECT DISTINCT`, Spark 4.3 lets columns of the filter into the key
    found = held.group_by("client_id", "cut").agg(contracts=held.count()).order_by("client_id", "cut")
    return book.execute(found).select(SPINE.names).cast(SPINE)
