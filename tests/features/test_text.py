from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from appetence.config import FeatureSettings
from appetence.features.pipeline import build_features
from appetence.features.text import LEXICON

NO_SHRINKING = (Phase.explicit, Phase.reuse, Phase.generate)  # a smaller seed is no simpler book


def _words(text):
    decomposed = unicodedata.normalize("NFKD", text.lower())
    letters = "".join(c for c in decomposed if not unicodedata.combining(c)).replace("œ", "oe")
    return re.split(r"[^a-z0-9]+", letters)


def _says(text, intent):
    """Go through the text word by word, and through the lexicon entry by entry."""
    words = _words(text or "")
    for entry in LEXICON[intent]:
        parts = entry.removesuffix("*").split("_")
        for start in range(len(words) - len(parts) + 1):
            found = words[start : start + len(parts)]
            last = found[-1].startswith(parts[-1]) if entry.endswith("*") else found[-1] == parts[-1]
            if found[:-1] == parts[:-1] and last:
                return True
    return False


@settings(max_examples=6, deadline=None, phases=NO_SHRINKING)
@given(seed=st.integers(0, 2**32))
def test_text_against_the_oracle(seed, hold_to_oracle, slow):
    def oracle(rows, client, cut):
        known = [
            row
            for row in rows["interactions"]
            if row["client_id"] == client and row["at"] < cut and (row["known_on"] or row["at"]) < cut
        ]
        expected = {}
        for intent in LEXICON:
            days = [row["at"] for row in known if _says(row["text"], intent)]
            expected[f"{intent}_mentions_12m"] = sum(day >= slow.months_earlier(cut, 12) for day in days)
            expected[f"months_since_{intent}_mention"] = slow.full_months(cut, max(days, default=None))
        return expected

    hold_to_oracle(seed, "text", oracle)


@pytest.mark.parametrize(
    ("text", "intents"),
    [
        ("Je souhaite TRANSFÉRER mon épargne vers un autre établissement", {"competitor", "transfer"}),
        ("Pourquoi ces frais ?", {"fees"}),
        ("My wedding is in June: a home loan?", {"life_event", "project"}),
        ("C’est inacceptable", {"complaint"}),
        ("défraiement, cherche, achatine", set()),
        ("Cher conseiller, par ailleurs, à partir de demain, prise en charge du sinistre", set()),
        ("", set()),
        (None, set()),
    ],
)
def test_intents_of_a_text(make_book, spine, text, intents):
    interactions = [{"client_id": "1", "text": text}, {"client_id": "1", "text": None}]
    book = make_book({"contracts": [{"client_id": "1"}], "interactions": interactions})
    row = build_features(book, spine("1", "2020-02-01"), FeatureSettings(groups=("text",))).data.to_pylist()[0]
    assert {intent for intent in LEXICON if row[f"{intent}_mentions_12m"]} == intents


def test_a_hostile_text_is_only_a_text(make_book, spine):
    interactions = [{"client_id": "1", "text": "'; DROP TABLE clients; -- " + "frais" + "\x00é" * 2000}]
    book = make_book({"contracts": [{"client_id": "1"}], "interactions": interactions})
    row = build_features(book, spine("1", "2020-02-01"), FeatureSettings(groups=("text",))).data.to_pylist()[0]
    assert row["fees_mentions_12m"] == 1


def test_the_lexicon_is_plain():
    words = [word for entries in LEXICON.values() for word in entries]
    assert all(re.fullmatch(r"[a-z0-9]+(_[a-z0-9]+)*\*?", word) for word in words)
    assert len(LEXICON) == 6
