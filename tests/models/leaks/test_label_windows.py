from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest

from appetence.config import TrainingSettings
from appetence.models.blocks import Blocks, Window, plan_blocks
from appetence.models.leaks.label_windows import overlaps
from appetence.models.questions import Question

FROM, UNTIL = dt.date(2018, 1, 1), dt.date(2024, 1, 1)


def question(horizon=6, gap=0):
    return Question("attrition", Window(horizon, gap), 20, ())


@pytest.mark.parametrize("window", [(6, 0), (6, 2), (1, 0), (12, 3), (5, 1)])
@pytest.mark.parametrize("every", [1, 3, 4])
def test_the_blocks_of_training_are_clear(window, every):
    asked = question(*window)
    blocks = plan_blocks(FROM, UNTIL, asked.window, TrainingSettings(every=every, tests=3))
    found = overlaps({asked: blocks}, UNTIL)
    assert found.state == "clear"
    assert found.figure == 0.0


def test_a_window_that_reaches_into_the_test_is_found():
    asked = question()
    blocks = plan_blocks(FROM, UNTIL, asked.window, TrainingSettings(tests=1))
    (test,) = blocks.tests
    late = replace(test, calibrate=(*test.calibrate, dt.date(2023, 4, 1)))  # closes three months after the test cut
    found = overlaps({asked: Blocks((late,), blocks.final)}, UNTIL)
    assert found.names == ("attrition: calibration 2023-04-01 against test 2023-07-01",)
    assert found.figure == 3.0


def test_the_gap_belongs_to_what_is_not_over():
    asked = question(horizon=3, gap=3)
    blocks = plan_blocks(FROM, UNTIL, question(horizon=3).window, TrainingSettings(tests=1))  # planned without the gap
    assert overlaps({asked: blocks}, UNTIL).state == "finding"


def test_fitting_after_calibration_is_found():
    asked = question()
    blocks = plan_blocks(FROM, UNTIL, asked.window, TrainingSettings(tests=1))
    (test,) = blocks.tests
    turned = replace(test, fit=test.calibrate, calibrate=test.fit)
    found = overlaps({asked: Blocks((turned,), blocks.final)}, UNTIL)
    assert any("one after the other" in name for name in found.names)


def test_a_book_without_blocks_is_told():
    assert overlaps({}, UNTIL).state == "skipped"
