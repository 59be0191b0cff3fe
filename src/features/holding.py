"""What is worked out of the contracts once, for tenure, holdings and the household alike."""

from __future__ import annotations

import ibis.expr.types as ir

from appetence.book.clocks import contracts_on_both_clocks
from appetence.features.asof import AsKnown
from appetence.features.tallies import Tallies, anniversary, counted, later, newest, oldest

CHANGES = (3, 6, 12, 24)
"""Months over which holdings are compared and openings and closings counted."""

NEAR_TERM = 6
"""Months ahead in which a contract's end is near."""


def contract_tallies(known: AsKnown) -> ir.Table:
    """Return what is counted of the contracts known, and the days looked for, by row and home of all members.

    Returns
    -------
    `contracts_held`; `opened_<months>m`, `closed_<months>m`, of which the closing is known; `closings_announced`;
    `ending_<months>m`, in force and near their term; the days `last_opened`, `last_closed`, `next_end`, `held_since`
    (oldest opening of a contract in force), and per family `last_<family>` and `since_<family>`;
    `months_to_contract_anniversary`.
    """
    contracts = contracts_on_both_clocks(known.book)
    families = known.shape.named_families
    facts = contracts.select(
        "client_id",
        "opened_on",
        "closed_on",
        "ends_on",
        closing_known=contracts.closing_known,
        # a contract is held until its closing has come and is known
        ended_on=later(contracts.closed_on, contracts.closing_known),
        usable=later(contracts.opening_known, contracts.opened_on),
        **{f"is_{part}": (contracts.family == code).fill_null(False) for code, part in families},
    )
    return known.tally_of_members("contracts", facts, _tallies(tuple(part for _, part in families)))


def _tallies(parts: tuple[str, ...]) -> Tallies:
    return {
        "contracts_held": counted("opened_on", until="ended_on"),
        **{f"opened_{m}m": counted("opened_on", m) for m in CHANGES},
        **{f"closed_{m}m": counted("closed_on", m, told="closing_known") for m in CHANGES},
        "closings_announced": counted("closed_on", ahead=True, told="closing_known"),
        f"ending_{NEAR_TERM}m": counted("ends_on", NEAR_TERM, ahead=True, until="ended_on"),
        "last_opened": newest("opened_on"),
        "last_closed": newest("closed_on", told="closing_known"),
        "next_end": oldest("ends_on", ahead=True, until="ended_on"),
        "held_since": oldest("opened_on", until="ended_on"),
        "months_to_contract_anniversary": anniversary("opened_on", until="ended_on"),
        **{f"last_{part}": newest("opened_on", where=f"is_{part}") for part in parts},
        **{f"since_{part}": oldest("opened_on", where=f"is_{part}", until="ended_on") for part in parts},
    }


def products_of_members(known: AsKnown) -> ir.Table:
    """Return each product that a member of the household ever held, as known, with `held` and `then_<months>`.

    Distinct products are counted in steps, by row and product first: a distinct count of its own for each moment is
    several times slower.
    """

    def make() -> ir.Table:
        rows = known.contracts_of_members()
        key = ("row", "product_id", "family", *(("home",) if "home" in rows.columns else ()))
        before = {f"then_{m}": _held_before(rows, m).any() for m in CHANGES}
        return rows.group_by(*key).agg(held=rows.held.any(), **before)

    return known.shared("products", make)


def moments() -> tuple[str, ...]:
    """Return the columns of `products_of_members` that say whether a product was held."""
    return ("held", *(f"then_{m}" for m in CHANGES))


def _held_before(rows: ir.Table, months: int) -> ir.BooleanValue:
    """Whether the contract was in force some months before the cut, by what is known at the cut."""
    then = rows.cut_index - months
    # `held` `months` earlier: opened before that first of a month, and not closed before it.
    return (rows.opened_month < then) & (rows.closed_month.isnull() | (rows.closed_month >= then))
