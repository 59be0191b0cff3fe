from __future__ import annotations

import datetime as dt
from decimal import Decimal

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from appetence.config import FeatureSettings
from appetence.features.pipeline import build_features

NO_SHRINKING = (Phase.explicit, Phase.reuse, Phase.generate)  # a smaller seed is no simpler book


def _members(rows, client, cut):
    """Return the clients of the household known at the cut; a client without one is alone."""
    known = {r["client_id"]: r["household_id"] for r in rows["clients"] if r["joined_on"] < cut}
    if known.get(client) is None:
        return [client] if client in known else []
    return [member for member, household in known.items() if household == known[client]]


@settings(max_examples=4, deadline=None, phases=NO_SHRINKING)
@given(seed=st.integers(0, 2**32))
def test_household_against_the_oracle(seed, hold_to_oracle, slow):
    def oracle(rows, client, cut):
        contracts = {m: slow.contracts_known(rows, m, cut) for m in _members(rows, client, cut)}
        every = [c for known in contracts.values() for c in known]
        exits = [
            max(c["closed_on"] for c in known)
            for known in contracts.values()
            if known and not any(c["held"] for c in known)
        ]

        def assets(lag):
            months = [r for m in contracts for r in slow.months_known(rows, m, cut) if r["lag"] == lag]
            total = sum((r["balance"] for r in months if r["family"] != "credit"), Decimal(0))
            return total if months else None

        def added(column, lags, credit):
            months = [r for m in contracts for r in slow.months_known(rows, m, cut) if r["lag"] in lags]
            return float(
                sum((r[column] or Decimal(0) for r in months if (r["family"] == "credit") == credit), Decimal(0))
            )

        events = [
            r["occurred_on"]
            for r in rows["life_events"]
            if r["client_id"] in contracts and r["known_on"] < cut and r["occurred_on"] < cut
        ]
        half_year, year = slow.months_earlier(cut, 6), slow.months_earlier(cut, 12)
        now, then = assets(1) or Decimal(0), assets(7)
        return {
            "household_members": sum(any(c["held"] for c in known) for known in contracts.values()),
            "household_products": len({c["product_id"] for c in every if c["held"]}),
            "household_families": len({c["family"] for c in every if c["held"]}),
            "household_net_flow_6m": added("net_flow", range(1, 7), credit=False),
            "household_credit": added("balance", [1], credit=True),
            "household_events_12m": sum(year <= day for day in events),
            "months_since_household_event": slow.full_months(cut, max(events, default=None)),
            "household_opened_6m": sum(half_year <= c["opened_on"] for c in every),
            "household_closed_6m": sum(c["closed_on"] is not None and half_year <= c["closed_on"] < cut for c in every),
            "household_left_12m": sum(year <= day for day in exits),
            "months_since_household_exit": slow.full_months(cut, max(exits, default=None)),
            "household_assets": float(now),
            "household_assets_change_6m": None
            if then is None or then < 100
            else float((max(now, Decimal(0)) - then) / then),
        }

    hold_to_oracle(seed, "household", oracle)


def test_a_member_who_left_is_told_of_the_others(make_book, spine):
    book = make_book(
        {
            "clients": [
                {"client_id": "1", "household_id": "h"},
                {"client_id": "2", "household_id": "h"},
                {"client_id": "3", "household_id": None},
            ],
            "contracts": [
                {"client_id": "1"},
                {"client_id": "2", "closed_on": dt.date(2020, 10, 31)},
                {"client_id": "3"},
            ],
        }
    )
    row = build_features(book, spine("1", "2021-01-01"), FeatureSettings(groups=("household",))).data.to_pylist()[0]
    assert row["household_members"] == 1
    assert row["household_left_12m"] == 1
    assert row["months_since_household_exit"] == 2
    alone = build_features(book, spine("3", "2021-01-01"), FeatureSettings(groups=("household",))).data.to_pylist()[0]
    assert (alone["household_members"], alone["household_left_12m"]) == (1, 0)


def test_without_households_the_group_is_off(make_book, spine):
    book = make_book({"contracts": [{"client_id": "1"}]})
    found = build_features(book, spine("1", "2021-01-01"), FeatureSettings(groups=("household",)))
    assert found.features == ()
    assert found.data.column_names == ["client_id", "cut"]
    assert found.switched_off == (("household", "the book has no clients.household_id"),)
