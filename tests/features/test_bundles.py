from __future__ import annotations

import datetime as dt
from itertools import combinations

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from appetence.config import FeatureSettings
from appetence.features import bundles
from appetence.features.pipeline import build_features

NO_SHRINKING = (Phase.explicit, Phase.reuse, Phase.generate)  # a smaller seed is no simpler book


def _lifts(held, fewest):
    """Count pair by pair, over every client who holds anything."""
    holding = [products for products in held if products]
    names = sorted({product for products in holding for product in products})
    found = {}
    for a, b in combinations(names, 2):
        both = sum({a, b} <= products for products in holding)
        if both >= fewest:
            alone = [sum(name in products for products in holding) for name in (a, b)]
            found[a, b] = both * len(holding) / (alone[0] * alone[1])
    return found


@settings(
    max_examples=6, deadline=None, phases=NO_SHRINKING, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(seed=st.integers(0, 2**32), fewest=st.sampled_from([1, 2]))
def test_bundles_against_the_oracle(seed, fewest, hold_to_oracle, slow, monkeypatch):
    monkeypatch.setattr(bundles, "FEWEST_HOLDERS", fewest)  # the random books have seven clients

    def oracle(rows, client, cut):
        held = {
            row["client_id"]: {c["product_id"] for c in slow.contracts_known(rows, row["client_id"], cut) if c["held"]}
            for row in rows["clients"]
        }
        lifts = _lifts(held.values(), fewest)
        own = [lifts[pair] for pair in combinations(sorted(held[client]), 2) if pair in lifts]
        return {"bundle_lift": max(own, default=None), "bundles_held": sum(lift > 1 for lift in own)}

    hold_to_oracle(seed, "bundles", oracle)


def test_a_pair_of_few_clients_is_no_bundle(make_book, spine):
    def contracts(pairs):
        both = [{"client_id": f"c{n}", "product_id": p} for n in range(pairs) for p in "AB"]
        return [*both, *({"client_id": f"x{n}", "product_id": "C"} for n in range(60))]

    found = [
        build_features(
            make_book({"contracts": contracts(pairs)}), spine("c0", "2021-01-01"), FeatureSettings(groups=("bundles",))
        ).data.to_pylist()[0]
        for pairs in (bundles.FEWEST_HOLDERS - 1, bundles.FEWEST_HOLDERS)
    ]
    assert [row["bundles_held"] for row in found] == [0, 1]
    assert found[0]["bundle_lift"] is None
    assert found[1]["bundle_lift"] == pytest.approx(90 * 30 / (30 * 30))


def test_the_whole_book_counts_whatever_the_spine(random_rows, open_rows, every_client, monkeypatch):
    monkeypatch.setattr(bundles, "FEWEST_HOLDERS", 1)
    rows = random_rows(3)
    whole = every_client(rows, [dt.date(2021, 1, 1)])
    settings_ = FeatureSettings(groups=("bundles",))
    with open_rows(rows) as book:
        together = build_features(book, whole, settings_).data
        alone = build_features(book, whole.slice(2, 1), settings_).data
    assert alone.equals(together.slice(2, 1))
