"""The operations in which engines differ silently: one definition each, the same on DuckDB and Spark.

Money is summed in whole cents, so that a sum is exact and does not depend on the order in which threads add.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import ibis

from appetence.book.clocks import age_at, in_months_before, month_index, months_between
from appetence.errors import UsageError

__all__ = [
    "ACCENTED",
    "PLAIN",
    "age_at",
    "at_least",
    "cents",
    "count_where",
    "in_months_before",
    "latest_known",
    "matches",
    "mean",
    "money",
    "month_index",
    "months_ahead",
    "months_between",
    "newest_order",
    "ratio",
    "relative_change",
    "remainder",
    "slope",
    "total",
    "united",
]


def cents(amount: Any) -> Any:
    """Return a decimal amount in whole cents (integer)."""
    return (amount * 100).cast("int64")


def money(amount_in_cents: Any) -> Any:
    """Return an amount in whole cents as a float in the book's currency."""
    return amount_in_cents.cast("float64") / 100


def months_ahead(month: Any, cut_index: Any) -> Any:
    """Return in how many months, 0 to 11, the month of the year comes back."""
    return remainder(month - cut_index, 12)


def total(values: Any, where: Any = None) -> Any:
    """Return the sum of integers; 0 over no rows, where SQL has null."""
    return values.sum(where=where).fill_null(0).cast("int64")


def count_where(condition: Any) -> Any:
    """Return the number of rows for which a condition holds; null counts as no."""
    return condition.count(where=condition).fill_null(0).cast("int64")


def ratio(part: Any, whole: Any) -> Any:
    """Return part / whole as a float; null where the whole is zero or either is null.

    Division by zero is null on one engine, infinite on another, and an error on a third.
    """
    return part.cast("float64") / whole.cast("float64").nullif(0.0)


def at_least(amount: Any, least: int) -> Any:
    """Return the amount, null below `least`."""
    return (amount >= least).ifelse(amount, None)


def relative_change(now: Any, then: Any, least: int) -> Any:
    """Return (now - then) / then, -1 where `now` is negative; null where `then` is below `least`, which is positive."""
    return ratio(ibis.greatest(now, 0) - then, at_least(then, least))


def latest_known(value: Any, day: Any, key: Any, where: Any) -> Any:
    """Return the value of the newest row of each group, ties broken by the greatest `key` (text).

    `first(order_by)` and `arg_max` with ties pick any row; one text that orders by day, then key, has no ties. A row
    without a day or key is left out: engines differ on a group that has no other.
    """
    order = newest_order(day, key)
    return value.argmax(order, where=where & order.notnull())


def newest_order(day: Any, key: Any) -> Any:
    """Return a text that orders facts by day, then by key, and is never the same for two of them."""
    return day.cast("string") + "|" + key


ACCENTED = "àáâãäåçèéêëìíîïñòóôõöùúûüýÿ"
PLAIN = "aaaaaaceeeeiiiinooooouuuuyy"
"""Letters with accents, and at the same place without; œ becomes two letters and stands apart."""

_BREAKS = "\n\r\v\x85\u2028\u2029"
"""Line breaks, in any alphabet: engines differ on which of them `.` matches, and whether `$` holds before the last."""

_LOOSE = "\u0300\u0301\u0302\u0303\u0307\u0308\u0327"
"""Accents that follow their letter; the one on the `i` of a Turkish text comes of lower case on some engines only."""

_UNLIKE = re.compile(r"\\[bB]|&&|(?<!\\)\[[^\]]*(?<!\\)\[")
"""In a pattern: what engines read differently, with text in any alphabet."""


def matches(text: Any, pattern: str) -> Any:
    """Return whether a text, in lower case and without accents, holds a match of a regular expression; null is no.

    With plain letters only, a pattern need not know what each engine takes for a letter. Line breaks are blanks.

    Raises
    ------
    UsageError
        A pattern that engines read differently.
    """
    if _UNLIKE.search(pattern):
        raise UsageError(
            "a pattern must find the same on every engine",
            repr(pattern),
            "Without \\b, [:classes:], && and brackets in brackets: write a word's end as ([^a-z0-9]|$)",
        )
    plain = text.lower().translate(ACCENTED + _BREAKS + _LOOSE, PLAIN + " " * len(_BREAKS))
    return plain.replace("œ", "oe").re_search(pattern).fill_null(False)


def remainder(whole: Any, divisor: int) -> Any:
    """Return what is left of an integer by a positive divisor, from 0 to below it.

    Of a negative number, engines differ on the sign of the remainder.
    """
    return (whole % divisor + divisor) % divisor


@ibis.udf.agg.builtin(name="bit_or")
def _bit_or(sets: int) -> int:  # type: ignore[empty-body]
    """Every engine has it; Ibis knows it of one only."""


def united(sets: Any, where: Any = None) -> Any:
    """Return the union of sets that are whole numbers, a bit for each element; empty over no rows."""
    return _bit_or(sets, where=where).fill_null(0)


def slope(series: Sequence[Any]) -> Any:
    """Return the least-squares slope of a row's integers at x = 1, 2, …; nulls are left out.

    (n Σxy - Σx Σy) / (n Σx² - (Σx)²), all sums exact; null with fewer than two values.
    """
    seen = [value.notnull().cast("int64") for value in series]
    kept = [value.fill_null(0) for value in series]
    n = sum(seen)
    sum_x = sum(x * one for x, one in enumerate(seen, start=1))
    sum_xx = sum(x * x * one for x, one in enumerate(seen, start=1))
    sum_y = sum(kept)
    sum_xy = sum(x * value for x, value in enumerate(kept, start=1))
    return ratio(n * sum_xy - sum_x * sum_y, n * sum_xx - sum_x * sum_x)


def mean(series: Sequence[Any]) -> Any:
    """Return the mean of a row's integers; nulls are left out."""
    return ratio(sum(value.fill_null(0) for value in series), sum(value.notnull().cast("int64") for value in series))
