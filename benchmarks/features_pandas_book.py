"""How the pandas contender of `benchmarks/features.py` reads a book: the cut, the tables' columns, clients by place."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

CHANGES = (3, 6, 12, 24)
DECLARED = ("income", "net_worth", "marital_status", "children", "occupation", "risk_tolerance", "region")
DECLARED += ("preferred_channel",)
LEAST = 100_00
"""Cents: a share of less is null."""


class Cut:
    """The cut, first days of months before it, and months up to it."""

    def __init__(self, day: dt.date) -> None:
        self.day = pd.Timestamp(day)
        self.index = day.year * 12 + day.month - 1

    def before(self, months: int) -> pd.Timestamp:
        return self.day - pd.DateOffset(months=months)

    def lag(self, days: pd.Series) -> pd.Series:
        """Calendar months from a day's month to the cut's."""
        return self.index - (days.dt.year * 12 + days.dt.month - 1)

    def since(self, days: pd.Series) -> pd.Series:
        """Full months from a day to the cut: the last is not full unless the day is a first of a month."""
        return self.lag(days) - (days.dt.day > 1)

    def lately(self, days: pd.Series, months: int) -> pd.Series:
        return (days >= self.before(months)) & (days < self.day)


def read(book: Path, table: str, columns: Sequence[str], filters: list[tuple[str, str, Any]] | None = None) -> Any:
    """Return some columns of a table: texts as categories, money as float64, days as datetime64."""
    path = book / f"{table}.parquet"
    schema = pq.read_schema(path)
    texts = [name for name in columns if pa.types.is_string(schema.field(name).type) and name != "interaction_id"]
    found = pq.read_table(path, columns=list(columns), filters=filters, read_dictionary=texts)
    money = [n for n, field in enumerate(found.schema) if pa.types.is_decimal(field.type)]
    for n in money:
        found = found.set_column(n, columns[n], found.column(n).cast(pa.float64()))
    return found.to_pandas(date_as_object=False)


def cents(amount: pd.Series) -> pd.Series:
    return (amount * 100).round()


def share(part: pd.Series, whole: pd.Series) -> pd.Series:
    return part / whole.where(whole >= LEAST)


def places(values: pd.Series, index: pd.Index) -> np.ndarray:
    """Return where each value of a categorical column is in an index, looking up each category once."""
    of_category = np.append(index.get_indexer(values.cat.categories), -1)
    return of_category[values.cat.codes]


class Clients:
    """All clients, by their place in the table; those who joined before the cut are known."""

    def __init__(self, book: Path, cut: Cut) -> None:
        columns = ["client_id", "household_id", "kind", "birth_date", "joined_on", "source", "referred_by"]
        self.rows = read(book, "clients", columns)
        self.index = pd.Index(self.rows["client_id"].astype("str"))
        self.known = self.rows["joined_on"] < cut.day
        household = self.rows["household_id"].cat.codes.to_numpy().astype("int64")
        alone = household < 0
        # a client without a household is one alone: numbers below zero
        self.household = pd.Series(np.where(alone, -1 - np.arange(len(household)), household))

    def with_places(self, rows: pd.DataFrame) -> pd.DataFrame:
        rows["c"] = places(rows["client_id"], self.index)
        return rows.drop(columns="client_id")

    def counts(self, flags: Mapping[str, pd.Series], rows: pd.DataFrame) -> pd.DataFrame:
        """Return for every client how many rows each condition holds for."""
        return pd.DataFrame(flags).groupby(rows["c"]).sum().reindex(self.rows.index, fill_value=0)


class Facts:
    """What each client had last declared before the cut, and what a year before it."""

    def __init__(self, book: Path, cut: Cut, clients: Clients) -> None:
        columns = ["client_id", "known_on", *DECLARED]
        rows = clients.with_places(read(book, "client_facts", columns, [("known_on", "<", cut.day.date())]))
        rows = rows.sort_values("known_on")
        self.now = rows.drop_duplicates("c", keep="last").set_index("c")
        earlier = rows.loc[rows["known_on"] < cut.before(12), ["c", "net_worth"]]
        self.then = earlier.drop_duplicates("c", keep="last").set_index("c")
