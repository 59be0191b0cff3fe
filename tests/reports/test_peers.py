"""Clients like you: counted as one would by hand, widened where there are few, and never so few that one is guessed."""

import datetime as dt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appetence.reports.peers import FEWEST, LEAST_TOLD, Likeness, Trait
from appetence.reports.situations import Holding, Situation

CUT = dt.date(2024, 1, 1)
FAMILIES = {"account": "banking", "fund": "saving", "home": "insurance", "car": "insurance"}
OLD, NEW = dt.date(2015, 1, 1), dt.date(2023, 6, 1)


def client(number, products=("account",), age=50, kind="person", since=OLD, **facts) -> Situation:
    held = tuple(Holding(product, since if i else OLD, None, None, None) for i, product in enumerate(products))
    return Situation(f"c{number}", None, kind, age, OLD, None, facts, held)


def crowd(count, first=0, **what) -> list[Situation]:
    return [client(first + number, **what) for number in range(count)]


def likeness(situations, without=()) -> Likeness:
    return Likeness(situations, FAMILIES, CUT, frozenset(without))


def test_a_client_is_not_among_those_like_him_and_their_holdings_are_counted():
    clients = [client(0), *crowd(20, 1, products=("account", "home"), since=NEW), *crowd(30, 21)]
    peers = likeness(clients).of("c0")
    assert peers.count == 50
    home = peers.evidence("home")
    assert (home.among, home.holders, home.buyers, home.share) == (50, 20, 20, 0.4)
    of_a_holder = likeness(clients).of("c1").evidence("home")
    assert (of_a_holder.holders, of_a_holder.buyers) == (19, 19)
    assert peers.evidence("family:insurance").holders == 20
    assert peers.evidence("nothing we know") is None


def test_a_purchase_counts_for_twelve_months_and_several_contracts_of_a_product_are_told_apart():
    two = [client(n, products=("account", "car", "car"), since=dt.date(2022, 12, 31)) for n in range(10)]
    peers = likeness([*two, *crowd(40, 10)]).of("c49")
    assert (peers.evidence("car").holders, peers.evidence("car").buyers, peers.evidence("car").several) == (
        10,
        None,
        10,
    )
    again = [client(n, products=("account", "car", "car"), since=dt.date(2023, 1, 1)) for n in range(10)]
    assert likeness([*again, *crowd(40, 10)]).of("c49").evidence("car").buyers == 10


@pytest.mark.parametrize(("holders", "told"), [(LEAST_TOLD - 1, None), (LEAST_TOLD, LEAST_TOLD)])
def test_a_handful_is_never_told(holders, told):
    clients = [*crowd(holders, products=("account", "home")), *crowd(60, holders)]
    assert likeness(clients).of("c63").evidence("home").holders == told


def test_all_but_a_handful_is_told_as_nearly_all():
    clients = [*crowd(4), *crowd(60, 4, products=("account", "home"))]
    found = likeness(clients).of("c0").evidence("home")
    assert (found.holders, found.share, found.nearly_all) == (None, None, True)
    assert likeness(clients).of("c0").usual(0.2) == {"account", "home", "family:banking", "family:insurance"}


def test_the_last_trait_is_dropped_where_others_are_few_and_nothing_is_said_below_thirty():
    alike = crowd(FEWEST, age=50, risk_tolerance=1)
    young = crowd(FEWEST, 100, age=20, risk_tolerance=5)
    odd = client("odd", age=52, risk_tolerance=4)
    found = likeness([*alike, *young, odd])
    assert [trait.name for trait in found.of("codd").traits] == ["kind", "age"]  # none else of 50 takes risks
    assert found.of("codd").count == FEWEST
    assert found.of("c100") is None  # 29 others of that age
    assert likeness([*alike, client("x", risk_tolerance=1)]).of("cx").traits[2] == Trait("risk_tolerance", None, 1, 2)


def test_what_a_client_has_not_declared_is_not_compared():
    rich = [client(n, income=90_000.0 + n) for n in range(100)]
    poor = [client(100 + n, income=9_000.0 + n) for n in range(100)]
    silent = client("s")
    assert likeness([*rich, *poor, silent]).of("cs").count == 200
    told = likeness([*rich, *poor, silent]).of("c50")
    assert told.count < 100
    assert "income" in [trait.name for trait in told.traits]


def test_a_company_is_compared_with_companies_whatever_birth_date_its_file_holds():
    clients = [*crowd(40, kind="company", age=5), *crowd(40, 100, age=5), client("x", products=("fund",))]
    peers = likeness(clients).of("c0")
    assert peers.count == 39
    assert [trait.name for trait in peers.traits] == ["kind", "first_family"]


def test_clients_who_object_to_profiling_are_not_counted():
    clients = crowd(50)
    assert likeness(clients, {"c1", "c2"}).of("c0").count == 47
    assert likeness(clients, {"c0"}).of("c0").count == 49
    assert likeness(clients, {f"c{n}" for n in range(1, 25)}).of("c0") is None


def test_what_all_clients_have_in_common_makes_nobody_comparable():
    clients = crowd(100, age=None)
    assert likeness(clients).of("c0") is None  # all began with an account
    mixed = [*clients, *crowd(40, 100, age=None, products=("fund",))]
    assert likeness(mixed).of("c0").count == 99


def test_a_kind_alone_makes_nobody_comparable_and_an_empty_book_has_nobody():
    assert likeness(crowd(100, age=None, products=())).of("c0") is None
    assert likeness([]).of("c0") is None


people = st.builds(
    lambda number, age, kind, income, risk, products: (age, kind, income, risk, tuple(products)),
    st.just(0),
    st.sampled_from([None, 30, 34, 35, 61]),
    st.sampled_from(["person", "person", "company"]),
    st.sampled_from([None, 10_000.0, 20_000.0, 90_000.0]),
    st.sampled_from([None, 1, 2, 4]),
    st.lists(st.sampled_from(list(FAMILIES)), max_size=4),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(people, min_size=1, max_size=12), st.integers(0, 3))
def test_counts_are_those_of_going_through_all_clients_one_by_one(kinds, objecting):
    """Each kind of client twelve times over; the group told is gone through by its traits."""
    clients = []
    for age, kind, income, risk, products in kinds:
        facts = {k: v for k, v in (("income", income), ("risk_tolerance", risk)) if v is not None}
        for _ in range(12):
            clients.append(client(len(clients), products, age, kind, **facts))
    without = {f"c{n}" for n in range(objecting)}
    found = likeness(clients, without)

    def has(who: Situation, trait: Trait) -> bool:
        if trait.name == "kind":
            return who.kind == trait.code
        if trait.name == "first_family":
            first = min(who.holdings, key=lambda h: (h.opened_on, h.product_id), default=None)
            return first is not None and FAMILIES[first.product_id] == trait.code
        value = who.age if trait.name == "age" else who.facts.get(trait.name)
        if value is None or (trait.name == "age" and who.kind == "company"):
            return False
        if trait.name == "risk_tolerance":
            return trait.low <= value <= trait.high
        return (trait.low is None or value >= trait.low) and (trait.high is None or value < trait.high)

    for who in clients[::7]:
        peers = found.of(who.client_id)
        if peers is None:
            continue
        # bands of amounts are apart for persons and companies, and all traits begin with the kind
        like = [o for o in clients if o is not who and o.client_id not in without]
        like = [o for o in like if all(has(o, trait) for trait in peers.traits)]
        assert peers.count == len(like) >= FEWEST
        for product in FAMILIES:
            holders = sum(product in o.products for o in like)
            told = peers.evidence(product)
            hidden = holders < LEAST_TOLD or peers.count - holders < LEAST_TOLD
            assert told.holders == (None if hidden else holders)
