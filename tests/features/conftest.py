"""Random small books full of awkward dates, and a loop that holds a feature group to a slow, obvious oracle."""

from __future__ import annotations

import datetime as dt
import math
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from appetence.book import Book, open_book
from appetence.book.contract import TABLES
from appetence.config import BookSettings, FeatureSettings
from appetence.features.pipeline import build_features

Rows = dict[str, list[dict[str, Any]]]
Oracle = Callable[[Rows, str, dt.date], dict[str, Any]]

CUTS = [dt.date(2020, 3, 1), dt.date(2020, 4, 1), dt.date(2021, 1, 1), dt.date(2021, 3, 1)]
DAYS = sorted(
    dt.date(year, month, day)
    for year in (2019, 2020, 2021)
    for month, day in ((1, 1), (1, 31), (2, 28), (2, 29), (3, 1), (3, 31), (6, 15), (8, 31), (9, 30), (12, 31))
    if (month, day) != (2, 29) or year == 2020
)
FAMILIES = {"P1": "account", "P2": "savings", "P3": "savings", "P4": "credit", "P5": "Épargne retraite"}
EVENTS = ("birth", "move", "retirement", "won_the_lottery")
KINDS = ("visit", "call", "email", "complaint", "claim", "review", "survey")
TEXTS = (
    None,
    "",
    "Bonjour, un CONCURRENT me propose mieux ; je veux CLÔTURER mon compte.",
    "Trop cher ! Réclamation : je suis déçue.",
    "Décès de mon père, succession en cours",
    "Moving house, we need a mortgage",
    "Je préfère une autre\nbanque",
    "défrais, incher, autrement, project-ile ŒUVRE",
)
EXTRA = {"client_facts": {"Pets owned": "number", "club": "text", "last_visit": "date"}}


def draw_rows(rng: random.Random) -> Rows:
    """Draw a book of a few clients whose facts crowd around month ends, leap days and cuts."""
    clients = ["1", "01", "h1", "c1", "5", "6", "7"]
    rows: Rows = {
        "clients": [
            {
                "client_id": client,
                "household_id": rng.choice([None, "1", "1", "c1", "h1"]),
                "kind": rng.choice(["person", "company"]),
                "birth_date": rng.choice([None, dt.date(1980, 2, 29), dt.date(2000, 3, 1), dt.date(1999, 3, 31)]),
                "joined_on": rng.choice([dt.date(2012, 2, 29), dt.date(2018, 3, 31), dt.date(2019, 1, 1), *DAYS]),
                "source": rng.choice([None, "branch"]),
                "referred_by": rng.choice([None, "1"]),
            }
            for client in clients
        ],
        "products": [
            {"product_id": p, "label_en": p, "label_fr": p, "family": f, "annual_margin": 1.0, "margin_kind": "amount"}
            for p, f in FAMILIES.items()
        ],
        "contracts": [_draw_contract(rng, f"k{number}", clients) for number in range(18)],
    }
    rows["balances"] = [
        row for contract in rows["contracts"] for row in _draw_balances(rng, str(contract["contract_id"]))
    ]
    rows["interactions"] = [
        {
            "interaction_id": f"{number:02d}",
            "client_id": rng.choice(clients),
            "at": rng.choice(DAYS),
            "channel": rng.choice(["phone", "app", "pigeon"]),
            "kind": rng.choice(KINDS),
            "outcome": rng.choice([None, "settled", "refused"]),
            "outcome_on": _maybe_day(rng),
            "nps": rng.choice([None, *range(11)]),
            "text": rng.choice(TEXTS),
            "known_on": _maybe_day(rng),
        }
        for number in range(40)
    ]
    events = [(rng.choice(clients), rng.choice(EVENTS), rng.choice(DAYS)) for _ in range(25)]
    rows["life_events"] = [
        {
            "client_id": client,
            "kind": kind,
            "occurred_on": day.replace(year=day.year - rng.choice([0, 0, 17, 18])) if day.day != 29 else day,
            "known_on": rng.choice(DAYS),
            "source": rng.choice([None, "questionnaire", "crm", "inferred"]),
        }
        for client, kind, day in sorted(set(events))
    ]
    rows["offers"] = [
        {
            "offer_id": f"o{number}",
            "client_id": rng.choice([None, *clients]),
            "product_id": rng.choice(list(FAMILIES)),
            "made_on": rng.choice(DAYS),
            "channel": "app",
            "held_out": rng.choice([None, False, True]),
            "outcome": rng.choice([None, "accepted", "refused", "none"]),
            "outcome_on": _maybe_day(rng),
        }
        for number in range(20)
    ]
    declared = {(rng.choice(clients), rng.choice(DAYS)) for _ in range(20)}
    rows["client_facts"] = [_draw_facts(rng, client, day) for client, day in sorted(declared)]
    return rows


def _maybe_day(rng: random.Random) -> dt.date | None:
    return rng.choice([None, None, rng.choice(DAYS)])


def _draw_contract(rng: random.Random, contract_id: str, clients: list[str]) -> dict[str, Any]:
    opened = rng.choice(DAYS)
    closed = rng.choice([None, opened, *(day for day in DAYS if day >= opened)])
    return {
        "contract_id": contract_id,
        "client_id": rng.choice(clients),
        "product_id": rng.choice(list(FAMILIES)),
        "opened_on": opened,
        "closed_on": closed,
        "close_reason": rng.choice([None, "left", "term", "death", "insurer"]) if closed else None,
        "ends_on": _maybe_day(rng),
        "known_on": _maybe_day(rng),
        "closing_known_on": _maybe_day(rng) if closed else None,
    }


def _draw_balances(rng: random.Random, contract_id: str) -> list[dict[str, Any]]:
    first, last = sorted((rng.randrange(24), rng.randrange(27)))
    return [
        {
            "contract_id": contract_id,
            "month": dt.date(2019 + m // 12, m % 12 + 1, 1),
            "balance": _draw_amount(rng, -20_000, 500_000),
            "net_flow": rng.choice([None, Decimal("0.00"), _draw_amount(rng, -5_000, 9_000)]),
            "revenue": _draw_amount(rng, 0, 3_000),
            "cost": rng.choice([None, _draw_amount(rng, 0, 2_000)]),
        }
        for m in range(first, last)
        if rng.random() < 0.9
    ]


def _draw_amount(rng: random.Random, low: int, high: int) -> Decimal:
    return Decimal(rng.randrange(low, high)) / 100


def _draw_facts(rng: random.Random, client: str, day: dt.date) -> dict[str, Any]:
    return {
        "client_id": client,
        "known_on": day,
        "income": rng.choice([None, _draw_amount(rng, 0, 9_000_000)]),
        "net_worth": rng.choice([None, Decimal("0.00"), _draw_amount(rng, -100_000, 9_000_000)]),
        "marital_status": rng.choice([None, "single", "married"]),
        "children": rng.choice([None, 0, 2]),
        "occupation": rng.choice([None, "farmer"]),
        "risk_tolerance": rng.choice([None, 1, 5]),
        "region": rng.choice([None, "Nord"]),
        "preferred_channel": rng.choice([None, "app"]),
        "Pets owned": rng.choice([None, 1.5, math.nan]),
        "club": rng.choice([None, "gold"]),
        "last_visit": rng.choice([None, rng.choice(DAYS)]),
    }


@contextmanager
def opened(rows: Rows, directory: Path, **settings: Any) -> Iterator[Book]:
    """Open a book of rows that are complete as they stand."""
    directory.mkdir(parents=True)
    own = {"number": pa.float64(), "text": pa.string(), "date": pa.date32()}
    for name, table in rows.items():
        schema = pa.schema([(column.name, column.type.arrow) for column in TABLES[name].columns])
        for column, kind in EXTRA.get(name, {}).items():
            schema = schema.append(pa.field(column, own[kind]))
        pq.write_table(pa.Table.from_pylist(table, schema), directory / f"{name}.parquet")
    settings = {"observed_from": dt.date(2019, 1, 1), "observed_until": dt.date(2021, 6, 1)} | settings
    with open_book(BookSettings(directory=str(directory), extra_columns=EXTRA, **settings)) as book:
        yield book


def spine_of(rows: Rows, cuts: list[dt.date] = CUTS) -> pa.Table:
    """Return every client at every cut, holding or not, in a shuffled order."""
    pairs = [(row["client_id"], cut) for row in rows["clients"] for cut in cuts]
    random.Random(0).shuffle(pairs)  # noqa: S311 - any order will do
    return pa.table({"client_id": [c for c, _ in pairs], "cut": pa.array([d for _, d in pairs], pa.date32())})


@pytest.fixture(scope="session")
def open_rows(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Any]:
    """Return `opened` with a fresh directory per call."""
    return lambda rows, **settings: opened(rows, tmp_path_factory.mktemp("book") / "tables", **settings)


@pytest.fixture(scope="session")
def random_rows() -> Callable[[int], Rows]:
    """Return `draw_rows` of a seed."""
    return lambda seed: draw_rows(random.Random(seed))  # noqa: S311 - test data


@pytest.fixture(scope="session")
def every_client() -> Callable[..., pa.Table]:
    """Return `spine_of`."""
    return spine_of


@pytest.fixture(scope="session")
def hold_to_oracle(open_rows: Callable[..., Any]) -> Callable[..., None]:
    """Return a function that compares one group with an oracle on the random book of a seed, value by value."""

    def hold(seed: int, group: str, oracle: Oracle, **settings: Any) -> None:
        rows = draw_rows(random.Random(seed))  # noqa: S311 - test data
        with open_rows(rows) as book:
            found = build_features(book, spine_of(rows), FeatureSettings(groups=(group,), **settings))
        assert found.switched_off == ()
        for row in found.data.to_pylist():
            client, cut = row.pop("client_id"), row.pop("cut")
            expected = oracle(rows, client, cut)
            assert set(expected) == set(row)
            for name, value in row.items():
                told = f"{name} of client {client} at {cut}"
                if isinstance(expected[name], float | int) and not isinstance(expected[name], bool):
                    assert value is not None, told
                    assert value == pytest.approx(expected[name], rel=1e-12, abs=1e-12), told
                else:
                    assert value == expected[name], told

    return hold


def full_months(later: dt.date | None, earlier: dt.date | None) -> int | None:
    """Count the months that have passed, one after another; a month passes on the same day of the next month."""
    if later is None or earlier is None:
        return None
    assert earlier <= later
    passed = 0
    while True:
        year, month = divmod(earlier.year * 12 + earlier.month - 1 + passed + 1, 12)
        if (year, month + 1, earlier.day) > (later.year, later.month, later.day):
            return passed
        passed += 1


def months_earlier(cut: dt.date, months: int) -> dt.date:
    """Step back from a first of a month."""
    day = cut
    for _ in range(months):
        day = (day - dt.timedelta(days=1)).replace(day=1)
    return day


def contracts_known(rows: Rows, client: str, cut: dt.date) -> list[dict[str, Any]]:
    """Return the client's contracts as the firm knew them at the cut, with `held` and the product's family."""
    found = []
    for row in rows["contracts"]:
        if row["client_id"] != client or row["opened_on"] >= cut or (row["known_on"] or row["opened_on"]) >= cut:
            continue
        closed = row["closed_on"]
        if closed is not None and (row["closing_known_on"] or closed) >= cut:
            closed = None
        held = closed is None or closed >= cut
        found.append({**row, "closed_on": closed, "held": held, "family": FAMILIES[row["product_id"]]})
    return found


def months_known(rows: Rows, client: str, cut: dt.date) -> list[dict[str, Any]]:
    """Return the months of balances of the client's contracts known at the cut, with `lag` and the family."""
    found = []
    for contract in rows["contracts"]:
        if contract["client_id"] != client or (contract["known_on"] or contract["opened_on"]) >= cut:
            continue
        for row in rows["balances"]:
            if row["contract_id"] == contract["contract_id"] and row["month"] < cut:
                lag = (cut.year - row["month"].year) * 12 + cut.month - row["month"].month
                found.append({**row, "lag": lag, "family": FAMILIES[contract["product_id"]]})
    return found


def newest_facts(rows: Rows, client: str, cut: dt.date) -> dict[str, Any]:
    """Return the row of `client_facts` that holds at the cut, or nothing."""
    found = [row for row in rows["client_facts"] if row["client_id"] == client and row["known_on"] < cut]
    return max(found, key=lambda row: row["known_on"], default={})


class Oracles:
    """What the oracles of the groups share."""

    full_months = staticmethod(full_months)
    months_earlier = staticmethod(months_earlier)
    contracts_known = staticmethod(contracts_known)
    months_known = staticmethod(months_known)
    newest_facts = staticmethod(newest_facts)
    families = FAMILIES


@pytest.fixture(scope="session")
def slow() -> type[Oracles]:
    """Return what the oracles of the groups share: slow, and easy to believe."""
    return Oracles


@pytest.fixture(scope="session")
def spine() -> Callable[..., pa.Table]:
    """Return a function that makes a spine of one client: `spine("1", "2021-01-01", …)`."""

    def make(client: str, *cuts: str) -> pa.Table:
        days = pa.array([dt.date.fromisoformat(cut) for cut in cuts], pa.date32())
        return pa.table({"client_id": [client] * len(cuts), "cut": days})

    return make


MESSAGE_WORDS = (
    "frais tarif cher commission agios réclamation facture geste",
    "projet maison prêt travaux achat emprunt capacité œuvre",
    "sinistre dégât eaux expert toiture constat vol hospitalisation",
)


def draw_messages(seed: int, clients: int = 30, messages: int = 600) -> list[dict[str, Any]]:
    """Draw messages of two years, of five words each around one of three subjects; some are known late."""
    rng = random.Random(seed)  # noqa: S311 - test data
    rows = []
    for number in range(messages):
        at = dt.date(2020, 1, 1) + dt.timedelta(days=rng.randrange(730))
        words = rng.choices(rng.choice(MESSAGE_WORDS).split(), k=5)
        words[0] = words[0].upper() if rng.random() < 0.3 else words[0]
        rows.append(
            {
                "interaction_id": f"i{number}",
                "client_id": f"c{rng.randrange(clients)}",
                "at": at,
                "known_on": rng.choice([None, None, at, at + dt.timedelta(days=rng.randrange(90))]),
                "text": rng.choice(
                    [None, "", *6 * [f"Bonjour, pour les {' ; '.join(words)} n° {number} A{number % 9}"]]
                ),
            }
        )
    return rows


@pytest.fixture(scope="session")
def messages() -> Callable[..., list[dict[str, Any]]]:
    """Return `draw_messages`."""
    return draw_messages


@pytest.fixture
def message_book(make_book: Callable[..., Book]) -> Callable[..., Book]:
    """Return a function that opens a book of the messages given, with every client holding a contract."""

    def make(rows: list[dict[str, Any]], **tables: list[dict[str, Any]]) -> Book:
        clients = sorted({str(row["client_id"]) for row in rows})
        given: Rows = {"contracts": [{"client_id": client} for client in clients], "interactions": rows}
        return make_book(given | tables)

    return make
