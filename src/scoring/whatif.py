"""What a published month is worth with another mix of clients: its tables, read back by segment, and the answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from appetence.book import Book, open_book
from appetence.config import Config, FeatureSettings
from appetence.errors import UsageError
from appetence.explain.wording import Language
from appetence.features.own import load_own
from appetence.features.pipeline import available, build_features, shape_of
from appetence.months import Month
from appetence.scoring.published import published_run
from appetence.scoring.tables import CLIENT_SCORES, SEGMENTS
from appetence.value.segment_facts import OF_VALUE, columns_needed, segment_facts
from appetence.value.segment_rules import SegmentRules, load_segments
from appetence.value.segments import client_segments
from appetence.value.whatif import Scenario, SegmentBook, WhatIf, expected_book, segment_book, what_if
from appetence.value.whatif_reach import Needed, needed_for
from appetence.value.whatif_words import told

HELD = "products_held"
"""The feature that says how deep a relationship is."""


@dataclass(frozen=True)
class WhatIfAnswer:
    """What a scenario does, and what it would take to reach a rise."""

    month: str | None
    found: WhatIf
    rise: float
    needed: tuple[Needed, ...]
    currency: str
    language: Language

    def as_dict(self) -> dict[str, Any]:
        """Return it for JSON."""
        found = self.found
        when = ("before", "after")
        return {
            "month": self.month,
            "mix": {
                each: dict(zip(found.names, map(float, found.mix[at]), strict=True)) for at, each in enumerate(when)
            },
            "value": dict(zip(when, found.value, strict=True)),
            "profit": dict(zip(when, found.profit, strict=True)),
            "multiple": dict(zip(when, found.multiple, strict=True)),
            "change": found.change,
            "effects": dict(found.effects),
            "rise": self.rise,
            "needed": [vars(lever) for lever in self.needed],
        }

    def lines(self) -> Iterator[str]:
        """Return it for a reader."""
        return told(self.found, self.rise, self.needed, self.language, self.currency)


def answer_what_if(
    config: Config,
    scenario: Scenario,
    rise: float,
    today: Mapping[str, float] | None,
    month: str | None,
    language: Language,
) -> WhatIfAnswer:
    """Answer a what-if of a published month or, where `today` gives a mix, of a book as the firm's segments expect it.

    Raises
    ------
    UsageError
        The config names no segments, or the scenario cannot be.
    PublicationError
        The month is not published.
    """
    rules = _rules(config)
    if today is None:
        chosen, table = whatif_inputs(config, month)
        book = segment_book(table, rules.names, _expected(rules))
    else:
        chosen, book = None, expected_book(rules.names, today, _expected(rules))
    return _answer(book, scenario, rise, config, chosen, language)


def whatif_inputs(config: Config, month: str | None) -> tuple[str, pa.Table]:
    """Return the clients of a published month as a what-if needs them, and the month.

    Returns
    -------
    str, pyarrow.Table
        The month, the newest one where none is given; and `client_id`, `segment` (as published, or by the rules as
        written where the month was published with other rules or none), `profit`, `value`, `retention` of a year,
        `holdings`.
    """
    rules = _rules(config)
    chosen, scores, segments = _published(Path(config.scoring.database), month)
    with open_book(config.book) as book:
        cut = Month.parse(chosen).cut
        facts = _facts(book, config.features, rules, scores, cut)
    if len(segments) == 0 or segments["rules"][0].as_py() != rules.version:
        segments = client_segments(rules, facts)
    table = {
        "client_id": facts["client_id"],
        "segment": segments["segment"],
        "profit": _figures(scores, "past_profit"),
        "value": _figures(scores, "lifetime_value"),
        "retention": pc.subtract(1.0, _figures(scores, "attrition_12m")),
        "holdings": facts[HELD],
    }
    return chosen, pa.table(table)


def _answer(
    book: SegmentBook, scenario: Scenario, rise: float, config: Config, month: str | None, language: Language
) -> WhatIfAnswer:
    rate, months = config.value.discount_rate, config.value.horizon
    found = what_if(book, scenario, rate, months)
    needed = needed_for(rise, book, scenario, rate, months)
    return WhatIfAnswer(month, found, rise, needed, config.currency, language)


def _rules(config: Config) -> SegmentRules:
    if config.value.segments is None:
        hint = "For example value: {segments: configs/segments/kronos.yaml}"
        raise UsageError("the config must name the firm's segments", "no value.segments", hint)
    return load_segments(config.value.segments)


def _expected(rules: SegmentRules) -> dict[str, float]:
    return {each.name: each.expected.profit for each in rules.segments if each.expected.profit is not None}


def _facts(book: Book, settings: FeatureSettings, rules: SegmentRules, scores: pa.Table, cut: Any) -> pa.Table:
    """Return what the rules and the what-if read, building only the groups of features that hold it."""
    known, _ = available(book, shape_of(book, settings), settings, load_own(settings.own))
    groups = {feature.name: feature.group for feature in known}
    wanted = columns_needed(rules, [*groups, *OF_VALUE, *scores.column_names])
    needed = {groups[name] for name in (*wanted, HELD) if name in groups}
    narrow = settings.model_copy(update={"groups": tuple(name for name in settings.groups if name in needed)})
    spine = pa.table({"client_id": scores["client_id"], "cut": pa.array([cut] * len(scores), pa.date32())})
    return segment_facts(book, cut, build_features(book, spine, narrow).data, scores)


def _published(database: Path, month: str | None) -> tuple[str, pa.Table, pa.Table]:
    """Return the month, its client scores, less columns of which nothing is known, and its segments, in one order."""
    with published_run(database, None if month is None else Month.parse(month)) as run:
        shown = run.month
        scores = run.rows(CLIENT_SCORES.name, CLIENT_SCORES.schema.names).sort_by("client_id")
        segments = run.rows(SEGMENTS.name, SEGMENTS.schema.names).sort_by("client_id")
    told = [name for name in scores.column_names if scores[name].null_count < len(scores)]
    return shown, scores.select(told), segments


def _figures(scores: pa.Table, name: str) -> pa.ChunkedArray:
    return scores[name] if name in scores.column_names else pa.chunked_array([pa.nulls(len(scores), pa.float64())])
