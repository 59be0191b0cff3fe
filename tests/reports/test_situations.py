"""What a sheet tells of a client: known by the cut, and nothing later, but for objections."""

import datetime as dt

import pyarrow as pa
import pytest

from appetence.months import Month
from appetence.reports.situations import Contact, Holding, LifeEvent, read_directory, read_situations

MONTH = Month.parse("2023-12")
D = dt.date


@pytest.fixture
def situation(make_book):
    def read(client_id="1", **tables):
        clients = {"clients": [{"client_id": "1"}, {"client_id": "2"}]}
        return read_situations(make_book(clients | tables), MONTH, pa.array([client_id]))[client_id]

    return read


def test_contracts_in_force_at_the_cut_as_known_then(situation):
    contracts = [
        {"contract_id": "a", "client_id": "1", "opened_on": D(2020, 1, 1), "ends_on": D(2024, 2, 1)},
        {"contract_id": "b", "client_id": "1", "opened_on": D(2021, 1, 1), "closed_on": D(2023, 12, 31)},
        {"contract_id": "c", "client_id": "1", "opened_on": D(2022, 1, 1), "closed_on": D(2024, 1, 1)},
        {
            "contract_id": "d",
            "client_id": "1",
            "opened_on": D(2022, 2, 1),
            "closed_on": D(2023, 12, 1),
            "closing_known_on": D(2024, 1, 5),
        },
        {"contract_id": "e", "client_id": "1", "opened_on": D(2023, 12, 1), "known_on": D(2024, 1, 1)},
        {"contract_id": "f", "client_id": "1", "opened_on": D(2024, 1, 1)},
        {"contract_id": "g", "client_id": "2", "opened_on": D(2020, 1, 1)},
    ]
    balances = [
        {"contract_id": "a", "month": D(2023, 12, 1), "balance": 120, "net_flow": 10},
        {"contract_id": "a", "month": D(2023, 1, 1), "balance": 90, "net_flow": -4},
        {"contract_id": "a", "month": D(2022, 12, 1), "balance": 80, "net_flow": 500},
        {"contract_id": "a", "month": D(2024, 1, 1), "balance": 999, "net_flow": 999},
    ]
    who = situation(contracts=contracts, balances=balances)
    assert [h.opened_on for h in who.holdings] == [D(2020, 1, 1), D(2022, 1, 1), D(2022, 2, 1)]
    assert who.holdings[0] == Holding("P", D(2020, 1, 1), D(2024, 2, 1), 120.0, 6.0)
    assert who.holdings[1].balance is None
    assert who.near_terms(MONTH.cut) == (who.holdings[0],)
    assert who.near_terms(D(2023, 7, 1)) == ()
    assert who.near_terms(D(2024, 3, 1)) == ()


def test_the_newest_declaration_counts_as_a_whole(situation):
    facts = [
        {"client_id": "1", "known_on": D(2020, 1, 1), "income": 100, "region": "old"},
        {"client_id": "1", "known_on": D(2023, 6, 1), "region": "new"},
        {"client_id": "1", "known_on": D(2024, 1, 1), "region": "later"},
    ]
    assert situation(client_facts=facts).facts == {"region": "new"}


def test_life_events_are_those_learnt_of_in_twelve_months(situation):
    events = [
        {"kind": "move", "occurred_on": D(2019, 1, 1), "known_on": D(2023, 1, 1)},
        {"kind": "birth", "occurred_on": D(2023, 11, 1), "known_on": D(2023, 12, 31)},
        {"kind": "divorce", "occurred_on": D(2022, 6, 1), "known_on": D(2022, 12, 31)},
        {"kind": "marriage", "occurred_on": D(2023, 11, 1), "known_on": D(2024, 1, 1)},
    ]
    who = situation(life_events=[event | {"client_id": "1"} for event in events])
    assert who.events == (LifeEvent("birth", D(2023, 11, 1)), LifeEvent("move", D(2019, 1, 1)))


def test_contacts_are_summed_up(situation):
    rows = [
        {"at": D(2022, 12, 31), "kind": "survey", "nps": 3},
        {"at": D(2023, 2, 1), "kind": "complaint"},
        {"at": D(2023, 5, 1), "kind": "survey", "nps": 9},
        {"at": D(2023, 9, 1), "kind": "visit", "channel": "branch"},
        {"at": D(2023, 12, 1), "kind": "call", "known_on": D(2024, 1, 3)},
        {"at": D(2024, 1, 1), "kind": "call", "known_on": D(2023, 12, 3)},
    ]
    rows = [row | {"client_id": "1", "interaction_id": str(i)} for i, row in enumerate(rows)]
    assert situation(interactions=rows).contact == Contact(
        D(2023, 9, 1),
        "branch",
        "visit",
        3,
        complaint_on=D(2023, 2, 1),
        nps=9,
        nps_on=D(2023, 5, 1),
        open_complaint_on=D(2023, 2, 1),
    )


def test_a_complaint_is_open_until_its_outcome_is_known(situation):
    rows = [
        {"at": D(2023, 2, 1), "kind": "complaint"},
        {"at": D(2023, 5, 1), "kind": "complaint", "outcome": "settled", "outcome_on": D(2023, 6, 1)},
        {"at": D(2023, 9, 1), "kind": "claim", "outcome": "refused", "outcome_on": D(2024, 1, 1)},
        {"at": D(2023, 3, 1), "kind": "review"},
    ]
    who = situation(interactions=[row | {"client_id": "1", "interaction_id": str(i)} for i, row in enumerate(rows)])
    days = (who.contact.complaint_on, who.contact.open_complaint_on, who.contact.open_claim_on, who.contact.review_on)
    assert days == (D(2023, 5, 1), D(2023, 2, 1), D(2023, 9, 1), D(2023, 3, 1))


def test_referrals_are_the_clients_who_joined_in_twelve_months_on_a_clients_word(situation):
    days = (D(2022, 12, 31), D(2023, 1, 1), D(2023, 12, 31), D(2024, 1, 1))
    brought = [{"client_id": f"r{i}", "joined_on": day, "referred_by": "1"} for i, day in enumerate(days)]
    assert situation(clients=[{"client_id": "1"}, *brought]).referrals == 2
    assert situation(clients=[{"client_id": "1"}, *brought], client_id="r0").referrals == 0


def test_what_is_inferred_of_a_life_nobody_told(situation):
    day = {"client_id": "1", "occurred_on": D(2023, 11, 1), "known_on": D(2023, 12, 1)}
    kinds = (("a", "crm"), ("b", "inferred"), ("c", "questionnaire"), ("d", None))
    events = [day | {"kind": kind, "source": source} for kind, source in kinds]
    assert [event.is_told for event in situation(life_events=events).events] == [True, False, True, False]


def test_an_objection_holds_from_the_day_it_is_made_whatever_the_month(situation):
    consents = [
        {"purpose": "phone", "known_on": D(2020, 1, 1), "granted": False},
        {"purpose": "phone", "known_on": D(2021, 1, 1), "granted": True},
        {"purpose": "marketing", "known_on": D(2024, 6, 1), "granted": False},
        {"purpose": "profiling", "known_on": D(2020, 1, 1), "granted": True},
    ]
    assert situation(consents=[row | {"client_id": "1"} for row in consents]).refuses == {"marketing"}


def test_ages_are_told_at_the_cut(situation):
    assert situation(clients=[{"client_id": "1", "birth_date": D(1980, 1, 1)}]).age == 44
    assert situation(clients=[{"client_id": "1", "birth_date": D(1980, 1, 2)}]).age == 43


def test_a_bare_book_and_an_unknown_client_leave_blanks(situation):
    who = situation(client_id="2")
    assert (who.name, who.age, who.facts, who.events, who.contact, who.refuses) == (None, None, {}, (), None, set())
    assert situation(client_id="nobody").holdings == ()


def test_the_directory_has_labels_and_names(make_book):
    found = read_directory(make_book({"advisors": [{"advisor_id": "A", "name": "Inès", "team": "Sud"}]}))
    assert found.advisors["A"]["team"] == "Sud"
    assert found.products["P"]["label_fr"] == "text"
