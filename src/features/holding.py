"""What is worked out of the contracts once, for tenure, holdings and the household alike."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import ibis.expr.types as ir

from appetence.book.clocks import contracts_on_both_clocks
from appetence.features.asof import AsKnown
from appetence.features.catalogue import Shape
from appetence.features.product_sets import with_bits, words
from appetence.features.tallies import Tallies, anniversary, counted, later, newest, oldest, union

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
    `months_to_contract_anniversary`; the sets of products `held` now, and `then_<months>`, so long before the cut.
    """
    contracts = with_bits(contracts_on_both_clocks(known.book), known.book, known.shape)
    families = known.shape.named_families
    facts = contracts.select(
        "client_id",
        "opened_on",
        "closed_on",
        "ends_on",
        "closing_known",
        *words("bit", known.shape),
        usable=later(contracts.opening_known, contracts.opened_on),
        **{f"is_{part}": (contracts.family == code).fill_null(False) for code, part in families},
    )
    return known.tally_of_members("contracts", facts, _tallies(known.shape))


def product_set(rows: ir.Table, moment: str, shape: Shape) -> list[ir.IntegerColumn]:
    """Return the words of the set `held` or `then_<months>` of the contract tallies."""
    return [rows[word] for word in words(moment, shape)]


def _tallies(shape: Shape) -> Tallies:
    parts = [part for _, part in shape.named_families]
    # a contract is held until its closing has come and is known
    held = partial(replace, until="closed_on", until_known="closing_known")
    bits = words("bit", shape)
    sets = {f"then_{m}": m for m in CHANGES} | {"held": 0}
    return {
        "contracts_held": held(counted("opened_on")),
        **{f"opened_{m}m": counted("opened_on", m) for m in CHANGES},
        **{f"closed_{m}m": counted("closed_on", m, told="closing_known") for m in CHANGES},
        "closings_announced": counted("closed_on", ahead=True, told="closing_known"),
        f"ending_{NEAR_TERM}m": held(counted("ends_on", NEAR_TERM, ahead=True)),
        "last_opened": newest("opened_on"),
        "last_closed": newest("closed_on", told="closing_known"),
        "next_end": held(oldest("ends_on", ahead=True)),
        "held_since": held(oldest("opened_on")),
        "months_to_contract_anniversary": held(anniversary("opened_on")),
        **{f"last_{part}": newest("opened_on", where=f"is_{part}") for part in parts},
        **{f"since_{part}": held(oldest("opened_on", where=f"is_{part}")) for part in parts},
        **{
            word: held(union("opened_on", of=bit, ago=ago))
            for name, ago in sets.items()
            for word, bit in zip(words(name, shape), bits, strict=True)
        },
    }
