"""Coverage gaps: what the firm says a client should hold, or many comparable clients do, and this one does not."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import ibis
import ibis.expr.types as ir
import numpy as np
import pyarrow as pa

from appetence.book import Book
from appetence.book.conditions import condition
from appetence.book.contract import CREDIT
from appetence.config import CoverageTarget
from appetence.reports.peers import FEWEST, Evidence, Likeness, Peers
from appetence.reports.situations import Situation

USUAL = 0.2
"""Share of comparable clients from which a product that a client does not hold is a gap: one in five."""

GOES_WITH = 0.95
"""Share of a product's holders who hold another one too, from which it is of no use without it (a loan's insurance)."""

_FACTS = ("income", "net_worth", "marital_status", "children", "occupation", "region")
_COLUMNS = pa.schema(
    [
        ("kind", pa.string()),
        ("age", pa.int64()),
        ("income", pa.float64()),
        ("net_worth", pa.float64()),
        ("marital_status", pa.string()),
        ("children", pa.int64()),
        ("occupation", pa.string()),
        ("region", pa.string()),
    ]
)


@dataclass(frozen=True)
class Gap:
    """What a client does not hold.

    Parameters
    ----------
    product_id, family
        A product, or a whole family of products where none of it is held; one of the two.
    evidence
        What comparable clients hold, where there are enough of them.
    is_target
        Whether it is of the firm's coverage target.
    members
        Of the household, who holds it: then it is covered, but not by the client.
    """

    product_id: str | None
    family: str | None
    evidence: Evidence | None
    is_target: bool
    members: tuple[Situation, ...] = ()


class Rules:
    """The firm's rules over clients, worked out once for all of them.

    Parameters
    ----------
    book
        The client book, open.
    cut
        The first day not known: products are on sale or not on it.
    situations
        The clients.
    targets
        What clients should hold, by the first segment whose condition is true.

    Raises
    ------
    BookError
        A condition cannot be read.
    """

    def __init__(
        self, book: Book, cut: dt.date, situations: Iterable[Situation], targets: Sequence[CoverageTarget] = ()
    ) -> None:
        situations = tuple(situations)
        self._allowed = _on_offer(book, cut, {(who.age, who.kind) for who in situations})
        self._target = _targets(book, situations, targets)

    def may_hold(self, who: Situation, product_id: str) -> bool:
        """Return whether a product is on sale and its condition over age and kind is true of a client."""
        return product_id in self._allowed.get((who.age, who.kind), ())

    def target(self, who: Situation) -> tuple[str, ...]:
        """Return the families that a client should hold."""
        return self._target.get(who.client_id, ())


def needed_with(situations: Iterable[Situation], products: Sequence[str]) -> Mapping[str, frozenset[str]]:
    """Return per product those without which it is hardly ever held, by client or household."""
    place = {product_id: i for i, product_id in enumerate(products)}
    by_household: dict[str, set[str]] = defaultdict(set)
    situations = tuple(situations)
    for who in situations:
        if who.household_id is not None:
            by_household[who.household_id] |= who.products
    own = np.zeros((len(situations), len(products)), dtype=bool)
    around = np.zeros_like(own)
    for row, who in enumerate(situations):
        own[row, [place[p] for p in who.products if p in place]] = True
        held = who.products | by_household.get(who.household_id or "", set())
        around[row, [place[p] for p in held if p in place]] = True
    holders = own.sum(axis=0)
    both = own.T.astype(np.float64) @ around.astype(np.float64)
    shares = both / np.maximum(holders, 1)[:, None]
    return {
        product_id: frozenset(
            other for other in products if other != product_id and shares[i, place[other]] >= GOES_WITH
        )
        for product_id, i in place.items()
        if holders[i] >= FEWEST
    }


def find_gaps(
    who: Situation,
    household: Sequence[Situation],
    peers: Peers | None,
    rules: Rules,
    families: Mapping[str, str],
    needs: Mapping[str, frozenset[str]] | None = None,
) -> tuple[Gap, ...]:
    """Return a client's gaps: those of the firm's target first, then by the share of comparable clients.

    Parameters
    ----------
    household
        The others of it.
    families
        Family per product.
    needs
        As `needed_with` returns it.
    """
    held = {families.get(product_id) for product_id in who.products}
    missing = [family for family in dict.fromkeys(rules.target(who)) if family not in held]
    found = []
    for family in missing:
        if not any(rules.may_hold(who, p) for p, of in families.items() if of == family):
            continue
        members = tuple(m for m in household if any(families.get(p) == family for p in m.products))
        evidence = peers.evidence(f"family:{family}") if peers else None
        found.append(Gap(None, family, evidence, True, members))
    usual = []
    around = who.products.union(*(member.products for member in household))
    for product_id in (peers.usual(USUAL) if peers else frozenset()) - who.products:
        if product_id not in families or families[product_id] in (CREDIT, *missing):  # nobody lacks a debt
            continue
        if not rules.may_hold(who, product_id) or not (needs or {}).get(product_id, frozenset()) <= around:
            continue
        members = tuple(member for member in household if product_id in member.products)
        usual.append(Gap(product_id, None, peers.evidence(product_id) if peers else None, False, members))
    usual.sort(key=lambda gap: (-_weight(gap), gap.product_id or ""))
    return (*found, *usual)


def _weight(gap: Gap) -> float:
    """Return the share of comparable clients who hold it: 1 where all but a few do."""
    if gap.evidence is None:
        return 0.0
    return 1.0 if gap.evidence.nearly_all else gap.evidence.share or 0.0


def all_gaps(
    situations: Mapping[str, Situation],
    likeness: Likeness,
    rules: Rules,
    families: Mapping[str, str],
) -> dict[str, tuple[Gap, ...]]:
    """Return the gaps of every client."""
    households: dict[str, list[Situation]] = defaultdict(list)
    for who in situations.values():
        if who.household_id is not None:
            households[who.household_id].append(who)
    needs = needed_with(situations.values(), tuple(families))
    return {
        client_id: find_gaps(
            who,
            [member for member in households.get(who.household_id or "", ()) if member is not who],
            likeness.of(client_id),
            rules,
            families,
            needs,
        )
        for client_id, who in situations.items()
    }


def _on_offer(
    book: Book, cut: dt.date, pairs: Collection[tuple[int | None, str]]
) -> dict[tuple[int | None, str], frozenset[str]]:
    """Return per age and kind the products on sale whose condition is true; one that comes out null is not."""
    ages, kinds = zip(*sorted(pairs, key=str), strict=True) if pairs else ((), ())
    rows = pa.table({"age": pa.array(ages, pa.int64()), "kind": pa.array(kinds, pa.string())})
    of_client = book.memtable("kinds_reported", rows)
    products = book.execute(
        book.table("products").select("product_id", "eligibility", "launched_on", "withdrawn_on")
    ).to_pylist()
    on_sale = [
        row
        for row in products
        if (row["launched_on"] or cut) <= cut and (row["withdrawn_on"] is None or row["withdrawn_on"] > cut)
    ]
    columns = {"age": of_client.age, "kind": of_client.kind}
    flags = {
        f"p{i}": condition(text, columns, of=f"the eligibility of product {row['product_id']!r}").fill_null(False)
        for i, row in enumerate(on_sale)
        if (text := (row["eligibility"] or "").strip())
    }
    found = book.execute(of_client.select("age", "kind", **flags)).to_pylist() if flags else rows.to_pylist()
    return {
        (one["age"], one["kind"]): frozenset(
            row["product_id"] for i, row in enumerate(on_sale) if one.get(f"p{i}", True)
        )
        for one in found
    }


def _targets(
    book: Book, situations: Sequence[Situation], targets: Sequence[CoverageTarget]
) -> dict[str, tuple[str, ...]]:
    if not targets:
        return {}
    ids = pa.array([who.client_id for who in situations], pa.string())
    columns: dict[str, Any] = {
        "kind": [who.kind for who in situations],
        "age": [who.age for who in situations],
    }
    for name in _FACTS:
        kind = float if pa.types.is_floating(_COLUMNS.field(name).type) else None
        values = [who.facts.get(name) for who in situations]
        columns[name] = [kind(value) if kind and value is not None else value for value in values]
    described = pa.table({name: pa.array(columns[name], _COLUMNS.field(name).type) for name in _COLUMNS.names})
    rows = book.memtable("segments_reported", described.append_column("client_id", ids))
    of_client = {name: rows[name] for name in _COLUMNS.names}
    conditions = [condition(t.when, of_client, of=f"the segment {t.segment!r}").fill_null(False) for t in targets]
    number: ir.Value = ibis.cases(*((holds, i) for i, holds in enumerate(conditions)))
    found = book.execute(rows.select("client_id", number=number)).to_pylist()
    return {row["client_id"]: targets[row["number"]].families for row in found if row["number"] is not None}
