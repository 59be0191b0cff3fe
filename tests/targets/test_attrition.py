from __future__ import annotations

import datetime as dt

import pyarrow as pa
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from appetence.targets.attrition import attrition_spells, attrition_targets

NO_SHRINKING = (Phase.explicit, Phase.reuse, Phase.generate)  # a smaller seed is no simpler book

UNTIL = dt.date(2021, 1, 1)
DAY = dt.timedelta(days=1)


def _month_later(cut, months):
    year, month = divmod(cut.year * 12 + cut.month - 1 + months, 12)
    return dt.date(year, month + 1, 1)


def _exit(contracts, client, cut):
    """Walk from the day before the cut to the first day without a contract; None: none by 2021-03."""
    own = [c for c in contracts if c["client_id"] == client]

    def holds(day):
        return any(c["opened_on"] <= day and (c["closed_on"] is None or day < c["closed_on"]) for c in own)

    if not holds(cut - DAY):
        return "before", None
    day = cut
    while holds(day):
        day += DAY
        if day > dt.date(2021, 3, 1):
            return None, None
    reasons = {c["close_reason"] or "left" for c in own if c["closed_on"] == day and c["opened_on"] < day}
    return day, next(r for r in ("death", "left", "insurer", "term") if r in reasons)


def _months(day, cut):
    return (day.year - cut.year) * 12 + day.month - cut.month


@settings(max_examples=10, deadline=None, phases=NO_SHRINKING)
@given(seed=st.integers(0, 2**32), gap=st.integers(0, 2), horizon=st.integers(1, 9))
def test_attrition_against_the_oracle(seed, gap, horizon, random_contracts, open_contracts, spine):
    contracts = random_contracts(seed)
    with open_contracts(contracts) as book:
        found = attrition_targets(book, spine, gap, horizon)
        followed = attrition_spells(book, spine)
    assert found.select(["client_id", "cut"]).equals(spine.cast(found.select(["client_id", "cut"]).schema))
    for row, follow in zip(found.to_pylist(), followed.to_pylist(), strict=True):
        cut = row["cut"]
        day, reason = _exit(contracts, row["client_id"], cut)
        first, end = _month_later(cut, gap), _month_later(cut, gap + horizon)
        months = None
        if end > UNTIL:
            status = "unknown"
        elif day == "before" or (day is not None and day < first):
            status = "gone"
        elif day is not None and day < end:
            status, months = reason, _months(day, cut)
        else:
            status = "stayed"
        assert (row["status"], row["months_to_exit"]) == (status, months)

        if day == "before":
            expected = ("gone", None)
        elif day is None or day >= UNTIL:
            expected = ("censored", _months(UNTIL, cut))
        else:
            expected = (reason, _months(day, cut))
        assert (follow["client_id"], follow["cut"]) == (row["client_id"], cut)
        assert (follow["kind"], follow["months"]) == expected


def _status(make_book, cut, gap, horizon, *contracts, **until):
    book = make_book({"contracts": [{"client_id": "1", **contract} for contract in contracts]}, **until)
    spine = pa.table({"client_id": ["1"], "cut": pa.array([dt.date.fromisoformat(cut)], pa.date32())})
    row = attrition_targets(book, spine, gap, horizon).to_pylist()[0]
    return row["status"], row["months_to_exit"]


@pytest.mark.parametrize(
    ("closed", "status"),
    [
        ("2021-02-28", ("gone", None)),
        ("2021-03-01", ("left", 1)),
        ("2021-05-31", ("left", 3)),
        ("2021-06-01", ("stayed", None)),
    ],
)
def test_the_window_is_half_open(make_book, closed, status):
    contract = {"closed_on": dt.date.fromisoformat(closed)}
    assert _status(make_book, "2021-02-01", 1, 3, contract) == status


def test_an_exit_known_only_later_happened_before_the_window(make_book):
    contract = {"closed_on": dt.date(2021, 1, 20), "closing_known_on": dt.date(2021, 3, 1)}
    assert _status(make_book, "2021-02-01", 0, 6, contract) == ("gone", None)


def test_who_moves_to_a_new_contract_without_a_day_between_stays(make_book):
    old = {"closed_on": dt.date(2021, 3, 10)}
    assert _status(make_book, "2021-02-01", 0, 6, old, {"opened_on": dt.date(2021, 3, 10)}) == ("stayed", None)
    assert _status(make_book, "2021-02-01", 0, 6, old, {"opened_on": dt.date(2021, 3, 11)}) == ("left", 1)


def test_competing_exits_are_named(make_book):
    day = dt.date(2021, 3, 10)
    term, death, none = ({"closed_on": day, "close_reason": reason} for reason in ("term", "death", None))
    earlier = {"closed_on": dt.date(2021, 3, 9), "close_reason": "left"}
    assert _status(make_book, "2021-02-01", 0, 6, term, earlier)[0] == "term"
    assert _status(make_book, "2021-02-01", 0, 6, term, none)[0] == "left"
    assert _status(make_book, "2021-02-01", 0, 6, death, none)[0] == "death"


def test_an_open_window_is_unknown_for_leavers_too(make_book):
    contract = {"closed_on": dt.date(2021, 3, 10)}
    until = {"observed_until": dt.date(2021, 7, 1)}
    assert _status(make_book, "2021-02-01", 0, 6, contract, **until) == ("unknown", None)
    assert _status(make_book, "2021-02-01", 0, 5, contract, **until) == ("left", 1)
