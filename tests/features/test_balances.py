from __future__ import annotations

import datetime as dt
import statistics
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from appetence.config import FeatureSettings
from appetence.features.pipeline import build_features

NO_SHRINKING = (Phase.explicit, Phase.reuse, Phase.generate)  # a smaller seed is no simpler book

PARTS = {"account": "account", "savings": "savings", "Épargne retraite": "epargne_retraite"}


def _sum(rows, column, first, last, families=None):
    """Add up a column over lags from `first` to `last`."""
    amounts = [
        r[column] or Decimal(0)
        for r in rows
        if first <= r["lag"] <= last and (families is None or r["family"] in families)
    ]
    return sum(amounts, Decimal(0))


def _slope(points):
    """Fit a line through exact points and return its slope."""
    if len({x for x, _ in points}) < 2:
        return None
    mean_x = Fraction(sum(x for x, _ in points), len(points))
    mean_y = sum(y for _, y in points) / len(points)
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    return sum((x - mean_x) * (y - mean_y) for x, y in points) / spread


@settings(max_examples=4, deadline=None, phases=NO_SHRINKING)
@given(seed=st.integers(0, 2**32))
def test_balances_against_the_oracle(seed, hold_to_oracle, slow):
    def oracle(rows, client, cut):
        known = slow.months_known(rows, client, cut)
        ours = list(PARTS)
        assets = _sum(known, "balance", 1, 1, ours)
        level = {
            lag: _sum(known, "balance", lag, lag, ours) for lag in range(1, 14) if any(r["lag"] == lag for r in known)
        }

        def share(part, whole):
            return None if whole is None or whole < 100 else float(Fraction(part) / Fraction(whole))

        points = [(-lag, Fraction(amount)) for lag, amount in level.items() if lag <= 12]
        mean = sum(y for _, y in points) / len(points) if points else None
        slope = _slope(points)
        peak = max([assets, *(amount for lag, amount in level.items() if lag <= 12)])
        inflows = [
            r["lag"] for r in known if r["lag"] <= 24 and r["family"] in ours and (r["net_flow"] or Decimal(0)) > 0
        ]
        expected = {
            "assets": float(assets),
            "credit_outstanding": float(_sum(known, "balance", 1, 1, ["credit"])),
            "revenue_12m": float(_sum(known, "revenue", 1, 12)),
            "cost_12m": float(_sum(known, "cost", 1, 12)),
            "assets_trend_12m": None if slope is None else share(slope, mean),
            "drawdown_12m": share(peak - max(assets, Decimal(0)), peak),
            "net_flow_rate_6m": share(_sum(known, "net_flow", 1, 6, ours), level.get(7)),
            "months_since_inflow": min(inflows) - 1 if inflows else None,
            "share_of_wallet": share(assets, slow.newest_facts(rows, client, cut).get("net_worth")),
        }
        before, market = slow.newest_facts(rows, client, slow.months_earlier(cut, 12)).get("net_worth"), None
        if 13 in level:
            market = assets - level[13] - _sum(known, "net_flow", 1, 12, ours)
        years = [share(assets, slow.newest_facts(rows, client, cut).get("net_worth"))]
        years.append(share(level[13], before) if 13 in level else None)
        spread = [float(y) for _, y in points]
        earlier = any(13 <= r["lag"] <= 24 for r in known)
        expected |= {
            "market_move_12m": None if market is None else float(market),
            "market_return_12m": None if market is None else share(market, level[13]),
            "share_of_wallet_change_12m": None if None in years else years[0] - years[1],
            "assets_volatility_12m": share(statistics.pstdev(spread), mean) if spread else None,
            "revenue_change_12m": float(_sum(known, "revenue", 1, 12) - _sum(known, "revenue", 13, 24))
            if earlier
            else None,
        }
        for months in (3, 6, 12):
            then = level.get(months + 1)
            now = max(assets, Decimal(0))
            expected[f"assets_change_{months}m"] = None if then is None else share(now - then, then)
            expected[f"net_flow_{months}m"] = float(_sum(known, "net_flow", 1, months, ours))
        for family, part in PARTS.items():
            expected[f"assets_{part}"] = float(_sum(known, "balance", 1, 1, [family]))
        return expected

    hold_to_oracle(seed, "balances", oracle)


def test_hand_worked_levels_and_flows(make_book, spine):
    levels = {"2020-05": 1000, "2020-06": 1000, "2020-07": 1200, "2020-08": 900, "2020-09": 800, "2020-10": 600}
    book = make_book(
        {
            "contracts": [{"contract_id": "k", "client_id": "1"}],
            "balances": [
                {
                    "contract_id": "k",
                    "month": dt.date.fromisoformat(f"{month}-01"),
                    "balance": level,
                    "net_flow": 50 if month == "2020-07" else -100,
                    "revenue": "1.10",
                }
                for month, level in levels.items()
            ],
        }
    )
    found = build_features(book, spine("1", "2020-11-01"), FeatureSettings(groups=("balances",)))
    row = found.data.to_pylist()[0]
    assert row["assets"] == 600
    assert row["assets_change_3m"] == pytest.approx(600 / 1200 - 1)
    assert row["assets_change_6m"] is None
    assert row["drawdown_12m"] == pytest.approx(0.5)
    assert row["net_flow_3m"] == -300
    assert row["net_flow_12m"] == -450
    assert row["months_since_inflow"] == 3
    assert row["revenue_12m"] == 6.6
    # Least squares: Σ(x - 3.5)·y = -1450 over Σ(x - 3.5)² = 17.5; the mean is 5500 / 6.
    assert row["assets_trend_12m"] == pytest.approx((-1450 / 17.5) / (5500 / 6))
    assert "share_of_wallet" not in row
    assert row["assets_volatility_12m"] == pytest.approx(statistics.pstdev(levels.values()) / (5500 / 6))
    ((group, reason),) = found.switched_off
    assert group == "balances"
    assert reason.startswith("the book has no client_facts, balances.cost, which leaves out share_of_wallet, ")
    assert reason.endswith(", cost_12m")


def test_a_month_is_known_from_the_first_of_the_next(make_book, spine):
    book = make_book(
        {
            "contracts": [{"contract_id": "k", "client_id": "1"}],
            "balances": [{"contract_id": "k", "month": dt.date(2020, 6, 1), "balance": 500}],
        }
    )
    found = build_features(
        book, spine("1", "2020-06-01", "2020-07-01", "2020-08-01"), FeatureSettings(groups=("balances",))
    ).data
    assert found["assets"].to_pylist() == [0, 500, 0]


def test_hand_worked_market_and_wallet(make_book, spine):
    months = [(2019, 12), *((2020, month) for month in range(1, 13))]
    book = make_book(
        {
            "contracts": [{"contract_id": "k", "client_id": "1", "opened_on": dt.date(2019, 1, 1)}],
            "balances": [
                {
                    "contract_id": "k",
                    "month": dt.date(year, month, 1),
                    "balance": 1000 if year == 2019 else 1500,
                    "net_flow": 200 if (year, month) == (2020, 6) else 0,
                    "revenue": 2 if year == 2019 else 1,
                }
                for year, month in months
            ],
            "client_facts": [
                {"client_id": "1", "known_on": dt.date(2019, 12, 31), "net_worth": 10_000},
                {"client_id": "1", "known_on": dt.date(2020, 1, 1), "net_worth": 30_000},
            ],
        }
    )
    row = build_features(book, spine("1", "2021-01-01"), FeatureSettings(groups=("balances",))).data.to_pylist()[0]
    assert row["market_move_12m"] == 300  # 1,000 became 1,500, of which 200 were paid in
    assert row["market_return_12m"] == pytest.approx(0.3)
    # declared on 1 January 2020: not known a year before the cut
    assert row["share_of_wallet_change_12m"] == pytest.approx(1500 / 30_000 - 1000 / 10_000)
    assert row["revenue_change_12m"] == 12 - 2
