from __future__ import annotations

import datetime as dt

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from appetence.config import FeatureSettings
from appetence.features.life_events import KINDS
from appetence.features.pipeline import build_features

NO_SHRINKING = (Phase.explicit, Phase.reuse, Phase.generate)  # a smaller seed is no simpler book


@settings(max_examples=6, deadline=None, phases=NO_SHRINKING)
@given(seed=st.integers(0, 2**32))
def test_life_events_against_the_oracle(seed, hold_to_oracle, slow):
    def oracle(rows, client, cut):
        known = [r for r in rows["life_events"] if r["client_id"] == client and r["known_on"] < cut]
        past = [r for r in known if r["occurred_on"] < cut]

        def since(*kinds):
            days = [r["occurred_on"] for r in past if not kinds or r["kind"] in kinds]
            return slow.full_months(cut, max(days, default=None))

        reviews = [
            r["at"]
            for r in rows["interactions"]
            if r["client_id"] == client and r["kind"] == "review" and max(r["at"], r["known_on"] or r["at"]) < cut
        ]
        who = next(r for r in rows["clients"] if r["client_id"] == client)
        born = who["birth_date"] if who["joined_on"] < cut and who["kind"] == "person" else None
        retiring = born and (born.year + 64 - cut.year) * 12 + born.month - cut.month
        majorities = [
            (r["occurred_on"].year + 18 - cut.year) * 12 + r["occurred_on"].month - cut.month
            for r in past
            if r["kind"] == "birth"
        ]
        asked = [r["known_on"] for r in known if r["source"] == "questionnaire"]
        return {
            "events_since_review": sum(not reviews or r["known_on"] >= max(reviews) for r in known),
            "months_to_majority": min((m for m in majorities if m >= 0), default=None),
            "months_to_retirement": retiring if retiring is not None and retiring >= 0 else None,
            "months_since_questionnaire": slow.full_months(cut, max(asked, default=None)),
            "months_since_event": since(),
            "events_12m": sum(r["occurred_on"] >= slow.months_earlier(cut, 12) for r in past),
            "events_learnt_3m": sum(r["known_on"] >= slow.months_earlier(cut, 3) for r in known),
            "events_ahead": len(known) - len(past),
            **{f"months_since_{kind}": since(kind) for kind in KINDS},
        }

    hold_to_oracle(seed, "life_events", oracle)


def test_an_old_event_learnt_lately(make_book, spine):
    event = {"client_id": "1", "kind": "move", "occurred_on": dt.date(2019, 3, 31), "known_on": dt.date(2021, 1, 31)}
    book = make_book({"contracts": [{"client_id": "1"}], "life_events": [event]})
    rows = build_features(
        book, spine("1", "2021-01-01", "2021-02-01"), FeatureSettings(groups=("life_events",))
    ).data.to_pylist()
    assert [row["months_since_move"] for row in rows] == [None, 22]
    assert [(row["events_12m"], row["events_learnt_3m"]) for row in rows] == [(0, 0), (0, 1)]
