"""Balances in the pandas contender of `benchmarks/features.py`: levels, flows, trends and the share of wallet."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from features_pandas_book import Clients, Cut, Facts, cents, places, read, share


def client_months(book: Path, cut: Cut, contracts: pd.DataFrame, credit: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return cents by client and lag, the months before the cut counted back; and of the last month by family."""
    months = [("month", ">=", cut.before(24).date()), ("month", "<", cut.day.date())]
    rows = read(book, "balances", ["contract_id", "month", "balance", "net_flow", "revenue", "cost"], months)
    place = places(rows.pop("contract_id"), pd.Index(contracts["contract_id"].astype("str")))
    rows["c"] = contracts["c"].to_numpy()[place]
    rows["family"] = contracts["family"].to_numpy()[place]
    rows["lag"] = cut.lag(rows.pop("month")).astype("int8")
    rows = rows[contracts["opening_known"].to_numpy()[place] & (place >= 0)]
    for name in ("balance", "net_flow", "revenue", "cost"):
        rows[name] = cents(rows[name])
    ours = rows["family"] != credit
    rows["assets"] = rows["balance"].where(ours, 0)
    rows["credit"] = rows["balance"].where(~ours, 0)
    rows["flow"] = rows["net_flow"].where(ours, 0)
    rows["inflow"] = rows["flow"].clip(lower=0)
    sums = ["assets", "credit", "flow", "inflow", "revenue", "cost"]
    last = rows[rows["lag"] == 1].groupby(["c", "family"])["balance"].sum().unstack(fill_value=0)
    return rows.groupby(["c", "lag"])[sums].sum(), last


def money(months: pd.DataFrame, last: pd.DataFrame, clients: Clients, families: pd.Index, facts: Facts) -> pd.DataFrame:
    """Return levels, flows, trends and the share of wallet of every client."""
    wide = months.unstack("lag").reindex(clients.rows.index)
    level = wide["assets"].reindex(columns=range(1, 14))
    year, half, quarter = range(1, 13), range(1, 7), range(1, 4)
    found = pd.DataFrame({"now": level[1].fillna(0)})
    found["assets"] = found["now"] / 100
    found["credit_outstanding"] = wide["credit"].reindex(columns=[1]).sum(axis=1) / 100
    for months_back, lags in ((3, quarter), (6, half), (12, year)):
        flow = wide["flow"].reindex(columns=lags).sum(axis=1)
        found[f"flow_{months_back}"] = flow
        found[f"net_flow_{months_back}m"] = flow / 100
        then = level[months_back + 1]
        found[f"assets_change_{months_back}m"] = share(found["now"].clip(lower=0) - then, then)
    revenue = wide["revenue"].reindex(columns=year).sum(axis=1)
    found["revenue_12m"] = revenue / 100
    before = wide["revenue"].reindex(columns=range(13, 25)).sum(axis=1, min_count=1)
    found["revenue_change_12m"] = (revenue - before) / 100
    found["cost_12m"] = wide["cost"].reindex(columns=year).sum(axis=1) / 100
    paid_in = (wide["inflow"] > 0).reindex(columns=range(1, 25), fill_value=False)
    found["months_since_inflow"] = paid_in.to_numpy().argmax(axis=1)
    found["months_since_inflow"] = found["months_since_inflow"].where(paid_in.any(axis=1))
    for number, family in enumerate(families):
        if family != "credit":
            of_family = last[number] if number in last else pd.Series(dtype="float64")
            found[f"assets_{family}"] = of_family.reindex(found.index).fillna(0) / 100
    return found.join(trends(level, found)).join(wallet(level, found, facts))


def trends(level: pd.DataFrame, found: pd.DataFrame) -> pd.DataFrame:
    """Return what the last twelve levels say together."""
    lags = np.arange(1, 13)
    levels = level[lags].to_numpy()
    seen = ~np.isnan(levels)
    filled = np.where(seen, levels, 0)
    n, x, xx = seen.sum(axis=1), seen @ lags, seen @ (lags * lags)
    y, xy = filled.sum(axis=1), filled @ lags
    spread = n * xx - x * x
    with np.errstate(invalid="ignore", divide="ignore"):
        slope = np.where(spread > 0, -(n * xy - x * y) / spread, np.nan)
        mean = pd.Series(y / n, index=level.index)
    variance = (np.where(seen, levels - mean.to_numpy()[:, None], 0) ** 2).sum(axis=1) / np.maximum(n, 1)
    now = found["now"]
    peak = np.maximum(now, level[lags].max(axis=1).fillna(now))
    market = now - level[13] - found["flow_12"]
    return pd.DataFrame(
        {
            "assets_trend_12m": share(pd.Series(slope, index=level.index), mean),
            "assets_volatility_12m": share(pd.Series(np.sqrt(variance), index=level.index), mean),
            "drawdown_12m": share(peak - now.clip(lower=0), peak),
            "market_move_12m": market / 100,
            "market_return_12m": share(market, level[13]),
            "net_flow_rate_6m": share(found["flow_6"], level[7]),
            "level_7": level[7],
        }
    )


def wallet(level: pd.DataFrame, found: pd.DataFrame, facts: Facts) -> pd.DataFrame:
    now = share(found["now"], cents(facts.now["net_worth"]).reindex(found.index))
    then = share(level[13], cents(facts.then["net_worth"]).reindex(found.index))
    return pd.DataFrame({"share_of_wallet": now, "share_of_wallet_change_12m": now - then})
