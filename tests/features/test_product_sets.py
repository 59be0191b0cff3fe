from __future__ import annotations

import datetime as dt
import random

import ibis
import pyarrow as pa

from appetence.config import FeatureSettings
from appetence.features.catalogue import Shape
from appetence.features.pipeline import build_features
from appetence.features.product_sets import BITS, families_in, of_family, size, words

SHAPE = Shape(families=("even", "odd"), products=tuple((f"{n:03}", ("even", "odd", None)[n % 3]) for n in range(130)))


def _evaluate(expression):
    return ibis.duckdb.connect().to_pyarrow(expression)


def test_sets_of_any_size_are_counted():
    rng = random.Random(1)  # noqa: S311 - test data
    sets = [set(), set(range(130)), {59}, {60}, *({n for n in range(130) if rng.random() < 0.3} for _ in range(20))]
    columns = words("held", SHAPE)
    assert len(columns) == 3
    found = {
        name: pa.array([sum(1 << (n - w * BITS) for n in one if n // BITS == w) for one in sets], pa.int64())
        for w, name in enumerate(columns)
    }
    table = ibis.memtable(pa.table(found))
    held = [table[name] for name in columns]
    row = table.select(n=size(held), odd=of_family(held, "odd", SHAPE), families=families_in(held, SHAPE))
    for one, counted in zip(sets, _evaluate(row).to_pylist(), strict=True):
        kinds = {SHAPE.products[n][1] for n in one} - {None}
        assert counted == {"n": len(one), "odd": "odd" in kinds, "families": len(kinds)}


def test_a_firm_with_more_products_than_a_number_has_bits(make_book, spine):
    products = [{"product_id": f"p{n:03}", "family": f"f{n % 7}"} for n in range(150)]
    opened, closed = dt.date(2019, 5, 1), dt.date(2020, 9, 15)
    held = [{"client_id": "1", "product_id": f"p{n:03}", "opened_on": opened} for n in range(0, 150, 2)]
    gone = [
        {"client_id": "1", "product_id": f"p{n:03}", "opened_on": opened, "closed_on": closed} for n in (1, 61, 121)
    ]
    book = make_book({"products": products, "contracts": held + gone})
    row = build_features(book, spine("1", "2021-01-01"), FeatureSettings(groups=("holdings",))).data.to_pylist()[0]
    assert (row["products_held"], row["products_change_6m"], row["products_change_3m"]) == (75, -3, 0)
    assert row["families_held"] == 7
