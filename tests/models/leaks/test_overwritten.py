from __future__ import annotations

import datetime as dt
from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from appetence.book import open_book
from appetence.config import BookSettings, OwnQuestion
from appetence.features.population import population
from appetence.models.blocks import Window
from appetence.models.leaks.lasting import AFTER, bearers, strata
from appetence.models.leaks.overwritten import _later_events, detect
from appetence.models.questions import Question


def test_a_book_without_leaks_has_no_finding_and_what_never_changes_is_a_note(material):
    found = detect(material)
    assert found.names == ()
    assert found.state == "note"
    assert [note.split()[0] for note in found.notes] == [
        "client_facts.risk_tolerance",
        "client_facts.region",
        "client_facts.preferred_channel",
    ]


def _some(frame, left, share, seed=1):
    return frame["client_id"].map(left).fillna(False).to_numpy(dtype=bool) & (
        np.random.default_rng(seed).random(len(frame)) < share
    )


def test_an_advisor_written_over_for_those_who_left_is_found(planted, gathered, left):
    found = gathered(
        planted(clients=lambda f: f.assign(advisor_id=f["advisor_id"].where(~_some(f, left, 0.8), "A001"))), detect
    )
    assert [name.split(",")[0] for name in found.names] == ["clients.advisor_id"]
    assert "one value" in found.names[0]
    assert "A001" not in str(found)


def test_what_was_wiped_when_the_client_left_is_found(planted, gathered, left):
    found = gathered(
        planted(clients=lambda f: f.assign(household_id=f["household_id"].where(~_some(f, left, 1.0), None))), detect
    )
    assert any(name.startswith("clients.household_id, being blank") for name in found.names)


def test_a_dated_declaration_written_over_in_all_rows_is_found(planted, gathered, left):
    found = gathered(
        planted(client_facts=lambda f: f.assign(region=f["region"].where(~_some(f, left, 0.9), "closed"))), detect
    )
    assert [name.split(",")[0] for name in found.names] == ["client_facts.region"]


def test_declarations_that_bear_an_event_before_it_are_found(planted, gathered, clean):
    events = pd.read_parquet(clean / "life_events.parquet")
    married = set(events[events["kind"] == "marriage"]["client_id"])

    def today(frame):
        return frame.assign(marital_status=frame["marital_status"].where(~frame["client_id"].isin(married), "married"))

    found = gathered(planted(client_facts=today), detect)
    assert any("before their marriage" in name for name in found.names)


def _trait(rng, n, factor):
    """A trait of one in ten clients that multiplies the odds of leaving, which one in eight of the others do."""
    bears = rng.random(n) < 0.1
    odds = np.where(bears, factor, 1.0) / 7.0
    return bears, (rng.random(n) < odds / (1.0 + odds)).astype(np.int64)


def test_a_trait_is_found_only_beyond_ten_times_the_odds():
    found = {}
    for factor in (3.0, 6.0, 10.0, 60.0):
        sure = []
        for seed in range(80):
            bears, y = _trait(np.random.default_rng(seed), 2_000, factor)
            stratum = np.arange(2_000) // 50
            sure.append(max(one.errors for one in bearers("clients.x", "attrition", bears + 1, y, stratum)))
        found[factor] = np.mean(np.array(sure) > 3.1)
    assert found[3.0] == found[6.0] == 0.0
    assert found[10.0] <= 0.05
    assert found[60.0] > 0.9


def test_strata_hold_whole_months_and_one_kind():
    joined = pd.Series(pd.to_datetime([dt.date(2020, 1 + i % 12, 5) for i in range(240)]))
    kind = pd.Series(["person", "company"] * 120)
    codes = strata(joined, kind)
    for code in np.unique(codes):
        inside = codes == code
        assert kind[inside].nunique() == 1
        assert not set(joined[inside].dt.month) & set(joined[~inside & (kind == kind[inside].iloc[0])].dt.month)


def test_events_of_a_firms_own_question_are_followed_like_the_others(clean, made):
    """From twelve months after the cut to the end of the book, who closed a contract early and who did not."""
    cut, target = dt.date(2022, 1, 1), "SELECT client_id, closed_on AS occurred_on FROM contracts"
    own = OwnQuestion(name="closes", label_en="Closes", label_fr="Résilie", target=target, once=True)
    with open_book(BookSettings(directory=str(clean))) as book:
        spine = population(book, [cut])
        question = Question("closes", Window(6), 20, (), own=own)
        rows, y = _later_events(replace(made(n=100), book=book), question, spine, cut)
        until = book.observed_until
    closed = pq.read_table(clean / "contracts.parquet").to_pandas().groupby("client_id")["closed_on"].min()
    first = closed.reindex(spine["client_id"].to_pandas().iloc[rows]).to_numpy()
    after = dt.date(2022 + AFTER // 12, 1 + AFTER % 12, 1)
    assert len(rows) > 200
    assert y.tolist() == [int(pd.notna(day) and after <= day < until) for day in first]
    assert not any(pd.notna(day) and day < after for day in first)
