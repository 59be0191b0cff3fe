"""Plain ways of ranking products that need no model: rules between products, and what similar clients hold.

Both know what the clients learnt from held at one date, a row per client, and nothing of what anyone bought. Each
scores a product twice: for clients who never had it, by how many of those like them hold it; and for those who have or
had it, by how many such clients had more than one contract of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from appetence.models.rankings.baskets import Baskets

Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
Floats32 = npt.NDArray[np.float32]

PRIOR = 30.0
"""Clients that a rule's confidence is drawn towards the overall share by: bundles ask for as many holders."""

NEIGHBOURS = 100
"""Clients taken as similar, and all who are as near as the last of them: a share is then known to five points."""

POOL = 2_000
"""Clients of a segment, at most, among whom neighbours are looked for: more would find the same shares, later."""

_TIE = 5.0  # clients by which a share among neighbours is drawn towards the overall one, which so breaks ties
_AT_ONCE = 512


@dataclass(frozen=True)
class Scores:
    """Scores of all products: (n, products) for a first contract, and for another one."""

    first: Floats
    again: Floats


def by_rules(learnt: Baskets, asked: Baskets) -> Scores:
    """Score products by the strongest rule "who holds A holds B" of the products A that a client holds.

    A rule's strength is confidence × lift (Agrawal et al. 1993; Brin et al. 1997): the share of A's holders who hold
    B, times how much larger that is than the share of all clients. The confidence is smoothed: as if `PRIOR` more
    holders of A had been seen, of whom as many hold B as of all clients. To whom no rule applies, the share of all is
    given.

    Parameters
    ----------
    learnt
        Of clients at a date before the test, one row each.
    asked
        Of those to score.
    """
    held, had, more = (flags.astype(np.float64) for flags in (learnt.held, learnt.had, learnt.more))
    share, share_again = _shares(learnt)
    # who is asked about a first B does not hold it, so that no rule "B → B" is met there
    first = _strengths(held.T @ held, held.sum(axis=0)[:, None], share)
    again = _strengths(held.T @ more, held.T @ had, share_again)
    return Scores(_strongest(asked.held, first, share), _strongest(asked.held, again, share_again))


def _strengths(both: Floats, of: Floats, share: Floats) -> Floats:
    """Return confidence × lift of A → B, (A, B), of those who have both, those who have A, and B's share of all."""
    confidence = (both + PRIOR * share) / (of + PRIOR)
    return confidence * np.divide(confidence, share, out=np.zeros_like(confidence), where=share > 0)


def _strongest(held: Flags, strength: Floats, otherwise: Floats) -> Floats:
    found = np.full(held.shape, -np.inf)
    for product in range(held.shape[1]):
        rows = held[:, product]
        found[rows] = np.maximum(found[rows], strength[product])
    return np.where(np.isfinite(found), found, otherwise)


def by_similar_clients(
    learnt: Baskets, asked: Baskets, segment: tuple[Ints, Ints], seed: int, neighbours: int = NEIGHBOURS
) -> Scores:
    """Score products by the share of the most similar clients who hold them.

    Similar are clients of the same segment, nearest in the number of products that the one holds and the other does
    not, the product in question left out: clients who hold just the same would else have nothing to recommend. Where a
    segment has too few clients, its last attribute is dropped, and so on. The client's own earlier row may be among
    them: it cannot hold what the client never had.

    Parameters
    ----------
    learnt, asked
        As for `by_rules`.
    segment
        Codes from `baskets.segments` of either, the attribute that matters least last.
    seed
        Of the draw where a segment has more than `POOL` clients.
    neighbours
        How many clients are similar, at least.
    """
    shape = asked.held.shape
    found = Scores(np.zeros(shape), np.zeros(shape))
    shares = _shares(learnt)
    rng = np.random.default_rng([seed, 0x6E656172])
    for pool, rows in _pools(segment, neighbours):
        drawn = pool if len(pool) <= POOL else np.sort(rng.choice(pool, POOL, replace=False))
        near = _Pool.of(learnt, drawn)
        kinds, place = np.unique(asked.held[rows], axis=0, return_inverse=True)
        for start in range(0, len(kinds), _AT_ONCE):
            first, again = near.shares(kinds[start : start + _AT_ONCE], neighbours, shares)
            here = (place >= start) & (place < start + _AT_ONCE)
            found.first[rows[here]] = first[place[here] - start]
            found.again[rows[here]] = again[place[here] - start]
    return found


def _shares(learnt: Baskets) -> tuple[Floats, Floats]:
    had = np.maximum(learnt.had.sum(axis=0), 1)
    return learnt.held.sum(axis=0) / max(len(learnt), 1), learnt.more.sum(axis=0) / had


def _pools(segment: tuple[Ints, Ints], fewest: int) -> Iterator[tuple[Ints, Ints]]:
    """Yield rows learnt from and rows asked about that belong together, each of the latter once."""
    learnt, asked = segment
    left = np.arange(len(asked))
    for attributes in range(learnt.shape[1], -1, -1):
        if not len(left):
            return
        codes = _joint(np.vstack([learnt, asked[left]])[:, :attributes])
        own, theirs = codes[: len(learnt)], codes[len(learnt) :]
        large = np.bincount(own, minlength=int(codes.max()) + 1) >= (fewest if attributes else 0)
        order = np.argsort(own, kind="stable")
        bounds = np.searchsorted(own[order], np.arange(len(large) + 1))
        for code in np.unique(theirs[large[theirs]]):
            yield np.sort(order[bounds[code] : bounds[code + 1]]), left[theirs == code]
        left = left[~large[theirs]]


def _joint(columns: Ints) -> Ints:
    """Return one code for each row of codes."""
    codes = np.zeros(len(columns), dtype=np.int64)
    for column in columns.T:
        place = np.unique(column, return_inverse=True)[1]
        codes = np.unique(codes * (int(place.max()) + 1) + place, return_inverse=True)[1]
    return codes


@dataclass(frozen=True)
class _Pool:
    """Clients among whom neighbours are looked for: the different baskets, and how many clients have each.

    Attributes
    ----------
    held
        (kinds, products)
    flags
        (kinds, 5 × products): holds it; had it and holds it, or does not; had more of it and holds it, or does not.
    weight
        (kinds,) clients.
    """

    held: Floats32
    flags: Floats32
    weight: Floats32

    @classmethod
    def of(cls, learnt: Baskets, rows: Ints) -> _Pool:
        width = learnt.held.shape[1]
        baskets = np.hstack([learnt.held[rows], learnt.had[rows], learnt.more[rows]])
        kinds, weight = np.unique(baskets, axis=0, return_counts=True)
        held, had, more = (kinds[:, at : at + width] for at in (0, width, 2 * width))
        flags = np.hstack([held, had & held, had & ~held, more & held, more & ~held])
        return cls(held.astype(np.float32), flags.astype(np.float32), weight.astype(np.float32))

    def shares(self, held: Flags, neighbours: int, overall: tuple[Floats, Floats]) -> tuple[Floats, Floats]:
        """Return the shares of baskets' neighbours who hold each product, and of those who had it, had more of it.

        At a distance that leaves the product in question out are the clients at the same distance who agree in it, and
        those at the next one who do not.
        """
        u = held.astype(np.float32)
        apart = np.rint(u.sum(axis=1)[:, None] + self.held.sum(axis=1) - 2.0 * (u @ self.held.T)).astype(np.int16)
        first, again = _Count(held.shape, neighbours), _Count(held.shape, neighbours)
        further = self._at(apart == 0)
        for distance in range(int(apart.max(initial=0)) + 1):
            same, further = further, self._at(apart == distance + 1)
            near = np.where(held, same[:, 0], same[:, 1]) + np.where(held, further[:, 1], further[:, 0])
            first.add(near[0], near[1])
            again.add(near[2], near[3])
            if not (first.open.any() or again.open.any()):
                break
        return first.share(overall[0]), again.share(overall[1])

    def _at(self, there: Flags) -> Floats32:
        """Count the clients at a distance, (4, 2, baskets, products): those who hold the product, and those who don't.

        Of everyone, of its holders, of those who had it, and of those who had more of it.
        """
        number = there * self.weight  # counts stay below 2²⁴: they are exact
        holds, *others = np.split(number @ self.flags, 5, axis=1)
        everyone = number.sum(axis=1, keepdims=True)
        pairs = [holds, everyone - holds, holds, np.zeros_like(holds), *others]
        return np.stack(pairs).reshape(4, 2, *holds.shape)


class _Count:
    """Neighbours of baskets counted by distance, product by product, until there are enough."""

    def __init__(self, shape: tuple[int, ...], enough: int) -> None:
        self._enough = enough
        self._all, self._hits = np.zeros(shape), np.zeros(shape)

    @property
    def open(self) -> Flags:
        """Whether neighbours are still looked for."""
        return self._all < self._enough

    def add(self, clients: Floats32, hits: Floats32) -> None:
        """Count the clients of one more distance, and those of them who have what is asked."""
        still = self.open
        self._all += np.where(still, clients, 0.0)
        self._hits += np.where(still, hits, 0.0)

    def share(self, prior: Floats) -> Floats:
        """Return the share that has it, drawn towards that of all clients."""
        found: Floats = (self._hits + _TIE * prior) / (self._all + _TIE)
        return found
