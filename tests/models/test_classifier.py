"""The estimator as scikit-learn, a scoring job and a risk committee would use it."""

from __future__ import annotations

import json
import pickle

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss, roc_auc_score
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from appetence.errors import AppetenceError, ArtefactError
from appetence.models import PropensityClassifier


def book(n: int = 1_200, seed: int = 0) -> tuple[pd.DataFrame, np.ndarray]:
    """Mixed columns with missing values; an additive part, and an interaction that only trees can find."""
    rng = np.random.default_rng(seed)
    X = pd.DataFrame({"age": rng.normal(50, 12, n), "money": np.exp(rng.normal(8, 2, n)), "flag": rng.random(n) < 0.4})
    X["channel"] = rng.choice(["web", "branch", "phone", None], n)
    X["postcode"] = [f"{code:05d}" for code in rng.integers(0, 90, n)]
    X["empty"] = np.nan
    X["same"] = 1
    X.loc[rng.random(n) < 0.2, "money"] = np.nan
    score = 0.05 * (X["age"] - 50) + 1.2 * (X["channel"] == "web") + 2.0 * X["flag"] * (X["age"] > 50) - 1.5
    return X, (rng.random(n) < 1 / (1 + np.exp(-score))).astype(int).to_numpy()


@pytest.fixture(scope="module")
def fitted() -> PropensityClassifier:
    X, y = book()
    later, outcome = book(600, seed=9)
    return PropensityClassifier().fit(X, y).calibrate(later, outcome)


@parametrize_with_checks([PropensityClassifier()])
def test_scikit_learn_estimator_checks(estimator, check):
    check(estimator)


def test_log_odds_are_the_sum_that_explanations_open(fitted):
    X, _ = book(300, seed=1)
    trees = fitted.booster_.predict(fitted.encode(X), raw_score=True)
    linear = fitted.linear_contributions(X)
    assert linear.shape == (300, X.shape[1])
    slope, intercept = fitted.calibration_.slope, fitted.calibration_.intercept
    assert slope != 1.0
    total = slope * (trees + fitted.linear_bias_ + linear.sum(axis=1)) + intercept
    np.testing.assert_allclose(total, fitted.decision_function(X), atol=1e-9)
    np.testing.assert_allclose(fitted.predict_proba(X)[:, 1], 1 / (1 + np.exp(-total)))
    np.testing.assert_array_equal(fitted.predict(X), (total > 0).astype(int))


def test_linear_contributions_are_centred_on_the_training_rows():
    X, y = book()
    model = PropensityClassifier(linear_shrink=0.5, max_levels=200).fit(X, y)
    np.testing.assert_allclose(model.linear_contributions(X).mean(axis=0), 0, atol=1e-9)
    assert (model.linear_contributions(X)[:, list(X).index("same")] == 0).all()


def test_saved_and_loaded_scores_are_the_same(fitted, tmp_path):
    X, _ = book(300, seed=2)
    fitted.save(tmp_path / "model")
    loaded = PropensityClassifier.load(tmp_path / "model")
    np.testing.assert_allclose(loaded.decision_function(X), fitted.decision_function(X), atol=1e-12, rtol=0)
    np.testing.assert_array_equal(loaded.linear_contributions(X), fitted.linear_contributions(X))
    np.testing.assert_array_equal(loaded.feature_names_in_, fitted.feature_names_in_)
    assert loaded.get_params() == fitted.get_params()
    assert (loaded.n_features_in_, loaded.calibration_) == (fitted.n_features_in_, fitted.calibration_)
    assert loaded.to_parts() == fitted.to_parts()
    assert sorted(path.name for path in (tmp_path / "model").iterdir()) == ["contract.json", "model.txt"]


@pytest.mark.parametrize("labels", [("no", "yes"), (False, True), (3, 7)])
def test_labels_survive_saving(labels):
    X, y = book(300)
    model = PropensityClassifier(max_rounds=5).fit(X, np.array(labels)[y])
    loaded = PropensityClassifier.from_parts(*json.loads(json.dumps(model.to_parts(), allow_nan=False)))
    assert loaded.classes_.tolist() == list(labels)
    np.testing.assert_array_equal(loaded.predict(X), model.predict(X))


def test_a_contract_of_another_format_or_cut_short_is_refused(fitted, tmp_path):
    text, contract = fitted.to_parts()
    with pytest.raises(ArtefactError, match="format 1, but got 2"):
        PropensityClassifier.from_parts(text, contract | {"format": 2})
    with pytest.raises(ArtefactError, match="complete"):
        PropensityClassifier.from_parts(text, {key: value for key, value in contract.items() if key != "linear"})
    with pytest.raises(ArtefactError, match=r"contract\.json"):
        PropensityClassifier.load(tmp_path)


def test_pickle_and_clone(fitted):
    X, _ = book(100, seed=3)
    again = pickle.loads(pickle.dumps(fitted))  # noqa: S301 - scikit-learn's tools pickle; the project's files never do
    np.testing.assert_array_equal(again.decision_function(X), fitted.decision_function(X))
    assert clone(fitted).get_params() == fitted.get_params()
    assert not hasattr(clone(fitted), "booster_")


def test_same_seed_same_bytes_and_the_order_of_rows_does_not_matter_to_choices():
    X, y = book()
    first, second = (PropensityClassifier(n_jobs=1).fit(X, y).to_parts() for _ in range(2))
    assert first == second
    order = np.random.default_rng(0).permutation(len(y))
    shuffled = PropensityClassifier(n_jobs=1, bagging_fraction=1.0).fit(X.iloc[order], y[order])
    straight = PropensityClassifier(n_jobs=1, bagging_fraction=1.0).fit(X, y)
    np.testing.assert_allclose(shuffled.decision_function(X), straight.decision_function(X), atol=0.05)
    other = PropensityClassifier(n_jobs=1, random_state=5).fit(X, y).to_parts()
    assert other[0] != first[0]


def test_columns_are_matched_by_name_in_any_order_and_kind_of_table(fitted):
    X, _ = book(200, seed=4)
    expected = fitted.decision_function(X)
    np.testing.assert_array_equal(fitted.decision_function(X[X.columns[::-1]]), expected)
    np.testing.assert_array_equal(fitted.decision_function(pa.Table.from_pandas(X)), expected)
    np.testing.assert_array_equal(fitted.decision_function(X.astype({"channel": "category"})), expected)
    np.testing.assert_array_equal(fitted.decision_function(X.astype({"flag": "boolean", "same": "Int64"})), expected)


def test_arrow_in_gives_the_model_that_pandas_gives():
    X, y = book(400)
    assert PropensityClassifier(n_jobs=1).fit(pa.Table.from_pandas(X), y).to_parts() == (
        PropensityClassifier(n_jobs=1).fit(X, y).to_parts()
    )


def test_missing_and_unknown_columns_are_named_with_the_nearest(fitted):
    X, _ = book(20)
    with pytest.raises(ValueError, match=r"missing: flag; not known: flog\. Is 'flog' meant to be 'flag'\?") as caught:
        fitted.predict(X.rename(columns={"flag": "flog"}))
    assert isinstance(caught.value, AppetenceError)


def test_levels_never_seen_and_all_missing_rows_have_finite_scores(fitted):
    X, _ = book(50, seed=5)
    strange = X.assign(channel="carrier pigeon", postcode="99999")
    nothing = pd.DataFrame({name: pd.Series([None] * 3, dtype=object) for name in X})
    assert np.isfinite(fitted.decision_function(strange)).all()
    assert np.isfinite(fitted.decision_function(nothing)).all()
    assert np.isfinite(fitted.linear_contributions(nothing)).all()


@pytest.mark.parametrize("n", [4, 5, 12, 60])
def test_tiny_data(n):
    rng = np.random.default_rng(n)
    X = pd.DataFrame({"x": rng.normal(size=n), "none": np.nan, "same": "a"})
    y = np.arange(n) % 4 == 3
    model = PropensityClassifier().fit(X, y)
    assert np.isfinite(model.decision_function(X)).all()
    assert model.predict_proba(X)[:, 1].mean() == pytest.approx((y.sum() + 0.5) / (n + 1), abs=0.08)
    again = PropensityClassifier.from_parts(*model.to_parts())
    np.testing.assert_array_equal(again.decision_function(X), model.decision_function(X))


def test_no_feature_says_anything_gives_the_base_rate():
    y = np.arange(500) % 5 == 0
    model = PropensityClassifier().fit(pd.DataFrame({"a": np.ones(500), "b": [None] * 500}), y)
    np.testing.assert_allclose(
        model.predict_proba(pd.DataFrame({"a": [1.0, 3.0], "b": [None, None]}))[:, 1], 0.2, atol=2e-3
    )


def test_one_class_and_three_are_refused():
    X, y = book(100)
    with pytest.raises(ValueError, match="one class"):
        PropensityClassifier().fit(X, np.zeros(100))
    with pytest.raises(ValueError, match="one class"):
        PropensityClassifier().fit(X, y, sample_weight=(y == 0).astype(float))
    with pytest.raises(ValueError, match="Only binary classification"):
        PropensityClassifier().fit(X, np.arange(100) % 3)


def test_finds_what_a_linear_model_cannot_and_keeps_what_it_can():
    X, y = book(4_000)
    test, outcome = book(4_000, seed=8)
    X, test = X.drop(columns=["postcode", "empty"]), test.drop(columns=["postcode", "empty"])
    own = PropensityClassifier(n_jobs=1).fit(X, y).predict_proba(test)[:, 1]
    plain = LogisticRegression().fit(one_hot(X), y).predict_proba(one_hot(test))[:, 1]
    assert roc_auc_score(outcome, own) > roc_auc_score(outcome, plain) + 0.01
    assert log_loss(outcome, own) < log_loss(outcome, plain)


def one_hot(X: pd.DataFrame) -> pd.DataFrame:
    X = pd.get_dummies(X, columns=["channel"]).astype(float).fillna(0.0)
    return X.assign(money=np.log1p(X["money"]) / 10, age=(X["age"] - 50) / 12)


def test_monotone_constraints_hold_for_the_whole_score():
    rng = np.random.default_rng(1)
    X = pd.DataFrame({"a": rng.normal(size=2_000), "b": rng.normal(size=2_000)})
    y = rng.random(2_000) < 1 / (1 + np.exp(-(X["a"] - 1.5 * X["a"].clip(lower=0.5) + X["b"])))
    grid = pd.DataFrame({"a": np.linspace(-3, 3, 200), "b": 0.3})
    free = np.diff(PropensityClassifier(n_jobs=1).fit(X, y).decision_function(grid))
    assert (free < -1e-9).any()
    for sign in (1, -1):
        held = PropensityClassifier(n_jobs=1, monotone_constraints={"a": sign}).fit(X, y)
        assert (sign * np.diff(held.decision_function(grid)) >= -1e-12).all()
    assert PropensityClassifier.from_parts(*held.to_parts()).monotone_constraints == {"a": -1}


def test_monotone_constraints_on_unknown_or_coded_features_are_refused():
    X, y = book(200)
    with pytest.raises(ValueError, match="Did you mean 'money'"):
        PropensityClassifier(monotone_constraints={"mony": 1}).fit(X, y)
    with pytest.raises(ValueError, match="on a numeric feature"):
        PropensityClassifier(monotone_constraints={"channel": 1}).fit(X, y)


def test_negative_sampling_keeps_the_level_of_the_probabilities():
    rng = np.random.default_rng(2)
    X = rng.normal(size=(12_000, 4))
    y = rng.random(12_000) < 1 / (1 + np.exp(3.5 - X[:, 0]))
    sampled = PropensityClassifier(n_jobs=1, negative_sampling=0.2).fit(X, y)
    full = PropensityClassifier(n_jobs=1).fit(X, y)
    assert sampled.predict_proba(X)[:, 1].sum() == pytest.approx(y.sum(), rel=0.1)
    assert np.corrcoef(sampled.decision_function(X), full.decision_function(X))[0, 1] > 0.97
    other = PropensityClassifier(n_jobs=1, negative_sampling=0.2, sampling_seed=1).fit(X, y)
    assert other.to_parts()[0] != sampled.to_parts()[0]
    with pytest.raises(ValueError, match="negative_sampling"):
        PropensityClassifier(negative_sampling=0.0).fit(X, y)


def test_many_rows_of_a_rare_event_are_sampled_by_default_at_no_loss(monkeypatch):
    """2 % positives in 6,000 rows, the truth met as well from 10 negatives for each as from all."""
    monkeypatch.setattr("appetence.models.sampling.FEWEST_ROWS", 1_000)
    rng = np.random.default_rng(6)
    X = rng.normal(size=(6_000, 4))
    y = rng.random(6_000) < 1 / (1 + np.exp(5.0 - 1.5 * X[:, 0] - (X[:, 1] > 1)))
    sampled = PropensityClassifier(n_jobs=1, max_rounds=40).fit(X, y)
    full = PropensityClassifier(n_jobs=1, max_rounds=40, negative_sampling=None).fit(X, y)
    fresh = rng.normal(size=(5_000, 4))
    p = 1 / (1 + np.exp(5.0 - 1.5 * fresh[:, 0] - (fresh[:, 1] > 1)))

    def loss(model):
        q = model.predict_proba(fresh)[:, 1]
        return -(p * np.log(q / p) + (1 - p) * np.log((1 - q) / (1 - p))).mean()

    assert sampled.to_parts()[0] != full.to_parts()[0]
    assert loss(sampled) < loss(full) + 1e-3  # of a log-loss of .08


def test_the_sampling_correction_is_the_logarithm_of_the_rate():
    X = np.zeros((4_000, 1))
    y = np.arange(4_000) < 400
    model = PropensityClassifier(negative_sampling=0.25, n_jobs=1).fit(X, y)
    kept = np.random.default_rng([0, 0x6E6567]).random(4_000)[400:] < 0.25
    assert model.decision_function(X[:1])[0] == pytest.approx(np.log(400.5 / (kept.sum() + 0.5) * 0.25), abs=1e-6)


def test_groups_are_not_split_so_that_copies_of_a_client_do_not_choose():
    """Forty copies of each client: a random feature per client predicts the label only for copies seen in training."""
    rng = np.random.default_rng(3)
    client = np.repeat(np.arange(150), 40)
    X = rng.normal(size=(150, 6))[client] + rng.normal(0, 0.01, (6_000, 6))
    y = (rng.random(150) < 0.4)[client]
    together = PropensityClassifier(n_jobs=1, max_rounds=60).fit(X, y, groups=client)
    apart = PropensityClassifier(n_jobs=1, max_rounds=60).fit(X, y)
    fresh = rng.normal(size=(2_000, 6))
    assert np.ptp(together.decision_function(fresh)) < 0.5 * np.ptp(apart.decision_function(fresh))


def test_time_chooses_by_what_lasts():
    """The steps of x1 turn around in the last third: trees learned before are of no use after."""
    rng = np.random.default_rng(4)
    moment = np.repeat(np.arange(9), 500)
    X = rng.normal(size=(4_500, 3))
    turned = np.where(moment < 6, 1.0, -1.0)
    y = rng.random(4_500) < 1 / (1 + np.exp(-(X[:, 0] + 2.0 * turned * np.sign(X[:, 1] ** 2 - 1))))
    aware = PropensityClassifier(n_jobs=1, max_rounds=100).fit(X, y, time=moment)
    unaware = PropensityClassifier(n_jobs=1, max_rounds=100).fit(X, y)
    assert aware.booster_.num_trees() < unaware.booster_.num_trees()


def test_groups_and_time_must_have_one_entry_per_row():
    X, y = book(50)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        PropensityClassifier().fit(X, y, groups=np.arange(49))
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        PropensityClassifier().fit(X, y, time=np.arange(49))


def test_calibration_mends_a_level_that_moved_and_is_replaced_by_the_next():
    X, y = book(3_000)
    model = PropensityClassifier(n_jobs=1).fit(X, y)
    rarer = np.flatnonzero((y == 0) | (np.random.default_rng(0).random(3_000) < 0.3))
    model.calibrate(X.iloc[rarer], y[rarer])
    assert model.predict_proba(X.iloc[rarer])[:, 1].mean() == pytest.approx(y[rarer].mean(), rel=0.03)
    moved = model.calibration_
    assert model.calibrate(X.iloc[rarer], y[rarer]).calibration_ == moved
    with pytest.raises(ValueError, match="labels must be those seen in training"):
        model.calibrate(X[:2], ["a", "b"])


def test_works_in_pipelines_and_searches():
    X, y = book(300)
    X = X[["age", "flag"]].astype(float)
    assert cross_val_score(make_pipeline(StandardScaler(), PropensityClassifier(max_rounds=5)), X, y, cv=2).shape == (
        2,
    )
    search = GridSearchCV(PropensityClassifier(max_rounds=5), {"linear_shrink": [0.0, 1.0]}, cv=2, scoring="roc_auc")
    assert search.fit(X, y).best_params_["linear_shrink"] in (0.0, 1.0)


def test_a_fixed_shrinkage_is_kept():
    X, y = book(400)
    assert not PropensityClassifier(linear_shrink=0.0).fit(X, y).linear_contributions(X).any()
    assert PropensityClassifier(linear_shrink=0.25).fit(X, y).linear_shrink_ == 0.25


def test_recentring_expects_what_was_observed_and_keeps_the_slope():
    X, y = book()
    model = PropensityClassifier(max_rounds=20).fit(X, y)
    few = y * (np.arange(len(y)) % 3 == 0)
    model.recentre(X, few, slope=0.8)
    assert model.calibration_.slope == 0.8
    assert model.predict_proba(X)[:, 1].sum() == pytest.approx(few.sum(), rel=0.01)
