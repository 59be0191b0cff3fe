from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import permutation_test, rankdata

from appetence.models.uplifts.balance import ALPHA, check_balance
from appetence.models.uplifts.draws import Draws


def one_draw(value: np.ndarray, offered: np.ndarray) -> Draws:
    n, day = len(value), np.full(len(value), np.datetime64("2022-01-01", "D"))
    return Draws(
        pd.DataFrame({"value": value}),
        offered,
        np.zeros(n, dtype=np.int64),
        np.zeros(n, dtype=np.int64),
        np.full(n, "card", dtype=object),
        np.arange(n),
        np.arange(n),
        day,
        day,
        np.arange(n).astype(object),
    )


@pytest.mark.parametrize("shift", [0.0, 0.25, 0.4])
def test_one_feature_of_one_draw_has_the_p_of_a_plain_permutation_test(shift):
    rng = np.random.default_rng(3)
    offered = rng.random(200) < 0.7
    value = rng.normal(size=200) + shift * offered
    ranks = rankdata(value)
    plain = permutation_test(
        (ranks[offered], ranks[~offered]),
        lambda a, b: abs(a.mean() - b.mean()),
        n_resamples=4_000,
        alternative="greater",
        rng=np.random.default_rng(1),
    ).pvalue
    found = check_balance(one_draw(value, offered), seed=1, dealings=4_000)
    # both figures are that one difference here, and the smaller of their two p counts double
    assert found.p == pytest.approx(min(1.0, 2.0 * plain), abs=0.03)
    standardised = (ranks[offered].mean() - ranks[~offered].mean()) / ranks.std()
    assert found.largest == pytest.approx(abs(standardised), abs=1e-9)
    assert found.compared == 1


def test_draws_at_random_are_seldom_refused(make_draws):
    found = [check_balance(make_draws(n=400, seed=seed)[0], seed, dealings=199) for seed in range(60)]
    assert sum(one.p < 0.05 for one in found) <= 8  # 3 are expected, more than 8 come once in 250
    assert sum(not one.random for one in found) <= 3
    assert all(one.features == () for one in found if one.random)


def test_a_choice_by_need_is_found_and_named(make_draws):
    found = check_balance(make_draws(n=3_000, chosen=0.4)[0], seed=1)
    assert not found.random
    assert found.features == ("need",)


def test_one_campaign_of_six_that_was_not_random_is_enough(make_draws):
    draws, _ = make_draws(n=3_000)
    newest = draws.stratum == 5
    need = draws.X["need"].fillna(0).to_numpy()
    bad = replace(draws, offered=np.where(newest, need > np.quantile(need, 0.3), draws.offered))
    assert check_balance(draws, seed=1).random
    assert check_balance(bad, seed=1).features == ("need",)


@pytest.mark.parametrize("feature", ["need", "region"])
def test_a_value_that_is_missing_or_a_level_that_is_held_back_is_found(make_draws, feature):
    draws, _ = make_draws(n=3_000)
    value = draws.X[feature]
    held_back = value.isna() if feature == "need" else value == "north"
    found = check_balance(replace(draws, offered=draws.offered & ~(held_back & (draws.client % 2 == 0))), seed=1)
    assert found.p < ALPHA
    assert feature in found.features


def lasting(draws: Draws, offered: np.ndarray, household: np.ndarray) -> Draws:
    """Return six draws of the same clients with the same features, held out for good."""
    n, campaigns = len(offered), 6
    X = pd.concat([draws.X.iloc[:n]] * campaigns, ignore_index=True)
    stratum = np.repeat(np.arange(campaigns), n)
    cut = (np.datetime64("2022-01") + stratum).astype("datetime64[D]")
    return Draws(
        X,
        np.tile(offered, campaigns),
        np.zeros(len(X), dtype=np.int64),
        stratum,
        np.full(len(X), "card", dtype=object),
        np.tile(np.arange(n), campaigns),
        np.tile(household, campaigns),
        cut,
        cut,
        np.arange(len(X)).astype(object),
    )


def test_clients_who_are_held_out_for_good_are_no_alarm(make_draws):
    draws, _ = make_draws(n=400)
    refused = 0
    for seed in range(30):
        offered = np.random.default_rng(seed).random(400) < 0.8
        refused += not check_balance(lasting(draws, offered, np.arange(400)), seed, dealings=199).random
    assert refused <= 2


def test_households_that_are_drawn_whole_are_dealt_whole(make_draws):
    draws, _ = make_draws(n=400)
    home = np.arange(400) // 4
    X = draws.X.assign(need=np.random.default_rng(1).normal(size=100)[home])  # what its members share
    refused = 0
    for seed in range(30):
        offered = (np.random.default_rng(seed).random(100) < 0.7)[home]
        found = check_balance(replace(lasting(draws, offered, home), X=pd.concat([X] * 6)), seed, dealings=199)
        assert found.unit == "household"
        refused += not found.random
    assert refused <= 2
    assert check_balance(draws, seed=1).unit == "client"
