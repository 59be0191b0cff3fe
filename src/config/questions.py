"""What models are asked: leaving, money leaving, buying, and the firm's own questions."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, field_validator

from appetence.config.settings import Name, Settings


class AttritionSettings(Settings):
    """Will the client leave: close the last contract, by choice, in [cut + gap, cut + gap + horizon) months."""

    enabled: bool = True
    horizon: Annotated[int, Field(ge=1, le=36)] = 6
    gap: Annotated[int, Field(ge=0, le=12)] = 0
    min_events: Annotated[int, Field(ge=20)] = 50


class NextProductSettings(Settings):
    """Will the client buy the product in [cut + gap, cut + gap + horizon) months, for the first time or again.

    `repurchase`: ask too which clients buy another contract of a product that they hold or held, product by product,
    where at least `min_buyers` clients have done it.
    """

    enabled: bool = True
    horizon: Annotated[int, Field(ge=1, le=36)] = 6
    gap: Annotated[int, Field(ge=0, le=12)] = 0
    min_buyers: Annotated[int, Field(ge=20)] = 50
    repurchase: bool = True


_TAKEN = ("attrition", "erosion", "buy", "rebuy", "next_product", "uplift", "credit_default", "value", "all")


class OwnQuestion(Settings):
    """A question of the firm's own: will it happen to the client in [cut + gap, cut + gap + horizon) months.

    `target`: one SELECT over the book's tables that gives an event a row: `client_id`, `occurred_on` and, where the
    firm knew it later, `known_on`. It makes labels only; no feature sees it. `population`: one SELECT that gives the
    `client_id` of whom it is asked; it is run on the tables as they were known at each cut, and `$cut` is the first day
    not known. Left out: everyone who holds a contract. `once`: it can happen to a client once, so that it is not
    asked of those to whom it did already. `min_events`: clients to whom it must have happened, or it is not modelled.
    """

    name: Name
    label_en: Annotated[str, Field(min_length=1, max_length=80)]
    label_fr: Annotated[str, Field(min_length=1, max_length=80)]
    target: Annotated[str, Field(min_length=1)]
    population: Annotated[str, Field(min_length=1)] | None = None
    horizon: Annotated[int, Field(ge=1, le=36)] = 6
    gap: Annotated[int, Field(ge=0, le=12)] = 0
    min_events: Annotated[int, Field(ge=20)] = 50
    once: bool = False

    @field_validator("name")
    @classmethod
    def _of_its_own(cls, name: str) -> str:
        if name in _TAKEN:
            raise ValueError(f"a question of your own must have a name of its own, not one of {', '.join(_TAKEN)}")
        return name


class ErosionSettings(Settings):
    """Will money leave while the client stays, in [cut + gap, cut + gap + horizon) months.

    `threshold`: share of the balances known at the cut whose net outflow is erosion, market moves apart. `min_balance`:
    balances, in the book's currency, below which a share of them means nothing and the client is not asked about.
    """

    enabled: bool = True
    horizon: Annotated[int, Field(ge=1, le=36)] = 6
    gap: Annotated[int, Field(ge=0, le=12)] = 0
    threshold: Annotated[float, Field(ge=0.01, le=1)] = 0.2
    min_balance: Annotated[float, Field(ge=1, le=1e9)] = 1_000.0
    min_events: Annotated[int, Field(ge=20)] = 50


class CreditSettings(Settings):
    """Will a client who holds a loan default within `horizon` months; asked where the book has defaults."""

    enabled: bool = True
    horizon: Annotated[int, Field(ge=1, le=36)] = 12
    min_events: Annotated[int, Field(ge=20)] = 50


class Asking(Settings):
    """What models are asked: the settings of each kind of question."""

    attrition: AttritionSettings = AttritionSettings()
    erosion: ErosionSettings = ErosionSettings()
    next_product: NextProductSettings = NextProductSettings()
    questions: tuple[OwnQuestion, ...] = ()
    credit: CreditSettings = CreditSettings()


class UpliftSettings(Settings):
    """Whom an offer changes, where offers carry a random control group.

    `horizon`: months after the offer in which a purchase counts; left out, that of `next_product`. `min_buyers`:
    clients who must have bought on each side, offered and held out, of the campaigns that are learnt from.
    """

    horizon: Annotated[int, Field(ge=1, le=36)] | None = None
    min_buyers: Annotated[int, Field(ge=20)] = 30
