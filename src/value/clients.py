"""What each client's contracts are worth: the terms of their values added up, and how far they may differ."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from appetence.book import Book
from appetence.config import ValueSettings
from appetence.models.curves import History
from appetence.value.credit import default_rate, loss_given_default, monthly_rate
from appetence.value.lifetime import (
    Annuities,
    Contracts,
    annuities,
    contract_values,
    monthly_pace,
    tail_factor,
)
from appetence.value.margins import held_contracts

Floats = npt.NDArray[np.float64]

LOW, HIGH = 0.1, 0.9
"""Of a client's realised value: eight in ten such clients bring something between."""


@dataclass(frozen=True)
class Expected:
    """What a model expects to happen to each client: probability within a horizon of months, NaN where not asked.

    Attributes
    ----------
    probability
        (clients,)
    horizon
        Months.
    share
        (clients,) of the balances that leaves where it happens; 1 where the question is not about money.
    """

    probability: Floats
    horizon: int
    share: Floats | float = 1.0


@dataclass(frozen=True)
class ClientValues:
    """Values of clients today, (clients,) each, in the book's currency; NaN where a margin is not known.

    Attributes
    ----------
    margin, erosion, credit, tail
        The terms of `appetence.value.lifetime.ContractValues`, over a client's contracts.
    low, high
        Between which the margins of the horizon fall for eight in ten such clients, by when they leave; without losses
        and tail.
    """

    margin: Floats
    erosion: Floats
    credit: Floats
    tail: Floats
    low: Floats
    high: Floats

    @property
    def total(self) -> Floats:
        """(clients,) lifetime value of the contracts in force."""
        return np.asarray(self.margin + self.erosion + self.credit + self.tail)


def client_annuities(
    history: History, client_ids: pa.Array, staying: Floats, settings: ValueSettings, erosion: Expected | None
) -> Annuities:
    """Return the annuities that contracts and sales are valued with.

    Parameters
    ----------
    staying
        (clients, months) survival over at least the horizon of the settings.
    erosion
        Of silent erosion; None where no model speaks of it.
    """
    staying = staying[:, : settings.horizon]
    pace = None if erosion is None else monthly_pace(erosion.probability, erosion.share, erosion.horizon)
    tail = None
    if settings.tail:
        later = history.tenure(client_ids) + settings.horizon
        tail = tail_factor(history.beta_geometric(), history.life_table.other, later, settings.discount_rate)
    return annuities(staying, settings.discount_rate, pace, tail)


def value_clients(
    book: Book,
    cut: dt.date,
    client_ids: pa.Array,
    worth: Annuities,
    staying: Floats,
    settings: ValueSettings,
    default: Expected | None = None,
) -> ClientValues:
    """Value the contracts in force of some clients.

    Parameters
    ----------
    worth, staying
        From `client_annuities`, and the curves that it was given.
    default
        Of credit default within a horizon; where it is NaN or None the book's own rate speaks.

    Notes
    -----
    A client's default is taken to be that of all of the client's loans.
    """
    held = held_contracts(book, cut, settings.margins == "learned")
    place = pc.index_in(held.client_id, client_ids)
    known = np.asarray(place.is_valid())
    row = place.fill_null(0).to_numpy(zero_copy_only=False)[known].astype(np.int64)
    rate = np.full(len(client_ids), default_rate(book, cut).value)
    if default is not None:
        modelled = ~np.isnan(default.probability)
        rate[modelled] = monthly_rate(default.probability[modelled], default.horizon)
    contracts = Contracts(
        row,
        held.yearly_margin[known],
        held.months_left[known],
        held.on_balance[known],
        held.exposure[known],
        rate[row] * loss_given_default(book).value,
    )
    found = contract_values(worth, contracts)

    def summed(values: Floats) -> Floats:
        return np.bincount(row, weights=values, minlength=len(client_ids)).astype(np.float64)

    # A leaver's contracts bring their margins up to the month of leaving, and no more.
    certain = annuities(np.ones((1, worth.months)), settings.discount_rate)
    low, high = (_contracts_until(certain, contracts, _month_at(staying, worth.months, q)) for q in (LOW, HIGH))
    terms = (found.margin, found.erosion, found.credit, found.tail, np.minimum(low, high), np.maximum(low, high))
    return ClientValues(*(summed(values) for values in terms))


def _month_at(staying: Floats, months: int, quantile: float) -> npt.NDArray[np.int64]:
    """Return (clients,) the months by which a share of clients like these has gone; the horizon where fewer go."""
    return np.asarray((staying[:, :months] > 1.0 - quantile).sum(axis=1), dtype=np.int64)


def _contracts_until(certain: Annuities, contracts: Contracts, month: npt.NDArray[np.int64]) -> Floats:
    """Return contracts' margins if their client stays for certain up to a month, (clients,), and then leaves."""
    left = np.where(np.isnan(contracts.months_left), certain.months, contracts.months_left)
    counted = np.clip(np.minimum(left, month[contracts.client]), 0, certain.months).astype(np.int64)
    return np.asarray(contracts.yearly_margin * certain.plain[0, counted])
