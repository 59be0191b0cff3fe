from __future__ import annotations

import itertools

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from appetence.models.leaks.separation import Ground, expected_error


def rows(seed, n=400):
    rng = np.random.default_rng(seed)
    y = (rng.random(n) < 0.2).astype(np.int64)
    return rng.normal(0, 1, n).round(1) + 0.5 * y, y, rng.integers(0, 6, n), rng.integers(0, n // 2, n)


@pytest.mark.parametrize("seed", range(3))
def test_the_auc_is_that_of_each_stratum_weighted(seed):
    score, y, stratum, household = rows(seed)
    found = Ground(y, stratum, household).separation(score)
    parts = []
    for one in np.unique(stratum):
        m, n = y[stratum == one].sum(), (1 - y[stratum == one]).sum()
        parts.append((m * n / (m + n), roc_auc_score(y[stratum == one], score[stratum == one])))
    assert found.auc == pytest.approx(sum(w * a for w, a in parts) / sum(w for w, _ in parts), abs=1e-12)
    assert found.events == len(np.unique(household[y == 1]))


def test_the_error_is_that_of_delong_summed_by_household():
    score, y, _, household = rows(7, n=60)
    found = Ground(y, np.zeros(60, dtype=np.int64), household).separation(score)
    events, others = np.flatnonzero(y == 1), np.flatnonzero(y == 0)
    wins = {(i, j): (score[i] > score[j]) + 0.5 * (score[i] == score[j]) for i, j in itertools.product(events, others)}
    auc = np.mean(list(wins.values()))
    part = {i: (np.mean([wins[i, j] for j in others]) - auc) / len(events) for i in events}
    part |= {j: (np.mean([wins[i, j] for i in events]) - auc) / len(others) for j in others}
    summed = [sum(part[r] for r in range(60) if household[r] == h) for h in np.unique(household)]
    assert found.error == pytest.approx(np.sqrt(np.sum(np.square(summed))), abs=1e-12)


def test_the_error_holds_where_members_of_households_do_the_same():
    z = []
    for seed in range(400):
        rng = np.random.default_rng(seed)
        home = np.repeat(np.arange(300), 3)
        y = (rng.random(300) < 0.15).astype(np.int64)[home]  # the whole household leaves
        score = rng.normal(0, 1, 300)[home] + rng.normal(0, 0.3, 900)
        found = Ground(y, np.zeros(900, dtype=np.int64), home).separation(score)
        z.append((found.auc - 0.5) / found.error)
    assert np.std(z) == pytest.approx(1.0, abs=0.12)


def test_levels_without_signal_score_a_half_however_many_they_are():
    aucs = []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        y = (rng.random(1_500) < 0.1).astype(np.int64)
        ground = Ground(y, np.zeros(1_500, dtype=np.int64), np.arange(1_500), by_halves=True)
        aucs.append(ground.separation(ground.rate_places(rng.integers(0, 300, 1_500))).auc)
    assert np.mean(aucs) == pytest.approx(0.5, abs=4 * np.std(aucs) / np.sqrt(60))


def test_nothing_can_be_told_without_both():
    assert np.isnan(Ground(np.zeros(5, dtype=np.int64), np.arange(5), np.arange(5)).separation(np.arange(5.0)).auc)


def test_the_expected_error_is_hanley_and_mcneils():
    # their example (1982, Radiology 143:29): 51 abnormal, 58 normal, area .893, error .032
    assert expected_error(0.893, 51, 58) == pytest.approx(0.032, abs=0.001)
