"""Who is scored, and who is learnt from: clients holding at least one contract at the cut, as known then."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

import pyarrow as pa

from appetence.book.clocks import BookEngine, contracts_as_known
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
    days = pa.table({"cut": pa.array(sorted(set(cuts)), pa.date32())})
    contracts = book.table("contracts")
    spine = contracts.select("client_id").distinct().cross_join(book.memtable("population_cuts", days))
    rows = contracts_as_known(book, spine)
    found = rows.filter(rows.held).select("client_id", "cut").distinct().order_by("client_id", "cut")
    return book.execute(found).cast(SPINE)
