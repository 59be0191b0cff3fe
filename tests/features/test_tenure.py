from __future__ import annotations

import datetime as dt

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from appetence.config import FeatureSettings
from appetence.features.pipeline import build_features

PARTS = {"account": "account", "savings": "savings", "credit": "credit", "Épargne retraite": "epargne_retraite"}
NO_SHRINKING = (Phase.explicit, Phase.reuse, Phase.generate)  # a smaller seed is no simpler book


@settings(max_examples=4, deadline=None, phases=NO_SHRINKING)
@given(seed=st.integers(0, 2**32))
def test_tenure_against_the_oracle(seed, hold_to_oracle, slow):
    def oracle(rows, client, cut):
        joined = next(r["joined_on"] for r in rows["clients"] if r["client_id"] == client)
        joined = joined if joined < cut else None
        contracts = [c for c in slow.contracts_known(rows, client, cut) if c["held"]]
        held = [c["opened_on"] for c in contracts]
        ahead = None
        if joined:
            ahead = next(n for n in range(12) if (cut.month + n - 1) % 12 + 1 == joined.month)
        anniversaries = [next(n for n in range(12) if (cut.month + n - 1) % 12 + 1 == day.month) for day in held]
        with_family = {
            f"tenure_{part}": slow.full_months(
                cut, min((c["opened_on"] for c in contracts if c["family"] == family), default=None)
            )
            for family, part in PARTS.items()
        }
        return with_family | {
            "months_to_contract_anniversary": min(anniversaries, default=None),
            "tenure": slow.full_months(cut, joined),
            "oldest_contract": slow.full_months(cut, min(held, default=None)),
            "months_to_anniversary": ahead,
        }

    hold_to_oracle(seed, "tenure", oracle)


def test_a_client_of_a_leap_day(make_book, spine):
    book = make_book(
        {
            "clients": [{"client_id": "1", "joined_on": dt.date(2020, 2, 29)}],
            "contracts": [{"client_id": "1", "opened_on": dt.date(2020, 2, 29)}],
        }
    )
    found = build_features(
        book, spine("1", "2020-03-01", "2021-02-01", "2021-03-01"), FeatureSettings(groups=("tenure",))
    ).data
    assert found["tenure"].to_pylist() == [0, 11, 12]
    assert found["oldest_contract"].to_pylist() == [0, 11, 12]
    assert found["months_to_anniversary"].to_pylist() == [11, 0, 11]
