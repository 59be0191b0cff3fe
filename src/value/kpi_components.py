"""What key figures are made of: whole numbers per advisor and cut that can be added up, each as known at its cut.

Money is in cents and time in months, so that an advisor's figures add up to the team's to the last digit; shares and
means are worked out from the sums, at each level (`appetence.value.kpis`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import ibis
import ibis.expr.types as ir
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from appetence.book import Book
from appetence.book.clocks import index_of, month_index
from appetence.book.contract import CREDIT
from appetence.features.expressions import cents, total, united
from appetence.value.held_months import Window, bits, exits, held_contracts
from appetence.value.units import Units, sums_by

Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Key = tuple[str, str]
"""A component's name, and its detail: a source or a region; empty where there is none."""

YEAR = 12
LEAST_NET_WORTH = 100_00
"""Cents below which a net worth says nothing of a share of wallet; the features use the same."""

UNKNOWN = "unknown"
"""Detail of clients of whom it is not known."""


@dataclass
class Components:
    """Components of one book.

    Attributes
    ----------
    window
        The cuts.
    sums
        Per key, (advisors, cuts) whole numbers.
    known
        Per component's name, (cuts,) whether the firm's records show it there.
    """

    window: Window
    sums: dict[Key, Ints] = field(default_factory=dict)
    known: dict[str, Flags] = field(default_factory=dict)

    def add(self, name: str, sums: Ints, known: Flags, detail: str = "") -> None:
        """Put in a component."""
        self.sums[name, detail] = sums
        self.known[name] = known

    def details(self, name: str) -> list[str]:
        """Return the details of a component, sorted."""
        return sorted(detail for key, detail in self.sums if key == name)


def read_components(book: Book, units: Units, window: Window) -> Components:
    """Work out the components of all advisors at all cuts, reading each table of the book once.

    Notes
    -----
    The book holds today's advisor of a client only: earlier months are told of the clients that an advisor has now.
    """
    found = Components(window)
    try:
        contracts = _kept(book, "kpi_contracts", held_contracts(book, window))
        clients = _kept(book, "kpi_clients", _clients(book, contracts, units, window))
        _add_population(book, found, clients, contracts, units)
        _add_joined(book, found, units)
        facts = _add_declared(book, found, clients, units) if book.has("client_facts") else None
        if book.has("balances"):
            _add_balances(book, found, clients, facts, units)
    finally:
        book.forget("kpi_")
    return found


def _kept(book: Book, name: str, expression: ir.Table) -> ir.Table:
    """Return a table of an expression's rows, which stay in the database: there may be millions."""
    book.keeping(name, expression)()
    return book.awaited(name, expression.schema().to_pyarrow())


def _clients(book: Book, contracts: ir.Table, units: Units, window: Window) -> ir.Table:
    """Return all clients with their leaf, the cuts at which they held anything of each family, and those gone."""
    families = sorted({*book.execute(book.table("products").select("family").distinct())["family"].to_pylist()})
    by_family = {
        f"held_{place}": united(contracts.held, contracts.family == code) for place, code in enumerate(families)
    }
    held = contracts.group_by("client_id").agg(held=united(contracts.held), **by_family)
    clients = book.table("clients").select("client_id", "advisor_id", "kind", "birth_date")
    other = exits(contracts, held, window)
    numbers = pa.table({"advisor_id": units.advisor_id[:-1], "leaf": np.arange(len(units.advisor_id) - 1)})
    leaves = book.memtable("kpi_leaves", numbers.cast(pa.schema([("advisor_id", pa.string()), ("leaf", pa.int64())])))
    rows = clients.left_join(held, "client_id").drop("client_id_right").left_join(other, "client_id")
    rows = rows.drop("client_id_right").left_join(leaves, "advisor_id")
    return rows.select(
        "client_id",
        leaf=rows.leaf.fill_null(len(numbers)),
        held=rows.held.fill_null(0),
        other=rows.other.fill_null(0),
        born=(rows.kind == "person").ifelse(month_index(rows.birth_date), ibis.null("int64")),
        **{name: rows[name].fill_null(0) for name in by_family},
    )


def _add_population(book: Book, found: Components, clients: ir.Table, contracts: ir.Table, units: Units) -> None:
    window, size = found.window, len(units.advisor_id)
    rows = book.execute(clients.drop("client_id").order_by("leaf"))
    leaf, held, other = (_ints(rows[name]) for name in ("leaf", "held", "other"))
    families = [_ints(rows[name]) for name in rows.column_names if name.startswith("held_")]
    several, once = np.zeros_like(held), np.zeros_like(held)
    for mask in families:
        several |= once & mask
        once |= mask
    born_known = np.asarray(rows["born"].is_valid().to_numpy(zero_copy_only=False), dtype=np.bool_)
    born = np.where(born_known, _ints(rows["born"].fill_null(0)), 0)
    seen = _seen(book, window, 0)

    def put(name: str, columns: Iterator[Ints], known: Flags = seen) -> None:
        found.add(name, np.stack([sums_by(leaf, column, size) for column in columns], axis=1), known)

    cuts = range(window.size)
    put("clients", (_bit(held, j) for j in cuts))
    put("several_families", (_bit(several, j) for j in cuts))
    put("families", (np.sum([_bit(mask, j) for mask in families], axis=0) for j in cuts))
    put("persons_with_age", (_bit(held, j) * born_known for j in cuts))
    put("months_of_age", (_bit(held, j) * born_known * (window.first + j - born) for j in cuts))
    for suffix, lags in (("", [YEAR] * window.size), ("_of_the_year", [_since_january(window, j) for j in cuts])):
        then = [_bit(held, j - lag) if j >= lag else np.zeros_like(held) for j, lag in enumerate(lags)]
        known = np.array([j >= lag and bool(seen[j - lag]) for j, lag in enumerate(lags)])
        put(f"kept{suffix}", (then[j] * _bit(held, j) for j in cuts), known)
        put(f"to_keep{suffix}", (then[j] * (1 - _bit(other, j)) for j in cuts), known)
    products = contracts.group_by("client_id", "product_id").agg(held=united(contracts.held))
    products = products.inner_join(clients.select("client_id", "leaf"), "client_id").select("leaf", "held")
    rows = book.execute(products.order_by("leaf"))
    leaf, mask = _ints(rows["leaf"]), _ints(rows["held"])
    put("products", (_bit(mask, j) for j in cuts))


def _add_joined(book: Book, found: Components, units: Units) -> None:
    """Clients who joined, by month and source, and those who came on another client's word."""
    clients, window = book.table("clients"), found.window
    joined = clients.select(
        "advisor_id",
        bit=month_index(clients.joined_on) + 1 - window.first,
        source=clients.source.fill_null(UNKNOWN),
        referred=clients.referred_by.notnull(),
    )
    joined = joined.filter(joined.bit >= 0, joined.bit < window.size)
    rows = book.execute(
        joined.group_by("advisor_id", "bit", "source").agg(clients=joined.count(), referred=joined.referred.sum())
    )
    leaf, bit = units.leaf_of(rows["advisor_id"]), _ints(rows["bit"])
    seen, shape = _seen(book, window, 1), (len(units.advisor_id), window.size)

    def put(name: str, values: Ints, where: Flags | None = None, detail: str = "") -> None:
        chosen = slice(None) if where is None else where
        sums = np.zeros(shape, dtype=np.int64)
        np.add.at(sums, (leaf[chosen], bit[chosen]), values[chosen])
        found.add(name, sums, seen, detail)

    put("joined", _ints(rows["clients"]))
    if book.has_column("clients", "referred_by"):
        put("referred", _ints(rows["referred"].fill_null(0)))
    if book.has_column("clients", "source"):
        sources = np.asarray(rows["source"].to_pylist(), dtype=object)
        for source in sorted(set(sources)):
            put("joined_by_source", _ints(rows["clients"]), sources == source, source)


def _add_declared(book: Book, found: Components, clients: ir.Table, units: Units) -> ir.Table:
    """Add what clients declared, and return the cuts at which each client's net worth was known and says something."""
    window, facts = found.window, book.table("client_facts")
    newer = facts.known_on.lead().over(ibis.window(group_by="client_id", order_by="known_on"))
    rows = facts.mutate(valid=bits(month_index(facts.known_on) + 1, month_index(newer), window))
    rows = rows.filter(rows.valid != 0).inner_join(clients.select("client_id", "leaf", "held"), "client_id")
    worth = cents(rows.net_worth)
    rows = rows.select(
        "client_id",
        "leaf",
        "region",
        held=rows.valid & rows.held,
        income=cents(rows.income),
        net_worth=(worth >= LEAST_NET_WORTH).ifelse(worth, ibis.null("int64")),
    )
    kept = _kept(book, "kpi_facts", rows.filter(rows.held != 0))
    table = book.execute(kept.drop("client_id").order_by("leaf"))
    leaf, held, size = _ints(table["leaf"]), _ints(table["held"]), len(units.advisor_id)
    seen, cuts = _seen(book, window, 0), range(window.size)
    for name in ("income", "net_worth"):
        if book.has_column("client_facts", name):
            known = np.asarray(table[name].is_valid().to_numpy(zero_copy_only=False), dtype=np.int64)
            amounts = _ints(table[name].fill_null(0))
            for key, values in ((name, amounts), (f"{name}_known", known)):
                sums = [sums_by(leaf, _bit(held, j) * values, size) for j in cuts]
                found.add(key, np.stack(sums, axis=1), seen)
    if book.has_column("client_facts", "region"):
        _add_regions(found, leaf, held, table["region"].fill_null(UNKNOWN).combine_chunks(), size, seen)
    return kept.filter(kept.net_worth.notnull()).select("client_id", "held")


def _add_regions(found: Components, leaf: Ints, held: Ints, region: pa.Array, size: int, seen: Flags) -> None:
    codes = region.dictionary_encode()
    place = _ints(codes.indices)
    for number, name in enumerate(codes.dictionary.to_pylist()):
        mine = place == number
        sums = [sums_by(leaf[mine], _bit(held[mine], j), size) for j in range(found.window.size)]
        found.add("living_in", np.stack(sums, axis=1), seen, name)


def _add_balances(book: Book, found: Components, clients: ir.Table, wallets: ir.Table | None, units: Units) -> None:
    """Add money by month: assets at its end, revenue and cost; and the assets of clients whose net worth is known."""
    window = found.window
    contracts = _usable_contracts(book).inner_join(clients.select("client_id", "leaf", "held"), "client_id")
    balances = book.table("balances")
    balances = balances.select(
        "contract_id",
        bit=month_index(balances.month) + 1 - window.first,
        balance=cents(balances.balance),
        revenue=cents(balances.revenue),
        cost=cents(balances.cost),
    )
    balances = balances.filter(balances.bit >= 0, balances.bit < window.size)
    rows = balances.inner_join(contracts, "contract_id")
    rows = rows.filter(rows.usable_from <= rows.bit + window.first)
    holds = ((rows.held >> rows.bit) & 1) == 1
    money = rows.group_by("leaf", "bit").agg(
        assets=total(rows.balance, ~rows.credit & holds),
        revenue=total(rows.revenue),
        cost=total(rows.cost),
    )
    table = book.execute(money)
    shape = (len(units.advisor_id), window.size)
    present = np.zeros(window.size, dtype=np.bool_)
    present[_ints(table["bit"])] = True
    seen = present & _seen(book, window, 1)
    for name in ("assets", "revenue", "cost"):
        if name != "cost" or book.has_column("balances", "cost"):
            found.add(name, _placed(table, name, shape), seen)
    if wallets is not None and ("net_worth", "") in found.sums:
        own = rows.filter(~rows.credit).select("client_id", "leaf", "bit", "balance")
        own = own.inner_join(wallets.select("client_id", known="held"), "client_id")
        own = own.filter(((own.known >> own.bit) & 1) == 1)
        wallet = own.group_by("leaf", "bit").agg(assets=total(own.balance))
        found.add("wallet_assets", _placed(book.execute(wallet), "assets", shape), seen)


def _usable_contracts(book: Book) -> ir.Table:
    """Return each contract with the month index of the first cut at which its balances count."""
    contracts = book.table("contracts")
    families = book.table("products").select("product_id", "family")
    rows = contracts.select("contract_id", "client_id", "product_id", "opened_on", "known_on").left_join(
        families, "product_id"
    )
    return rows.select(
        "contract_id",
        "client_id",
        usable_from=month_index(rows.known_on.coalesce(rows.opened_on)) + 1,
        credit=(rows.family == CREDIT).fill_null(False),
    )


def _placed(table: pa.Table, name: str, shape: tuple[int, int]) -> Ints:
    sums = np.zeros(shape, dtype=np.int64)
    sums[_ints(table["leaf"]), _ints(table["bit"])] = _ints(table[name])
    return sums


def _seen(book: Book, window: Window, months: int) -> Flags:
    """Return (cuts,) whether the records show the months before each cut, from `observed_from` on."""
    first = index_of(book.observed_from) + months
    return np.array([window.first + j >= first for j in range(window.size)])


def _since_january(window: Window, j: int) -> int:
    """Return the months from the beginning of the year that a cut ends a month of: 1 to 12."""
    return (window.first + j - 1) % YEAR + 1


def _bit(masks: Ints, j: int) -> Ints:
    return (masks >> j) & 1


def _ints(column: pa.ChunkedArray | pa.Array) -> Ints:
    return np.asarray(
        column.to_numpy(zero_copy_only=False) if isinstance(column, pa.Array) else column.to_numpy(), dtype=np.int64
    )
