from __future__ import annotations

import datetime as dt

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from appetence.features.population import population

NO_SHRINKING = (Phase.explicit, Phase.reuse, Phase.generate)  # a smaller seed is no simpler book

CUTS = [dt.date(2021, 1, 1), dt.date(2020, 3, 1)]


@settings(max_examples=6, deadline=None, phases=NO_SHRINKING)
@given(seed=st.integers(0, 2**32))
def test_population_against_the_oracle(seed, random_rows, open_rows, slow):
    rows = random_rows(seed)
    expected = [
        {"client_id": client["client_id"], "cut": cut}
        for client in sorted(rows["clients"], key=lambda r: r["client_id"])
        for cut in sorted(CUTS)
        if any(c["held"] for c in slow.contracts_known(rows, client["client_id"], cut))
    ]
    with open_rows(rows) as book:
        assert population(book, CUTS).to_pylist() == expected


def test_leavers_are_in_it_until_their_closing_is_known(make_book):
    book = make_book(
        {
            "contracts": [
                {"client_id": "now", "opened_on": dt.date(2020, 6, 30)},
                {"client_id": "at_the_cut", "opened_on": dt.date(2020, 7, 1)},
                {"client_id": "left", "closed_on": dt.date(2020, 6, 30)},
                {
                    "client_id": "left_unheard",
                    "closed_on": dt.date(2020, 6, 30),
                    "closing_known_on": dt.date(2020, 7, 1),
                },
                {"client_id": "same_day", "opened_on": dt.date(2020, 6, 1), "closed_on": dt.date(2020, 6, 1)},
            ]
        }
    )
    assert population(book, [dt.date(2020, 7, 1)])["client_id"].to_pylist() == ["left_unheard", "now"]
    assert population(book, [dt.date(2020, 6, 1)])["client_id"].to_pylist() == ["left", "left_unheard"]


def test_no_cuts_make_no_rows(make_book):
    assert population(make_book(), []).num_rows == 0
