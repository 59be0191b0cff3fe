from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from appetence.book.simulate.campaigns import first_opening
from appetence.book.simulate.columns import NO_DAY

openings = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2), st.integers(100, 130)), min_size=1, max_size=20)


@given(openings, st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2), st.integers(95, 130)), max_size=20))
def test_the_first_opening_after_an_offer_is_found(
    openings: list[tuple[int, int, int]], offers: list[tuple[int, int, int]]
) -> None:
    made = np.array(offers, dtype=np.int64).reshape(-1, 3)
    got = first_opening(np.array(openings, dtype=np.int64), made[:, 0], made[:, 1], made[:, 2], made[:, 2] + 12)
    for (client, product, day), found in zip(offers, got.tolist(), strict=True):
        fits = [d for c, p, d in openings if (c, p) == (client, product) and day < d < day + 12]
        assert found == (min(fits) if fits else NO_DAY)
