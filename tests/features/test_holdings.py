from __future__ import annotations

import datetime as dt

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from appetence.config import FeatureSettings
from appetence.features.pipeline import build_features

NO_SHRINKING = (Phase.explicit, Phase.reuse, Phase.generate)  # a smaller seed is no simpler book

PARTS = {"account": "account", "savings": "savings", "credit": "credit", "Épargne retraite": "epargne_retraite"}


@settings(max_examples=6, deadline=None, phases=NO_SHRINKING)
@given(seed=st.integers(0, 2**32))
def test_holdings_against_the_oracle(seed, hold_to_oracle, slow):
    def oracle(rows, client, cut):
        known = slow.contracts_known(rows, client, cut)
        held = [c for c in known if c["held"]]
        before = {months: slow.months_earlier(cut, months) for months in (3, 6, 12, 24)}
        half_year_ahead = dt.date(cut.year + (cut.month + 5) // 12, (cut.month + 5) % 12 + 1, 1)
        products = {c["product_id"] for c in held}
        past_closings = [c["closed_on"] for c in known if c["closed_on"] and c["closed_on"] < cut]
        next_end = min((c["ends_on"] for c in held if c["ends_on"] and c["ends_on"] >= cut), default=None)
        expected = {
            "contracts_held": len(held),
            "products_held": len(products),
            "families_held": len({c["family"] for c in held}),
            "months_since_opening": slow.full_months(cut, max((c["opened_on"] for c in known), default=None)),
            "months_since_closing": slow.full_months(cut, max(past_closings, default=None)),
            "closings_announced": sum(c["closed_on"] is not None and c["closed_on"] >= cut for c in known),
            "ending_6m": sum(c["ends_on"] is not None and cut <= c["ends_on"] < half_year_ahead for c in held),
            "months_to_end": slow.full_months(next_end, cut) if next_end else None,
        }
        for months, day in before.items():
            then = {
                (c["product_id"], c["family"])
                for c in known
                if c["opened_on"] < day and (c["closed_on"] is None or c["closed_on"] >= day)
            }
            expected[f"products_change_{months}m"] = len(products) - len({p for p, _ in then})
            expected[f"families_change_{months}m"] = expected["families_held"] - len({f for _, f in then})
            expected[f"opened_{months}m"] = sum(day <= c["opened_on"] < cut for c in known)
            expected[f"closed_{months}m"] = sum(day <= closed < cut for closed in past_closings)
        for family, part in PARTS.items():
            of_family = [c for c in known if c["family"] == family]
            expected[f"holds_{part}"] = any(c["held"] for c in of_family)
            last = max((c["opened_on"] for c in of_family), default=None)
            expected[f"months_since_{part}_opening"] = slow.full_months(cut, last)
        return expected

    hold_to_oracle(seed, "holdings", oracle)


def _one_contract(make_book, spine, cut, **contract):
    book = make_book({"contracts": [{"client_id": "1", "opened_on": dt.date(2020, 5, 10), **contract}]})
    return build_features(book, spine("1", cut), FeatureSettings(groups=("holdings",))).data.to_pylist()[0]


def test_a_closing_known_late_leaves_the_contract_held(make_book, spine):
    closing = {"closed_on": dt.date(2021, 1, 20), "closing_known_on": dt.date(2021, 3, 5)}
    assert _one_contract(make_book, spine, "2021-03-01", **closing)["contracts_held"] == 1
    after = _one_contract(make_book, spine, "2021-04-01", **closing)
    assert (after["contracts_held"], after["closed_6m"], after["months_since_closing"]) == (0, 1, 2)


def test_a_closing_announced_leaves_the_contract_held_until_its_day(make_book, spine):
    closing = {"closed_on": dt.date(2021, 2, 15), "closing_known_on": dt.date(2020, 12, 1)}
    before = _one_contract(make_book, spine, "2021-02-01", **closing)
    assert (before["contracts_held"], before["closings_announced"], before["closed_6m"]) == (1, 1, 0)
    after = _one_contract(make_book, spine, "2021-03-01", **closing)
    assert (after["contracts_held"], after["closings_announced"], after["closed_6m"]) == (0, 0, 1)


def test_a_fact_of_the_cut_itself_is_not_known(make_book, spine):
    assert _one_contract(make_book, spine, "2021-02-01", opened_on=dt.date(2021, 2, 1))["opened_6m"] == 0
    closed = _one_contract(make_book, spine, "2021-02-01", closed_on=dt.date(2021, 2, 1))
    assert (closed["contracts_held"], closed["closed_6m"]) == (1, 0)
