from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appetence.models.rankings import recommend
from appetence.models.rankings.baskets import Baskets
from appetence.models.rankings.recommend import PRIOR, by_rules, by_similar_clients


def baskets(seed: int, n: int, products: int = 4) -> Baskets:
    rng = np.random.default_rng(seed)
    contracts = rng.poisson(rng.uniform(0.2, 1.0, products), (n, products))
    held = (contracts > 0) & (rng.random((n, products)) < 0.7)
    return Baskets(held, contracts > 0, contracts > 1)


def test_a_rule_by_hand():
    # of 100 clients 40 hold A, 20 hold B, 16 hold both
    held = np.zeros((100, 2), dtype=bool)
    held[:40, 0] = True
    held[24:44, 1] = True
    learnt = Baskets(held, held, np.zeros_like(held))
    asked = np.array([[True, False], [False, False]])
    found = by_rules(learnt, Baskets(asked, asked, np.zeros_like(asked)))
    confidence = (16 + PRIOR * 0.2) / (40 + PRIOR)
    assert found.first[0, 1] == pytest.approx(confidence * confidence / 0.2)
    assert found.first[1].tolist() == pytest.approx([0.4, 0.2])  # holds nothing: the shares of all
    assert found.again[0].tolist() == [0.0, 0.0]  # nobody had two


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_rules_against_the_oracle(seed):
    learnt, asked = baskets(seed, 60), baskets(seed + 1, 8)
    found = by_rules(learnt, asked)
    for row in range(8):
        for b in range(4):
            for again in (False, True):
                pool = learnt.had[:, b] if again else np.ones(60, dtype=bool)
                target = learnt.more[:, b] if again else learnt.held[:, b]
                share = target.sum() / max(pool.sum(), 1)
                best = []
                for a in range(4):
                    if asked.held[row, a] and share > 0:
                        holders = learnt.held[:, a] & pool
                        confidence = ((holders & target).sum() + PRIOR * share) / (holders.sum() + PRIOR)
                        best.append(confidence * confidence / share)
                got = (found.again if again else found.first)[row, b]
                if not again and asked.held[row, b]:
                    continue  # nobody asks a holder about a first contract
                assert got == pytest.approx(max(best, default=share)), (row, b, again)


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 2**32), neighbours=st.integers(1, 12))
def test_similar_clients_against_the_oracle(seed, neighbours):
    learnt, asked = baskets(seed, 50), baskets(seed + 1, 6)
    rng = np.random.default_rng(seed)
    known, wanted = rng.integers(0, 3, (50, 2)), rng.integers(0, 4, (6, 2))
    found = by_similar_clients(learnt, asked, (known, wanted), seed=1, neighbours=neighbours)
    for row in range(6):
        for attributes in (2, 1, 0):
            pool = np.flatnonzero((known[:, :attributes] == wanted[row, :attributes]).all(axis=1))
            if len(pool) >= neighbours:
                break
        for b in range(4):
            others = np.arange(4) != b
            apart = (learnt.held[pool][:, others] != asked.held[row, others]).sum(axis=1)
            for again in (False, True):
                among = learnt.had[pool, b] if again else np.ones(len(pool), dtype=bool)
                hit = learnt.more[pool, b] if again else learnt.held[pool, b]
                everyone = learnt.had[:, b].sum() if again else 50
                prior = (learnt.more if again else learnt.held)[:, b].sum() / max(everyone, 1)
                near = np.zeros(len(pool), dtype=bool)
                for distance in range(5):
                    if near.sum() < neighbours:
                        near |= among & (apart == distance)
                expected = ((near & hit).sum() + 5 * prior) / (near.sum() + 5)
                got = (found.again if again else found.first)[row, b]
                assert got == pytest.approx(expected), (row, b, again)


def test_a_large_segment_is_drawn_from_and_the_shares_hold(monkeypatch):
    learnt, asked = baskets(3, 4_000), baskets(4, 200)
    segment = np.zeros((4_000, 1), dtype=np.int64), np.zeros((200, 1), dtype=np.int64)
    whole = by_similar_clients(learnt, asked, segment, seed=1)
    monkeypatch.setattr(recommend, "POOL", 1_000)
    drawn = by_similar_clients(learnt, asked, segment, seed=1)
    again = by_similar_clients(learnt, asked, segment, seed=1)
    assert not np.array_equal(whole.first, drawn.first)
    assert np.array_equal(drawn.first, again.first)
    assert np.abs(whole.first - drawn.first).mean() < 0.05
