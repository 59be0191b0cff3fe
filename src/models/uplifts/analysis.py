"""Uplift of a book's offers: refused, not to be told from chance, or whom to offer what first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
from threadpoolctl import threadpool_limits

from appetence.book import Book
from appetence.config import FeatureSettings, TrainingSettings
from appetence.errors import UsageError, did_you_mean
from appetence.models.fitting import check_parameters
from appetence.models.metrics import Interval
from appetence.models.uplifts.balance import Balance, check_balance
from appetence.models.uplifts.draws import PRODUCT, Draws, drawn_products, read_draws
from appetence.models.uplifts.judging import FEWEST_TO_TEST, Judgement, judge, split_in_time
from appetence.models.uplifts.qini import uplift_at
from appetence.models.uplifts.verdicts import no_offers, not_known_yet, not_random, too_few_buyers, too_short
from appetence.models.verdicts import Verdict
from appetence.progress import Progress, silent

State = Literal["refused", "chance", "lift", "better"]
"""Refused; no better than random order; better than that; better than the order of the score, too."""


@dataclass(frozen=True)
class Sides:
    """Offers of one product that were drawn and whose outcome is known.

    Attributes
    ----------
    campaigns, offered, held_out
        Draws, and clients of each side.
    offered_bought, held_out_bought
        Who bought.
    added
        Purchases that an offer adds; NaN where one side is empty.
    """

    campaigns: int
    offered: int
    held_out: int
    offered_bought: int
    held_out_bought: int
    added: float


@dataclass(frozen=True)
class UpliftResult:
    """What a book's offers say.

    Attributes
    ----------
    product
        None for all products together.
    horizon
        Months after the offer in which a purchase counts.
    state, verdict
        What was found, and the same as a sentence.
    sides
        By product.
    left_out
        {reason: offers} that say nothing.
    control
        Smallest and largest share of a campaign that was held out.
    balance, judgement
        Where it came so far.
    dates
        First days of the months of the test campaigns.
    draws
        What all of it stands on, for fitting the model that targets.
    """

    product: str | None
    horizon: int
    state: State
    verdict: Verdict
    sides: Mapping[str, Sides] = field(default_factory=dict)
    left_out: Mapping[str, int] = field(default_factory=dict)
    control: tuple[float, float] = (float("nan"), float("nan"))
    balance: Balance | None = None
    judgement: Judgement | None = None
    dates: tuple[str, ...] = ()
    draws: Draws | None = field(default=None, repr=False)

    @property
    def name(self) -> str:
        """`uplift`, or `uplift:<product_id>`."""
        return "uplift" if self.product is None else f"uplift:{self.product}"

    def as_dict(self) -> dict[str, Any]:
        """Return it for JSON; a figure that cannot be had is null."""
        found: dict[str, Any] = {
            "name": self.name,
            "state": self.state,
            **self.verdict.as_dict("verdict"),
            "horizon": self.horizon,
            "left_out": dict(self.left_out),
            "products": {name: _finite(vars(sides)) for name, sides in self.sides.items()},
        }
        if self.balance is not None:
            found["control_share"] = list(self.control)
            found["balance"] = vars(self.balance) | {"features": list(self.balance.features)}
        if self.judgement is not None:
            found |= {
                "learner": self.judgement.learner,
                "test_months": list(self.dates),
                "figures": self.judgement.flat(),
                "curve": [dict(row) for row in self.judgement.curve],
            }
        return found

    def lines(self) -> Iterator[str]:
        """Return it for a reader: the sides, the draw, the figures, and the verdict last."""
        if self.sides:
            yield from _sides_table(self.sides)
        yield from (f"left out: {count:,} offers ({reason})" for reason, count in self.left_out.items() if count)
        if self.balance is not None:
            low, high = (100 * share for share in self.control)
            yield (
                f"control group: {low:.0f} to {high:.0f} % of a campaign; over {self.balance.compared:,} comparisons "
                f"before the offer the largest is {self.balance.largest:.2f} standard deviations, p = "
                f"{self.balance.p:.3f}"
            )
        if self.judgement is not None:
            yield from _figures_table(self.judgement, self.dates)
        yield f"{self.name}: {self.verdict}"


def measure_uplift(
    book: Book,
    product: str | None,
    horizon: int,
    min_buyers: int,
    features: FeatureSettings,
    training: TrainingSettings,
    progress: Progress = silent,
) -> UpliftResult:
    """Say whom offers change, as far as a random control group lets it be said.

    The draw is checked, not assumed: without a control group, where the two sides differed before the offer, or where
    too few bought, it is refused. Then a learner is chosen and fitted on the older campaigns and judged once on the
    newest.

    Parameters
    ----------
    product
        One product; None for all together, the product being one more feature.
    horizon
        Months after the offer in which a purchase counts.
    min_buyers
        Clients who must have bought on each side of the older campaigns.
    training
        `parameters`, `bootstrap` and `seed` are used.

    Raises
    ------
    UsageError
        An unknown product, feature group or parameter.
    """
    check_parameters(training.parameters)
    _check_product(book, product)
    products = drawn_products(book)
    if not products or (product is not None and product not in products):
        return UpliftResult(product, horizon, "refused", no_offers(product))
    progress("reading offers, and what was known before each", 0.0)
    read = read_draws(book, None if product is None else [product], horizon, features, training.seed)
    if read.draws is None:
        verdict = not_known_yet(sum(read.left_out.values()) - read.left_out.get("no draw", 0), horizon)
        return UpliftResult(product, horizon, "refused", verdict, left_out=read.left_out)
    draws = read.draws if product is None else replace(read.draws, X=read.draws.X.drop(columns=PRODUCT))
    found = UpliftResult(product, horizon, "refused", no_offers(product), sides_of(draws), read.left_out, draws=draws)
    with threadpool_limits(1):
        return assess(found, draws, min_buyers, training, progress)


def assess(
    found: UpliftResult, draws: Draws, min_buyers: int, training: TrainingSettings, progress: Progress = silent
) -> UpliftResult:
    """Check the draws, and judge what can be learnt from them; see `measure_uplift`."""
    progress("comparing the two sides before the offer", 0.3)
    share = _control_shares(draws)
    balance = check_balance(draws, training.seed)
    found = replace(found, balance=balance, control=share)
    if not balance.random:
        return replace(found, state="refused", verdict=not_random(balance.features, balance.p, share))
    split = split_in_time(draws)
    if split is None:
        return replace(found, state="refused", verdict=too_short())
    for part, needed in zip(split, (min_buyers, FEWEST_TO_TEST), strict=True):
        buyers = part.buyers(offered=True), part.buyers(offered=False)
        if min(buyers) < needed:
            verdict = too_few_buyers(*buyers, needed, test=part is split[1])
            return replace(found, state="refused", verdict=verdict)
    progress("learning from the older campaigns, judging on the newest", 0.4)
    judgement = judge(*split, training.parameters, training.bootstrap, training.seed)
    state: State = "better" if judgement.better else "lift" if judgement.found else "chance"
    dates = tuple(str(cut) for cut in np.unique(split[1].cut))
    return replace(found, state=state, verdict=judgement.verdict, judgement=judgement, dates=dates)


def sides_of(draws: Draws) -> dict[str, Sides]:
    """Return what became of the two sides, by product."""
    found = {}
    for name in sorted(set(draws.product.tolist())):
        part = draws.take(draws.product == name)
        made, bought = part.offered, part.bought
        found[str(name)] = Sides(
            part.draws,
            int(made.sum()),
            int((~made).sum()),
            int(bought[made].sum()),
            int(bought[~made].sum()),
            uplift_at(bought, np.zeros(len(part)), part.weight, offered=made),
        )
    return found


def _control_shares(draws: Draws) -> tuple[float, float]:
    _, stratum = np.unique(draws.stratum, return_inverse=True)
    share = np.bincount(stratum, ~draws.offered) / np.bincount(stratum)
    return float(share.min()), float(share.max())


def _check_product(book: Book, product: str | None) -> None:
    if product is None:
        return
    known = book.execute(book.table("products").select("product_id"))["product_id"].to_pylist()
    if product not in known:
        raise UsageError("a product must be in the catalogue", repr(product), did_you_mean(product, known))


def _sides_table(sides: Mapping[str, Sides]) -> Iterator[str]:
    names = ("product", "campaigns", "offered", "bought", "held out", "bought", "added per 1,000")
    rows = [
        (
            name,
            f"{one.campaigns:,}",
            f"{one.offered:,}",
            f"{one.offered_bought:,}",
            f"{one.held_out:,}",
            f"{one.held_out_bought:,}",
            f"{1000 * one.added:+.1f}",
        )
        for name, one in sides.items()
    ]
    yield from _aligned([names, *rows])


def _figures_table(judgement: Judgement, dates: tuple[str, ...]) -> Iterator[str]:
    yield (
        f"tested on the campaigns of {', '.join(date[:7] for date in dates)} by the {judgement.learner} ("
        + ", ".join(f"{name} {1000 * value:+.2f}" for name, value in judgement.chosen_by.items())
        + " on unseen households of the older campaigns); an offer was expected to add "
        f"{1000 * judgement.expected:+.1f} per 1,000"
    )
    names = ("purchases added per 1,000 offers", "by lift", "by score", "lift less score", "lift less random")
    rows = [
        (
            f"to the first {100 * depth.share:.0f} %",
            *(_told(one) for one in (depth.lift, depth.score, depth.over_score, depth.over_random)),
        )
        for depth in judgement.depths
    ]
    areas = (judgement.qini, judgement.qini_score, judgement.qini_over_score, judgement.qini)
    yield from _aligned([names, *rows, ("Qini, per 1,000 clients", *map(_told, areas))])


def _told(found: Interval) -> str:
    return f"{1000 * found.value:+.1f} ({1000 * found.low:+.1f} to {1000 * found.high:+.1f})"


def _aligned(rows: list[tuple[str, ...]]) -> Iterator[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for first, *others in rows:
        cells = (cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True))
        yield "  ".join((first.ljust(widths[0]), *cells))


def _finite(figures: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: None if isinstance(value, float) and not np.isfinite(value) else value for name, value in figures.items()
    }
