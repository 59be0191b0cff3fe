"""The monthly scores: where they go, tiers, and what is supposed of clients."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from appetence.config.settings import Name, PathText, Settings


class Scenario(Settings):
    """A plausible change of which models are asked what they would answer.

    `fact`: what is supposed to stand in the book since the last day of the month: an `interaction` of a `kind` through
    a `channel`, or a `contract` of a `product`, by default the best one that the client may buy for the first time.
    In labels, `{product}` is the product's name.
    """

    name: Name
    label_en: Annotated[str, Field(min_length=1, max_length=80)]
    label_fr: Annotated[str, Field(min_length=1, max_length=80)]
    fact: Literal["interaction", "contract"]
    kind: Annotated[str, Field(min_length=1, max_length=40)] | None = None
    channel: Annotated[str, Field(min_length=1, max_length=40)] = "branch"
    product: Annotated[str, Field(min_length=1, max_length=200)] | None = None

    @model_validator(mode="after")
    def _one_fact(self) -> Scenario:
        if self.fact == "interaction" and (self.kind is None or self.product is not None):
            raise ValueError("an interaction has a kind (review, call, visit …) and no product")
        if self.fact == "contract" and self.kind is not None:
            raise ValueError("a contract has a product, or none for the client's best one, and no kind")
        if self.fact == "interaction" and "{product}" in self.label_en + self.label_fr:
            raise ValueError("only a contract's label can name a {product}")
        return self


SCENARIOS = (
    Scenario(name="review", label_en="A review held", label_fr="Un bilan réalisé", fact="interaction", kind="review"),
    Scenario(
        name="call",
        label_en="A call with the advisor",
        label_fr="Un appel avec le conseiller",
        fact="interaction",
        kind="call",
        channel="phone",
    ),
    Scenario(
        name="one_more_product",
        label_en="One more product: {product}",
        label_fr="Un produit de plus : {product}",
        fact="contract",
    ),
)


class ScenarioSettings(Settings):
    """What would change a score: the changes tried, and of how many clients.

    `clients`: of those in the tiers `high` and `medium`, the ones with most money at stake; 0 switches it off. `each`:
    the changes; one whose kind of interaction the book has never seen, or without a product to propose, is left out.
    """

    clients: Annotated[int, Field(ge=0, le=100_000)] = 500
    each: tuple[Scenario, ...] = SCENARIOS

    @model_validator(mode="after")
    def _once(self) -> ScenarioSettings:
        names = [scenario.name for scenario in self.each]
        if len(set(names)) < len(names):
            raise ValueError("each scenario must be named once")
        return self


class ScoringSettings(Settings):
    """Where scores go, and which shares of the book are the `high` and `medium` tiers of attrition risk."""

    database: PathText
    high: Annotated[float, Field(gt=0, lt=1)] = 0.10
    medium: Annotated[float, Field(gt=0, lt=1)] = 0.20
    reasons: Annotated[int, Field(ge=1, le=20)] = 5
