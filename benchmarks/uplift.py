"""What uplift finds on simulated books whose true effect is known, and how often it says what is not so.

The simulator's offers add .9 to the log-odds of buying for three months, the same for everyone: whom an offer changes
most is who is likely to buy, so that the score is as good an order as there is. An offer's effect on a client is taken
from the truth: the monthly probability at the cut, with and without .9, over three months. The named alternatives are
targeting by score, which is in the verdict, and the order of the true effect. Then the same offers with control groups
that were not drawn at random: held out are those least likely to buy, the more the stronger `chosen`. The truth is read
here only.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
from threadpoolctl import threadpool_limits

from appetence.book import Book, open_book
from appetence.book.simulate import simulate
from appetence.book.simulate.effects import ANY_PRODUCT, log_odds
from appetence.config import BookSettings, FeatureSettings, SimulateSettings, TrainingSettings
from appetence.models.uplifts.analysis import UpliftResult, measure_uplift
from appetence.models.uplifts.balance import check_balance
from appetence.models.uplifts.draws import Draws, read_draws
from appetence.models.uplifts.judging import split_in_time
from appetence.models.uplifts.learners import fit_effects
from appetence.models.uplifts.qini import qini, rank_within

TRAINING = TrainingSettings()
MONTHS = 3
"""How long an offer acts in the simulator."""


def true_effect(book: Book, truth: Path, draws: Draws) -> np.ndarray:
    """Return what an offer truly adds to the probability of buying within three months, to first order."""
    products = sorted(set(draws.product.tolist()))
    known = pq.read_table(truth / "purchase.parquet", columns=["client_id", "cut", *products]).to_pandas()
    long = known.melt(["client_id", "cut"], products, "product_id", "p")
    long["cut"] = pd.to_datetime(long["cut"]).astype("datetime64[s]")
    offers = book.execute(book.table("offers").select("offer_id", "client_id")).to_pandas()
    rows = pd.DataFrame(
        {"offer_id": draws.offer_id, "cut": draws.cut.astype("datetime64[s]"), "product_id": draws.product}
    )
    rows = rows.merge(offers, "left", on="offer_id").merge(long, "left", on=["client_id", "cut", "product_id"])
    p = np.clip(rows["p"].fillna(0.0).to_numpy(), 1e-9, 1 - 1e-9)
    offered = 1 / (1 + np.exp(-np.log(p / (1 - p)) - log_odds(ANY_PRODUCT, "offered")))
    return (1 - p) ** MONTHS - (1 - offered) ** MONTHS


def told(result: UpliftResult) -> dict[str, float]:
    for line in result.lines():
        print(f"  {line}")
    return {} if result.judgement is None else result.judgement.flat()


def oracle(draws: Draws, true: np.ndarray, learner: str) -> dict[str, float]:
    """Print how the model's order and the true one do on the campaigns that judge."""
    split = split_in_time(draws)
    assert split is not None
    older, newest = split
    rows = np.isin(draws.cut, newest.cut)
    model = fit_effects(older, TRAINING.parameters, TRAINING.seed)
    effect, score = model.effect(newest.X, learner), model.score(newest.X)
    area = {
        name: 1000 * qini(newest.bought, rank_within(order, newest.stratum), newest.weight, offered=newest.offered)
        for name, order in (("effect", effect), ("score", score), ("truth", true[rows]))
    }
    ranks = {name: rank_within(order, newest.stratum) for name, order in (("effect", effect), ("score", score))}
    truth = rank_within(true[rows], newest.stratum)
    found = {
        f"rank correlation of {name} with truth": float(np.corrcoef(one, truth)[0, 1]) for name, one in ranks.items()
    }
    for name, value in (found | {f"Qini of {name}, per 1,000": value for name, value in area.items()}).items():
        print(f"  {name:42} {value:+.3f}")
    return found | {f"qini of {name}": value for name, value in area.items()}


def chosen_controls(draws: Draws, true: np.ndarray) -> dict[str, float]:
    """Print how sure it is to be seen when the least likely to buy are held out, the more the stronger `chosen`."""
    found = {}
    place = rank_within(true, draws.stratum)
    for chosen in (0.0, 0.1, 0.2, 0.4):
        p = []
        for seed in range(5):
            rng = np.random.default_rng(seed)
            rate = 0.2 * (1 + chosen * (1 - 2 * place))
            p.append(check_balance(replace(draws, offered=rng.random(len(draws)) >= rate), seed).p)
        found[f"refused at {chosen}"] = float(np.mean(np.array(p) < 0.01))
        print(
            f"  held out {100 * 0.2 * (1 + chosen):.0f} % of the least, {100 * 0.2 * (1 - chosen):.0f} % of the most "
            f"likely to buy: refused in {found[f'refused at {chosen}']:.0%} of 5"
        )
    return found


def measure(book: Book, truth: Path, horizon: int) -> dict[str, float]:
    started = time.perf_counter()
    result = measure_uplift(book, None, horizon, 30, FeatureSettings(), TRAINING)
    figures = told(result) | {"seconds": time.perf_counter() - started}
    print(f"  {figures['seconds']:.0f} s")
    if result.draws is None or result.judgement is None:
        return figures
    read = read_draws(book, None, horizon, FeatureSettings(), TRAINING.seed).draws
    assert read is not None
    true = true_effect(book, truth, read)
    figures |= oracle(read, true, result.judgement.learner)
    return figures | chosen_controls(read, true)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", type=float, default=1.0, help="of 20,000 clients")
    parser.add_argument("--seeds", default="7,8", help="of the books, separated by commas")
    parser.add_argument("--horizon", type=int, default=MONTHS)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    clients = max(int(20_000 * options.scale), 1_000)
    print(f"{clients:,} clients × 48 months; {os.cpu_count()} processors, {platform.machine()}")
    figures: dict[str, float] = {}
    for seed in map(int, options.seeds.split(",")):
        print(f"seed {seed}, purchases within {options.horizon} months")
        with tempfile.TemporaryDirectory() as folder, threadpool_limits(1):
            directory = Path(folder, "book")
            simulate(SimulateSettings(clients=clients, months=48, seed=seed), directory)
            with open_book(BookSettings(directory=str(directory))) as book:
                found = measure(book, directory / "truth", options.horizon)
        figures |= {f"{seed}: {name}": value for name, value in found.items()}
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
