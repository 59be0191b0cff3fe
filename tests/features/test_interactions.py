from __future__ import annotations

import datetime as dt

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from appetence.config import FeatureSettings
from appetence.features.pipeline import build_features

NO_SHRINKING = (Phase.explicit, Phase.reuse, Phase.generate)  # a smaller seed is no simpler book


@settings(max_examples=5, deadline=None, phases=NO_SHRINKING)
@given(seed=st.integers(0, 2**32))
def test_interactions_against_the_oracle(seed, hold_to_oracle, slow):
    def oracle(rows, client, cut):
        known = [
            r
            for r in rows["interactions"]
            if r["client_id"] == client and r["at"] < cut and (r["known_on"] or r["at"]) < cut
        ]

        def counted(months, *kinds):
            first = slow.months_earlier(cut, months)
            return sum(r["at"] >= first and (not kinds or r["kind"] in kinds) for r in known)

        def since(*kinds):
            return slow.full_months(cut, max((r["at"] for r in known if not kinds or r["kind"] in kinds), default=None))

        advisor = ("visit", "call", "review")
        answers = sorted((r["at"], r["interaction_id"], r["nps"]) for r in known if r["nps"] is not None)
        year = slow.months_earlier(cut, 12)
        claims = [r for r in known if r["kind"] == "claim"]
        ended = [r for r in claims if r["outcome_on"] and r["outcome_on"] < cut]
        offers = [
            r for r in rows["offers"] if r["client_id"] == client and r["made_on"] < cut and r["held_out"] is not True
        ]
        lately = [r for r in offers if r["made_on"] >= year]
        answered = [
            r for r in lately if r["outcome"] in ("accepted", "refused") and r["outcome_on"] and r["outcome_on"] < cut
        ]
        by_channel = {
            f"contacts_{channel}_12m": sum(r["at"] >= year and r["channel"] == channel for r in known)
            for channel in ("branch", "phone", "email", "app", "post")
        }
        return by_channel | {
            "months_since_call": since("call"),
            "claims_open": len(claims) - len(ended),
            "claims_refused_12m": sum(r["outcome"] == "refused" and r["outcome_on"] >= year for r in ended),
            "nps_change": answers[-1][2] - answers[-2][2] if len(answers) > 1 else None,
            "offers_12m": len(lately),
            "offers_unanswered_12m": len(lately) - len(answered),
            "months_since_offer": slow.full_months(cut, max((r["made_on"] for r in offers), default=None)),
            "months_since_contact": since(),
            "months_since_advisor": since(*advisor),
            "contacts_3m": counted(3),
            "contacts_12m": counted(12),
            "advisor_contacts_12m": counted(12, *advisor),
            "months_since_review": since("review"),
            "complaints_3m": counted(3, "complaint"),
            "complaints_12m": counted(12, "complaint"),
            "months_since_complaint": since("complaint"),
            "claims_12m": counted(12, "claim"),
            "months_since_claim": since("claim"),
            "last_nps": answers[-1][2] if answers else None,
        }

    hold_to_oracle(seed, "interactions", oracle)


def test_a_window_is_half_open_and_a_complaint_known_late_counts_late(make_book, spine):
    complaints = [
        {"client_id": "1", "at": dt.date(2020, 9, 30), "kind": "complaint"},
        {"client_id": "1", "at": dt.date(2020, 10, 1), "kind": "complaint"},
        {"client_id": "1", "at": dt.date(2020, 12, 10), "kind": "complaint", "known_on": dt.date(2021, 1, 4)},
        {"client_id": "1", "at": dt.date(2021, 1, 1), "kind": "complaint"},
    ]
    book = make_book({"contracts": [{"client_id": "1"}], "interactions": complaints})
    found = build_features(book, spine("1", "2021-01-01", "2021-02-01"), FeatureSettings(groups=("interactions",)))
    assert found.data["complaints_3m"].to_pylist() == [1, 2]
    assert found.data["months_since_complaint"].to_pylist() == [3, 1]
    ((_, reason),) = found.switched_off
    assert "no interactions.outcome, interactions.nps, offers" in reason
