import datetime as dt

import numpy as np
import pyarrow as pa
import pytest

from appetence.models.curves import History

CUT = dt.date(2022, 1, 1)


def book_of(make_book, reason):
    """Half of 400 clients of one tenure leave, ten a month."""
    rows = []
    for number in range(400):
        row = {"client_id": str(number), "contract_id": str(number), "opened_on": dt.date(2020, 1, 1)}
        if number < 200:
            row |= {"closed_on": dt.date(2020, 1 + number % 10, 15), "close_reason": reason}
        rows.append(row)
    return make_book({"contracts": rows})


def test_the_curve_follows_the_model_at_its_horizon_for_every_client(make_book):
    clients = pa.array(["399", "200", "300"])
    wanted = np.array([0.02, 0.4, 0.1])
    curves = History.of(book_of(make_book, "left"), CUT).curves(clients, wanted, 6, 60)
    assert curves.leaving.shape == (3, 60)
    assert curves.leaving[:, 5] == pytest.approx(wanted, abs=1e-9)


def test_deaths_shorten_the_future_but_nobody_leaves(make_book):
    curves = History.of(book_of(make_book, "death"), CUT).curves(pa.array(["300"]), None, 1, 12)
    assert curves.leaving[0] == pytest.approx(0.0)
    assert 0 < curves.staying[0, -1] < 1


def test_without_a_model_the_life_table_speaks_by_month_of_tenure(make_book):
    """All 100 clients come in January 2021 and 30 of them leave in July: the risk lies at six full months of tenure."""
    rows = [{"client_id": str(n), "contract_id": str(n), "opened_on": dt.date(2021, 1, 5)} for n in range(100)]
    rows[:30] = [row | {"closed_on": dt.date(2021, 7, 20)} for row in rows[:30]]
    rows.append({"client_id": "new", "contract_id": "new", "opened_on": dt.date(2021, 12, 5)})
    curves = History.of(make_book({"contracts": rows}), CUT).curves(pa.array(["new"]), None, 1, 12)
    hazard = np.diff(curves.leaving[0], prepend=0) / np.concatenate([[1], curves.staying[0, :-1]])
    # at the cut the newcomer begins the second month: the seventh comes sixth
    assert hazard.argmax() == 5


def test_what_happens_after_the_cut_changes_nothing(make_book):
    rows = [{"client_id": str(n), "contract_id": str(n), "opened_on": dt.date(2021, 1, 1)} for n in range(40)]
    later = [row | {"closed_on": CUT, "close_reason": "left"} for row in rows]
    before, after = (
        History.of(make_book({"contracts": contracts}), CUT).curves(pa.array(["7"]), None, 1, 24)
        for contracts in (rows, later)
    )
    assert (before.staying == after.staying).all()
