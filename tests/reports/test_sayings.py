"""What to say: a complaint first, no score and no guess spoken, and nothing sold where it would be out of place."""

import datetime as dt
import re

import pytest

from appetence.config import SAYINGS, ReportSettings
from appetence.reports.channels import channels_of
from appetence.reports.gaps import USUAL
from appetence.reports.moments import moments_of
from appetence.reports.peers import Evidence
from appetence.reports.sayings import SPOKEN, TEXTS, what_to_say
from appetence.reports.sheets import Erosion, Offer, Sheet
from appetence.reports.situations import Contact, Holding, LifeEvent, Situation

CUT = dt.date(2024, 1, 1)
D = dt.date
FAMILIES = {"fund": "saving", "loan": "credit", "home": "insurance"}
SETTINGS = ReportSettings(directory="x", events={"new_home": ("home",)})
OFFER = Offer("fund", "first", 0.3, 10.0, True, 2.0, ())


class Everything:
    def may_hold(self, _who, _product_id):
        return True


class PeersOf:
    """Comparable clients of whom a share holds everything."""

    def __init__(self, share):
        self.found = Evidence(100, None if share is None else round(100 * share), None, None)

    def evidence(self, _product_id):
        return self.found


def sheet(offers=(OFFER,), tier="low", erosion=None, peers=None, age=40, **situation) -> Sheet:
    who = Situation("1", "Anne", situation.pop("kind", "person"), age, D(2010, 5, 4), None, **situation)
    return Sheet(who, None, 0.1, tier, None, None, None, (), tuple(offers), (), (), erosion, peers)


def contact(**days) -> Contact:
    return Contact(D(2023, 12, 1), "phone", "call", 1, None, days.pop("nps", None), **days)


def said(of: Sheet, has_reviews=False) -> list[str]:
    who = of.situation
    moments = moments_of(who, CUT, SETTINGS, FAMILIES, Everything(), has_reviews=has_reviews)
    return [one.name for one in what_to_say(of, CUT, moments, channels_of(who), FAMILIES)]


def test_a_complaint_comes_first_and_nothing_is_sold_until_it_is_settled():
    found = said(sheet(contact=contact(open_complaint_on=D(2023, 10, 1)), referrals=2, tier="high"))
    assert found == ["complaint", "satisfaction", "wait_complaint"]
    assert said(sheet(contact=contact(open_complaint_on=D(2023, 9, 30)))) == ["news", "offer"]  # three months ago


def test_a_claim_does_not_stop_a_sale_and_takes_the_place_of_thanks():
    assert said(sheet(contact=contact(open_claim_on=D(2023, 12, 1)), referrals=1)) == ["claim", "news", "offer"]


@pytest.mark.parametrize(
    ("situation", "first"),
    [({"referrals": 1}, "referral"), ({}, "news")],
)
def test_who_brought_a_client_is_thanked(situation, first):
    assert said(sheet(**situation))[0] == first


def test_a_new_client_is_welcomed():
    who = Situation("1", None, "person", 40, D(2023, 9, 1), None)
    assert said(Sheet(who, None, 0.1, "low", None, None, None, (), (), ()))[0] == "welcome"


def test_a_change_that_the_client_told_calls_for_its_product():
    event = LifeEvent("new_home", D(2023, 9, 1), "questionnaire")
    offers = (OFFER, Offer("home", "first", 0.2, 5.0, True, 1.5, ()))
    assert said(sheet(offers, events=(event,))) == ["event", "offer_event"]
    assert said(sheet((OFFER,), events=(event,))) == ["event", "offer"]
    old = LifeEvent("new_home", D(2022, 12, 31), "questionnaire")  # learnt of lately, but long past
    assert said(sheet(offers, events=(old,))) == ["news", "offer"]


@pytest.mark.parametrize("source", ["inferred", None])
def test_what_is_only_supposed_of_a_life_is_never_spoken(source):
    offers = (OFFER, Offer("home", "first", 0.2, 5.0, True, 1.5, ()))
    assert said(sheet(offers, events=(LifeEvent("new_home", D(2023, 9, 1), source),))) == ["news", "offer"]
    assert said(sheet(offers, events=(LifeEvent("divorce", D(2023, 9, 1), source),))) == ["news", "wait_grief"]


def test_who_mourns_is_offered_help_and_nothing_else_for_six_months():
    mourning = sheet(events=(LifeEvent("death_in_family", D(2023, 7, 1), "crm"),), referrals=1)
    assert said(mourning) == ["grief", "news", "wait_grief"]
    assert said(sheet(events=(LifeEvent("death_in_family", D(2023, 6, 30), "crm"),))) == ["news", "offer"]


def test_facts_are_asked_about_before_what_models_make_of_them():
    held = (Holding("fund", D(2020, 1, 1), D(2024, 2, 3), None, None),)
    drain = Erosion(0.4, 100.0, 2.0, ())
    rating = contact(nps=6, nps_on=D(2023, 1, 1))
    assert said(sheet((), "high", drain, holdings=held, contact=rating)) == ["term", "rating"]
    assert said(sheet((), "medium", drain)) == ["satisfaction", "plans"]
    assert said(sheet((), contact=contact(nps=6, nps_on=D(2022, 12, 31)))) == ["news"]
    assert said(sheet((), contact=contact(nps=7, nps_on=D(2023, 12, 1)))) == ["news"]


@pytest.mark.parametrize(("share", "name"), [(USUAL, "offer_peers"), (0.19, "offer"), (None, "offer")])
def test_what_many_comparable_clients_have_is_a_reason_to_tell(share, name):
    assert said(sheet(peers=PeersOf(share)))[-1] == name


def test_a_loan_is_never_proposed_because_others_have_one_nor_what_no_model_advises():
    loan = Offer("loan", "again", 0.3, 10.0, True, 2.0, ())
    assert said(sheet((loan,), peers=PeersOf(0.5)))[-1] == "offer_credit"
    assert said(sheet((OFFER._replace(purchase="again"),), peers=PeersOf(0.5)))[-1] == "offer_again"
    assert said(sheet((OFFER._replace(lift=1.0),))) == ["news"]


def test_objections_are_told_and_kept():
    both = frozenset({"marketing", "phone"})
    found = said(sheet(refuses=both, contact=contact(open_complaint_on=D(2023, 12, 1))))
    assert found == ["complaint", "news", "no_marketing", "no_phone"]
    assert said(sheet(refuses=frozenset({"phone"}))) == ["news", "offer", "no_phone"]


def test_a_minor_is_not_spoken_to_alone_and_not_sold_to():
    assert said(sheet(age=17)) == ["minor", "news"]
    assert said(sheet(age=18)) == ["news", "offer"]
    assert said(sheet(age=5, kind="company")) == ["news", "offer"]


def test_there_are_never_more_than_four_sentences_and_a_review_is_the_last():
    event = LifeEvent("new_home", D(2023, 9, 1), "crm")
    held = (Holding("fund", D(2020, 1, 1), D(2024, 2, 3), None, None),)
    everything = sheet(
        (OFFER,), "high", Erosion(0.4, 9.0, 2.0, ()), events=(event,), holdings=held, referrals=1, contact=contact()
    )
    found = said(everything, has_reviews=True)
    assert found == ["referral", "event", "term", "offer"]
    assert len(found) == SPOKEN
    assert said(sheet(contact=contact()), has_reviews=True) == ["news", "offer", "review"]


def test_texts_are_there_for_each_sentence_with_its_places_in_both_languages():
    assert TEXTS.keys() == SAYINGS.keys()
    for name, texts in TEXTS.items():
        for text in texts:
            assert tuple(sorted(re.findall(r"\{(\w+)\}", text))) == tuple(sorted(SAYINGS[name])), name
            assert len(text) <= 200
    spoken = [name for name, (en, _) in TEXTS.items() if en.startswith("“")]
    assert all(TEXTS[name][0].endswith("”") for name in spoken)
    assert all(TEXTS[name][1].startswith("« ") and TEXTS[name][1].endswith(" »") for name in spoken)
    words = re.sub(r"\{\w+\}", "", " ".join(text for name in spoken for text in TEXTS[name]).lower())
    assert not re.search(r"\b(score|risk|risque|probabilit\w+|attrition|erosion|érosion|lever|levier)\b", words)
    assert not re.search(r"\b(tu|ton|tes|toi)\b", words)  # clients are addressed as vous
