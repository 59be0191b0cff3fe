"""Values in words, held to Babel's own formatting and to sentences a French reader would write."""

import datetime as dt
import math

import numpy as np
import pytest
from babel.numbers import format_currency, format_decimal, format_percent
from hypothesis import given
from hypothesis import strategies as st

from appetence.explain.glossary import WORDS, in_words
from appetence.explain.wording import count, day, money, month_and_year, points, say, say_all, share, typeset, visible
from appetence.features.catalogue import Feature, Unit, Wording, by_name, catalogue

NB, NNB = "\N{NO-BREAK SPACE}", "\N{NARROW NO-BREAK SPACE}"


def feature(unit: Unit, **wording: object) -> Feature:
    words = Wording(**{"label": "Label", "text": "{value}", **wording})
    return Feature("x", "group", "theme", unit, words, words)


ASSETS = Feature(
    "balance_change",
    "balances",
    "assets",
    Unit.SHARE,
    Wording(
        "Change of assets",
        "Assets rose by {value} in 6 months",
        "Assets fell by {value} in 6 months",
        "Assets did not move in 6 months",
    ),
    Wording(
        "Évolution des encours",
        "Les encours ont augmenté de {value} en 6 mois",
        "Les encours ont baissé de {value} en 6 mois",
        "Les encours n'ont pas bougé en 6 mois",
        "Évolution des encours inconnue : moins de 6 mois d'historique",
    ),
)


@pytest.mark.parametrize(
    ("value", "language", "sentence"),
    [
        (-0.32, "fr", f"Les encours ont baissé de 32{NB}% en 6 mois"),
        (-0.32, "en", "Assets fell by 32% in 6 months"),
        (0.054, "fr", f"Les encours ont augmenté de 5,4{NB}% en 6 mois"),
        (0.05, "en", "Assets rose by 5% in 6 months"),
        (12.5, "fr", f"Les encours ont augmenté de 1{NNB}250{NB}% en 6 mois"),
        (0.0, "fr", "Les encours n’ont pas bougé en 6 mois"),
        (-1e-17, "en", "Assets did not move in 6 months"),
        (-0.0003, "fr", f"Les encours ont baissé de moins de 0,1{NB}% en 6 mois"),
        (0.0003, "en", "Assets rose by less than 0.1% in 6 months"),
        (None, "fr", f"Évolution des encours inconnue{NB}: moins de 6 mois d’historique"),
        (math.nan, "en", "Change of assets: unknown"),
        (np.float32("nan"), "en", "Change of assets: unknown"),
        (math.inf, "en", "Change of assets: unknown"),
    ],
)
def test_a_sentence_follows_the_sign_and_presence_of_its_value(value, language, sentence):
    assert say(ASSETS, value, language) == sentence


def test_an_unknown_value_is_told_by_its_label_where_there_are_no_words_for_it():
    income = feature(Unit.MONEY, label="Revenu déclaré")
    assert say(income, None, "fr") == f"Revenu déclaré{NB}: non renseigné"
    assert say(income, None, "en") == "Revenu déclaré: unknown"


@pytest.mark.parametrize(
    ("unit", "value", "french", "english"),
    [
        (Unit.MONEY, 12_400.4, f"12{NNB}400{NB}€", "€12,400"),
        (Unit.MONEY, 1_234_567_890, f"1{NNB}234{NNB}567{NNB}890{NB}€", "€1,234,567,890"),
        (Unit.MONEY, 99.999, f"100{NB}€", "€100"),
        (Unit.MONEY, 12.5, f"12,50{NB}€", "€12.50"),
        (Unit.MONEY, 50.0, f"50{NB}€", "€50"),
        (Unit.MONEY, -850.0, f"−850{NB}€", "−€850"),
        (Unit.MONEY, 0.0, f"0{NB}€", "€0"),
        (Unit.MONEY, 0.001, f"Moins de 0,01{NB}€", "Less than €0.01"),
        (Unit.MONTHS, 14.0, f"14{NB}mois", f"14{NB}months"),
        (Unit.MONTHS, 1.0, f"1{NB}mois", f"1{NB}month"),
        (Unit.MONTHS, 13.9999999, f"14{NB}mois", f"14{NB}months"),
        (Unit.MONTHS, 13.9, f"13{NB}mois", f"13{NB}months"),
        (Unit.MONTHS, 0.4, "Moins d’un mois", "Less than a month"),
        (Unit.YEARS, 1.2, f"1{NB}an", f"1{NB}year"),
        (Unit.YEARS, 3.0, f"3{NB}ans", f"3{NB}years"),
        (Unit.YEARS, 0.5, "Moins d’un an", "Less than a year"),
        (Unit.SCORE, 7.25, "7,25", "7.25"),
        (Unit.SCORE, 31.04, "31", "31"),
        (Unit.SCORE, -1_234.5, f"−1{NNB}234", "−1,234"),
        (Unit.SCORE, 0.001, "Moins de 0,01", "Less than 0.01"),
        (Unit.CODE, "new_home", "Nouveau logement", "New home"),
        (Unit.CODE, "0012", "0012", "0012"),
    ],
)
def test_each_unit_in_both_languages(unit, value, french, english):
    assert say(feature(unit), value, "fr") == french
    assert say(feature(unit), value, "en").replace(NB, " ") == english.replace(NB, " ")


@pytest.mark.parametrize(
    ("value", "french", "english"),
    [
        (0, "0 contrat", "0 contracts"),
        (1, "1 contrat", "1 contract"),
        (1.5, "1,5 contrat", "1.5 contracts"),
        (1.96, "2 contrats", "2 contracts"),
        (2, "2 contrats", "2 contracts"),
        (9.97, "10 contrats", "10 contracts"),
        (1_000_000, f"1{NNB}000{NNB}000 contrats", "1,000,000 contracts"),
    ],
)
def test_plurals_are_those_of_the_language(value, french, english):
    assert count(value, ("contrat", "contrats"), "fr").replace(NB, " ") == french
    assert count(value, ("contract", "contracts"), "en").replace(NB, " ") == english


def test_flags_have_their_words_for_no_or_say_it():
    told = feature(Unit.FLAG, text="A complaint is open", zero="No complaint is open", label="Open complaint")
    assert say(told, True, "en") == "A complaint is open"
    assert say(told, np.bool_(False), "en") == "No complaint is open"
    assert say(feature(Unit.FLAG, text="Consent given", label="Consentement"), False, "fr") == f"Consentement{NB}: non"
    assert say(told, None, "en") == "Open complaint: unknown"


def test_a_negative_value_without_words_of_its_own_keeps_its_sign():
    assert say(feature(Unit.MONEY, text="Balance of {value}"), -500.0, "en") == "Balance of −€500"


@pytest.mark.parametrize(
    ("value", "french", "english"),
    [
        (9.2, "+9,2 points", "+9.2 points"),
        (-0.34, "−0,34 point", "−0.34 points"),
        (1.0, "+1,0 point", "+1.0 points"),
        (-1.96, "−2,0 points", "−2.0 points"),
        (0.0, "0,00 point", "0.00 points"),
        (-0.0001, "0,00 point", "0.00 points"),
    ],
)
def test_points_of_probability(value, french, english):
    assert points(value, "fr").replace(NB, " ") == french
    assert points(value, "en").replace(NB, " ") == english


@given(st.floats(-1e12, 1e12), st.sampled_from(["fr", "en"]), st.sampled_from(["EUR", "USD", "GBP"]))
def test_amounts_are_written_as_babel_writes_them(value, language, currency):
    pattern = {"fr": "#,##0 ¤", "en": "¤#,##0"}[language]
    babel = format_currency(round(value), currency, pattern, locale=language, currency_digits=False)
    assert plain(money(value, language, currency, digits=0)) == plain(babel)


@given(st.floats(-100, 100), st.sampled_from(["fr", "en"]))
def test_shares_are_written_as_babel_writes_them(value, language):
    percent = round(100 * value, 0 if abs(100 * value) >= 9.95 else 1) + 0.0
    assert share(value, language).removesuffix("%").strip() == format_decimal(percent, locale=language).replace(
        "-", "−"
    )
    assert share(0.32, language) == format_percent(0.32, locale=language)


def plain(text: str) -> str:
    """Babel keeps the sign of zero and the hyphen for a minus, and leaves the space of its pattern breakable."""
    text = text.replace("-", "−").replace(NB, " ")
    return text.replace("−", "") if not any(digit in text for digit in "123456789") else text


def test_a_currency_without_a_sign_stands_apart_from_its_number():
    assert money(1_500, "en", "CZK") == f"CZK{NB}1,500"
    assert money(1_500, "fr", "CZK") == f"1{NNB}500{NB}CZK"


def test_dates():
    assert day(dt.date(2024, 3, 1), "fr") == "1er mars 2024"
    assert day(dt.date(2024, 3, 11), "fr") == "11 mars 2024"
    assert day(dt.date(2024, 3, 1), "en") == "1 March 2024"
    assert month_and_year(dt.date(2024, 8, 1), "fr") == "août 2024"
    assert month_and_year(dt.date(2024, 8, 1), "en") == "August 2024"


def test_codes_hide_nothing_and_are_no_templates():
    region = feature(Unit.CODE, text="Lives in {value}")
    assert say(region, "\u202eevil\x00{value}", "en") == "Lives in \ufffdevil {value}"
    assert visible("a\u200bb\u2066c\nd\ud800") == "a\ufffdb\ufffdc d\ufffd"
    assert visible("Zoë Łukasz Ångström 李") == "Zoë Łukasz Ångström 李"


def test_french_typography_of_authored_texts():
    assert typeset("Qu'en dit-il : « oui » !", "fr") == f"Qu’en dit-il{NB}: «{NB}oui{NB}»{NB}!"
    assert typeset("What's it: yes!", "en") == "What's it: yes!"


def test_every_word_of_the_glossary_is_there_in_both_languages():
    assert all(english and french for english, french in WORDS.values())
    assert in_words("divorce", "fr") == "divorce"
    assert in_words("Gold_Plus", "fr") == "Gold Plus"


def test_many_values_in_order():
    assert say_all(feature(Unit.SHARE), [0.5, None, 0.2], "en") == ["50%", "Label: unknown", "20%"]


@pytest.mark.parametrize(
    ("name", "value", "fr", "en"),
    [
        ("household_members", 1.0, "Foyer comptant 1 client", "Household of 1 client"),
        ("months_since_inflow", 2.0, "Dernier versement il y a 2 mois", "Last money paid in 2 months ago"),
        (
            "net_flow_6m",
            12_400.0,
            "Les versements dépassent les retraits de 12 400 € sur 6 mois",
            "€12,400 more paid in",
        ),
    ],
)
def test_sentences_that_once_read_badly(name, value, fr, en):
    feature = by_name(catalogue())[name]
    assert say(feature, value, "fr").replace(NB, " ").replace(NNB, " ") == fr
    assert say(feature, value, "en").startswith(en)


def test_segments_that_firms_often_name_are_told_in_french():
    assert [in_words(code, "fr") for code in ("companies", "young", "others", "gold")] == [
        "entreprises",
        "jeunes",
        "autres",
        "gold",
    ]
