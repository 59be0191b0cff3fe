"""Silent erosion: how much of a client's money leaves after a cut while the client stays.

The base is what was known at the cut of the money held with us: the last month's balances of the contracts in force,
credit left out, as the features of balances read them. From it, net outflow is what the client takes out less what the
client pays in over the window, summed over all contracts of the client that hold money, those opened since among them:
what moves from one to another is no outflow. Net flows exclude market moves, so a fall of the market is none either.

A contract takes its balance along when it closes, and books often write no flow of that month: what its newest month
still held, that of the closing or the one before, counts as taken out in the month of the closing. In the same way a
contract whose first month has no flow recorded brings its balance in. (Any other month without a flow counts as none.)

Payouts at a contract's own term are treated alike. What is paid into another contract of the client nets out; what is
not has left, by the client's choice not to leave it with us. To call it neutral would hide exactly that, and a payment
into an account could then no longer be told from new money. A transfer that is booked on both sides of the window's
edge counts on the side that it falls on.
"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir
import pyarrow as pa
import pyarrow.compute as pc

from appetence.book import Book
from appetence.book.clocks import contracts_on_both_clocks, held_at, index_of, month_index, months_between
from appetence.book.contract import CREDIT
from appetence.book.spine import SPINE, numbered_spine
from appetence.targets.spells import REASONS, spell_at

STATUSES = ("eroded", "kept", "too_small", *REASONS, "unknown", "gone")

BASE = pa.schema([*SPINE, pa.field("base", pa.float64())])
TARGETS = pa.schema(
    [
        *SPINE,
        pa.field("status", pa.string(), nullable=False),
        pa.field("base", pa.float64()),
        pa.field("outflow", pa.float64()),
    ]
)

_SHARES = 10_000
"""Thresholds are compared in ten-thousandths, in whole numbers: a client just at the threshold is eroded everywhere."""


def erosion_targets(
    book: Book, spine: pa.Table, gap: int, horizon: int, threshold: float, min_balance: float
) -> pa.Table:
    """Return what became of each client's money in `[cut + gap, cut + gap + horizon)`.

    Parameters
    ----------
    spine
        `client_id` and `cut`, each pair once.
    gap, horizon
        Months.
    threshold
        Share of the base whose net outflow is erosion, in (0, 1].
    min_balance
        Base, in money, below which a share of it means nothing.

    Returns
    -------
    pyarrow.Table
        `TARGETS`, in the spine's order. `status`:

        - `eroded`: the client stayed, and net outflow came to the threshold or more;
        - `kept`: the client stayed, and it did not;
        - `left`, `death`, `term`, `insurer`: the client stopped holding anything in the window. That is an exit,
          whatever had flowed out before, and the other question's: erosion is of clients who stay;
        - `too_small`: the base was below the minimum, so that there was nothing to erode: not of the question;
        - `gone`: held nothing already before the window: not to be used;
        - `unknown`: the window is not wholly observed; then all rows of the cut are unknown.

        `base` is the money known at the cut, null where no balance was. `outflow` is the net outflow, negative where
        more was paid in, for `eroded` and `kept`; null otherwise.
    """
    numbered = numbered_spine(spine)
    rows = spell_at(book, book.memtable("target_spine", numbered))
    rows = rows.left_join(_base(book, rows), "row").drop("row_right")
    if len(numbered):
        first, last = pc.min(numbered["cut_index"]).as_py() + gap, pc.max(numbered["cut_index"]).as_py() + gap + horizon
        rows = rows.left_join(_outflow(book, rows, gap, horizon, (first, last)), "row").drop("row_right")
    else:
        rows = rows.mutate(outflow=ibis.null("int64"))
    rows = rows.mutate(outflow=rows.outflow.fill_null(0))
    months = months_between(rows.ended_on, rows.cut)
    matured = rows.cut_index + gap + horizon <= index_of(book.observed_until)
    least = round(threshold * _SHARES)
    status = ibis.cases(
        (~matured, "unknown"),
        (rows.started_on.isnull() | (months < gap), "gone"),
        (rows.base.isnull() | (rows.base < round(min_balance * 100)) | (rows.base <= 0), "too_small"),
        (months < gap + horizon, rows["exit"]),
        (rows.outflow * _SHARES >= rows.base * least, "eroded"),
        else_="kept",
    )
    rows = rows.mutate(status=status)
    told = rows.status.isin(("eroded", "kept"))
    rows = rows.mutate(base=_money(rows.base), outflow=told.ifelse(_money(rows.outflow), None))
    return book.execute(rows.order_by("row").select(*TARGETS.names)).cast(TARGETS)


def asset_base(book: Book, spine: pa.Table) -> pa.Table:
    """Return the money that was known at each cut to be held with us, which `erosion_targets` sets outflows against.

    Returns
    -------
    pyarrow.Table
        `BASE`, in the spine's order: in the book's currency, null where no balance was recorded.
    """
    rows = book.memtable("target_spine", numbered_spine(spine))
    rows = rows.left_join(_base(book, rows), "row").drop("row_right")
    rows = rows.mutate(base=_money(rows.base))
    return book.execute(rows.order_by("row").select(*BASE.names)).cast(BASE)


def knows_flows(book: Book) -> bool:
    """Return whether the book records any net flow of what is not credit: else only markets might have moved."""
    if not (book.has("balances") and book.has_column("balances", "net_flow")):
        return False
    balances = book.table("balances")
    flows = balances.filter(balances.net_flow.notnull()).semi_join(_holding_money(book), "contract_id")
    return len(book.execute(flows.select("contract_id").limit(1))) > 0


def _holding_money(book: Book) -> ir.Table:
    """Return the contracts that hold the client's money: all but credit."""
    contracts = contracts_on_both_clocks(book)
    return contracts.filter((contracts.family != CREDIT).fill_null(True))


def _base(book: Book, spine: ir.Table) -> ir.Table:
    """Return the base by row, in cents: of contracts known at the cut to be in force, the last month's balance."""
    rows, contracts = spine.select("row", "client_id", "cut_index"), _holding_money(book)
    rows = rows.inner_join(contracts, "client_id")
    rows = rows.filter(held_at(rows, rows.cut_index)).select("row", "contract_id", month=rows.cut_index - 1)
    balances = book.table("balances")
    balances = balances.select("contract_id", month=month_index(balances.month), balance=_cents(balances.balance))
    found = rows.inner_join(balances, ["contract_id", "month"])
    return found.group_by("row").agg(base=found.balance.sum().cast("int64"))


def _outflow(book: Book, spine: ir.Table, gap: int, horizon: int, months: tuple[int, int]) -> ir.Table:
    """Return the net outflow of the window by row, in cents; `months` bounds all windows, the second one excluded."""
    rows, out = spine.select("row", "client_id", "cut_index"), _outflow_by_month(book, *months)
    found = rows.inner_join(
        out,
        [
            rows.client_id == out.client_id,
            out.month >= rows.cut_index + gap,
            out.month < rows.cut_index + gap + horizon,
        ],
    )
    return found.group_by("row").agg(outflow=found.out.sum().cast("int64"))


def _outflow_by_month(book: Book, first: int, last: int) -> ir.Table:
    """Return each client's net outflow by month, in cents, from `first` to before `last`: flows, and closings."""
    contracts = _holding_money(book).select("contract_id", "client_id", "opened_month", "closed_month")
    balances = book.table("balances")
    balances = balances.select(
        "contract_id", "net_flow", month=month_index(balances.month), balance=_cents(balances.balance)
    )
    # a contract that closes in the first month may have its newest balance in the month before
    rows = balances.filter(balances.month.between(first - 1, last - 1)).inner_join(contracts, "contract_id")
    brought = (rows.month == rows.opened_month).ifelse(rows.balance, 0)
    in_force = rows.closed_month.isnull() | (rows.month <= rows.closed_month)
    flows = rows.filter(in_force).select(
        "client_id", "month", out=-ibis.coalesce(_cents(rows.net_flow), brought).fill_null(0)
    )
    ending = rows.filter(rows.month.between(rows.closed_month - 1, rows.closed_month))
    ending = ending.group_by("contract_id", "client_id", "closed_month").agg(
        out=ending.balance.argmax(ending.month).fill_null(0)
    )
    taken = ending.select("client_id", month=ending.closed_month, out=ending.out)
    united = flows.union(taken)
    united = united.filter(united.month.between(first, last - 1))
    return united.group_by("client_id", "month").agg(out=united.out.sum().cast("int64"))


def _cents(amount: ir.Value) -> ir.IntegerValue:
    """Return money in whole cents, so that sums are exact in any order."""
    return (amount * 100).cast("int64")


def _money(cents: ir.Value) -> ir.FloatingValue:
    return cents.cast("float64") / 100
