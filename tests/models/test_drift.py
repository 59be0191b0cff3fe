from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from appetence.features.catalogue import catalogue
from appetence.models.dataset import Snapshots
from appetence.models.drift import features_of_time, measure_drift, stability


def snapshots(shift: float, n: int = 1_500, seed: int = 1) -> tuple[Snapshots, np.ndarray, np.ndarray]:
    """Clients at two learnt cuts and a tested one, where one number may have moved."""
    rng = np.random.default_rng(seed)
    client = np.tile(np.arange(n), 3)
    cut = np.repeat(np.array(["2022-01-01", "2022-07-01", "2023-07-01"], dtype="datetime64[D]"), n)
    tested = cut == cut[-1]
    X = pd.DataFrame(
        {
            "tenure": np.tile(rng.integers(0, 100, n), 3) + np.repeat([0, 6, 18], n),
            "moved": rng.normal(size=3 * n) + shift * tested,
            "same": np.where(rng.random(3 * n) < 0.2, np.nan, rng.lognormal(size=3 * n)),
            "code": rng.choice(["a", "b", "c"], 3 * n),
            "flag": rng.random(3 * n) < 0.3,
        }
    )
    keys = pd.MultiIndex.from_arrays([client.astype(str), cut.astype("datetime64[s]")])
    found = Snapshots(X, keys, cut, client, client // 2, client % 4 == 0)
    return found, np.flatnonzero(~tested), np.flatnonzero(tested)


def test_what_moved_is_found_and_told_apart_from_time():
    found = measure_drift(*snapshots(0.5), "2023-07-01", frozenset({"tenure"}), seed=1)
    assert [one.feature for one in found.beyond] == ["moved"]
    assert found.strongest[0] == "moved"
    assert found.of_time == ("tenure",)
    assert found.clients == (1_500, 1_500)
    # two normals half a standard deviation apart: Φ(0.5 / √2)
    assert found.auc_without_time == pytest.approx(0.638, abs=0.03)
    assert found.auc > found.auc_without_time
    told = found.as_dict()
    assert told["features_beyond_chance"][0]["psi"] > told["features_beyond_chance"][0]["limit"]


def test_what_did_not_move_is_left_in_peace():
    found = measure_drift(*snapshots(0.0), "2023-07-01", frozenset({"tenure"}), seed=1)
    assert found.beyond == ()
    assert found.auc_without_time == pytest.approx(0.5, abs=0.03)


@pytest.mark.parametrize("sizes", [(300, 200), (5_000, 1_000)])
def test_the_limit_is_met_as_rarely_as_it_says(sizes):
    """Two samples of one population, for numbers with ties and for codes: about one PSI in a hundred is beyond."""
    rng = np.random.default_rng(2)
    n, m = sizes
    beyond = 0
    for draw in range(1_000):
        values = pd.Series(rng.normal(size=n + m) if draw % 2 else rng.choice(list("abcd"), n + m))
        psi, limit = stability(values, np.arange(n), np.arange(n, n + m))
        beyond += psi > limit
    assert 2 <= beyond <= 22


def test_psi_by_hand():
    values = pd.Series(["a"] * 50 + ["b"] * 50 + ["a"] * 20 + ["b"] * 80)
    psi, _ = stability(values, np.arange(100), np.arange(100, 200))
    e, a = np.array([50.5, 50.5]) / 101, np.array([20.5, 80.5]) / 101
    assert psi == pytest.approx(((a - e) * np.log(a / e)).sum())
    assert stability(pd.Series(np.ones(20)), np.arange(10), np.arange(10, 20)) == (0.0, 0.0)


def test_few_clients_have_no_adversary():
    found, learnt, tested = snapshots(0.0, n=60)
    assert np.isnan(measure_drift(found, learnt, tested, "2023-07-01", frozenset(), seed=1).auc)


def test_features_that_count_time_are_named():
    named = features_of_time(catalogue())
    assert "tenure" in named
    assert "assets" not in named
