"""Draws made up here: campaigns with a control group, and what an offer does to each client."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd
import pytest
from threadpoolctl import threadpool_limits

from appetence.config import TrainingSettings
from appetence.models.uplifts.draws import PRODUCT, Draws

QUICK = TrainingSettings(bootstrap=100, parameters={"max_rounds": 25, "n_folds": 2})


def made_up(
    n: int = 3_000,
    seed: int = 0,
    effect: float = 0.0,
    kept_back: float = 0.3,
    chosen: float = 0.0,
    product: bool = True,
) -> tuple[Draws, np.ndarray]:
    """Return draws of six campaigns, three months apart, and each client's true effect.

    Need decides who buys anyway. An offer adds `effect` to the probability of those who listen and takes half of that
    from those who do not; need has no part in it. `chosen`: how strongly need decides who is offered.
    """
    rng = np.random.default_rng([seed, 1])
    need, listens, noise = rng.normal(size=n), rng.random(n) < 0.5, rng.normal(size=n)
    campaign = np.sort(rng.integers(0, 6, n))
    offered = rng.random(n) < 1 / (1 + np.exp(-np.log((1 - kept_back) / kept_back) - chosen * need))
    true = np.where(listens, effect, -effect / 2)
    p = 0.1 + effect / 2 + 0.5 * (need > 0) + offered * true
    X = pd.DataFrame(
        {
            "need": np.where(rng.random(n) < 0.05, np.nan, need),
            "answers_calls": listens.astype(float),
            "balance": np.exp(3 * noise),
            "region": pd.Series(rng.choice(["north", "south", "west"], n), dtype="str"),
        }
    )
    cut = (np.datetime64("2022-01") + 3 * campaign).astype("datetime64[D]")
    draws = Draws(
        X=X.assign(**{PRODUCT: pd.Series(np.where(campaign % 2, "card", "loan"), dtype="str")}),
        offered=offered,
        bought=(rng.random(n) < p).astype(np.int64),
        stratum=campaign,
        product=np.where(campaign % 2, "card", "loan").astype(object),
        client=np.arange(n),
        household=np.arange(n) // 2,
        cut=cut,
        closes=(np.datetime64("2022-04") + 3 * campaign).astype("datetime64[D]"),
        offer_id=np.arange(n).astype(object),
    )
    return draws, true


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """As in use: threads that wait for each other are slower."""
    with threadpool_limits(1):
        yield


@pytest.fixture(scope="session")
def make_draws() -> Callable[..., tuple[Draws, np.ndarray]]:
    """Return the function that makes draws."""
    return made_up


@pytest.fixture(scope="session")
def quick() -> TrainingSettings:
    """Settings under which a measurement takes a second."""
    return QUICK
