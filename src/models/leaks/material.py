"""What the detectors look at: the rows and labels that training will use, or a sample of them on a large book."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from appetence.book import Book
from appetence.config import Asking, FeatureSettings, TrainingSettings
from appetence.features.catalogue import Feature
from appetence.features.pipeline import build_features
from appetence.features.population import population
from appetence.models.blocks import Blocks, held_out, plan_blocks
from appetence.models.dataset import Labelled, Snapshots, make_snapshots
from appetence.models.questions import Question, ask, label
from appetence.months import Month

MOST_ROWS = 60_000
"""Snapshots looked at; a larger book is sampled by household. Enough to see an AUC to within about .01 where one in
fifty rows is an event, and about a gigabyte of memory at the widest."""

FEWEST_EVENTS = 20
"""Households with an event below which a detector says that there are too few to tell."""

_SAMPLE = 7_919
"""Added to the training's seed, so that the sample has nothing to do with who is held out for calibration."""


@dataclass(frozen=True)
class Material:
    """A book's rows as training will see them.

    Attributes
    ----------
    book, settings, training
        The open book, and what was configured.
    planned, refused
        The blocks of each question, and why a question has none.
    spine
        `client_id` and `cut` of the rows, in the order of `snapshots`.
    features
        Of the columns of `snapshots.X`.
    snapshots, labelled
        Feature rows, and each question's rows with labels among them.
    told
        How much of the book that is, in words.
    """

    book: Book
    settings: FeatureSettings
    training: TrainingSettings
    planned: Mapping[Question, Blocks]
    refused: Mapping[str, str]
    spine: pa.Table
    features: tuple[Feature, ...]
    snapshots: Snapshots
    labelled: Mapping[Question, Labelled]
    told: str

    def apart(self, question: Question) -> Labelled:
        """Return a question's rows at cuts whose label windows do not overlap: each event counts once."""
        labelled = self.labelled[question]
        chosen: list[dt.date] = []
        for cut in sorted({day.item() for day in np.unique(labelled.cut)}, reverse=True):
            if not chosen or Month.of(chosen[-1]) - Month.of(cut) >= question.window.horizon:
                chosen.append(cut)
        return labelled.block(chosen)


def gather(
    book: Book,
    asking: Asking,
    features: FeatureSettings,
    training: TrainingSettings,
    most_rows: int = MOST_ROWS,
) -> Material:
    """Build features and labels at the cuts that training will use.

    Parameters
    ----------
    most_rows
        Rows wanted at most; households are drawn by a stable hash.
    """
    asked = ask(book, asking)
    refused = {name: str(reason) for name, reason in asked.refused.items()}
    planned = {}
    for question in asked.questions:
        blocks = plan_blocks(book.observed_from, book.observed_until, question.window, training)
        if blocks is None:
            refused[question.name] = "the book is too short for a test out of time"
        else:
            planned[question] = blocks
    cuts = sorted({cut for blocks in planned.values() for cut in blocks.cuts}) or spread_cuts(book, 1)
    clients = book.execute(book.table("clients"))
    spine, told = sampled(population(book, cuts), clients, most_rows, training.seed)
    table = build_features(book, spine, features)
    snapshots = make_snapshots(table, clients, training.calibration_share, training.seed)
    labelled = {question: label(book, question, snapshots, spine).block(b.cuts) for question, b in planned.items()}
    return Material(book, features, training, planned, refused, spine, table.features, snapshots, labelled, told)


def spread_cuts(book: Book, wanted: int) -> list[dt.date]:
    """Return cuts spread evenly over the months that the book shows, neither the first nor the last."""
    first, months = Month.of(book.observed_from), Month.of(book.observed_until) - Month.of(book.observed_from)
    places = {min(months, max(1, round(months * k / (wanted + 1)))) for k in range(1, wanted + 1)}
    return [(first + place).start for place in sorted(places)]


def sampled(spine: pa.Table, clients: pa.Table, most_rows: int, seed: int) -> tuple[pa.Table, str]:
    """Return the rows of a sample of households, about `most_rows` of them, and in words how many clients that is."""
    everyone = pc.count_distinct(spine["client_id"]).as_py()
    if spine.num_rows <= most_rows:
        return spine, f"{everyone:,} clients"
    drawn = held_out(homes_of(clients), most_rows / spine.num_rows, seed + _SAMPLE)
    rows = spine.filter(pc.is_in(spine["client_id"], clients["client_id"].combine_chunks().filter(pa.array(drawn))))
    return rows, f"a sample of {pc.count_distinct(rows['client_id']).as_py():,} of {everyone:,} clients"


def homes_of(clients: pa.Table) -> list[str]:
    """Return the household of each client of the firm's table; who belongs to none stands alone."""
    pairs = zip(clients["client_id"].to_pylist(), clients["household_id"].to_pylist(), strict=True)
    return [f"c:{client}" if home is None else f"h:{home}" for client, home in pairs]


def halves(household: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Return for each row on which of two sides its household is: what is learnt on one is judged on the other."""
    mixed = household.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    return np.asarray((mixed >> np.uint64(63)) == 1)
