import datetime as dt

import pytest

from appetence.value.replacement import FEWEST_PURCHASES, replaced_margins

CUT = dt.date(2023, 1, 1)
BUYERS = FEWEST_PURCHASES + 10


def contract(number, product, opened, closed=None, reason="left"):
    ending = {} if closed is None else {"closed_on": closed, "close_reason": reason}
    return {
        "contract_id": f"{product}{number}",
        "client_id": str(number),
        "product_id": product,
        "opened_on": opened,
    } | ending


def tables(buyers=BUYERS):
    """Of those who bought `new` in March, 20 ended `old` in April, 5 in September, and 3 died with it in April."""
    old, new = [], []
    for i in range(buyers):
        closed = {**dict.fromkeys(range(20), 4), **dict.fromkeys(range(20, 25), 9), **dict.fromkeys(range(25, 28), 4)}
        day = dt.date(2022, closed[i], 20) if i in closed else None
        old.append(contract(i, "old", dt.date(2020, 1, 1), day, "death" if 25 <= i < 28 else "left"))
        new.append(contract(i, "new", dt.date(2022, 3, 5)))
    return {
        "products": [
            {"product_id": "old", "margin_kind": "rate", "annual_margin": 0.01},
            {"product_id": "new", "margin_kind": "amount", "annual_margin": 80.0},
        ],
        "contracts": [*old, *new],
        "balances": [
            {"contract_id": c["contract_id"], "month": dt.date(2022, m, 1), "balance": 500 * m}
            for c in old
            for m in (1, 2)
        ],
    }


def test_what_buyers_end_at_once_counts_less_what_they_end_later(make_book):
    book = make_book(tables())
    assert replaced_margins(book, CUT, ("new", "old")) == pytest.approx([(20 - 5) * 10 / BUYERS, 0.0])


def test_purchases_without_a_later_window_and_few_purchases_say_nothing(make_book):
    assert replaced_margins(make_book(tables()), dt.date(2022, 11, 1), ("new",)) == pytest.approx([0.0])
    assert replaced_margins(make_book(tables(FEWEST_PURCHASES - 1)), CUT, ("new",)) == pytest.approx([0.0])
