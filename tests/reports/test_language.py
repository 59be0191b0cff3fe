"""The pages' words: complete in both languages, all used, and set as French readers expect."""

import datetime as dt
import re
from importlib.resources import files

import pytest

from appetence.reports import language
from appetence.reports.cascade_words import CASCADE_WORDS
from appetence.reports.language import NOUNS, Pen
from appetence.reports.language import WORDS as SHARED_WORDS
from appetence.reports.sheet_words import SHEET_WORDS
from appetence.reports.situations import Contact, Holding, Situation

NB = "\N{NO-BREAK SPACE}"
WORDS = {**SHARED_WORDS, **CASCADE_WORDS}
BY_CODE = re.compile("kind_|tier_|levels?_|side_|alert_|of_|filter_|channel_|column_")  # keys put together from a code
CODE = ("pages.py", "filters.py", "cascade.py", "list_columns.py")


def sources() -> str:
    templates = files("appetence.reports").joinpath("templates")
    texts = [page.read_text(encoding="utf-8") for page in templates.iterdir() if page.name.endswith(".html")]
    code = [files("appetence.reports").joinpath(name).read_text(encoding="utf-8") for name in ("language.py", *CODE)]
    return "\n".join([*texts, code[0].split("class Pen")[1], *code[1:]])


def test_every_word_is_there_in_both_languages_with_the_same_places():
    for key, (english, french) in WORDS.items():
        assert english
        assert french
        assert set(re.findall(r"\{\w+\}", english)) == set(re.findall(r"\{\w+\}", french)), key
    assert all(len(forms) == 2 for nouns in NOUNS.values() for forms in nouns)


def test_no_word_is_declared_twice():
    assert not set(SHARED_WORDS) & set(CASCADE_WORDS)


def test_no_word_is_left_unused():
    text = sources()
    assert [k for k in WORDS if not BY_CODE.match(k) and not re.search(rf"[\"']{k}[\"']", text)] == []


def test_the_words_of_sheets_are_complete_used_and_not_those_of_other_pages():
    text = sources() + files("appetence.reports").joinpath("briefing.py").read_text(encoding="utf-8")
    assert not SHEET_WORDS.keys() & WORDS.keys()
    for key, (english, french) in SHEET_WORDS.items():
        assert set(re.findall(r"\{\w+\}", english)) == set(re.findall(r"\{\w+\}", french)), key
        assert key.startswith("trait_") or re.search(rf"[\"']{key}[\"']", text), key


def test_no_sentence_is_left_in_the_other_language():
    french_only = re.compile(r"\b(le|la|les|des|est|du|une)\b", re.IGNORECASE)
    english_only = re.compile(r"\b(the|of|is|are|and|with)\b", re.IGNORECASE)
    for key, (english, french) in WORDS.items():
        if key != "other_language":
            assert not french_only.search(english), key
            assert not english_only.search(french), key


def test_french_has_its_spaces_and_apostrophes():
    pen = Pen("fr", "EUR")
    assert pen("filter") == f"Rechercher un client{NB}:"
    assert pen("nothing_to_sell").count(NB) >= 3
    assert "d’attrition" not in pen("no_attrition")
    assert pen("no_attrition") == "L’attrition n’est pas modélisée."


def test_a_horizon_is_told_only_where_it_is_known():
    assert Pen("fr", "EUR").within("risk", 6) == f"Risque de départ d’ici 6{NB}mois"
    assert Pen("en", "EUR").within("risk", None) == "Risk of leaving"
    assert Pen("en", "EUR")("risk") == "Risk of leaving"


def test_a_value_is_no_template():
    assert Pen("en", "EUR")("part", number="{parts}", parts=2) == "page {parts} of 2"
    with pytest.raises(KeyError):
        Pen("en", "EUR")("part", number=1)


def test_the_line_under_a_name_leaves_out_what_is_not_known():
    facts = {
        "marital_status": "married",
        "children": 2,
        "occupation": "manager",
        "income": 42_000,
        "region": "Bretagne",
    }
    who = Situation("1", "Anne", "person", 54, dt.date(2009, 3, 2), None, facts)
    line = Pen("fr", "EUR").situation(who).replace(NB, " ").replace("\N{NARROW NO-BREAK SPACE}", " ")
    assert line == (
        "54 ans · marié(e) · 2 enfants à charge · cadre · Bretagne · revenu annuel 42 000 € · en relation depuis "
        "mars 2009"
    )
    assert Pen("en", "EUR").situation(Situation("1", None, "company", 12, None, None)) == "Company"
    assert Pen("en", "EUR").situation(Situation("1", None, "person", None, None, None)) == ""


def test_holdings_and_contacts():
    held = [Holding(p, dt.date(2020, 1, 1), None, None, None) for p in ("P", "P", "Q")]
    assert Pen("fr", "EUR").holding(held).replace(NB, " ") == "3 contrats, 2 produits"
    contact = Contact(dt.date(2024, 6, 1), "phone", "call", 1, None, None)
    assert Pen("fr", "EUR").contact(contact).replace(NB, " ") == (
        "Dernier contact : 1er juin 2024 (appel, téléphone) ; 1 contact en 12 mois"
    )
    assert Pen("en", "EUR").contact(None) == "No contact recorded"
    assert Pen("en", "EUR").short_day(dt.date(2024, 6, 1)) == "1 Jun 2024"
    assert Pen("en", "EUR").money(None) == language.NOTHING
