from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from appetence.book import open_book
from appetence.config import AttritionSettings, BookSettings, FeatureSettings
from appetence.features.pipeline import build_features
from appetence.features.population import population
from appetence.models.blocks import Window
from appetence.models.dataset import Labelled, Snapshots, make_snapshots
from appetence.models.dependence import Dependence, choose_unit, design_effect, residuals
from appetence.models.questions import Question, label
from appetence.months import Month

CUTS = np.array(["2022-01-01", "2022-07-01", "2023-01-01", "2023-07-01"], dtype="datetime64[D]")
FIRST = 2010 * 12


def rows(seed: int, *, tranches: float = 0.0, homes: float = 0.0, cohorts: int = 100, n: int = 3_000) -> Labelled:
    """Clients at four cuts, who leave by a hazard that falls with tenure, in waves; some tranches or homes at once."""
    rng = np.random.default_rng(seed)
    joined = FIRST + rng.integers(0, cohorts, n)
    home = np.arange(n) // 2
    client, cut = np.tile(np.arange(n), 4), np.repeat(CUTS, n)
    tenure = (cut.astype("datetime64[M]").astype(int) + 1970 * 12) - joined[client]
    hazard = 0.12 * np.exp(-tenure / 60) * np.repeat([1.0, 0.4, 2.0, 0.7], n)
    y = rng.random(4 * n) < hazard
    y |= (rng.random((4, cohorts)) < tranches)[np.repeat(np.arange(4), n), joined[client] - FIRST] & (
        rng.random(4 * n) < 0.5
    )
    y |= (rng.random((4, n)) < homes)[np.repeat(np.arange(4), n), home[client]]
    keys = pd.MultiIndex.from_arrays([client.astype(str), cut.astype("datetime64[s]")])
    snapshots = Snapshots(
        pd.DataFrame({"tenure": tenure}), keys, cut, client, home[client], home[client] % 4 == 0, cohort=joined[client]
    )
    return Labelled(snapshots, np.arange(4 * n), y.astype(np.int64))


def test_tranches_that_leave_at_once_are_found():
    found = choose_unit(rows(1, tranches=0.03), "auto")
    assert found.unit == "cohort"
    assert found.effects["cohort"].value > 3
    assert found.effects["household"].certain == 1.0


def test_neither_waves_nor_a_hazard_that_ages_pass_for_tranches():
    found = [choose_unit(rows(seed), "auto") for seed in range(20)]
    assert {one.unit for one in found} == {"household"}
    assert np.mean([one.effects["cohort"].value for one in found]) == pytest.approx(1.0, abs=0.1)
    errors = [one.effects["cohort"].error for one in found]
    assert np.std([one.effects["cohort"].value for one in found]) == pytest.approx(np.mean(errors), rel=0.5)


def test_households_that_leave_together_are_found():
    found = choose_unit(rows(2, homes=0.05), "auto")
    assert found.unit == "household"
    assert found.effects["household"].certain > 1.3


def test_one_date_of_joining_for_most_clients_is_no_tranche_to_draw():
    """After a migration the few other months would be drawn against one that holds nearly all."""
    data = rows(3, tranches=0.05)
    old = data.snapshots.cohort < FIRST + 95
    merged = replace(data.snapshots, cohort=np.where(old, FIRST, data.snapshots.cohort))
    assert choose_unit(replace(data, snapshots=merged), "auto").unit == "household"


def test_the_design_effect_by_hand():
    # clients a, b, c, d with totals 1, 1, -1, -1; units {a, b} and {c, d}: (2² + 2²) / 4
    left, client = np.array([0.5, 0.5, 1.0, -1.0, -1.0]), np.array([0, 0, 1, 2, 3])
    found = design_effect(left, client, np.array([0, 0, 0, 1, 1]))
    assert found.value == pytest.approx(2.0)
    assert found.units == pytest.approx(2.0)
    assert found.error == pytest.approx(np.sqrt(2 * (2 * (2**2 - 2)) / 4**2))
    assert design_effect(left, client, client).value == pytest.approx(1.0)
    assert design_effect(left, client, client).error == 0.0


def test_the_error_is_that_of_tossed_signs():
    rng = np.random.default_rng(1)
    total, unit = rng.exponential(size=300), np.arange(300) % 17
    drawn = [design_effect(rng.choice([-1, 1], 300) * total, np.arange(300), unit) for _ in range(4_000)]
    assert np.mean([one.value for one in drawn]) == pytest.approx(1.0, abs=0.02)
    assert np.std([one.value for one in drawn]) == pytest.approx(drawn[0].error, rel=0.05)


def test_cuts_and_bands_of_tenure_leave_nothing_of_themselves():
    data = rows(4)
    left = residuals(data.y, data.cut, data.cohort)
    for cut in CUTS:
        assert left[data.cut == cut].sum() == pytest.approx(0.0, abs=1e-6)


def test_what_is_wanted_is_taken():
    data = rows(5)
    assert choose_unit(data, "cohort").unit == "cohort"
    assert choose_unit(data, "household").unit == "household"
    unknown = replace(data, snapshots=replace(data.snapshots, cohort=None))
    assert choose_unit(unknown, "auto") == Dependence()
    with pytest.raises(ValueError, match="month of joining"):
        choose_unit(unknown, "cohort")


def test_a_simulated_book_is_drawn_by_household(simulated):
    with open_book(BookSettings(directory=str(simulated))) as book:
        months = [Month(2021, 7) + 3 * k for k in range(6)]
        spine = population(book, [month.start for month in months])
        table = build_features(book, spine, FeatureSettings(groups=("tenure",)))
        snapshots = make_snapshots(table, book.execute(book.table("clients")), 0.25, 7)
        question = Question("attrition", Window(AttritionSettings().horizon), 20, ())
        found = choose_unit(label(book, question, snapshots, spine), "auto")
    assert found.unit == "household"
    assert set(found.as_dict()["design_effects"]) == {"household", "cohort"}
