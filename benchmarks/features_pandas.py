"""The columns of the feature pipeline for one cut, as a careful analyst writes them in pandas.

    python benchmarks/features_pandas.py BOOK SPINE OUT       # OUT: Parquet

Each table is read once, the needed columns and months only, ids as categories; each is then grouped once by client,
conditions being columns. No `apply`, no loop over rows. Money is summed in whole cents held as floats, which is exact.
Written from the meaning of each column, not from the pipeline's code.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from features_pandas_book import DECLARED, Clients, Cut, Facts, read
from features_pandas_contracts import bundles, contract_days, contracts_of, holdings, households
from features_pandas_money import client_months, money

Coverage = Sequence[tuple[str, str, Sequence[str]]]
"""Segments in the order in which they are tried: name, SQL condition, families that its clients should hold."""

CHANNELS = ("branch", "phone", "email", "app", "post")
EVENTS = (
    *("birth", "marriage", "divorce", "death_in_family", "inheritance"),
    *("graduation", "new_home", "move", "job_change", "retirement"),
)
BANDS = {18: "0–17", 26: "18–25", 36: "26–35", 46: "36–45", 56: "46–55", 66: "56–65", 76: "66–75"}
HELPERS = ["opened", "closed", "held_since", "next_end", "now", "flow_3", "flow_6", "flow_12", "level_7", "event"]
HELPERS += ["household_now", "then"]


def contacts(book: Path, cut: Cut, clients: Clients) -> tuple[pd.DataFrame, pd.Series]:
    """Return contacts, complaints, claims and answers; and the day of the last review."""
    columns = ["interaction_id", "client_id", "at", "channel", "kind", "nps", "outcome", "outcome_on", "known_on"]
    rows = clients.with_places(read(book, "interactions", columns, [("at", "<", cut.day.date())]))
    rows = rows[rows["known_on"].fillna(rows["at"]) < cut.day]
    day, claim, complaint = rows["at"], rows["kind"] == "claim", rows["kind"] == "complaint"
    advisor = rows["kind"].isin(["visit", "call", "review", "meeting"])
    quarter, year = cut.lately(day, 3), cut.lately(day, 12)
    ended = rows["outcome_on"] < cut.day
    flags = {
        "contacts_3m": quarter,
        "contacts_12m": year,
        **{f"contacts_{channel}_12m": year & (rows["channel"] == channel) for channel in CHANNELS},
        "advisor_contacts_12m": year & advisor,
        "complaints_3m": quarter & complaint,
        "complaints_12m": year & complaint,
        "claims_12m": year & claim,
        "claims_open": claim & ~ended,
        "claims_refused_12m": claim & (rows["outcome"] == "refused") & cut.lately(rows["outcome_on"], 12),
    }
    days = {
        "contact": day,
        "advisor": day.where(advisor),
        **{kind: day.where(rows["kind"] == kind) for kind in ("call", "review", "complaint", "claim")},
    }
    found = clients.counts(flags, rows)
    newest = pd.DataFrame(days).groupby(rows["c"]).max()
    for name in newest:
        found[f"months_since_{name}"] = cut.since(newest[name])
    answers = rows.loc[rows["nps"].notna(), ["c", "at", "interaction_id", "nps"]].sort_values(["at", "interaction_id"])
    answers["nps_change"] = answers.groupby("c")["nps"].diff()
    last = answers.drop_duplicates("c", keep="last").set_index("c")
    found = found.join(last[["nps", "nps_change"]].rename(columns={"nps": "last_nps"}))
    return found, newest["review"]


def offers(book: Path, cut: Cut, clients: Clients) -> pd.DataFrame:
    columns = ["client_id", "made_on", "held_out", "outcome", "outcome_on"]
    rows = clients.with_places(read(book, "offers", columns, [("made_on", "<", cut.day.date())]))
    rows = rows[~rows["held_out"].fillna(False).astype(bool) & (rows["c"] >= 0)]
    lately = cut.lately(rows["made_on"], 12)
    answered = rows["outcome"].isin(["accepted", "refused"]) & (rows["outcome_on"] < cut.day)
    found = clients.counts({"offers_12m": lately, "offers_unanswered_12m": lately & ~answered}, rows)
    found["months_since_offer"] = cut.since(rows.groupby("c")["made_on"].max())
    return found


def events(book: Path, cut: Cut, clients: Clients, reviewed: pd.Series) -> pd.DataFrame:
    """Return life events, and the day of the last one that has happened."""
    columns = ["client_id", "kind", "occurred_on", "known_on", "source"]
    rows = clients.with_places(read(book, "life_events", columns, [("known_on", "<", cut.day.date())]))
    day, past = rows["occurred_on"], rows["occurred_on"] < cut.day
    review = reviewed.reindex(rows["c"]).to_numpy()
    flags = {
        "events_12m": cut.lately(day, 12),
        "events_learnt_3m": cut.lately(rows["known_on"], 3),
        "events_ahead": ~past,
        "events_since_review": np.isnat(review) | (rows["known_on"].to_numpy() >= review),
    }
    happened = day.where(past)
    days = {
        "event": happened,
        **{kind: happened.where(rows["kind"] == kind) for kind in EVENTS},
        "questionnaire": rows["known_on"].where(rows["source"] == "questionnaire"),
    }
    minor = happened.where((rows["kind"] == "birth") & (day >= cut.before(18 * 12)))
    found = clients.counts(flags, rows)
    newest = pd.DataFrame(days).groupby(rows["c"]).max()
    for name in newest:
        found[f"months_since_{name}"] = cut.since(newest[name])
    found["months_to_majority"] = 18 * 12 - cut.lag(minor.groupby(rows["c"]).min())
    return found.join(newest["event"])


def person(clients: Clients, cut: Cut, facts: Facts) -> pd.DataFrame:
    who = clients.rows
    age = (cut.since(who["birth_date"]) // 12).where(who["birth_date"] < cut.day)
    ahead = 64 * 12 - cut.lag(who["birth_date"])
    working = (who["kind"] == "person") & (who["birth_date"] < cut.day) & (ahead >= 0)
    found = pd.DataFrame(
        {
            "age": age,
            "age_band": pd.cut(age, [-1, *(end - 1 for end in BANDS), 999], labels=[*BANDS.values(), "76+"]),
            "client_kind": who["kind"],
            "source": who["source"],
            "months_to_retirement": ahead.where(working),
            "tenure": cut.since(who["joined_on"]),
            "months_to_anniversary": (who["joined_on"].dt.month - cut.day.month) % 12,
        }
    )
    found = found.where(clients.known).join(facts.now[[*DECLARED]])
    found["months_since_declared"] = cut.since(facts.now["known_on"])
    found["was_referred"] = who["referred_by"].notna() & clients.known
    return found


def coverage_of(rows: pd.DataFrame, coverage: Coverage) -> pd.DataFrame:
    """Return each client's segment and what it misses of the segment's families."""
    conditions, names, gaps, rates = [], [], [], []
    for name, when, wanted in coverage:
        as_pandas = when.replace(" AND ", " and ").replace(" OR ", " or ").replace(" = ", " == ")
        conditions.append(
            np.ones(len(rows), dtype=bool) if when == "TRUE" else rows.eval(as_pandas).to_numpy(dtype=bool)
        )
        held = rows[[f"holds_{family}" for family in set(wanted)]].sum(axis=1)
        names.append(name)
        gaps.append(len(set(wanted)) - held)
        rates.append(held / len(set(wanted)))
    return pd.DataFrame(
        {
            "coverage_segment": np.select(conditions, names, default=None),
            "coverage_gap": np.select(conditions, gaps, default=np.nan),
            "coverage_rate": np.select(conditions, rates, default=np.nan),
        },
        index=rows.index,
    )


def build(book: Path, spine: Path, coverage: Coverage = ()) -> pd.DataFrame:
    """Return the columns for the clients of a spine, a Parquet file of `client_id` and one `cut`, in its order."""
    asked = pd.read_parquet(spine)
    cut = Cut(asked["cut"].iloc[0])
    clients = Clients(book, cut)
    products = read(book, "products", ["product_id", "family"])
    families = products["family"].cat.categories
    contracts = contracts_of(book, cut, clients, products)
    facts = Facts(book, cut, clients)
    holds, held = holdings(contracts, cut, clients.index.size, products)
    days = contract_days(contracts, cut, clients, families)
    credit = families.get_loc("credit") if "credit" in families else -1
    months, last = client_months(book, cut, contracts, credit)
    of_money = money(months, last, clients, families, facts)
    touched, reviewed = contacts(book, cut, clients)
    happened = events(book, cut, clients, reviewed)
    sums = households(
        clients,
        cut,
        {"days": days, "money": of_money, "events": happened},
        held,
        products["family"].cat.codes.to_numpy(),
    )
    parts = [holds, bundles(held), days, of_money, touched, offers(book, cut, clients), happened]
    every = pd.concat([*parts, person(clients, cut, facts)], axis=1)
    every = every.join(coverage_of(every.rename(columns={"client_kind": "kind"}), coverage))
    place = clients.index.get_indexer(asked["client_id"])
    own = every.iloc[place].reset_index(drop=True)
    of_household = sums.reindex(clients.household.where(clients.known).iloc[place]).reset_index(drop=True)
    counted = [name for name in of_household if not name.startswith("months_") and "change" not in name]
    of_household[counted] = of_household[counted].fillna(0)
    turn = 2 * math.pi * (cut.index % 12) / 12
    asked["season_sin"], asked["season_cos"] = round(math.sin(turn), 12), round(math.cos(turn), 12)
    return pd.concat([asked.drop(columns="cut"), own, of_household], axis=1).drop(columns=HELPERS)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("book", type=Path)
    parser.add_argument("spine", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--coverage", type=json.loads, default=[], help="JSON: [[segment, condition, [family, …]], …]")
    chosen = parser.parse_args()
    build(chosen.book, chosen.spine, chosen.coverage).to_parquet(chosen.out)


if __name__ == "__main__":
    main()
