from __future__ import annotations

from dataclasses import fields

import numpy as np

from appetence.book.simulate.streams import Streams


def test_a_concern_that_draws_more_does_not_shift_the_others() -> None:
    plain, busy = Streams.of(7), Streams.of(7)
    busy.people.random(1000)
    for field in fields(Streams)[1:]:
        assert (getattr(plain, field.name).random(5) == getattr(busy, field.name).random(5)).all()


def test_streams_and_seeds_differ() -> None:
    draws = [getattr(Streams.of(seed), field.name).random() for seed in (7, 8) for field in fields(Streams)]
    assert np.unique(draws).size == 2 * len(fields(Streams))
