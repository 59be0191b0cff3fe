"""The three risks to a book of clients as money: clients who leave, money that leaves, growth that is missed.

Amounts are per client, in whole cents, and add up to the advisor, the team and the company.

- **Attrition**: probability of leaving within the model's horizon, times the lifetime value that goes with the client.
- **Erosion**, apart from it: margins expected to be lost with money that leaves while the client stays. The lifetime
  value is already less by them, so that the two risks do not count the same margin twice.
- **Growth missed**: what would be earned if the client were served as the book's own clients of its kind are.
  *Wallet*: assets held elsewhere, up to the share of wallet that one in four clients reaches. *Coverage*: families of
  the coverage target that are missing, by the share of the client's segment that holds them. *Moments*: life events
  that nobody answered, by how many more contracts clients open after such events. Wallet speaks of families whose
  margin is earned on balances, coverage of the others.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from appetence.book import Book
from appetence.errors import UsageError
from appetence.value.missed_growth import coverage_gaps, family_profits, missed_moments, wallet_gaps
from appetence.value.units import Units

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

RISKS: Mapping[str, tuple[str, str]] = {
    "attrition": ("Clients expected to leave", "Départs attendus de clients"),
    "erosion": ("Money expected to leave while clients stay", "Sorties attendues d'encours, le client restant"),
    "wallet": ("Assets held elsewhere", "Encours détenus ailleurs"),
    "coverage": ("Products missing from the coverage target", "Produits manquants à la couverture de base idéale"),
    "moments": ("Life events that nobody answered", "Événements de vie restés sans réponse"),
}
"""Terms of risk, the last three of them growth missed, with their names in both languages."""

GROWTH = ("wallet", "coverage", "moments")

CLIENT_RISKS = pa.schema(
    [
        pa.field("client_id", pa.string(), nullable=False),
        *(pa.field(f"{name}_cents", pa.int64()) for name in RISKS),
    ]
)
"""Columns of a client's risks: cents, at least zero; null where it is not known."""


@dataclass(frozen=True)
class UnitRisk:
    """One risk of one unit of the firm.

    Parameters
    ----------
    cents
        Sum over its clients.
    clients
        Of whom it is known.
    exposed
        For whom it is above zero.
    """

    level: str
    unit_id: str
    risk: str
    cents: int
    clients: int
    exposed: int


def client_risks(
    book: Book,
    cut: dt.date,
    scores: pa.Table,
    coverage: Mapping[str, Sequence[str]] | None = None,
) -> pa.Table:
    """Return the risks of clients as money.

    Parameters
    ----------
    scores
        `client_id`, and any of: `attrition_probability`, `lifetime_value`, `value_erosion` (zero or less),
        `coverage_segment` (as the feature of that name), and `years`: what one unit of money a year is worth today
        while the client stays (the annuity of the lifetime value). Without it, growth missed is that of one year.
    coverage
        Per segment, the families that its clients should hold.

    Returns
    -------
    pyarrow.Table
        `CLIENT_RISKS`, in the order of `scores`.
    """
    if "client_id" not in scores.column_names:
        raise UsageError("a table of clients' scores must have the column client_id", scores.column_names)
    table = scores.to_pandas().set_index("client_id")
    clients = table.index
    value = _column(table, "lifetime_value").clip(lower=0.0)
    years = _column(table, "years").fillna(1.0)
    earned = family_profits(book, cut)
    found: dict[str, pd.Series] = {
        "attrition": _column(table, "attrition_probability") * value,
        "erosion": (-_column(table, "value_erosion")).clip(lower=0.0),
        "wallet": wallet_gaps(book, cut, clients) * years,
        "coverage": years * np.nan,
        "moments": missed_moments(book, cut, clients, earned) * years,
    }
    if coverage and "coverage_segment" in table:
        found["coverage"] = coverage_gaps(book, cut, table["coverage_segment"], coverage, earned) * years
    columns = {f"{name}_cents": _cents(amounts) for name, amounts in found.items()}
    return pa.table({"client_id": scores["client_id"], **columns}).cast(CLIENT_RISKS)


def risks_by_unit(book: Book, units: Units, risks: pa.Table) -> list[UnitRisk]:
    """Add up the risks of clients to every unit of the firm; a risk of which nothing is known is left out."""
    owners = book.execute(book.table("clients").select("client_id", "advisor_id")).to_pandas()
    advisors = owners.set_index("client_id")["advisor_id"].reindex(risks["client_id"].to_pandas())
    leaf = units.leaf_of(pa.array(advisors, pa.string(), from_pandas=True))
    found = []
    for name in RISKS:
        column = risks[f"{name}_cents"]
        known = np.asarray(column.is_valid().to_numpy(), dtype=np.bool_)
        if not known.any():
            continue
        cents = np.asarray(column.fill_null(0).to_numpy(), dtype=np.int64)
        leaves = np.zeros((len(units.advisor_id), 3), dtype=np.int64)
        np.add.at(leaves, leaf, np.column_stack([cents, known, cents > 0]).astype(np.int64))
        for place, (total, clients, exposed) in enumerate(units.add_up(leaves).tolist()):
            found.append(UnitRisk(units.level[place], units.unit_id[place], name, total, clients, exposed))
    return found


def _column(table: pd.DataFrame, name: str) -> pd.Series:
    if name not in table:
        return pd.Series(np.nan, index=table.index, dtype=float)
    return table[name].astype(float)


def _cents(amounts: pd.Series) -> pa.Array:
    values = amounts.to_numpy(dtype=np.float64)
    known = np.isfinite(values)
    return pa.array(np.rint(np.where(known, values, 0.0) * 100).astype(np.int64), mask=~known)
