"""Lifetime value: V = Σ_k S(k)·m(k) / (1 + r)^(k/12) over the months k of the horizon.

Credit risk and the tail beyond the horizon are not in it yet: both terms are zero here, not hidden elsewhere.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


def discount_factors(yearly_rate: float, months: int) -> Floats:
    """Return the value today of one unit at the end of each of the next months, shape (months,)."""
    return (1.0 + yearly_rate) ** (-np.arange(1, months + 1) / 12.0)


def annuities(staying: Floats, yearly_rate: float) -> Floats:
    """Value today of one unit a year, paid monthly for k months while the client stays.

    Parameters
    ----------
    staying
        Shape (clients, months): survival at the end of month k = 1 …
    yearly_rate
        Of discount.

    Returns
    -------
    Shape (clients, months + 1): column k is the annuity over the first k months; column 0 is zero.

    Examples
    --------
    >>> annuities(np.ones((1, 12)), 0.0)[0, 12]
    np.float64(1.0)
    """
    paid = staying * discount_factors(yearly_rate, staying.shape[1])[None, :] / 12.0
    return np.concatenate([np.zeros((len(staying), 1)), np.cumsum(paid, axis=1)], axis=1)


def contract_value(annuity: Floats, client: Ints, yearly_margin: Floats, months_left: Floats) -> Floats:
    """Value today of contracts' future margins.

    Parameters
    ----------
    annuity
        Shape (clients, months + 1), from `annuities`.
    client
        Shape (contracts,): row of `annuity`.
    yearly_margin
        Shape (contracts,): in money a year.
    months_left
        Shape (contracts,): until the contract's own term; NaN where it has none.

    Returns
    -------
    Shape (contracts,).
    """
    horizon = annuity.shape[1] - 1
    months = np.clip(np.where(np.isnan(months_left), horizon, months_left), 0, horizon).astype(np.int64)
    return yearly_margin * annuity[client, months]


def sale_value(annuity: Floats, yearly_margin: Floats, acquisition_cost: Floats) -> Floats:
    """Value today of selling one contract of each product to each client.

    Parameters
    ----------
    annuity
        Shape (clients,): over the whole horizon.
    yearly_margin, acquisition_cost
        Shape (products,): in money a year, and in money.

    Returns
    -------
    Shape (clients, products): margin while the client stays, less the cost of the sale. It may be negative.
    """
    return annuity[:, None] * yearly_margin[None, :] - acquisition_cost[None, :]
