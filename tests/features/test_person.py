from __future__ import annotations

import datetime as dt
import math

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from appetence.config import FeatureSettings
from appetence.features.pipeline import build_features

NO_SHRINKING = (Phase.explicit, Phase.reuse, Phase.generate)  # a smaller seed is no simpler book

DECLARED = ("income", "net_worth", "children", "risk_tolerance")
CODES = ("marital_status", "occupation", "region", "preferred_channel")


@settings(max_examples=6, deadline=None, phases=NO_SHRINKING)
@given(seed=st.integers(0, 2**32))
def test_person_against_the_oracle(seed, hold_to_oracle, slow):
    def oracle(rows, client, cut):
        who = next(r for r in rows["clients"] if r["client_id"] == client)
        who = who if who["joined_on"] < cut else {}
        facts = slow.newest_facts(rows, client, cut)
        born = who.get("birth_date")
        visit, pets = facts.get("last_visit"), facts.get("Pets owned")
        age = cut.year - born.year - ((cut.month, cut.day) < (born.month, born.day)) if born else None
        ends = {18: "0–17", 26: "18–25", 36: "26–35", 46: "36–45"}
        return {
            "age_band": None if age is None else next(name for end, name in ends.items() if age < end),
            "age": cut.year - born.year - ((cut.month, cut.day) < (born.month, born.day)) if born else None,
            "client_kind": who.get("kind"),
            "source": who.get("source"),
            "was_referred": who.get("referred_by") is not None,
            **{name: None if facts.get(name) is None else float(facts[name]) for name in DECLARED},
            **{name: facts.get(name) for name in CODES},
            "months_since_declared": slow.full_months(cut, facts.get("known_on")),
            "declared_pets_owned": None if pets is None or math.isnan(pets) else pets,
            "declared_club": facts.get("club"),
            "declared_last_visit": slow.full_months(cut, visit)
            if visit is None or visit <= cut
            else _ahead(visit, cut),
        }

    def _ahead(later, cut):
        """A date after the cut: the months are negative, down to the month in which it falls."""
        return -(slow.full_months(later, cut) + (later.day > 1))

    hold_to_oracle(seed, "person", oracle)


def test_a_birthday_on_the_cut_counts(make_book, spine):
    client = {"client_id": "1", "birth_date": dt.date(2000, 2, 1)}
    book = make_book({"clients": [client], "contracts": [{"client_id": "1"}]})
    found = build_features(book, spine("1", "2021-01-01", "2021-02-01"), FeatureSettings(groups=("person",)))
    assert found.data["age"].to_pylist() == [20, 21]


def test_protected_attributes_are_no_features(make_book, spine):
    book = make_book({"contracts": [{"client_id": "1"}], "protected": [{"client_id": "1", "gender": "f"}]})
    found = build_features(book, spine("1", "2021-01-01"))
    assert not [f.name for f in found.features if "gender" in f.name or "protected" in "".join(f.needs)]


def test_nothing_of_protected_is_read(random_rows, open_rows, every_client):
    rows = random_rows(4)
    spine = every_client(rows)
    with open_rows(rows) as book:
        without = build_features(book, spine)
    clients = [row["client_id"] for row in rows["clients"]]
    protected = [{"client_id": client, "gender": gender} for client, gender in zip(clients, "fmfmfmf", strict=True)]
    with open_rows({**rows, "protected": protected}) as book:
        assert book.has("protected")
        found = build_features(book, spine)
    assert found.features == without.features
    assert found.data.equals(without.data)
