"""A client's sheet: published scores and the client's situation side by side, and who comes first."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from appetence.explain.reasons import BASELINE, OTHER
from appetence.explain.wording import Language
from appetence.models.kinds import ATTRITION, EROSION, NEXT_AGAIN, NEXT_PRODUCT
from appetence.reports.data import PublishedScores
from appetence.reports.gaps import Gap
from appetence.reports.peers import Likeness, Peers
from appetence.reports.situations import Situation
from appetence.scoring.tables import AGAIN

_STRETCH = 50_000
"""Rows read at a time."""


class Reason(NamedTuple):
    """One row of a question's reasons; `theme` tells the baseline and the rest from true reasons."""

    theme: str
    points: float
    actionable: bool
    en: str
    fr: str

    @property
    def is_reason(self) -> bool:
        """Whether it is neither the baseline nor all the rest."""
        return self.theme not in (BASELINE, OTHER)

    def text(self, language: Language) -> str:
        """Return the sentence."""
        return self.en if language == "en" else self.fr


class Offer(NamedTuple):
    """A next product, for the `first` time or `again`; `lift` is its probability against the average of the asked."""

    product_id: str
    purchase: str
    probability: float
    expected_value: float | None
    modelled: bool
    lift: float
    reasons: tuple[Reason, ...]

    @property
    def why(self) -> tuple[Reason, ...]:
        """The reasons that raise the probability, the strongest first."""
        return tuple(reason for reason in self.reasons if reason.is_reason and reason.points > 0)

    @property
    def is_ready(self) -> bool:
        """Whether a model puts the client above the average, and the sale is worth something."""
        is_worth = self.expected_value is None or self.expected_value > 0
        return self.modelled and self.lift > 1 and is_worth


class Answer(NamedTuple):
    """A score of a question of the firm's own."""

    question: str
    probability: float
    modelled: bool
    reasons: tuple[Reason, ...]

    @property
    def why(self) -> tuple[Reason, ...]:
        """The reasons that raise the probability, the strongest first."""
        return tuple(reason for reason in self.reasons if reason.is_reason and reason.points > 0)


class Erosion(NamedTuple):
    """Money that may leave while the client stays: `lift` is its probability against the average of the book."""

    probability: float
    outflow: float
    lift: float
    reasons: tuple[Reason, ...]

    @property
    def why(self) -> tuple[Reason, ...]:
        """The reasons that raise the probability, the strongest first."""
        return tuple(reason for reason in self.reasons if reason.is_reason and reason.points > 0)


@dataclass(frozen=True)
class Sheet:
    """All that a report says of one client; money in the book's currency, None where it is not known."""

    situation: Situation
    advisor_id: str | None
    attrition: float | None
    tier: str | None
    past_profit: float | None
    lifetime_value: float | None
    potential: float | None
    reasons: tuple[Reason, ...]
    offers: tuple[Offer, ...]
    household: tuple[Situation, ...]
    answers: tuple[Answer, ...] = ()
    erosion: Erosion | None = None
    peers: Peers | None = None
    gaps: tuple[Gap, ...] = ()

    @property
    def client_id(self) -> str:
        """The client."""
        return self.situation.client_id

    @property
    def name(self) -> str:
        """The name, or the id of a client whose name the book does not hold."""
        return self.situation.name or self.client_id

    @property
    def at_stake(self) -> float | None:
        """Money at stake: the probability of leaving times the lifetime value."""
        if self.attrition is None or self.lifetime_value is None:
            return None
        return self.attrition * self.lifetime_value

    @property
    def why(self) -> tuple[Reason, ...]:
        """The reasons that raise the risk, the strongest first."""
        return tuple(reason for reason in self.reasons if reason.is_reason and reason.points > 0)

    @property
    def strongest(self) -> float:
        """The points of the strongest reason, for the length of the bars."""
        return max((abs(reason.points) for reason in self.reasons if reason.is_reason), default=1.0)

    def beyond(self, most: int) -> tuple[Reason, ...]:
        """Return the reasons of leaving after the first `most`; none where there is just one more."""
        if len(self.reasons) <= most + 3:  # the baseline and all the rest are among them
            return ()
        found = tuple(reason for reason in self.reasons if reason.is_reason)
        return found[most:] if len(found) > most + 1 else ()

    @property
    def ready(self) -> Offer | None:
        """The best offer that the client is ready for; None for a client who objects to marketing."""
        if "marketing" in self.situation.refuses:
            return None
        return next((offer for offer in self.offers if offer.is_ready), None)


def build_sheets(
    published: PublishedScores,
    situations: Mapping[str, Situation],
    likeness: Likeness | None = None,
    gaps: Mapping[str, tuple[Gap, ...]] | None = None,
) -> list[Sheet]:
    """Return a sheet per client scored, those with most at stake first.

    The order is that of the money at stake; where values are missing, of the risk; without either, of what the client
    may still buy. Ties are settled by the client's id, so that the same scores give the same pages.
    """
    reasons = _read_reasons(published.reasons)
    average = pc.mean(published.clients["erosion_probability"]).as_py() or 0.0
    offers = _read_offers(published, reasons)
    answers = _read_answers(published.questions, reasons)
    households = defaultdict(list)
    for situation in situations.values():
        if situation.household_id is not None:
            households[situation.household_id].append(situation)
    sheets = []
    for row in published.clients.to_pylist():
        situation = situations[row["client_id"]]
        family = households.get(situation.household_id or "", ())
        sheets.append(
            Sheet(
                situation,
                row["advisor_id"],
                row["attrition_probability"],
                row["attrition_tier"],
                row["past_profit"],
                row["lifetime_value"],
                row["potential"],
                reasons.get((row["client_id"], ATTRITION), ()),
                offers.get(row["client_id"], ()),
                tuple(member for member in family if member is not situation),
                answers.get(row["client_id"], ()),
                _read_erosion(row, average, reasons.get((row["client_id"], EROSION), ())),
                likeness.of(row["client_id"]) if likeness else None,
                gaps.get(row["client_id"], ()) if gaps else (),
            )
        )
    return sorted(sheets, key=_urgency)


def to_call(sheets: Sequence[Sheet], most: int) -> list[Sheet]:
    """Return the clients to call first: above the low tier of risk, by what is at stake."""
    return [sheet for sheet in sheets if sheet.tier in ("high", "medium")][:most]


def to_keep(sheets: Sequence[Sheet], most: int) -> list[tuple[Sheet, Erosion]]:
    """Return the clients likelier than the average to take money out and stay, by the money expected to leave."""
    found = [(sheet, sheet.erosion) for sheet in sheets if sheet.erosion is not None and sheet.erosion.lift > 1]
    found.sort(key=lambda pair: (-pair[1].outflow, pair[0].client_id))
    return found[:most]


def ready_to_buy(sheets: Sequence[Sheet], most: int) -> list[tuple[Sheet, Offer]]:
    """Return the clients ready for a product, each with the best one, by its expected value, else its lift."""
    found = [(sheet, offer) for sheet in sheets if (offer := sheet.ready) is not None]
    found.sort(key=lambda pair: (-(pair[1].expected_value or 0.0), -pair[1].lift, pair[0].client_id))
    return found[:most]


def _urgency(sheet: Sheet) -> tuple[float, float, float, str]:
    stake = sheet.at_stake
    return (
        -stake if stake is not None else 0.0,
        -(sheet.attrition or 0.0),
        -(sheet.potential or sheet.lifetime_value or 0.0),
        sheet.client_id,
    )


def _read_reasons(table: pa.Table) -> dict[tuple[str, str], tuple[Reason, ...]]:
    """Read in stretches, and keep equal texts once: a large book has millions of reasons, of which many are alike."""
    found: dict[tuple[str, str], list[Reason]] = defaultdict(list)
    once: dict[str, str] = {}
    columns = table.select(["client_id", "question", "theme", "points", "actionable", "text_en", "text_fr"])
    for stretch in columns.to_batches(max_chunksize=_STRETCH):
        rows = zip(*(column.to_pylist() for column in stretch.columns), strict=True)
        for client_id, question, theme, points, actionable, *texts in rows:
            key = client_id, once.setdefault(question, question)
            told = (once.setdefault(text, text) for text in (theme, *texts))
            found[key].append(Reason(next(told), points, actionable, *told))
    return {key: tuple(rows) for key, rows in found.items()}


def _read_erosion(row: Mapping[str, Any], average: float, reasons: tuple[Reason, ...]) -> Erosion | None:
    probability = row["erosion_probability"]
    if probability is None:
        return None
    return Erosion(probability, row["expected_outflow"], probability / average if average > 0 else 1.0, reasons)


def _read_offers(
    published: PublishedScores, reasons: Mapping[tuple[str, str], tuple[Reason, ...]]
) -> dict[str, tuple[Offer, ...]]:
    average = {(row["product_id"], row["purchase"]): row["average"] for row in published.products.to_pylist()}
    found: dict[str, list[Offer]] = defaultdict(list)
    columns = ("client_id", "product_id", "purchase", "probability", "expected_value", "modelled")
    for client_id, product_id, purchase, probability, worth, modelled in zip(
        *(published.offers[name].to_pylist() for name in columns), strict=True
    ):
        usual = average[product_id, purchase]
        lift = probability / usual if usual > 0 else 1.0
        question = f"{NEXT_AGAIN if purchase == AGAIN else NEXT_PRODUCT}:{product_id}"
        why = reasons.get((client_id, question), ())
        found[client_id].append(Offer(product_id, purchase, probability, worth, modelled, lift, why))
    return {client_id: tuple(rows) for client_id, rows in found.items()}


def _read_answers(
    table: pa.Table, reasons: Mapping[tuple[str, str], tuple[Reason, ...]]
) -> dict[str, tuple[Answer, ...]]:
    found: dict[str, list[Answer]] = defaultdict(list)
    columns = ("client_id", "question", "probability", "modelled")
    for client_id, question, probability, modelled in zip(*(table[name].to_pylist() for name in columns), strict=True):
        why = reasons.get((client_id, question), ())
        found[client_id].append(Answer(question, probability, modelled, why))
    return {client_id: tuple(rows) for client_id, rows in found.items()}
