from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from appetence.models.leaks.single_features import LIMIT, detect, sliced


def _codes(y, rng):
    return pd.Series(np.where(rng.random(len(y)) < 0.99, np.where(y == 1, "gone", "here"), "?"), dtype="str")


def _filled_later(y, rng):
    """A date that is there for those who left, and for few others."""
    return np.where((y == 1) | (rng.random(len(y)) < 0.01), rng.random(len(y)), np.nan)


LEAKS = {
    "a number": lambda y, rng: y + rng.normal(0, 0.2, len(y)),
    "the other way round": lambda y, rng: -y + rng.normal(0, 0.2, len(y)),
    "neither high nor low": lambda y, rng: np.where(y == 1, rng.normal(0, 0.1, len(y)), rng.choice([-1, 1], len(y))),
    "codes": _codes,
    "a blank": _filled_later,
    "a flag": lambda y, rng: (y == 1) ^ (rng.random(len(y)) < 0.02),
}


@pytest.mark.parametrize("name", LEAKS)
def test_a_feature_that_knows_is_found(made, name):
    found = detect(made({"leak": LEAKS[name], "noise": lambda y, rng: rng.random(len(y))}))
    assert found.state == "finding"
    assert len(found.names) == 1
    assert found.names[0].startswith("leak for attrition")
    assert found.figure > LIMIT


def _strong(y, rng):
    return y * 1.4 + rng.normal(0, 1, len(y))  # an AUC of .84: better than any single fact seen so far


@pytest.mark.parametrize("seed", range(5))
def test_honest_features_are_not_found_however_strong_or_many_their_levels(made, seed):
    columns = {f"noise {i}": lambda y, rng: rng.random(len(y)) for i in range(20)}
    columns |= {"strong": _strong, "an id": lambda y, rng: pd.Series(rng.permutation(len(y)).astype(str), dtype="str")}
    found = detect(made(columns, seed=seed))
    assert found.state == "clear"
    assert "strong" in found.measure


def test_few_events_are_told(made):
    found = detect(made({"leak": LEAKS["a number"]}, n=500, rate=0.02))
    assert found.state == "skipped"
    assert "too few events" in found.checked


def test_a_book_without_leaks_is_clear(material):
    assert detect(material).state == "clear"


def test_slices_keep_frequent_values_and_blanks_apart():
    values = np.r_[np.full(50, 0.0), np.arange(1.0, 101.0), np.nan]
    codes = sliced(values)
    assert codes[-1] == 0
    assert set(codes[:50]) == {codes[0]}
    assert codes[0] not in codes[50:]
    assert (np.diff(codes[50:150]) >= 0).all()
