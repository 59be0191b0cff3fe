"""Whom to offer what, by how much the offer changes: targets by lift, not by risk.

Nothing of this is published to the firm's database yet: the list is returned, and written where the user says.
"""

from __future__ import annotations

import datetime as dt

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from appetence.book import Book
from appetence.config import FeatureSettings, ValueSettings
from appetence.features.pipeline import build_features
from appetence.features.population import population
from appetence.models.curves import History
from appetence.models.uplifts.draws import PRODUCT, with_product
from appetence.models.uplifts.learners import EffectModel
from appetence.scoring.consents import objecting_clients
from appetence.targets.eligibility import eligible
from appetence.value.lifetime import annuities, sale_value
from appetence.value.margins import product_economics

Floats = npt.NDArray[np.float64]

TARGETS = pa.schema(
    [
        pa.field("client_id", pa.string(), nullable=False),
        pa.field("product_id", pa.string(), nullable=False),
        pa.field("uplift", pa.float64(), nullable=False),
        pa.field("expected_gain", pa.float64()),
    ]
)

PURPOSES = ("profiling", "marketing")
"""Who objects to either is not on the list."""


def target_list(
    book: Book,
    model: EffectModel,
    learner: str,
    products: list[str],
    cut: dt.date,
    features: FeatureSettings,
    value: ValueSettings,
) -> pa.Table:
    """Return clients and products, those first whom an offer changes most.

    Parameters
    ----------
    model, learner
        From `appetence.models.uplifts.learners`, fitted on all draws whose outcome is known, and the learner chosen.
    products
        That the model learnt from.
    cut
        First day of the month in which the offers would be made.

    Returns
    -------
    pyarrow.Table
        `TARGETS`, by falling uplift. `uplift`: by how much an offer changes the probability of buying. `expected_gain`:
        uplift times the value today of one sale (the margin while the client stays by the book's life table, less the
        cost of the sale), in the book's currency; null where the product's margin is not known. Left out are clients
        who object to profiling or to marketing, and pairs that may not be sold: see
        `appetence.targets.eligibility.eligible`. Who may be telephoned is for whoever telephones to check.
    """
    spine = population(book, [cut])
    objecting = pa.array(sorted(objecting_clients(book, PURPOSES)), pa.string())
    spine = spine.filter(pc.invert(pc.is_in(spine["client_id"], objecting)))
    pairs = eligible(book, spine, products)
    if not len(pairs):
        return TARGETS.empty_table()
    table = build_features(book, spine, features)
    clients = spine["client_id"].combine_chunks()
    rows = pc.index_in(pairs["client_id"].combine_chunks(), clients).to_numpy(zero_copy_only=False).astype(np.int64)
    X = _as_learnt(table.frame().iloc[rows].reset_index(drop=True), pairs["product_id"].to_pandas(), model)
    effect = model.effect(X, learner)
    worth = _worth(book, cut, clients, value, rows, pairs["product_id"])
    found = pa.table(
        {
            "client_id": pairs["client_id"],
            "product_id": pairs["product_id"],
            "uplift": pa.array(effect),
            "expected_gain": pa.array(effect * worth, from_pandas=True),
        },
        schema=TARGETS,
    )
    return found.sort_by([("uplift", "descending"), ("client_id", "ascending"), ("product_id", "ascending")])


def _as_learnt(X: pd.DataFrame, product: pd.Series, model: EffectModel) -> pd.DataFrame:
    """Return the features that the model reads."""
    names = [str(name) for name in model.offered.feature_names_in_]
    return (with_product(X, product) if PRODUCT in names else X)[names]


def _worth(
    book: Book, cut: dt.date, clients: pa.Array, value: ValueSettings, rows: npt.NDArray[np.int64], product: pa.Array
) -> Floats:
    """Return the value of one sale of each pair; NaN where the margin is not known."""
    curves = History.of(book, cut).curves(clients, None, 1, value.horizon)
    annuity = annuities(curves.staying[:, : value.horizon], value.discount_rate)
    economics = product_economics(book, cut)
    place = {name: column for column, name in enumerate(economics.product_id)}
    columns = np.array([place[name] for name in product.to_pylist()], dtype=np.int64)
    sales: Floats = sale_value(annuity, economics)[rows, columns]
    return sales
