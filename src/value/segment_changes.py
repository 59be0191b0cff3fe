"""Who changed segments since last month, and why: the criterion, its old and its new value, in both languages."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from appetence.explain.glossary import in_words
from appetence.explain.wording import Language, typeset
from appetence.value.amounts import amount
from appetence.value.segment_rules import Criterion, Rule, SegmentRules
from appetence.value.segments import Reading, bounds

SEGMENT_CHANGES = pa.schema(
    [
        pa.field("client_id", pa.string(), nullable=False),
        pa.field("segment_from", pa.string(), nullable=False),
        pa.field("segment_to", pa.string(), nullable=False),
        pa.field("criterion", pa.string()),
        pa.field("value_from", pa.string()),
        pa.field("value_to", pa.string()),
        pa.field("text_en", pa.string(), nullable=False),
        pa.field("text_fr", pa.string(), nullable=False),
    ]
)
"""Columns of `segment_changes`: one row per client who moved, with the first criterion that made the difference."""

_LANGUAGES: tuple[Language, ...] = ("en", "fr")
_MOVED = {"en": "Moved from {old} to {new}: {why}", "fr": "Passage de {old} à {new} – {why}"}
_CHANGED = {
    "en": "{label} went from {old} to {new} (threshold: {bound})",
    "fr": "{label} : {old} auparavant, {new} désormais (seuil : {bound})",
}
_HOLDS = {"en": "{label} at {new} (threshold: {bound})", "fr": "{label} : {new} (seuil : {bound})"}
_RULES = {"en": "the firm changed its rules", "fr": "l'établissement a modifié ses règles"}
_FACTS = {
    "en": "facts of earlier months were corrected",
    "fr": "des données des mois précédents ont été corrigées",
}
_NOT_KNOWN = {"en": "unknown", "fr": "non renseigné"}
_YES_NO = {"en": ("no", "yes"), "fr": ("non", "oui")}
_LISTED = {"en": "; ", "fr": " ; "}
_AND = {"en": " and ", "fr": " et "}
_OR = {"en": " or ", "fr": " ou "}
_BOUND = {
    "at_least": {"en": "at least {value}", "fr": "au moins {value}"},
    "above": {"en": "more than {value}", "fr": "plus de {value}"},
    "at_most": {"en": "at most {value}", "fr": "au plus {value}"},
    "below": {"en": "less than {value}", "fr": "moins de {value}"},
}


def segment_changes(rules: SegmentRules, before: pa.Table, now: pa.Table, currency: str) -> pa.Table:
    """Tell every move between two months.

    Parameters
    ----------
    before, now
        Two tables of `client_segments`, `now` made with `before` as its state. Who is not in both did not move.

    Returns
    -------
    pyarrow.Table
        As `SEGMENT_CHANGES`, in the order of `now`. `criterion` is null where the firm's rules changed, or the values
        do not tell why. Texts hold up to three criteria, with the threshold as the firm wrote it.

    Notes
    -----
    The old value is the one of the last month in which no move was pending: what was true then, and is no longer.
    """
    old = before.select(["client_id", "segment", "criteria", "rules"]).combine_chunks()
    row = pc.index_in(now["client_id"].combine_chunks(), old["client_id"].combine_chunks())
    there = np.flatnonzero(np.asarray(row.is_valid()))
    pairs = old.take(row.take(pa.array(there))), now.take(pa.array(there))
    moved = pa.array(np.flatnonzero(np.asarray(pc.not_equal(pairs[0]["segment"], pairs[1]["segment"]))))
    rows = zip(*(pairs[side].take(moved).to_pylist() for side in (0, 1)), strict=True)
    tell = _Teller(rules, currency)
    return pa.Table.from_pylist([tell.row(*pair) for pair in rows], SEGMENT_CHANGES)


def threshold(rule: Rule, criterion: Criterion, language: Language, currency: str) -> str:
    """Return a comparison's bounds in words."""
    if rule.one_of:
        return _OR[language].join(_value(code, criterion, language, currency) for code in rule.one_of)
    told = [
        texts[language].format(value=_value(getattr(rule, name), criterion, language, currency))
        for name, texts in _BOUND.items()
        if getattr(rule, name) is not None
    ]
    return _AND[language].join(told)


class _Teller:
    """Tells moves by the firm's rules; what a move from one segment to another can hang on is worked out once."""

    def __init__(self, rules: SegmentRules, currency: str) -> None:
        self.rules, self.currency, self.criteria = rules, currency, rules.by_criterion
        self._between: dict[tuple[str, str], tuple[bool, list[tuple[Rule, Rule]]]] = {}

    def row(self, old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
        """Return the row of a client who moved."""
        row = {"client_id": new["client_id"], "segment_from": old["segment"], "segment_to": new["segment"]}
        names = {"old": old["segment"], "new": new["segment"]}
        if old["rules"] != new["rules"]:
            return row | {f"text_{each}": _sentence(each, names, _RULES[each]) for each in _LANGUAGES}
        values = json.loads(old["criteria"]), json.loads(new["criteria"])
        crossed, changed = self._deciding(old["segment"], new["segment"], *values)
        if not crossed:
            return row | {f"text_{each}": _sentence(each, names, _FACTS[each]) for each in _LANGUAGES}
        first = str(crossed[0].criterion)
        row |= {"criterion": first, "value_from": _plain(values[0][first]), "value_to": _plain(values[1][first])}
        templates = _CHANGED if changed else _HOLDS
        for language in _LANGUAGES:
            told = [self._told(templates[language], rule, *values, language) for rule in crossed[:3]]
            row[f"text_{language}"] = _sentence(language, names, _LISTED[language].join(told))
        return row

    def _deciding(self, from_: str, to: str, old: dict[str, Any], new: dict[str, Any]) -> tuple[list[Rule], bool]:
        """Return the comparisons that changed in the direction of the move; else those that hold it there, and False.

        Where nothing changed since the last move, as where two moves follow each other, what holds now is told.
        """
        up, compared = self._comparisons(from_, to)
        changed: dict[str, Rule] = {}
        holding: dict[str, Rule] = {}
        for rule, read in compared:
            name = str(rule.criterion)
            if _one_holds(read, new.get(name)) == up:
                holding.setdefault(name, rule)
                if _one_holds(read, old.get(name)) != up:
                    changed.setdefault(name, rule)
        return list((changed or holding).values()), bool(changed)

    def _comparisons(self, from_: str, to: str) -> tuple[bool, list[tuple[Rule, Rule]]]:
        """Return whether a move goes up, and what can decide it: comparisons as written, and as they are read for it.

        A move up is decided by the strict reading of the rules that lie above, a move down by the lenient reading of
        those that held before: of the segment that is left, or of a better one.
        """
        if (from_, to) not in self._between:
            places = self.rules.names.index(from_), self.rules.names.index(to)
            up = places[1] < places[0]
            reading: Reading = "strict" if up else "lenient"
            deciding = self.rules.segments[places[1] : places[0]] if up else self.rules.segments[: places[0] + 1]
            compared = (rule for segment in deciding if segment.when for rule in segment.when.comparisons())
            margin = self.rules.margin
            read = [(rule, bounds(rule, self.criteria[str(rule.criterion)], margin, reading)) for rule in compared]
            self._between[from_, to] = up, read
        return self._between[from_, to]

    def _told(self, template: str, rule: Rule, old: dict[str, Any], new: dict[str, Any], language: Language) -> str:
        criterion = self.criteria[str(rule.criterion)]
        return template.format(
            label=criterion.label_en if language == "en" else criterion.label_fr,
            old=_value(old.get(criterion.name), criterion, language, self.currency),
            new=_value(new.get(criterion.name), criterion, language, self.currency),
            bound=threshold(rule, criterion, language, self.currency),
        )


def _one_holds(rule: Rule, value: Any) -> bool:
    if value is None:
        return False
    if rule.one_of:
        return value in rule.one_of
    return all(_within(rule, float(value)))


def _within(rule: Rule, value: float) -> Iterator[bool]:
    yield rule.at_least is None or value >= rule.at_least
    yield rule.above is None or value > rule.above
    yield rule.at_most is None or value <= rule.at_most
    yield rule.below is None or value < rule.below


def _sentence(language: Language, names: dict[str, str], why: str) -> str:
    return typeset(_MOVED[language].format(**names, why=why), language)


def _value(value: Any, criterion: Criterion, language: Language, currency: str) -> str:
    """Return a value of a criterion in words."""
    if value is None:
        return _NOT_KNOWN[language]
    if criterion.is_code:
        return in_words(str(value), language)
    if criterion.unit == "flag":
        return _YES_NO[language][int(value)]
    return amount(float(value), criterion.told_as, language, currency)


def _plain(value: Any) -> str | None:
    return None if value is None else str(value)
