"""What clients and a book are worth: margins, multiples, segments, matrix, clusters, sources."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from appetence.config.features import BEHAVIOUR
from appetence.config.settings import PathText, Settings


class Driver(Settings):
    """How far one trait of a book moves its multiple: by `effect` per unit above `reference`, at most `limit`."""

    reference: float
    effect: float
    limit: Annotated[float, Field(ge=0, le=10)]


class MultipleSettings(Settings):
    """The multiple of yearly revenue that a book is worth: `base`, and what the book's traits add, within bounds.

    Money (`income`, `net_worth`) counts by doublings of its reference. `rank` is the place among advisors' revenue,
    from -0.5 to 0.5. `places`: what the multiple gains where all clients live in a region. `credibility`: clients at
    whose number an advisor's own figures count as much as the company's. Reasons for the values stand in
    `appetence.value.book_value`; they are a starting point, and the firm's to set.
    """

    base: Annotated[float, Field(gt=0, le=20)] = 2.0
    low: Annotated[float, Field(ge=0, le=20)] = 1.0
    high: Annotated[float, Field(gt=0, le=20)] = 3.5
    credibility: Annotated[float, Field(ge=0, le=100_000)] = 50.0
    retention: Driver = Driver(reference=0.92, effect=5.0, limit=0.5)
    families: Driver = Driver(reference=2.0, effect=0.2, limit=0.2)
    share_of_wallet: Driver = Driver(reference=0.25, effect=0.5, limit=0.15)
    age: Driver = Driver(reference=50.0, effect=-0.02, limit=0.3)
    income: Driver = Driver(reference=40_000.0, effect=0.05, limit=0.1)
    net_worth: Driver = Driver(reference=150_000.0, effect=0.05, limit=0.1)
    growth: Driver = Driver(reference=0.02, effect=2.0, limit=0.3)
    rank: Driver = Driver(reference=0.0, effect=0.2, limit=0.1)
    places: dict[str, Annotated[float, Field(ge=-1, le=1)]] = {}

    @model_validator(mode="after")
    def _in_order(self) -> MultipleSettings:
        if not self.low <= self.base <= self.high:
            raise ValueError(f"base must lie between low and high, not {self.base:g}")
        for name in ("income", "net_worth"):
            if getattr(self, name).reference <= 0:
                raise ValueError(f"{name}.reference must be above zero: money counts by doublings of it")
        return self


class AcquisitionSettings(Settings):
    """What new clients brought and cost, by how they came.

    `months`: clients are looked at who joined in so many months. `per_offer`: cost of an offer, by its channel.
    `per_client`: further cost of a new client, by source. `least`: clients below which a group's money is not shown.
    """

    months: Annotated[int, Field(ge=1, le=120)] = 36
    per_offer: dict[str, Annotated[float, Field(ge=0)]] = {}
    per_client: dict[str, Annotated[float, Field(ge=0)]] = {}
    least: Annotated[int, Field(ge=1, le=1000)] = 10


class MatrixSettings(Settings):
    """From where on clients count as profitable, and as promising: the two thresholds of the matrix of client value.

    `profitability`: yearly past profit, in money. `potential`: future value, in money. Left out, a threshold is the
    quantile `quantile` of the book. `margin`: share of a threshold by which it must be crossed before a client's path
    counts a move. `loyal`: probability of staying a year from which on a client is loyal. `exit_below`: yearly profit
    below which it is proposed to part from a client without potential who is not loyal; 0, those who cost more than
    they bring.
    """

    profitability: float | None = None
    potential: float | None = None
    quantile: Annotated[float, Field(gt=0, lt=1)] = 0.5
    margin: Annotated[float, Field(ge=0, le=0.5)] = 0.1
    loyal: Annotated[float, Field(gt=0, lt=1)] = 0.9
    exit_below: float = 0.0


class ClusterSettings(Settings):
    """How clients are grouped by behaviour.

    `groups`: of features that say how a client behaves; those of the person and of the household are no choice.
    `fewest` and `most`: how many clusters are tried. `sample`: clients from whom they are learnt. `bootstrap`: draws by
    which it is judged whether they are stable.
    """

    groups: tuple[Literal[BEHAVIOUR], ...] = BEHAVIOUR  # type: ignore[valid-type]
    fewest: Annotated[int, Field(ge=2, le=20)] = 2
    most: Annotated[int, Field(ge=2, le=20)] = 8
    sample: Annotated[int, Field(ge=100, le=200_000)] = 10_000
    bootstrap: Annotated[int, Field(ge=5, le=100)] = 10
    seed: Annotated[int, Field(ge=0)] = 7

    @model_validator(mode="after")
    def _fewest_first(self) -> ClusterSettings:
        if self.fewest > self.most:
            raise ValueError(f"fewest must be no more than most, not {self.fewest} and {self.most}")
        return self


class ValueSettings(Settings):
    """Lifetime value: yearly discount rate, and the months over which margins are counted.

    `margins`: "catalogue", the products' own; or "learned" from each contract's revenue and cost of the last 12 months,
    drawn to its product's mean. `tail`: whether what comes after the horizon counts, on the book's long-run decline.
    `segments`: a YAML file with the rules by which the firm divides its clients; left out, it does not. `matrix`:
    thresholds of the matrix of profitability and potential. `clusters`: how clients are grouped by behaviour.
    `multiple`: of yearly revenue, for the value of a book as it is sold. `acquisition`: what new clients cost.
    """

    discount_rate: Annotated[float, Field(ge=0, le=0.5)] = 0.04
    horizon: Annotated[int, Field(ge=1, le=240)] = 60
    margins: Literal["catalogue", "learned"] = "catalogue"
    tail: bool = True
    segments: PathText | None = None
    matrix: MatrixSettings = MatrixSettings()
    clusters: ClusterSettings = ClusterSettings()
    multiple: MultipleSettings = MultipleSettings()
    acquisition: AcquisitionSettings = AcquisitionSettings()
