"""Random contracts around month ends, and whom they belong to."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pytest

from appetence.book import Book, open_book
from appetence.book.contract import TABLES
from appetence.config import BookSettings

DAYS = [
    dt.date(year, month, day)
    for year in (2019, 2020)
    for month, day in ((1, 1), (1, 31), (2, 28), (3, 1), (3, 2), (6, 15), (8, 31), (9, 1), (12, 31))
] + [dt.date(2020, 2, 29), dt.date(2021, 1, 1), dt.date(2021, 2, 1)]
CUTS = [dt.date(2020, 1, 1), dt.date(2020, 3, 1), dt.date(2020, 9, 1)]
UNTIL = dt.date(2021, 1, 1)
CLIENTS = ["1", "01", "2", "3", "4", "5", "6", "7"]


@pytest.fixture(scope="session")
def random_contracts() -> Callable[[int], list[dict[str, Any]]]:
    """Return a function that draws the contracts of a seed."""

    def draw(seed: int) -> list[dict[str, Any]]:
        rng = random.Random(seed)  # noqa: S311 - test data
        return [_draw(rng, number) for number in range(24)]

    return draw


def _draw(rng: random.Random, number: int) -> dict[str, Any]:
    opened = rng.choice(DAYS)
    closed = rng.choice([None, opened, *(day for day in DAYS if day >= opened)])
    return {
        "contract_id": str(number),
        "client_id": rng.choice(CLIENTS),
        "product_id": rng.choice(["P", "Q", "R"]),
        "opened_on": opened,
        "closed_on": closed,
        "close_reason": rng.choice([None, "left", "term", "death", "insurer"]) if closed else None,
        "ends_on": None,
        "known_on": rng.choice([None, None, rng.choice(DAYS)]),
        "closing_known_on": rng.choice([None, rng.choice(DAYS)]) if closed else None,
    }


@pytest.fixture(scope="session")
def open_contracts(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Book]:
    """Return a function that opens a book of contracts, products and further tables; close what it returns."""

    def make(
        contracts: list[dict[str, Any]],
        products: list[dict[str, Any]] = (),  # type: ignore[assignment]
        **further: list[dict[str, Any]],
    ) -> Book:
        import pyarrow.parquet as pq

        directory = tmp_path_factory.mktemp("book")
        told = {"label_en": "p", "label_fr": "p", "family": "f", "annual_margin": 1.0, "margin_kind": "amount"}
        rows = {
            "clients": [
                {"client_id": c, "kind": "person" if c < "4" else "company", "joined_on": dt.date(2018, 1, 1)}
                for c in CLIENTS
            ],
            "products": [told | product for product in products or [{"product_id": p} for p in "PQR"]],
            "contracts": contracts,
            **further,
        }
        for name, table in rows.items():
            pq.write_table(pa.Table.from_pylist(table, TABLES[name].arrow_schema()), directory / f"{name}.parquet")
        days = {"observed_from": dt.date(2019, 1, 1), "observed_until": UNTIL}
        return open_book(BookSettings(directory=str(directory), **days))

    return make


@pytest.fixture(scope="session")
def spine() -> pa.Table:
    """Return every client at every cut, not in order."""
    pairs = [(client, cut) for cut in reversed(CUTS) for client in CLIENTS]
    return pa.table({"client_id": [c for c, _ in pairs], "cut": pa.array([d for _, d in pairs], pa.date32())})
