"""A firm's own questions against a slow loop over the rows, and what their SQL may not see."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from appetence.book import Book, open_book
from appetence.config import BookSettings, OwnQuestion
from appetence.errors import BookError
from appetence.targets.own import own_population, own_targets, require_readable

NO_SHRINKING = (Phase.explicit, Phase.reuse, Phase.generate)  # a smaller seed is no simpler book
UNTIL = dt.date(2021, 1, 1)
CUTS = [dt.date(2020, 1, 1), dt.date(2020, 3, 1), dt.date(2020, 9, 1)]
CLIENTS = ["1", "01", "2", "3", "4"]
DAYS = [
    dt.date(year, month, day)
    for year in (2019, 2020)
    for month, day in ((1, 1), (1, 31), (2, 28), (3, 1), (6, 15), (8, 31), (9, 1), (12, 31))
]

COMPLAINS = "SELECT client_id, \"at\" AS occurred_on FROM interactions WHERE kind = 'complaint'"
CALLED = "SELECT DISTINCT client_id FROM interactions WHERE kind = 'call' AND \"at\" >= $cut - INTERVAL 6 MONTH"


def question(**changes: object) -> OwnQuestion:
    labels = {"label_en": "Complains", "label_fr": "Réclame"}
    return OwnQuestion(**{"name": "complains", **labels, "target": COMPLAINS} | changes)


@pytest.fixture(scope="module")
def open_interactions(tmp_path_factory, write_book) -> Callable[[list[dict[str, Any]]], Book]:
    """Return a function that opens a book of interactions; close what it returns."""

    def make(rows: list[dict[str, Any]]) -> Book:
        tables = {"clients": [{"client_id": c} for c in CLIENTS], "contracts": [{"client_id": c} for c in CLIENTS]}
        directory = write_book(tmp_path_factory.mktemp("book"), tables | {"interactions": rows})
        days = {"observed_from": dt.date(2019, 1, 1), "observed_until": UNTIL}
        return open_book(BookSettings(directory=str(directory), **days))

    return make


@pytest.fixture(scope="module")
def spine() -> pa.Table:
    pairs = [(client, cut) for cut in reversed(CUTS) for client in CLIENTS]
    return pa.table({"client_id": [c for c, _ in pairs], "cut": pa.array([d for _, d in pairs], pa.date32())})


def months_later(day: dt.date, months: int) -> dt.date:
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return dt.date(year, month + 1, 1)


def known(row: dict[str, Any]) -> dt.date:
    return row["known_on"] or row["at"]


def status(rows, client, cut, gap, horizon, once) -> str | None:
    """What became of a client, row by row; None for who was not asked."""
    own = [row for row in rows if row["client_id"] == client]
    if not any(row["kind"] == "call" and known(row) < cut and row["at"] >= months_later(cut, -6) for row in own):
        return None
    events = [row for row in own if row["kind"] == "complaint"]
    if once and any(known(row) < cut and row["at"] < cut for row in events):
        return None
    first, end = months_later(cut, gap), months_later(cut, gap + horizon)
    if end > UNTIL:
        return "unknown"
    if once and any(row["at"] < first for row in events):
        return "already"
    return "happened" if any(first <= row["at"] < end for row in events) else "not_happened"


@settings(max_examples=10, deadline=None, phases=NO_SHRINKING)
@given(seed=st.integers(0, 2**32), gap=st.integers(0, 2), horizon=st.integers(1, 9), once=st.booleans())
def test_own_questions_against_the_oracle(seed, gap, horizon, once, open_interactions, spine):
    rng = random.Random(seed)  # noqa: S311 - test data
    rows = [
        {
            "client_id": rng.choice(CLIENTS),
            "at": (day := rng.choice(DAYS)),
            "kind": rng.choice(["complaint", "call", "call", "visit"]),
            "known_on": rng.choice([None, None, *(other for other in DAYS if other >= day)]),
        }
        for _ in range(16)
    ]
    asked = question(population=CALLED, once=once)
    expected = [
        {**row, "status": found}
        for row in spine.to_pylist()
        if (found := status(rows, row["client_id"], row["cut"], gap, horizon, once)) is not None
    ]
    with open_interactions(rows) as book:
        assert own_targets(book, spine, asked, gap, horizon).to_pylist() == expected


def test_a_fact_known_late_makes_nobody_of_the_population_and_no_exception_of_once(open_interactions, spine):
    """The call and the first complaint of 2019 were known in June 2020: at no earlier cut can they be seen."""
    late = {"client_id": "2", "at": dt.date(2019, 12, 31), "known_on": dt.date(2020, 6, 15)}
    rows = [
        {**late, "kind": "call"},
        {**late, "kind": "complaint"},
        {"client_id": "3", "at": dt.date(2020, 2, 28), "kind": "call", "known_on": None},
    ]
    at_march = spine.filter(pc.equal(spine["cut"], pa.scalar(CUTS[1])))
    called = "SELECT client_id FROM interactions WHERE kind = 'call'"
    with open_interactions(rows) as book:
        found = own_population(book, spine, question(population=called))
        assert [(r["client_id"], r["cut"].month) for r in found.to_pylist()] == [("2", 9), ("3", 9), ("3", 3)]
        once = own_targets(book, at_march, question(once=True), 0, 6).to_pylist()
    # it had happened, and nobody could know: neither yes nor no
    assert {row["client_id"]: row["status"] for row in once} == dict.fromkeys(CLIENTS, "not_happened") | {
        "2": "already"
    }


def test_a_day_of_knowing_that_the_query_gives_counts_too(open_interactions, spine):
    rows = [{"client_id": "2", "at": dt.date(2019, 1, 1), "kind": "complaint"}]
    target = "SELECT client_id, \"at\" AS occurred_on, DATE '2020-02-01' AS known_on FROM interactions"
    with open_interactions(rows) as book:
        found = own_population(book, spine, question(target=target, once=True)).to_pylist()
    assert [row["cut"].month for row in found if row["client_id"] == "2"] == [1]


def test_no_events_and_nobody_asked(open_interactions, spine):
    with open_interactions([]) as book:
        found = own_targets(book, spine, question(), 0, 3)["status"].to_pylist()
        assert set(found) == {"not_happened"}
        assert len(found) == len(spine)
        nobody = "SELECT client_id FROM clients WHERE kind = 'company'"
        assert own_targets(book, spine, question(population=nobody), 0, 3).num_rows == 0
        assert own_targets(book, spine.slice(0, 0), question(), 0, 3).num_rows == 0


def test_ids_of_something_else_are_told(open_interactions):
    rows = [{"client_id": "2", "at": dt.date(2020, 1, 1), "kind": "complaint", "interaction_id": "i1"}]
    asked = question(target='SELECT interaction_id AS client_id, "at" AS occurred_on FROM interactions')
    with open_interactions(rows) as book, pytest.raises(BookError, match="must give ids of clients"):
        require_readable(book, [asked])
