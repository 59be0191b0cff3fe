from __future__ import annotations

import numpy as np
import pytest

from appetence.models.beta_geometric import BetaGeometric, fit_beta_geometric

# Fader & Hardie (2007), table 1: percent of two cohorts that remained after each year, and what they estimated from the
# first seven years.
HIGH_END = (100.0, 86.9, 74.3, 65.3, 59.3, 55.1, 51.7, 49.1)
REGULAR = (100.0, 63.1, 46.8, 38.2, 32.6, 28.9, 26.2, 24.1)


@pytest.mark.parametrize(("remain", "alpha", "beta"), [(HIGH_END, 0.668, 3.806), (REGULAR, 0.704, 1.182)])
def test_the_published_cohorts_give_the_published_parameters(remain, alpha, beta):
    counts = 10.0 * np.array(remain)
    found = fit_beta_geometric(-np.diff(counts), counts[:-1])
    assert found is not None
    assert (found.alpha, found.beta) == pytest.approx((alpha, beta), abs=2e-3)


def test_hazards_make_up_the_survival():
    model = BetaGeometric(0.7, 9.0)
    by_hand, left = [1.0], 1.0
    for period in range(30):
        left *= 1.0 - float(model.hazard(period))
        by_hand.append(left)
    assert np.allclose(model.survival(np.arange(31)), by_hand)
    assert np.allclose(model.leaving([0, 6], 12), [1 - by_hand[12], 1 - by_hand[18] / by_hand[6]])


def test_members_who_do_not_differ_have_a_constant_hazard():
    at_risk = 10_000 * 0.98 ** np.arange(40)
    found = fit_beta_geometric(0.02 * at_risk, at_risk)
    assert found is not None
    assert np.allclose(found.hazard([0, 39, 100]), 0.02, rtol=0.01)


def test_late_entry_and_early_end_of_observation_do_not_bias():
    rng = np.random.default_rng(3)
    chance = rng.beta(1.5, 20.0, 60_000)
    lives = rng.geometric(chance) - 1  # completed periods before the one of leaving
    entry, seen = rng.integers(0, 20, 60_000), rng.integers(1, 25, 60_000)
    events, at_risk = np.zeros(int(lives.max()) + 60), np.zeros(int(lives.max()) + 60)
    for life, start, length in zip(lives, entry, seen, strict=True):
        if life < start:
            continue  # gone before anyone looked
        stop = min(life + 1, start + length)
        at_risk[start:stop] += 1
        events[life] += life < start + length
    found = fit_beta_geometric(events, at_risk)
    assert found is not None
    assert found.alpha / (found.alpha + found.beta) == pytest.approx(1.5 / 21.5, rel=0.03)
    assert np.allclose(found.survival([6, 24]), BetaGeometric(1.5, 20.0).survival([6, 24]), atol=0.01)


@pytest.mark.parametrize(("events", "at_risk"), [([0.0, 0.0], [5.0, 4.0]), ([5.0], [5.0]), ([], [])])
def test_nothing_to_project_from(events, at_risk):
    assert fit_beta_geometric(np.array(events), np.array(at_risk)) is None
