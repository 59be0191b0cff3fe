"""A simulated client book with known truth, for demos and tests; never evidence that a model works on real clients."""

from __future__ import annotations

from appetence.book.simulate.process import simulate
from appetence.config import SimulateSettings

__all__ = ["SimulateSettings", "simulate"]
