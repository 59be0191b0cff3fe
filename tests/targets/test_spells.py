from __future__ import annotations

import datetime as dt

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from appetence.targets.spells import spells

NO_SHRINKING = (Phase.explicit, Phase.reuse, Phase.generate)  # a smaller seed is no simpler book

DAY = dt.timedelta(days=1)


def _spells_by_days(contracts, client):
    """Walk over all days, one by one, and note the stretches on which some contract is in force."""
    own = [c for c in contracts if c["client_id"] == client]
    last = dt.date(2021, 3, 1)
    found, started = [], None
    day = dt.date(2018, 12, 31)
    while day <= last:
        held = any(c["opened_on"] <= day and (c["closed_on"] is None or day < c["closed_on"]) for c in own)
        if held and started is None:
            started = day
        if not held and started is not None:
            reasons = {c["close_reason"] or "left" for c in own if c["closed_on"] == day and c["opened_on"] < day}
            exit_ = next(r for r in ("death", "left", "insurer", "term") if r in reasons)
            found.append({"client_id": client, "started_on": started, "ended_on": day, "exit": exit_})
            started = None
        day += DAY
    if started is not None:
        found.append({"client_id": client, "started_on": started, "ended_on": None, "exit": None})
    return found


@settings(max_examples=12, deadline=None, phases=NO_SHRINKING)
@given(seed=st.integers(0, 2**32))
def test_spells_are_those_of_a_walk_over_all_days(seed, random_contracts, open_contracts):
    contracts = random_contracts(seed)
    with open_contracts(contracts) as book:
        found = book.execute(spells(book).order_by("client_id", "started_on")).to_pylist()
    clients = sorted({c["client_id"] for c in contracts})
    assert found == [spell for client in clients for spell in _spells_by_days(contracts, client)]
