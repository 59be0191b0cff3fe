"""A what-if in words, in English and French: the values, the effects, and what it would take to reach a rise."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from appetence.explain import wording
from appetence.explain.wording import Language, typeset
from appetence.value.whatif import EFFECTS, WhatIf
from appetence.value.whatif_reach import Needed

_WORDS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "mix": ("Mix: {before} becomes {after}", "Répartition : {before} devient {after}"),
        "value": (
            "Value of the book: {before} becomes {after} ({change})",
            "Valeur du portefeuille : {before} devient {after} ({change})",
        ),
        "profit": (
            "Yearly profit: {before} becomes {after} ({change})",
            "Rentabilité annuelle : {before} devient {after} ({change})",
        ),
        "multiple": (
            "Multiple (value over yearly profit): {before} becomes {after}",
            "Multiple (valeur sur rentabilité annuelle) : {before} devient {after}",
        ),
        "effects": (
            "The change is made of these effects, which add up to it (Shapley values: no order is preferred):",
            "La variation se décompose en ces effets, dont elle est la somme (valeurs de Shapley : aucun ordre n'est "
            "privilégié) :",
        ),
        "effect": ("  {name}: {money} ({change})", "  {name} : {money} ({change})"),
        "of_mix": ("mix of clients, at today's multiple", "répartition des clients, au multiple actuel"),
        "of_retention": ("retention", "rétention"),
        "of_depth": ("depth of the relationship", "profondeur de la relation"),
        "of_multiple": ("multiple", "multiple"),
        "reached": (
            "The scenario reaches a rise of {rise}.",
            "Le scénario atteint une hausse de {rise}.",
        ),
        "reach": (
            "For a rise of {rise}, it would take one of these beside it:",
            "Pour une hausse de {rise}, il faudrait en outre l'un de ces leviers :",
        ),
        "need_multiple": (
            "  a multiple higher by {needed}",
            "  un multiple supérieur de {needed}",
        ),
        "need_retention": (
            "  a yearly retention higher by {needed} in every segment",
            "  un taux de rétention annuel supérieur de {needed} dans chaque segment",
        ),
        "need_depth": (
            "  {needed} more products per client",
            "  {needed} produits de plus par client",
        ),
        "need_mix": (
            "  a further {needed} of all clients in segment {segment}",
            "  {needed} des clients de plus dans le segment {segment}",
        ),
        "need_best": (
            "  clients of {segment} worth {needed} each, before and after, instead of {today}",
            "  des clients {segment} valant {needed} chacun, avant comme après, au lieu de {today}",
        ),
        "need_worst": (
            "  clients of {segment} worth {needed} each, before and after, instead of {today}",
            "  des clients {segment} valant {needed} chacun, avant comme après, au lieu de {today}",
        ),
        "short": ("These would not be enough:", "Ceux-ci ne suffiraient pas :"),
        "not_retention": (
            "  retention alone: if nobody left, the rise would be {limit}",
            "  la rétention seule : sans aucun départ, la hausse serait de {limit}",
        ),
        "not_mix": (
            "  the mix alone: with all clients in segment {segment}, the rise would be {limit}",
            "  la répartition seule : avec tous les clients dans le segment {segment}, la hausse serait de {limit}",
        ),
        "not_best": (
            "  clients of {segment} worth more: however much, this mix gives less than {limit}",
            "  des clients {segment} de plus grande valeur : si grande soit-elle, cette répartition donne moins de "
            "{limit}",
        ),
        "not_worst": (
            "  clients of {segment} worth less: however little, this mix gives less",
            "  des clients {segment} de moindre valeur : si faible soit-elle, cette répartition donne moins",
        ),
        "taken": (
            "A client who changes segments is taken to be worth what clients of the new one are worth today.",
            "On suppose qu'un client qui change de segment vaut ce que valent aujourd'hui les clients du nouveau.",
        ),
        "points": ("{value} points", "{value} points"),
    }
)


def told(found: WhatIf, rise: float, needed: tuple[Needed, ...], language: Language, currency: str) -> Iterator[str]:
    """Return a what-if for a reader, line by line; `needed` is what `needed_for` says of `rise`."""
    pen = _Pen(language, currency)
    yield pen("mix", before=pen.mix(found, 0), after=pen.mix(found, 1))
    yield pen("value", **pen.both(found.value))
    yield pen("profit", **pen.both(found.profit))
    before, after = found.multiple
    yield pen("multiple", before=wording.number(before, language), after=wording.number(after, language))
    yield pen("effects")
    for effect in EFFECTS:
        money = found.effects[effect]
        change = pen.change(money / found.value[0])
        yield pen("effect", name=pen(f"of_{effect}"), money=pen.money(money), change=change)
    yield pen("reach" if needed else "reached", rise=pen.percent(rise))
    yield from (pen.lever(lever) for lever in needed if lever.needed is not None)
    short = [lever for lever in needed if lever.needed is None and f"not_{lever.lever}" in _WORDS]
    if short:
        yield pen("short")
        yield from (pen.lever(lever) for lever in short)
    yield pen("taken")


class _Pen:
    """Writes the words of a what-if in one language."""

    def __init__(self, language: Language, currency: str) -> None:
        self.language: Language = language
        self.currency = currency
        self._place = 0 if language == "en" else 1

    def __call__(self, key: str, **values: str) -> str:
        return typeset(_WORDS[key][self._place], self.language).format(**values)

    def money(self, value: float) -> str:
        return wording.money(value, self.language, self.currency, 0)

    def percent(self, share: float) -> str:
        """Write a share with one decimal where it has one: the source's figures are told to it."""
        text = wording.number(round(100 * share, 1), self.language)
        if abs(share) >= 0.0995:
            text = f"{100 * share:.1f}".removesuffix(".0").replace("-", "\N{MINUS SIGN}")
            text = text.replace(".", ",") if self.language == "fr" else text
        return text + ("\N{NO-BREAK SPACE}%" if self.language == "fr" else "%")

    def change(self, share: float) -> str:
        rounded = round(share, 3)
        return ("+" if rounded > 0 else "") + self.percent(rounded + 0.0)

    def both(self, figures: tuple[float, float]) -> dict[str, str]:
        change = self.change(figures[1] / figures[0] - 1.0)
        return {"before": self.money(figures[0]), "after": self.money(figures[1]), "change": change}

    def mix(self, found: WhatIf, when: int) -> str:
        used = (found.mix[0] > 0) | (found.mix[1] > 0)
        shares = zip(found.names, found.mix[when], used, strict=True)
        return ", ".join(f"{name} {self.percent(float(share))}" for name, share, there in shares if there)

    def lever(self, lever: Needed) -> str:
        segment = lever.segment or ""
        if lever.needed is None:
            limit = "" if lever.limit is None else self.percent(lever.limit)
            return self(f"not_{lever.lever}", segment=segment, limit=limit)
        today = "" if lever.today is None else self.money(lever.today)
        return self(f"need_{lever.lever}", segment=segment, today=today, needed=self._needed(lever))

    def _needed(self, lever: Needed) -> str:
        amount = lever.needed or 0.0
        if lever.lever == "retention":
            return self("points", value=wording.number(100 * amount, self.language))
        if lever.lever == "depth":
            return wording.number(amount, self.language)
        return self.money(amount) if lever.lever in ("best", "worst") else self.percent(amount)
