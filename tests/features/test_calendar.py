from __future__ import annotations

import math

import pytest

from appetence.config import FeatureSettings
from appetence.features.pipeline import build_features


def test_months_lie_on_a_circle(make_book, spine):
    book = make_book({"contracts": [{"client_id": "1"}]})
    cuts = [f"2021-{month:02d}-01" for month in range(1, 13)]
    found = build_features(book, spine("1", *cuts), FeatureSettings(groups=("calendar",))).data.to_pylist()
    for month, row in enumerate(found):
        assert row["season_sin"] == pytest.approx(math.sin(month * math.pi / 6), abs=1e-11)
        assert row["season_cos"] == pytest.approx(math.cos(month * math.pi / 6), abs=1e-11)
