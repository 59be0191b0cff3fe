"""What winning clients brought and cost, by how they came; and which clients bring others.

A client's worth is what it has brought since joining (revenue less costs less credit losses) and what it is expected to
bring (lifetime value and potential). Its cost is that of the sales of its first contracts, of the offers made to the
prospect that it was, and what the firm says a client of its source costs; offers to prospects of the source who did not
become clients are the source's cost, too. What the book does not hold counts as nothing and is said.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import ibis
import ibis.expr.types as ir
import pandas as pd
import pyarrow as pa

from appetence.book import Book
from appetence.config import AcquisitionSettings
from appetence.models.verdicts import Verdict
from appetence.months import Month, shift
from appetence.value.kpi_components import UNKNOWN
from appetence.value.profit import contract_profits

FIRST_DAYS = 31
"""Days after joining in which contracts belong to the first sale."""


@dataclass(frozen=True)
class Source:
    """What clients of one source brought and cost; money is None where fewer joined than may be told.

    Parameters
    ----------
    clients, stayed
        Who joined in the time looked at, and who of them still holds a contract.
    brought
        Revenue less costs less credit losses since they joined, as far as balances go back.
    ahead
        Lifetime value and potential of those who stayed.
    cost
        Of winning them, with that of the prospects of the source who were not won.
    wrong, wrong_loss
        Clients who cost more to win than they brought and are worth; and by how much, in all.
    prospects, won
        Prospects of the source identified in the time looked at, and how many of them became clients; None without any
        table of prospects.
    """

    source: str
    clients: int
    stayed: int
    brought: float | None
    ahead: float | None
    cost: float | None
    wrong: int | None
    wrong_loss: float | None
    prospects: int | None
    won: int | None

    @property
    def net(self) -> float | None:
        """What is left of what they brought and are worth, after their cost."""
        if self.brought is None or self.ahead is None or self.cost is None:
            return None
        return self.brought + self.ahead - self.cost

    @property
    def net_per_client(self) -> float | None:
        """The same, for one client."""
        return None if self.net is None else self.net / self.clients

    @property
    def per_unit_of_cost(self) -> float | None:
        """What a unit of money spent brought, before its cost; None where nothing was spent, or money is not told."""
        if self.brought is None or self.ahead is None or not self.cost:
            return None
        return (self.brought + self.ahead) / self.cost


@dataclass(frozen=True)
class Referrer:
    """A client who brought others; money is None where fewer came than may be told."""

    client_id: str
    advisor_id: str | None
    clients: int
    stayed: int
    worth: float | None


@dataclass(frozen=True)
class Acquisition:
    """By source, best net per client first; clients who brought others, most first; and what the book lacks."""

    sources: tuple[Source, ...]
    referrers: tuple[Referrer, ...]
    lacks: tuple[Verdict, ...]


REFERRED_AT_LEAST = 3
"""Clients referred by one client below which their worth is not told: it would be that of one or two people."""


def acquisition(book: Book, cut: dt.date, scores: pa.Table, settings: AcquisitionSettings) -> Acquisition:
    """Say what clients won in the months before a cut brought and cost.

    Parameters
    ----------
    scores
        `client_id`, `lifetime_value` and, where known, `potential`: of clients who hold a contract. Others are worth
        nothing any more.
    """
    who = _won(book, cut, scores, settings)
    return Acquisition(_sources(book, cut, who, settings), _referrers(book, cut, scores), _lacks(book, settings))


def clients_worth(scores: pa.Table) -> pd.Series:
    """Return lifetime value and potential per client; NaN where the first is not known."""
    table = scores.to_pandas().set_index("client_id")
    worth = table["lifetime_value"].astype(float)
    return worth + table["potential"].astype(float).fillna(0.0) if "potential" in table else worth


def _won(book: Book, cut: dt.date, scores: pa.Table, settings: AcquisitionSettings) -> pd.DataFrame:
    """Return the clients who joined, with what each brought, is worth and cost."""
    since = ibis.literal(shift(cut, -settings.months))
    clients = book.as_known("clients", cut)
    clients = clients.filter(clients.joined_on >= since)
    rows = _with_stayed(book, cut, clients.select("client_id", source=clients.source.fill_null(UNKNOWN)))
    who = book.execute(rows).to_pandas().set_index("client_id").sort_index()
    worth = clients_worth(scores)
    who["ahead"] = worth.reindex(who.index).fillna(0.0).where(who["stayed"], 0.0)
    months = max(Month.before(cut) - Month.of(book.observed_from) + 1, 1)
    profits = contract_profits(book, cut, min(months, settings.months))
    who["brought"] = 0.0
    if profits is not None:
        sums = profits.group_by("client_id").agg(profit=profits.profit.sum().cast("float64"))
        brought = book.execute(sums).to_pandas().set_index("client_id")["profit"]
        who["brought"] = brought.reindex(who.index).fillna(0.0)
    who["cost"] = _first_sales(book, cut).reindex(who.index).fillna(0.0)
    who["cost"] += who["source"].map(settings.per_client).astype(float).fillna(0.0)
    offers = _offers_to_prospects(book, cut, settings)
    own = offers.dropna(subset=["client_id"]).groupby("client_id")["cost"].sum()
    who["cost"] += own.reindex(who.index).fillna(0.0)
    return who


def _sources(book: Book, cut: dt.date, who: pd.DataFrame, settings: AcquisitionSettings) -> tuple[Source, ...]:
    offers = _offers_to_prospects(book, cut, settings)
    lost = offers[offers["client_id"].isna()].groupby("source")["cost"].sum()
    prospects = _prospects(book, cut, settings)
    found = []
    for source, rows in who.groupby("source"):
        name = str(source)
        loss = (rows["cost"] - rows["brought"] - rows["ahead"]).clip(lower=0.0)
        told = len(rows) >= settings.least
        seen = prospects[prospects["source"] == name]
        found.append(
            Source(
                name,
                len(rows),
                int(rows["stayed"].sum()),
                float(rows["brought"].sum()) if told else None,
                float(rows["ahead"].sum()) if told else None,
                float(rows["cost"].sum() + float(lost.get(name, 0.0))) if told else None,
                int((loss > 0).sum()) if told else None,
                float(loss.sum()) if told else None,
                len(seen) if book.has("prospects") else None,
                int(seen["won"].sum()) if book.has("prospects") else None,
            )
        )
    return tuple(sorted(found, key=lambda one: (one.net is None, -(one.net_per_client or 0.0), one.source)))


def _referrers(book: Book, cut: dt.date, scores: pa.Table) -> tuple[Referrer, ...]:
    clients = book.as_known("clients", cut)
    brought = clients.filter(clients.referred_by.notnull()).select("client_id", "referred_by")
    rows = book.execute(_with_stayed(book, cut, brought)).to_pandas().set_index("client_id")
    rows["worth"] = clients_worth(scores).reindex(rows.index).fillna(0.0).where(rows["stayed"], 0.0)
    sums = rows.groupby("referred_by").agg(clients=("stayed", "size"), stayed=("stayed", "sum"), worth=("worth", "sum"))
    owners = book.execute(clients.semi_join(brought, clients.client_id == brought.referred_by))
    advisors = dict(zip(owners["client_id"].to_pylist(), owners["advisor_id"].to_pylist(), strict=True))
    found = [
        Referrer(
            str(name), advisors.get(name), int(clients), int(stayed), worth if clients >= REFERRED_AT_LEAST else None
        )
        for name, clients, stayed, worth in zip(
            sums.index.tolist(), sums["clients"].tolist(), sums["stayed"].tolist(), sums["worth"].tolist(), strict=True
        )
    ]
    return tuple(sorted(found, key=lambda one: (-one.clients, -(one.worth or 0.0), one.client_id)))


def _with_stayed(book: Book, cut: dt.date, clients: ir.Table) -> ir.Table:
    """Return clients with `stayed`: whether each holds a contract at the cut."""
    contracts = book.as_known("contracts", cut)
    open_still = contracts.closed_on.isnull() | (contracts.closed_on >= ibis.literal(cut))
    held = contracts.filter(contracts.opened_on < cut, open_still).select("client_id").distinct()
    rows = clients.left_join(held.mutate(here=True), "client_id")
    return rows.select(*clients.columns, stayed=rows.here.notnull())


def _first_sales(book: Book, cut: dt.date) -> pd.Series:
    """Return the cost of the sales of clients' first contracts."""
    clients = book.as_known("clients", cut).select("client_id", "joined_on")
    contracts = book.as_known("contracts", cut).select("client_id", "product_id", "opened_on")
    costs = book.table("products").select("product_id", "acquisition_cost")
    rows = contracts.join(clients, "client_id").join(costs, "product_id")
    first = rows.filter(rows.opened_on <= rows.joined_on + ibis.interval(days=FIRST_DAYS))
    sums = first.group_by("client_id").agg(cost=first.acquisition_cost.sum().cast("float64"))
    return book.execute(sums).to_pandas().set_index("client_id")["cost"]


def _offers_to_prospects(book: Book, cut: dt.date, settings: AcquisitionSettings) -> pd.DataFrame:
    """Return what was spent on each prospect of the time looked at: `client_id` (null: not won), `source`, `cost`."""
    if not settings.per_offer or not book.has("offers"):
        return pd.DataFrame({"client_id": pd.Series(dtype=object), "source": pd.Series(dtype=object), "cost": []})
    prospects = _known_prospects(book, cut, settings)
    offers = book.as_known("offers", cut).filter(ibis._.prospect_id.notnull()).filter(~ibis._.held_out.fill_null(False))
    rows = book.execute(offers.select("prospect_id", "channel").join(prospects, "prospect_id")).to_pandas()
    rows["cost"] = rows["channel"].map(settings.per_offer).astype(float).fillna(0.0)
    return rows[["client_id", "source", "cost"]]


def _prospects(book: Book, cut: dt.date, settings: AcquisitionSettings) -> pd.DataFrame:
    rows = book.execute(_known_prospects(book, cut, settings)).to_pandas()
    return rows.assign(won=rows["client_id"].notna())


def _known_prospects(book: Book, cut: dt.date, settings: AcquisitionSettings) -> ir.Table:
    prospects = book.as_known("prospects", cut)
    prospects = prospects.filter(prospects.identified_on >= ibis.literal(shift(cut, -settings.months)))
    return prospects.select(
        "prospect_id", client_id=prospects.became_client_id, source=prospects.source.fill_null(UNKNOWN)
    )


def _lacks(book: Book, settings: AcquisitionSettings) -> tuple[Verdict, ...]:
    found = []
    if not book.has_column("clients", "source"):
        found.append(
            Verdict("the book does not say how clients came", "le portefeuille n'indique pas l'origine des clients")
        )
    if not book.has("balances"):
        found.append(
            Verdict(
                "without balances, what clients have brought so far is not known",
                "sans encours, ce que les clients ont déjà rapporté n'est pas connu",
            )
        )
    if not book.has_column("products", "acquisition_cost"):
        found.append(
            Verdict("the cost of a sale is not known", "le coût d'une vente n'est pas connu"),
        )
    if not settings.per_offer and not settings.per_client:
        found.append(
            Verdict(
                "the firm has set no cost of offers or of new clients: only first sales are counted",
                "aucun coût n'est défini pour les propositions ni pour les nouveaux clients : seules les premières "
                "ventes sont comptées",
            )
        )
    return tuple(found)
