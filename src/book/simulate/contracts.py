"""Every contract ever, in columns that grow."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from appetence.book.contract import TABLES
from appetence.book.simulate.arrays import Floats, Ints
from appetence.book.simulate.calendar import DAYS_PER_MONTH
from appetence.book.simulate.catalogue import PRODUCTS, column
from appetence.book.simulate.columns import NO_DAY, codes, contract_table, dates, identifiers

REASONS = TABLES["contracts"].by_name["close_reason"].values
LEFT, TERM, DEATH, INSURER = range(4)
OPEN = np.int32(2**31 - 1)
ID_WIDTH = 10


_TYPES = {
    "client": np.int32,
    "product": np.int8,
    "opened": np.int32,
    "closed": np.int32,
    "reason": np.int8,
    "ends": np.int32,
    "term": np.int16,
    "known": np.int32,
    "closing_known": np.int32,
    "principal": np.float64,
    "balance": np.float64,
    "factor": np.float32,
    "regular": np.bool_,
}


class Contracts:
    """Columns of all contracts; a contract's index is its place.

    Columns: client, product, opened, closed (OPEN while in force), reason, ends (NO_DAY: no term), term (months),
    known and closing_known (NO_DAY: at once), principal (opening balance), balance, factor (this contract's price or
    contribution against the usual), regular (contributes every month).
    """

    def __init__(self, capacity: int) -> None:
        self.size = 0
        self._columns: dict[str, np.ndarray] = {name: np.zeros(capacity, kind) for name, kind in _TYPES.items()}
        self.live: Ints = np.empty(0, dtype=np.int64)

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, name: str) -> np.ndarray:
        """Return a column as a writable view."""
        return self._columns[name][: self.size]

    def add(self, **values: np.ndarray) -> Ints:
        """Append contracts and return their indices; columns not given are zero."""
        count = values["client"].size
        self._grow(self.size + count)
        index = np.arange(self.size, self.size + count)
        self.size += count
        for name, given in values.items():
            self._columns[name][index] = given
        self.live = np.concatenate([self.live, index[self["closed"][index] == OPEN]])
        return index

    def close(self, index: Ints, day: Ints, reason: int, known: Ints) -> None:
        """Close contracts."""
        self["closed"][index] = day
        self["reason"][index] = reason
        self["closing_known"][index] = known

    def sweep(self) -> None:
        """Take the closed ones out of `live`."""
        self.live = self.live[self["closed"][self.live] == OPEN]

    def _grow(self, needed: int) -> None:
        capacity = self._columns["client"].size
        if needed > capacity:
            for name, old in self._columns.items():
                self._columns[name] = np.concatenate([old, np.zeros(max(needed - capacity, capacity), old.dtype)])

    def ids(self) -> pa.Array:
        """Return the contracts' ids: the product's number, then a serial number, so that some begin with zeros."""
        numbers = (self["product"].astype(np.int64) + 1) * 10**8 + np.arange(self.size)
        return identifiers(numbers, ID_WIDTH)


def open_contracts(
    contracts: Contracts, rng: np.random.Generator, client: Ints, product: Ints, opened: Ints, income: Floats
) -> Ints:
    """Open contracts with balances, prices and terms drawn; return their indices.

    `income` is that of each contract's client. Loan insurance gets its loan's term from `align_loan_insurance`.
    """
    size = client.size
    term = np.zeros(size, dtype=np.int64)
    for index, item in enumerate(PRODUCTS):
        if item.terms:
            mine = np.flatnonzero(product == index)
            term[mine] = rng.choice(item.terms, mine.size)
    ends = np.where(term > 0, opened + np.rint(term * DAYS_PER_MONTH).astype(np.int64), NO_DAY)
    principal = _principal(rng, product, income)
    return contracts.add(
        client=client,
        product=product,
        opened=opened,
        closed=np.full(size, OPEN),
        reason=np.full(size, -1),
        ends=ends,
        term=term,
        known=np.full(size, NO_DAY),
        closing_known=np.full(size, NO_DAY),
        principal=principal,
        balance=principal,
        factor=np.exp(0.35 * rng.standard_normal(size) - 0.35**2 / 2),
        regular=rng.random(size) < 0.55,
    )


def _principal(rng: np.random.Generator, product: Ints, income: Floats) -> Floats:
    opening = column("opening")[product]
    spread = column("spread")[product]
    cap = column("cap")[product]
    # Companies turn over far more than persons earn: their deposits follow its square root.
    base = np.where(income > 200_000, 40_000 * np.sqrt(income / 200_000), np.maximum(income, 3_000.0))
    drawn: Floats = opening * base * np.exp(spread * rng.standard_normal(product.size))
    return np.where(opening > 0, np.minimum(np.maximum(drawn, 50.0), cap), 0.0).round(2)


def align_loan_insurance(contracts: Contracts, loan: Ints, insurance: Ints) -> None:
    """Give each insurance the end of its loan."""
    contracts["ends"][insurance] = contracts["ends"][loan]


def contracts_table(contracts: Contracts, client_ids: pa.Array) -> pa.Table:
    """Return the `contracts` table."""
    closed = contracts["closed"]
    return contract_table(
        "contracts",
        {
            "contract_id": contracts.ids(),
            "client_id": codes(contracts["client"], client_ids),
            "product_id": codes(contracts["product"], [product.product_id for product in PRODUCTS]),
            "opened_on": dates(contracts["opened"]),
            "closed_on": dates(np.where(closed == OPEN, NO_DAY, closed)),
            "close_reason": codes(contracts["reason"], REASONS),
            "ends_on": dates(contracts["ends"]),
            "known_on": dates(contracts["known"]),
            "closing_known_on": dates(contracts["closing_known"]),
        },
    )


def needed_products() -> list[tuple[int, int]]:
    """Return (product, the product it needs) as indices."""
    index = {product.product_id: place for place, product in enumerate(PRODUCTS)}
    return [(index[p.product_id], index[p.needs]) for p in PRODUCTS if p.needs is not None]
