"""One random stream per concern, so that a change to one concern does not shift the others."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np


@dataclass(frozen=True)
class Streams:
    """Independent generators, spawned from one seed in the order of the fields."""

    people: np.random.Generator
    names: np.random.Generator
    history: np.random.Generator
    exits: np.random.Generator
    purchases: np.random.Generator
    contracts: np.random.Generator
    delays: np.random.Generator
    events: np.random.Generator
    erosion: np.random.Generator
    contacts: np.random.Generator
    texts: np.random.Generator
    balances: np.random.Generator
    campaigns: np.random.Generator
    facts: np.random.Generator
    consents: np.random.Generator
    prospects: np.random.Generator

    @classmethod
    def of(cls, seed: int) -> Streams:
        """Spawn the streams of a seed. A new stream goes last, or all others change."""
        names = [field.name for field in fields(cls)]
        children = np.random.SeedSequence(seed).spawn(len(names))
        return cls(**{name: np.random.default_rng(child) for name, child in zip(names, children, strict=True)})
