"""Run a backtest: at each of many dates make the models as they would have been made then, and judge what they said."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from functools import partial

import numpy as np

from appetence.book import Book
from appetence.config import (
    Asking,
    BacktestSettings,
    FeatureSettings,
    TrainingSettings,
)
from appetence.models import metrics
from appetence.models.backtests.draws import draw_units
from appetence.models.backtests.horizons import judge_horizons
from appetence.models.backtests.result import Backtest, BacktestResult, SegmentSheet
from appetence.models.backtests.segments import segments_of
from appetence.models.backtests.sheets import Bench
from appetence.models.backtests.verdict import backtested
from appetence.models.blocks import Blocks, Origin
from appetence.models.dataset import Labelled, Snapshots
from appetence.models.drift import Drift, features_of_time, measure_drift
from appetence.models.evaluation import outflow_verdict, within_dates
from appetence.models.fitting import (
    Predictions,
    can_fit,
    check_parameters,
    pooled,
    predict_base_rate,
    predict_test,
)
from appetence.models.outcome import dependence_of, lacking_for, refusal_of
from appetence.models.outflows import OutflowFigures, measure_outflows
from appetence.models.preparing import prepare, side_by_side
from appetence.models.questions import Question, ask
from appetence.models.rankings.judge import rank_products
from appetence.models.training import overall_rates, plan_questions
from appetence.models.verdicts import Verdict
from appetence.progress import Progress, part, silent

MONEY = "assets"
"""The feature that says what a client takes along."""

_SHARES = (0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)

Drifts = Mapping[Origin, Drift]


def backtest_questions(
    book: Book,
    asking: Asking,
    features: FeatureSettings,
    training: TrainingSettings,
    backtest: BacktestSettings,
    only: Collection[str] | None = None,
    progress: Progress = silent,
) -> BacktestResult:
    """Judge the questions of a book over rolling origins. Nothing is stored.

    At each test date rows are learnt from only if their label windows had closed by then. Features, topics of messages
    and labels of all dates are made once; a model and its baselines are fitted per question and date.

    Parameters
    ----------
    training
        How models are made; its test dates are not used.
    backtest
        How many test dates there are, and how far apart.
    only
        Names of questions to restrict to.
    progress
        Told what is being done, and the share done.

    Raises
    ------
    UsageError
        An unknown question, feature group or parameter.
    """
    check_parameters(training.parameters)
    training = training.model_copy(update={"tests": backtest.tests, "test_spacing": backtest.spacing})
    planned, refused = plan_questions(book, ask(book, asking, only), training)
    # the model that would score today is not tested: the last test stands in its place, and its cuts are not built
    blocks = {question: Blocks(found.tests, found.tests[-1]) for question, found in planned.items()}
    fingerprint = book.fingerprint(book.observed_until)
    if not blocks:
        return BacktestResult({}, refused, fingerprint, {})
    ready = prepare(book, blocks, features, training, part(progress, 0.0, 0.18))
    facts = {
        "features": [feature.name for feature in ready.table.features],
        "switched_off": list(ready.switched_off),
        "snapshots": len(ready.snapshots),
    }
    of_time = features_of_time(ready.table.features)
    drifts = _drifts(blocks, ready.snapshots, of_time, training.seed, part(progress, 0.18, 0.3))

    def judge(question: Question) -> Backtest | Verdict:
        labelled = ready.labelled[question]
        return judge_question(question, labelled, blocks[question], settings=training, drifts=drifts, book=book)

    judgements = side_by_side(judge, ready.labelled, "judged", part(progress, 0.3, 0.97))
    progress("judging the order of products", 0.97)
    served = _served(judgements, ready.labelled, blocks)
    origins = [origin for question in served for origin in blocks[question].tests]
    ranking = rank_products(book, ready.spine, ready.snapshots, served, origins, training)
    found = {question.name: one for question, one in judgements.items()}
    refused |= {name: one for name, one in found.items() if isinstance(one, Verdict)}
    judged = {name: one for name, one in found.items() if isinstance(one, Backtest)}
    labels = {feature.name: (feature.en.label, feature.fr.label) for feature in ready.table.features}
    return BacktestResult(judged, refused, fingerprint, facts, labels, ranking)


def _served(
    judgements: Mapping[Question, Backtest | Verdict],
    labelled: Mapping[Question, Labelled],
    blocks: Mapping[Question, Blocks],
) -> dict[Question, Predictions]:
    """Return what would have ordered products: the models, and the base rate of a product that has none."""
    prior, served = overall_rates(labelled), {}
    for question, one in judgements.items():
        if question.product_id is None:
            continue
        tested = one.tested if isinstance(one, Backtest) else None
        tested = tested or predict_base_rate(labelled[question], blocks[question].tests, prior[question.kind])
        if tested is not None and len(tested.rows):
            served[question] = tested
    return served


def judge_question(
    question: Question,
    labelled: Labelled,
    blocks: Blocks,
    *,
    settings: TrainingSettings,
    drifts: Drifts,
    book: Book | None = None,
) -> Backtest | Verdict:
    """Judge one question, or say why it cannot be.

    Parameters
    ----------
    labelled
        The question's rows at the cuts of `blocks`.
    drifts
        Of the origins, as far as they were measured.
    book
        Whose attrition is judged at every horizon; None to leave that out.
    """
    reason = refusal_of(question, labelled)
    tests = [origin for origin in blocks.tests if can_fit(labelled, origin)]
    reason = reason or lacking_for(question, labelled, tests)
    if reason is not None:
        return reason
    dependence = dependence_of(labelled, tests[0], settings)
    parts = [predict_test(question, labelled, origin, settings.parameters, settings.seed) for origin in tests]
    unseen = np.concatenate([_unseen(labelled, origin, one) for origin, one in zip(tests, parts, strict=True)])
    predictions = pooled(parts).drawn_by(dependence, labelled)
    bench = make_bench(predictions, labelled.snapshots, question.kind == "attrition", settings)
    whole, dates = bench.judge_by_date()
    rows = labelled.snapshots.X.iloc[predictions.rows]
    horizons = None
    if book is not None and question.kind == "attrition":
        horizons = judge_horizons(book, bench, labelled.snapshots, question.window)
    verdict = backtested(whole, dates, dependence.unit, horizons)
    outflow, by_date = _in_money(predictions, settings)
    return Backtest(
        question=question.name,
        verdict=verdict if outflow is None else verdict.and_then(outflow_verdict(outflow)),
        dependence=dependence,
        units=bench.times.shape[1],
        pooled=whole,
        dates=dates,
        unseen=bench.judge(np.flatnonzero(unseen)),
        segments=tuple(SegmentSheet(one.by, one.value, bench.judge(one.rows)) for one in segments_of(rows)),
        deciles=tuple(
            vars(one) | {"ratio": one.ratio} for one in metrics.reliability_bins(predictions.y, predictions.p)
        ),
        gains=gains_of(predictions),
        drift=tuple(drifts[origin] for origin in tests if origin in drifts),
        horizons=horizons,
        half_lives=predictions.half_lives,
        tested=predictions,
        outflow=outflow,
        outflow_dates=by_date,
    )


def _in_money(
    predictions: Predictions, settings: TrainingSettings
) -> tuple[OutflowFigures | None, dict[str, OutflowFigures]]:
    """Measure the money expected to leave, over all test dates and at each of them; nothing where it is not asked."""
    outflows = predictions.outflows
    if outflows is None:
        return None, {}
    by_date = {}
    for date in np.unique(predictions.date):
        rows = np.flatnonzero(predictions.date == date)
        unit = predictions.unit[rows]
        by_date[str(date)] = measure_outflows(outflows.where(rows), unit, settings.bootstrap, settings.seed)
    return measure_outflows(outflows, predictions.unit, settings.bootstrap, settings.seed), by_date


def make_bench(predictions: Predictions, snapshots: Snapshots, attrition: bool, settings: TrainingSettings) -> Bench:
    """Put predictions beside the draws of their units, their clients, and the money that leavers take along."""
    units, place = np.unique(predictions.unit, return_inverse=True)
    money = None
    if attrition and MONEY in snapshots.X:
        amounts = snapshots.X[MONEY].iloc[predictions.rows].to_numpy(dtype=np.float64, na_value=0.0)
        money = np.maximum(np.nan_to_num(amounts), 0.0)  # an overdrawn account takes nothing along
    times = draw_units(len(units), settings.bootstrap, settings.seed)
    return Bench(predictions, snapshots.client[predictions.rows], place, times, money, attrition)


def gains_of(predictions: Predictions) -> tuple[Mapping[str, float], ...]:
    """Return the share of events found in the highest-scored share of each date's rows, by the model and baselines."""
    scores = {"model": predictions.p, **predictions.baselines}
    found = [{"share_of_rows": 0.0, **dict.fromkeys(scores, 0.0)}]
    for share in _SHARES:
        caught = within_dates(partial(metrics.capture_at, share=share), predictions.date)
        found.append({"share_of_rows": share, **{name: caught(predictions.y, p, None) for name, p in scores.items()}})
    return tuple(found)


def _unseen(labelled: Labelled, origin: Origin, tested: Predictions) -> np.ndarray:
    """Say of each test row whether no row of its household was learnt from."""
    household = labelled.snapshots.household
    known = labelled.block((*origin.fit, *origin.calibrate))
    return ~np.isin(household[tested.rows], household[known.rows])


def _drifts(
    planned: Mapping[Question, Blocks], snapshots: Snapshots, of_time: frozenset[str], seed: int, progress: Progress
) -> Drifts:
    """Measure the drift of the population at every origin, once for all questions that share it."""
    origins = sorted({origin for blocks in planned.values() for origin in blocks.tests}, key=lambda one: one.at)
    found = {}
    for number, origin in enumerate(origins):
        progress(f"measuring how far {origin.at} is from its past", number / len(origins))
        learnt = np.flatnonzero(np.isin(snapshots.cut, _days((*origin.fit, *origin.calibrate))))
        tested = np.flatnonzero(np.isin(snapshots.cut, _days([origin.at])))
        found[origin] = measure_drift(snapshots, learnt, tested, str(origin.at), of_time, seed)
    return found


def _days(cuts: Collection[dt.date]) -> np.ndarray:
    return np.array(list(cuts), dtype="datetime64[D]")
