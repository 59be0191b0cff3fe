"""The two values of a book side by side, and in words why the multiple is what it is and why the two differ.

From the book value to the net present value there are seven steps, which add up to the cent: costs of serving the
clients, which a multiple of revenue does not see; the years of margin that are expected of these clients, against those
that the multiple pays; money that leaves while clients stay; credit losses; the tail after the horizon; the potential.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from babel.numbers import format_decimal

from appetence.book import Book
from appetence.config import MultipleSettings
from appetence.explain.wording import Language, money, number, share, typeset
from appetence.models.verdicts import Verdict
from appetence.value.book_value import RATIOS, TERMS, rolled
from appetence.value.kpi_clients import npv_cents
from appetence.value.kpis import BookKpis

Ints = npt.NDArray[np.int64]

NAMES: Mapping[str, tuple[str, str]] = {
    "base": ("Base", "Base"),
    "retention": ("Retention rate", "Taux de rétention"),
    "families": ("Families of products per client", "Familles de produits par client"),
    "share_of_wallet": ("Share of wallet", "Part de portefeuille"),
    "age": ("Mean age of clients", "Âge moyen des clients"),
    "income": ("Mean income of clients", "Revenu moyen des clients"),
    "net_worth": ("Mean net worth of clients", "Patrimoine moyen des clients"),
    "place": ("Where clients live", "Lieu de résidence des clients"),
    "growth": ("Growth of revenue", "Croissance des revenus"),
    "rank": ("Rank of revenue", "Classement des revenus"),
    "bounds": ("Bounds of the multiple", "Bornes du multiple"),
}
"""Terms of the multiple."""

STEPS: Mapping[str, tuple[str, str]] = {
    "book_value": ("Book value: revenue times the multiple", "Valeur du portefeuille : revenus × multiple"),
    "cost": (
        "Costs of serving clients, which revenue does not show",
        "Coûts de service, que les revenus ne montrent pas",
    ),
    "years": (
        "Years of margin expected of these clients, beside those that the multiple pays",
        "Années de marge attendues de ces clients, au regard de celles que paie le multiple",
    ),
    "erosion": ("Money that leaves while clients stay", "Encours qui partent, le client restant"),
    "credit": ("Expected credit losses", "Pertes de crédit attendues"),
    "tail": ("Margins after the horizon", "Marges au-delà de l'horizon"),
    "potential": ("Expected purchases", "Achats attendus"),
    "npv": ("Net present value of the clients", "Valeur actuelle nette des clients"),
}
"""From one value to the other; all between the first and the last add up to their difference."""

_SHARES = frozenset({"retention", "share_of_wallet", "growth"})
_MONEY = frozenset({"income", "net_worth"})


@dataclass(frozen=True)
class Term:
    """A part of the multiple: what it adds, as a multiple and in cents, and the book's own trait, where it is known."""

    name: str
    multiple: float
    cents: int
    trait: float | None
    words: Verdict


@dataclass(frozen=True)
class Step:
    """A step from the book value to the net present value, in cents."""

    name: str
    cents: int
    words: Verdict


@dataclass(frozen=True)
class BookWorth:
    """What one unit's book is worth at the newest cut.

    Parameters
    ----------
    revenue
        Cents of 12 months.
    multiple, book_value
        The terms add up to either; advisors' book values add up to that of the units above.
    npv
        Cents; None where lifetime values are not known. Then there are no steps.
    words
        The two values, and the largest reasons for their difference.
    """

    level: str
    unit_id: str
    revenue: int
    multiple: float
    book_value: int
    terms: tuple[Term, ...]
    npv: int | None
    steps: tuple[Step, ...]
    words: Verdict


def book_worths(
    book: Book,
    result: BookKpis,
    scores: pa.Table | None,
    settings: MultipleSettings,
    currency: str = "EUR",
) -> tuple[BookWorth, ...]:
    """Return the worth of all units with revenue at the newest cut; nothing where a year of revenue is not known.

    Parameters
    ----------
    scores
        `client_id`, `lifetime_value`, and any of `potential`, `value_erosion`, `value_credit`, `value_tail`.
    """
    values, units = result.values, result.units
    if values is None or not values.known[-1]:
        return ()
    revenue = units.add_up(values.revenue[:, -1])
    terms = {name: units.add_up(values.terms[name][:, -1]) for name in TERMS}
    cost = np.zeros_like(revenue)
    if ("cost", "") in result.components.sums:
        cost = units.add_up(rolled(result.components, "cost")[0][:, -1])
    ahead = None if scores is None else _value_terms(book, result, scores)
    traits = _traits(result)
    found = []
    for place in np.flatnonzero(revenue > 0):
        parts = {name: int(cents[place]) for name, cents in terms.items()}
        told = tuple(
            _term(name, cents, int(revenue[place]), traits.get(name, {}).get(int(place)), settings, currency)
            for name, cents in parts.items()
            if cents or name == "base"
        )
        worth = sum(parts.values())
        steps: tuple[Step, ...] = ()
        npv = None
        if ahead is not None:
            own = {name: int(cents[place]) for name, cents in ahead.items()}
            npv = own["npv"]
            steps = reconcile(int(revenue[place]), int(cost[place]), worth, own)
        words = _words(int(revenue[place]), int(cost[place]), worth, steps, currency)
        multiple = worth / int(revenue[place])
        found.append(
            BookWorth(
                units.level[place], units.unit_id[place], int(revenue[place]), multiple, worth, told, npv, steps, words
            )
        )
    return tuple(found)


def reconcile(revenue: int, cost: int, book_value: int, ahead: Mapping[str, int]) -> tuple[Step, ...]:
    """Return the steps from a book value to a net present value, in cents.

    Parameters
    ----------
    revenue, cost
        Of 12 months; revenue above zero.
    ahead
        `lifetime_value` with what is in it of `erosion`, `credit` and `tail`; `potential`; `npv`, the sum of the first
        and the last.
    """
    paid_for_costs = -round(cost * book_value / revenue)
    later = {name: ahead[name] for name in ("erosion", "credit", "tail")}
    margin = ahead["lifetime_value"] - sum(later.values())
    cents = {
        "book_value": book_value,
        "cost": paid_for_costs,
        "years": margin - book_value - paid_for_costs,
        **later,
        "potential": ahead["potential"],
        "npv": ahead["npv"],
    }
    return tuple(Step(name, cents[name], _pair(names)) for name, names in STEPS.items())


def _value_terms(book: Book, result: BookKpis, scores: pa.Table) -> dict[str, Ints] | None:
    """Return the sums of clients' values and their terms, (units,) cents each; None where no value is known."""
    npv, known = npv_cents(scores)
    if not known.any():
        return None
    owners = book.execute(book.table("clients").select("client_id", "advisor_id"))
    joined = pa.table({"client_id": scores["client_id"], "row": np.arange(len(scores))}).join(owners, "client_id")
    joined = joined.sort_by("row")
    leaf = result.units.leaf_of(joined["advisor_id"])
    life = npv_cents(scores.select(["client_id", "lifetime_value"]))[0]
    columns = {"npv": npv, "lifetime_value": life, "potential": npv - life}
    for name in ("erosion", "credit", "tail"):
        columns[name] = np.zeros_like(life)
        if f"value_{name}" in scores.column_names:
            values = np.asarray(scores[f"value_{name}"].cast(pa.float64()).to_numpy(), dtype=np.float64)
            columns[name] = np.rint(np.where(np.isfinite(values) & known, values, 0.0) * 100).astype(np.int64)
    sums = {}
    for name, cents in columns.items():
        leaves = np.zeros(len(result.units.advisor_id), dtype=np.int64)
        np.add.at(leaves, leaf, cents)
        sums[name] = result.units.add_up(leaves)
    return sums


def _traits(result: BookKpis) -> dict[str, dict[int, float]]:
    """Return the traits of all units at the newest cut, as they are, not drawn to the company's."""
    found: dict[str, dict[int, float]] = {}
    sums, known, units = result.components.sums, result.components.known, result.units
    for name, (of, over, scale) in RATIOS.items():
        if (of, "") in sums and known[of][-1] and known[over][-1]:
            a, b = units.add_up(sums[of, ""][:, -1]), units.add_up(sums[over, ""][:, -1])
            found[name] = {int(place): float(a[place] / b[place] * scale) for place in np.flatnonzero(b > 0)}
    revenue, whole = rolled(result.components, "revenue")
    if whole.shape[0] > 12 and whole[-13]:
        now, then = units.add_up(revenue[:, -1]), units.add_up(revenue[:, -13])
        found["growth"] = {int(place): float(now[place] / then[place] - 1) for place in np.flatnonzero(then > 0)}
    return found


def _term(name: str, cents: int, revenue: int, trait: float | None, settings: MultipleSettings, currency: str) -> Term:
    added = cents / revenue
    texts = []
    for place, language in enumerate(_LANGUAGES):
        text = NAMES[name][place]
        if trait is not None:
            reference = getattr(settings, name).reference
            own, usual = (_trait(name, value, language, currency) for value in (trait, reference))
            text += (f": {own}, reference {usual}", f" : {own}, référence {usual}")[place]
        texts.append(typeset(f"{text} → {_times(added, language, signed=name != 'base')}", language))
    return Term(name, added, cents, trait, Verdict(*texts))


def _words(revenue: int, cost: int, book_value: int, steps: tuple[Step, ...], currency: str) -> Verdict:
    texts = []
    cents = {step.name: step.cents for step in steps}
    for place, language in enumerate(_LANGUAGES):

        def told(amount: int, language: Language = language) -> str:
            return money(amount / 100, language, currency, 0)

        paid = _times(book_value / revenue, language)
        text = (
            f"Book value: {told(book_value)}, {paid} times a year's revenue of {told(revenue)}",
            f"Valeur du portefeuille : {told(book_value)}, soit {paid} fois les revenus annuels de {told(revenue)}",
        )[place]
        if steps:
            gap = cents["npv"] - book_value
            largest = max(steps[1:-1], key=lambda step: abs(step.cents))
            reason = (largest.words.en, largest.words.fr)[place]
            text += (
                f". Net present value of its clients: {told(cents['npv'])}, {told(abs(gap))} "
                f"{'more' if gap >= 0 else 'less'}. Largest reason: {reason[0].lower()}{reason[1:]} "
                f"({_signed(largest.cents, told)})",
                f". Valeur actuelle nette de ses clients : {told(cents['npv'])}, soit {told(abs(gap))} de "
                f"{'plus' if gap >= 0 else 'moins'}. Première raison : {reason[0].lower()}{reason[1:]} "
                f"({_signed(largest.cents, told)})",
            )[place]
            if revenue > cost:
                margin = cents["book_value"] + cents["cost"] + cents["years"]
                years = number(margin / (revenue - cost), language)
                text += (
                    f". The multiple pays {paid} years of revenue; of these clients {years} years of today's margin "
                    "are expected",
                    f". Le multiple paie {paid} années de revenus ; {years} années de la marge actuelle sont "
                    "attendues de ces clients",
                )[place]
        texts.append(typeset(text, language))
    return Verdict(*texts)


_LANGUAGES: tuple[Language, Language] = ("en", "fr")


def _signed(cents: int, told: object) -> str:
    text = told(cents)  # type: ignore[operator]
    return f"+{text}" if cents > 0 else str(text)


def _times(value: float, language: Language, signed: bool = False) -> str:
    pattern = "+0.00;\N{MINUS SIGN}0.00" if signed else "0.00"
    return str(format_decimal(value, pattern, locale=language))


def _trait(name: str, value: float, language: Language, currency: str) -> str:
    if name in _SHARES:
        return share(value, language)
    return money(value, language, currency, 0) if name in _MONEY else number(value, language)


def _pair(texts: tuple[str, str]) -> Verdict:
    return Verdict(typeset(texts[0], "en"), typeset(texts[1], "fr"))
