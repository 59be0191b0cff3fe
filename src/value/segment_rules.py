"""Segments of a firm's own: criteria, rules, and what each segment may expect, read from one YAML file."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from appetence.config import Name, Settings, read_settings
from appetence.errors import did_you_mean
from appetence.features.catalogue import Unit

SegmentName = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,19}$")]
Label = Annotated[str, Field(min_length=1, max_length=200)]
_BOUNDS = ("at_least", "above", "at_most", "below", "one_of")
_GROUPS = ("all", "any", "points")


class Text(Settings):
    """Words of the firm in both languages."""

    en: Label
    fr: Label


class Criterion(Settings):
    """What clients are divided by: a column of the feature table, or of what they earned, are worth or scored.

    `column`: left out, the name. `prospect`: the column that says the same of a prospect, if there is one. `unit`: how
    values are told; of a `code` and a `flag` too. `margin`: by how much, in the unit, a threshold must be crossed by
    a client who is in a segment already; left out, the share `margin` of the threshold.
    """

    name: Name
    column: Annotated[str, Field(min_length=1)] | None = None
    prospect: Annotated[str, Field(min_length=1)] | None = None
    label_en: Label
    label_fr: Label
    unit: Literal["money", "share", "months", "years", "count", "score", "code", "flag"] = "score"
    margin: Annotated[float, Field(ge=0)] | None = None

    def column_of(self, prospects: bool) -> str | None:
        """Return the column to read; None where nothing says it of a prospect."""
        return self.prospect if prospects else self.column or self.name

    @property
    def is_code(self) -> bool:
        """Whether values are texts."""
        return self.unit == "code"

    @property
    def told_as(self) -> Unit:
        """The unit as the catalogue has it."""
        return Unit(self.unit)


class Rule(Settings):
    """A comparison of one criterion, or `all`, `any` or `points` of further rules.

    A comparison has bounds (`at_least`, `above`, `at_most`, `below`; a flag is 1 or 0) or, of a code, `one_of`.
    `points` holds when the weights of its rules that hold add up to `need`. A comparison with a value that is not known
    does not hold.
    """

    criterion: Name | None = None
    at_least: float | None = None
    above: float | None = None
    at_most: float | None = None
    below: float | None = None
    one_of: tuple[str, ...] = ()
    all: tuple[Rule, ...] = ()
    any: tuple[Rule, ...] = ()
    points: tuple[Rule, ...] = ()
    need: Annotated[float, Field(gt=0)] | None = None
    weight: Annotated[float, Field(gt=0)] = 1.0

    @model_validator(mode="after")
    def _one_form(self) -> Rule:
        groups = [name for name in _GROUPS if getattr(self, name)]
        bounds = [name for name in _BOUNDS if getattr(self, name) not in (None, ())]
        if len(groups) + (self.criterion is not None) != 1:
            raise ValueError("a rule must be one of: a criterion with its bounds, all, any, points")
        if bool(bounds) != (self.criterion is not None):
            raise ValueError(f"a criterion goes with bounds ({', '.join(_BOUNDS)}), and bounds with a criterion")
        if ("points" in groups) != (self.need is not None):
            raise ValueError("points go with need: the sum of weights from which on the rule holds")
        if self.need is not None and sum(rule.weight for rule in self.points) < self.need:
            raise ValueError("need must be no more than all weights together, or the rule can never hold")
        return self

    @property
    def parts(self) -> tuple[Rule, ...]:
        """The rules that it is made of; none of a comparison."""
        return self.all or self.any or self.points

    def comparisons(self) -> Iterator[Rule]:
        """Yield the comparisons in it, in the order in which they are written."""
        if self.criterion is not None:
            yield self
        for part in self.parts:
            yield from part.comparisons()


class Range(Settings):
    """From where to where a figure is expected; an end left out is open."""

    low: float | None = None
    high: float | None = None


class Expected(Settings):
    """What the firm expects of one client of a segment in a year, in money."""

    revenue: Range = Range()
    cost: Range = Range()
    profit: float | None = None


class Segment(Settings):
    """One segment: who belongs to it, what is expected of it, how it is served, and with which tools."""

    name: SegmentName
    label_en: Label
    label_fr: Label
    when: Rule | None = None
    expected: Expected = Expected()
    service: tuple[Text, ...] = ()
    technology: tuple[Text, ...] = ()


class SegmentRules(Settings):
    """A firm's segments, the best first: a client belongs to the first whose rule holds, the last holds for all.

    `margin`: share of a threshold by which it must be crossed before a client changes segments. `confirm`: months in
    a row in which the rules must ask for the change.
    """

    criteria: Annotated[tuple[Criterion, ...], Field(min_length=1)]
    segments: Annotated[tuple[Segment, ...], Field(min_length=2)]
    margin: Annotated[float, Field(ge=0, le=0.5)] = 0.05
    confirm: Annotated[int, Field(ge=1, le=24)] = 2

    @model_validator(mode="after")
    def _of_one_piece(self) -> SegmentRules:
        mistakes = [*_twice("criteria", [c.name for c in self.criteria]), *_twice("segments", list(self.names))]
        if any((segment.when is None) != (segment is self.segments[-1]) for segment in self.segments):
            mistakes.append("every segment but the last must say `when`; the last is for all others, so without it")
        known = self.by_criterion
        for segment in self.segments:
            for rule in segment.when.comparisons() if segment.when else ():
                criterion = known.get(str(rule.criterion))
                if criterion is None:
                    mistakes.append(
                        f"segment {segment.name}: no criterion {rule.criterion!r}. "
                        + did_you_mean(str(rule.criterion), known)
                    )
                elif criterion.is_code != bool(rule.one_of):
                    mistakes.append(
                        f"segment {segment.name}: {rule.criterion} has the unit {criterion.unit}; "
                        "one_of is for codes, and bounds are for all others"
                    )
        if mistakes:
            raise ValueError("; ".join(mistakes))
        return self

    @property
    def names(self) -> tuple[str, ...]:
        """The segments' names, the best first."""
        return tuple(segment.name for segment in self.segments)

    @property
    def by_criterion(self) -> dict[str, Criterion]:
        """Criteria by their names."""
        return {criterion.name: criterion for criterion in self.criteria}

    @property
    def version(self) -> str:
        """A short hash of what decides: segments given by other rules are not compared."""
        deciding = {
            "criteria": [c.model_dump(mode="json", include={"name", "column", "margin"}) for c in self.criteria],
            "segments": [s.model_dump(mode="json", include={"name", "when"}) for s in self.segments],
            "margin": self.margin,
        }
        return hashlib.sha256(json.dumps(deciding, sort_keys=True).encode()).hexdigest()[:12]


def load_segments(path: Path | str) -> SegmentRules:
    """Read and check a firm's segments.

    Raises
    ------
    UsageError
        The file is missing or breaks the settings; every mistake is told at once.
    """
    return read_settings(path, SegmentRules, "file of segments")


def _twice(what: str, names: list[str]) -> Iterator[str]:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        yield f"{what} must be named once, not twice: {', '.join(twice)}"
