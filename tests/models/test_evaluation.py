from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from scipy.special import expit
from sklearn.metrics import log_loss, roc_auc_score

from appetence.models.baselines import BASE_RATE, LIFE_TABLE, LOGISTIC
from appetence.models.evaluation import evaluate
from appetence.models.fitting import Predictions

DATES = np.array(["2023-01-01", "2023-07-01"], dtype="datetime64[D]")


def predictions(n: int = 4_000, seed: int = 1, own: float = 1.0, logistic: float = 0.8) -> Predictions:
    """Truth in the log-odds, of which the model knows one share and the regression another."""
    rng = np.random.default_rng(seed)
    truth = rng.normal(0, 1.2, n)
    y = (rng.random(n) < expit(truth - 2.5)).astype(np.int64)
    return Predictions(
        rows=np.arange(n),
        y=y,
        p=expit(own * truth - 2.5),
        baselines={
            BASE_RATE: np.full(n, y.mean()),
            LIFE_TABLE: expit(0.1 * truth + rng.normal(0, 0.2, n) - 2.2),
            LOGISTIC: expit(logistic * truth - 2.5),
        },
        unit=np.arange(n) // 2,
        date=DATES[np.arange(n) % 2],
    )


def test_a_model_that_knows_more_beats_its_baselines():
    found = evaluate(predictions(), draws=100, seed=1)
    assert found.beats
    assert found.verdict.en.startswith("beats its baselines: AUC and log-loss 0.7")
    assert found.verdict.en.endswith("2 test dates, intervals by household")
    assert "logistic regression" in found.verdict.en
    assert BASE_RATE not in found.verdict.en
    assert found.dates == ("2023-01-01", "2023-07-01")
    assert found.metrics["log_loss"].low < found.metrics["log_loss"].value < found.metrics["log_loss"].high


def test_figures_are_those_of_scikit_learn_ranking_ones_within_dates():
    data = predictions()
    found = evaluate(data, draws=20, seed=1)
    assert found.metrics["log_loss"].value == pytest.approx(log_loss(data.y, data.p))
    per_date = [(roc_auc_score(data.y[at], data.p[at]), data.y[at].sum()) for at in (data.date == d for d in DATES)]
    expected = np.average([value for value, _ in per_date], weights=[n for _, n in per_date])
    assert found.metrics["auc"].value == pytest.approx(expected)
    loss = log_loss(data.y, data.baselines[LOGISTIC]) - log_loss(data.y, data.p)
    assert found.baselines[LOGISTIC].gain.value == pytest.approx(loss)


def test_intervals_are_of_the_same_figures_dates_included():
    """The level differs so much between dates that a figure taken over the wrong rows would be far off."""
    data = predictions()
    high = data.date == DATES[1]
    data = replace(data, p=np.where(high, expit(np.log(data.p / (1 - data.p)) + 3), data.p))
    for name, interval in evaluate(data, draws=60, seed=1).metrics.items():
        assert interval.low <= interval.value <= interval.high, name
        assert interval.low < interval.high, name


def test_a_level_that_differs_between_dates_does_not_pass_for_ranking():
    rng = np.random.default_rng(3)
    date = DATES[np.arange(2_000) % 2]
    level = np.where(date == DATES[1], 0.3, 0.03)
    y = (rng.random(2_000) < level).astype(np.int64)
    data = Predictions(np.arange(2_000), y, level, {BASE_RATE: np.full(2_000, y.mean())}, np.arange(2_000), date)
    found = evaluate(data, draws=50, seed=1)
    assert roc_auc_score(y, level) > 0.7
    assert found.metrics["auc"].value == 0.5
    assert not found.beats


def test_noise_does_not_beat_the_base_rate():
    beaten = 0
    for seed in range(20):
        data = predictions(1_000, seed)
        rng = np.random.default_rng(100 + seed)
        noise = expit(rng.normal(-2.3, 0.05, 1_000))
        plain = {BASE_RATE: np.full(1_000, data.y.mean() + rng.normal(0, 0.01))}
        beaten += evaluate(Predictions(data.rows, data.y, noise, plain, data.unit, data.date), 50, seed).beats
    assert beaten <= 4


def test_a_tie_with_the_regression_goes_to_the_smaller_loss_and_a_worse_model_never_wins():
    ahead = evaluate(predictions(own=0.99, logistic=0.97), draws=100, seed=1)
    behind = evaluate(predictions(own=0.6, logistic=1.0), draws=100, seed=1)
    assert ahead.beats
    assert ahead.baselines[LOGISTIC].gain.value > 0
    assert ahead.baselines[LOGISTIC].gain.low < 0 < ahead.baselines[LOGISTIC].gain.high
    assert not behind.beats
    assert behind.verdict.en.startswith("does not beat its baselines")


def test_better_than_a_plain_rate_by_luck_is_not_enough():
    # ten events: the gain is positive, but few households carry it
    y = np.zeros(300, dtype=np.int64)
    y[:10] = 1
    p = np.full(300, 0.033)
    p[:2] = 0.08
    p[10:40] = 0.05
    data = Predictions(
        np.arange(300), y, p, {BASE_RATE: np.full(300, 10 / 300)}, np.arange(300), np.repeat(DATES[:1], 300)
    )
    found = evaluate(data, draws=200, seed=1)
    assert found.baselines[BASE_RATE].gain.value > 0
    assert found.baselines[BASE_RATE].better < 0.9
    assert not found.beats
    assert "base rate" in found.verdict.en


def test_the_base_rate_is_named_where_it_is_what_was_not_beaten():
    """Well ahead of the regression, but not surely of the base rate: a sentence without it would contradict itself."""
    y = np.zeros(300, dtype=np.int64)
    y[:10] = 1
    p = np.full(300, 0.033)
    p[:2], p[10:40] = 0.08, 0.05
    worse = np.where(y == 1, 0.02, 0.06)
    plain = {BASE_RATE: np.full(300, 10 / 300), LOGISTIC: worse}
    data = Predictions(np.arange(300), y, p, plain, np.arange(300), np.repeat(DATES[:1], 300))
    found = evaluate(data, draws=200, seed=1)
    assert found.baselines[LOGISTIC].gain.low > 0
    assert not found.beats
    assert found.verdict.en.startswith("does not beat its baselines")
    base = found.baselines[BASE_RATE]
    assert f"base rate 0.500 and {base.metrics['log_loss']:.4f} (95 % interval of the gain -" in found.verdict.en
    assert "pour le taux de base (intervalle" in found.verdict.fr
    assert "logistic regression" in found.verdict.en


def test_households_move_together():
    data = predictions(2_000)
    twice = Predictions(
        np.arange(4_000),
        np.repeat(data.y, 2),
        np.repeat(data.p, 2),
        {name: np.repeat(q, 2) for name, q in data.baselines.items()},
        np.repeat(np.arange(2_000), 2),
        np.repeat(data.date, 2),
    )
    once = evaluate(Predictions(**{**vars(data), "unit": np.arange(2_000)}), draws=200, seed=1)
    both = evaluate(twice, draws=200, seed=1)
    for name in ("auc", "log_loss"):
        wide, same = once.metrics[name], both.metrics[name]
        assert same.high - same.low == pytest.approx(wide.high - wide.low, rel=0.05)


def test_all_figures_are_plain_json_and_csv():
    found = evaluate(predictions(800), draws=20, seed=1)
    assert json.loads(json.dumps(found.as_dict()))["beats"] is found.beats
    assert set(found.flat()) >= {"auc", "auc_low", "log_loss", "life_table.log_loss", "logistic_regression.gain"}
    texts = found.texts()
    header, *rows = texts["curves/gains.csv"].splitlines()
    assert header == "share_of_rows,share_of_events"
    assert rows[-1] == "1,1"
    captured = [float(row.split(",")[1]) for row in rows]
    assert captured == sorted(captured)
    expected = [float(row.split(",")[2]) for row in texts["curves/calibration.csv"].splitlines()[1:]]
    assert sum(expected) == pytest.approx(predictions(800).p.sum(), rel=1e-6)
