"""Key figures of a book of business at every level of the firm: value, trend, year to date and rank, month by month."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from appetence.book import Book
from appetence.config import MultipleSettings
from appetence.errors import UsageError
from appetence.models.verdicts import Verdict
from appetence.months import shift
from appetence.value.book_value import BookValues, rolled, value_books
from appetence.value.held_months import MOST, Window
from appetence.value.kpi_catalogue import FLOWS, KPIS, MISSING, Kind, Kpi
from appetence.value.kpi_clients import add_scores
from appetence.value.kpi_components import YEAR, Components, read_components
from appetence.value.units import Units, read_units

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

HISTORY = 24
"""Months shown."""

BEFORE = 24
"""Months looked at before the first one shown, for its trend, and for the trend of its year before."""

LEAST_CLIENTS = 20
"""Clients of a unit below which it has no rank: a rate of a handful of clients is chance."""

BOOK_KPIS = pa.schema(
    [
        pa.field("month", pa.date32(), nullable=False),
        pa.field("level", pa.string(), nullable=False),
        pa.field("unit_id", pa.string(), nullable=False),
        pa.field("kpi", pa.string(), nullable=False),
        pa.field("detail", pa.string(), nullable=False),
        pa.field("value", pa.float64()),
        pa.field("numerator", pa.int64(), nullable=False),
        pa.field("denominator", pa.int64()),
        pa.field("previous_year", pa.float64()),
        pa.field("trend", pa.float64()),
        pa.field("year_to_date", pa.float64()),
        pa.field("rank", pa.int64()),
        pa.field("of", pa.int64()),
    ]
)
"""Columns of `book_kpis`.

`value` is in the unit of the catalogue. `numerator` and `denominator` are whole numbers (cents, clients, months,
billionths) that add up from advisors to the company; those of a change of a ratio are of the month itself.
`previous_year` is the value of the same month a year before, `trend` the change since: a share of it for money and
counts, else the difference. `rank`: 1 is the best of the level; units of the same value share one.
"""


@dataclass(frozen=True)
class BookKpis:
    """Key figures, and what they were made of.

    Attributes
    ----------
    table
        `BOOK_KPIS`, by month, unit from the top, and catalogue; figures that nothing is known of are not in it.
    units
        The firm's units.
    components
        What figures were added up from.
    values
        Book values of advisors by terms; None in a book without revenue.
    left_out
        Per figure that the book cannot give, why.
    """

    table: pa.Table
    units: Units
    components: Components
    values: BookValues | None
    left_out: Mapping[str, Verdict]


def book_kpis(
    book: Book,
    cut: dt.date,
    scores: Mapping[dt.date, pa.Table] | None = None,
    settings: MultipleSettings | None = None,
    months: int = HISTORY,
    least_clients: int = LEAST_CLIENTS,
) -> BookKpis:
    """Return the key figures of the months before a cut, each as it was known at its own cut.

    Parameters
    ----------
    cut
        Of the newest month.
    scores
        Per cut, what its scores told of clients; see `appetence.value.kpi_clients.add_scores`.
    settings
        Of the multiple in book values.
    months
        Shown, at most 36.
    least_clients
        Of a unit, below which it has no rank.

    Raises
    ------
    UsageError
        More months than that.
    """
    if not 1 <= months <= MOST - BEFORE:
        raise UsageError(f"between 1 and {MOST - BEFORE} months of key figures can be told", months)
    units = read_units(book)
    found = read_components(book, units, Window(cut, months + BEFORE))
    add_scores(book, found, units, scores or {})
    values = value_books(found, settings or MultipleSettings())
    if values is not None:
        found.add("book_value", values.total, values.known)
    return BookKpis(tabulate(found, units, months, least_clients), units, found, values, _left_out(found))


def tabulate(found: Components, units: Units, months: int, least_clients: int) -> pa.Table:
    """Return `BOOK_KPIS` of the last `months` cuts, from components of advisors."""
    sums = _Sums(found, units)
    counted = sums.of("clients")[0]
    names, columns = [], []
    for kpi in KPIS:
        for detail in found.details(kpi.of):
            column = _column(kpi, detail, sums, units, counted >= least_clients)
            names.append((kpi.name, detail))
            columns.append({name: values[:, -months:] for name, values in column.items()})
    cuts = [shift(found.window.cut, -ago - 1) for ago in reversed(range(months))]
    return _long(names, columns, units, cuts, _empty(found, units))


def _empty(found: Components, units: Units) -> Flags:
    """Return (units,) whether a unit is that of clients without an advisor, where there are none."""
    any_of_them = any(sums[-1].any() for sums in found.sums.values())
    return ~units.ranked & (not any_of_them)


class _Sums:
    """Components at all units, and what of them is known."""

    def __init__(self, found: Components, units: Units) -> None:
        self.found, self._units = found, units
        self._kept: dict[tuple[str, str, bool], tuple[Ints, Flags]] = {}

    def of(self, name: str, detail: str = "", since_january: bool = False) -> tuple[Ints, Flags]:
        """Return (units, cuts) sums: of flows those of 12 months, or since January."""
        key = (name, detail, since_january)
        if key not in self._kept:
            detail = detail if (name, detail) in self.found.sums else ""
            if name not in FLOWS:
                sums, known = self.found.sums[name, detail], self.found.known[name]
            elif since_january:
                sums, known = self._since_january(name, detail)
            else:
                sums, known = rolled(self.found, name, detail)
            self._kept[key] = self._units.add_up(sums), known
        return self._kept[key]

    def _since_january(self, name: str, detail: str) -> tuple[Ints, Flags]:
        sums, known = self.found.sums[name, detail].copy(), self.found.known[name].copy()
        # cut j ends a month: the sums start anew at the one that ends January
        starts = (self.found.window.first + np.arange(sums.shape[1])) % YEAR == 1
        known[0] &= starts[0]
        for j in range(1, sums.shape[1]):
            if not starts[j]:
                sums[:, j] += sums[:, j - 1]
                known[j] &= known[j - 1]
        return sums, known


def _column(kpi: Kpi, detail: str, sums: _Sums, units: Units, large: Flags) -> dict[str, npt.NDArray[np.generic]]:
    """Return the columns of one figure, (units, cuts) each; NaN and -1 for null."""
    of, over = sums.of(kpi.of, detail), None if kpi.over is None else sums.of(kpi.over, detail)
    value = _formula(kpi, of, over)
    before = _earlier(value, YEAR)
    trend = value - before
    if kpi.relative_trend:
        trend = np.where(before > 0, trend / np.where(before > 0, before, 1.0), np.nan)
    rank, among = _ranks(kpi, value, units, large)
    numerator, denominator = of[0], np.full_like(of[0], -1) if over is None else over[0]
    if kpi.kind is Kind.GROWTH:
        denominator = np.zeros_like(of[0])
        denominator[:, YEAR:] = of[0][:, :-YEAR]
        numerator = of[0] - denominator
    return {
        "value": value,
        "numerator": numerator,
        "denominator": denominator,
        "previous_year": before,
        "trend": trend,
        "year_to_date": _year_to_date(kpi, detail, sums, value),
        "rank": rank,
        "of": among,
    }


def _formula(kpi: Kpi, of: tuple[Ints, Flags], over: tuple[Ints, Flags] | None, lag: int | Ints = YEAR) -> Floats:
    a = np.where(of[1], of[0], np.nan)
    if kpi.kind is Kind.LEVEL:
        return np.asarray(a * kpi.scale)
    if kpi.kind is Kind.GROWTH:
        then = _earlier(a, lag)
        return _ratio(a - then, then)
    if over is None:
        raise UsageError("a ratio must be over something", kpi.name)
    ratio = _ratio(a, np.where(over[1], over[0], np.nan)) * kpi.scale
    return ratio - _earlier(ratio, lag) if kpi.kind is Kind.CHANGE else ratio


def _year_to_date(kpi: Kpi, detail: str, sums: _Sums, value: Floats) -> Floats:
    """Return a figure since the beginning of the year; see `Kpi.since_january`."""
    window = sums.found.window
    lag = (window.first + np.arange(window.size) - 1) % YEAR + 1
    if kpi.year_to_date is not None:
        of, over = (sums.of(name) for name in kpi.year_to_date)
        return _formula(kpi, of, over)
    if kpi.since_january == "change":
        # of a change, the change since the beginning of the year is what the ratio itself has changed by
        if kpi.kind is Kind.CHANGE:
            return _formula(kpi, sums.of(kpi.of, detail), sums.of(kpi.over or "", detail), lag)
        return value - _earlier(value, lag)
    if kpi.kind is Kind.GROWTH:
        if kpi.flows:  # against the same months of last year
            return _formula(kpi, sums.of(kpi.of, detail, True), None)
        return _formula(kpi, sums.of(kpi.of, detail), None, lag)
    whole = None if kpi.over is None else sums.of(kpi.over, detail, True)
    return _formula(kpi, sums.of(kpi.of, detail, True), whole)


def _ranks(kpi: Kpi, value: Floats, units: Units, large: Flags) -> tuple[Ints, Ints]:
    """Return the rank of each unit among those of its level, and of how many; -1 where it has none."""
    rank, among = np.full(value.shape, -1, dtype=np.int64), np.full(value.shape, -1, dtype=np.int64)
    if kpi.higher_is_better is None:
        return rank, among
    better = -value if kpi.higher_is_better else value
    levels = np.array(units.level)
    for level in dict.fromkeys(units.level):
        mine = np.flatnonzero((levels == level) & units.ranked)
        for j in range(value.shape[1]):
            counted = mine[large[mine, j] & np.isfinite(better[mine, j])]
            ordered = np.sort(better[counted, j])
            rank[counted, j] = np.searchsorted(ordered, better[counted, j], side="left") + 1
            among[counted, j] = len(counted)
    return rank, among


def _long(
    names: Sequence[tuple[str, str]],
    columns: Sequence[Mapping[str, npt.NDArray[np.generic]]],
    units: Units,
    cuts: Sequence[dt.date],
    empty: Flags,
) -> pa.Table:
    """Stack (units, cuts) columns of all figures to one row each: by month, unit, figure."""
    shape = (len(cuts), len(units), len(names))
    stacked = {
        name: np.stack([column[name] for column in columns], axis=2).transpose(1, 0, 2).reshape(-1)
        for name in ("value", "numerator", "denominator", "previous_year", "trend", "year_to_date", "rank", "of")
    }
    told = np.isfinite(stacked["value"]).reshape(shape)
    told[:, empty] = False
    kept = np.flatnonzero(told)
    month, unit, figure = (place.astype(np.int32) for place in np.unravel_index(kept, shape))

    def text(codes: npt.NDArray[np.int32], values: Sequence[str]) -> pa.Array:
        return pa.DictionaryArray.from_arrays(codes, pa.array(values, pa.string())).cast(pa.string())

    found = {
        "month": pa.array(np.array(cuts, dtype="datetime64[D]")[month]),
        "level": text(unit, units.level),
        "unit_id": text(unit, units.unit_id),
        "kpi": text(figure, [name for name, _ in names]),
        "detail": text(figure, [detail for _, detail in names]),
    }
    for name, values in stacked.items():
        picked = values[kept]
        missing = ~np.isfinite(picked) if picked.dtype == np.float64 else picked < 0
        nullable = name != "numerator"
        found[name] = pa.array(picked, mask=missing if nullable else None)
    return pa.table(found).cast(BOOK_KPIS)


def _ratio(a: Floats, b: Floats) -> Floats:
    return np.where(b > 0, a / np.where(b > 0, b, 1.0), np.nan)


def _earlier(values: Floats, lag: int | Ints) -> Floats:
    """Return what stood `lag` cuts before each; NaN where that lies before the first."""
    place = np.arange(values.shape[1]) - lag
    return np.where(place >= 0, values[:, np.maximum(place, 0)], np.nan)


def _left_out(found: Components) -> dict[str, Verdict]:
    missing = {}
    for kpi in KPIS:
        lacking = [name for name in kpi.needs if not found.details(name)]
        if lacking:
            missing[kpi.name] = Verdict(*MISSING[lacking[0]])
    return missing
