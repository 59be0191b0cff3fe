from __future__ import annotations

import datetime as dt
from dataclasses import replace

import numpy as np
import pytest

from appetence.errors import UsageError
from appetence.models.baselines import BASE_RATE, LIFE_TABLE, LOGISTIC
from appetence.models.blocks import Origin, Window
from appetence.models.classifier import PropensityClassifier
from appetence.models.fitting import (
    Wrapping,
    base_rate,
    can_fit,
    check_parameters,
    fit_fallback,
    fit_model,
    label_hash,
    pooled,
    predict_base_rate,
    predict_test,
)
from appetence.models.questions import Question
from appetence.models.verdicts import Verdict

ATTRITION = Question("attrition", Window(6), 50, (BASE_RATE, LIFE_TABLE, LOGISTIC))
CARD = Question("buy:card", Window(6), 50, (BASE_RATE, LOGISTIC))
EARLY, LATE = dt.date(2023, 1, 1), dt.date(2023, 7, 1)
TEST = Origin(at=LATE, fit=(EARLY,), calibrate=(EARLY,), test=LATE)
FINAL = Origin(at=dt.date(2024, 1, 1), fit=(EARLY,), calibrate=(LATE,), test=None)
FEW = {"max_rounds": 10}


def wrapping(question: Question) -> Wrapping:
    return Wrapping(question, FINAL, "f" * 64, {"auc": 0.7}, Verdict("verdict", "verdict"), seed=1)


def test_an_unknown_parameter_is_told_with_the_nearest():
    check_parameters({"learning_rate": 0.1, "num_leaves": 7})
    with pytest.raises(UsageError, match="Did you mean 'num_leaves'"):
        check_parameters({"num_leafs": 7})
    with pytest.raises(UsageError, match="'n_jobs'"):
        check_parameters({"n_jobs": 2})


def test_what_happens_at_the_test_date_changes_no_prediction(make_labelled):
    labelled = make_labelled()
    test = labelled.cut == np.datetime64(LATE)
    turned = replace(labelled, y=np.where(test, 1 - labelled.y, labelled.y))
    before, after = (predict_test(ATTRITION, one, TEST, FEW, seed=1) for one in (labelled, turned))
    np.testing.assert_array_equal(before.p, after.p)
    for name in ATTRITION.baselines:
        np.testing.assert_array_equal(before.baselines[name], after.baselines[name])
    np.testing.assert_array_equal(before.y, 1 - after.y)
    assert (before.date == np.datetime64(LATE)).all()
    assert len(before.rows) == test.sum()


def test_the_slope_comes_from_later_rows_of_other_households_and_the_level_from_all(make_labelled):
    labelled = make_labelled()
    fit, later = labelled.block(FINAL.fit, held_out=False), labelled.block(FINAL.calibrate, held_out=True)
    first = PropensityClassifier(**FEW, random_state=1, n_jobs=1).fit(fit.X, fit.y, groups=fit.household, time=fit.cut)
    slope = first.calibrate(later.X, later.y).calibration_.slope
    assert slope != 1.0
    model = fit_model(labelled, FINAL, FEW, seed=1).model
    assert model.calibration_.slope == slope
    known = labelled.block((*FINAL.fit, *FINAL.calibrate))
    assert model.predict_proba(known.X)[:, 1].sum() == pytest.approx(known.y.sum(), rel=0.02)


def test_questions_of_one_origin_share_bins_that_know_no_label_and_no_later_row(make_labelled):
    labelled = make_labelled()
    other = replace(labelled, rows=labelled.rows[::2], y=1 - labelled.y[::2])  # one cut, the other outcome
    first, second = labelled.binned(FINAL, 50), other.binned(FINAL, 50)
    assert first.bins is second.bins
    np.testing.assert_array_equal(second.places, first.places[::2])
    early = labelled.block([EARLY]).binned(TEST, 50)
    assert early.bins is not first.bins
    assert early.bins.data.num_data() == len(labelled.block([EARLY]))
    assert labelled.binned(FINAL, 2) is None  # three channels: their codes would be learnt from labels
    alone = fit_model(other, TEST, FEW, seed=1, features=other.features).model
    shared = fit_model(other, TEST, FEW, seed=1).model
    np.testing.assert_allclose(shared.decision_function(other.X), alone.decision_function(other.X), atol=0.2)


def test_too_little_cannot_be_fitted(make_labelled):
    labelled = make_labelled()
    assert can_fit(labelled, TEST)
    few = replace(labelled, y=np.where(np.cumsum(labelled.y) <= 6, labelled.y, 0))
    assert not can_fit(few, TEST)
    nobody = replace(labelled, y=np.where(labelled.cut == np.datetime64(LATE), 0, labelled.y))
    assert not can_fit(nobody, TEST)
    assert can_fit(nobody, FINAL)


def test_the_base_rate_counts_overlapping_windows_once(make_labelled):
    labelled = make_labelled(1_000, rate=0.05)
    events = int(labelled.y.sum())
    # cuts every 3 months and windows of 6: each event is seen twice
    assert base_rate(labelled, CARD, 3, prior=0.01) == pytest.approx((events / 2 + 5) / (500 + 5 / 0.01))
    assert base_rate(labelled, CARD, 6, prior=0.01) == pytest.approx((events + 5) / (1_000 + 5 / 0.01))


def test_the_fallback_of_attrition_reads_tenure_alone_and_that_of_a_product_nothing(make_labelled):
    labelled = make_labelled()
    table = fit_fallback(wrapping(ATTRITION), labelled, 3, 0.0, FEW)
    assert (table.kind, table.features, table.question) == ("classifier", ("tenure",), "attrition")
    table.check_golden()
    assert len(set(np.round(table.predict(labelled.X), 6))) > 5
    rate = fit_fallback(wrapping(CARD), labelled, 3, 0.01, FEW)
    assert (rate.kind, rate.features) == ("constant", ())
    assert rate.predict(labelled.X.head(2)).tolist() == [rate.probability] * 2
    rare = replace(labelled, y=np.where(np.cumsum(labelled.y) <= 3, labelled.y, 0))
    assert fit_fallback(wrapping(ATTRITION), rare, 3, 0.0, FEW).kind == "constant"


def test_an_artefact_says_what_it_was_made_from(make_labelled):
    labelled = make_labelled()
    made = wrapping(ATTRITION).classifier(fit_model(labelled, FINAL, FEW, seed=1), labelled)
    assert made.contract.origins.fitted_on == ("2023-01-01",)
    assert made.contract.origins.calibrated_on == ("2023-07-01",)
    assert made.contract.origins.label_window == "[cut + 0, cut + 6) months"
    assert made.contract.metrics == {"auc": 0.7}
    assert made.features == tuple(labelled.snapshots.X.columns)
    made.check_golden()


def test_a_question_not_modelled_is_predicted_by_what_was_known(make_labelled):
    labelled = make_labelled(1_000, rate=0.05)
    known = labelled.block([EARLY])
    found = predict_base_rate(labelled, [TEST], prior=0.01)
    assert found is not None
    assert set(found.p) == {(known.y.sum() + 5) / (len(known) + 5 / 0.01)}
    assert predict_base_rate(labelled, [], prior=0.01) is None
    both = pooled([found, found])
    assert len(both.y) == 2 * len(found.y)


def test_the_hash_follows_the_labels(make_labelled):
    labelled = make_labelled(500)
    other = replace(labelled, y=np.where(np.arange(500) == 7, 1 - labelled.y, labelled.y))
    assert label_hash(labelled) == label_hash(make_labelled(500)) != label_hash(other)
