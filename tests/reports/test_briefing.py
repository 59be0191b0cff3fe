"""A sheet in words: evidence, gaps and moments as an advisor reads them, short enough for paper."""

import datetime as dt

import numpy as np
import pytest

from appetence.config import ReportSettings
from appetence.reports.briefing import LABEL_LENGTH, Briefer
from appetence.reports.gaps import Gap
from appetence.reports.language import WORDS, Pen, shortened
from appetence.reports.peers import Peers, Trait
from appetence.reports.sheet_words import SHEET_WORDS
from appetence.reports.sheets import Offer, Sheet
from appetence.reports.situations import Holding, LifeEvent, Situation

CUT = dt.date(2024, 1, 1)
D = dt.date
FAMILIES = {"fund": "savings", "home": "insurance"}
LABELS = {"fund": "Assurance vie", "home": "Assurance habitation"}
TRAITS = (
    Trait("kind", "person"),
    Trait("age", None, 45.0, 55.0),
    Trait("income", None, 30_000.0, 45_000.0),
    Trait("risk_tolerance", None, 3.0, 3.0),
    Trait("net_worth", None, None, None),
    Trait("first_family", "account"),
)


def plain(text: str) -> str:
    return text.replace("\u00a0", " ").replace("\u202f", " ")


def briefer(language="fr", **settings) -> Briefer:
    pen = Pen(language, "EUR", {**WORDS, **SHEET_WORDS})
    return Briefer(
        pen, lambda p: LABELS.get(p, p), FAMILIES, CUT, ReportSettings(directory="x", **settings), None, frozenset()
    )


def sheet(peers=None, gaps=(), household=(), offers=(), **situation) -> Sheet:
    who = Situation("1", "Anne", "person", 40, D(2010, 5, 4), "H", **situation)
    return Sheet(who, None, 0.1, "low", None, None, None, (), offers, household, peers=peers, gaps=gaps)


def peers(held=0, bought=0, several=0, among=212) -> Peers:
    return Peers(among, TRAITS, {"fund": 0}, np.array([[held, bought, several]]))


def offer(purchase="first") -> Offer:
    return Offer("fund", purchase, 0.3, 10.0, True, 2.0, ())


@pytest.mark.parametrize(
    ("language", "told"),
    [
        (
            "fr",
            "Part détenue par les clients comparables : 212 particuliers, de 45 à 54 ans, revenus de 30 000 € à "
            "45 000 €, tolérance au risque de 3 sur 5, entrés en relation par « compte ».",
        ),
        (
            "en",
            "Share held by comparable clients: 212 persons, aged 45 to 54, income €30,000 to €45,000, risk tolerance "
            "3 of 5, who began with “account”.",
        ),
    ],
)
def test_who_is_comparable_is_told_by_what_they_share(language, told):
    assert plain(briefer(language).brief(sheet(peers())).peers) == told
    assert briefer(language).brief(sheet()).peers == ""


@pytest.mark.parametrize(
    ("low", "high", "told"),
    [(None, 18.0, "de 17 ans ou moins"), (75.0, None, "de 75 ans ou plus")],
)
def test_an_open_band_is_told_by_its_one_end(low, high, told):
    found = Peers(40, (TRAITS[0], Trait("age", None, low, high)), {}, np.zeros((0, 3)))
    assert plain(briefer().brief(sheet(found)).peers).endswith(f"40 particuliers, {told}.")


@pytest.mark.parametrize(
    ("numbers", "purchase", "told"),
    [
        ((80, 12, 0), "first", "38 % des clients comparables en sont équipés, 12 l’ont souscrit en 12 mois"),
        ((80, 4, 0), "first", "38 % des clients comparables en sont équipés"),
        ((210, 12, 0), "first", "presque tous les clients comparables en sont équipés, 12 l’ont souscrit en 12 mois"),
        ((4, 4, 0), "first", ""),
        ((80, 12, 10), "again", "4,7 % des clients comparables en ont plusieurs"),
        ((80, 12, 4), "again", ""),
    ],
)
def test_the_evidence_of_an_offer_is_a_line_or_nothing(numbers, purchase, told):
    assert plain(briefer().evidence(sheet(peers(*numbers)), offer(purchase))) == told
    assert briefer().evidence(sheet(), offer(purchase)) == ""


def test_gaps_name_products_or_families_and_who_covers_them():
    spouse = Situation("2", "Jean " + "X" * 60, "person", 40, None, "H")
    gaps = (Gap(None, "insurance", None, True), Gap("fund", None, peers(80).evidence("fund"), False, (spouse,)))
    family, product = briefer().brief(sheet(gaps=gaps)).gaps
    assert (plain(family.name), family.is_target, family.share) == ("Famille « assurance »", True, "–")
    assert (product.name, plain(product.share)) == ("Assurance vie", "38 %")
    assert product.members[0].startswith("Jean XXX")
    assert product.members[0].endswith("X…")


def test_a_supposed_event_is_marked_and_a_hostile_one_is_cut():
    events = (LifeEvent("birth", D(2023, 9, 1), "inferred"), LifeEvent("<b>" * 40, D(2023, 9, 1), "crm"))
    supposed, odd = briefer().brief(sheet(events=events)).moments
    assert (supposed.text, supposed.supposed) == ("Naissance d’un enfant, septembre 2023", True)
    assert len(odd.text) < 60
    assert not odd.supposed


def test_lists_are_cut_to_their_lines_and_say_what_is_left_out():
    held = tuple(Holding(f"p{n:02d}", D(2020, 1, 1), None, float(n), None) for n in range(12))
    home = tuple(Situation(f"m{n}", None, "person", 9, None, "H", holdings=held) for n in range(6))
    brief = briefer().brief(sheet(holdings=held, household=home))
    assert [h.product_id for h in brief.holdings] == [f"p{n:02d}" for n in range(11, 3, -1)]  # the largest first
    assert brief.more_holdings == 4
    assert (len(brief.household), brief.more_members) == (3, 3)
    assert brief.household[0].text == "p00, p01 et 10 de plus"
    nine = briefer().brief(sheet(holdings=held[:9]))
    assert (len(nine.holdings), nine.more_holdings) == (9, 0)


def test_long_labels_take_two_lines_each():
    held = tuple(Holding("x" * 90 + str(n), D(2020, 1, 1), None, None, None) for n in range(12))
    brief = briefer().brief(sheet(holdings=held))
    assert (len(brief.holdings), brief.more_holdings) == (4, 8)
    assert len(shortened(held[0].product_id, LABEL_LENGTH)) == LABEL_LENGTH


def test_a_firms_own_sentence_takes_the_place_of_the_packages_in_its_language_only():
    own = {"offer": {"fr": "« Parlons de {product} ? »"}}
    told = {
        language: briefer(language, texts=own).brief(sheet(offers=(offer(),))).lines[-1].text
        for language in ("fr", "en")
    }
    assert plain(told["fr"]) == "« Parlons de Assurance vie ? »"
    assert told["en"].startswith("“I suggest")


def test_the_channel_is_told_in_words():
    assert briefer().brief(sheet(facts={"preferred_channel": "branch"})).channel == "agence, au choix du client"
    assert briefer("en").brief(sheet()).channel == ""
