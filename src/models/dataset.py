"""What a model learns from: feature rows of all cuts, built once, and for each question its rows and labels."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from appetence.features.pipeline import FeatureTable
from appetence.features.topic_model import TopicModel
from appetence.models.bins import BinnedRows, BinStore, make_bins
from appetence.models.blocks import Origin, held_out
from appetence.models.columns import read_columns
from appetence.targets.spells import REASONS

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

_DAY = "datetime64[D]"


@dataclass(frozen=True)
class TopicColumns:
    """Topics of the messages, as the model of one origin reads them.

    Attributes
    ----------
    model
        Fitted on what was known before the origin's newest fit cut.
    X
        (n, topics), a row for each of the snapshots.
    """

    model: TopicModel
    X: pd.DataFrame


@dataclass(frozen=True)
class Snapshots:
    """Feature rows, one per (client, cut), shared by all questions.

    Attributes
    ----------
    X
        (n, features) in the catalogue's order.
    keys
        (n,) client_id and cut of each row, to find it by.
    cut
        (n,) datetime64[D].
    client, household
        (n,) codes of the client, and of the household or, for who belongs to none, of the client alone.
    held_out
        (n,) whether the household is kept out of the fit.
    topics
        {newest fit cut of an origin: its topics}, where there are any.
    cohort
        (n,) the month in which the client joined, as months since year 0; None where it was not given.
    bins
        What was binned of these rows, for all questions.
    """

    X: pd.DataFrame
    keys: pd.MultiIndex
    cut: npt.NDArray[np.datetime64]
    client: Ints
    household: Ints
    held_out: Mask
    topics: Mapping[dt.date, TopicColumns] = field(default_factory=dict)
    cohort: Ints | None = None
    bins: BinStore = field(default_factory=BinStore, repr=False, compare=False)

    def __len__(self) -> int:
        return len(self.X)


@dataclass(frozen=True)
class Amounts:
    """Money of the rows of erosion, in the book's currency.

    Attributes
    ----------
    base
        (m,) what was known at the cut to be held with us.
    lost
        (m,) what of it left by erosion: 0 where there was none.
    """

    base: Floats
    lost: Floats


@dataclass(frozen=True)
class Labelled:
    """Rows of one question with known labels.

    Attributes
    ----------
    snapshots
        All feature rows.
    rows
        (m,) positions of the question's rows in `snapshots`, ascending.
    y
        (m,) 1 where it happened.
    topics
        Those of the origin that the rows are read at; None before `at`, or without any.
    amounts
        Money of the rows; None where the question is not about money.
    """

    snapshots: Snapshots
    rows: Ints
    y: Ints
    topics: TopicColumns | None = None
    amounts: Amounts | None = None

    def at(self, origin: Origin) -> Labelled:
        """Return the same rows with the topics that could be learnt at an origin."""
        return replace(self, topics=self.snapshots.topics.get(max(origin.fit)))

    def block(self, cuts: Iterable[dt.date], held_out: bool | None = None) -> Labelled:
        """Return the rows of some cuts: of all households, or of those kept out of the fit, or of the others."""
        chosen = np.isin(self.snapshots.cut[self.rows], np.array(list(cuts), dtype=_DAY))
        if held_out is not None:
            chosen &= self.snapshots.held_out[self.rows] == held_out
        return self.where(chosen)

    def where(self, chosen: Mask | Ints) -> Labelled:
        """Return some of the rows, by a mask or by their places, ascending."""
        money = self.amounts
        amounts = None if money is None else Amounts(money.base[chosen], money.lost[chosen])
        return replace(self, rows=self.rows[chosen], y=self.y[chosen], amounts=amounts)

    def binned(self, origin: Origin, max_levels: int) -> BinnedRows | None:
        """Return the rows as binned at an origin with all clients of its cuts, whatever is asked of them.

        The bins know what was known then, and no label; questions of one origin share them.

        Returns
        -------
        None where a category has more than `max_levels` levels, so that its codes are learnt from labels.
        """
        snapshots, topics = self.snapshots, self.topics
        known = np.flatnonzero(np.isin(snapshots.cut, np.array([*origin.fit, *origin.calibrate], dtype=_DAY)))
        whole = Labelled(snapshots, known, np.zeros(len(known), dtype=np.int64), topics)
        key = (origin.fit, origin.calibrate, max_levels, id(topics))
        bins = snapshots.bins.get(key, lambda: make_bins(read_columns(whole.X), max_levels), topics)
        return None if bins is None else BinnedRows(bins, np.searchsorted(known, self.rows))

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def X(self) -> pd.DataFrame:  # noqa: N802 - the field's notation
        """(m, features)."""
        X = self.snapshots.X.iloc[self.rows].reset_index(drop=True)
        if self.topics is None:
            return X
        return pd.concat([X, self.topics.X.iloc[self.rows].reset_index(drop=True)], axis=1)

    @property
    def features(self) -> tuple[str, ...]:
        """Names of the columns of `X`."""
        topics = () if self.topics is None else self.topics.model.names()
        return (*(str(name) for name in self.snapshots.X.columns), *topics)

    @property
    def cut(self) -> npt.NDArray[np.datetime64]:
        """(m,) datetime64[D]."""
        return self.snapshots.cut[self.rows]

    @property
    def client(self) -> Ints:
        """(m,) codes of the clients."""
        return self.snapshots.client[self.rows]

    @property
    def household(self) -> Ints:
        """(m,) codes of the households."""
        return self.snapshots.household[self.rows]

    @property
    def cohort(self) -> Ints | None:
        """(m,) months in which the clients joined; None where they were not given."""
        return None if self.snapshots.cohort is None else self.snapshots.cohort[self.rows]

    @property
    def events(self) -> int:
        """Distinct clients to whom it happened: an event seen from several cuts counts once."""
        return len(np.unique(self.client[self.y == 1]))

    @property
    def has_both_classes(self) -> bool:
        """Whether there are rows where it happened and rows where it did not."""
        return 0 < int(self.y.sum()) < len(self)


def make_snapshots(features: FeatureTable, clients: pa.Table, share: float, seed: int) -> Snapshots:
    """Put feature rows beside their clients' households.

    Parameters
    ----------
    features
        One row per client and cut.
    clients
        `client_id` and `household_id`, the second null for who belongs to none; and `joined_on`, if cohorts are asked.
    share, seed
        Part of the households kept out of the fit, and the seed of their choice.
    """
    ids = features.data["client_id"].to_pandas().astype("str")
    homes = clients.select(["client_id", "household_id"]).to_pandas().set_index("client_id")["household_id"]
    home = ids.map(homes)
    # a household and a client may have the same id: the letter keeps them apart
    codes, names = pd.factorize(("h:" + home.astype("str")).where(home.notna(), "c:" + ids))
    return Snapshots(
        X=features.frame(),
        keys=_keys(features.data),
        cut=features.data["cut"].to_numpy().astype(_DAY),
        client=pd.factorize(ids)[0].astype(np.int64),
        household=codes.astype(np.int64),
        held_out=held_out([str(name) for name in names], share, seed)[codes],
        cohort=_cohorts(ids, clients),
    )


def _cohorts(ids: pd.Series[str], clients: pa.Table) -> Ints | None:
    if "joined_on" not in clients.column_names:
        return None
    joined = clients.select(["client_id", "joined_on"]).to_pandas().set_index("client_id")["joined_on"]
    days = pd.to_datetime(ids.map(joined)).to_numpy().astype("datetime64[M]")
    return np.asarray(days.astype(np.int64) + 1970 * 12, dtype=np.int64)


def label_attrition(snapshots: Snapshots, targets: pa.Table) -> Labelled:
    """Label the rows of the attrition question.

    1 for `left`. 0 for `stayed`, and for a competing exit (death, term, insurer) within the window: the probability is
    that of leaving by choice when the other exits may come first (cumulative incidence), as it will be at scoring.
    Rows that are unknown, or whose client had already gone, are left out.

    Parameters
    ----------
    targets
        `client_id`, `cut`, `status`.
    """
    status = targets["status"].to_pandas().astype("str").to_numpy()
    return _labelled(snapshots, targets, status == "left", np.isin(status, ("stayed", *REASONS)))


def label_erosion(snapshots: Snapshots, targets: pa.Table) -> Labelled:
    """Label the rows of silent erosion: 1 for `eroded`; 0 for `kept`, and for an exit of any kind within the window.

    Who leaves is told by attrition: the probability is that of losing the money and keeping the client when exits may
    come first (cumulative incidence), so that the two questions share no event and may be added up. Rows that are
    unknown, whose client had already gone, or with too little to lose are left out.

    Money beyond the base (a payment in that went out again, a gain on the market) was not there to lose: what was lost
    is at most the base.

    Parameters
    ----------
    targets
        `client_id`, `cut`, `status`, `base`, `outflow`.
    """
    status = targets["status"].to_pandas().astype("str").to_numpy()
    base, outflow = (targets[name].to_numpy().astype(np.float64) for name in ("base", "outflow"))
    eroded = status == "eroded"
    lost = np.where(eroded, np.minimum(outflow, base), 0.0)
    return _labelled(snapshots, targets, eroded, np.isin(status, ("eroded", "kept", *REASONS)), Amounts(base, lost))


def label_purchase(snapshots: Snapshots, targets: pa.Table) -> Labelled:
    """Label the rows of one product's question, first or again: 1 for `bought`, 0 for `not_bought`.

    Rows that are unknown, or whose client had already bought before the window, are left out.

    Parameters
    ----------
    targets
        `client_id`, `cut`, `status` of those who might buy the product.
    """
    status = targets["status"].to_pandas().astype("str").to_numpy()
    return _labelled(snapshots, targets, status == "bought", np.isin(status, ("bought", "not_bought")))


def label_own(snapshots: Snapshots, targets: pa.Table) -> Labelled:
    """Label the rows of a firm's own question: 1 for `happened`, 0 for `not_happened`.

    Rows that are unknown, or to whose client it had happened before the window, are left out.

    Parameters
    ----------
    targets
        `client_id`, `cut`, `status` of the question's population.
    """
    status = targets["status"].to_pandas().astype("str").to_numpy()
    return _labelled(snapshots, targets, status == "happened", np.isin(status, ("happened", "not_happened")))


def _labelled(
    snapshots: Snapshots, targets: pa.Table, y: Mask, known: Mask, amounts: Amounts | None = None
) -> Labelled:
    """Find the rows of known labels among the snapshots."""
    rows = snapshots.keys.get_indexer(_keys(targets))
    keep = np.flatnonzero(known & (rows >= 0))
    keep = keep[np.argsort(rows[keep], kind="stable")]
    kept = None if amounts is None else Amounts(amounts.base[keep], amounts.lost[keep])
    return Labelled(snapshots, rows[keep].astype(np.int64), y[keep].astype(np.int64), amounts=kept)


def _keys(table: pa.Table) -> pd.MultiIndex:
    cut = table["cut"].to_numpy().astype("datetime64[s]")  # pandas knows no days
    return pd.MultiIndex.from_arrays([table["client_id"].to_pandas().astype("str"), cut])
