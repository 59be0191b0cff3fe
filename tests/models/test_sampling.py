"""All positives and a part of the negatives, drawn by a seed of their own."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from appetence.errors import AppetenceError
from appetence.models.sampling import FEWEST_ROWS, NEGATIVES_PER_POSITIVE, keep, sampling_rate


def labels(positives: int, negatives: int) -> np.ndarray:
    return np.repeat([1.0, 0.0], [positives, negatives])


@pytest.mark.parametrize(
    ("positives", "negatives", "left"),
    [(100, 4_000, 4_000), (100, 99_900, 4_900), (1_000, 99_000, 10_000), (9_000, 9_000, 9_000), (0, 10, 10)],
)
def test_auto_keeps_enough_rows_and_enough_negatives_for_each_positive(positives, negatives, left):
    assert (FEWEST_ROWS, NEGATIVES_PER_POSITIVE) == (5_000, 10)
    assert sampling_rate("auto", labels(positives, negatives)) * negatives == pytest.approx(left)


def test_a_share_is_taken_as_it_is_and_another_word_or_number_refused():
    assert sampling_rate(None, labels(1, 99_999)) == 1.0
    assert sampling_rate(0.25, labels(1, 99_999)) == 0.25
    for wrong in ("some", 0.0, 1.1, float("nan")):
        with pytest.raises(AppetenceError, match="negative_sampling must be"):
            sampling_rate(wrong, labels(1, 1))


@given(st.floats(0.01, 1.0), st.integers(0, 50))
def test_every_positive_is_kept_and_about_the_share_of_the_negatives(rate, seed):
    target = labels(50, 4_000)
    kept = keep(target, rate, seed)
    assert kept[:50].all()
    assert abs(kept[50:].mean() - rate) < 5 * np.sqrt(rate * (1 - rate) / 4_000) + 1e-12
    np.testing.assert_array_equal(kept, keep(target, rate, seed))


def test_draws_are_not_those_of_data_made_with_the_same_seed():
    data = np.random.default_rng(3).random(1_000)
    kept = keep(np.zeros(1_000), 0.5, 3)
    assert abs(np.corrcoef(kept, data < 0.5)[0, 1]) < 0.1
