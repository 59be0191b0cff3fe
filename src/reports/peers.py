"""Clients like you: what clients comparable to one hold and have lately bought, in counts of which nobody can be told.

Clients are comparable who are of the same kind, and in the same band of age, of income, of risk tolerance and of net
worth, and whose relationship began with the same family of products (that of the oldest contract in force: unlike the
number of products, it does not settle in advance what a client lacks). Where fewer than `FEWEST` others are so, the
last of these is dropped, and so on, down to the kind and one more. What a client has not declared is not compared.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from appetence.months import shift
from appetence.reports.situations import Situation

FEWEST = 30
"""Comparable clients below which nothing is said: a share of fewer would be noise, and could point at a person."""

LEAST_TOLD = 5
"""A number of clients below it is not told, of those who hold a product as of those who do not."""

TRAITS = ("kind", "age", "income", "risk_tolerance", "net_worth", "first_family")
"""What makes clients comparable, the trait that is dropped first last."""

_AGES = (18, 25, 35, 45, 55, 65, 75)
_RISKS = ((1, 2), (3, 3), (4, 5))
_BANDS = {"income": 5, "net_worth": 3}
"""Bands of equal numbers of clients, apart for persons and companies: what is much differs between books."""

Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


class Trait(NamedTuple):
    """What comparable clients share: a code, or a band from `low` up to `high`, None where it is open."""

    name: str
    code: str | None = None
    low: float | None = None
    high: float | None = None


class Evidence(NamedTuple):
    """Of `among` comparable clients, how many hold a product, bought it in the last 12 months, and hold several.

    None: too few to be told, or `nearly_all`: all but too few.
    """

    among: int
    holders: int | None
    buyers: int | None
    several: int | None
    nearly_all: bool = False

    @property
    def share(self) -> float | None:
        """The share that holds it."""
        return None if self.holders is None else self.holders / self.among


@dataclass(frozen=True, eq=False)
class Peers:
    """Clients comparable to one, who is not among them.

    Parameters
    ----------
    count
        How many.
    traits
        What they share.
    places, numbers
        Per product, and per family of products under `family:<code>`, a row of `numbers`: how many hold it, bought it
        in the last 12 months, hold several.
    """

    count: int
    traits: tuple[Trait, ...]
    places: Mapping[str, int]
    numbers: Ints

    def usual(self, share: float) -> frozenset[str]:
        """Return the products, and families as `family:<code>`, that at least a share of them hold."""
        found = np.flatnonzero(self.numbers[:, 0] >= max(share * self.count, LEAST_TOLD)).tolist()
        names = list(self.places)
        return frozenset(names[place] for place in found)

    def evidence(self, product_id: str) -> Evidence | None:
        """Return the evidence of a product, or of `family:<code>`; None of one that is not in the catalogue."""
        place = self.places.get(product_id)
        if place is None:
            return None
        held, bought, several = self.numbers[place].tolist()
        told = [number if number >= LEAST_TOLD else None for number in (held, bought, several)]
        nearly_all = self.count - held < LEAST_TOLD
        return Evidence(self.count, None if nearly_all else told[0], told[1], told[2], nearly_all)


class Likeness:
    """Who is comparable to whom in a book.

    Parameters
    ----------
    situations
        The clients, in any order.
    families
        Family per product.
    cut
        The first day not known.
    without
        Clients who are compared with others, but not counted among them: those who object to profiling.

    Notes
    -----
    Counts are made once per set of traits, with numpy: a hundred thousand clients take a few seconds.
    """

    def __init__(
        self,
        situations: Sequence[Situation],
        families: Mapping[str, str],
        cut: dt.date,
        without: frozenset[str] = frozenset(),
    ) -> None:
        columns = [*families, *(f"family:{family}" for family in sorted(set(families.values())))]
        self._columns = {name: place for place, name in enumerate(columns)}
        self._row = {who.client_id: i for i, who in enumerate(situations)}
        self._counted = np.array([who.client_id not in without for who in situations], dtype=bool)
        self._flags = _portfolio(situations, families, self._columns, cut)
        self._codes, self._traits = _coded(situations, families)
        self._groups, self._where = self._placed()

    def of(self, client_id: str) -> Peers | None:
        """Return those comparable to a client, or None where there are too few."""
        row = self._row.get(client_id)
        if row is None or self._where[row, 0] < 0:
            return None
        group = self._groups[self._where[row, 0]]
        cell = self._where[row, 1]
        own = bool(self._counted[row])
        count = int(group.sizes[cell]) - own
        numbers = group.numbers[cell] - self._flags[row] if own else group.numbers[cell]
        traits = tuple(self._traits[a][self._codes[row, a]] for a in group.attributes)
        return Peers(count, traits, self._columns, numbers)

    def _placed(self) -> tuple[list[_Group], Ints]:
        """Find for each client the group of most traits that has enough others: its number and cell, or -1."""
        where = np.full((len(self._codes), 2), -1, dtype=np.int64)
        groups: dict[tuple[int, ...], int] = {}
        found: list[_Group] = []
        for length in range(len(TRAITS), 1, -1):
            known = self._codes[:, :length] >= 0
            for pattern in np.unique(known[where[:, 0] < 0], axis=0):
                attributes = tuple(np.flatnonzero(pattern).tolist())
                if len(attributes) < 2:
                    continue
                if attributes not in groups:
                    groups[attributes] = len(found)
                    found.append(self._group(attributes))
                group = found[groups[attributes]]
                asking = (where[:, 0] < 0) & (known == pattern).all(axis=1)
                others = group.sizes[group.cells] - self._counted
                placed = asking & (group.cells >= 0) & (others >= FEWEST)
                where[placed, 0] = groups[attributes]
                where[placed, 1] = group.cells[placed]
        return found, where

    def _group(self, attributes: tuple[int, ...]) -> _Group:
        """Count the clients that share each combination of some traits, and what they hold."""
        codes = self._codes[:, attributes]
        known = (codes >= 0).all(axis=1)
        _, number = np.unique(codes[known], axis=0, return_inverse=True)
        cells = np.full(len(codes), -1, dtype=np.int64)
        cells[known] = number.reshape(-1)
        counted = known & self._counted
        size = int(cells.max(initial=-1)) + 1
        sizes = np.bincount(cells[counted], minlength=size)
        rows, columns, what = np.nonzero(self._flags & counted[:, None, None])
        shape = (size, *self._flags.shape[1:])
        place = np.ravel_multi_index((cells[rows], columns, what), shape)
        numbers = np.bincount(place, minlength=int(np.prod(shape))).reshape(shape)
        return _Group(attributes, cells, sizes, numbers)


class _Group(NamedTuple):
    """Cells of clients that share some traits.

    Parameters
    ----------
    cells
        Each client's, -1 where a trait is unknown.
    sizes
        Clients counted per cell.
    numbers
        (cells, products and families, 3) of them, how many hold it, bought it, hold several.
    """

    attributes: tuple[int, ...]
    cells: Ints
    sizes: Ints
    numbers: Ints


def _portfolio(
    situations: Sequence[Situation], families: Mapping[str, str], place: Mapping[str, int], cut: dt.date
) -> Flags:
    """Return (clients, products and families, 3): is it held, was it opened within 12 months, is it held twice."""
    of_family = {product: place[f"family:{family}"] for product, family in families.items()}
    year_ago = shift(cut, -12)
    shape = (len(situations), len(place))
    number = np.zeros(shape, dtype=np.int32)
    bought = np.zeros(shape, dtype=bool)
    entries = [
        (row, place[h.product_id], of_family[h.product_id], h.opened_on >= year_ago)
        for row, who in enumerate(situations)
        for h in who.holdings
        if h.product_id in of_family
    ]
    if entries:
        row, column, family, recent = np.array(entries, dtype=np.int64).T
        np.add.at(number, (row, column), 1)
        np.add.at(number, (row, family), 1)
        bought[row[recent > 0], column[recent > 0]] = True
    return np.stack([number > 0, bought, number > 1], axis=2)


def _coded(
    situations: Sequence[Situation], families: Mapping[str, str]
) -> tuple[Ints, tuple[Mapping[int, Trait], ...]]:
    """Return a code per client and trait, -1 where it is unknown, and per trait what its codes mean."""
    company = np.array([who.kind == "company" for who in situations], dtype=bool)
    columns: list[Ints] = [company.astype(np.int64)]
    meanings: list[dict[int, Trait]] = [{0: Trait("kind", "person"), 1: Trait("kind", "company")}]
    # a company has no age that says anything of it, whatever the file holds
    ages = np.array([np.nan if who.age is None or who.kind == "company" else who.age for who in situations])
    columns.append(_banded(ages, np.array(_AGES, dtype=np.float64)))
    meanings.append(_meanings("age", _AGES))
    for name in TRAITS[2:5]:
        values = np.array([_number(who.facts.get(name)) for who in situations], dtype=np.float64)
        if name == "risk_tolerance":
            columns.append(_banded(values, np.array([low for low, _ in _RISKS[1:]], dtype=np.float64)))
            meanings.append({i: Trait(name, None, *map(float, band)) for i, band in enumerate(_RISKS)})
            continue
        codes = np.full(len(values), -1, dtype=np.int64)
        meaning: dict[int, Trait] = {}
        for kind in (False, True):
            of_kind = company == kind
            edges = _edges(values[of_kind], _BANDS[name])
            codes[of_kind] = _banded(values[of_kind], np.array(edges), first=len(meaning))
            meaning |= _meanings(name, edges, first=len(meaning))
        columns.append(codes)
        meanings.append(meaning)
    first = [_first_family(who, families) for who in situations]
    codes_of = {family: i for i, family in enumerate(sorted({family for family in first if family is not None}))}
    columns.append(np.array([-1 if family is None else codes_of[family] for family in first], dtype=np.int64))
    meanings.append({i: Trait("first_family", family) for family, i in codes_of.items()})
    for codes, meaning in zip(columns[1:], meanings[1:], strict=True):
        if len(meaning) < 2:  # what all have in common makes nobody comparable
            codes[:] = -1
    return np.column_stack(columns) if situations else np.empty((0, len(TRAITS)), dtype=np.int64), tuple(meanings)


def _first_family(who: Situation, families: Mapping[str, str]) -> str | None:
    held = [(h.opened_on, h.product_id) for h in who.holdings if h.product_id in families]
    return families[min(held)[1]] if held else None


def _number(value: object) -> float:
    return np.nan if value is None else float(value)  # type: ignore[arg-type]


def _edges(values: npt.NDArray[np.float64], bands: int) -> list[float]:
    """Return the edges between bands of equal numbers, each rounded to two figures so that it can be read."""
    known = values[~np.isnan(values)]
    if not len(known):
        return []
    edges = np.quantile(known, np.arange(1, bands) / bands)
    return sorted({float(f"{edge:.1e}") for edge in edges.tolist()})


def _banded(values: npt.NDArray[np.float64], edges: npt.NDArray[np.float64], first: int = 0) -> Ints:
    band = first + np.searchsorted(edges, values, side="right")
    return np.where(np.isnan(values), -1, band).astype(np.int64)


def _meanings(name: str, edges: Sequence[float], first: int = 0) -> dict[int, Trait]:
    ends = [None, *map(float, edges), None]
    return {first + i: Trait(name, None, *pair) for i, pair in enumerate(pairwise(ends))}
