"""What a book would be worth with another mix of clients, better retention, more products, or another multiple.

A book's value is its yearly profit times a multiple: what one unit of yearly profit is worth today, as long as clients
stay. Without a change of the multiple, another mix of segments is linear in their profits; with it, each segment brings
its own. The change is divided into four effects by their Shapley values (Shapley 1953; Shorrocks 2013, "Decomposition
procedures for distributional analysis"): the mean, over all orders in which the changes can be made, of what each adds.
So they add up exactly, and no order is preferred.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import combinations
from math import factorial

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from appetence.errors import UsageError, did_you_mean
from appetence.value.lifetime import discount_factors

Floats = npt.NDArray[np.float64]

EFFECTS = ("mix", "retention", "depth", "multiple")
"""What changes a book's value: who its clients are, how many stay, how much they hold, what a unit of profit brings."""


@dataclass(frozen=True)
class SegmentBook:
    """A book by segments, each an array over `names`.

    Attributes
    ----------
    clients
        How many; shares do too.
    profit, value
        Of one client: money a year, and what the client is worth.
    retention
        Probability that a client stays a year; NaN where it is not known.
    holdings
        Products that a client holds; NaN where it is not known.
    """

    names: tuple[str, ...]
    clients: Floats
    profit: Floats
    value: Floats
    retention: Floats
    holdings: Floats

    @property
    def mix(self) -> Floats:
        """Shares of the segments, which add up to 1."""
        return np.asarray(self.clients / self.clients.sum())


@dataclass(frozen=True)
class Scenario:
    """What is changed; by default nothing.

    Attributes
    ----------
    mix
        Shares of segments, in [0, 1]; those not named divide what is left as they do today. Empty: today's.
    retention
        Added to every segment's yearly retention, 0.02 for two points; it stays between 0 and 1.
    cross_sell
        Products added per client, each as profitable as those that clients of the segment hold.
    multiple
        Change of what a unit of yearly profit brings, beside that which follows from mix and retention: 0.1 for 10 %.
    """

    mix: Mapping[str, float] = field(default_factory=dict)
    retention: float = 0.0
    cross_sell: float = 0.0
    multiple: float = 0.0


@dataclass(frozen=True)
class WhatIf:
    """What a scenario does.

    Attributes
    ----------
    value, profit, multiple
        Before and after: of the book, its yearly profit, and the first over the second.
    mix
        Shares before and after, by segment.
    client_value
        By segment, what one client is worth with all changes made.
    effects
        In money, by the names of `EFFECTS`: they add up to the change of the value.
    """

    names: tuple[str, ...]
    mix: tuple[Floats, Floats]
    value: tuple[float, float]
    profit: tuple[float, float]
    client_value: Floats
    effects: Mapping[str, float]

    @property
    def change(self) -> float:
        """Of the value, as a share of it."""
        return self.value[1] / self.value[0] - 1.0

    @property
    def multiple(self) -> tuple[float, float]:
        """Value over yearly profit, before and after."""
        return self.value[0] / self.profit[0], self.value[1] / self.profit[1]


def shares_of(text: str) -> dict[str, float]:
    """Read a mix in percent, as on the command line.

    Raises
    ------
    UsageError
        The text is no such mix, or names a segment twice.

    Examples
    --------
    >>> shares_of("A=40, B=30")
    {'A': 0.4, 'B': 0.3}
    """
    shares: dict[str, float] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, equals, percent = (piece.strip() for piece in part.partition("="))
        try:
            share = float(percent) / 100
        except ValueError:
            share = float("nan")
        if not (name and equals) or name in shares or not np.isfinite(share):
            raise UsageError(
                "a mix must name each segment once with its percentage", repr(part), "Such as A=40,B=30,C=30"
            )
        shares[name] = share
    return shares


def segment_book(table: pa.Table, names: tuple[str, ...], expected: Mapping[str, float] | None = None) -> SegmentBook:
    """Put a month's clients together by segment.

    Parameters
    ----------
    table
        One row per client: `segment`, `profit`, `value`, `retention`, `holdings`; null where not known.
    names
        Of the segments, in order.
    expected
        The firm's expected yearly profit of one client, for segments that nobody belongs to; such a client is worth
        that times the multiple of the book.

    Raises
    ------
    UsageError
        Profit or value is known of no client.
    """
    place = pc.index_in(table["segment"].combine_chunks(), pa.array(names)).to_numpy().astype(np.int64)

    def mean(name: str) -> tuple[Floats, float]:
        values = table[name].cast(pa.float64()).to_numpy()
        known = ~np.isnan(values)
        count = np.bincount(place[known], minlength=len(names))
        total = np.bincount(place[known], weights=values[known], minlength=len(names))
        overall = float(values[known].mean()) if known.any() else np.nan
        return np.where(count > 0, total / np.maximum(count, 1), np.nan), overall

    (profit, profit_of_all), (value, value_of_all) = mean("profit"), mean("value")
    if np.isnan(profit_of_all) or np.isnan(value_of_all):
        raise UsageError("a what-if needs the profit and the value of clients", "none", "Give the book its balances")
    hoped = np.array([(expected or {}).get(name, np.nan) for name in names])
    profit = np.where(np.isnan(profit), hoped, profit)
    value = np.where(np.isnan(value), profit * value_of_all / profit_of_all, value)
    (retention, stay_of_all), (holdings, held_of_all) = mean("retention"), mean("holdings")
    return SegmentBook(
        names,
        np.bincount(place, minlength=len(names)).astype(np.float64),
        profit,
        value,
        np.where(np.isnan(retention), stay_of_all, retention),
        np.where(np.isnan(holdings), held_of_all, holdings),
    )


def expected_book(names: tuple[str, ...], mix: Mapping[str, float], profit: Mapping[str, float]) -> SegmentBook:
    """Return a book of one hundred clients as the firm expects them; each is worth one year's profit times one."""
    shares = mix_of(names, np.ones(len(names)), mix)
    money = np.array([profit.get(name, np.nan) for name in names])
    nothing = np.full(len(names), np.nan)
    return SegmentBook(names, 100.0 * shares, money, money, nothing, nothing)


def mix_of(names: tuple[str, ...], today: Floats, wanted: Mapping[str, float]) -> Floats:
    """Return the shares of all segments; those not named divide what is left as they do today.

    Raises
    ------
    UsageError
        A segment that is not known, a share outside 0 to 1, or shares that do not add up to 1.
    """
    for name, share in wanted.items():
        if name not in names:
            raise UsageError("the mix must name segments of the firm", repr(name), did_you_mean(name, names))
        if not 0.0 <= share <= 1.0:
            raise UsageError("a share of the mix must lie between 0 and 100 %", f"{name}={100 * share:g}")
    if not wanted:
        return np.asarray(today / today.sum())
    named = np.array([name in wanted for name in names])
    left = 1.0 - sum(wanted.values())
    others = today[~named].sum()
    if left < -1e-9 or (left > 1e-9 and others == 0):
        told = f"{100 * (1 - left):g} %"
        raise UsageError("the shares of the mix must add up to 100 %", told, "Name all segments that clients belong to")
    shares = np.array([wanted.get(name, 0.0) for name in names])
    if others > 0:
        shares[~named] = max(left, 0.0) * today[~named] / others
    return shares


def what_if(book: SegmentBook, scenario: Scenario, yearly_rate: float, months: int) -> WhatIf:
    """Work out what a scenario does to a book's value, and divide it into its effects.

    Parameters
    ----------
    yearly_rate, months
        Of discount, and the horizon, with which values were made: retention is turned into years of margin by them.

    Raises
    ------
    UsageError
        The mix cannot be, a segment that it names has no known profit, retention or holdings are changed and not
        known, or the profit is not above zero before and
        after, or the value before.
    """
    model = _Model(book, scenario, yearly_rate, months)
    worth = {players: model.worth(frozenset(players)) for players in _subsets(EFFECTS)}
    before, after = worth[()], worth[EFFECTS]
    if not before > 0:
        hint = "A change is told as a share of it"
        raise UsageError("a what-if needs a book whose value is above zero", "none, or a loss", hint)
    effects = {effect: _shapley(effect, lambda players: worth[players]) for effect in EFFECTS}
    profit = tuple(float(book.clients.sum() * model.profit(changed, changed)) for changed in (False, True))
    return WhatIf(
        book.names, (book.mix, model.mix), (before, after), (profit[0], profit[1]), model.client_value(), effects
    )


class _Model:
    """The value of a book with some of the changes made."""

    def __init__(self, book: SegmentBook, scenario: Scenario, yearly_rate: float, months: int) -> None:
        self.book, self.scenario = book, scenario
        self.mix = mix_of(book.names, book.clients, scenario.mix)
        used = (self.mix > 0) | (book.clients > 0)
        self._require(np.isnan(book.profit) & used, "profit", "Give the segment an expected profit")
        if scenario.retention:
            self._require(np.isnan(book.retention) & used, "retention", "It needs a model of attrition")
        if scenario.cross_sell:
            self._require(~(book.holdings > 0) & used, "number of products held", "It needs clients who hold products")
        later = np.clip(book.retention + scenario.retention, 0.0, 1.0)
        today, then = (years(each, yearly_rate, months) for each in (book.retention, later))
        self.longer = np.where(today > 0, then / np.where(today > 0, today, 1.0), 1.0) if scenario.retention else 1.0
        self.more = scenario.cross_sell / book.holdings if scenario.cross_sell else 0.0
        for changed in (False, True):
            if not self.profit(changed, changed) > 0:
                hint = "A multiple of a loss has no meaning"
                raise UsageError("a what-if needs a book whose yearly profit is above zero", "a loss", hint)

    def _require(self, lacking: npt.NDArray[np.bool_], what: str, hint: str) -> None:
        if lacking.any():
            names = ", ".join(np.array(self.book.names)[lacking])
            raise UsageError(f"the {what} of a client must be known in every segment", f"not in {names}", hint)

    def profit(self, mix: bool, depth: bool) -> float:
        """Return the yearly profit of a mean client."""
        return self._mean(self.book.profit, mix, depth)

    def worth(self, changed: frozenset[str]) -> float:
        """Return the value of the book: profit times multiple, with some of the changes made."""
        depth = "depth" in changed
        profit = self.profit("mix" in changed, depth)
        moved = "multiple" in changed
        value = self._mean(self.book.value * (self.longer if "retention" in changed else 1.0), moved, depth)
        multiple = value / self.profit(moved, depth) * (1.0 + (self.scenario.multiple if moved else 0.0))
        return float(self.book.clients.sum() * profit * multiple)

    def client_value(self) -> Floats:
        """Return what one client of each segment is worth with all changes made."""
        value = self.book.value * self.longer
        return np.asarray((value + np.maximum(value, 0.0) * self.more) * (1.0 + self.scenario.multiple))

    def _mean(self, money: Floats, mix: bool, depth: bool) -> float:
        if depth:
            money = money + np.maximum(money, 0.0) * self.more
        shares = self.mix if mix else self.book.mix
        return float(shares[shares > 0] @ money[shares > 0])


def years(retention: Floats, yearly_rate: float, months: int) -> Floats:
    """Return how many years of margin a client brings, discounted, who stays each year with some probability."""
    month = np.arange(1, months + 1)
    stays = np.power(np.asarray(retention)[..., None], month / 12.0)
    return np.asarray((stays * discount_factors(yearly_rate, months)).sum(axis=-1) / 12.0)


def _subsets(players: tuple[str, ...]) -> list[tuple[str, ...]]:
    return [subset for size in range(len(players) + 1) for subset in combinations(players, size)]


def _shapley(player: str, worth: Callable[[tuple[str, ...]], float]) -> float:
    others = tuple(each for each in EFFECTS if each != player)
    total = 0.0
    for before in _subsets(others):
        weight = factorial(len(before)) * factorial(len(others) - len(before)) / factorial(len(EFFECTS))
        joined = tuple(each for each in EFFECTS if each in (*before, player))
        total += weight * (worth(joined) - worth(before))
    return total
