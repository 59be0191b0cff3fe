"""What the published clients are worth together: a month's values, opened into their terms."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from appetence.months import Month
from appetence.scoring.published import published_run
from appetence.scoring.tables import CLIENT_SCORES

Floats = npt.NDArray[np.float64]

PAST = ("past_revenue", "past_cost", "past_credit_loss", "past_profit")
FUTURE = ("value_margin", "value_erosion", "value_credit", "value_tail", "lifetime_value", "potential")

_TOLD = {
    "past_revenue": "revenue of the last 12 months",
    "past_cost": "− cost of claims and servicing",
    "past_credit_loss": "− credit losses",
    "past_profit": "= past profit",
    "value_margin": "margins within the horizon",
    "value_erosion": "+ margins lost with money that leaves",
    "value_credit": "+ expected credit losses",
    "value_tail": "+ margins after the horizon",
    "lifetime_value": "= lifetime value of contracts held",
    "potential": "potential: expected value of next purchases",
}


@dataclass(frozen=True)
class Total:
    """A sum over the clients who have the figure, with the interval of drawing another such book.

    The interval is 1.96 standard errors of a sum of independent clients on either side: it holds what chance alone
    makes of a book of this size, not what a model gets wrong, which `appetence backtest value` shows.
    """

    clients: int
    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Worth:
    """A month's totals, and the share of the value that the tenth of clients worth most hold."""

    month: str
    run_id: str
    currency: str
    clients: int
    totals: dict[str, Total]
    top_tenth: float | None

    def as_dict(self) -> dict[str, Any]:
        """Return it for JSON."""
        return {
            "month": self.month,
            "run_id": self.run_id,
            "currency": self.currency,
            "clients": self.clients,
            "totals": {name: vars(total) for name, total in self.totals.items()},
            "share_of_the_top_tenth": self.top_tenth,
        }

    def lines(self) -> Iterator[str]:
        """Return it for a reader."""
        yield f"value of {self.clients:,} clients, {self.month}, {self.currency}, run {self.run_id}"
        for part in (PAST, FUTURE):
            for name in part:
                if name in self.totals:
                    total = self.totals[name]
                    yield f"  {_TOLD[name]:46}{total.value:16,.0f}   ({total.low:,.0f} to {total.high:,.0f})"
        missing = [_TOLD[name] for name in ("past_profit", "lifetime_value") if name not in self.totals]
        for name in missing:
            yield f"  {name.removeprefix('= ')}: not known, the book records nothing to tell it from"
        if self.top_tenth is not None:
            yield f"  the tenth of the clients worth most hold {100 * self.top_tenth:.0f} % of the lifetime value"


def read_worth(database: Path, month: Month | None, currency: str) -> Worth:
    """Add up the values of a month that was published.

    Parameters
    ----------
    month
        None: the newest one published.

    Raises
    ------
    PublicationError
        Nothing is published for the month.
    """
    with published_run(database, month) as run:
        table = run.rows(CLIENT_SCORES.name, PAST + FUTURE)
    totals = {name: total for name in PAST + FUTURE if (total := _total(table[name])) is not None}
    return Worth(run.month, run.run_id, currency, table.num_rows, totals, _top_share(table["lifetime_value"]))


def _known(column: pa.ChunkedArray) -> Floats:
    return np.asarray(column.drop_null().to_numpy(), dtype=np.float64)


def _total(column: pa.ChunkedArray) -> Total | None:
    values = _known(column)
    if len(values) == 0:
        return None
    error = 1.96 * float(values.std()) * np.sqrt(len(values))
    value = float(values.sum())
    return Total(len(values), value, value - error, value + error)


def _top_share(column: pa.ChunkedArray) -> float | None:
    values = np.sort(_known(column))[::-1]
    if len(values) < 10 or values.sum() <= 0:
        return None
    return float(values[: max(1, round(len(values) / 10))].sum() / values.sum())
