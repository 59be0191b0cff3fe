"""Contracts in the pandas contender of `benchmarks/features.py`: holdings, days, bundles and households."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from features_pandas_book import CHANGES, Clients, Cut, places, read, share


def contracts_of(book: Path, cut: Cut, clients: Clients, products: pd.DataFrame) -> pd.DataFrame:
    """Return all contracts as known at the cut; `known` says which were."""
    days = ["opened_on", "closed_on", "ends_on", "known_on", "closing_known_on"]
    rows = clients.with_places(read(book, "contracts", ["contract_id", "client_id", "product_id", *days]))
    rows["product"] = places(rows["product_id"], pd.Index(products["product_id"].astype("str")))
    rows["family"] = products["family"].cat.codes.to_numpy()[rows["product"]]
    rows["opening_known"] = rows["known_on"].fillna(rows["opened_on"]) < cut.day
    rows["known"] = rows["opening_known"] & (rows["opened_on"] < cut.day)
    told = rows["closing_known_on"].fillna(rows["closed_on"]) < cut.day
    rows["closed_on"] = rows["closed_on"].where(told)
    rows["held"] = rows["known"] & (rows["closed_on"].isna() | (rows["closed_on"] >= cut.day))
    return rows


def marked(rows: pd.DataFrame, where: pd.Series, column: str, shape: tuple[int, int]) -> np.ndarray:
    """Return a table of clients by products (or families): whether there is a row."""
    found = np.zeros(shape, dtype=bool)
    found[rows["c"].to_numpy()[where], rows[column].to_numpy()[where]] = True
    return found


def holdings(rows: pd.DataFrame, cut: Cut, n_clients: int, products: pd.DataFrame) -> tuple[pd.DataFrame, np.ndarray]:
    """Return what each client holds, was opened and closed; and the table of clients by products held."""
    shapes = {"product": (n_clients, len(products)), "family": (n_clients, products["family"].cat.categories.size)}
    held = {name: marked(rows, rows["held"], name, shape) for name, shape in shapes.items()}
    found = pd.DataFrame({"products_held": held["product"].sum(axis=1), "families_held": held["family"].sum(axis=1)})
    for months in CHANGES:
        day = cut.before(months)
        then = rows["known"] & (rows["opened_on"] < day) & (rows["closed_on"].isna() | (rows["closed_on"] >= day))
        for name, shape in shapes.items():
            what = {"product": "products", "family": "families"}[name]
            before = marked(rows, then, name, shape).sum(axis=1)
            found[f"{what}_change_{months}m"] = found[f"{what}_held"] - before
    for number, family in enumerate(products["family"].cat.categories):
        found[f"holds_{family}"] = held["family"][:, number]
    return found, held["product"]


def contract_days(rows: pd.DataFrame, cut: Cut, clients: Clients, families: pd.Index) -> pd.DataFrame:
    """Return counts and days of each client's contracts."""
    rows = rows[rows["known"]]
    closed = rows["closed_on"] < cut.day
    ahead = rows["ends_on"] >= cut.day
    flags = {
        "contracts_held": rows["held"],
        **{f"opened_{m}m": cut.lately(rows["opened_on"], m) for m in CHANGES},
        **{f"closed_{m}m": cut.lately(rows["closed_on"], m) for m in CHANGES},
        "closings_announced": rows["closed_on"] >= cut.day,
        "ending_6m": rows["held"] & ahead & (rows["ends_on"] < cut.before(-6)),
    }
    counts = clients.counts(flags, rows)
    newest = pd.DataFrame({"opened": rows["opened_on"], "closed": rows["closed_on"].where(closed)})
    newest = newest.groupby(rows["c"]).max()
    anniversary = (rows["opened_on"].dt.month - cut.day.month) % 12
    first = pd.DataFrame(
        {
            "held_since": rows["opened_on"].where(rows["held"]),
            "next_end": rows["ends_on"].where(rows["held"] & ahead),
            "months_to_contract_anniversary": anniversary.where(rows["held"]),
        }
    )
    first = first.groupby(rows["c"]).min()
    found = counts.join(newest).join(first)
    found["oldest_contract"] = cut.since(found["held_since"])
    found["months_since_opening"] = cut.since(found["opened"])
    found["months_since_closing"] = cut.since(found["closed"])
    found["months_to_end"] = -cut.lag(found["next_end"])
    by_family, kind = ["c", "family"], rows["opened_on"].dtype  # which a family without a contract would lose
    opened = rows.groupby(by_family)["opened_on"].max().unstack().reindex(columns=range(len(families))).astype(kind)
    since = (
        rows[rows["held"]]
        .groupby(by_family)["opened_on"]
        .min()
        .unstack()
        .reindex(columns=range(len(families)))
        .astype(kind)
    )
    for number, family in enumerate(families):
        found[f"months_since_{family}_opening"] = cut.since(opened[number])
        found[f"tenure_{family}"] = cut.since(since[number])
    return found


def bundles(held: np.ndarray) -> pd.DataFrame:
    """Return how often the products a client holds are held together, against chance, by the whole book."""
    holders = held.sum(axis=0)
    together = held.T.astype("float64") @ held.astype("float64")
    everyone = held.any(axis=1).sum()
    strongest = np.full(len(held), np.nan)
    count = np.zeros(len(held))
    for one in range(len(holders)):
        for other in range(one + 1, len(holders)):
            if together[one, other] >= 30:
                lift = everyone * together[one, other] / (holders[one] * holders[other])
                both = held[:, one] & held[:, other]
                strongest[both] = np.fmax(strongest[both], lift)
                count += both & (lift > 1)
    return pd.DataFrame({"bundle_lift": strongest, "bundles_held": count})


def households(
    clients: Clients, cut: Cut, parts: Mapping[str, pd.DataFrame], held: np.ndarray, family_of: np.ndarray
) -> pd.DataFrame:
    """Return each client's household, summed over its clients who had joined."""
    days, months = parts["days"], parts["money"]
    gone = (days["contracts_held"] == 0) & days["closed"].notna()
    rows = pd.DataFrame(
        {
            "household": clients.household,
            "household_members": days["contracts_held"] > 0,
            "household_opened_6m": days["opened_6m"],
            "household_closed_6m": days["closed_6m"],
            "household_left_12m": gone & (days["closed"] >= cut.before(12)),
            "household_now": months["now"],
            "household_net_flow_6m": months["net_flow_6m"],
            "household_credit": months["credit_outstanding"],
            "household_events_12m": parts["events"]["events_12m"],
        }
    )[clients.known]
    grouped = rows.groupby("household")
    found = grouped.sum()
    found["then"] = months["level_7"][clients.known].groupby(rows["household"]).sum(min_count=1)
    latest = pd.DataFrame({"exit": days["closed"].where(gone), "event": parts["events"]["event"]})
    latest = latest[clients.known].groupby(rows["household"]).max()
    products = pd.DataFrame(held).groupby(clients.household.where(clients.known)).any().to_numpy()
    found["household_products"] = products.sum(axis=1)
    found["household_families"] = sum(products[:, family_of == f].any(axis=1) for f in np.unique(family_of))
    found["household_assets"] = found["household_now"] / 100
    found["household_assets_change_6m"] = share(found["household_now"].clip(lower=0) - found["then"], found["then"])
    found["months_since_household_exit"] = cut.since(latest["exit"])
    found["months_since_household_event"] = cut.since(latest["event"])
    return found
