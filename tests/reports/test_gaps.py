"""Coverage gaps: what comparable clients hold or the firm asks for, what may be sold, and who covers it at home."""

import datetime as dt

import numpy as np
import pyarrow as pa
import pytest

from appetence.config import CoverageTarget
from appetence.errors import BookError
from appetence.reports.gaps import Rules, all_gaps, find_gaps, needed_with
from appetence.reports.peers import Likeness, Peers
from appetence.reports.situations import Holding, Situation
from appetence.targets.eligibility import eligible

CUT = dt.date(2024, 1, 1)
DAY = dt.date
FAMILIES = {"account": "banking", "car": "insurance", "home": "insurance", "loan": "credit", "cover": "insurance"}


def who(client_id="1", products=(), household=None, age=40, kind="person", **facts) -> Situation:
    held = tuple(Holding(p, DAY(2020, 1, 1), None, None, None) for p in products)
    return Situation(client_id, f"Name {client_id}", kind, age, None, household, facts, held)


def peers(**holders) -> Peers:
    """A hundred comparable clients, so many of whom hold each product."""
    names = [*FAMILIES, "family:insurance"]
    numbers = np.array([[holders.get(name.replace("family:", ""), 0), 0, 0] for name in names])
    return Peers(100, (), {name: place for place, name in enumerate(names)}, numbers)


@pytest.fixture
def rules(make_book):
    """Return a function that makes the rules of a book: loans for adults, `old` withdrawn, `soon` not launched yet."""
    products = [{"product_id": p, "family": f} for p, f in FAMILIES.items()]
    products[3]["eligibility"] = "age >= 18"
    products += [
        {"product_id": "old", "family": "insurance", "withdrawn_on": CUT},
        {"product_id": "soon", "family": "insurance", "launched_on": DAY(2024, 1, 2)},
        {
            "product_id": "today",
            "family": "insurance",
            "launched_on": CUT,
            "eligibility": "kind = 'company' OR age < 30",
        },
    ]

    def make(*situations, targets=(), eligibility=None):
        rows = [row | ({"eligibility": eligibility} if eligibility else {}) for row in products]
        return Rules(make_book({"products": rows}), CUT, situations, targets)

    return make


def test_gaps_are_what_one_in_five_hold_the_commonest_first_and_never_a_debt(rules):
    client = who(products=("account",))
    found = find_gaps(client, (), peers(account=90, car=20, home=41, cover=19, loan=80), rules(client), FAMILIES)
    assert [(gap.product_id, gap.evidence.share, gap.is_target) for gap in found] == [
        ("home", 0.41, False),
        ("car", 0.2, False),
    ]
    assert find_gaps(client, (), None, rules(client), FAMILIES) == ()


def test_what_nearly_all_hold_comes_first_though_its_count_is_not_told(rules):
    found = find_gaps(who(), (), peers(car=97, home=60), rules(who()), FAMILIES)
    assert [(gap.product_id, gap.evidence.nearly_all) for gap in found] == [("car", True), ("home", False)]


def test_the_firms_target_comes_first_as_a_family_with_its_evidence(rules):
    client = who(products=("account",), children=2)
    targets = [
        CoverageTarget(segment="rich", when="net_worth > 1e6", families=("credit",)),
        CoverageTarget(segment="family", when="children >= 1 AND age < 65", families=("banking", "insurance")),
    ]
    made = rules(client, who("2", age=70, children=1), targets=targets)
    assert made.target(client) == ("banking", "insurance")
    assert made.target(who("2")) == ()
    (gap,) = find_gaps(client, (), peers(car=50, home=40, insurance=60), made, FAMILIES)
    assert (gap.product_id, gap.family, gap.is_target, gap.evidence.share) == (None, "insurance", True, 0.6)


def test_what_the_household_holds_is_a_gap_that_is_covered(rules):
    client, spouse = who(household="H"), who("2", ("home",), "H")
    found = find_gaps(client, (spouse,), peers(home=50, car=40), rules(client, spouse), FAMILIES)
    assert [(gap.product_id, gap.members) for gap in found] == [("home", (spouse,)), ("car", ())]


def test_what_may_not_be_sold_to_a_client_is_no_gap_as_eligibility_has_it(rules, make_book):
    clients = [who("1"), who("2", age=17), who("3", age=None), who("4", age=None, kind="company"), who("5", age=18)]
    made = rules(*clients)
    products = [*FAMILIES, "old", "soon", "today"]
    book = make_book(
        {
            "products": [
                {"product_id": p, "eligibility": e, "launched_on": launched, "withdrawn_on": withdrawn}
                for p, e, launched, withdrawn in (
                    *((p, "age >= 18" if p == "loan" else None, None, None) for p in FAMILIES),
                    ("old", None, None, CUT),
                    ("soon", None, DAY(2024, 1, 2), None),
                    ("today", "kind = 'company' OR age < 30", CUT, None),
                )
            ],
            "clients": [
                {
                    "client_id": c.client_id,
                    "kind": c.kind,
                    "birth_date": None if c.age is None else DAY(2024 - c.age, 1, 1) - dt.timedelta(days=1),
                }
                for c in clients
            ],
        }
    )
    spine = pa.table({"client_id": [c.client_id for c in clients], "cut": pa.array([CUT] * 5, pa.date32())})
    pairs = eligible(book, spine, products)
    allowed = set(zip(pairs["client_id"].to_pylist(), pairs["product_id"].to_pylist(), strict=True))
    assert {(c.client_id, p) for c in clients for p in products if made.may_hold(c, p)} == allowed
    assert len(allowed) == 5 * 4 + 2 + 3


def test_a_rule_that_cannot_be_read_is_an_error(rules):
    with pytest.raises(BookError, match="eligibility of product"):
        rules(who(), eligibility="name = 'x'")
    with pytest.raises(BookError, match="segment 'odd'"):
        rules(who(), targets=[CoverageTarget(segment="odd", when="salary > 1", families=("banking",))])


def test_a_product_of_no_use_without_another_is_no_gap_of_who_lacks_that(rules):
    """Of 40 holders of a loan's cover 38 have a loan, one of them by the spouse; cars go with nothing."""
    clients = [who(f"b{n}", ("loan", "cover", "account")) for n in range(37)]
    clients += [
        who("s", ("cover",), "H"),
        who("t", ("loan",), "H"),
        *(who(f"c{n}", ("cover", "car")) for n in range(2)),
    ]
    needs = needed_with(clients, tuple(FAMILIES))
    assert needs["cover"] == {"loan"}
    assert "car" not in needs  # too few hold one for anything to be said
    found = peers(cover=50, car=50)
    made = rules(who())
    assert [gap.product_id for gap in find_gaps(who(), (), found, made, FAMILIES, needs)] == ["car"]
    at_home = (who("2", ("loan",)),)
    assert [gap.product_id for gap in find_gaps(who(), at_home, found, made, FAMILIES, needs)] == ["car", "cover"]


def test_all_clients_gaps_are_each_ones(rules):
    clients = {str(n): who(str(n), ("account", "home") if n % 2 else ("account",), f"H{n // 2}") for n in range(80)}
    like = Likeness(tuple(clients.values()), FAMILIES, CUT)
    found = all_gaps(clients, like, rules(*clients.values()), FAMILIES)
    assert [gap.product_id for gap in found["0"]] == ["home"]
    assert [member.client_id for member in found["0"][0].members] == ["1"]
    assert found["0"][0].evidence.holders == 40
    assert found["1"] == ()
