"""What can be asked of a book: who leaves, whose money does, who buys what next or again, and what the firm asks."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import pyarrow as pa

from appetence.book import Book
from appetence.config import Asking, ErosionSettings, NextProductSettings, OwnQuestion
from appetence.errors import UsageError, did_you_mean
from appetence.models.baselines import BASE_RATE, LIFE_TABLE, LOGISTIC
from appetence.models.blocks import Window
from appetence.models.credit import own_questions
from appetence.models.dataset import Labelled, Snapshots, label_attrition, label_erosion, label_own, label_purchase
from appetence.models.kinds import ATTRITION, EROSION, NEXT_AGAIN, NEXT_PRODUCT, Kind, kind_of, product_of
from appetence.models.verdicts import Verdict, no_flows, one_product, too_few_again
from appetence.months import Month
from appetence.targets.attrition import attrition_targets
from appetence.targets.erosion import erosion_targets, knows_flows
from appetence.targets.own import own_targets, require_readable
from appetence.targets.purchase import purchase_targets
from appetence.targets.repurchase import buyers_again, repurchase_targets


@dataclass(frozen=True)
class Question:
    """A question that a model answers.

    Attributes
    ----------
    name
        `attrition`, `buy:<product_id>` …; its kind and its product are read off it.
    window
        Gap and horizon.
    fewest_events
        Distinct clients to whom it must have happened, or it is not modelled.
    baselines
        What a model of it must beat.
    own
        Of a firm's own question: its target and population; None for every other kind.
    rule
        Of erosion: which share of which balances; None for every other kind.
    """

    name: str
    window: Window
    fewest_events: int
    baselines: tuple[str, ...]
    own: OwnQuestion | None = None
    rule: ErosionSettings | None = None

    @property
    def definition(self) -> str:
        """A hash of what a firm's own question asks, and of whom; empty for every other kind."""
        if self.own is None:
            return ""
        asked = self.own.model_dump(mode="json", include={"target", "population", "once"})
        return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()

    @property
    def kind(self) -> Kind:
        """What kind of question it is."""
        return kind_of(self.name)

    @property
    def product_id(self) -> str | None:
        """The product it is about; None where it is about none."""
        return product_of(self.name)


@dataclass(frozen=True)
class Asked:
    """Questions that may be tried, and those that this book cannot be asked, with the reason."""

    questions: tuple[Question, ...] = ()
    refused: Mapping[str, Verdict] = field(default_factory=dict)


def ask(book: Book, asking: Asking, only: Collection[str] | None = None) -> Asked:
    """Say which questions the settings and the firm's catalogue of products give.

    Parameters
    ----------
    only
        Names of questions to restrict to; None for all.

    Raises
    ------
    UsageError
        A name in `only` that is no question of this book.
    BookError
        The SQL of the firm's own questions is not what it must be; all mistakes are told.
    """
    questions: list[Question] = []
    refused: dict[str, Verdict] = {}
    few: dict[str, int] = {}
    attrition, next_product = asking.attrition, asking.next_product
    if attrition.enabled:
        window = Window(attrition.horizon, attrition.gap)
        baselines = (BASE_RATE, LIFE_TABLE, LOGISTIC)
        questions.append(Question(ATTRITION, window, attrition.min_events, baselines))
    if asking.erosion.enabled:
        if knows_flows(book):
            window = Window(asking.erosion.horizon, asking.erosion.gap)
            least = asking.erosion.min_events
            questions.append(Question(EROSION, window, least, (BASE_RATE, LOGISTIC), rule=asking.erosion))
        else:
            refused[EROSION] = no_flows()
    if next_product.enabled:
        window = Window(next_product.horizon, next_product.gap)
        products = sorted(book.execute(book.table("products").select("product_id"))["product_id"].to_pylist())
        again, few = products_bought_again(book, next_product, products)
        first = products if len(products) > 1 else []
        questions += [
            Question(f"{kind}:{product}", window, next_product.min_buyers, (BASE_RATE, LOGISTIC))
            for kind, asked in ((NEXT_PRODUCT, first), (NEXT_AGAIN, again))
            for product in asked
        ]
        if not first:
            refused[NEXT_PRODUCT] = one_product()
        elif few:
            refused[NEXT_AGAIN] = too_few_again(few, next_product.min_buyers)
    require_readable(book, asking.questions)
    questions += [
        Question(own.name, Window(own.horizon, own.gap), own.min_events, (BASE_RATE, LOGISTIC), own=own)
        for own in own_questions(book, asking)
    ]
    if only is None:
        return Asked(tuple(questions), refused)
    told = refused | {f"{NEXT_AGAIN}:{p}": too_few_again({p: n}, next_product.min_buyers) for p, n in few.items()}
    return _restricted(questions, told, only)


def products_bought_again(
    book: Book, settings: NextProductSettings, products: Collection[str]
) -> tuple[list[str], dict[str, int]]:
    """Return the products of which clients enough bought another contract, and {product: clients} of the others.

    They are counted before the newest date that a model can be tested at: what judges it has no say in whether it is
    made.
    """
    if not settings.repurchase:
        return [], {}
    newest = Month.of(book.observed_until) - (settings.gap + settings.horizon)
    clients = buyers_again(book, newest.start)
    counted = {product: clients.get(product, 0) for product in products}
    return (
        [product for product, n in counted.items() if n >= settings.min_buyers],
        {product: n for product, n in counted.items() if n < settings.min_buyers},
    )


def label(book: Book, question: Question, snapshots: Snapshots, spine: pa.Table) -> Labelled:
    """Return the rows and labels of a question."""
    gap, horizon = question.window.gap, question.window.horizon
    if question.product_id is not None:
        find = repurchase_targets if question.kind == "rebuy" else purchase_targets
        return label_purchase(snapshots, find(book, spine, [question.product_id], gap, horizon))
    if question.own is not None:
        return label_own(snapshots, own_targets(book, spine, question.own, gap, horizon))
    if question.rule is not None:
        rule = question.rule
        return label_erosion(snapshots, erosion_targets(book, spine, gap, horizon, rule.threshold, rule.min_balance))
    return label_attrition(snapshots, attrition_targets(book, spine, gap, horizon))


def _restricted(questions: list[Question], refused: Mapping[str, Verdict], only: Collection[str]) -> Asked:
    names = [question.name for question in questions]
    for name in only:
        if name not in names and name not in refused:
            raise UsageError("a question must be one of this book's", repr(name), did_you_mean(name, names))
    return Asked(
        tuple(question for question in questions if question.name in only),
        {name: reason for name, reason in refused.items() if name in only},
    )
