"""What each client's money came to before each cut: sums over windows and the level of each month, in cents.

The features of balances and of the household both stand on it.
"""

from __future__ import annotations

import ibis.expr.types as ir

from appetence.features.asof import AsKnown
from appetence.features.expressions import total

WINDOWS = (3, 6, 12)
"""Months over which flows are added and levels compared."""

YEAR = 12
LONGEST = 24
"""Months looked back for the last money paid in."""


def money_of_members(known: AsKnown) -> ir.Table:
    """Return the sums of all members of the households that have balances known, by `row` and `home`.

    Returns
    -------
    `assets`, `credit` and `assets_<family>` of the last month; `flow_<months>`; `revenue`, `cost` over a year;
    `level_<lag>`, the assets of each of the last 13 months, null in a month without any balance; `revenue_before`, of
    the year before the last, null without any balance in it; `last_inflow`, the lag of the newest month in which money
    was paid in to some contract.
    """
    return known.shared("money", lambda: known.engine.money(known, lambda: _money(known)))


def _money(known: AsKnown) -> ir.Table:
    rows = known.months_of_members(LONGEST)
    last, year = rows.lag == 1, rows.lag <= YEAR
    key = ("row", *(("home",) if "home" in rows.columns else ()))
    return rows.group_by(*key).agg(
        assets=total(rows.assets, last),
        credit=total(rows.credit, last),
        **{f"flow_{m}": total(rows.flow, rows.lag <= m) for m in WINDOWS},
        revenue=total(rows.revenue, year),
        cost=total(rows.cost, year),
        **{f"assets_{part}": total(rows[f"assets_{part}"], last) for _, part in known.shape.asset_families},
        **{f"level_{lag}": rows.assets.sum(where=rows.lag == lag).cast("int64") for lag in range(1, YEAR + 2)},
        revenue_before=rows.revenue.sum(where=~year).cast("int64"),
        last_inflow=rows.lag.min(where=rows.inflow > 0),
    )
