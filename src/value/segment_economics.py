"""What segments bring: revenue, cost and profit beside what the firm expects, how it serves them, and good cases."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from appetence.value.segment_rules import Range, Segment, SegmentRules

Floats = npt.NDArray[np.float64]

CROSS_SELL, UP_SELL = "cross-sell", "up-sell"

MONEY = ("revenue", "cost", "profit")


def segment_economics(rules: SegmentRules, segments: pa.Table, facts: pa.Table) -> pa.Table:
    """Add up what each segment brought in 12 months.

    Parameters
    ----------
    segments
        `client_id` and `segment`, as from `client_segments`.
    facts
        `past_revenue`, `past_cost`, `past_profit` as from `segment_facts`, in the same rows; `past_profit` is less
        credit losses too.

    Returns
    -------
    pyarrow.Table
        One row per segment of the rules, the best first, those without clients included: `segment`, `label_en`,
        `label_fr`, `clients`, `share` of all clients, and per `revenue`, `cost` and `profit` the total and the mean per
        client (`…_per_client`, null without clients or balances). `revenue_low`, `revenue_high`, `cost_low`,
        `cost_high` and `profit_expected` are what the firm expects per client; `revenue_outside` and `cost_outside`
        count the clients outside. `service_en` and `_fr`, `technology_en` and `_fr` are lists of the firm's words.
    """
    place = pc.index_in(segments["segment"].combine_chunks(), pa.array(rules.names)).to_numpy().astype(np.int64)
    clients = np.bincount(place, minlength=len(rules.names))
    columns: dict[str, pa.Array] = {
        "segment": pa.array(rules.names),
        "label_en": pa.array([segment.label_en for segment in rules.segments]),
        "label_fr": pa.array([segment.label_fr for segment in rules.segments]),
        "clients": pa.array(clients),
        "share": pa.array(clients / max(1, len(segments))),
    }
    for name in MONEY:
        values = _floats(facts[f"past_{name}"])
        known = np.bincount(place, weights=~np.isnan(values), minlength=len(rules.names))
        total = np.bincount(place, weights=np.nan_to_num(values), minlength=len(rules.names)).astype(np.float64)
        columns[name] = pa.array(total, mask=(known == 0) & (clients > 0))
        columns[f"{name}_per_client"] = pa.array(total / np.maximum(known, 1), mask=known == 0)
        if name != "profit":
            ranges = [getattr(segment.expected, name) for segment in rules.segments]
            columns[f"{name}_low"] = pa.array([each.low for each in ranges], pa.float64())
            columns[f"{name}_high"] = pa.array([each.high for each in ranges], pa.float64())
            outside = [_outside(values[place == at], each) for at, each in enumerate(ranges)]
            columns[f"{name}_outside"] = pa.array(outside, pa.int64())
    columns["profit_expected"] = pa.array([segment.expected.profit for segment in rules.segments], pa.float64())
    for what in ("service", "technology"):
        for language in ("en", "fr"):
            words = [_words(segment, what, language) for segment in rules.segments]
            columns[f"{what}_{language}"] = pa.array(words, pa.list_(pa.string()))
    return pa.table(columns)


def selling_cases(segments: pa.Table, offers: pa.Table, held: pa.Table, each: int = 10) -> pa.Table:
    """Return the clients of each segment to whom it pays most to sell more.

    Parameters
    ----------
    segments
        `client_id` and `segment`.
    offers
        `client_id`, `product_id`, `family`, `probability`, `expected_value`, as in `appetence_scores` with the family
        of the product. A row without an expected value is left out, as is one that costs more than it brings.
    held
        `client_id` and `family`: what clients hold.
    each
        Cases per segment and kind.

    Returns
    -------
    pyarrow.Table
        `segment`, `kind`, `rank`, `client_id`, `product_id`, `probability`, `expected_value`, the best first. A client
        is named once per kind, with the best product: `cross-sell` of a family that the client does not hold,
        `up-sell` of one that the client holds already.
    """
    worth = pc.greater(pc.fill_null(offers["expected_value"], 0.0), 0.0)
    offers = offers.filter(worth).combine_chunks()
    segment = (
        segments["segment"]
        .combine_chunks()
        .take(pc.index_in(offers["client_id"].combine_chunks(), segments["client_id"].combine_chunks()))
    )
    holding = pc.is_in(_pairs(offers), _pairs(held.combine_chunks()))
    kind = pc.if_else(holding, UP_SELL, CROSS_SELL)
    cases = pa.table({"segment": segment, "kind": kind}).filter(segment.is_valid())
    rest = offers.select(["client_id", "product_id", "probability", "expected_value"]).filter(segment.is_valid())
    for name in rest.column_names:
        cases = cases.append_column(name, rest[name])
    order = [("segment", "ascending"), ("kind", "ascending"), ("expected_value", "descending")]
    frame = cases.sort_by([*order, ("client_id", "ascending"), ("product_id", "ascending")]).to_pandas()
    frame = frame.drop_duplicates(["kind", "client_id"])
    frame.insert(2, "rank", frame.groupby(["segment", "kind"]).cumcount() + 1)
    return pa.Table.from_pandas(frame[frame["rank"] <= each], preserve_index=False)


def _outside(values: Floats, expected: Range) -> int:
    low = -np.inf if expected.low is None else expected.low
    high = np.inf if expected.high is None else expected.high
    whole = np.round(values)  # ranges are of whole units: 1,250.40 lies in "up to 1,250"
    return int(((whole < low) | (whole > high)).sum())  # of NaN neither is true


def _words(segment: Segment, what: str, language: str) -> list[str]:
    return [getattr(text, language) for text in getattr(segment, what)]


def _pairs(table: pa.Table) -> pa.Array:
    """Return client and family as one key: an id may hold any character but the null that parts them."""
    return pc.binary_join_element_wise(table["client_id"].combine_chunks(), table["family"].combine_chunks(), "\0")


def _floats(column: pa.ChunkedArray) -> Floats:
    return np.asarray(column.cast(pa.float64()).to_numpy(), dtype=np.float64)
