"""Lifetime value: what the contracts in force will earn, month by month, and less what takes it away.

    V = Σ_k [S(k) · m(k) − PD_k · LGD · EAD_k] / (1 + r)^(k/12) + tail

over the months k = 1 … of the horizon. S is the client's survival curve, m a contract's monthly margin, which falls
with the balance where money is expected to leave bit by bit; the second term is the credit loss expected of a loan; a
contract's own term ends both. The tail is what the months after the horizon still bring, on the decline of a
shifted-beta-geometric.

Every sum over months is taken once per client, as an annuity; contracts look theirs up. So each term of a contract's
value can be told apart, and a million clients take seconds.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from appetence.models.beta_geometric import BetaGeometric
from appetence.value.margins import ProductEconomics

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

TAIL_MONTHS = 600
"""Months after the horizon that a tail may count: without any discount, a few clients would be counted for ever."""


def discount_factors(yearly_rate: float, months: int) -> Floats:
    """Return the value today of one unit at the end of each of the next months, shape (months,)."""
    return (1.0 + yearly_rate) ** (-np.arange(1, months + 1) / 12.0)


def monthly_pace(probability: Floats, share: Floats | float, horizon: int) -> Floats:
    """Return the share of a client's balances expected to leave each month, of the shape of `probability`.

    Parameters
    ----------
    probability
        Of silent erosion within `horizon` months; NaN, where it is not asked, counts as none.
    share
        Of the balances that leaves where it happens, in [0, 1].
    horizon
        Months.

    Notes
    -----
    The pace that, kept for the horizon, leaves what is expected to be left: (1 − δ)^horizon = 1 − probability · share.

    Examples
    --------
    >>> float(monthly_pace(np.array([0.5]), np.array([0.5]), 1)[0].round(6))
    0.25
    """
    lost = np.clip(np.nan_to_num(probability * share), 0.0, 1.0 - 1e-12)
    return np.asarray(-np.expm1(np.log1p(-lost) / horizon), dtype=np.float64)


@dataclass(frozen=True)
class Annuities:
    """What one unit a year, paid monthly while the client stays, is worth today, by months counted.

    Attributes
    ----------
    plain
        (clients, months + 1): column k counts the first k months; column 0 is zero.
    eroded
        The same of a unit that shrinks every month by the client's pace.
    elapsed
        The same of a unit that is k at the end of month k: for what is paid back in equal parts.
    tail
        (clients,) what the months after the horizon add.
    """

    plain: Floats
    eroded: Floats
    elapsed: Floats
    tail: Floats

    @property
    def months(self) -> int:
        """The horizon."""
        return self.plain.shape[1] - 1


def annuities(staying: Floats, yearly_rate: float, pace: Floats | None = None, tail: Floats | None = None) -> Annuities:
    """Return the annuities of clients.

    Parameters
    ----------
    staying
        (clients, months) survival at the end of month k = 1 …
    yearly_rate
        Of discount.
    pace
        (clients,) share of the balances that leaves each month, from `monthly_pace`; None for none.
    tail
        (clients,) worth, at the horizon, of a unit a year to who is still there, from `tail_factor`; None for none.

    Examples
    --------
    >>> float(annuities(np.ones((1, 12)), 0.0).plain[0, 12])
    1.0
    """
    months = staying.shape[1]
    paid = staying * discount_factors(yearly_rate, months) / 12.0
    month = np.arange(1, months + 1)
    eroded = paid if pace is None else paid * np.exp(np.log1p(-pace)[:, None] * month)
    after = np.zeros(len(staying))
    if tail is not None:
        after = staying[:, -1] * (1.0 + yearly_rate) ** (-months / 12.0) * tail
    return Annuities(_summed(paid), _summed(eroded), _summed(paid * month), after)


def tail_factor(decline: BetaGeometric | None, other: Floats, tenure: Ints, yearly_rate: float) -> Floats:
    """Return what a unit a year, paid monthly while the client stays, is worth to who has completed some months.

    Parameters
    ----------
    decline
        Of leaving by choice, in months; None where nobody was seen to leave: then there is no tail to be told.
    other
        (months,) chance of a competing exit by completed months; longer tenures have the last one.
    tenure
        (clients,) completed months.
    yearly_rate
        Of discount.

    Returns
    -------
    (clients,) years of margin, discounted, over the next `TAIL_MONTHS`.

    Notes
    -----
    The discounted expected residual lifetime of Fader & Hardie (2010, "Customer-base valuation in a contractual
    setting", equation 6), with competing exits and month by month.
    """
    if decline is None or len(tenure) == 0:
        return np.zeros(len(tenure))
    first, last = int(tenure.min()), int(tenure.max())
    completed = np.arange(first, last + TAIL_MONTHS)
    stay = (1.0 - decline.hazard(completed)) * (1.0 - other[np.minimum(completed, len(other) - 1)])
    reached = np.concatenate([[0.0], np.cumsum(np.log(np.maximum(stay, 1e-300)))])
    months = np.arange(1, TAIL_MONTHS + 1)
    factors = discount_factors(yearly_rate, TAIL_MONTHS) / 12.0
    worth = np.array([np.exp(reached[t + months] - reached[t]) @ factors for t in range(last - first + 1)])
    return np.asarray(worth[tenure - first], dtype=np.float64)


@dataclass(frozen=True)
class Contracts:
    """Contracts whose future is valued.

    Attributes
    ----------
    client
        (contracts,) row of the client.
    yearly_margin
        (contracts,) money a year at today's balance; NaN where it is not known: then so is the value.
    months_left
        (contracts,) until the contract's own term; NaN where it has none.
    on_balance
        (contracts,) whether the margin is earned on money that may leave.
    exposure
        (contracts,) outstanding of a loan; 0 where the contract is none.
    loss_rate
        (contracts,) monthly probability of default times the share of the exposure that is lost then.
    """

    client: Ints
    yearly_margin: Floats
    months_left: Floats
    on_balance: npt.NDArray[np.bool_]
    exposure: Floats
    loss_rate: Floats


@dataclass(frozen=True)
class ContractValues:
    """The terms of contracts' values today, (contracts,) each; they add up to `total`.

    Attributes
    ----------
    margin
        Margins within the horizon, were no money to leave while the client stays.
    erosion
        Margins lost with money that leaves bit by bit: negative or zero.
    credit
        Expected credit losses: negative or zero.
    tail
        Margins after the horizon, of contracts without a term within it, at the balance that erosion leaves then.
    """

    margin: Floats
    erosion: Floats
    credit: Floats
    tail: Floats

    @property
    def total(self) -> Floats:
        """(contracts,) value today."""
        return np.asarray(self.margin + self.erosion + self.credit + self.tail)


def contract_values(worth: Annuities, contracts: Contracts) -> ContractValues:
    """Value contracts in force.

    A loan is taken to be paid back in equal parts to its term, or kept at its amount where it has none; it can default
    while its client stays.
    """
    client, left = contracts.client, contracts.months_left
    lasting = np.isnan(left)
    counted = np.clip(np.where(lasting, worth.months, left), 0, worth.months).astype(np.int64)
    plain, eroded = worth.plain[client, counted], worth.eroded[client, counted]
    margin = contracts.yearly_margin * plain
    erosion = np.where(contracts.on_balance, contracts.yearly_margin * (eroded - plain), 0.0)
    # of equal parts to the term, k months on: 1 − k / term of the amount is still owed
    term = np.where(lasting | (left <= 0), np.inf, left)
    owed = plain - worth.elapsed[client, counted] / term
    credit = -12.0 * contracts.loss_rate * contracts.exposure * owed
    return ContractValues(margin, erosion, credit, _tails(worth, contracts, lasting))


def _tails(worth: Annuities, contracts: Contracts, lasting: npt.NDArray[np.bool_]) -> Floats:
    """Return margins after the horizon; the balance shrinks no further there, for a pace is known for months only."""
    client, months = contracts.client, worth.months
    ends = worth.plain[client, months] - worth.plain[client, months - 1]
    eroded = worth.eroded[client, months] - worth.eroded[client, months - 1]
    kept = np.where(contracts.on_balance & (ends > 0), eroded / np.where(ends > 0, ends, 1.0), 1.0)
    return np.where(lasting, contracts.yearly_margin * worth.tail[client] * kept, 0.0)


def sale_value(worth: Annuities, economics: ProductEconomics) -> Floats:
    """Value today of selling one contract of each product to each client.

    Returns
    -------
    (clients, products): the product's margin, less what it replaces, while the client stays within the horizon, less
    the cost of the sale; it may be negative, and is NaN where the margin is not known.
    """
    gained = economics.yearly_margin - economics.replaced
    return worth.plain[:, -1:] * gained[None, :] - economics.acquisition_cost[None, :]


def _summed(paid: Floats) -> Floats:
    return np.concatenate([np.zeros((len(paid), 1)), np.cumsum(paid, axis=1)], axis=1)
