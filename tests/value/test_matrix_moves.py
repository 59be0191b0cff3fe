import datetime as dt

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from appetence.value.matrix import Thresholds
from appetence.value.matrix_moves import MOVES, client_moves
from appetence.value.matrix_path import client_paths
from appetence.value.profit import client_profits

LIMITS = Thresholds(0.0, 50.0)


def path(client, *rows):
    """Return a path of rows (profitability, potential, contracts, online, tenure, left_by), one per month."""
    names = ("profitability", "potential", "contracts", "online", "tenure", "left_by")
    months = [f"2024-{n:02d}" for n in range(1, len(rows) + 1)]
    columns = {name: [row[place] for row in rows] for place, name in enumerate(names)}
    types = ("string", "string", "f8", "f8", "i8", pa.bool_(), "i8", "string")
    schema = pa.schema(list(zip(("client_id", "month", *names), types, strict=True)))
    return pa.table({"client_id": [client] * len(rows), "month": months, **columns}).cast(schema)


def moves(*paths, margin=0.1):
    found = client_moves(pa.concat_tables(paths), LIMITS, margin)
    return [(row["client_id"], row["month"][-2:], row["number"] or row["move"]) for row in found.to_pylist()]


def test_the_eight_moves_of_the_document_are_recognised_and_named():
    life = path(
        "driver",
        (-300, 10, 1, False, 2, None),  # 1: young driver with a malus, one contract that loses money
        (-300, 90, 1, False, 3, None),  # 2: marries
        (200, 90, 2, False, 4, None),  # 3: a profitable contract, more to come
        (220, 90, 4, True, 5, None),  # 5: all placed, served online with a yearly visit
        (220, 20, 4, True, 6, None),  # 6: grows older
        (220, 90, 4, True, 7, None),  # the children come of age: prospects again
        (-80, 90, 2, True, 8, None),  # 7: contracts fall away
        (-80, 10, 2, False, 9, None),  # 6
        (-80, 10, 1, False, 10, "insurer"),  # 8
    )
    sick = path(
        "health",
        (-10, 90, 1, False, 50, None),
        (-40, 90, 2, False, 51, None),  # a contract that pays little …
        (-40, 20, 2, False, 52, None),  # 4: … and the prospects are gone
        (-30, 20, 2, True, 53, None),  # 5’: loyal, moved to a cheaper channel
        (-30, 20, 2, True, 54, "left"),
    )
    assert moves(life, sick) == [
        ("driver", "01", "1"),
        ("driver", "02", "2"),
        ("driver", "03", "3"),
        ("driver", "04", "5"),
        ("driver", "05", "6"),
        ("driver", "06", "potential_rises"),
        ("driver", "07", "7"),
        ("driver", "08", "6"),
        ("driver", "09", "8"),
        ("health", "03", "4"),
        ("health", "04", "5’"),
        ("health", "05", "leaves"),
    ]


def test_every_move_has_words_in_both_languages_and_the_documents_nine_have_numbers():
    assert [move.number for move in MOVES if move.number] == ["1", "2", "3", "4", "5", "5’", "6", "7", "8"]
    assert all(move.told.en and move.told.fr and "'" not in move.told.fr for move in MOVES)


def test_what_the_path_does_not_hold_is_not_seen():
    rows = [(-10, 90, 1, False, 50, None), (100, 90, 2, True, 51, None), (100, 20, 2, True, 52, "insurer")]
    bare = path("1", *rows).drop_columns(["contracts", "online", "tenure", "left_by"])
    assert moves(bare) == [("1", "02", "profit_rises"), ("1", "03", "6")]


def test_who_comes_in_is_known_by_the_first_month_where_no_tenure_is():
    both = pa.concat_tables(
        [path("old", *[(-9, 9, 1, False, 0, None)] * 3), path("new", *[(-9, 9, 1, False, 0, None)] * 3)]
    )
    later = both.filter(pa.array([True] * 3 + [False, True, True])).drop_columns(["tenure"])
    assert moves(later) == [("new", "02", "1")]


def test_a_wobble_within_the_margin_is_no_move_and_months_without_figures_are_none():
    rows = [(10, value, 1, False, 50, None) for value in (49, 54, 46, 54, None, 56, 46, 44)]
    assert moves(path("1", *rows)) == [("1", "06", "potential_rises"), ("1", "08", "6")]


@given(st.lists(st.lists(st.integers(-100, 200), min_size=5, max_size=9), min_size=1, max_size=3))
def test_moves_of_the_potential_go_up_and_down_in_turn_by_a_loop(all_values):
    expected = []
    paths = []
    for client, values in enumerate(all_values):
        rows = [(10, value, 1, False, 50, None) for value in values]
        paths.append(path(str(client), *rows))
        high = values[0] >= 50
        for month, value in enumerate(values[1:], start=2):
            if (not high and value >= 55) or (high and value < 45):
                high = not high
                expected.append((str(client), f"{month:02d}", "potential_rises" if high else "6"))
    assert moves(*paths) == expected


def test_paths_are_read_from_a_book(make_book):
    cut = dt.date(2023, 1, 1)
    month = [dt.date(2021 + n // 12, n % 12 + 1, 1) for n in range(24)]
    book = make_book(
        {
            "clients": [
                {"client_id": "1", "joined_on": dt.date(2022, 8, 15)},
                {"client_id": "2", "joined_on": dt.date(2019, 1, 1)},
            ],
            "contracts": [
                {"contract_id": "a", "client_id": "1", "opened_on": dt.date(2022, 8, 15)},
                {"contract_id": "b", "client_id": "1", "opened_on": dt.date(2022, 10, 1)},
                {
                    "contract_id": "c",
                    "client_id": "2",
                    "opened_on": dt.date(2019, 1, 1),
                    "closed_on": dt.date(2022, 11, 30),
                    "close_reason": "insurer",
                },
            ],
            "balances": [
                {"contract_id": "a", "month": each, "revenue": 10 + n, "cost": 3, "balance": 0}
                for n, each in enumerate(month[19:])
            ]
            + [{"contract_id": "c", "month": each, "revenue": 7.5, "balance": 0} for each in month[:22]],
            "defaults": [{"contract_id": "c", "defaulted_on": dt.date(2022, 3, 9), "exposure": 40}],
            "client_facts": [
                {"client_id": "1", "known_on": dt.date(2022, 9, 5), "preferred_channel": "branch"},
                {"client_id": "1", "known_on": dt.date(2022, 11, 5), "preferred_channel": "app"},
            ],
        }
    )
    potentials = pa.table({"client_id": ["1", "9"], "month": ["2022-12", "2022-12"], "potential": [80.0, 1.0]})
    found = client_paths(book, cut, potentials, months=6).to_pylist()
    assert [(row["client_id"], row["month"]) for row in found] == [
        *(("1", f"2022-{n:02d}") for n in range(8, 13)),
        *(("2", f"2022-{n:02d}") for n in range(7, 11)),
    ]
    assert [row["contracts"] for row in found] == [1, 1, 2, 2, 2, 1, 1, 1, 1]
    assert [row["online"] for row in found] == [None, False, False, True, True, None, None, None, None]
    assert [row["tenure"] for row in found][:5] == [0, 1, 2, 3, 4]
    assert [row["left_by"] for row in found] == [None] * 8 + ["insurer"]
    assert [row["potential"] for row in found] == [None] * 4 + [80.0] + [None] * 4
    for row in found:
        year, number = (int(part) for part in row["month"].split("-"))
        profits = client_profits(book, dt.date(year + number // 12, number % 12 + 1, 1)).to_pylist()
        own = {each["client_id"]: each["profit"] for each in profits}
        assert row["profitability"] == pytest.approx(own.get(row["client_id"], 0.0))


def test_the_order_of_rows_does_not_matter():
    rng = np.random.default_rng(1)
    clients, months = 2_000, [f"2024-{n:02d}" for n in range(1, 13)]
    table = pa.table(
        {
            "client_id": pa.array(np.repeat(np.arange(clients), 12)).cast(pa.string()),
            "month": months * clients,
            "profitability": rng.normal(size=clients * 12),
            "potential": rng.normal(50, 20, clients * 12),
        }
    )
    shuffled = table.take(pa.array(rng.permutation(len(table))))
    assert client_moves(shuffled, LIMITS, 0.1).equals(client_moves(table, LIMITS, 0.1))
