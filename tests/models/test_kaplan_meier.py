from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import CensoredData, ecdf

from appetence.models.kaplan_meier import FEWEST_MEMBERS, by_cohort, kaplan_meier
from appetence.models.survival import Counts, count_exits


def drawn(n: int = 4_000, seed: int = 1):
    """Clients who joined over three years, some of whom left, some died, within six years of book."""
    rng = np.random.default_rng(seed)
    start = 24_000 + rng.integers(0, 36, n)
    end = start + rng.geometric(np.where(rng.random(n) < 0.3, 0.06, 0.01)) - 1
    kind = rng.choice(["left", "left", "left", "death"], n)
    return start, end, np.where(end < 24_072, kind, "")


def test_the_curve_is_that_of_scipy():
    start, end, kind = drawn()
    found = kaplan_meier(count_exits(start, end, kind, 24_000, 24_072), len(start))
    left = (kind == "left") & (end < 24_072)
    lasted = (np.minimum(end, 24_072) - start).astype(float)
    # who leaves in the month after k completed ones leaves "at" k + 1; who is censored then was seen to survive k
    expected = ecdf(CensoredData.right_censored(np.where(left, lasted + 1, lasted + 0.5 * (kind != "")), ~left)).sf
    months = np.arange(len(found.survival))
    assert found.survival[:48] == pytest.approx(expected.evaluate(months[:48]), abs=2e-3)
    with pytest.warns(RuntimeWarning, match="undefined at some"):  # before the first event
        interval = expected.confidence_interval(method="log-log")
    assert found.low[6:36] == pytest.approx(interval.low.evaluate(months[6:36]), abs=4e-3)
    assert found.high[6:36] == pytest.approx(interval.high.evaluate(months[6:36]), abs=4e-3)
    assert found.events == left[lasted < len(found.survival) - 1].sum()


def test_what_it_foretells_is_read_off_the_curve_and_goes_on_beyond_it():
    counts = Counts(np.array([10.0, 0.0, 20.0, 9.0]), np.zeros(4), np.array([100.0, 90.0, 80.0, 60.0]))
    curve = kaplan_meier(counts, 100)
    assert curve.survival == pytest.approx([1.0, 0.9, 0.9, 0.675, 0.57375])
    assert curve.leaving(np.array([0, 1]), 2) == pytest.approx([0.1, 0.25])
    mean = np.mean([0.1, 0.0, 0.25, 0.15])
    assert curve.leaving(np.array([4, 90]), 3) == pytest.approx(1 - (1 - mean) ** 3)


def test_each_year_of_joining_has_its_own_and_few_members_none():
    start, end, kind = drawn()
    start = np.concatenate([start, np.full(FEWEST_MEMBERS - 1, 24_040)])
    end, kind = np.concatenate([end, np.full(FEWEST_MEMBERS - 1, 99_999)]), np.append(kind, [""] * (FEWEST_MEMBERS - 1))
    found = by_cohort(start, end, kind, 24_000, 24_072)
    assert sorted(found) == [2000, 2001, 2002]
    late = by_cohort(start, end, kind, 24_012, 24_072)
    assert sorted(late) == [2001, 2002]  # who was there before the book began joined no cohort that it shows
    assert all((np.diff(curve.survival) <= 0).all() for curve in found.values())


def test_nobody_at_risk_or_nobody_leaving_is_a_flat_curve():
    nobody = kaplan_meier(Counts(np.zeros(5), np.zeros(5), np.zeros(5)), 0)
    assert nobody.survival.tolist() == [1.0]
    assert nobody.leaving(np.array([3]), 12) == pytest.approx(0.0)
    staying = kaplan_meier(Counts(np.zeros(5), np.zeros(5), np.full(5, 50.0)), 50)
    assert (staying.survival == 1.0).all()
    assert (staying.low == 1.0).all()
