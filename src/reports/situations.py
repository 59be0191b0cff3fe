"""What the client book says of each client at the cut: the facts of a sheet, as they were known then."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import ibis
import pyarrow as pa

from appetence.book import Book
from appetence.months import Month, shift

TERM_MONTHS = 6
"""Months ahead in which a contract's term is a key moment."""

FACTS = (
    "marital_status",
    "children",
    "occupation",
    "income",
    "net_worth",
    "risk_tolerance",
    "region",
    "preferred_channel",
)
CHANNEL_PURPOSES = ("marketing", "phone")


@dataclass(frozen=True)
class Holding:
    """A contract in force; what the firm does not record is None."""

    product_id: str
    opened_on: dt.date
    ends_on: dt.date | None
    balance: float | None
    net_flow: float | None


@dataclass(frozen=True)
class LifeEvent:
    """A life event that the firm learnt of in the last 12 months; one whose source is `inferred` nobody told it."""

    kind: str
    occurred_on: dt.date
    source: str | None = None

    @property
    def is_told(self) -> bool:
        """Whether it may be spoken of: it was noted down, not guessed."""
        return self.source in ("questionnaire", "crm")


@dataclass(frozen=True)
class Contact:
    """The newest interaction, and how many there were in 12 months.

    Parameters
    ----------
    complaint_on
        The newest complaint.
    nps, nps_on
        The newest answer, and its day.
    review_on
        The newest review.
    open_complaint_on, open_claim_on
        The newest complaint or claim without an outcome known at the cut.
    """

    at: dt.date
    channel: str
    kind: str
    count: int
    complaint_on: dt.date | None
    nps: int | None
    nps_on: dt.date | None = None
    review_on: dt.date | None = None
    open_complaint_on: dt.date | None = None
    open_claim_on: dt.date | None = None


@dataclass(frozen=True)
class Situation:
    """One client at the cut.

    Parameters
    ----------
    facts
        The newest declared, without those unknown.
    refuses
        Purposes that the client objects to.
    referrals
        Clients who joined in the 12 months before the cut on this client's word.
    """

    client_id: str
    name: str | None
    kind: str
    age: int | None
    joined_on: dt.date | None
    household_id: str | None
    facts: Mapping[str, Any] = field(default_factory=dict)
    holdings: tuple[Holding, ...] = ()
    events: tuple[LifeEvent, ...] = ()
    contact: Contact | None = None
    refuses: frozenset[str] = frozenset()
    birth_date: dt.date | None = None
    referrals: int = 0

    @property
    def products(self) -> frozenset[str]:
        """The products held."""
        return frozenset(holding.product_id for holding in self.holdings)

    def near_terms(self, cut: dt.date) -> tuple[Holding, ...]:
        """Return the contracts whose term comes within `TERM_MONTHS` of the cut, the nearest first."""
        last = shift(cut, TERM_MONTHS)
        near = [h for h in self.holdings if h.ends_on is not None and cut <= h.ends_on < last]
        return tuple(sorted(near, key=lambda holding: str(holding.ends_on)))


@dataclass(frozen=True)
class Directory:
    """Names that are not clients': advisors and products, each by id."""

    advisors: Mapping[str, Mapping[str, str | None]]
    products: Mapping[str, Mapping[str, str]]


def read_directory(book: Book) -> Directory:
    """Read the advisors' names and places and the products' labels."""
    advisors = book.execute(book.table("advisors")).to_pylist()
    products = book.execute(book.table("products").select("product_id", "label_en", "label_fr", "family")).to_pylist()
    return Directory(
        {row["advisor_id"]: row for row in advisors},
        {row["product_id"]: row for row in products},
    )


def read_situations(book: Book, month: Month, client_ids: pa.Array) -> dict[str, Situation]:
    """Read the situation of some clients as known at a month's end.

    Objections are the exception: they hold from the day the client says so, so the newest word counts whatever the
    month.

    Parameters
    ----------
    client_ids
        The clients to read; those the book does not know get a situation with their id alone.
    """
    cut = month.cut
    wanted = book.memtable("clients_reported", pa.table({"client_id": client_ids}))
    facts = _facts(book, cut, wanted)
    holdings = _grouped(_holdings(book, month, wanted), lambda row: Holding(**row))
    events = _grouped(_events(book, cut, wanted), lambda row: LifeEvent(**row))
    contacts = {row.pop("client_id"): Contact(**row) for row in _contacts(book, cut, wanted)}
    refusals = _grouped(_refusals(book, wanted), lambda row: str(row["purpose"]))
    clients = {row["client_id"]: row for row in _clients(book, wanted)}
    referrals = _referrals(book, cut, wanted)
    nobody: dict[str, Any] = dict.fromkeys(("name", "birth_date", "joined_on", "household_id")) | {"kind": "person"}
    found = {}
    for client_id in client_ids.to_pylist():
        row = clients.get(client_id, nobody)
        found[client_id] = Situation(
            client_id,
            row["name"],
            row["kind"],
            _age(row["birth_date"], cut),
            row["joined_on"],
            row["household_id"],
            facts.get(client_id, {}),
            tuple(holdings.get(client_id, ())),
            tuple(events.get(client_id, ())),
            contacts.get(client_id),
            frozenset(refusals.get(client_id, ())),
            row["birth_date"],
            referrals.get(client_id, 0),
        )
    return found


def _age(birth_date: dt.date | None, cut: dt.date) -> int | None:
    if birth_date is None:
        return None
    return cut.year - birth_date.year - ((cut.month, cut.day) < (birth_date.month, birth_date.day))


def _grouped(rows: Iterable[dict[str, Any]], build: Any) -> dict[str, list[Any]]:
    groups: dict[str, list[Any]] = defaultdict(list)
    for row in rows:
        groups[row.pop("client_id")].append(build(row))
    return groups


def _clients(book: Book, wanted: ibis.Table) -> list[dict[str, Any]]:
    columns = ("client_id", "name", "kind", "birth_date", "joined_on", "household_id")
    return book.execute(book.table("clients").semi_join(wanted, "client_id").select(*columns)).to_pylist()


def _facts(book: Book, cut: dt.date, wanted: ibis.Table) -> dict[str, dict[str, Any]]:
    facts = book.as_known("client_facts", cut).semi_join(wanted, "client_id")
    newest = ibis.row_number().over(group_by="client_id", order_by=ibis.desc("known_on"))
    rows = book.execute(facts.mutate(place=newest).filter(ibis._.place == 0).select("client_id", *FACTS)).to_pylist()
    return {row["client_id"]: {name: row[name] for name in FACTS if row[name] is not None} for row in rows}


def _holdings(book: Book, month: Month, wanted: ibis.Table) -> list[dict[str, Any]]:
    cut = month.cut
    contracts = book.as_known("contracts", cut).semi_join(wanted, "client_id")
    held = contracts.filter(contracts.opened_on < cut, contracts.closed_on.isnull() | (contracts.closed_on >= cut))
    months = book.as_known("balances", cut)
    year = months.filter(months.month >= shift(cut, -12))
    sums = year.group_by("contract_id").agg(
        balance=year.balance.max(where=year.month == month.start).cast("float64"),
        net_flow=year.net_flow.sum().cast("float64"),
    )
    joined = held.left_join(sums, "contract_id").order_by("client_id", "opened_on", "contract_id")
    columns = ("client_id", "product_id", "opened_on", "ends_on", "balance", "net_flow")
    return book.execute(joined.select(*columns)).to_pylist()


def _events(book: Book, cut: dt.date, wanted: ibis.Table) -> list[dict[str, Any]]:
    events = book.as_known("life_events", cut).semi_join(wanted, "client_id")
    recent = events.filter(events.known_on >= shift(cut, -12), events.occurred_on < cut)
    ordered = recent.order_by("client_id", ibis.desc("occurred_on"), "kind")
    return book.execute(ordered.select("client_id", "kind", "occurred_on", "source")).to_pylist()


def _contacts(book: Book, cut: dt.date, wanted: ibis.Table) -> list[dict[str, Any]]:
    contacts = book.as_known("interactions", cut).semi_join(wanted, "client_id")
    contacts = contacts.filter(contacts["at"] < cut)  # an appointment may be known ahead of its day
    summary = contacts.group_by("client_id").agg(
        count=(contacts["at"] >= shift(cut, -12)).sum(),
        complaint_on=contacts["at"].max(where=contacts.kind == "complaint"),
        review_on=contacts["at"].max(where=contacts.kind == "review"),
        open_complaint_on=contacts["at"].max(where=(contacts.kind == "complaint") & contacts.outcome.isnull()),
        open_claim_on=contacts["at"].max(where=(contacts.kind == "claim") & contacts.outcome.isnull()),
    )
    told = _newest(contacts.filter(contacts.nps.notnull())).select("client_id", "nps", nps_on="at")
    joined = _newest(contacts).drop("nps").inner_join(summary, "client_id").left_join(told, "client_id")
    newest = ("client_id", "at", "channel", "kind", "count")
    days = ("review_on", "open_complaint_on", "open_claim_on")
    return book.execute(joined.select(*newest, "complaint_on", "nps", "nps_on", *days)).to_pylist()


def _newest(contacts: ibis.Table) -> ibis.Table:
    order = [ibis.desc("at"), ibis.desc("interaction_id")]
    place = ibis.row_number().over(group_by="client_id", order_by=order)
    return contacts.mutate(place=place).filter(ibis._.place == 0).drop("place")


def _referrals(book: Book, cut: dt.date, wanted: ibis.Table) -> dict[str, int]:
    clients = book.as_known("clients", cut)
    brought = clients.filter(clients.joined_on >= shift(cut, -12), clients.referred_by.notnull())
    counted = brought.group_by(client_id="referred_by").agg(count=brought.count()).semi_join(wanted, "client_id")
    return {row["client_id"]: row["count"] for row in book.execute(counted).to_pylist()}


def _refusals(book: Book, wanted: ibis.Table) -> list[dict[str, Any]]:
    consents = book.table("consents").semi_join(wanted, "client_id")
    newest = consents.group_by("client_id", "purpose").agg(granted=consents.granted.argmax(consents.known_on))
    refused = newest.filter(~newest.granted, newest.purpose.isin(CHANNEL_PURPOSES))
    return book.execute(refused.select("client_id", "purpose")).to_pylist()
