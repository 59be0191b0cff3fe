"""The matrix of client value: past profitability by future potential, four strategies, and the channel that pays.

                     low profitability    high profitability
    high potential   equip                build loyalty
    low potential    exit                 retain

Nobody is parted from by a table: `exit` names a field of the matrix. To part is proposed of those alone who cost money,
have no potential and are not loyal, and a person decides; a loyal client of low value gets a cheaper channel instead.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from appetence.config import MatrixSettings
from appetence.errors import UsageError
from appetence.explain.wording import typeset
from appetence.models.verdicts import Verdict

Floats = npt.NDArray[np.float64]

EQUIP, LOYALTY, RETAIN, EXIT = "equip", "build loyalty", "retain", "exit"
ADVISOR, ONLINE = "advisor", "online with a yearly visit"
PART, CHEAPER = "consider parting", "cheaper channel"

STRATEGIES: Mapping[str, Verdict] = MappingProxyType(
    {
        EQUIP: Verdict("Equip", "Multi-équipement"),
        LOYALTY: Verdict("Build loyalty", "Fidélisation"),
        RETAIN: Verdict("Retain", "Rétention"),
        EXIT: Verdict("Exit", "Résiliation"),
    }
)
"""What each field of the matrix is called."""

CHANNELS: Mapping[str, Verdict] = MappingProxyType(
    {
        ADVISOR: Verdict("The advisor", "Le conseiller"),
        ONLINE: Verdict("Online, with a visit once a year", "Internet, avec une visite annuelle"),
    }
)
"""How each channel is called."""

ADVICE: Mapping[str, Verdict] = MappingProxyType(
    {
        EQUIP: Verdict(
            "Little earned so far, much to come: propose the products that fit the client’s needs",
            "Peu de rentabilité à ce jour, un potentiel réel : proposer les produits adaptés aux besoins du client",
        ),
        LOYALTY: Verdict(
            "Profitable and promising: show the client how much the firm values the relationship",
            "Client rentable et prometteur : lui montrer, par des gestes commerciaux, qu’il est apprécié",
        ),
        RETAIN: Verdict(
            "Profitable, with little left to sell: keep what is there",
            "Client rentable, mais dont le potentiel est faible : conserver l’existant",
        ),
        CHEAPER: Verdict(
            "Little earned and little to come: a cheaper channel, online with a visit once a year, keeps it worthwhile",
            "Rentabilité et potentiel faibles : un canal moins coûteux, internet avec une visite annuelle, préserve la "
            "marge",
        ),
        PART: Verdict(
            "Costs more than it should, with little to come and no loyalty: parting may be considered. This is a "
            "proposal only; a person decides, after looking at the client’s file",
            "Rentabilité insuffisante, sans perspective ni fidélité : une résiliation peut être envisagée. Ceci n’est "
            "qu’une proposition : la décision revient à une personne, après examen du dossier",
        ),
    }
)
"""What is advised, by strategy and, in the field `exit`, by what is proposed."""


@dataclass(frozen=True)
class Thresholds:
    """From where on a client is profitable, in money a year, and has potential, in money."""

    profitability: float
    potential: float


def thresholds(settings: MatrixSettings, profitability: Floats, potential: Floats) -> Thresholds:
    """Return the firm's thresholds; where it sets none, a quantile of its clients'.

    Raises
    ------
    UsageError
        No threshold is set, and the figure is known of no client.
    """
    return Thresholds(
        _threshold("profitability", settings.profitability, settings.quantile, profitability),
        _threshold("potential", settings.potential, settings.quantile, potential),
    )


def client_matrix(
    clients: pa.Array,
    profitability: Floats,
    potential: Floats,
    staying: Floats,
    limits: Thresholds,
    settings: MatrixSettings,
) -> pa.Table:
    """Place clients in the matrix.

    Parameters
    ----------
    clients
        (clients,) ids.
    profitability, potential
        (clients,) past profit of a year, and what the future may bring; NaN where it is not known.
    staying
        (clients,) probability of staying a year; NaN where it is not modelled: nobody is parted from then.

    Returns
    -------
    pyarrow.Table
        `client_id`, `strategy`, `channel`, `proposal`, `for_a_person`, `text_en`, `text_fr`. All but the first are null
        where profitability or potential is not known. `proposal` is a key of `ADVICE`; `for_a_person` is true where
        nothing may be done before a person has decided.
    """
    known = ~(np.isnan(profitability) | np.isnan(potential))
    profitable, promising = profitability >= limits.profitability, potential >= limits.potential
    with np.errstate(invalid="ignore"):
        parting = (profitability < settings.exit_below) & (staying < settings.loyal)
    field = np.where(promising, np.where(profitable, 1, 0), np.where(profitable, 2, 3))
    proposal = np.where(field < 3, field, np.where(parting, 4, 3))
    proposals = (EQUIP, LOYALTY, RETAIN, CHEAPER, PART)
    columns = {
        "strategy": _taken((EQUIP, LOYALTY, RETAIN, EXIT), field, known),
        "channel": _taken((ADVISOR, ONLINE), (proposal == 3).astype(np.int64), known),
        "proposal": _taken(proposals, proposal, known),
        "for_a_person": pa.array(proposal == 4, mask=~known),
        "text_en": _taken([ADVICE[name].en for name in proposals], proposal, known),
        "text_fr": _taken([typeset(ADVICE[name].fr, "fr") for name in proposals], proposal, known),
    }
    return pa.table({"client_id": clients, **columns})


def _threshold(name: str, set_: float | None, quantile: float, values: Floats) -> float:
    if set_ is not None:
        return set_
    known = values[~np.isnan(values)]
    if len(known) == 0:
        hint = f"Set value.matrix.{name}, or give the book what it is worked out from"
        raise UsageError(f"the matrix needs the {name} of at least one client, or a threshold", "none", hint)
    return float(np.quantile(known, quantile))


def _taken(names: tuple[str, ...] | list[str], place: npt.NDArray[np.int64], known: npt.NDArray[np.bool_]) -> pa.Array:
    return pa.array(names, pa.string()).take(pa.array(place, mask=~known))
