"""Judge the order in which products would have been proposed: the models' beside popularity, rules and likeness."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from appetence.book import Book
from appetence.config import TrainingSettings
from appetence.models.baselines import BASE_RATE
from appetence.models.blocks import Origin
from appetence.models.dataset import Snapshots
from appetence.models.dependence import Unit
from appetence.models.fitting import Predictions
from appetence.models.metrics import percentile_interval, resampled_means
from appetence.models.questions import Question
from appetence.models.rankings.baskets import baskets_of, segments
from appetence.models.rankings.precision import precisions_at_k
from appetence.models.rankings.recommend import Scores, by_rules, by_similar_clients
from appetence.models.rankings.result import LENGTHS, MODEL, POPULARITY, RULES, SIMILAR, ProductRanking

Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Buyers:
    """Those who bought something, one row for each and test date.

    Attributes
    ----------
    rows
        (n,) positions in the snapshots, ascending.
    questions
        The columns: each a first purchase of a product, or another one.
    bought
        (n, questions)
    scores
        {scorer: (n, questions)}, NaN where the client was not asked about: the models', and popularity.
    """

    rows: Ints
    questions: tuple[Question, ...]
    bought: Flags
    scores: Mapping[str, Floats]


def buyers_of(served: Mapping[Question, Predictions]) -> Buyers | None:
    """Put the predictions of all products side by side for those who bought one; None without any.

    Parameters
    ----------
    served
        Per question, the probabilities to judge; clients who may not buy the product have no row.
    """
    rows = np.unique(np.concatenate([one.rows[one.y == 1] for one in served.values()] or [np.empty(0, dtype=np.int64)]))
    if not len(rows):
        return None
    shape = (len(rows), len(served))
    bought = np.zeros(shape, dtype=bool)
    scores = {name: np.full(shape, np.nan) for name in (MODEL, POPULARITY)}
    for column, one in enumerate(served.values()):
        mine = np.isin(one.rows, rows)
        at = np.searchsorted(rows, one.rows[mine])
        bought[at, column] = one.y[mine] == 1
        scores[MODEL][at, column] = one.p[mine]
        scores[POPULARITY][at, column] = one.baselines[BASE_RATE][mine]
    return Buyers(rows, tuple(served), bought, scores)


def rank_products(
    book: Book,
    spine: pa.Table,
    snapshots: Snapshots,
    served: Mapping[Question, Predictions],
    origins: Iterable[Origin],
    settings: TrainingSettings,
) -> ProductRanking | None:
    """Judge the order of products at the test dates; None where nobody bought anything.

    Parameters
    ----------
    spine
        `client_id` and `cut` of the snapshots, in their order.
    served
        See `buyers_of`.
    origins
        Of the tests: rules and likeness know what was held at the newest date that the models learnt from.
    settings
        Draws of the bootstrap, and its seed.
    """
    buyers = buyers_of(served)
    if buyers is None:
        return None
    newest = {np.datetime64(one.test): max((*one.fit, *one.calibrate)) for one in origins if one.test is not None}
    plain = {name: np.full(buyers.bought.shape, np.nan) for name in (RULES, SIMILAR)}
    dates = snapshots.cut[buyers.rows]
    for date in np.unique(dates):
        at = np.flatnonzero(dates == date)
        for name, scores in _recommended(book, spine, snapshots, buyers, at, newest[date], settings.seed).items():
            plain[name][at] = scores
    offered = ~np.isnan(buyers.scores[MODEL])
    every = {**buyers.scores, **{name: np.where(offered, one, np.nan) for name, one in plain.items()}}
    unit = _unit_of(served.values())
    codes = snapshots.cohort if unit == "cohort" and snapshots.cohort is not None else snapshots.household
    return judge_scores(buyers, every, codes[buyers.rows], unit, snapshots, settings)


def judge_scores(
    buyers: Buyers,
    scores: Mapping[str, Floats],
    codes: Ints,
    unit: Unit,
    snapshots: Snapshots,
    settings: TrainingSettings,
) -> ProductRanking:
    """Return the mean average precision of each scorer, and by how much the models are ahead of the others.

    Parameters
    ----------
    scores
        {scorer: (n, questions)}, the models' first.
    codes, unit
        (n,) what is drawn as one, and what it is.
    """
    names = list(scores)
    figures, ahead, ceiling = {}, {}, {}
    for k in LENGTHS:
        found = [precisions_at_k(buyers.bought, scores[name], k) for name in names]
        values = np.column_stack([one for one, _ in found])
        means = values.mean(axis=0)
        drawn = resampled_means(values, codes, settings.bootstrap, [settings.seed, 0x6D6170])
        ceiling[k] = float(found[0][1].mean())
        figures[k] = {name: percentile_interval(float(means[i]), drawn[:, i]) for i, name in enumerate(names)}
        ahead[k] = {
            name: percentile_interval(float(means[0] - means[i]), drawn[:, 0] - drawn[:, i])
            for i, name in enumerate(names)
            if i
        }
    return ProductRanking(
        buyers=len(buyers.rows),
        questions=tuple(question.name for question in buyers.questions),
        dates=tuple(str(date) for date in np.unique(snapshots.cut[buyers.rows])),
        unit=unit,
        units=len(np.unique(codes)),
        ceiling=ceiling,
        figures=figures,
        ahead=ahead,
    )


def _recommended(
    book: Book, spine: pa.Table, snapshots: Snapshots, buyers: Buyers, at: Ints, newest: dt.date, seed: int
) -> dict[str, Floats]:
    """Score the questions for some buyers of one date by what clients held at an earlier one."""
    learnt = np.flatnonzero(snapshots.cut == np.datetime64(newest))
    asked = buyers.rows[at]
    products = sorted({question.product_id or "" for question in buyers.questions})
    both = baskets_of(book, spine.take(pa.array(np.concatenate([learnt, asked]))), products)
    known, wanted = both.rows(slice(0, len(learnt))), both.rows(slice(len(learnt), None))
    alike = segments(snapshots.X.iloc[learnt], snapshots.X.iloc[asked])
    found: dict[str, Scores] = {
        RULES: by_rules(known, wanted),
        SIMILAR: by_similar_clients(known, wanted, alike, seed),
    }
    place = {product: column for column, product in enumerate(products)}
    return {
        name: np.column_stack(
            [
                (scores.again if question.kind == "rebuy" else scores.first)[:, place[question.product_id or ""]]
                for question in buyers.questions
            ]
        )
        for name, scores in found.items()
    }


def _unit_of(served: Iterable[Predictions]) -> Unit:
    """Return the widest unit of the products: an interval that is too narrow says more than one that is too wide."""
    return "cohort" if any(one.dependence.unit == "cohort" for one in served) else "household"
