import datetime as dt
import random
from decimal import Decimal

import numpy as np

from appetence.value.held_months import Window
from appetence.value.kpi_components import read_components
from appetence.value.units import read_units

FAMILIES = {"P1": "account", "P2": "savings", "P3": "savings", "P4": "credit", "P5": "Épargne retraite"}
REASONS = ("death", "left", "insurer", "term")
CUT, SIZE = dt.date(2022, 4, 1), 40
DAYS = [
    dt.date(y, m, d) for y in (2018, 2019, 2020, 2021, 2022) for m, d in ((1, 1), (1, 31), (3, 1), (6, 15), (12, 31))
]


def amount(rng, low, high):
    return Decimal(rng.randrange(low, high)) / 100


def draw_book(seed):
    """Draw a book of a few clients who come, go and come back, with much that is known late."""
    rng = random.Random(seed)  # noqa: S311 - test data
    some_day = lambda: rng.choice([None, None, rng.choice(DAYS)])  # noqa: E731
    contracts, balances = [], []
    for number in range(24):
        opened = rng.choice(DAYS)
        closed = rng.choice([None, *(day for day in DAYS if day >= opened)])
        contracts.append(
            {
                "contract_id": f"k{number}",
                "client_id": str(rng.randrange(7)),
                "product_id": rng.choice(list(FAMILIES)),
                "opened_on": opened,
                "closed_on": closed,
                "close_reason": rng.choice([None, *REASONS]) if closed else None,
                "known_on": some_day(),
                "closing_known_on": some_day() if closed else None,
            }
        )
        for month in range(rng.randrange(45)):
            balances.append(
                {
                    "contract_id": f"k{number}",
                    "month": dt.date(2018 + month // 12, month % 12 + 1, 1),
                    "balance": amount(rng, -20_000, 500_000),
                    "revenue": amount(rng, 0, 3_000),
                    "cost": rng.choice([None, amount(rng, 0, 2_000)]),
                }
            )
    declared = {(str(rng.randrange(7)), rng.choice(DAYS)) for _ in range(20)}
    return {
        "clients": [
            {
                "client_id": str(number),
                "advisor_id": rng.choice(["a1", "a2", "a3", None]),
                "kind": rng.choice(["person", "company"]),
                "birth_date": rng.choice([None, dt.date(1980, 2, 29)]),
                "joined_on": rng.choice(DAYS),
                "source": rng.choice([None, "branch", "referral"]),
                "referred_by": rng.choice([None, "1"]),
            }
            for number in range(7)
        ],
        "advisors": [
            {"advisor_id": "a1", "name": "x", "team": "T", "branch": "B", "region": "R"},
            {"advisor_id": "a2", "name": "x", "team": "T", "branch": "C", "region": "R"},
            {"advisor_id": "a3", "name": "x", "branch": "C", "region": "R"},
            {"advisor_id": "a4", "name": "x", "team": "U"},
        ],
        "products": [{"product_id": p, "family": f} for p, f in FAMILIES.items()],
        "contracts": contracts,
        "balances": balances,
        "client_facts": [
            {
                "client_id": client,
                "known_on": day,
                "income": rng.choice([None, amount(rng, 0, 9_000_000)]),
                "net_worth": rng.choice([None, Decimal("0.00"), amount(rng, -100_000, 9_000_000)]),
                "region": rng.choice([None, "Nord"]),
            }
            for client, day in sorted(declared)
        ],
    }


def before(cut, months):
    """Step back from a first of a month."""
    for _ in range(months):
        cut = (cut - dt.timedelta(days=1)).replace(day=1)
    return cut


def known_contracts(rows, client, cut):
    found = []
    for row in rows["contracts"]:
        if row["client_id"] == client and row["opened_on"] < cut and (row["known_on"] or row["opened_on"]) < cut:
            closed = row["closed_on"]
            if closed is not None and (row["closing_known_on"] or closed) >= cut:
                closed = None
            found.append({**row, "held": closed is None or closed >= cut})
    return found


def held(rows, client, cut):
    return [row for row in known_contracts(rows, client, cut) if row["held"]]


def exit_reason(rows, client, cut):
    """Say why a client who holds nothing at a cut went: by what was known then."""
    last = cut
    while not held(rows, client, before(last, 1)):
        last = before(last, 1)
    names = {row["contract_id"] for row in held(rows, client, before(last, 1))}
    ended = [row for row in rows["contracts"] if row["contract_id"] in names]
    newest = max(row["closed_on"] for row in ended)
    return min(REASONS.index(r["close_reason"] or "left") for r in ended if r["closed_on"] == newest)


def newest_facts(rows, client, cut):
    found = [row for row in rows["client_facts"] if row["client_id"] == client and row["known_on"] < cut]
    return max(found, key=lambda row: row["known_on"], default={})


def oracle(rows, client, cut):
    """Work out all components of one client at one cut, one after another."""
    who = next(row for row in rows["clients"] if row["client_id"] == client)
    contracts, facts, month = held(rows, client, cut), newest_facts(rows, client, cut), before(cut, 1)
    found = {}
    here = bool(contracts)
    families = {FAMILIES[row["product_id"]] for row in contracts}
    found["clients"] = int(here)
    found["families"] = len(families)
    found["several_families"] = int(len(families) >= 2)
    found["products"] = len({row["product_id"] for row in contracts})
    aged = here and who["kind"] == "person" and who["birth_date"] is not None
    found["persons_with_age"] = int(aged)
    born = who["birth_date"]
    found["months_of_age"] = (cut.year - born.year) * 12 + cut.month - born.month if aged else 0
    for suffix, then in (("", before(cut, 12)), ("_of_the_year", dt.date(month.year, 1, 1))):
        was = bool(held(rows, client, then))
        found[f"kept{suffix}"] = int(was and here)
        other = was and not here and exit_reason(rows, client, cut) != REASONS.index("left")
        found[f"to_keep{suffix}"] = int(was and not other)
    joined = before(cut, 1) <= who["joined_on"] < cut
    found["joined"] = int(joined)
    found["referred"] = int(joined and who["referred_by"] is not None)
    found["joined_by_source", who["source"] or "unknown"] = int(joined)
    for name in ("income", "net_worth"):
        value = facts.get(name)
        said = here and value is not None and (name == "income" or value >= 100)
        found[name], found[f"{name}_known"] = int(value * 100) if said else 0, int(said)
    if here and facts:
        found["living_in", facts["region"] or "unknown"] = 1
    usable = [
        row for row in rows["contracts"] if row["client_id"] == client and (row["known_on"] or row["opened_on"]) < cut
    ]
    families_of = {row["contract_id"]: FAMILIES[row["product_id"]] for row in usable}
    months = [row for row in rows["balances"] if row["contract_id"] in families_of and row["month"] == month]
    assets = sum(int(row["balance"] * 100) for row in months if families_of[row["contract_id"]] != "credit")
    found["assets"] = assets if here else 0
    found["wallet_assets"] = assets if found["net_worth_known"] else 0
    found["revenue"] = sum(int(row["revenue"] * 100) for row in months)
    found["cost"] = sum(int((row["cost"] or 0) * 100) for row in months)
    return {key if isinstance(key, tuple) else (key, ""): value for key, value in found.items()}


def test_components_are_what_a_clerk_would_count_at_each_cut(make_book):
    counted = {}
    for seed in (1, 2, 3):
        rows = draw_book(seed)
        book = make_book(rows, observed_from=dt.date(2018, 1, 1), observed_until=CUT)
        units = read_units(book)
        found = read_components(book, units, Window(CUT, SIZE))
        for j in range(SIZE):
            cut = before(CUT, SIZE - 1 - j)
            expected = {key: [0] * len(units.advisor_id) for key in found.sums}
            for who in rows["clients"]:
                leaf = units.advisor_id.index(who["advisor_id"] or "")
                for key, value in oracle(rows, who["client_id"], cut).items():
                    if value:
                        expected[key][leaf] += value
                        counted[key] = counted.get(key, 0) + 1
            for key, sums in found.sums.items():
                if found.known[key[0]][j]:
                    assert sums[:, j].tolist() == expected[key], (key, cut)
    # the books are such that there is something to count, and clients who go by themselves and not
    assert all(
        counted[key] > (20 if key[0] not in ("joined", "joined_by_source", "referred") else 0) for key in found.sums
    )
    assert counted["kept", ""] < counted["to_keep", ""]


def test_nothing_is_told_of_months_that_the_records_do_not_show(make_book):
    rows = draw_book(1)
    book = make_book(rows, observed_from=dt.date(2020, 4, 1), observed_until=CUT)
    known = read_components(book, read_units(book), Window(CUT, 36)).known
    # the oldest cut is that of 2019-04: of clients a state, of a month its flows, of a year what became of its clients
    first = {name: int(np.flatnonzero(flags)[0]) for name, flags in known.items() if flags.any()}
    assert first["clients"] == 11
    assert first["joined"] == first["assets"] == 12
    assert first["kept"] == 23


def test_a_book_of_contracts_alone_tells_what_it_can(make_book):
    found = read_components(book := make_book({}), read_units(book), Window(dt.date(2024, 1, 1), 24))
    assert ("clients", "") in found.sums
    assert not {"assets", "income", "living_in", "referred"} & {name for name, _ in found.sums}


def test_who_came_back_after_a_term_and_then_left_counts_as_lost(make_book):
    contracts = [
        {
            "contract_id": "a",
            "opened_on": dt.date(2018, 1, 1),
            "closed_on": dt.date(2019, 3, 5),
            "close_reason": "term",
        },
        {
            "contract_id": "b",
            "opened_on": dt.date(2019, 10, 1),
            "closed_on": dt.date(2020, 5, 5),
            "close_reason": "left",
        },
    ]
    book = make_book({"contracts": [row | {"client_id": "1"} for row in contracts]}, observed_from=dt.date(2018, 1, 1))
    found = read_components(book, units := read_units(book), Window(dt.date(2021, 1, 1), 36))
    to_keep, kept = (found.sums[name, ""][len(units.advisor_id) - 1].tolist() for name in ("to_keep", "kept"))
    at = lambda year, month: (year - 2018) * 12 + month - 2  # noqa: E731
    assert found.window.first + at(2018, 2) == 2018 * 12 + 1
    # gone by its term, and back in time for some of the clients of a year before
    assert (to_keep[at(2019, 6)], to_keep[at(2019, 12)], kept[at(2019, 12)]) == (0, 1, 1)
    assert (to_keep[at(2020, 12)], kept[at(2020, 12)]) == (1, 0)
