"""Which segment each client belongs to, by the firm's rules; a client near a threshold does not change every month.

A rule can be read strictly, every threshold moved against the client by its margin, or leniently, moved in the client's
favour. Rules hold no "not", so the strict reading never gives a better segment than the lenient one: a client stays
while the segment of last month lies between the two, and otherwise moves to the nearer of them, once that was asked
for in enough months in a row.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from appetence.errors import UsageError
from appetence.value.segment_rules import Criterion, Rule, SegmentRules

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]
Reading = Literal["as written", "strict", "lenient"]

SEGMENTS = pa.schema(
    [
        pa.field("client_id", pa.string(), nullable=False),
        pa.field("segment", pa.string(), nullable=False),
        pa.field("by_rule", pa.string(), nullable=False),
        pa.field("pending", pa.string()),
        pa.field("pending_months", pa.int64(), nullable=False),
        pa.field("unknown", pa.string()),
        pa.field("criteria", pa.string(), nullable=False),
        pa.field("rules", pa.string(), nullable=False),
    ]
)
"""Columns of `client_segments`; last month's rows are all the state there is."""


@dataclass(frozen=True)
class Values:
    """The criteria of clients: numbers as float64 with NaN for unknown, codes as Arrow text with null."""

    numbers: Mapping[str, Floats]
    codes: Mapping[str, pa.Array]

    def known(self, name: str) -> Flags:
        """Return where a criterion is known."""
        if name in self.numbers:
            return np.asarray(~np.isnan(self.numbers[name]))
        return np.asarray(self.codes[name].is_valid())


def read_values(rules: SegmentRules, facts: pa.Table, prospects: bool = False) -> Values:
    """Read the rules' criteria from a table; a column that is not there is unknown of everyone."""
    numbers, codes = {}, {}
    for criterion in rules.criteria:
        name = criterion.column_of(prospects)
        column = facts[name] if name in facts.column_names else None
        if criterion.is_code:
            codes[criterion.name] = _text(column, len(facts))
        else:
            numbers[criterion.name] = _numbers(column, len(facts), criterion)
    return Values(numbers, codes)


def client_segments(rules: SegmentRules, facts: pa.Table, before: pa.Table | None = None) -> pa.Table:
    """Give every client exactly one segment.

    Parameters
    ----------
    facts
        `client_id`, and the columns that the criteria read.
    before
        The same table of the month before, as published; None where there is none. Clients who are not in it, and all
        clients where it was made by other rules, have the segment that the rules say.

    Returns
    -------
    pyarrow.Table
        As `SEGMENTS`, in the order of `facts`. `by_rule` is what the rules as written say this month; `pending` the
        segment that the client will move to when it was asked for in `pending_months` months in a row up to `confirm`;
        `unknown` the criteria whose values are not known though a better segment hangs on them, comma separated;
        `criteria` their values as JSON, of this month, or, while a move is pending, of the last month without one.
    """
    values = read_values(rules, facts)
    plain, possible = ranks(rules, values)
    clients = facts["client_id"].combine_chunks()
    segment, target, months = plain, np.full(len(facts), -1), np.zeros(len(facts), dtype=np.int64)
    told = values_as_json(rules, values)
    if before is not None and len(before):
        state = _State.of(rules, clients, before)
        strict, lenient = (ranks(rules, values, reading)[0] for reading in ("strict", "lenient"))
        segment, target, months = _moved(state, plain, strict, lenient, rules.confirm)
        told = _kept(told, before, state.row, (target >= 0) & (segment == state.rank))
    names = pa.array(rules.names)
    return pa.Table.from_arrays(
        [
            clients,
            names.take(pa.array(segment)),
            names.take(pa.array(plain)),
            names.take(pa.array(target, mask=target < 0)),
            pa.array(months),
            _unknown(rules, values, possible < plain),
            told,
            pa.repeat(rules.version, len(facts)),
        ],
        schema=SEGMENTS,
    )


def prospect_segments(rules: SegmentRules, facts: pa.Table) -> pa.Table:
    """Say which segment prospects would belong to, as far as is known of them.

    Parameters
    ----------
    facts
        `prospect_id`, and the columns that the criteria name under `prospect`.

    Returns
    -------
    pyarrow.Table
        `prospect_id`; `segment`, null where no rule holds and one might, were more known; `at_best`, the segment it
        would be then; `unknown` as in `client_segments`.
    """
    values = read_values(rules, facts, prospects=True)
    plain, possible = ranks(rules, values)
    names = pa.array(rules.names)
    open_end = (plain == len(rules.names) - 1) & (possible < plain)
    return pa.table(
        {
            "prospect_id": facts["prospect_id"].combine_chunks(),
            "segment": names.take(pa.array(plain, mask=open_end)),
            "at_best": names.take(pa.array(possible)),
            "unknown": _unknown(rules, values, possible < plain),
        }
    )


def ranks(rules: SegmentRules, values: Values, reading: Reading = "as written") -> tuple[Ints, Ints]:
    """Return the place of each client's segment, 0 the best: for certain, and the best it might be, were all known."""
    certain, possible = [], []
    for segment in rules.segments[:-1]:
        holds, may = _holds(rules, segment.when or Rule(), values, reading)
        certain.append(holds)
        possible.append(may)
    return _first(certain), _first(possible)


def bounds(rule: Rule, criterion: Criterion, margin: float, reading: Reading) -> Rule:
    """Return a comparison with its thresholds moved by their margins, against the client or in the client's favour."""
    if reading == "as written" or criterion.is_code or criterion.unit == "flag":
        return rule

    def moved(threshold: float | None, up: bool) -> float | None:
        if threshold is None:
            return None
        by = abs(threshold) * margin if criterion.margin is None else criterion.margin
        return threshold + by if up == (reading == "strict") else threshold - by

    changed = {name: moved(getattr(rule, name), up=True) for name in ("at_least", "above")}
    changed |= {name: moved(getattr(rule, name), up=False) for name in ("at_most", "below")}
    return rule.model_copy(update=changed)


def values_as_json(rules: SegmentRules, values: Values) -> pa.Array:
    """Return the criteria of each client as a JSON object: cast and joined by Arrow, for there are a million."""
    parts: list[pa.Array | str] = []
    for number, criterion in enumerate(rules.criteria):
        parts.append(("{" if number == 0 else ", ") + f'"{criterion.name}": ')
        if criterion.is_code:
            escaped = pc.replace_substring(values.codes[criterion.name], "\\", "\\\\")
            escaped = pc.replace_substring(escaped, '"', '\\"')
            parts.append(pc.fill_null(pc.binary_join_element_wise('"', escaped, '"', ""), "null"))
        else:
            found = values.numbers[criterion.name]
            cast = pa.array(found, mask=~np.isfinite(found)).cast(pa.string())
            parts.append(pc.fill_null(cast, "null"))
    return pc.binary_join_element_wise(*parts, "}", "")


def _holds(rules: SegmentRules, rule: Rule, values: Values, reading: Reading) -> tuple[Flags, Flags]:
    """Return where a rule holds for certain, and where it might if unknown values were known."""
    if rule.criterion is not None:
        known = values.known(rule.criterion)
        criterion = rules.by_criterion[rule.criterion]
        met = _met(bounds(rule, criterion, rules.margin, reading), values)
        return met & known, met | ~known
    parts = [_holds(rules, part, values, reading) for part in rule.parts]
    return _joined(rule, [part[0] for part in parts]), _joined(rule, [part[1] for part in parts])


def _met(rule: Rule, values: Values) -> Flags:
    name = str(rule.criterion)
    if rule.one_of:
        return np.asarray(pc.is_in(values.codes[name], pa.array(rule.one_of)))
    found = values.numbers[name]
    met = np.ones(len(found), dtype=np.bool_)
    with np.errstate(invalid="ignore"):
        met &= True if rule.at_least is None else found >= rule.at_least
        met &= True if rule.above is None else found > rule.above
        met &= True if rule.at_most is None else found <= rule.at_most
        met &= True if rule.below is None else found < rule.below
    return met


def _joined(rule: Rule, parts: list[Flags]) -> Flags:
    if rule.all:
        return np.asarray(np.logical_and.reduce(parts))
    if rule.any:
        return np.asarray(np.logical_or.reduce(parts))
    points = np.zeros(len(parts[0]))
    for part, found in zip(rule.points, parts, strict=True):
        points += part.weight * found
    return np.asarray(points >= (rule.need or 0.0) - 1e-9)  # weights of a tenth add up to a little less than one


def _first(holding: list[Flags]) -> Ints:
    rank = np.full(len(holding[0]), len(holding), dtype=np.int64)
    for place in reversed(range(len(holding))):
        rank[holding[place]] = place
    return rank


@dataclass(frozen=True)
class _State:
    """Last month, in this month's order: row of `before`, place of the segment and of the one pending; -1 for none."""

    row: Ints
    rank: Ints
    pending: Ints
    months: Ints

    @classmethod
    def of(cls, rules: SegmentRules, clients: pa.Array, before: pa.Table) -> _State:
        before = before.combine_chunks()
        same = pc.equal(before["rules"], rules.version)
        row = _places(clients, before["client_id"].filter(same))
        # rows of the filtered table, as rows of the whole
        row = np.where(row < 0, -1, np.flatnonzero(np.asarray(same))[row] if pc.any(same).as_py() else -1)
        taken = before.take(pa.array(np.maximum(row, 0)))
        names = pa.array(rules.names)
        rank = np.where(row < 0, -1, _places(taken["segment"], names))
        pending = np.where(row < 0, -1, _places(taken["pending"], names))
        return cls(row, rank, pending, np.where(pending < 0, 0, taken["pending_months"].to_numpy()))


def _moved(state: _State, plain: Ints, strict: Ints, lenient: Ints, confirm: int) -> tuple[Ints, Ints, Ints]:
    """Return each client's segment, the one that is pending (-1: none), and for how many months."""
    known = state.rank >= 0
    wanted = np.where(known, np.clip(state.rank, lenient, strict), plain)
    way = np.where(known, np.sign(wanted - state.rank), 0)
    going_on = known & (state.pending >= 0) & (way != 0) & (np.sign(state.pending - state.rank) == way)
    # of all that was asked for in these months, the nearest: that much is confirmed by each of them
    nearest = np.where(way > 0, np.minimum(wanted, state.pending), np.maximum(wanted, state.pending))
    confirmed = np.where(going_on, nearest, wanted)
    months = np.where(way == 0, 0, np.where(going_on, state.months, 0) + 1)
    moves = (way != 0) & (months >= confirm)
    segment = np.where(known, np.where(moves, confirmed, state.rank), plain)
    left = np.where(moves, np.where(wanted == confirmed, -1, wanted), np.where(way == 0, -1, confirmed))
    return segment, left, np.where(left < 0, 0, np.where(moves, 1, months))


def _kept(told: pa.Array, before: pa.Table, row: Ints, waiting: Flags) -> pa.Array:
    """Return this month's values, or those of the last month without a move pending, for a client who waits."""
    old = before["criteria"].combine_chunks().take(pa.array(np.maximum(row, 0)))
    return pc.if_else(pa.array(waiting & (row >= 0)), old, told)


def _unknown(rules: SegmentRules, values: Values, matters: Flags) -> pa.Array:
    """Return the names of criteria that are not known, where that matters: one text per set of criteria."""
    flags = np.array([matters & ~values.known(criterion.name) for criterion in rules.criteria])
    sets, which = np.unique(np.packbits(flags, axis=0), axis=1, return_inverse=True)
    held = np.unpackbits(sets, axis=0, count=len(rules.criteria)).T
    texts = [", ".join(c.name for c, lacks in zip(rules.criteria, row, strict=True) if lacks) or None for row in held]
    return pa.array(texts, pa.string()).take(pa.array(which.ravel()))


def _places(values: pa.Array | pa.ChunkedArray, among: pa.Array | pa.ChunkedArray) -> Ints:
    """Return where each value stands; -1 where it does not, or is null."""
    among = among.combine_chunks() if isinstance(among, pa.ChunkedArray) else among
    found = pc.index_in(values, among, skip_nulls=True)
    found = found.combine_chunks() if isinstance(found, pa.ChunkedArray) else found
    return np.asarray(found.fill_null(-1).to_numpy(zero_copy_only=False), dtype=np.int64)


def _text(column: pa.ChunkedArray | None, rows: int) -> pa.Array:
    return pa.nulls(rows, pa.string()) if column is None else column.combine_chunks().cast(pa.string())


def _numbers(column: pa.ChunkedArray | None, rows: int, criterion: Criterion) -> Floats:
    if column is None:
        return np.full(rows, np.nan)
    if pa.types.is_boolean(column.type):
        column = column.cast(pa.int8())
    try:
        found = column.cast(pa.float64())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        column_name = criterion.column or criterion.name
        raise UsageError(
            f"the criterion {criterion.name} must be read from a column of numbers, or have the unit code",
            f"{column_name} of type {column.type}",
        ) from None
    return np.asarray(found.combine_chunks().to_numpy(zero_copy_only=False), dtype=np.float64)
