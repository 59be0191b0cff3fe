from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from appetence.config import CoverageTarget, FeatureSettings
from appetence.errors import BookError, UsageError
from appetence.features.pipeline import build_features

NO_SHRINKING = (Phase.explicit, Phase.reuse, Phase.generate)  # a smaller seed is no simpler book

TARGETS = (
    CoverageTarget(segment="firms", when="kind = 'company' AND age IS NULL", families=("account", "credit")),
    CoverageTarget(segment="young", when="age < 21", families=("account", "savings", "account")),
    CoverageTarget(segment="wealthy", when="income > 30000 OR net_worth > 50000", families=("Épargne retraite",)),
    CoverageTarget(segment="parents", when="children >= 1", families=("savings",)),
)


@settings(max_examples=6, deadline=None, phases=NO_SHRINKING)
@given(seed=st.integers(0, 2**32))
def test_coverage_against_the_oracle(seed, hold_to_oracle, slow):
    def segment_of(rows, client, cut):
        who = next(row for row in rows["clients"] if row["client_id"] == client)
        if who["joined_on"] >= cut:
            who = {"birth_date": None, "kind": None}
        facts = slow.newest_facts(rows, client, cut)
        born = who["birth_date"]
        age = slow.full_months(cut, born) // 12 if born and born < cut else None
        if who["kind"] == "company" and age is None:
            return TARGETS[0]
        if age is not None and age < 21:
            return TARGETS[1]
        if (facts.get("income") or 0) > 30000 or (facts.get("net_worth") or 0) > 50000:
            return TARGETS[2]
        return TARGETS[3] if (facts.get("children") or 0) >= 1 else None

    def oracle(rows, client, cut):
        target = segment_of(rows, client, cut)
        if target is None:
            return {"coverage_segment": None, "coverage_gap": None, "coverage_rate": None}
        wanted = set(target.families)
        held = {c["family"] for c in slow.contracts_known(rows, client, cut) if c["held"]}
        return {
            "coverage_segment": target.segment,
            "coverage_gap": len(wanted - held),
            "coverage_rate": len(wanted & held) / len(wanted),
        }

    hold_to_oracle(seed, "coverage", oracle, coverage=TARGETS)


def test_everyone_falls_into_a_segment_without_a_condition(make_book, spine):
    book = make_book({"contracts": [{"client_id": "1"}], "clients": [{"client_id": "1"}]})
    targets = (CoverageTarget(segment="all", families=("savings",)),)
    row = build_features(book, spine("1", "2021-01-01"), FeatureSettings(groups=("coverage",), coverage=targets))
    assert row.data.to_pylist() == [
        {
            "client_id": "1",
            "cut": dt.date(2021, 1, 1),
            "coverage_segment": "all",
            "coverage_gap": 0,
            "coverage_rate": 1.0,
        }
    ]


def test_a_family_that_the_book_does_not_have_is_refused(make_book, spine):
    targets = (CoverageTarget(segment="all", families=("saving",)),)
    with pytest.raises(UsageError, match="Did you mean 'savings'"):
        build_features(make_book(), spine("1", "2021-01-01"), FeatureSettings(coverage=targets))


def test_a_condition_over_anything_else_is_refused(make_book, spine):
    targets = (CoverageTarget(segment="women", when="gender = 'f'", families=("savings",)),)
    with pytest.raises(BookError, match="the segment 'women' must be a condition over age, kind, income"):
        build_features(make_book(), spine("1", "2021-01-01"), FeatureSettings(groups=("coverage",), coverage=targets))


def test_a_segment_named_twice_is_refused():
    target = {"segment": "all", "families": ("savings",)}
    with pytest.raises(ValueError, match="must be named once"):
        FeatureSettings(coverage=(target, target))
