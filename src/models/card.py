"""What a model card tells of a version: gathered when it is registered, from the tests that its training made.

Figures are of the procedure at the test dates, out of time, as in the verdict. Protected attributes are read here, for
the audit alone: how the scores that were given differ between groups. No model sees them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import BaseModel, ConfigDict, ValidationError

from appetence.book import Book
from appetence.config import OwnQuestion
from appetence.features.catalogue import Feature, Theme
from appetence.models import metrics
from appetence.models.artefact import Artefact
from appetence.models.evaluation import within_dates
from appetence.models.fitting import Predictions
from appetence.models.outcome import Outcome
from appetence.models.outflows import OutflowFigures
from appetence.models.tracking import StoredVersion

FEWEST_EVENTS = 20
"""Events that a group must have before figures of it are told: fewer say little, and may point to people."""

MOST_GROUPS = 20
"""Values of a protected attribute beyond which it is a number rather than a group."""

NOT_DECLARED = ""

Figure = float | None


class _Stored(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class FeatureLine(_Stored):
    """A feature as the card names it."""

    name: str
    label: dict[str, str]
    theme: dict[str, str]
    actionable: bool


class Estimate(_Stored):
    """A figure of the tests with its 95 % interval; null where it cannot be computed."""

    value: Figure
    low: Figure
    high: Figure


class Slice(_Stored):
    """Figures of a part of the test rows: a date, or a group of a protected attribute."""

    name: str
    rows: int
    events: int
    auc: Figure
    mean_score: Figure
    log_loss: Figure
    observed_expected: Estimate


class Disparity(_Stored):
    """How scores differ between the groups of a protected attribute; those with too few events are counted only."""

    attribute: str
    groups: tuple[Slice, ...]
    left_out: int


class Card(_Stored):
    """Everything a card tells but the approvals, which go on after it was written: as stored in `card.json`."""

    format: Literal[1] = 1
    question: str
    label: dict[str, str]
    asks: dict[str, str] = {}
    version: int
    kind: str
    horizon: int
    gap: int
    registered_at: str
    state: str
    verdict: dict[str, str]
    fitted_on: tuple[str, ...]
    calibrated_on: tuple[str, ...]
    tested_on: tuple[str, ...]
    sizes: dict[str, int]
    features: tuple[FeatureLine, ...]
    figures: dict[str, Estimate]
    baselines: dict[str, dict[str, Figure]]
    gains: dict[str, Estimate]
    deciles: tuple[dict[str, Figure], ...]
    by_date: tuple[Slice, ...]
    outflow: dict[str, Estimate] | None = None
    rule: dict[str, float] | None = None
    disparity: tuple[Disparity, ...] | None
    parameters: dict[str, str]
    code_version: str
    book_fingerprint: str
    label_hash: str
    sha256: dict[str, str]


@dataclass(frozen=True)
class Material:
    """What a training leaves for the cards of its versions.

    Attributes
    ----------
    clients
        (n,) client_id of each snapshot.
    features, themes
        The catalogue as it was for this book.
    own
        {question: what it asks} of the firm's own.
    """

    clients: pa.Array
    features: tuple[Feature, ...]
    themes: Mapping[str, Theme]
    own: Mapping[str, OwnQuestion] = field(default_factory=dict)


def make_card(
    stored: StoredVersion,
    artefact: Artefact,
    outcome: Outcome,
    material: Material,
    book: Book,
    parameters: Mapping[str, object],
    draws: int,
    seed: int,
) -> Card:
    """Gather a version's card.

    Parameters
    ----------
    stored, artefact
        As registered. The tests were of the full model: a fallback has its verdict, and no figures.
    parameters
        Of the config, as given.
    draws, seed
        Of the bootstrap behind the intervals.
    """
    of_model = artefact is outcome.model
    evaluation = outcome.evaluation if of_model else None
    tested = outcome.tested if of_model else None
    origins = artefact.contract.origins
    own = material.own.get(stored.question)
    return Card(
        question=stored.question,
        label=_label(book, artefact.contract.product_id, own),
        asks={} if own is None else _asks(own),
        version=stored.version,
        kind=stored.kind,
        horizon=stored.horizon,
        gap=artefact.gap,
        registered_at=stored.registered_at,
        state=outcome.state,
        verdict={"en": outcome.verdict.en, "fr": outcome.verdict.fr},
        fitted_on=origins.fitted_on,
        calibrated_on=origins.calibrated_on,
        tested_on=() if evaluation is None else evaluation.dates,
        sizes={name: value for name, value in outcome.facts.items() if isinstance(value, int)},
        features=tuple(_lines(artefact, material)),
        figures={} if evaluation is None else {n: _estimate(found) for n, found in evaluation.metrics.items()},
        baselines={}
        if evaluation is None
        else {n: {k: _finite(v) for k, v in other.metrics.items()} for n, other in evaluation.baselines.items()},
        gains={} if evaluation is None else {n: _estimate(other.gain) for n, other in evaluation.baselines.items()},
        deciles=()
        if evaluation is None
        else tuple({k: _finite(v) for k, v in row.items()} for row in evaluation.deciles),
        rule=_rule(artefact),
        outflow=None if evaluation is None or evaluation.outflow is None else _outflow(evaluation.outflow),
        by_date=() if tested is None else tuple(_by_date(tested, draws, seed)),
        disparity=None if tested is None else disparity(book, material.clients, tested, draws, seed),
        parameters={name: str(value) for name, value in sorted(parameters.items())},
        code_version=origins.code_version,
        book_fingerprint=origins.book_fingerprint,
        label_hash=str(outcome.facts.get("label_hash", "")),
        sha256=dict(stored.sha256),
    )


def read_card(text: str | None) -> Card | None:
    """Read a stored card; None where there is none, or it is not one."""
    try:
        return None if text is None else Card.model_validate_json(text)
    except ValidationError:
        return None


def disparity(
    book: Book, clients: pa.Array, tested: Predictions, draws: int, seed: int
) -> tuple[Disparity, ...] | None:
    """Return how the scores of the tests differ by protected attribute; None where the firm maps none.

    Parameters
    ----------
    clients
        (n,) client_id of each snapshot, to which `tested.rows` point.
    """
    if not book.has("protected"):
        return None
    table = book.execute(book.table("protected"))
    place = pc.index_in(clients.take(pa.array(tested.rows)), table["client_id"].combine_chunks())
    found = []
    for attribute in table.column_names:
        values = pc.fill_null(table[attribute].combine_chunks().cast(pa.string()).take(place), NOT_DECLARED)
        groups = np.asarray(values.to_pylist(), dtype=object)
        names = sorted(set(groups))
        if attribute == "client_id" or not 1 < len(names) <= MOST_GROUPS:
            continue
        parts = [(str(name), groups == name) for name in names]
        told = [part for part in parts if int(tested.y[part[1]].sum()) >= FEWEST_EVENTS]
        slices = tuple(_slice(name, tested, inside, draws, seed) for name, inside in told)
        found.append(Disparity(attribute=attribute, groups=slices, left_out=len(parts) - len(told)))
    return tuple(found)


def _by_date(tested: Predictions, draws: int, seed: int) -> Iterator[Slice]:
    for date in np.unique(tested.date):
        yield _slice(str(date), tested, tested.date == date, draws, seed)


def _slice(name: str, tested: Predictions, inside: npt.NDArray[np.bool_], draws: int, seed: int) -> Slice:
    y, p, date, unit = tested.y[inside], tested.p[inside], tested.date[inside], tested.unit[inside]
    ratio = metrics.bootstrap_intervals(metrics.observed_expected, y, p, unit, draws, seed)
    return Slice(
        name=name,
        rows=len(y),
        events=int(y.sum()),
        auc=_finite(within_dates(metrics.auc, date)(y, p, None)),
        mean_score=_finite(float(p.mean())),
        log_loss=_finite(metrics.log_loss(y, p)),
        observed_expected=_estimate(ratio),
    )


def _asks(own: OwnQuestion) -> dict[str, str]:
    return {"target": own.target, "population": own.population or "", "once": "yes" if own.once else ""}


def _label(book: Book, product_id: str | None, own: OwnQuestion | None) -> dict[str, str]:
    """Return a product, or a question of the firm's, as it is named there; others are named by whoever writes."""
    if own is not None:
        return {"en": own.label_en, "fr": own.label_fr}
    if product_id is None:
        return {}
    products = book.execute(book.table("products").select("product_id", "label_en", "label_fr")).to_pylist()
    for row in products:
        if row["product_id"] == product_id:
            return {language: row[f"label_{language}"] or product_id for language in ("en", "fr")}
    return {"en": product_id, "fr": product_id}


def _lines(artefact: Artefact, material: Material) -> Iterator[FeatureLine]:
    topics: Sequence[Feature] = () if artefact.topics is None else artefact.topics.features()
    known = {feature.name: feature for feature in (*material.features, *topics)}
    for name in artefact.features:
        feature = known[name]
        theme = material.themes[feature.theme]
        yield FeatureLine(
            name=name,
            label={"en": feature.en.label, "fr": feature.fr.label},
            theme={"en": theme.label_en, "fr": theme.label_fr},
            actionable=theme.actionable,
        )


def _rule(artefact: Artefact) -> dict[str, float] | None:
    """Return what a model of erosion calls so: the threshold, as a share, and the least balance."""
    loss = artefact.contract.loss
    return None if loss is None else {"threshold": loss.threshold, "min_balance": loss.min_balance}


def _outflow(found: OutflowFigures) -> dict[str, Estimate]:
    """Return the error in money: of the model, and the mean error of each plain forecast and of forecasting nothing."""
    alone = {"promised": found.model.promised, "realised": found.realised}
    told = {name: Estimate(value=_finite(value), low=None, high=None) for name, value in alone.items()}
    told |= {name: _estimate(getattr(found.model, name)) for name in ("ratio", "mae", "capture_10")}
    told |= {f"mae of {name}": _estimate(other.mae) for name, other in found.baselines.items()}
    return told | {"mae of nothing": Estimate(value=found.nothing, low=None, high=None)}


def _estimate(found: metrics.Interval) -> Estimate:
    return Estimate(value=_finite(found.value), low=_finite(found.low), high=_finite(found.high))


def _finite(value: float) -> Figure:
    return float(value) if math.isfinite(value) else None
