"""Each operation of `expressions` on both engines, over values on which engines differ."""

from __future__ import annotations

import datetime as dt
import math
import random
from decimal import Decimal

import pyarrow as pa
import pytest

from appetence.book import open_book
from appetence.book.spark import SparkBook
from appetence.config import BookSettings
from appetence.features import expressions as x

DAYS = [
    None,
    dt.date(1, 1, 1),
    dt.date(1500, 2, 28),
    dt.date(1582, 10, 14),
    dt.date(1900, 2, 28),
    dt.date(1900, 3, 1),
    dt.date(1970, 1, 1),
    dt.date(1999, 12, 31),
    dt.date(2000, 2, 29),
    dt.date(2019, 1, 31),
    dt.date(2019, 2, 28),
    dt.date(2019, 3, 1),
    dt.date(2020, 1, 31),
    dt.date(2020, 2, 28),
    dt.date(2020, 2, 29),
    dt.date(2020, 3, 1),
    dt.date(2020, 12, 31),
    dt.date(2021, 1, 1),
    dt.date(9999, 12, 31),
]
TEXTS = [
    None,
    "",
    "Plainte",
    "PLAINTE\n",
    "\nplainte",
    "une\nplainte\r\nvive",
    "pla\nnte",
    "pla\rnte",
    "pla\u2028nte",
    "pla\u0085nte",
    "pla\tnte",
    "pla\u00a0nte",
    "PLAİNTE",
    "plaıNTE",
    "réclamation d’ŒUVRE Ça À ÿ Ÿ Ñ",
    "re\u0301clamation",
    "Straße ẞ ﬁn K Å Σίσυφος",
    "back\\slash 'quote' \"double\" % _ ` $ {x}",
    "été 2020 100 %",
    "𝒫lainte 😀 plainte",
    "plainte ",
]
PATTERNS = [
    "plainte",
    "^plainte$",
    "plainte$",
    "^plainte",
    "pla.nte",
    r"pla\snte",
    r"(^|\W)plainte(\W|$)",
    "(^|[^a-z0-9])plainte([^a-z0-9]|$)",
    "reclamation d.oeuvre ca a y y n$",
    r"\\slash 'quote' \"double\" % _ ` \$ \{x\}",
    "[^a-z0-9]{3}",
    "ete \\d{4}",
    "œuvre",
    "fin",
]
WHOLE = [None, 0, 1, -1, 7, -7, 11, -13, 10**16, -(10**16) + 1]
FLOATS = [None, 0.0, -0.0, 1.5, -2.25, 1e-300, 1e300, math.inf, -math.inf, math.nan]


@pytest.fixture(scope="module")
def engines(spark, write_book, tmp_path_factory):
    """Return an empty book on DuckDB and on Spark."""
    settings = BookSettings(
        directory=str(write_book(tmp_path_factory.mktemp("engines") / "book", {})),
        observed_from=dt.date(2019, 1, 1),
        observed_until=dt.date(2021, 1, 1),
    )
    with open_book(settings) as on_duckdb, SparkBook(settings, spark) as on_spark:
        yield on_duckdb, on_spark


@pytest.fixture(scope="module")
def both(engines):
    """Return a function that runs an expression over rows on DuckDB and on Spark."""

    def run(build, **columns):
        data = pa.table(columns)
        data = data.append_column("n", pa.array(range(data.num_rows), pa.int64()))
        return [book.execute(build(book.memtable("rows", data))) for book in engines]

    return run


def same(both, build, **columns):
    """Run over rows, one by one; return what both engines agree on."""
    duckdb, spark = both(lambda t: t.select("n", **build(t)).order_by("n"), **columns)
    assert_same(duckdb, spark)
    return duckdb


def assert_same(duckdb, spark):
    """Compare bit by bit: a NaN is a NaN, and a negative zero is none."""
    assert spark.schema == duckdb.schema
    told = [
        (name, *pair)
        for name in duckdb.column_names
        for pair in enumerate(zip(duckdb[name].to_pylist(), spark[name].to_pylist(), strict=True))
    ]
    assert [f"{name}, row {row}: {pair}" for name, row, pair in told if repr(pair[0]) != repr(pair[1])] == []


def pairs(values, others=None):
    found = [(one, two) for one in values for two in (values if others is None else others)]
    return [one for one, _ in found], [two for _, two in found]


def test_months_between_days(both):
    later, earlier = pairs(DAYS)
    found = same(
        both,
        lambda t: {
            "between": x.months_between(t.later, t.earlier),
            "index": x.month_index(t.later),
            "age": x.age_at(t.later, t.earlier),
            "lately": x.in_months_before(t.earlier, x.month_index(t.later), 12),
            "order": x.newest_order(t.later, t.earlier.cast("string")),
        },
        later=pa.array(later, pa.date32()),
        earlier=pa.array(earlier, pa.date32()),
    )
    row = next(r for r in found.to_pylist() if r["order"] == "2020-02-29|2019-01-31")
    assert (row["between"], row["age"], row["lately"]) == (12, 1, False)


def test_ratios_of_whole_numbers(both):
    part, whole = pairs(WHOLE)
    same(
        both,
        lambda t: {
            "ratio": x.ratio(t.part, t.whole),
            "change": x.relative_change(t.part, t.whole, 1),
            "least": x.at_least(t.part, 7),
            "money": x.money(t.part),
            "remainder": x.remainder(t.part, 7),
        },
        part=pa.array(part, pa.int64()),
        whole=pa.array(whole, pa.int64()),
    )


def test_ratios_of_floats(both):
    part, whole = pairs(FLOATS)
    same(
        both,
        lambda t: {"ratio": x.ratio(t.part, t.whole), "least": x.at_least(t.part, 1)},
        part=pa.array(part, pa.float64()),
        whole=pa.array(whole, pa.float64()),
    )


def test_matches(both):
    same(both, lambda t: {pattern: x.matches(t.text, pattern) for pattern in PATTERNS}, text=TEXTS)


def test_slope_and_mean(both):
    rng = random.Random(3)  # noqa: S311 - test data
    rows = [[rng.choice([None, 0, rng.randrange(-(10**9), 10**9)]) for _ in range(6)] for _ in range(60)]
    columns = {f"y{n}": pa.array([row[n] for row in rows], pa.int64()) for n in range(6)}
    same(
        both,
        lambda t: {"slope": x.slope([t[y] for y in columns]), "mean": x.mean([t[y] for y in columns])},
        **columns,
    )


def test_cents(both):
    amounts = [None, "0.00", "-0.01", "0.29", "-1.15", "99999999999999.99", "-99999999999999.99"]
    amounts = [amount and Decimal(amount) for amount in amounts]
    same(
        both,
        lambda t: {"cents": x.cents(t.a), "money": x.money(x.cents(t.a)), "float": t.a.cast("float64")},
        a=pa.array(amounts, pa.decimal128(18, 2)),
    )


def test_totals_and_counts(both):
    yes = [None, True, False]
    values, flags = pairs(WHOLE[:8], yes)
    groups = [n % 5 for n in range(len(values))] + [5, 6]
    values, flags = [*values, None, 1], [*flags, True, None]

    def build(t):
        return (
            t.group_by("g")
            .agg(
                total=x.total(t.v),
                some=x.total(t.v, t.f),
                count=x.count_where(t.f),
                any=t.f.any(),
                distinct=t.v.nunique(where=t.f),
                least=t.v.min(where=t.f),
                most=t.v.max(where=t.f),
            )
            .order_by("g")
        )

    assert_same(*both(build, g=groups, v=pa.array(values, pa.int64()), f=pa.array(flags, pa.bool_())))


def test_the_latest_with_ties_and_nulls(both):
    rng = random.Random(4)  # noqa: S311 - test data
    rows = 120
    days = [rng.choice([None, dt.date(2020, 2, 29), dt.date(2020, 3, 1)]) for _ in range(rows)]

    def build(t):
        return t.group_by("g").agg(latest=x.latest_known(t.v, t.day, t.key, t.f)).order_by("g")

    duckdb, spark = both(
        build,
        g=[n % 24 for n in range(rows)],  # small groups, some without any day or key
        v=pa.array([rng.choice([None, n]) for n in range(rows)], pa.int64()),
        day=pa.array(days, pa.date32()),
        key=[rng.choice([None, str(n), f"é{n}"]) for n in range(rows)],
        f=pa.array([rng.choice([None, True, True, False]) for _ in range(rows)], pa.bool_()),
    )
    assert_same(duckdb, spark)


@pytest.mark.parametrize("engine", [0, 1])
def test_a_sum_that_overflows_is_refused(engines, engine):
    book = engines[engine]
    table = book.memtable("rows", pa.table({"v": pa.array([2**62, 2**62], pa.int64())}))
    with pytest.raises(Exception, match=r"out of bounds|ARITHMETIC_OVERFLOW"):
        book.execute(table.agg(total=x.total(table.v)))
