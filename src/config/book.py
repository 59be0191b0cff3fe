"""Where the client book is, and how the firm's own tables become it."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal

from pydantic import Field, model_validator

from appetence.config.settings import ColumnName, Name, PathText, Settings


class CsvFile(Settings):
    """A delimited text file. Nothing about it is guessed; a column with no type is text.

    `century` (say 1900) is needed where `date_format` holds a two-digit year: all years lie in that century.
    """

    format: Literal["csv"]
    path: PathText
    encoding: str = "utf-8"
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] = ","
    quote: Annotated[str, Field(max_length=1)] = '"'
    decimal: Literal[".", ","] = "."
    thousands: Literal["", " ", ".", ",", "'"] = ""
    date_format: str = "%Y-%m-%d"
    century: Annotated[int, Field(ge=1700, le=2100, multiple_of=100)] | None = None
    null_values: tuple[str, ...] = ("",)
    columns: dict[ColumnName, Literal["text", "date", "number", "integer"]] = {}

    @model_validator(mode="after")
    def _unambiguous(self) -> CsvFile:
        if "%y" in self.date_format and self.century is None:
            raise ValueError("date_format has a two-digit year (%y): say which century, e.g. century: 1900")
        if self.thousands and self.thousands == self.decimal:
            raise ValueError("the thousands mark and the decimal mark must differ")
        return self


class ParquetFile(Settings):
    """A Parquet file, or several by a glob."""

    format: Literal["parquet"]
    path: PathText


class DuckdbTable(Settings):
    """A table of a DuckDB database, opened read-only."""

    format: Literal["duckdb"]
    path: PathText
    table: str


Source = Annotated[CsvFile | ParquetFile | DuckdbTable, Field(discriminator="format")]


class SimulateSettings(Settings):
    """A book made up by the simulator, for demos and tests."""

    clients: Annotated[int, Field(ge=50, le=5_000_000)] = 6_000
    months: Annotated[int, Field(ge=12, le=240)] = 48
    first_month: Annotated[str, Field(pattern=r"^\d{4}-(0[1-9]|1[0-2])$")] = "2021-01"
    seed: Annotated[int, Field(ge=0)] = 7


class BookSettings(Settings):
    """Where the client book is.

    Either `directory` (one Parquet file per table of the contract, as the simulator writes), or `sources` (the firm's
    files, each under a name) with `views` (per table of the contract, one SQL query over those names).

    `observed_from` and `observed_until` bound what the firm's records can show: events before the first day, or from
    the second day on, would not be in them. Left out, they are read off the balances, else off the newest dated fact.
    """

    directory: PathText | None = None
    simulate: SimulateSettings | None = None
    sources: dict[Name, Source] = {}
    views: dict[str, str] = {}
    extra_columns: dict[str, dict[ColumnName, Literal["text", "number", "date"]]] = {}
    observed_from: dt.date | None = None
    observed_until: dt.date | None = None

    @model_validator(mode="after")
    def _one_way(self) -> BookSettings:
        if (self.directory is None) == (not self.views):
            raise ValueError("give either directory, or sources with views")
        if self.simulate is not None and self.directory is None:
            raise ValueError("simulate needs a directory to write to")
        for day in (self.observed_from, self.observed_until):
            if day is not None and day.day != 1:
                raise ValueError(f"observed_from and observed_until must be first days of a month, not {day}")
        return self
