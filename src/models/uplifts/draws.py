"""Offers with a control group: what was known of each client before the offer, who was held out, and who bought.

The contract knows offers of products only, so that the outcome is a purchase of the product offered. A firm's attempts
to keep clients have no table yet.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import ibis
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from appetence.book import Book
from appetence.book.spine import SPINE
from appetence.config import FeatureSettings
from appetence.features.catalogue import Feature
from appetence.features.pipeline import build_features
from appetence.models.dataset import make_snapshots

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
Days = npt.NDArray[np.datetime64]

PRODUCT = "offered_product"
"""The feature that says which product was offered, where one model is made of several."""

_DAY = "datetime64[D]"


@dataclass(frozen=True)
class Draws:
    """Offers made and held out, each with both its clocks.

    Attributes
    ----------
    X
        (n, features) as known before the first day of the offer's month.
    offered
        (n,) whether the offer was made; False: held out.
    bought
        (n,) 1 where the client opened a contract of the product in [made_on, made_on + horizon).
    stratum
        (n,) codes of the draws: a campaign with its product.
    product
        (n,) the product offered.
    client, household
        (n,) codes.
    cut, closes
        (n,) datetime64[D]: the first day of the offer's month, and the first day on which the outcome is known.
    offer_id
        (n,) to find a row by; never told.
    """

    X: pd.DataFrame
    offered: Mask
    bought: Ints
    stratum: Ints
    product: npt.NDArray[np.object_]
    client: Ints
    household: Ints
    cut: Days
    closes: Days
    offer_id: npt.NDArray[np.object_]

    def __len__(self) -> int:
        return len(self.offered)

    def take(self, rows: Mask) -> Draws:
        """Return some of the offers, less those of draws of which only one side is left."""
        codes, stratum = np.unique(self.stratum[rows], return_inverse=True)
        offered = np.bincount(stratum, self.offered[rows], len(codes))
        both = (offered > 0) & (offered < np.bincount(stratum, minlength=len(codes)))
        kept = np.flatnonzero(rows)[both[stratum]]
        others = {name: getattr(self, name)[kept] for name in self.__dataclass_fields__ if name != "X"}
        return replace(self, X=self.X.iloc[kept].reset_index(drop=True), **others)

    @property
    def weight(self) -> Floats:
        """(n,) weights that give both sides of each draw the size of the whole.

        Firms hold out a tenth here and a half there: without them, the held out would be those of other campaigns
        (inverse probability of being drawn; Horvitz and Thompson 1952).
        """
        _, stratum = np.unique(self.stratum, return_inverse=True)
        side = 2 * stratum + self.offered
        weight: Floats = np.bincount(stratum)[stratum] / np.bincount(side)[side]
        return weight

    @property
    def draws(self) -> int:
        """Number of draws: campaigns, each with its product."""
        return len(np.unique(self.stratum))

    def buyers(self, offered: bool) -> int:
        """Return how many clients of one side bought."""
        return len(np.unique(self.client[(self.bought == 1) & (self.offered == offered)]))


@dataclass(frozen=True)
class OffersRead:
    """What the book's offers give.

    Attributes
    ----------
    draws
        Offers whose outcome is known; None where no draw has two sides.
    left_out
        {reason: offers}: without a draw, only one side, the same client twice, not known yet.
    """

    draws: Draws | None
    left_out: Mapping[str, int] = field(default_factory=dict)


def read_draws(
    book: Book, products: list[str] | None, horizon: int, features: FeatureSettings, seed: int
) -> OffersRead:
    """Read the offers that were drawn, with the features known before each and what the client then bought.

    An offer takes part where `held_out` is filled in and it went to a client. Of a client's several offers of one draw
    the first counts; a client on both sides of a draw is left out of it. A contract opened on the day of the offer
    counts as bought, on both sides: which came first, no date tells.

    Parameters
    ----------
    products
        Products to restrict to; None for all.
    horizon
        Months after the offer in which a purchase counts.
    """
    found = _offers(book, products, horizon)
    left_out = {"no draw": int((~found["drawn"]).sum())}
    found = found[found["drawn"]]
    found, left_out["twice in a draw"] = _once_each(found)
    until = np.datetime64(book.observed_until, "D")
    known = found["closes"].to_numpy().astype(_DAY) <= until
    found, left_out["outcome not known yet"] = found[known], int((~known).sum())
    sides = found.groupby("stratum", sort=False)["held_out"].transform("nunique")
    left_out["one side only"] = int((sides < 2).sum())
    found = found[sides == 2].reset_index(drop=True)
    if not len(found):
        return OffersRead(None, left_out)
    return OffersRead(_with_features(book, found, features, seed), left_out)


def _offers(book: Book, products: list[str] | None, horizon: int) -> pd.DataFrame:
    """Return the offers to clients with the day of the first purchase from then on."""
    offers = book.table("offers")
    offers = offers.filter(offers.client_id.notnull())
    if products is not None:
        offers = offers.filter(offers.product_id.isin(products))
    contracts = book.table("contracts").select("client_id", "product_id", "opened_on")
    joined = offers.left_join(
        contracts,
        [
            offers.client_id == contracts.client_id,
            offers.product_id == contracts.product_id,
            contracts.opened_on >= offers.made_on,
        ],
    )
    first = joined.group_by("offer_id").agg(first_opened=joined.opened_on.min())
    rows = offers.left_join(first, "offer_id").select(
        "offer_id", "client_id", "product_id", "made_on", "campaign_id", "held_out", "first_opened"
    )
    found: pd.DataFrame = book.execute(rows.order_by("made_on", "offer_id")).to_pandas()
    made = pd.to_datetime(found["made_on"])
    closes = {day: day + pd.DateOffset(months=horizon) for day in made.unique()}
    month = made.dt.to_period("M").astype("str")
    campaign = ("c:" + found["campaign_id"].astype("str")).where(found["campaign_id"].notna(), "m:" + month)
    opened = pd.to_datetime(found["first_opened"])
    drawn = found["held_out"].notna()
    found = found.assign(
        drawn=drawn,
        held_out=found["held_out"].where(drawn, False).astype(bool),
        made_on=made,
        cut=made.dt.to_period("M").dt.to_timestamp(),
        closes=pd.to_datetime(made.map(closes)),
        stratum=campaign + "|" + found["product_id"].astype("str"),
    )
    return found.assign(bought=(opened < found["closes"]).astype(np.int64))


def _once_each(found: pd.DataFrame) -> tuple[pd.DataFrame, int]:
    """Keep a client's first offer of each draw, and none where the client was on both sides of it."""
    sides = found.groupby(["stratum", "client_id"], sort=False)["held_out"].transform("nunique")
    kept = found[sides == 1].drop_duplicates(["stratum", "client_id"])
    return kept, len(found) - len(kept)


def _with_features(book: Book, found: pd.DataFrame, features: FeatureSettings, seed: int) -> Draws:
    keys = found[["client_id", "cut"]].drop_duplicates()
    spine = pa.table(
        {"client_id": pa.array(keys["client_id"].astype("str"), pa.string()), "cut": pa.array(keys["cut"].dt.date)}
    ).cast(SPINE)
    table = build_features(book, spine, features)
    snapshots = make_snapshots(table, book.execute(book.table("clients")), 0.0, seed)
    rows = snapshots.keys.get_indexer(
        pd.MultiIndex.from_arrays([found["client_id"].astype("str"), found["cut"].to_numpy().astype("datetime64[s]")])
    )
    names = [feature.name for feature in table.features if not of_offers(feature)]
    return Draws(
        X=with_product(snapshots.X[names].iloc[rows].reset_index(drop=True), found["product_id"].astype("str")),
        offered=~found["held_out"].to_numpy(dtype=np.bool_),
        bought=found["bought"].to_numpy(dtype=np.int64),
        stratum=pd.factorize(found["stratum"])[0].astype(np.int64),
        product=found["product_id"].to_numpy(dtype=object),
        client=snapshots.client[rows],
        household=snapshots.household[rows],
        cut=found["cut"].to_numpy().astype(_DAY),
        closes=found["closes"].to_numpy().astype(_DAY),
        offer_id=found["offer_id"].to_numpy(dtype=object),
    )


def of_offers(feature: Feature) -> bool:
    """Say whether a feature counts earlier offers: no model of uplift reads these.

    They are what earlier draws did. Where the same clients are held out for years, they tell the two sides apart by
    design, and nothing could be learnt of how they act.
    """
    return any(need.split(".")[0] == "offers" for need in feature.needs)


def with_product(X: pd.DataFrame, product: pd.Series) -> pd.DataFrame:
    """Put the product offered beside the client's features."""
    return X.assign(**{PRODUCT: product.reset_index(drop=True).astype("str")})


def drawn_products(book: Book) -> list[str]:
    """Return the products of which some offer was held out, sorted."""
    offers = book.table("offers")
    rows = offers.filter(offers.held_out.fill_null(ibis.literal(False))).select("product_id").distinct()
    return sorted(book.execute(rows)["product_id"].to_pylist())
