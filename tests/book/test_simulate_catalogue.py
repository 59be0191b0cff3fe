from __future__ import annotations

import duckdb
import numpy as np
import pyarrow as pa

from appetence.book.contract import TABLES
from appetence.book.simulate.advisors import make_advisors
from appetence.book.simulate.calendar import Calendar
from appetence.book.simulate.catalogue import INDEX, PRODUCTS, Money, launch_month, products_table
from appetence.book.simulate.demand import eligible
from appetence.book.simulate.people import make_people
from appetence.book.simulate.state import initial_state
from appetence.months import Month

CALENDAR = Calendar(Month.parse("2021-01"), 40)


def test_the_rule_as_sql_admits_whom_the_process_admits() -> None:
    rng = np.random.default_rng(2)
    people = make_people(rng, 3000, CALENDAR, make_advisors(rng, 4))
    state = initial_state(rng, people, CALENDAR)
    month = 39
    # Whole years of age, as a firm would compute them; nobody is within a day of a birthday by rounding alone.
    age = np.floor(people.ages(CALENDAR.start(month)))
    rows = pa.table(
        {
            "age": pa.array(age, mask=people.company),
            "kind": pa.array(np.where(people.company, "company", "person")),
        }
    )
    allowed = eligible(state, np.arange(len(people)), month)
    connection = duckdb.connect()
    connection.register("rows", rows)
    for product in products_table(CALENDAR).to_pylist():
        rule = product["eligibility"] or "true"
        admitted = connection.sql(f"SELECT coalesce({rule}, false) AS ok FROM rows").to_arrow_table()["ok"].to_numpy()
        assert (admitted == allowed[:, INDEX[product["product_id"]]]).all(), product["product_id"]
        assert 0 < admitted.mean() <= 1


def test_products_are_as_the_contract_says() -> None:
    table = products_table(CALENDAR)
    assert table.schema == TABLES["products"].arrow_schema()
    table.validate(full=True)
    assert len(set(table["product_id"].to_pylist())) == len(PRODUCTS) == 15
    assert len(set(table["label_fr"].to_pylist())) == len(PRODUCTS)


def test_one_product_comes_on_sale_inside_the_window() -> None:
    launched = [product for product in PRODUCTS if product.launch is not None]
    assert [product.product_id for product in launched] == ["term_deposit"]
    assert launch_month(launched[0], CALENDAR) == 16
    day = products_table(CALENDAR)["launched_on"].to_pylist()[INDEX["term_deposit"]]
    assert day == (Month.parse("2021-01") + 16).start


def test_margins_suit_their_kind() -> None:
    for product in PRODUCTS:
        if product.margin_kind == "rate":
            assert product.money in {Money.SAVINGS, Money.CREDIT}
            assert 0 < product.margin < 0.05
        else:
            assert 20 < product.margin < 500
        assert 0 < product.cost_ratio < 1
        assert (product.taste in {"insuring"}) == (product.family == "insurance")
