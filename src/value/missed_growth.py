"""Growth that a book misses, in money a year per client: by what the book's own clients of the same kind bring."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd

from appetence.book import Book
from appetence.book.contract import CREDIT
from appetence.months import shift
from appetence.value.profit import contract_profits

YEAR = 12

REACHED = 0.75
"""Quantile of the share of wallet that is taken to be within reach: one client in four has it."""

ANSWER_DAYS = 60
"""Days after the firm learnt of a life event within which a contact or a new contract is an answer."""

MOMENT_MONTHS = 6
"""Months after a life event in which contracts are counted."""

LEAST_EVENTS = 30
"""Life events of a kind below which nothing is said of what they bring."""

LEAST_CLIENTS = 30
"""Clients of a kind, or holders of a family, below which no share or margin is read off them."""


def wallet_gaps(book: Book, cut: dt.date, clients: pd.Index) -> pd.Series:
    """Return the yearly margin on assets that clients hold elsewhere, within reach; NaN where it is not known.

    Within reach is the share of wallet that `REACHED` of the clients of the same kind do not exceed, times the client's
    net worth; the margin is what the book earned in 12 months on its balances.
    """
    nothing = pd.Series(np.nan, index=clients, dtype=float)
    if not (book.has("balances") and book.has_column("client_facts", "net_worth")):
        return nothing
    rows = book.execute(_wallets(book, cut)).to_pandas().set_index("client_id").reindex(clients)
    earned = _balance_yield(book, cut)
    worth, assets = rows["net_worth"].astype(float), rows["assets"].astype(float).fillna(0.0)
    shares = (assets / worth).where(worth > 0)
    reach = shares.groupby(rows["kind"]).transform(
        lambda of: of.quantile(REACHED) if of.count() >= LEAST_CLIENTS else np.nan
    )
    reach = reach.clip(upper=1.0)
    return ((reach * worth - assets).clip(lower=0.0) * earned).where(shares.notna())


def coverage_gaps(
    book: Book, cut: dt.date, segments: pd.Series, coverage: Mapping[str, Sequence[str]], earned: pd.DataFrame
) -> pd.Series:
    """Return the yearly margin of families missing from the coverage target, by the share of the segment holding each.

    Parameters
    ----------
    segments
        Per client, the segment of the coverage target; null where none: then nothing is known to be missing.
    coverage
        Per segment, its families. Those whose margin is earned on balances are left to `wallet_gaps`.
    earned
        From `family_profits`.
    """
    margins = _family_margins(earned)
    wanted = sorted({family for families in coverage.values() for family in families if family in margins})
    if not wanted:
        return pd.Series(0.0, index=segments.index).where(segments.isin(list(coverage)))
    held = _held(book, cut)
    flags = {family: (held.family == family).any() for family in wanted}
    owned = book.execute(held.group_by("client_id").agg(**flags)).to_pandas().set_index("client_id")
    owned = owned.reindex(segments.index).fillna(False).astype(bool)
    missed = pd.Series(np.nan, index=segments.index, dtype=float)
    for segment, families in coverage.items():
        mine = segments.index[segments == segment]
        if len(mine) < LEAST_CLIENTS:
            continue
        missed[mine] = 0.0
        for family in dict.fromkeys(families):
            if family in margins:
                holds = owned.loc[mine, family]
                missed[mine] += margins[family] * holds.mean() * ~holds
    return missed


def missed_moments(book: Book, cut: dt.date, clients: pd.Index, earned: pd.DataFrame) -> pd.Series:
    """Return the yearly margin of life events of the last year that nobody answered; NaN in a book without any.

    An event is answered by an interaction or a new contract between the day before the firm knew and `ANSWER_DAYS`
    after it; one whose days are not over is not missed yet. It is worth what such events brought before: contracts
    opened in the `MOMENT_MONTHS` after it, less those that clients open in as long a time anyway, at the mean margin of
    a contract.
    """
    if not book.has("life_events"):
        return pd.Series(np.nan, index=clients, dtype=float)
    events = book.execute(book.as_known("life_events", cut).select("client_id", "kind", "known_on")).to_pandas()
    events["known_on"] = pd.to_datetime(events["known_on"])
    contracts = book.as_known("contracts", cut)
    opened = book.execute(contracts.select("client_id", day=contracts.opened_on)).to_pandas()
    opened["day"] = pd.to_datetime(opened["day"])
    worth = _moment_values(events, opened, pd.Timestamp(cut), _clients_since(book, cut)) * _mean_margin(earned)
    over = pd.Timestamp(cut) - pd.Timedelta(days=ANSWER_DAYS)
    recent = events[(events["known_on"] >= pd.Timestamp(shift(cut, -YEAR))) & (events["known_on"] <= over)]
    recent = recent.drop_duplicates(["client_id", "kind"]).reset_index(drop=True)
    seen = [opened]
    if book.has("interactions"):
        contacts = book.as_known("interactions", cut)
        contacts = contacts.filter(contacts.kind != "survey")  # what asks about events does not answer them
        seen.append(book.execute(contacts.select("client_id", day=contacts["at"])).to_pandas())
    seen = [part[part["client_id"].isin(recent["client_id"])] for part in seen]
    answers = pd.concat([part.assign(day=pd.to_datetime(part["day"])) for part in seen])
    answered = _followed(recent, answers, pd.Timedelta(days=-1), pd.Timedelta(days=ANSWER_DAYS))
    missed = recent.loc[~answered].assign(worth=recent["kind"].map(worth)).groupby("client_id")["worth"].sum()
    return missed.reindex(clients).fillna(0.0)


def _moment_values(events: pd.DataFrame, opened: pd.DataFrame, cut: pd.Timestamp, since: pd.Series) -> pd.Series:
    """Return, per kind of event, how many more contracts than usual are opened after it; nothing of rare kinds."""
    span = pd.DateOffset(months=MOMENT_MONTHS)
    past = events[events["known_on"] <= cut - span].reset_index(drop=True)
    joined = past.assign(row=past.index).merge(opened, on="client_id")
    after = joined[(joined["day"] > joined["known_on"]) & (joined["day"] <= joined["known_on"] + span)]
    past["opened"] = after.groupby("row").size().reindex(past.index).fillna(0.0)
    kinds = past.groupby("kind")["opened"].agg(["mean", "size"])
    # what all clients open, over the time that they were clients
    months = (cut - since).dt.days.clip(lower=1).sum() / 30.4375
    usual = len(opened[opened["day"] > opened["client_id"].map(since)]) / months * MOMENT_MONTHS if months else 0.0
    return (kinds["mean"] - usual).clip(lower=0.0)[kinds["size"] >= LEAST_EVENTS]


def _followed(events: pd.DataFrame, facts: pd.DataFrame, low: pd.Timedelta, high: pd.Timedelta) -> pd.Series:
    joined = events.assign(row=events.index).merge(facts, on="client_id")
    inside = (joined["day"] >= joined["known_on"] + low) & (joined["day"] <= joined["known_on"] + high)
    return pd.Series(events.index.isin(joined.loc[inside, "row"]), index=events.index)


def _clients_since(book: Book, cut: dt.date) -> pd.Series:
    clients = book.execute(book.as_known("clients", cut).select("client_id", "joined_on")).to_pandas()
    return pd.to_datetime(clients.set_index("client_id")["joined_on"])


def _held(book: Book, cut: dt.date) -> ir.Table:
    """Return the contracts in force at a cut with their family, and whether their margin is earned on balances."""
    contracts = book.as_known("contracts", cut)
    contracts = contracts.filter(
        contracts.opened_on < cut, contracts.closed_on.isnull() | (contracts.closed_on >= ibis.literal(cut))
    )
    rows = contracts.join(book.table("products").select("product_id", "family", "margin_kind"), "product_id")
    on_balance = (rows.margin_kind == "rate") & (rows.family != CREDIT)
    return rows.select("contract_id", "client_id", "family", on_balance=on_balance)


def _wallets(book: Book, cut: dt.date) -> ir.Table:
    """Return clients with their kind, assets of the last month and newest net worth."""
    balances = book.as_known("balances", cut)
    newest = balances.filter(balances.month == ibis.literal(shift(cut, -1))).select("contract_id", "balance")
    held = _held(book, cut)
    assets = held.filter(held.family != CREDIT).join(newest, "contract_id")
    assets = assets.group_by("client_id").agg(assets=assets.balance.sum().cast("float64"))
    facts = book.as_known("client_facts", cut)
    newer = facts.known_on.lead().over(ibis.window(group_by="client_id", order_by="known_on"))
    facts = facts.mutate(newer=newer)
    declared = facts.filter(facts.newer.isnull()).select("client_id", net_worth=facts.net_worth.cast("float64"))
    clients = book.as_known("clients", cut).select("client_id", "kind")
    rows = clients.join(declared, "client_id").left_join(assets, "client_id")
    return rows.select("client_id", "kind", "net_worth", "assets")


def _balance_yield(book: Book, cut: dt.date) -> float:
    """Return what a unit of balances earns in a year, less its costs; NaN where there were none."""
    held, balances = _held(book, cut), book.as_known("balances", cut)
    year = balances.filter(balances.month >= ibis.literal(shift(cut, -YEAR)))
    rows = held.filter(held.on_balance).join(year, "contract_id")
    sums = rows.agg(
        profit=(rows.revenue - rows.cost.fill_null(0)).sum().cast("float64"),
        balance=rows.balance.sum().cast("float64"),
    )
    (row,) = book.execute(sums).to_pylist()
    return YEAR * row["profit"] / row["balance"] if row["balance"] and row["balance"] > 0 else float("nan")


def family_profits(book: Book, cut: dt.date) -> pd.DataFrame:
    """Return what contracts in force brought in 12 months: `family`, `on_balance`, `profit`, `clients`, `contracts`.

    `on_balance`: the margin is earned on money held with us. Without balances, profit is not known (NaN).
    """
    profits, held = contract_profits(book, cut), _held(book, cut)
    if profits is None:
        rows = held.mutate(profit=ibis.null("float64"))
    else:
        rows = held.left_join(profits.select("contract_id", "profit"), "contract_id")
    grouped = rows.group_by("family", "on_balance").agg(
        profit=rows.profit.sum().cast("float64"), clients=rows.client_id.nunique(), contracts=rows.count()
    )
    found = book.execute(grouped.order_by("family", "on_balance")).to_pandas()
    return found if profits is None else found.fillna({"profit": 0.0})


def _family_margins(earned: pd.DataFrame) -> dict[str, float]:
    """Return the yearly profit of a client in each family that is not about balances; of families held by enough."""
    rows = earned[~earned["on_balance"] & (earned["clients"] >= LEAST_CLIENTS)].dropna(subset=["profit"])
    margins = (rows["profit"] / rows["clients"]).clip(lower=0.0)
    return dict(zip(rows["family"].astype(str), margins.tolist(), strict=True))


def _mean_margin(earned: pd.DataFrame) -> float:
    """Return the mean yearly profit of a contract in force; NaN where it is not known."""
    contracts = int(earned["contracts"].sum())
    return max(float(earned["profit"].sum(skipna=False)) / contracts, 0.0) if contracts else float("nan")
