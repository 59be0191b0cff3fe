from __future__ import annotations

import datetime as dt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from appetence.config import TrainingSettings
from appetence.models.blocks import Window, held_out, months_needed, plan_blocks
from appetence.months import Month

START = Month(2018, 1)


def day(month: str) -> dt.date:
    return Month.parse(month).start


@st.composite
def layouts(draw):
    window = Window(draw(st.integers(1, 18)), draw(st.integers(0, 6)))
    settings = TrainingSettings(
        every=draw(st.integers(1, 12)),
        history=draw(st.integers(0, 24)),
        tests=draw(st.integers(1, 4)),
        test_spacing=draw(st.integers(1, 24)),
    )
    return window, settings, draw(st.integers(1, 150))


@given(layouts())
def test_blocks_are_purged_ordered_and_disjoint(layout):
    window, settings, months = layout
    until = (START + months).start
    blocks = plan_blocks(START.start, until, window, settings)
    assert (blocks is None) == (months < months_needed(window, settings))
    if blocks is None:
        return
    assert 1 <= len(blocks.tests) <= settings.tests
    for origin in (*blocks.tests, blocks.final):
        assert origin.fit
        assert origin.calibrate
        assert max(origin.fit) < min(origin.calibrate)
        assert min(origin.fit) >= (START + settings.history).start
        span = window.gap + window.horizon
        for cut in (*origin.fit, *origin.calibrate):
            assert (Month.of(cut) + span).start <= origin.at
        if origin.test is not None:
            assert max(origin.calibrate) < origin.test == origin.at
            assert window.closes(origin.test) <= until
    assert blocks.final.at == until
    assert blocks.final.test is None
    tests = [origin.test for origin in blocks.tests]
    assert tests == sorted(set(tests))
    assert set(blocks.cuts) == {cut for origin in (*blocks.tests, blocks.final) for cut in origin.cuts}


def test_four_years_laid_out_by_hand():
    # 2021-01 to 2024-12, 6 months ahead: the newest window that closes in the book starts on 2024-07-01.
    settings = TrainingSettings(every=3, history=6, tests=2, test_spacing=6)
    blocks = plan_blocks(day("2021-01"), day("2025-01"), Window(6), settings)
    older, newer = blocks.tests
    assert (older.test, newer.test) == (day("2024-01"), day("2024-07"))
    # the two newest matured cuts, whose windows overlap, are kept for calibration
    assert newer.calibrate == (day("2023-10"), day("2024-01"))
    quarters = ["2021-07", "2021-10", "2022-01", "2022-04", "2022-07", "2022-10", "2023-01", "2023-04", "2023-07"]
    assert newer.fit == tuple(day(month) for month in quarters)
    assert older.calibrate == (day("2023-04"), day("2023-07"))
    assert blocks.final.calibrate == (day("2024-04"), day("2024-07"))
    assert max(blocks.final.fit) == day("2024-01")


def test_a_short_book_is_refused_with_the_months_it_would_need():
    settings = TrainingSettings(every=3, history=6)
    assert months_needed(Window(6), settings) == 21
    assert len(plan_blocks(day("2021-01"), day("2022-10"), Window(6), settings).tests) == 1
    assert plan_blocks(day("2021-01"), day("2022-09"), Window(6), settings) is None


def test_fewer_tests_can_be_asked_for():
    settings = TrainingSettings(tests=3)
    blocks = plan_blocks(day("2016-01"), day("2025-01"), Window(6), settings, tests=1)
    assert [origin.test for origin in blocks.tests] == [day("2024-07")]


@given(st.lists(st.text(min_size=1, max_size=8), max_size=60), st.integers(0, 2**31))
def test_a_household_is_on_one_side_whoever_else_is_there(groups, seed):
    together = held_out(groups, 0.3, seed)
    alone = [bool(held_out([group], 0.3, seed)[0]) for group in groups]
    assert together.tolist() == alone


def test_the_share_held_out_is_the_share_asked_for():
    groups = [f"H{i:05d}" for i in range(20_000)]
    for share in (0.1, 0.25, 0.4):
        assert np.mean(held_out(groups, share, 7)) == pytest.approx(share, abs=0.01)
    assert (held_out(groups, 0.25, 7) != held_out(groups, 0.25, 8)).any()
