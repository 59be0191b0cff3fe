"""What a book is worth as books are sold: yearly revenue times a multiple, and where the multiple comes from.

    multiple = base + Σ_d effect_d · (x_d − reference_d), each term within its limit, the sum within bounds

over what buyers look at: retention; depth of relations (families held, share of wallet); clients' age, income, net
worth and place; trend and rank of revenue. The form is a sum, so that each term is money by itself (revenue times the
term), terms add up to the book value, and advisors' terms add up to the team's.

The values that ship are read off published practice, none of it from this software's books, and are the firm's to set:

- A base of 2 within bounds of 1 to 3.5: two times recurring revenue is the trade's rule of thumb for advisory
  practices, most sales lying between 1.5 and 3 (FP Transitions' figures, as told by guides to their valuation);
  portfolios of French brokers change hands at 1.5 to 2.2 times commissions in non-life, 2 to 3 in life and health
  (Selectra, « Vente de portefeuille d'assurance »), with 1.1 and 3.5 at the extremes.
- Retention weighs most, in all guides. Appraisers of insurance agencies move the multiple by about a quarter for five
  points of yearly retention around 90 to 92 %: 0.05 per point.
- Age next: older clients draw down what they have. 0.02 per year makes 0.3 over the fifteen years between a book of
  working age and one in retirement.
- Growth of revenue: guides name growth of 10 % a year as what earns a high multiple, without a figure; 0.02 per point,
  at most 0.3.
- Depth, income, net worth and rank are named without figures: small effects, which cannot move the multiple by more
  than 0.1 to 0.2 each. Place has none until the firm gives it.

A sale has terms that no book shows (who stays on, how it is paid): this is an estimate to compare books by, no offer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from appetence.config import Driver, MultipleSettings
from appetence.value.kpi_components import YEAR, Components

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

BY_DOUBLINGS = frozenset({"income", "net_worth"})

RATIOS: Mapping[str, tuple[str, str, float]] = {
    "retention": ("kept", "to_keep", 1.0),
    "families": ("families", "clients", 1.0),
    "share_of_wallet": ("wallet_assets", "net_worth", 1.0),
    "age": ("months_of_age", "persons_with_age", 1 / 12),
    "income": ("income", "income_known", 0.01),
    "net_worth": ("net_worth", "net_worth_known", 0.01),
}
"""Traits that are a ratio of components, and the scale of the ratio."""

TERMS = ("base", *RATIOS, "place", "growth", "rank", "bounds")
"""What a multiple is made of, in the order in which it is told; the last is what the bounds cut off."""


@dataclass(frozen=True)
class BookValues:
    """Book values of advisors at all cuts.

    Attributes
    ----------
    revenue
        (advisors, cuts) cents of 12 months.
    terms
        Per name of `TERMS`, (advisors, cuts) cents: revenue times that part of the multiple.
    known
        (cuts,) whether 12 months of revenue are known.
    """

    revenue: Ints
    terms: Mapping[str, Ints]
    known: Flags

    @property
    def total(self) -> Ints:
        """(advisors, cuts) book value in cents: the sum of the terms."""
        return np.sum(list(self.terms.values()), axis=0)


def value_books(found: Components, settings: MultipleSettings) -> BookValues | None:
    """Value the advisors' books by the multiple; None in a book without revenue.

    A trait that is not known adds nothing. Advisors' own traits are drawn to the company's where clients are few.
    """
    if ("revenue", "") not in found.sums:
        return None
    revenue, known = rolled(found, "revenue")
    terms = {"base": np.full(revenue.shape, settings.base)}
    for name, values in traits(found, settings, revenue, known).items():
        if name == "place":
            terms[name] = np.nan_to_num(values)
        else:
            terms[name] = moved(values, getattr(settings, name), name in BY_DOUBLINGS)
    raw = np.sum(list(terms.values()), axis=0)
    terms["bounds"] = np.clip(raw, settings.low, settings.high) - raw
    cents = {
        name: np.rint(revenue * terms.get(name, np.zeros(revenue.shape))).astype(np.int64) * known for name in TERMS
    }
    return BookValues(revenue, cents, known)


def moved(values: Floats, driver: Driver, by_doublings: bool = False) -> Floats:
    """Return what a trait adds to the multiple: zero where it is not known.

    >>> moved(np.array([0.94, 0.5, np.nan]), Driver(reference=0.92, effect=5, limit=0.5)).round(6).tolist()
    [0.1, -0.5, 0.0]
    """
    if by_doublings:
        with np.errstate(divide="ignore", invalid="ignore"):
            above = np.log2(values / driver.reference)
    else:
        above = values - driver.reference
    return np.nan_to_num(np.clip(driver.effect * above, -driver.limit, driver.limit))


def traits(found: Components, settings: MultipleSettings, revenue: Ints, known: Flags) -> dict[str, Floats]:
    """Return (advisors, cuts) per trait, NaN where it is not known; `place` is already what it adds."""
    clients = found.sums["clients", ""].astype(np.float64)
    own = clients / np.maximum(clients + settings.credibility, 1e-9)
    values = {}
    for name, (of, over, scale) in RATIOS.items():
        if (of, "") in found.sums and (over, "") in found.sums:
            both = found.known[of] & found.known[over]
            values[name] = _drawn(found.sums[of, ""], found.sums[over, ""], own, scale, both)
    if settings.places and found.details("living_in"):
        parts = [
            weight
            * _drawn(found.sums["living_in", place], found.sums["clients", ""], own, 1.0, found.known["living_in"])
            for place, weight in settings.places.items()
            if ("living_in", place) in found.sums
        ]
        values["place"] = np.sum(parts, axis=0) if parts else np.zeros(revenue.shape)
    before = np.zeros_like(revenue)
    before[:, YEAR:] = revenue[:, :-YEAR]
    both = known & np.r_[np.zeros(YEAR, dtype=np.bool_), known[:-YEAR]]
    values["growth"] = _drawn(revenue - before, before, own, 1.0, both)
    values["rank"] = np.where(known, _places(revenue, clients > 0), np.nan)
    return values


def rolled(found: Components, name: str, detail: str = "") -> tuple[Ints, Flags]:
    """Return the (…, cuts) sums of the 12 months before each cut, and at which cuts all of them are known."""
    sums, known = found.sums[name, detail], found.known[name]
    return _last_year(sums), _last_year(known.astype(np.int64)) == YEAR


def _last_year(sums: Ints) -> Ints:
    running = np.cumsum(sums, axis=-1)
    before = np.zeros_like(running)
    before[..., YEAR:] = running[..., :-YEAR]
    return running - before


def _drawn(of: Ints, over: Ints, own: Floats, scale: float, known: Flags) -> Floats:
    """Return a ratio of advisors, drawn to the company's by what their own counts for."""
    with np.errstate(divide="ignore", invalid="ignore"):
        company = np.where(over.sum(axis=0) > 0, of.sum(axis=0) / over.sum(axis=0), np.nan)
        mine = np.where(over > 0, of / np.maximum(over, 1), company)
    drawn = own * mine + (1.0 - own) * company
    return np.where(known, drawn * scale, np.nan)


def _places(revenue: Ints, counted: Flags) -> Floats:
    """Return (advisors, cuts) places among advisors with clients, the last leaf apart, from -0.5 (least) to 0.5."""
    places = np.zeros(revenue.shape)
    counted = counted.copy()
    counted[-1] = False
    for j in range(revenue.shape[1]):
        mine = np.flatnonzero(counted[:, j])
        if len(mine) > 1:
            values = np.sort(revenue[mine, j])
            below = np.searchsorted(values, revenue[mine, j], side="left")
            equal = np.searchsorted(values, revenue[mine, j], side="right") - below - 1
            places[mine, j] = (below + equal / 2) / (len(mine) - 1) - 0.5
    return places
