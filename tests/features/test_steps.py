"""Steps keep their order, wait for what they stand on, and tell the first error."""

from __future__ import annotations

import threading

import pytest

from appetence.features.steps import Steps


@pytest.fixture
def steps():
    found = Steps(2)
    yield found
    found.close()


def test_a_step_waits_for_those_it_stands_on_and_all_run_again(steps):
    gate, done = threading.Event(), []

    def first() -> None:
        gate.wait(10)
        done.append("first")

    number = steps.add(first, 0)
    steps.add(lambda: done.append("other lane"), 1, [number])
    gate.set()
    steps.finish()
    assert done.index("first") < done.index("other lane")
    assert sorted(done) == ["first", "other lane"]
    done.clear()
    steps.again()
    steps.finish()
    assert done == ["first", "other lane"]


def test_lanes_run_side_by_side(steps):
    meeting = threading.Barrier(2, timeout=10)
    for lane in (0, 1):
        steps.add(meeting.wait, lane)
    steps.finish()


def test_the_error_of_the_first_that_failed_is_told_and_what_stands_on_it_is_not_run(steps):
    done = []

    def fails() -> None:
        raise ValueError("the first")

    number = steps.add(fails, 0)
    steps.add(lambda: done.append("never"), 1, [number])
    with pytest.raises(ValueError, match="the first"):
        steps.finish()
    steps.close()
    assert done == []
