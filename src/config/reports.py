"""What advisors' reports show, and the sentences that they may say."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Literal

from pydantic import Field, field_validator

from appetence.config.settings import PathText, Settings
from appetence.errors import did_you_mean

SAYINGS: Mapping[str, tuple[str, ...]] = {
    "complaint": ("date",),
    "claim": ("date",),
    "grief": ("event", "month"),
    "minor": (),
    "event": ("event", "month"),
    "referral": (),
    "anniversary": ("years",),
    "welcome": (),
    "term": ("product", "date"),
    "rating": ("score",),
    "satisfaction": (),
    "plans": (),
    "news": (),
    "review": (),
    "offer": ("product",),
    "offer_again": ("product",),
    "offer_event": ("product",),
    "offer_credit": ("product",),
    "offer_peers": ("product", "share"),
    "wait_complaint": (),
    "wait_grief": (),
    "no_marketing": (),
    "no_phone": (),
}
"""What a client sheet may advise to say, and what each sentence may place in braces."""

_PLACED = re.compile(r"\{(\w+)\}|[{}]")

Sentences = dict[Literal["fr", "en"], Annotated[str, Field(min_length=1, max_length=200)]]


def _mistakes_of(name: str, sentence: str) -> Iterator[str]:
    """Say what is wrong with a sentence of the firm's own."""
    if name not in SAYINGS:
        yield f"there is no sentence {name!r} to say: {did_you_mean(name, SAYINGS)}"
        return
    allowed = ", ".join(f"{{{place}}}" for place in SAYINGS[name]) or "nothing"
    for match in _PLACED.finditer(sentence):
        if match[1] not in SAYINGS[name]:
            yield f"the sentence {name!r} may place {allowed} in braces, not {match[0]!r}"


class AlertSettings(Settings):
    """When an advisor is alerted: each rule is told on the page.

    `outflow`: share of the book whose expected outflow is the largest; `term_months`: to a contract's term;
    `times_average`: of the probability of a first purchase, crossed since the last month published.
    """

    outflow: Annotated[float, Field(gt=0, lt=1)] = 0.05
    term_months: Annotated[int, Field(ge=1, le=24)] = 3
    times_average: Annotated[float, Field(gt=1, le=100)] = 3.0


class ReportSettings(Settings):
    """Where reports go, and what they show.

    `texts`: sentences of the firm's own for what a client sheet advises to say, by name and language; the rest are
    those of the package. `events`: per kind of life event, the products or families of products it may call for.
    `birthdays`: ages that are told as key moments when they come near. `review_months`: how often there is to be a
    review with each client.
    """

    directory: PathText
    clients_to_call: Annotated[int, Field(ge=1, le=500)] = 25
    alerts: AlertSettings = AlertSettings()
    texts: dict[str, Sentences] = {}
    events: dict[str, tuple[str, ...]] = {}
    birthdays: tuple[Annotated[int, Field(ge=1, le=120)], ...] = (18,)
    review_months: Annotated[int, Field(ge=1, le=60)] = 6

    @field_validator("texts")
    @classmethod
    def _known_sentences(cls, texts: dict[str, Sentences]) -> dict[str, Sentences]:
        mistakes = [
            mistake
            for name, sentences in texts.items()
            for sentence in sentences.values()
            for mistake in _mistakes_of(name, sentence)
        ]
        if mistakes:
            raise ValueError("; ".join(dict.fromkeys(mistakes)))
        return texts
