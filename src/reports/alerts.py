"""Alerts of retention and growth: what happened this month that an advisor should not learn of too late."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from appetence.book import Book
from appetence.config import AlertSettings
from appetence.months import Month, shift
from appetence.reports.changes import Before, Comparison
from appetence.reports.history import History
from appetence.reports.sheets import Offer, Sheet
from appetence.reports.situations import Holding
from appetence.scoring.tables import FIRST

RETENTION = ("rose", "outflow", "complaint", "term")
GROWTH = ("event", "crossed")
KINDS = (*RETENTION, *GROWTH)
_LIFE_EVENTS = "life_events"
"""The theme of reasons that tell of life events."""

_INFERRED = "inferred"


class Learnt(NamedTuple):
    """A life event that the firm learnt of this month from the client or an advisor; guesses are left out."""

    kind: str
    occurred_on: dt.date


@dataclass(frozen=True)
class Alert:
    """One thing to act on.

    Parameters
    ----------
    kind
        Of `KINDS`.
    money
        What is at stake, or to be had; `of` says what it is: a key of the pages' words.
    before
        Of `rose`: what was said of the client last month.
    was
        Of `crossed`: the probability of last month.
    """

    kind: str
    sheet: Sheet
    money: float | None
    of: str
    before: Before | None = None
    holding: Holding | None = None
    event: Learnt | None = None
    offer: Offer | None = None
    was: float | None = None

    @property
    def side(self) -> str:
        """`retention` or `growth`."""
        return "growth" if self.kind in GROWTH else "retention"


class Rules:
    """The rules of a month; each is true of a client or not, and the page tells them all.

    Parameters
    ----------
    outflows
        Expected outflow of every client of the book, where known.
    learnt
        Life events learnt of this month, by client.
    """

    def __init__(
        self,
        settings: AlertSettings,
        month: Month,
        comparison: Comparison,
        history: History,
        outflows: pa.ChunkedArray,
        learnt: Mapping[str, Sequence[Learnt]],
    ) -> None:
        self.settings, self.month = settings, month
        self._comparison, self._learnt = comparison, learnt
        known = outflows.drop_null().to_numpy()
        self.least_outflow = float(np.quantile(known, 1 - settings.outflow)) if len(known) else None
        self._last_term = shift(month.cut, settings.term_months)
        rows = (history.offers[name].to_pylist() for name in ("client_id", "product_id", "probability", "average"))
        self._offers = {(client, product): (chance, mean) for client, product, chance, mean in zip(*rows, strict=True)}

    @property
    def earlier(self) -> Month | None:
        """The month to compare with; None: there is none."""
        return self._comparison.month

    def alerts_of(self, sheets: Sequence[Sheet]) -> list[Alert]:
        """Return the alerts of some clients, those with most money first."""
        found = [alert for sheet in sheets for alert in self._alerts(sheet)]
        order = {kind: place for place, kind in enumerate(KINDS)}
        found.sort(key=lambda alert: (-(alert.money or 0.0), order[alert.kind], alert.sheet.client_id))
        return found

    def _alerts(self, sheet: Sheet) -> list[Alert]:
        return [*self._to_keep(sheet), *self._to_grow(sheet)]

    def _to_keep(self, sheet: Sheet) -> list[Alert]:
        found = []
        before = self._comparison.before(sheet)
        if sheet.tier == "high" and before is not None and before.tier in ("medium", "low"):
            found.append(Alert("rose", sheet, sheet.at_stake, "at_stake", before=before))
        erosion = sheet.erosion
        if erosion is not None and erosion.lift > 1 and self._is_large(erosion.outflow):
            found.append(Alert("outflow", sheet, erosion.outflow, "outflow"))
        contact = sheet.situation.contact
        if contact is not None and contact.complaint_on is not None and contact.complaint_on >= self.month.start:
            found.append(Alert("complaint", sheet, sheet.at_stake, "at_stake"))
        for holding in sheet.situation.holdings:
            if holding.ends_on is not None and self.month.cut <= holding.ends_on < self._last_term:
                money, of = (holding.balance, "balance") if holding.balance else (sheet.at_stake, "at_stake")
                found.append(Alert("term", sheet, money, of, holding=holding))
        return found

    def _to_grow(self, sheet: Sheet) -> list[Alert]:
        if "marketing" in sheet.situation.refuses:
            return []
        found = []
        offers = [offer for offer in sheet.offers if offer.is_ready]
        for event in self._learnt.get(sheet.client_id, ()):
            if offers:
                offer = next((one for one in offers if _tells_of_events(one)), offers[0])
                found.append(Alert("event", sheet, offer.expected_value, "expected_value", event=event, offer=offer))
        for offer in offers:
            was = self._offers.get((sheet.client_id, offer.product_id))
            if offer.purchase == FIRST and was is not None and self._crossed(offer, *was):
                found.append(Alert("crossed", sheet, offer.expected_value, "expected_value", offer=offer, was=was[0]))
        return found

    def _is_large(self, outflow: float) -> bool:
        return self.least_outflow is not None and outflow >= self.least_outflow > 0

    def _crossed(self, offer: Offer, probability: float, average: float) -> bool:
        times = self.settings.times_average
        return offer.lift >= times and probability < times * average


def read_learnt(book: Book, month: Month) -> dict[str, list[Learnt]]:
    """Read the life events that the firm learnt of in a month, by client."""
    events = book.as_known("life_events", month.cut)
    new = events.filter(events.known_on >= month.start, events.occurred_on < month.cut)
    told = new.filter(new["source"].isnull() | (new["source"] != _INFERRED))
    columns = ("client_id", "kind", "occurred_on")
    found: dict[str, list[Learnt]] = defaultdict(list)
    for row in book.execute(told.order_by("client_id", "occurred_on", "kind").select(*columns)).to_pylist():
        found[row["client_id"]].append(Learnt(row["kind"], row["occurred_on"]))
    return dict(found)


def _tells_of_events(offer: Offer) -> bool:
    return any(reason.theme == _LIFE_EVENTS for reason in offer.why)
