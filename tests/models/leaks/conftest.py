"""A clean simulated book, copies of it with one leak planted, and rows made by hand."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from appetence.book import open_book
from appetence.book.simulate import simulate
from appetence.config import (
    Asking,
    AttritionSettings,
    BookSettings,
    ErosionSettings,
    FeatureSettings,
    NextProductSettings,
    SimulateSettings,
    TrainingSettings,
)
from appetence.models.blocks import Blocks, Origin, Window
from appetence.models.dataset import Labelled, Snapshots
from appetence.models.leaks.material import Material, gather
from appetence.models.questions import Question

FEW_GROUPS = FeatureSettings(groups=("tenure", "holdings", "person"))
TRAINING = TrainingSettings(tests=1, parameters={"max_rounds": 20})
Column = Callable[[np.ndarray, np.random.Generator], Any]
ATTRITION = Question("attrition", Window(6), 20, ())


SEEDS = (3, 21)
"""Of the books on which every detector must be silent; leaks are planted in the first."""


@pytest.fixture(scope="session")
def books(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    """The directories of simulated books without leaks, by seed: 36 months."""
    found = {}
    for seed in SEEDS:
        found[seed] = tmp_path_factory.mktemp("clean") / "book"
        simulate(SimulateSettings(clients=1_600, months=36, seed=seed), found[seed])
    return found


@pytest.fixture(scope="session")
def clean(books: dict[int, Path]) -> Path:
    """The directory of a book without leaks."""
    return books[SEEDS[0]]


@pytest.fixture(scope="session", params=SEEDS)
def material(books: dict[int, Path], request: pytest.FixtureRequest) -> Iterator[Material]:
    """The material of a book without leaks, of each in turn, all products asked."""
    with open_book(BookSettings(directory=str(books[request.param]))) as book:
        asked = Asking(attrition=AttritionSettings(min_events=20), next_product=NextProductSettings(min_buyers=30))
        yield gather(book, asked, FEW_GROUPS, TRAINING)


@pytest.fixture(scope="session")
def gathered() -> Callable[..., Any]:
    """Return a function that calls another one with the material of a book, while the book is open."""

    def call(directory: Path, detect: Callable[[Material], Any]) -> Any:
        with open_book(BookSettings(directory=str(directory))) as book:
            asked = Asking(
                attrition=AttritionSettings(min_events=20),
                erosion=ErosionSettings(enabled=False),
                next_product=NextProductSettings(enabled=False),
            )
            return detect(gather(book, asked, FeatureSettings(groups=("tenure",)), TRAINING))

    return call


@pytest.fixture
def planted(clean: Path, tmp_path: Path) -> Callable[..., Path]:
    """Return a function that copies the clean book and rewrites tables: `planted(clients=lambda frame: …)`."""

    def plant(**changes: Callable[[pd.DataFrame], pd.DataFrame]) -> Path:
        directory = tmp_path / "planted"
        shutil.copytree(clean, directory, ignore=shutil.ignore_patterns("truth"))
        for name, change in changes.items():
            table = pq.read_table(directory / f"{name}.parquet")
            frame = change(table.to_pandas())
            pq.write_table(
                pa.Table.from_pandas(frame, table.schema, preserve_index=False), directory / f"{name}.parquet"
            )
        return directory

    return plant


@pytest.fixture(scope="session")
def left(clean: Path) -> pd.Series:
    """Whether each client of the clean book has left by its end, by client id."""
    contracts = pq.read_table(clean / "contracts.parquet").to_pandas()
    open_ones = contracts[contracts["closed_on"].isna()]["client_id"]
    ids = pq.read_table(clean / "clients.parquet")["client_id"].to_pandas()
    return pd.Series(~ids.isin(open_ones).to_numpy(), index=ids)


@pytest.fixture(scope="session")
def made() -> Callable[..., Material]:
    """Return the function that makes material by hand."""
    return made_material


def _noise(y: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return rng.random(len(y))


def made_material(
    columns: Mapping[str, Column] | None = None, n: int = 4_000, seed: int = 1, rate: float = 0.05
) -> Material:
    """Make rows at five cuts half a year apart, two clients to a household, labels at a rate and on no other ground.

    Columns are functions of the labels and a generator, so that a leak can be planted.
    """
    rng = np.random.default_rng(seed)
    cuts = [dt.date(2020, 1, 1), dt.date(2020, 7, 1), dt.date(2021, 1, 1), dt.date(2021, 7, 1), dt.date(2022, 1, 1)]
    client = np.tile(np.arange(n // 5, dtype=np.int64), 5)
    cut = np.repeat(np.array(cuts, dtype="datetime64[D]"), n // 5)
    y = (rng.random(n) < rate).astype(np.int64)
    names = client.astype(str)
    keys = pd.MultiIndex.from_arrays([names, cut.astype("datetime64[s]")])
    frame = pd.DataFrame({name: make(y, rng) for name, make in (columns or {"noise": _noise}).items()})
    snapshots = Snapshots(frame, keys, cut, client, client // 2, (client // 2) % 4 == 0)
    blocks = Blocks(
        (Origin(cuts[-1], tuple(cuts[:-2]), (cuts[-2],), cuts[-1]),),
        Origin(dt.date(2022, 7, 1), tuple(cuts[:-1]), (cuts[-1],), None),
    )
    spine = pa.table({"client_id": pa.array(names), "cut": pa.array(cut)})
    labelled = Labelled(snapshots, np.arange(n, dtype=np.int64), y)
    return Material(
        None,  # type: ignore[arg-type] - detectors of rows alone ask no book
        FEW_GROUPS,
        TRAINING,
        {ATTRITION: blocks},
        {},
        spine,
        (),
        snapshots,
        {ATTRITION: labelled},
        "made-up clients",
    )
