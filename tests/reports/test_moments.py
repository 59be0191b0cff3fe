"""Key moments: what has happened and what is near, on the right side of every day."""

import datetime as dt

import pytest

from appetence.config import ReportSettings
from appetence.reports.moments import Moment, is_review_due, moments_of
from appetence.reports.situations import Contact, Holding, LifeEvent, Situation

CUT = dt.date(2024, 1, 1)
D = dt.date
SETTINGS = ReportSettings(
    directory="x", birthdays=(18, 62), events={"new_home": ("insurance", "loan", "car"), "birth": ("health",)}
)
FAMILIES = {"car": "insurance", "home": "insurance", "loan": "credit", "account": "banking"}


class Everything:
    """Rules under which all but one product may be sold."""

    def may_hold(self, _who, product_id):
        return product_id != "car"


def who(joined_on=None, birth_date=None, kind="person", **more) -> Situation:
    return Situation("1", None, kind, None, joined_on, None, birth_date=birth_date, **more)


def kinds(situation, **more):
    return [
        (moment.kind, moment.on, moment.number) for moment in moments_of(situation, CUT, SETTINGS, FAMILIES, **more)
    ]


def test_a_life_event_calls_for_products_that_may_be_sold_and_are_not_held():
    event = LifeEvent("new_home", D(2023, 9, 1), "crm")
    held = (Holding("account", D(2020, 1, 1), None, None, None),)
    client = who(events=(event,), holdings=held)
    (moment,) = moments_of(client, CUT, SETTINGS, FAMILIES, Everything())
    assert (moment.event, moment.on, moment.products) == (event, D(2023, 9, 1), ("home", "loan"))
    assert moments_of(client, CUT, SETTINGS, FAMILIES)[0].products == ()
    (other,) = moments_of(who(events=(LifeEvent("birth", CUT),)), CUT, SETTINGS, FAMILIES, Everything())
    assert other.products == ()  # no product of that name


@pytest.mark.parametrize(
    ("birth_date", "told"),
    [
        (D(2006, 1, 1), [("birthday", D(2024, 1, 1), 18)]),
        (D(2006, 6, 30), [("birthday", D(2024, 6, 30), 18)]),
        (D(2006, 7, 1), []),
        (D(2005, 12, 31), []),
        (D(1962, 2, 28), [("birthday", D(2024, 2, 28), 62)]),
        (D(1964, 2, 29), []),
    ],
)
def test_a_birthday_is_told_within_six_months(birth_date, told):
    assert kinds(who(birth_date=birth_date)) == told
    assert kinds(who(birth_date=birth_date, kind="company")) == []


def test_a_birthday_on_a_day_that_the_year_lacks_is_the_day_after():
    settings = ReportSettings(directory="x", birthdays=(18,))
    assert moments_of(who(birth_date=D(2004, 2, 29)), D(2022, 1, 1), settings, {})[0].on == D(2022, 3, 1)


@pytest.mark.parametrize(
    ("joined_on", "years"),
    [
        (D(2023, 1, 1), 1),
        (D(2022, 3, 1), None),
        (D(2019, 3, 31), 5),
        (D(2019, 4, 1), None),
        (D(2004, 2, 29), 20),
        (D(2018, 12, 31), None),
        (D(2024, 1, 1), None),
    ],
)
def test_the_first_and_every_fifth_anniversary_is_told_within_three_months(joined_on, years):
    assert [number for kind, _, number in kinds(who(joined_on)) if kind == "anniversary"] == ([years] if years else [])


def test_an_anniversary_after_the_turn_of_the_year():
    found = moments_of(who(D(2014, 1, 20)), D(2023, 11, 1), SETTINGS, FAMILIES)
    assert found == (Moment("anniversary", D(2024, 1, 20), number=10),)


def test_a_term_is_told_with_its_product():
    held = (Holding("loan", D(2020, 1, 1), D(2024, 2, 3), None, None),)
    assert moments_of(who(holdings=held), CUT, SETTINGS, FAMILIES)[0] == Moment(
        "term", D(2024, 2, 3), product_id="loan"
    )


@pytest.mark.parametrize(
    ("review_on", "joined_on", "due"),
    [
        (D(2023, 7, 1), D(2010, 1, 1), False),
        (D(2023, 6, 30), D(2010, 1, 1), True),
        (None, D(2010, 1, 1), True),
        (None, D(2023, 8, 1), False),
        (None, None, True),
    ],
)
def test_a_review_is_due_after_six_months_but_not_of_a_new_client(review_on, joined_on, due):
    contact = Contact(D(2023, 12, 1), "phone", "call", 1, None, None, review_on=review_on)
    client = who(joined_on, contact=contact)
    assert is_review_due(client, CUT, 6) is due
    assert [m.kind for m in moments_of(client, CUT, SETTINGS, {}, has_reviews=True) if m.kind == "review"] == (
        ["review"] if due else []
    )
    assert "review" not in [m.kind for m in moments_of(client, CUT, SETTINGS, {})]
