"""Credit risk: what a loan is expected to cost, by probability of default, loss given default and exposure.

The *probability* comes from the model of credit default where there is one; else it is the book's own rate, drawn
towards nothing but half an event. The *loss given default* is the share of the outstanding amount that was not
recovered, over all defaults of the book; what was recovered bears no date there, so that this one figure is a parameter
of the firm, as a margin in its catalogue is. The *exposure* is what is outstanding, paid back in equal parts to the
term. In a book without loans or without defaults all terms are zero, not missing.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import ibis
import numpy as np
import numpy.typing as npt
from scipy.stats import beta

from appetence.book import Book
from appetence.book.clocks import index_of, month_index
from appetence.book.contract import CREDIT

Floats = npt.NDArray[np.float64]

UNKNOWN_LOSS = 0.45
"""Loss given default where the book has none to learn from: that of senior unsecured claims in the foundation approach
of the Basel framework (CRE 32.6).
"""

SETTLED = 12
"""Defaults that a loss is learnt from at least: fewer and the figure of the framework stands."""


@dataclass(frozen=True)
class Rate:
    """A share with its 95 % interval, and the cases that it rests on."""

    value: float
    low: float
    high: float
    cases: int


def loss_given_default(book: Book) -> Rate:
    """Return the share of the amount outstanding at a default that is lost, weighted by these amounts.

    The interval is normal, from the spread of the loans' own shares; with fewer than `SETTLED` defaults it is all of
    [0, 1] and the value `UNKNOWN_LOSS`.
    """
    if not book.has("defaults"):
        return Rate(UNKNOWN_LOSS, 0.0, 1.0, 0)
    defaults = book.table("defaults")
    rows = book.execute(
        defaults.filter(defaults.recovered.notnull(), defaults.exposure > 0)
        .select("contract_id", exposure=defaults.exposure.cast("float64"), back=defaults.recovered.cast("float64"))
        .order_by("contract_id")
    )
    exposure, back = (rows[name].to_numpy() for name in ("exposure", "back"))
    if len(exposure) < SETTLED:
        return Rate(UNKNOWN_LOSS, 0.0, 1.0, len(exposure))
    lost = 1.0 - np.clip(back / exposure, 0.0, 1.0)
    weight = exposure / exposure.sum()
    value = float(weight @ lost)
    error = float(np.sqrt((weight**2) @ (lost - value) ** 2))
    return Rate(value, max(0.0, value - 1.96 * error), min(1.0, value + 1.96 * error), len(exposure))


def default_rate(book: Book, cut: dt.date) -> Rate:
    """Return the chance that a loan defaults in a month, over all loans and months known before a cut.

    The interval is that of Jeffreys: a beta distribution with half an event added to either side. Without any loan, or
    where the book knows no defaults, all figures are zero.
    """
    months = _months_at_risk(book, cut)
    if not book.has("defaults") or months <= 0:
        return Rate(0.0, 0.0, 0.0, 0)
    defaults = book.as_known("defaults", cut)
    seen = defaults.filter(defaults.defaulted_on >= ibis.literal(book.observed_from))
    cases = int(book.execute(seen.agg(cases=seen.count()))["cases"][0].as_py())
    events, others = cases + 0.5, max(months - cases, 0) + 0.5
    low, high = beta.ppf([0.025, 0.975], events, others)
    return Rate(events / (events + others), float(low), float(high), cases)


def monthly_rate(probability: Floats, horizon: int) -> Floats:
    """Return the constant monthly chance that gives a probability within a horizon.

    >>> float(monthly_rate(np.array([0.19]), 2)[0].round(3))
    0.1
    """
    return np.asarray(-np.expm1(np.log1p(-np.clip(probability, 0.0, 1.0 - 1e-12)) / horizon), dtype=np.float64)


def _months_at_risk(book: Book, cut: dt.date) -> int:
    """Count months of loans in force, from the first day observed to a cut; a loan counts in the month it begins."""
    contracts, products = book.as_known("contracts", cut), book.table("products")
    loans = contracts.semi_join(products.filter(products.family == CREDIT), "product_id")
    begin = ibis.greatest(month_index(loans.opened_on), index_of(book.observed_from))
    end = ibis.least(ibis.coalesce(month_index(loans.closed_on), index_of(cut)), index_of(cut))
    months = book.execute(loans.filter(begin < end).agg(months=(end - begin).sum()))["months"][0].as_py()
    return int(months or 0)
