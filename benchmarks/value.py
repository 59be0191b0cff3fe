"""What every client is worth, at full size: survival curves, terms of the value, past profit, values of sales.

    make bench NAME=value                # or: python benchmarks/value.py [--scale 0.1] [--json FILE]

The book is that of the feature benchmark (`feature_book.py`): a million clients, 24 months, three million contracts.
Probabilities of leaving and of erosion are drawn, for a model's cost is another benchmark's. Beside stands what one
would write first: contracts in pandas, and a loop over the 60 months that adds up margins, losses and what is paid
back. Both start from the same survival curves, and their values must agree. Each runs in a process of its own; the peak
of memory is the process's.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from appetence.book import open_book
from appetence.config import BookSettings, ValueSettings
from appetence.features.population import population
from appetence.models.curves import History
from appetence.value.clients import Expected, client_annuities, value_clients
from appetence.value.credit import default_rate, loss_given_default
from appetence.value.lifetime import monthly_pace, sale_value, tail_factor
from appetence.value.margins import held_contracts, product_economics
from appetence.value.profit import client_profits

CUT = dt.date(2024, 7, 1)
SETTINGS = ValueSettings()


def drawn(clients: int) -> tuple[np.ndarray, Expected]:
    rng = np.random.default_rng(1)
    return rng.beta(1, 20, clients), Expected(rng.beta(1, 20, clients), 6, rng.uniform(0.2, 1.0, clients))


def work(directory: Path, way: str) -> dict[str, float]:
    """Value the book in one way, and tell the seconds of each step."""
    told: dict[str, float] = {}
    clock = time.perf_counter()

    def done(step: str) -> None:
        nonlocal clock
        told[step], clock = time.perf_counter() - clock, time.perf_counter()

    with open_book(BookSettings(directory=str(directory))) as book:
        ids = population(book, [CUT])["client_id"].combine_chunks()
        leaving, erosion = drawn(len(ids))
        done("open the book, find its clients")
        history = History.of(book, CUT)
        staying = history.curves(ids, leaving, 6, SETTINGS.horizon).staying
        done("survival curves")
        if way == "ours":
            worth = client_annuities(history, ids, staying, SETTINGS, erosion)
            total = value_clients(book, CUT, ids, worth, staying, SETTINGS).total
            done("terms of the value")
            economics = product_economics(book, CUT)
            for first in range(0, len(ids), 100_000):
                part = slice(first, first + 100_000)
                sale_value(
                    type(worth)(worth.plain[part], worth.eroded[:0], worth.elapsed[:0], worth.tail[:0]), economics
                )
            done("values of sales")
            client_profits(book, CUT)
            done("past profit")
        else:
            total = looped(book, history, ids, staying, erosion)
            done("terms of the value")
    told["peak GB"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    told["clients"], told["total"] = len(ids), float(np.nansum(total))
    return told


def looped(book, history, ids, staying, erosion) -> np.ndarray:
    """Add up month by month over all contracts, as one would first write it."""
    import pandas as pd

    held = held_contracts(book, CUT)
    place = pd.Series(np.arange(len(ids)), index=ids.to_pandas())
    table = pd.DataFrame({"client": place.reindex(held.client_id.to_pandas()).to_numpy(), "margin": held.yearly_margin})
    table["left"], table["on_balance"], table["exposure"] = held.months_left, held.on_balance, held.exposure
    table = table.dropna(subset=["client"]).astype({"client": int})
    loss = default_rate(book, CUT).value * loss_given_default(book).value
    pace = pd.Series(monthly_pace(erosion.probability, erosion.share, erosion.horizon))
    value = np.zeros(len(table))
    kept = (1 - pace[table["client"]]).to_numpy()
    for k in range(1, SETTINGS.horizon + 1):
        alive = staying[table["client"], k - 1]
        margin = table["margin"] / 12 * np.where(table["on_balance"], kept**k, 1.0)
        owed = table["exposure"] * np.where(table["left"].isna(), 1.0, 1 - k / table["left"].clip(lower=1))
        month = alive * (margin - loss * owed) / (1 + SETTINGS.discount_rate) ** (k / 12)
        value += np.where(table["left"].isna() | (table["left"] >= k), month, 0.0)
    other = history.life_table.other
    tail = tail_factor(history.beta_geometric(), other, history.tenure(ids) + SETTINGS.horizon, SETTINGS.discount_rate)
    after = staying[:, -1] * (1 + SETTINGS.discount_rate) ** (-SETTINGS.horizon / 12) * tail
    last = np.where(table["on_balance"], kept**SETTINGS.horizon, 1.0)
    value += np.where(table["left"].isna(), table["margin"] * after[table["client"]] * last, 0.0)
    return table.assign(value=value).groupby("client")["value"].sum().to_numpy()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", type=float, default=1.0, help="of a million clients")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--book", type=Path, help="a book drawn before; kept")
    parser.add_argument("--way", choices=["ours", "loop"], help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.way:
        print(json.dumps(work(options.book, options.way)))
        return
    print(f"{platform.machine()}, {os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory() as folder:
        book = options.book or Path(folder, "book")
        if not book.exists():
            from feature_book import make_book

            make_book(book, int(1_000_000 * options.scale))
        found = {}
        for way in ("ours", "loop"):
            command = [sys.executable, __file__, "--book", str(book), "--way", way]
            found[way] = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
    print(f"{'':34}{'ours':>10}{'loop':>10}")
    for name in found["ours"]:
        print(f"{name:34}" + "".join(f"{one.get(name, float('nan')):10,.4g}" for one in found.values()))
    terms = "terms of the value"
    ratio = found["loop"][terms] / found["ours"][terms]
    apart = abs(found["ours"]["total"] / found["loop"]["total"] - 1)
    print(f"loop / ours, terms: {ratio:.1f}; totals apart by {apart:.1e}")
    if options.json:
        flat = {f"{way}: {name}": value for way, one in found.items() for name, value in one.items()}
        options.json.write_text(json.dumps(flat | {"ratio": ratio}, indent=1) + "\n")


if __name__ == "__main__":
    main()
