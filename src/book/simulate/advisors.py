"""Advisors in teams, branches and regions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from appetence.book.simulate.arrays import Floats, Ints
from appetence.book.simulate.columns import codes, contract_table, identifiers
from appetence.book.simulate.names import REGIONS, person_names

TEAM_SIZE = 4
TEAMS_PER_BRANCH = 2
ID_WIDTH = 4


@dataclass(frozen=True)
class Advisors:
    """All advisors: arrays of one entry each."""

    quality: Floats
    team: Ints
    branch: Ints
    region: Ints

    def __len__(self) -> int:
        return self.quality.size

    def ids(self, index: Ints) -> pa.Array:
        """Return the ids of advisors by index; a negative index is null."""
        return identifiers(np.where(index >= 0, index + 101, -1), ID_WIDTH)


def make_advisors(rng: np.random.Generator, count: int) -> Advisors:
    """Put advisors in teams of four, teams in branches of two, branches round the regions."""
    team = np.arange(count) // TEAM_SIZE
    branch = team // TEAMS_PER_BRANCH
    return Advisors(rng.standard_normal(count), team, branch, branch % len(REGIONS))


def advisors_table(rng: np.random.Generator, advisors: Advisors) -> pa.Table:
    """Return the `advisors` table."""
    cities = [_branch_name(number) for number in range(int(advisors.branch.max()) + 1)]
    teams = [f"Équipe {cities[t // TEAMS_PER_BRANCH]} {'AB'[t % 2]}" for t in range(int(advisors.team.max()) + 1)]
    return contract_table(
        "advisors",
        {
            "advisor_id": advisors.ids(np.arange(len(advisors))),
            "name": person_names(rng, len(advisors)),
            "team": codes(advisors.team, teams),
            "branch": codes(advisors.branch, cities),
            "region": codes(advisors.region, [name for name, _ in REGIONS]),
        },
    )


def _branch_name(number: int) -> str:
    towns = REGIONS[number % len(REGIONS)][1]
    turn, town = divmod(number // len(REGIONS), len(towns))
    return towns[town] if turn == 0 else f"{towns[town]} {turn + 1}"
