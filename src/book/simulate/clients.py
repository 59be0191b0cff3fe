"""The `clients` table and the ids all tables use."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from appetence.book.simulate.advisors import Advisors
from appetence.book.simulate.columns import NO_DAY, codes, contract_table, dates, identifiers
from appetence.book.simulate.names import client_names
from appetence.book.simulate.people import SOURCES, People

ID_WIDTH = 8
HOUSEHOLD_WIDTH = 7
MISSING_BIRTH, MISSING_HOUSEHOLD, MISSING_ADVISOR, MISSING_SOURCE = 0.015, 0.03, 0.004, 0.05


def client_identifiers(people: People) -> pa.Array:
    """Return the ids of all clients, in their order."""
    return identifiers(people.number, ID_WIDTH)


def clients_table(rng: np.random.Generator, people: People, advisors: Advisors, client_ids: pa.Array) -> pa.Table:
    """Return the `clients` table, with the gaps a firm's own would have."""
    size = len(people)
    gap = rng.random((size, 4)) < (MISSING_BIRTH, MISSING_HOUSEHOLD, MISSING_ADVISOR, MISSING_SOURCE)
    household = identifiers(np.where(people.company | gap[:, 1], -1, people.household * 3 + 17), HOUSEHOLD_WIDTH)
    return contract_table(
        "clients",
        {
            "client_id": client_ids,
            "household_id": household,
            "advisor_id": advisors.ids(np.where(gap[:, 2], -1, people.advisor)),
            "kind": codes(people.company.astype(np.int64), ("person", "company")),
            "name": client_names(rng, people.company, people.household),
            "birth_date": dates(np.where(people.company | gap[:, 0], NO_DAY, people.birth)),
            "joined_on": dates(people.joined),
            "source": codes(np.where(gap[:, 3], -1, people.source), SOURCES),
            "referred_by": codes(people.referrer, client_ids),
        },
    )
