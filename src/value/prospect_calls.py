"""If one could make one prospect call: prospects by what a call may be expected to bring.

The probability that a prospect becomes a client within a year is read off earlier prospects who had stood at the same
status as long; that of a source is drawn to it where few came that way. The value is the mean of the book's own
recent clients of the same kind and source. It is a plain rule on counts, and no model of the prospect: the book holds
hardly more than a status of them.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import pandas as pd
import pyarrow as pa

from appetence.book import Book
from appetence.config import AcquisitionSettings
from appetence.months import shift
from appetence.value.acquisition import clients_worth
from appetence.value.kpi_components import UNKNOWN

WITHIN_MONTHS = 12
"""From the call, in which becoming a client counts."""

WAITED = (0, 1, 3, 6)
"""Months of standing at a status from which on prospects are compared with those who had stood there as long."""

CREDIBILITY = 20
"""Earlier prospects, or clients, at whose number a source's own figure counts as much as that of all sources."""

OPEN = ("identified", "qualified", "contacted", "engaged")
"""Statuses in which a prospect can be called, from the farthest to the nearest."""


@dataclass(frozen=True)
class ProspectCall:
    """A prospect, and what winning it may be expected to bring.

    Parameters
    ----------
    since
        The day on which the status was reached.
    probability
        Of becoming a client within a year.
    value
        Of such a client.
    """

    prospect_id: str
    advisor_id: str | None
    kind: str
    source: str
    status: str
    since: dt.date
    probability: float
    value: float

    @property
    def expected(self) -> float:
        """Probability times value."""
        return self.probability * self.value


def prospect_calls(
    book: Book, cut: dt.date, scores: pa.Table, settings: AcquisitionSettings
) -> tuple[ProspectCall, ...] | None:
    """Return the prospects who can be called at a cut, those with most to expect first; None without their statuses.

    Parameters
    ----------
    scores
        As in `appetence.value.acquisition.acquisition`.

    Notes
    -----
    Whoever has stood at a status for more than a year is left to a clean-up of the list.
    """
    if not (book.has("prospects") and book.has("prospect_status")):
        return None
    prospects = book.execute(book.as_known("prospects", cut)).to_pandas()
    prospects["source"] = prospects["source"].fillna(UNKNOWN)
    steps = book.execute(book.as_known("prospect_status", cut).select("prospect_id", "status", "known_on")).to_pandas()
    steps["known_on"] = pd.to_datetime(steps["known_on"])
    day = pd.Timestamp(cut)
    chances = _chances(prospects, steps, day)
    values = _values(book, cut, scores, settings)
    newest = steps.sort_values(["known_on", "status"]).groupby("prospect_id").last()
    rows = prospects.merge(newest, left_on="prospect_id", right_index=True)
    recent = rows["known_on"] >= pd.Timestamp(shift(cut, -WITHIN_MONTHS))
    rows = rows[rows["status"].isin(OPEN) & rows["became_client_id"].isna() & recent]
    stood = [max(band for band in WAITED if since + pd.DateOffset(months=band) <= day) for since in rows["known_on"]]
    rows = rows.assign(place=[_place(status, band) for status, band in zip(rows["status"], stood, strict=True)])
    found = [
        ProspectCall(
            str(row.prospect_id),
            None if pd.isna(row.advisor_id) else str(row.advisor_id),
            str(row.kind),
            str(row.source),
            str(row.status),
            row.known_on.date(),
            chances.get((row.place, row.source), chances.get((row.place, ""), 0.0)),
            values.get((row.kind, row.source), values.get((row.kind, ""), 0.0)),
        )
        for row in rows.itertuples()
    ]
    return tuple(sorted(found, key=lambda one: (-one.expected, one.prospect_id)))


def _place(status: str, waited: int) -> str:
    return f"{status} {waited}"


def _chances(prospects: pd.DataFrame, steps: pd.DataFrame, cut: pd.Timestamp) -> dict[tuple[str, str], float]:
    """Return the share that became clients within a year, by status with time waited, and source ("" for all)."""
    steps = steps.sort_values(["prospect_id", "known_on", "status"])
    steps["left_on"] = steps.groupby("prospect_id")["known_on"].shift(-1)
    won = steps[steps["status"] == "client"].groupby("prospect_id")["known_on"].min().rename("won_on")
    steps = steps[steps["status"].isin(OPEN)].join(won, on="prospect_id")
    steps = steps.merge(prospects[["prospect_id", "source"]], on="prospect_id")
    parts = []
    for band in WAITED:
        then = steps["known_on"] + pd.DateOffset(months=band)
        end = then + pd.DateOffset(months=WITHIN_MONTHS)
        standing = (end <= cut) & (steps["left_on"].isna() | (steps["left_on"] > then))
        y = (steps["won_on"] <= end).astype(float)
        parts.append(steps.assign(y=y, place=[_place(status, band) for status in steps["status"]])[standing])
    return _drawn(pd.concat(parts), "place")


def _values(book: Book, cut: dt.date, scores: pa.Table, settings: AcquisitionSettings) -> dict[tuple[str, str], float]:
    """Return the mean value of recent clients, by kind and source; by kind alone under source ""."""
    clients = book.execute(book.as_known("clients", cut).select("client_id", "kind", "source", "joined_on")).to_pandas()
    clients["source"] = clients["source"].fillna(UNKNOWN)
    worth = clients_worth(scores).dropna()
    recent = pd.to_datetime(clients["joined_on"]) >= pd.Timestamp(shift(cut, -settings.months))
    # where too few have joined lately, the whole book speaks
    chosen = clients[recent] if recent.sum() >= CREDIBILITY else clients
    return _drawn(chosen.assign(y=chosen["client_id"].map(worth)).dropna(subset=["y"]), "kind")


def _drawn(rows: pd.DataFrame, key: str) -> dict[tuple[str, str], float]:
    """Return means of `y` by key and source, drawn to the key's mean where rows are few."""
    overall = {str(one): float(mean) for one, mean in rows.groupby(key)["y"].mean().items()}
    found = {(one, ""): mean for one, mean in overall.items()}
    for (one, source), group in rows.groupby([key, "source"])["y"]:
        own = len(group) / (len(group) + CREDIBILITY)
        found[str(one), str(source)] = float(own * group.mean() + (1.0 - own) * overall[str(one)])
    return found
