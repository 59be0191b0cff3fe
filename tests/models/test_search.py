from __future__ import annotations

import math
import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appetence.models.fitting import check_parameters
from appetence.models.search import STARTUP, Clock, Study, TuningError
from appetence.models.search_space import SPACE, FoldPruner, inside

IN_USE = {"lambda_l2": 0.0, "num_leaves": 31, "max_rounds": 50}
NAME = "attrition 0123456789abcdef"


def bowl(parameters, fold):
    """A loss that is smallest at a learning rate of 0.06 and 20 leaves, on another level in each fold."""
    rate, leaves = parameters.get("learning_rate", 0.04), parameters.get("num_leaves", 15)
    return abs(math.log(rate / 0.06)) + abs(math.log(leaves / 20)) + 10.0 * fold


def for_ever():
    return Clock(time.monotonic() + 1e6)


def searched(folder, trials, judge=bowl, clock=None, name=NAME, seed=3, folds=2):
    with Study(folder, name, IN_USE, seed) as study:
        ended = study.search(judge, folds, trials, clock or for_ever())
        return ended, study.trials, study.best


def told(trials):
    return [(dict(trial.parameters), trial.state, trial.losses) for trial in trials if trial.state != "stopped"]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A search of 16 trials that nothing interrupted."""
    return searched(tmp_path_factory.mktemp("whole"), 16)


def test_the_parameters_in_use_come_first_and_as_they_are(whole):
    _, trials, _ = whole
    assert trials[0].in_use
    assert trials[0].parameters == IN_USE
    assert sum(trial.in_use for trial in trials) == 1
    assert {trial.parameters["max_rounds"] for trial in trials} == {50}


def test_a_search_finds_what_is_better_and_prunes_what_is_worse(whole):
    ended, trials, best = whole
    assert ended
    assert len(trials) == 16
    assert best.loss < trials[0].loss - 0.3
    pruned = [trial for trial in trials if trial.state == "pruned"]
    assert pruned
    for trial in pruned:
        (first,) = trial.losses
        before = sorted(other.losses[0] for other in trials[: trial.number])
        assert first > before[len(before) // 2 - 1]  # not in the better half of those before it
    assert best.loss == min(trial.loss for trial in trials if trial.state == "complete")


def test_what_was_tested_is_what_a_config_would_say(whole):
    for trial in whole[1]:
        check_parameters(trial.parameters)
        assert "auto" not in trial.parameters.values()
        for value in trial.parameters.values():
            assert value is None or float(f"{value:.3g}") == value


def test_the_same_seed_gives_the_same_trials_and_another_seed_others(whole, tmp_path):
    assert told(searched(tmp_path / "same", 11)[1]) == told(whole[1])[:11]
    assert told(searched(tmp_path / "other", 4, seed=4)[1])[1:] != told(whole[1])[1:4]


def test_a_search_that_ended_goes_on_as_if_it_had_not(whole, tmp_path):
    searched(tmp_path, 11)
    ended, trials, best = searched(tmp_path, 16)
    assert ended
    assert told(trials) == told(whole[1])
    assert best.parameters == whole[2].parameters


def test_a_trial_that_failed_midway_is_tried_again_from_the_fold_it_was_at(whole, tmp_path):
    asked = []

    def failing(parameters, fold):
        asked.append(fold)
        if len(asked) == 8:  # the second fold of the fourth trial
            raise KeyboardInterrupt
        return bowl(parameters, fold)

    with pytest.raises(KeyboardInterrupt):
        searched(tmp_path, 7, failing)
    done = len(asked)
    _, trials, _ = searched(tmp_path, 7, failing)
    assert [trial.state for trial in trials].count("stopped") == 1
    assert asked[done] == 1  # not the first fold again
    assert told(trials) == told(whole[1])[:7]


def test_another_study_is_begun_anew(tmp_path):
    searched(tmp_path, 3)
    _, trials, _ = searched(tmp_path, 2, name="attrition fedcba9876543210")
    assert len(trials) == 2


def test_the_time_is_kept_between_folds(tmp_path):
    def slow(parameters, fold):
        time.sleep(0.05)
        return bowl(parameters, fold)

    began = time.monotonic()
    ended, trials, _ = searched(tmp_path, 1_000, slow, Clock(began + 0.6))
    assert not ended
    assert time.monotonic() - began < 2.0  # Optuna's own time on a busy machine
    assert trials
    with Study(tmp_path, NAME, IN_USE, 3) as study:
        assert not study.search(slow, 2, 1_000, Clock(time.monotonic() + 0.02))  # less than a fold is known to take
        assert len(study.finished) == len([trial for trial in trials if trial.state != "stopped"])


def test_time_is_kept_back_for_what_follows():
    assert not Clock(time.monotonic() + 10, reserve=4, longest=1.0).over
    assert Clock(time.monotonic() + 10, reserve=10, longest=1.0).over


def test_one_process_at_a_time(tmp_path):
    with Study(tmp_path, NAME, {}, 1):
        with pytest.raises(TuningError, match="another one at it"), Study(tmp_path, NAME, {}, 1):
            pass
        with Study(tmp_path, "attrition fedcba9876543210", {}, 1):
            pass
    with Study(tmp_path, NAME, {}, 1) as study:
        assert study.trials == ()


def test_importances_name_what_mattered(tmp_path):
    with Study(tmp_path, NAME, {}, 1) as study:
        study.search(bowl, 1, STARTUP - 1, for_ever())
        assert study.importances() == {}
        study.search(bowl, 1, 20, for_ever())
        found = study.importances()
    assert set(found) == set(SPACE)
    assert sum(found.values()) == pytest.approx(1.0)
    assert {*list(found)[:2]} == {"learning_rate", "num_leaves"}
    assert all(first >= second for first, second in pairwise(found.values()))


def test_notes_stay_with_the_study(tmp_path):
    with Study(tmp_path, NAME, {}, 1) as study:
        assert study.noted("figures") is None
        study.note("figures", {"gain": 0.1})
    with Study(tmp_path, NAME, {}, 1) as study:
        assert study.noted("figures") == {"gain": 0.1}


@given(st.floats(1e-6, 1e6), st.integers(1, 100_000))
def test_parameters_in_use_are_put_inside_the_space(rate, rows):
    learning_rate = inside("learning_rate", rate)
    assert SPACE["learning_rate"]._contains(learning_rate)
    leaf = inside("min_data_in_leaf", rows)
    assert all(abs(leaf - rows) <= abs(other - rows) for other in (20, 50, 100, 200, 400))
    assert inside("min_data_in_leaf", None) is None


def test_the_pruner_holds_a_trial_against_the_median_of_the_same_folds(tmp_path):
    """By hand: after one fold five others had 1 to 5; 4 is above their median, 2 is not; four others are too few."""
    import optuna

    study = optuna.create_study(pruner=FoldPruner())
    verdicts = []
    for first in (1.0, 2.0, 3.0, 4.0, 5.0, 4.0, 2.0):
        trial = study.ask()
        trial.report(first, 0)
        verdicts.append(trial.should_prune())
        study.tell(trial, first)
    assert verdicts == [False] * 5 + [True, False]
