import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from appetence.models.survival import MAX_TENURE, LifeTable, count_exits, fit_life_table, survival_curves


def constant(leaving: float, other: float) -> LifeTable:
    return LifeTable(np.full(MAX_TENURE, leaving), np.full(MAX_TENURE, other), 100, 1e4)


def counted_by_hand(start, end, kind, first, last):
    """Walk every client month by month."""
    exposure, left, other = {}, {}, {}
    for s, e, k in zip(start, end, kind, strict=True):
        for month in range(max(s, first), last):
            if month > e:
                break
            exits = month == e and k != ""
            if month == e and not exits:
                break
            exposure[month - s] = exposure.get(month - s, 0) + 1
            if exits:
                side = left if k == "left" else other
                side[month - s] = side.get(month - s, 0) + 1
    return exposure, left, other


@given(
    st.lists(
        st.tuples(st.integers(0, 30), st.integers(0, 40), st.sampled_from(["left", "death", ""])),
        min_size=1,
        max_size=30,
    )
)
def test_exposure_and_events_are_those_of_a_walk_through_every_month(spells):
    first, last = 5, 25
    start = np.array([s for s, _, _ in spells])
    end = np.array([s + length if kind else 99 for s, length, kind in spells])
    kind = np.array([k for _, _, k in spells])
    exposure, left, _ = counted_by_hand(start, end, kind, first, last)
    counts = count_exits(start, end, kind, first, last)
    table = fit_life_table(counts)
    assert {k: n for k, n in enumerate(counts.at_risk) if n} == exposure
    assert table.exposure == sum(exposure.values())
    assert table.events == sum(left.values())


def test_a_constant_hazard_is_recovered_despite_late_entry_and_censoring():
    rng = np.random.default_rng(3)
    start = rng.integers(0, 100, 60_000)
    end = start + rng.geometric(0.02, len(start)) - 1
    table = fit_life_table(count_exits(start, end, np.full(len(start), "left"), 40, 120))
    assert table.leaving[:60] == pytest.approx(0.02, rel=0.15)
    assert not table.other.any()


def test_without_exits_nobody_leaves():
    table = fit_life_table(count_exits(np.array([0, 3]), np.array([99, 99]), np.array(["", ""]), 0, 50))
    curves = survival_curves(table, np.array([10]), None, 6, 24)
    assert curves.staying == pytest.approx(1.0)
    assert curves.leaving == pytest.approx(0.0)


@given(st.floats(0.0005, 0.95), st.integers(1, 24), st.floats(0.0, 0.002))
def test_the_curve_gives_back_the_models_probability_at_its_horizon(probability, horizon, other):
    curves = survival_curves(constant(0.01, other), np.array([7]), np.array([probability]), horizon, 30)
    assert curves.leaving[0, horizon - 1] == pytest.approx(probability, abs=1e-9)
    assert (np.diff(curves.leaving[0]) >= 0).all()
    assert (np.diff(curves.staying[0]) <= 0).all()
    assert (curves.leaving[0] + curves.staying[0] <= 1 + 1e-12).all()


def test_a_constant_hazard_without_competing_exits_is_geometric():
    curves = survival_curves(constant(0.02, 0.0), np.array([0]), None, 1, 12)
    assert curves.staying[0] == pytest.approx(0.98 ** np.arange(1, 13))
    assert curves.leaving[0] == pytest.approx(1 - 0.98 ** np.arange(1, 13))
