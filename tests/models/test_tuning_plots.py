from __future__ import annotations

from xml.etree import ElementTree as ET

from appetence.models.search import Trial
from appetence.models.search_space import SPACE
from appetence.models.tuning_plots import study_files

DRAWN = {
    "learning_rate": 0.02,
    "num_leaves": 7,
    "min_data_in_leaf": None,
    "lambda_l2": 1.0,
    "feature_fraction": 0.5,
    "bagging_fraction": 0.9,
    "linear_shrink": "auto",
}
SVG = "{http://www.w3.org/2000/svg}"


def trial(number, losses, state="complete", **drawn):
    return Trial(number, state, DRAWN | drawn, {}, number == 0, losses, 0, 0)


TRIALS = [trial(0, (0.3, 0.5)), trial(1, (0.6,), "pruned"), trial(2, (0.2, 0.4), learning_rate=0.1, linear_shrink=0.5)]


def parsed(text):
    return ET.fromstring(text)  # noqa: S314 - written by this package


def test_the_table_holds_every_trial_fold_and_parameter():
    lines = study_files(TRIALS, {})["study/trials.csv"].splitlines()
    assert lines[0].split(",") == ["trial", "state", "loss", "fold_0", "fold_1", *SPACE]
    assert lines[2] == "1,pruned,0.6,0.6,,0.02,7,,1.0,0.5,0.9,auto"
    assert lines[3].startswith("2,complete,0.3,0.2,0.4,0.1,")


def test_the_pictures_show_complete_trials_and_the_best_so_far():
    files = study_files(TRIALS, {"learning_rate": 0.8, "num_leaves": 0.2})
    history = parsed(files["study/history.svg"])
    places = [(float(dot.get("cx")), float(dot.get("cy"))) for dot in history.iter(f"{SVG}circle")]
    assert len(places) == 2
    assert places[0][0] < places[1][0]
    assert places[0][1] < places[1][1]  # the smaller loss is lower down
    best = next(history.iter(f"{SVG}polyline")).get("points")
    assert best == " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    slices = parsed(files["study/slices.svg"])
    assert len(list(slices.iter(f"{SVG}circle"))) == 2 * len(SPACE)
    assert set(SPACE) <= {text.text for text in slices.iter(f"{SVG}text")}
    bars = [float(bar.get("width")) for bar in parsed(files["study/importances.svg"]).iter(f"{SVG}rect")][1:]
    assert bars[0] == 4 * bars[1]


def test_without_trials_there_is_nothing_to_draw():
    assert study_files([], {}) == {}
    only = study_files([trial(0, (0.6,), "pruned")], {})
    assert "no complete trial" in only["study/history.svg"]
    assert "study/importances.svg" not in only
