from dataclasses import replace

import numpy as np
import pytest

from appetence.models.uplifts.judging import SHARES, judge, split_in_time

PLAIN = {"max_rounds": 25, "n_folds": 2}
LIGHT = {"max_rounds": 5, "n_folds": 2, "linear_shrink": 0.5}


def judged(draws, parameters=PLAIN, bootstrap=100, seed=1):
    return judge(*split_in_time(draws), parameters, bootstrap, seed)


@pytest.fixture(scope="module")
def planted(make_draws):
    draws, _ = make_draws(n=6_000, effect=0.25)
    return judged(draws)


def test_the_newest_campaigns_judge_and_nothing_is_learnt_that_was_not_known(make_draws):
    draws, _ = make_draws(n=3_000)
    older, newest = split_in_time(draws)
    assert sorted({str(cut) for cut in newest.cut}) == ["2023-01-01", "2023-04-01"]
    assert older.closes.max() <= newest.cut.min()
    assert sorted({str(cut) for cut in older.cut}) == ["2022-01-01", "2022-04-01", "2022-07-01", "2022-10-01"]
    # with six months to wait, what was offered in the three months before is in neither
    longer = replace(draws, closes=(draws.closes.astype("datetime64[M]") + 3).astype("datetime64[D]"))
    assert str(split_in_time(longer)[0].cut.max()) == "2022-07-01"
    forever = replace(draws, closes=np.full(len(draws), np.datetime64("2030-01-01", "D")))
    assert split_in_time(forever) is None


def test_a_planted_effect_is_found_beyond_chance_and_beyond_the_score(planted):
    assert planted.found
    assert planted.better
    assert planted.qini.low > 0
    assert planted.qini_over_score.low > 0
    more = f"{2000 * planted.qini_over_score.value:+.1f}"
    assert planted.verdict.en.startswith(f"targets by lift: over all depths, {more}")
    assert "more purchases per 1,000 offers than targeting by score" in planted.verdict.en
    # who listens gains .25, the others lose half of that: the first ones listen, and half of all do
    assert planted.depths[0].lift.value == pytest.approx(0.25, abs=0.15)
    assert planted.average.value == pytest.approx(0.0625, abs=0.075)  # three standard errors
    assert planted.expected == pytest.approx(planted.average.value, abs=0.08)


def test_the_figures_hang_together(planted):
    assert tuple(depth.share for depth in planted.depths) == SHARES
    for depth in planted.depths:
        assert depth.over_score.value == pytest.approx(depth.lift.value - depth.score.value)
        assert depth.over_random.value == pytest.approx(depth.lift.value - planted.average.value)
        assert depth.lift.low <= depth.lift.value <= depth.lift.high
    area = np.trapezoid(
        [row["by_lift"] - row["at_random"] for row in planted.curve], [row["share_of_clients"] for row in planted.curve]
    )
    assert planted.qini.value == pytest.approx(area)
    assert planted.coefficient > 0  # above 1, too, where some are put off
    assert planted.chosen_by[planted.learner] == max(planted.chosen_by.values())
    flat = planted.flat()
    assert flat["qini_low"] == planted.qini.low
    assert flat["over_score_20"] == planted.depths[1].over_score.value


def test_without_any_effect_it_is_told_to_be_chance(make_draws):
    seeds = range(10)
    verdicts = [judged(make_draws(n=1_000, seed=seed)[0], LIGHT, 50, seed) for seed in seeds]
    chance = [one for one in verdicts if not one.found]
    assert len(chance) >= 0.9 * len(seeds)
    assert all("cannot be told from chance" in one.verdict.en for one in chance)
    assert all("on ne peut pas distinguer du hasard" in one.verdict.fr for one in chance)


def test_an_effect_that_is_the_same_for_all_orders_nobody(make_draws):
    draws, _ = make_draws(n=3_000)
    more = np.random.default_rng(2).random(len(draws)) < 0.15
    found = judged(replace(draws, bought=np.maximum(draws.bought, draws.offered & more)), LIGHT)
    assert found.average.low > 0
    assert not found.better
