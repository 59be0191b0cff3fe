"""A month's reports: 500 advisors with 200 clients each, in French and English, pages and call lists.

Written by `write_reports` from a drawn book and drawn scores, in one process and in two, and beside them, named
alternatives on a share of the same clients: the same templates rendered as Jinja does by itself, and pandas'
`DataFrame.to_html` and `to_excel` over the bare figures of the call lists, which have no sheets, no reasons, and
nothing in words.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import platform
import resource
import tempfile
import time
from pathlib import Path
from unittest import mock

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from jinja2.runtime import Context

from appetence.book import Book, open_book
from appetence.config import BookSettings, ReportSettings
from appetence.months import Month
from appetence.reports import pages as reports_pages
from appetence.reports.data import ModelNote, PublishedScores, Run
from appetence.reports.history import History
from appetence.reports.write import write_reports

MONTH = Month.parse("2024-12")
CLIENTS_EACH, TEAM, BRANCH, REGION = 200, 8, 24, 120  # clients per advisor, advisors per team, branch and region
PRODUCTS = [f"p{i:02}" for i in range(14)]
REASONS = 6
THEMES = ("tenure", "holdings", "flows", "contact", "life_events", "complaints")


def draw_book(advisors: int, directory: Path, rng: np.random.Generator) -> None:
    """Write a book: each client has three contracts with a year of balances, declared facts and four contacts."""
    directory.mkdir()
    n = advisors * CLIENTS_EACH
    ids = np.array([f"{i:08}" for i in range(n)])
    owner = np.array([f"A{i // CLIENTS_EACH:04}" for i in range(n)])
    names = [
        f"{rng.choice(['Zoé', 'Luc', 'Inès', 'Aïcha'])} {rng.choice(['Martin', 'Petit', 'Moreau'])} {i}"
        for i in range(n)
    ]

    def days(size: int, first: int, last: int) -> np.ndarray:
        return np.datetime64("2024-12-31") - rng.integers(first, last, size).astype("timedelta64[D]")

    def write(table: str, /, **columns: object) -> None:
        pq.write_table(pa.table(columns), directory / f"{table}.parquet")

    joined = days(n, 400, 8000)
    write(
        "clients",
        client_id=ids,
        household_id=[f"H{i // 2}" for i in range(n)],
        advisor_id=owner,
        kind=["person"] * n,
        name=names,
        birth_date=days(n, 8000, 30000),
        joined_on=joined,
    )
    who = range(advisors)
    write(
        "advisors",
        advisor_id=[f"A{i:04}" for i in who],
        name=[f"Advisor {i}" for i in who],
        team=[f"Team {i // TEAM}" for i in who],
        branch=[f"Branch {i // BRANCH}" for i in who],
        region=[f"Region {i // REGION}" for i in who],
    )
    labels = [f"Product {i}" for i in range(len(PRODUCTS))]
    write(
        "products",
        product_id=PRODUCTS,
        label_en=labels,
        label_fr=[f"Produit {i}" for i in range(len(PRODUCTS))],
        family=[f"f{i % 5}" for i in range(len(PRODUCTS))],
        annual_margin=pa.array([50.0] * len(PRODUCTS), pa.float64()),
        margin_kind=["amount"] * len(PRODUCTS),
    )
    contracts = [f"K{i}" for i in range(3 * n)]
    ends = np.where(rng.random(3 * n) < 0.1, days(3 * n, -900, -20), np.datetime64("NaT"))
    write(
        "contracts",
        contract_id=contracts,
        client_id=np.repeat(ids, 3),
        product_id=rng.choice(PRODUCTS, 3 * n),
        opened_on=np.repeat(joined, 3),
        closed_on=pa.nulls(3 * n, pa.date32()),
        ends_on=pa.array(ends.astype("datetime64[D]")),
    )
    months = np.arange("2024-01", "2025-01", dtype="datetime64[M]").astype("datetime64[D]")
    write(
        "balances",
        contract_id=np.repeat(contracts, 12),
        month=np.tile(months, 3 * n),
        balance=np.round(rng.lognormal(8, 1.5, 36 * n), 2),
        net_flow=np.round(rng.normal(0, 100, 36 * n), 2),
        revenue=np.full(36 * n, 5.0),
        cost=np.full(36 * n, 1.0),
    )
    write(
        "client_facts",
        client_id=ids,
        known_on=joined,
        income=np.round(rng.lognormal(10.3, 0.5, n), 2),
        net_worth=np.round(rng.lognormal(11, 1, n), 2),
        marital_status=rng.choice(["married", "single"], n),
        children=rng.integers(0, 4, n),
        occupation=rng.choice(["employee", "manager", "retired"], n),
        risk_tolerance=rng.integers(1, 6, n),
    )
    write(
        "interactions",
        interaction_id=[f"I{i}" for i in range(4 * n)],
        client_id=np.repeat(ids, 4),
        at=days(4 * n, 1, 700),
        channel=rng.choice(["phone", "email", "branch"], 4 * n),
        kind=rng.choice(["call", "email", "visit", "review", "complaint"], 4 * n, p=[0.4, 0.3, 0.2, 0.08, 0.02]),
    )
    known = days(n // 4, 1, 360)
    write(
        "life_events",
        client_id=ids[::4][: len(known)],
        kind=["new_home"] * len(known),
        occurred_on=known,
        known_on=known,
    )


def draw_scores(advisors: int, rng: np.random.Generator) -> PublishedScores:
    """Draw what was published, a year of months included; each client has five questions with six reasons each."""
    n = advisors * CLIENTS_EACH
    ids = np.array([f"{i:08}" for i in range(n)])
    owner = np.array([f"A{i // CLIENTS_EACH:04}" for i in range(n)])
    risk = rng.beta(1, 25, n)
    order = np.argsort(np.argsort(-risk)) / n
    tier = np.where(order < 0.1, "high", np.where(order < 0.3, "medium", "low"))
    value = np.round(rng.lognormal(7, 1, n), 2)
    clients = pa.table(
        {
            "client_id": ids,
            "advisor_id": owner,
            "attrition_probability": risk,
            "attrition_tier": tier,
            "past_profit": np.round(rng.normal(200, 100, n), 2),
            "lifetime_value": value,
            "potential": np.round(rng.lognormal(4, 1, n), 2),
            "erosion_probability": rng.beta(1, 10, n),
            "expected_outflow": np.round(rng.lognormal(6, 2, n), 2),
        }
    )
    chosen = np.sort(rng.permuted(np.tile(np.arange(len(PRODUCTS)), (n, 1)), axis=1)[:, :3], axis=1).ravel()
    offers = pa.table(
        {
            "client_id": np.repeat(ids, 3),
            "product_id": np.array(PRODUCTS)[chosen],
            "purchase": ["first"] * 3 * n,
            "probability": rng.beta(1, 20, 3 * n),
            "expected_value": np.round(rng.lognormal(3, 1, 3 * n), 2),
            "modelled": [True] * 3 * n,
        }
    )
    products = pa.table(
        {
            "product_id": PRODUCTS,
            "purchase": ["first"] * len(PRODUCTS),
            "eligible": [n] * len(PRODUCTS),
            "buyers": [n / 20] * len(PRODUCTS),
            "average": [0.05] * len(PRODUCTS),
            "value": [1000.0] * len(PRODUCTS),
            "modelled": [True] * len(PRODUCTS),
        }
    )
    questions = ["attrition", "erosion", *(f"buy:{product}" for product in PRODUCTS)]
    asked = np.column_stack([np.zeros(n, int), np.ones(n, int), 2 + chosen.reshape(n, 3)]).ravel()
    rows = len(asked) * (REASONS + 1)
    amounts = rng.integers(1, 99, rows)
    theme = np.tile(np.array(["baseline", *THEMES[: REASONS - 1], "other"]), len(asked))
    reasons = pa.table(
        {
            "client_id": np.repeat(np.repeat(ids, 5), REASONS + 1),
            "question": np.array(questions)[np.repeat(asked, REASONS + 1)],
            "theme": theme,
            "points": rng.normal(0, 2, rows),
            "actionable": rng.random(rows) < 0.5,
            "text_en": [f"Assets have fallen by {a}% in 6 months" for a in amounts],
            "text_fr": [f"Les encours ont baissé de {a} % en 6 mois" for a in amounts],
        }
    )
    notes = {question: ModelNote(question, "classifier", {"en": "Good.", "fr": "Bon."}) for question in questions}
    run = Run(
        "run", MONTH, "0" * 64, "1", 0, notes, {"attrition": 6, "buy": 6, "erosion": 6}, {"high": 0.1, "medium": 0.2}
    )
    return PublishedScores(run, clients, products, offers, reasons, history=draw_history(clients, offers, rng))


def draw_history(clients: pa.Table, offers: pa.Table, rng: np.random.Generator) -> History:
    names = ("client_id", "advisor_id", "attrition_probability", "attrition_tier", "lifetime_value")
    n = clients.num_rows
    before = clients.select(names).set_column(
        3, "attrition_tier", pa.array(rng.choice(["high", "low"], n, p=[0.1, 0.9]))
    )
    asked = offers.select(["client_id", "product_id", "probability"])
    asked = asked.append_column("average", pa.array(np.full(3 * n, 0.05))).append_column("modelled", offers["modelled"])
    advisors = np.unique(clients["advisor_id"].to_numpy(zero_copy_only=False))
    months = [str(MONTH - back) for back in range(12)]
    figures = ("clients", "leavers", "high", "medium", "at_stake", "lifetime_value", "outflow", "potential")
    rows = len(advisors) * len(months)
    trend = {name: rng.integers(100, 10**6, rows) for name in figures} | {"clients": np.full(rows, CLIENTS_EACH)}
    where = {"month": np.repeat(months, len(advisors)), "advisor_id": np.tile(advisors, len(months))}
    return History(MONTH - 1, before, asked, pa.table(where | trend))


def timed(published: PublishedScores, book: Book, processes: int) -> dict[str, float]:
    """Write all reports, and return seconds, processor seconds of all processes, and megabytes written."""
    with tempfile.TemporaryDirectory() as folder:
        spent = _processor()
        started = time.perf_counter()
        index = write_reports(published, book, ReportSettings(directory=folder), title="Bank", processes=processes)
        seconds = time.perf_counter() - started
        size = sum(path.stat().st_size for path in Path(folder).rglob("*.*")) / 2**20
        assert index.clients == published.clients.num_rows
    return {"s": seconds, "processor s": _processor() - spent, "MB": size, "pages": index.pages}


def _processor() -> float:
    own, children = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def by_pandas(published: PublishedScores) -> float:
    """Return processor seconds for each client's bare figures as HTML and as a workbook, twice for two languages."""
    frame: pd.DataFrame = published.clients.to_pandas()
    best = published.offers.to_pandas().groupby("client_id", sort=False).head(1)
    frame = frame.merge(best, on="client_id")
    spent = _processor()
    with tempfile.TemporaryDirectory() as folder:
        for advisor, clients in frame.groupby("advisor_id"):
            for language in ("fr", "en"):
                clients.to_html(Path(folder, f"{advisor}-{language}.html"), index=False, escape=True)
                clients.to_excel(Path(folder, f"{advisor}-{language}.xlsx"), index=False, engine="xlsxwriter")
    return _processor() - spent


def by_plain_jinja(published: PublishedScores, book: Book) -> float:
    """Return processor seconds where Jinja calls from its templates as it does by itself."""
    with mock.patch.object(reports_pages._PlainContext, "call", Context.call):
        return timed(published, book, 1)["processor s"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", type=float, default=1.0, help="of 500 advisors")
    parser.add_argument("--share", type=float, default=0.1, help="of the advisors, for what is compared")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    advisors = max(int(500 * options.scale), 4)
    few = max(int(advisors * options.share), 2)
    print(
        f"{advisors} advisors × {CLIENTS_EACH} clients × 2 languages; {os.cpu_count()} processors, "
        f"{platform.machine()}, load {os.getloadavg()[0]:.1f}, {dt.datetime.now(tz=dt.UTC):%Y-%m-%d}"
    )
    figures: dict[str, float] = {}
    for name, count in (("some", few), ("all", advisors)):
        rng = np.random.default_rng(options.seed)
        with tempfile.TemporaryDirectory() as folder:
            draw_book(count, Path(folder, "book"), rng)
            published = draw_scores(count, rng)
            observed = {"observed_from": dt.date(2003, 1, 1), "observed_until": MONTH.cut}
            with open_book(BookSettings(directory=str(Path(folder, "book")), **observed)) as book:
                if name == "some":
                    timed(published, book, 1)  # templates are compiled once
                    own = timed(published, book, 1)
                    clients = count * CLIENTS_EACH
                    figures["ms per sheet and language, one process"] = 1000 * own["processor s"] / clients / 2
                    figures["plain Jinja / own, processor time"] = by_plain_jinja(published, book) / own["processor s"]
                    figures["own / pandas without sheets, processor time"] = own["processor s"] / by_pandas(published)
                else:
                    told = timed(published, book, options.processes)
                    figures |= {f"all, {options.processes} processes, {unit}": value for unit, value in told.items()}
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
    figures["peak of the parent, MB"] = peak
    figures["peak of a child, inherited pages included, MB"] = (
        resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**10
    )
    for name, value in figures.items():
        print(f"{name:50} {value:12,.2f}")
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
