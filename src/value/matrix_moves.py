"""How clients move through the matrix of value: each path month by month, and the moves that it is made of.

The eight moves, 1 to 8 with 5 in two forms, are those of a young driver's life as a client: in with a single contract
that loses money, marriage, a profitable contract, a bad one, all placed and served online, ageing, contracts falling
away, out. Four more complete the arrows of the matrix and carry no number.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from appetence.explain.wording import typeset
from appetence.models.verdicts import Verdict
from appetence.value.matrix import Thresholds

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

_Number = TypeVar("_Number", bound=np.generic)

LOOK_BACK = 12
"""Months within which a contract counts as new."""

INSURER, LEFT = "insurer", "left"
"""How a client's last contract ended: by the firm, or by the client's own choice."""


@dataclass(frozen=True)
class Move:
    """A step in the matrix: `number` as in the source, empty for one that it does not number."""

    name: str
    number: str
    told: Verdict


MOVES = (
    Move(
        "starts_low",
        "1",
        Verdict(
            "Comes in with little profitability and little potential",
            "Entre avec une rentabilité et un potentiel faibles",
        ),
    ),
    Move(
        "prospects_open",
        "2",
        Verdict(
            "Not profitable yet, but new prospects open up",
            "Pas encore rentable, mais de nouvelles perspectives s’ouvrent",
        ),
    ),
    Move(
        "profitable_sale",
        "3",
        Verdict(
            "A new contract makes the client profitable, with more to come",
            "Un nouveau contrat rend le client rentable, et d’autres perspectives demeurent",
        ),
    ),
    Move(
        "poor_sale",
        "4",
        Verdict(
            "A new contract brought little profit, and the prospects have closed",
            "Le contrat vendu est peu rentable, et les perspectives se sont refermées",
        ),
    ),
    Move(
        "served_online",
        "5",
        Verdict(
            "Profitable and promising, now served online with a yearly visit",
            "Client rentable et prometteur, passé au profil internet avec une visite annuelle",
        ),
    ),
    Move(
        "cheaper_channel",
        "5’",
        Verdict(
            "Little profitability and potential: moved to a cheaper channel",
            "Rentabilité et potentiel faibles : passé à un canal moins coûteux",
        ),
    ),
    Move("prospects_close", "6", Verdict("The potential falls", "Le potentiel diminue")),
    Move(
        "profit_falls",
        "7",
        Verdict("The profitability falls while the potential stays", "La rentabilité chute à potentiel égal"),
    ),
    Move(
        "parted",
        "8",
        Verdict(
            "The firm ended the contracts of a client without profit or prospects",
            "Résiliation, par l’établissement, d’un client peu rentable et sans perspective",
        ),
    ),
    Move(
        "potential_rises",
        "",
        Verdict(
            "New prospects open up for a profitable client",
            "De nouvelles perspectives s’ouvrent pour un client rentable",
        ),
    ),
    Move("profit_rises", "", Verdict("The profitability rises", "La rentabilité augmente")),
    Move("leaves", "", Verdict("The client leaves", "Le client quitte l’établissement")),
)
"""All moves, in the order in which those of one month are told."""


def client_moves(path: pa.Table, limits: Thresholds, margin: float) -> pa.Table:
    """Recognise moves in clients' paths.

    Parameters
    ----------
    path
        One row per client and month: `client_id`, `month` (YYYY-MM), `profitability` of the 12 months to its end,
        `potential`. Beside them, where known: `contracts` held (without it, new contracts are not seen: moves 3 and 4
        become a rise, and move 6), `online` (whether the client is served online: without it no move 5), `tenure` in
        months (without it, who comes in is who has no row in the first month of all), `left_by` in a client's last row
        (without it, no move 8).
    limits
        Held fixed over the months, so that a move is the client's and not the book's.
    margin
        Share of a threshold by which it must be crossed; of a threshold of zero, of the median absolute figure.

    Returns
    -------
    pyarrow.Table
        `client_id`, `month`, `move`, `number`, `text_en`, `text_fr`, in the order of clients and months.
    """
    at = _Pivot.of(path)
    known = ~(np.isnan(at.profitability) | np.isnan(at.potential))
    profitable = _sided(at.profitability, limits.profitability, margin)
    promising = _sided(at.potential, limits.potential, margin)
    # where no figure is known the client stays where it was; before the first one there is no place to move from
    placed = np.logical_or.accumulate(known, axis=1)
    was_placed = _before(placed, False)
    was_profitable, was_promising = _before(profitable, False), _before(promising, False)
    up_profit, down_profit = was_placed & profitable & ~was_profitable, was_placed & ~profitable & was_profitable
    up_potential, down_potential = was_placed & promising & ~was_promising, was_placed & ~promising & was_promising
    sold = at.new_contract
    low = known & ~profitable & ~promising
    poor = down_potential & ~profitable & ~was_profitable & sold
    sale = up_profit & promising & sold
    found = {
        "starts_low": low & ~was_placed & at.comes_in,
        "prospects_open": up_potential & ~was_profitable,
        "profitable_sale": sale,
        "poor_sale": poor,
        "served_online": at.goes_online & profitable & promising & placed,
        "cheaper_channel": at.goes_online & low,
        "prospects_close": down_potential & ~poor,
        "profit_falls": down_profit & ~down_potential,
        "parted": low & at.parted,
        "potential_rises": up_potential & was_profitable,
        "profit_rises": up_profit & ~sale,
        "leaves": at.left,
    }
    return at.told(np.stack([found[move.name] for move in MOVES], axis=2))


@dataclass(frozen=True)
class _Pivot:
    """A long path as one row per client and one column per month; what is not known is NaN, false or empty."""

    clients: pa.Array
    months: pa.Array
    profitability: Floats
    potential: Floats
    new_contract: Flags
    goes_online: Flags
    comes_in: Flags
    parted: Flags
    left: Flags

    @classmethod
    def of(cls, path: pa.Table) -> _Pivot:
        """Sort a path into place."""
        clients, row = _coded(path["client_id"])
        months, column = _coded(path["month"])
        shape = (len(clients), len(months))

        def spread(name: str) -> Floats:
            out = np.full(shape, np.nan)
            if name in path.column_names:
                out[row, column] = path[name].cast(pa.float64()).to_numpy()
            return out

        contracts, online, tenure = spread("contracts"), spread("online"), spread("tenure")
        present = np.zeros(shape, dtype=np.bool_)
        present[row, column] = True
        joined = tenure < LOOK_BACK if "tenure" in path.column_names else np.broadcast_to(~present[:, :1], shape)
        gone = {reason: np.zeros(shape, dtype=np.bool_) for reason in (INSURER, LEFT)}
        if "left_by" in path.column_names:
            for reason, flags in gone.items():
                flags[row, column] = np.asarray(pc.fill_null(pc.equal(path["left_by"], reason), False))
        with np.errstate(invalid="ignore"):
            return cls(
                clients,
                months,
                spread("profitability"),
                spread("potential"),
                _sold_lately(contracts),
                (online > 0) & (_before(online, np.nan) == 0),
                np.asarray(joined),
                gone[INSURER],
                gone[LEFT],
            )

    def told(self, found: Flags) -> pa.Table:
        """Return moves, (clients, months, moves), as rows."""
        row, column, move = (pa.array(each) for each in np.nonzero(found))
        columns = {"client_id": self.clients.take(row), "month": self.months.take(column)}
        texts = {
            "move": [each.name for each in MOVES],
            "number": [each.number for each in MOVES],
            "text_en": [each.told.en for each in MOVES],
            "text_fr": [typeset(each.told.fr, "fr") for each in MOVES],
        }
        return pa.table(columns | {name: pa.array(values).take(move) for name, values in texts.items()})


def _coded(column: pa.ChunkedArray) -> tuple[pa.Array, npt.NDArray[np.int64]]:
    """Return the distinct values, sorted, and each row's place among them."""
    if pa.types.is_dictionary(column.type):
        column = column.unify_dictionaries()
    coded = column.combine_chunks()
    coded = coded if pa.types.is_dictionary(coded.type) else coded.dictionary_encode()
    order = pc.array_sort_indices(coded.dictionary).to_numpy()
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    return coded.dictionary.take(pa.array(order)), place[coded.indices.to_numpy()]


def _sold_lately(contracts: Floats) -> Flags:
    """Return where the last change of the number of contracts was upwards, and is less than `LOOK_BACK` months old."""
    change = np.nan_to_num(contracts - _before(contracts, np.nan))
    months = np.arange(contracts.shape[1])
    last = np.maximum.accumulate(np.where(change != 0, months, -1), axis=1)
    upwards = np.take_along_axis(change, np.maximum(last, 0), axis=1) > 0
    return np.asarray((last >= 0) & upwards & (months - last < LOOK_BACK))


def _before(values: npt.NDArray[_Number], first: float | bool) -> npt.NDArray[_Number]:
    """Return the values of the month before; `first` where there was none."""
    moved = np.full_like(values, first)
    moved[:, 1:] = values[:, :-1]
    return moved


def _sided(values: Floats, threshold: float, margin: float) -> Flags:
    """Return month by month on which side of a threshold clients are: they change sides beyond the margin only."""
    known = np.abs(values[~np.isnan(values)])
    band = margin * (abs(threshold) or (float(np.median(known)) if len(known) else 0.0))
    side = np.zeros(values.shape, dtype=np.bool_)
    seen = np.zeros(len(values), dtype=np.bool_)
    last = np.zeros(len(values), dtype=np.bool_)
    for month in range(values.shape[1]):
        here = values[:, month]
        there = ~np.isnan(here)
        with np.errstate(invalid="ignore"):
            fresh, stays, rises = here >= threshold, here >= threshold - band, here >= threshold + band
        last = np.where(there, np.where(seen, np.where(last, stays, rises), fresh), last)
        seen |= there
        side[:, month] = last
    return side
