from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from appetence.models.blocks import Origin
from appetence.models.dataset import Labelled, Snapshots
from appetence.models.fitting import fit_model
from appetence.models.recency import HALF_LIFE, long_enough, recency_weights, surely_better

CUTS = [dt.date(2018 + quarter // 4, 1 + 3 * (quarter % 4), 1) for quarter in range(14)]
ORIGIN = Origin(dt.date(2022, 1, 1), tuple(CUTS[:11]), tuple(CUTS[11:]), None)
FEW = {"max_rounds": 40}


def panel(turns: bool, clients: int = 1_500, seed: int = 2) -> Labelled:
    """Clients seen every quarter; what makes them leave is `a` throughout, or gives way to `b` over the years."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(len(CUTS), clients, 3))
    old = np.linspace(2.0, 0.0, len(CUTS))[:, None] if turns else 1.5
    new = np.linspace(0.0, 2.0, len(CUTS))[:, None] if turns else 0.0
    y = rng.random((len(CUTS), clients)) < 1 / (1 + np.exp(2.0 - old * x[:, :, 0] - new * x[:, :, 1]))
    cut = np.repeat(np.array(CUTS, dtype="datetime64[D]"), clients)
    client = np.tile(np.arange(clients), len(CUTS))
    keys = pd.MultiIndex.from_arrays([client.astype(str), cut.astype("datetime64[s]")])
    X = pd.DataFrame(x.reshape(-1, 3), columns=["a", "b", "c"])
    snapshots = Snapshots(X, keys, cut, client, client, client % 4 == 0)
    return Labelled(snapshots, np.arange(len(X)), y.reshape(-1).astype(np.int64))


@pytest.mark.parametrize(("turns", "half_life"), [(True, HALF_LIFE), (False, None)])
def test_older_rows_count_for_less_where_effects_turn_and_only_there(turns, half_life):
    made = fit_model(panel(turns), ORIGIN, FEW, seed=1)
    assert made.half_life == half_life
    low, high = made.model.predict_proba(pd.DataFrame({"a": 0.0, "b": [-1.5, 1.5], "c": 0.0}))[:, 1]
    assert (high > 1.5 * low) == turns


def test_it_can_be_asked_for_or_forbidden():
    labelled = panel(True, clients=300)
    assert fit_model(labelled, ORIGIN, FEW, seed=1, recency="never").half_life is None
    always = fit_model(panel(False, clients=300), ORIGIN, FEW, seed=1, recency="always")
    assert always.half_life == HALF_LIFE


def test_a_short_past_is_not_weighted():
    assert recency_weights(np.array(CUTS, dtype="datetime64[D]"), None) is None
    assert not long_enough(np.array(CUTS[:4], dtype="datetime64[D]"))
    assert long_enough(np.array(CUTS[:5], dtype="datetime64[D]"))


def test_better_must_be_more_than_a_standard_error_by_every_unit():
    rng = np.random.default_rng(5)
    y = (rng.random(4_000) < 0.2).astype(np.int64)
    plain = np.full(4_000, -1.4)
    other = np.where(y == 1, -1.3, -1.41)  # a little better on every row
    alone, together = np.arange(4_000), np.zeros(4_000, dtype=np.int64)
    assert surely_better(y, plain, other, [alone])
    assert not surely_better(y, other, plain, [alone])
    assert not surely_better(y, plain, plain, [alone])
    # all of it could be the luck of one group
    assert not surely_better(y, plain, other, [alone, together])
    # half of the groups gain what the others lose: the sum is no more than their spread
    noise = np.where(np.arange(4_000) // 100 % 2 == 0, other, plain - (other - plain))
    assert not surely_better(y, plain, noise, [np.arange(4_000) // 100])
