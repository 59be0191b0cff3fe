from __future__ import annotations

import numpy as np
import pyarrow as pa

from appetence.book.simulate.calendar import DAYS_PER_MONTH
from appetence.book.simulate.catalogue import INDEX, PRODUCTS
from appetence.book.simulate.columns import NO_DAY
from appetence.book.simulate.contracts import LEFT, OPEN, Contracts, contracts_table, open_contracts


def opened(contracts: Contracts, count: int, product: str, day: int = 18_000) -> np.ndarray:
    return open_contracts(
        contracts,
        np.random.default_rng(1),
        np.arange(count),
        np.full(count, INDEX[product]),
        np.full(count, day),
        np.full(count, 30_000.0),
    )


def test_columns_grow_and_keep_what_they_hold() -> None:
    contracts = Contracts(capacity=2)
    first = opened(contracts, 3, "livret_a")
    balance = contracts["balance"][first].copy()
    second = opened(contracts, 500, "health")
    assert len(contracts) == 503
    assert first.tolist() == [0, 1, 2]
    assert second.tolist() == list(range(3, 503))
    assert (contracts["balance"][first] == balance).all()
    assert contracts.live.tolist() == list(range(503))


def test_closed_contracts_leave_the_live_ones() -> None:
    contracts = Contracts(capacity=4)
    opened(contracts, 4, "per")
    contracts.close(np.array([1, 3]), np.array([18_100, 18_200]), LEFT, np.array([NO_DAY, 18_230]))
    contracts.sweep()
    assert contracts.live.tolist() == [0, 2]
    table = contracts_table(contracts, pa.array(["a", "b", "c", "d"])).to_pylist()
    assert [row["close_reason"] for row in table] == [None, "left", None, "left"]
    assert [row["closing_known_on"] is None for row in table] == [True, True, True, False]
    assert (contracts["closed"] == OPEN).tolist() == [True, False, True, False]


def test_terms_are_those_of_the_product() -> None:
    contracts = Contracts(capacity=4)
    loans = opened(contracts, 400, "consumer_loan")
    assert set(contracts["term"][loans].tolist()) == set(PRODUCTS[INDEX["consumer_loan"]].terms)
    days = np.rint(contracts["term"][loans] * DAYS_PER_MONTH)
    assert (contracts["ends"][loans] - contracts["opened"][loans] == days).all()
    endless = opened(contracts, 5, "health")
    assert (contracts["ends"][endless] == NO_DAY).all()


def test_opening_balances_are_skewed_and_capped() -> None:
    contracts = Contracts(capacity=4)
    opened(contracts, 4000, "livret_a")
    savings = contracts["balance"].copy()
    assert savings.max() == 22_950.0
    assert np.mean(savings) > 1.2 * np.median(savings)
    insured = opened(contracts, 5, "health")
    assert (contracts["balance"][insured] == 0).all()


def test_ids_are_unique_texts_of_one_width_with_leading_zeros() -> None:
    contracts = Contracts(capacity=4)
    opened(contracts, 10, "current_account")
    opened(contracts, 10, "protection")
    ids = contracts.ids().to_pylist()
    assert len(set(ids)) == 20
    assert {len(text) for text in ids} == {10}
    assert ids[0] == "0100000000"
