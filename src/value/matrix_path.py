"""Each client's path through the matrix, read from a book: months side by side, in one pass over its tables."""

from __future__ import annotations

import datetime as dt

import ibis
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from appetence.book import Book
from appetence.months import Month, shift
from appetence.value.profit import YEAR

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

PATH_MONTHS = 24
"""Months of a path."""

ONLINE_CHANNELS = ("app", "internet", "online", "web")
"""Values of `client_facts.preferred_channel` that mean that a client is served online."""


def client_paths(
    book: Book, cut: dt.date, potentials: pa.Table | None = None, months: int = PATH_MONTHS, lgd: float = 1.0
) -> pa.Table:
    """Return where clients stood in each of the last months, as it is known at the cut.

    Parameters
    ----------
    potentials
        `client_id`, `month` (YYYY-MM), `potential`, as published in those months; the column is null without it.
    months
        How many, the last one that before the cut.
    lgd
        As in `client_profits`, whose profit of 12 months each row's `profitability` is.

    Returns
    -------
    pyarrow.Table
        One row per client and month in which the client held a contract at the month's end: `client_id` and `month`,
        both dictionary-encoded, `profitability`, `potential`, `contracts` held, `online`, `tenure` in months, and
        `left_by` in the last row of who is gone by the cut: the reason of the closing that came last.
    """
    cuts = [shift(cut, -back) for back in range(months - 1, -1, -1)]
    contracts = _contracts(book, cut)
    ids, client = _coded(contracts["client_id"])
    held = _held(client, len(ids), contracts, months)
    row, column = np.nonzero(held)
    names = pa.array([str(Month.before(each)) for each in cuts])
    columns = {
        "client_id": pa.DictionaryArray.from_arrays(pa.array(row.astype(np.int32)), ids),
        "month": pa.DictionaryArray.from_arrays(pa.array(column.astype(np.int32)), names),
        "profitability": _of_rows(_profits(book, cut, ids, months, lgd), row, column),
    }
    columns["potential"] = _potential(potentials, ids, names, row, column, held.shape)
    columns["contracts"] = pa.array(held[row, column].astype(np.int64))
    columns["online"] = _online(book, cut, cuts, ids, row, column)
    columns["tenure"] = pa.array(_tenure(book, ids, cut)[row] - (months - 1 - column))
    columns["left_by"] = _left_by(contracts, client, held, row)
    return pa.table(columns)


def _contracts(book: Book, cut: dt.date) -> pa.Table:
    """Return contracts with the months, counted back from the cut's, in which they opened and closed."""
    contracts = book.as_known("contracts", cut)

    def ago(day: ibis.Value) -> ibis.Value:
        return ((cut.year - day.year()) * 12 + cut.month - day.month()).cast("int64")

    reason = contracts.close_reason if "close_reason" in contracts.columns else ibis.null("string")
    closed = contracts.closed_on.notnull() & (contracts.closed_on < ibis.literal(cut))
    return book.execute(
        contracts.filter(contracts.opened_on < ibis.literal(cut)).select(
            "client_id",
            opened=ago(contracts.opened_on),
            closed=closed.ifelse(ago(contracts.closed_on), ibis.null("int64")),
            day=contracts.closed_on,
            reason=ibis.coalesce(reason, ibis.literal("left")),
        )
    )


def _held(client: Ints, clients: int, contracts: pa.Table, months: int) -> npt.NDArray[np.int16]:
    """Return how many contracts each client holds at the end of each month, (clients, months)."""
    # a contract that opened n months before the cut's month is in force at the ends of the months from n before it on
    opened = np.clip(months - contracts["opened"].to_numpy(), 0, months)
    closed = np.clip(months - pc.fill_null(contracts["closed"], 0).to_numpy(), 0, months)
    step = np.zeros((clients, months + 1), dtype=np.int16)
    np.add.at(step, (client, opened), 1)
    np.add.at(step, (client, np.where(np.asarray(pc.is_null(contracts["closed"])), months, closed)), -1)
    return np.cumsum(step, axis=1, dtype=np.int16)[:, :months]


def _profits(book: Book, cut: dt.date, ids: pa.Array, months: int, lgd: float) -> Floats | None:
    """Return the profit of the 12 months to the end of each month, (clients, months); None without balances."""
    if not book.has("balances"):
        return None
    reach = months + YEAR - 1
    since = ibis.literal(shift(cut, -reach))
    balances = book.as_known("balances", cut)
    zero = ibis.literal(0).cast("decimal(18, 2)")
    profit = balances.revenue.cast("decimal(18, 2)").fill_null(zero) - balances.cost.cast("decimal(18, 2)").fill_null(
        zero
    )
    parts = balances.filter(balances.month >= since).select("contract_id", month=balances.month, profit=profit)
    if book.has("defaults"):
        defaults = book.as_known("defaults", cut)
        lost = -(defaults.exposure.cast("float64") * lgd).round(2)
        parts = parts.union(
            defaults.filter(defaults.defaulted_on >= since).select(
                "contract_id",
                month=defaults.defaulted_on.truncate("M"),
                profit=lost.cast("decimal(18, 2)").fill_null(zero),
            )
        )
    joined = parts.join(book.table("contracts").select("contract_id", "client_id"), "contract_id")
    summed = joined.group_by("client_id", "month").agg(cents=(joined.profit.sum() * 100).cast("int64"))
    ago = (cut.year - summed.month.year()) * 12 + cut.month - summed.month.month()
    rows = book.execute(summed.select("client_id", "cents", ago=ago.cast("int64")))
    place = pc.index_in(rows["client_id"].combine_chunks(), ids)
    there = np.asarray(place.is_valid())
    by_month = np.zeros((len(ids), reach + 1), dtype=np.int64)
    at = place.fill_null(0).to_numpy().astype(np.int64)[there]
    by_month[at, reach + 1 - rows["ago"].to_numpy()[there]] = rows["cents"].to_numpy()[there]
    np.cumsum(by_month, axis=1, out=by_month)
    return np.asarray((by_month[:, YEAR:] - by_month[:, :-YEAR]) / 100.0, dtype=np.float64)


def _potential(
    potentials: pa.Table | None, ids: pa.Array, names: pa.Array, row: Ints, column: Ints, shape: tuple[int, ...]
) -> pa.Array:
    if potentials is None:
        return pa.nulls(len(row), pa.float64())
    known = np.full(shape, np.nan)
    client = pc.index_in(potentials["client_id"].combine_chunks(), ids)
    month = pc.index_in(potentials["month"].combine_chunks(), names)
    there = np.asarray(pc.and_(client.is_valid(), month.is_valid()))
    places = tuple(each.fill_null(0).to_numpy().astype(np.int64)[there] for each in (client, month))
    known[places] = potentials["potential"].cast(pa.float64()).to_numpy()[there]
    return _of_rows(known, row, column)


def _online(book: Book, cut: dt.date, cuts: list[dt.date], ids: pa.Array, row: Ints, column: Ints) -> pa.Array:
    """Return whether the channel that was declared last before each month's end is one online; null if none was."""
    if not book.has_column("client_facts", "preferred_channel"):
        return pa.nulls(len(row), pa.bool_())
    facts = book.as_known("client_facts", cut)
    facts = facts.filter(facts.preferred_channel.notnull())
    online = facts.preferred_channel.lower().isin(ONLINE_CHANNELS)
    rows = book.execute(facts.select("client_id", "known_on", online=online).order_by("known_on", "online"))
    place = pc.index_in(rows["client_id"].combine_chunks(), ids)
    rows = rows.append_column("place", place).filter(place.is_valid()).combine_chunks()
    days = rows["known_on"].cast(pa.int32()).to_numpy()
    state = np.full((len(ids), len(cuts)), -1, dtype=np.int8)
    latest = np.full(len(ids), -1, dtype=np.int8)
    client, value = rows["place"].to_numpy(), np.asarray(rows["online"]).astype(np.int8)
    start = 0
    for month, end in enumerate(cuts):
        stop = int(np.searchsorted(days, (end - dt.date(1970, 1, 1)).days))
        latest[client[start:stop]] = value[start:stop]  # in order of days: the last one stays
        state[:, month], start = latest, stop
    found = state[row, column]
    return pa.array(found == 1, mask=found < 0)


def _tenure(book: Book, ids: pa.Array, cut: dt.date) -> Ints:
    """Return completed months since joining, at the cut."""
    clients = book.table("clients")
    ago = (cut.year - clients.joined_on.year()) * 12 + cut.month - clients.joined_on.month()
    whole = ago - (clients.joined_on.day() > 1).cast("int64")
    rows = book.execute(clients.select("client_id", months=whole.cast("int64")))
    place = pc.index_in(ids, rows["client_id"].combine_chunks())
    return np.asarray(rows["months"].combine_chunks().take(place).to_numpy(), dtype=np.int64)


def _left_by(contracts: pa.Table, client: Ints, held: npt.NDArray[np.int16], row: Ints) -> pa.Array:
    """Return, in the last row of clients who hold nothing at the end, why their last contract closed."""
    closed = np.asarray(contracts["closed"].is_valid())
    # the closing that came last stays; of one day's closings, the client's own choice
    chosen = np.asarray(pc.equal(contracts["reason"], "left"))
    order = np.lexsort((chosen, contracts["day"].cast(pa.int32()).fill_null(0).to_numpy()))
    order = order[closed[order]]
    last = np.full(len(held), -1)
    last[client[order]] = order
    ended = (held[:, -1] == 0)[row] & np.append(row[1:] != row[:-1], True) if len(row) else np.zeros(0, dtype=np.bool_)
    at = np.where(ended, last[row], -1)
    return contracts["reason"].combine_chunks().take(pa.array(at, mask=at < 0))


def _of_rows(figures: Floats | None, row: Ints, column: Ints) -> pa.Array:
    if figures is None:
        return pa.nulls(len(row), pa.float64())
    found = figures[row, column]
    return pa.array(found, mask=np.isnan(found))


def _coded(column: pa.ChunkedArray) -> tuple[pa.Array, Ints]:
    """Return the distinct ids, sorted, and each row's place among them."""
    ids = pc.unique(column)
    ids = ids.take(pc.array_sort_indices(ids))
    return ids, np.asarray(pc.index_in(column.combine_chunks(), ids).to_numpy(), dtype=np.int64)
