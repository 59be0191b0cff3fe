"""Each client's future as a curve: the book's own life table, bent to the attrition model's probability."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import cached_property

import ibis
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from appetence.book import Book
from appetence.book.clocks import index_of, month_index
from appetence.models.beta_geometric import BetaGeometric, fit_beta_geometric
from appetence.models.kaplan_meier import KaplanMeier, by_cohort, kaplan_meier
from appetence.models.survival import Counts, LifeTable, SurvivalCurves, count_exits, fit_life_table, survival_curves

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_STILL_HERE = 10**6
"""A month after all others."""


@dataclass(frozen=True)
class History:
    """What was known at a cut of when clients came, when they went, and why.

    Attributes
    ----------
    client_ids
        (clients,) all who ever held a contract.
    start, end
        (clients,) months since year 0; `end` lies far ahead for who is still there.
    kind
        (clients,) "left" for attrition, "other" for a competing exit, "" for none.
    first, last
        The months observed, the second exclusive.
    """

    client_ids: pa.Array
    start: Ints
    end: Ints
    kind: npt.NDArray[np.str_]
    first: int
    last: int

    @classmethod
    def of(cls, book: Book, cut: dt.date) -> History:
        """Read it from facts known before the cut."""
        spells = _spells(book, cut)
        return cls(
            spells["client_id"].combine_chunks(),
            _integers(spells["start"]),
            _integers(spells["end"]),
            np.asarray(spells["kind"].to_pylist(), dtype=np.str_),
            index_of(book.observed_from),
            index_of(cut),
        )

    @cached_property
    def counts(self) -> Counts:
        """Exits and clients at risk by completed months."""
        return count_exits(self.start, self.end, self.kind, self.first, self.last)

    @cached_property
    def life_table(self) -> LifeTable:
        """Smoothed hazards by tenure."""
        return fit_life_table(self.counts)

    def tenure(self, client_ids: pa.Array) -> Ints:
        """Return (clients,) completed months at the cut."""
        place = pc.index_in(client_ids, self.client_ids)
        return np.asarray(self.last - self.start[place.to_numpy(zero_copy_only=False)], dtype=np.int64)

    def curves(self, client_ids: pa.Array, probability: Floats | None, horizon: int, months: int) -> SurvivalCurves:
        """Return survival and leaving curves of clients.

        Parameters
        ----------
        client_ids
            Shape (clients,).
        probability
            Shape (clients,): the model's probability of leaving within `horizon` months; None: no model, so that the
            life table speaks alone. With a gap before the window, the curve treats it as beginning at the cut.
        months
            How far the curves go.
        """
        return _in_blocks(self.life_table, self.tenure(client_ids), probability, horizon, months)

    def kaplan_meier(self) -> KaplanMeier:
        """Return the curve of all clients."""
        return kaplan_meier(self.counts, len(self.client_ids))

    def cohorts(self) -> dict[int, KaplanMeier]:
        """Return the curve of each year of joining."""
        return by_cohort(self.start, self.end, self.kind, self.first, self.last)

    def beta_geometric(self) -> BetaGeometric | None:
        """Return the shifted-beta-geometric in months; None where nobody left."""
        return fit_beta_geometric(self.counts.left, self.counts.at_risk)


def _spells(book: Book, cut: dt.date) -> pa.Table:
    """Return per client the months (since year 0) of coming and going, and why: "left", "other" or "".

    A client who holds nothing for a while and comes back counts as present in between: a rare simplification.
    """
    contracts = book.as_known("contracts", cut)
    day = ibis.literal(cut)
    in_force = contracts.closed_on.isnull() | (contracts.closed_on >= day)
    grouped = contracts.group_by("client_id").agg(
        start=month_index(contracts.opened_on).min(),
        here=in_force.any(),
        gone=contracts.closed_on.max(),
        reason=contracts.close_reason.fill_null("left").argmax(contracts.closed_on),
    )
    here = grouped.here
    return book.execute(
        grouped.select(
            "client_id",
            "start",
            end=here.ifelse(_STILL_HERE, month_index(grouped.gone)),
            kind=here.ifelse("", (grouped.reason == "left").ifelse("left", "other")),
        ).order_by("client_id")
    )


def _in_blocks(
    table: LifeTable, tenure: Ints, probability: Floats | None, horizon: int, months: int, block: int = 50_000
) -> SurvivalCurves:
    """Bend the table block by block: the work space is many times the result."""
    parts = [
        survival_curves(
            table,
            tenure[at : at + block],
            None if probability is None else probability[at : at + block],
            horizon,
            months,
        )
        for at in range(0, max(len(tenure), 1), block)
    ]
    return SurvivalCurves(
        np.concatenate([part.staying for part in parts]), np.concatenate([part.leaving for part in parts])
    )


def _integers(column: pa.ChunkedArray) -> Ints:
    return np.asarray(column.cast(pa.int64()).to_numpy(), dtype=np.int64)
