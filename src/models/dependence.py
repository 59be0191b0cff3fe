"""What moves together: whether clients leave, or buy, by household or by whole months of joining.

An interval is only as wide as what is resampled. Clients who joined in the same month may all leave in the same one,
when a term, a tax allowance or an advisor's move comes for a whole tranche; drawing households then makes intervals
many times too narrow. The unit is chosen on rows that models learn from, never on those that judge them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from appetence.models.dataset import Labelled

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Unit = Literal["household", "cohort"]

UNIT_WORDS: Mapping[Unit, tuple[str, str]] = {
    "household": ("household", "foyer"),
    "cohort": ("month of joining", "mois d’entrée"),
}
"""What a unit is called in English and in French."""

CERTAIN = 3.0
"""Standard errors by which a design effect must lie above 1 to count: one book of independent clients in 700."""

FEWEST_COHORTS = 10.0
"""Cohorts, by their weight, below which drawing them says nothing: a migrated book may have one date for all."""

_BANDS = np.array([6, 12, 18, 24, 30, 36, 48, 60, 72, 84, 96, 108, 120, 144, 180, 240, 360])
"""Months of tenure at which a band ends: what tenure explains is no dependence, a life table knows it."""

_SWEEPS = 30


@dataclass(frozen=True)
class DesignEffect:
    """By how much clustering widens a variance.

    Attributes
    ----------
    value
        Variance of the number of events if units are drawn, over that if clients are (Kish 1965, section 5.4): 1 where
        clients of a unit are independent.
    error
        Its standard error if they are.
    units
        Units, each counted by its part of the variance: (Σ s)² / Σ s².
    """

    value: float
    error: float
    units: float

    @property
    def certain(self) -> float:
        """The value where it lies `CERTAIN` errors above 1, else 1: noise must not choose."""
        return self.value if self.value > 1.0 + CERTAIN * self.error else 1.0


@dataclass(frozen=True)
class Dependence:
    """The unit that is resampled, and the design effects that it was chosen by; empty where it was not."""

    unit: Unit = "household"
    effects: Mapping[Unit, DesignEffect] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Return it for JSON; a design effect that cannot be computed is null."""
        effects = {unit: _finite(asdict(effect)) for unit, effect in self.effects.items()}
        return {"unit": self.unit, "design_effects": effects}


BY_HOUSEHOLD = Dependence()


def choose_unit(known: Labelled, wanted: Literal["auto", "household", "cohort"]) -> Dependence:
    """Return the unit to resample: the one wanted, or the one with the larger design effect.

    Parameters
    ----------
    known
        Rows whose labels were known before the first test date.
    wanted
        `auto` takes households unless cohorts have the larger design effect, beyond doubt and in numbers enough.

    Raises
    ------
    ValueError
        Cohorts are wanted, and the snapshots do not know when clients joined.
    """
    cohort = known.cohort
    if cohort is None:
        if wanted == "cohort":
            raise ValueError("the snapshots hold no month of joining")
        return BY_HOUSEHOLD
    left = residuals(known.y, known.cut, cohort)
    effects: dict[Unit, DesignEffect] = {
        "household": design_effect(left, known.client, known.household),
        "cohort": design_effect(left, known.client, cohort),
    }
    if wanted != "auto":
        return Dependence(wanted, effects)
    home, tranche = effects["household"], effects["cohort"]
    together = tranche.certain > home.certain and tranche.units >= FEWEST_COHORTS
    return Dependence("cohort" if together else "household", effects)


def residuals(y: Ints, cut: npt.NDArray[np.datetime64], joined: Ints) -> Floats:
    """Return what is left of the events once cut and tenure have explained what they can.

    The rate of a row is a(cut) × b(band of tenure), fitted to both margins by turns (Deming and Stephan 1940). A wave
    that meets all clients, and a hazard that ages, leave nothing; a tranche that goes at once does.

    Parameters
    ----------
    y
        (n,) 0 or 1.
    cut
        (n,) datetime64[D].
    joined
        (n,) month of joining as months since year 0.
    """
    month = cut.astype("datetime64[M]").astype(np.int64) + 1970 * 12
    band = np.searchsorted(_BANDS, month - joined, side="right")
    strata = [np.unique(cut, return_inverse=True)[1], np.unique(band, return_inverse=True)[1]]
    rate = np.ones(len(y))
    for _ in range(_SWEEPS):
        for stratum in strata:
            expected = np.bincount(stratum, rate)
            ratio = np.bincount(stratum, y) / np.where(expected > 0, expected, 1.0)
            rate = rate * ratio[stratum]
    return y - rate


def design_effect(left: Floats, client: Ints, unit: Ints) -> DesignEffect:
    """Estimate a design effect from residuals.

    A client's rows are added up first, since windows overlap and one event is seen from several cuts: t_c. The
    estimate is Σ_u (Σ_{c in u} t_c)² / Σ_c t_c², that is 1 plus the products of different clients of a unit. If clients
    are independent these have mean 0, and their signs are as good as tossed (Liu 1988): the variance given all t_c² is
    2·Σ_u [(Σ t_c²)² - Σ t_c⁴] / (Σ_c t_c²)². It needs no draws and no normal distribution, and one client counts once
    however many of the rows are the client's.

    Parameters
    ----------
    left
        (n,) from `residuals`.
    client, unit
        (n,) codes.
    """
    place, of_unit = _clients(client, unit)
    total = np.bincount(place, left)
    square = total**2
    whole = float(square.sum())
    if whole <= 0:
        return DesignEffect(1.0, 0.0, 0.0)
    together, mass = np.bincount(of_unit, total), np.bincount(of_unit, square)
    cross = float((mass**2).sum() - (square**2).sum())
    return DesignEffect(
        value=float((together**2).sum()) / whole,
        error=float(np.sqrt(2.0 * max(cross, 0.0))) / whole,
        units=whole**2 / float((mass**2).sum()),
    )


def _clients(client: Ints, unit: Ints) -> tuple[Ints, Ints]:
    """Return each row's client as a place, and each client's unit as a code: that of the client's first row."""
    _, first, place = np.unique(client, return_index=True, return_inverse=True)
    return place, np.unique(unit[first], return_inverse=True)[1]


def _finite(figures: Mapping[str, float]) -> dict[str, float | None]:
    return {name: float(value) if np.isfinite(value) else None for name, value in figures.items()}
