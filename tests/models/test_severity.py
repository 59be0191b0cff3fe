from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from appetence.models.dataset import Amounts
from appetence.models.severity import Severity, fit_severity, mean_severity

THRESHOLD = 0.2


def eroding(labelled, seed=3):
    """Rows of which half erode: by 70 % where they complained, else by 35 %, with noise; of balances of all sizes."""
    rng = np.random.default_rng(seed)
    y = (rng.random(len(labelled)) < 0.5).astype(np.int64)
    base = rng.lognormal(9, 1.5, len(labelled))
    share = np.where(labelled.X["complained"], 0.7, 0.35) + rng.uniform(-0.12, 0.12, len(labelled))
    return replace(labelled, y=y, amounts=Amounts(base, np.where(y == 1, share * base, 0.0)))


@pytest.fixture(scope="module")
def known(make_labelled):
    return eroding(make_labelled(3_000))


@pytest.fixture(scope="module")
def fitted(known):
    return fit_severity(known, THRESHOLD, seed=1)


def test_the_planted_share_is_found_on_rows_not_learnt_from(fitted, make_labelled):
    X = make_labelled(1_500, seed=9).X
    share = fitted.share(X)
    complained = X["complained"].to_numpy()
    assert share[complained].mean() == pytest.approx(0.7, abs=0.03)
    assert share[~complained].mean() == pytest.approx(0.35, abs=0.03)
    assert np.corrcoef(share, np.where(complained, 0.7, 0.35))[0, 1] > 0.9


def test_the_mean_is_right_and_every_share_lies_within_its_bounds(fitted, known):
    share = fitted.share(known.X)
    eroded = known.y == 1
    observed = known.amounts.lost[eroded] / known.amounts.base[eroded]
    assert fitted.mean_share == pytest.approx(observed.mean())
    assert share[eroded].mean() == pytest.approx(observed.mean(), abs=0.005)
    assert THRESHOLD < share.min() <= share.max() < 1


def test_only_rows_that_eroded_and_no_size_of_balances_are_learnt_from(known, fitted):
    """A client with a hundred times the money, and rows where nothing was lost, change nothing."""
    money = known.amounts
    scaled = Amounts(money.base * 100, money.lost * 100)
    eroded = known.where(known.y == 1)
    for other in (replace(known, amounts=scaled), eroded):
        np.testing.assert_allclose(
            fit_severity(other, THRESHOLD, seed=1).share(known.X[:50]), fitted.share(known.X[:50]), rtol=0, atol=1e-9
        )


def test_few_erosions_give_the_mean_and_none_the_middle(known):
    few = known.where(known.client < 120)
    plain = fit_severity(few, THRESHOLD, seed=1)
    assert 0 < few.events < 100
    assert plain.model is None
    assert plain == mean_severity(few, THRESHOLD)
    assert set(plain.share(few.X)) == {plain.mean_share}
    none = known.where(known.y == 0)
    assert fit_severity(none, THRESHOLD, seed=1) == Severity(THRESHOLD, 0.6)


def test_whoever_loses_all_or_the_same_share_is_told_the_mean(known):
    """At a threshold of 1 there is one share only, and nothing to learn of it."""
    all_gone = Amounts(known.amounts.base, np.where(known.y == 1, known.amounts.base, 0.0))
    assert fit_severity(replace(known, amounts=all_gone), 1.0, seed=1) == Severity(1.0, 1.0)
    assert fit_severity(replace(known, amounts=all_gone), THRESHOLD, seed=1) == Severity(THRESHOLD, 1.0)
    with pytest.raises(ValueError, match="not about money"):
        mean_severity(replace(known, amounts=None), THRESHOLD)


def test_of_very_many_erosions_some_are_drawn_and_the_mean_is_of_all(known, monkeypatch):
    monkeypatch.setattr("appetence.models.severity.MOST_ROWS", 400)
    drawn = fit_severity(known, THRESHOLD, seed=1)
    assert drawn.mean_share == mean_severity(known, THRESHOLD).mean_share
    again = fit_severity(known, THRESHOLD, seed=1)
    np.testing.assert_array_equal(drawn.share(known.X), again.share(known.X))
    assert drawn.share(known.X)[known.y == 1].mean() == pytest.approx(drawn.mean_share, abs=0.03)
