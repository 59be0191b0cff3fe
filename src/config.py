"""What a firm decides: one YAML file, read into frozen settings with every mistake reported at once.

Only paths may refer to the environment (`${NAME}` or `${NAME:-default}`); anything secret stays there.
"""

from __future__ import annotations

import datetime as dt
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from appetence.errors import UsageError, did_you_mean, nearest

_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}")


class Settings(BaseModel):
    """Base of all settings: frozen, and no key that is not known."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)


def _expanded(text: str, info: ValidationInfo) -> str:
    env: Mapping[str, str] = (info.context or {}).get("env", {})

    def value(match: re.Match[str]) -> str:
        name, default = match[1], match[2]
        if env.get(name):
            return env[name]
        if default is None:
            raise ValueError(f"environment variable {name} is not set; set it, or write ${{{name}:-default}}")
        return default

    return _VARIABLE.sub(value, text)


PathText = Annotated[str, AfterValidator(_expanded)]
"""A path, relative to the working directory, in which `${NAME:-default}` is expanded."""

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
"""A short lower-case name, safe in file names and SQL."""

ColumnName = Annotated[str, Field(min_length=1, max_length=200)]


class CsvFile(Settings):
    """A delimited text file. Nothing about it is guessed; a column with no type is text.

    `century` (say 1900) is needed where `date_format` holds a two-digit year: all years lie in that century.
    """

    format: Literal["csv"]
    path: PathText
    encoding: str = "utf-8"
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] = ","
    quote: Annotated[str, Field(max_length=1)] = '"'
    decimal: Literal[".", ","] = "."
    thousands: Literal["", " ", ".", ",", "'"] = ""
    date_format: str = "%Y-%m-%d"
    century: Annotated[int, Field(ge=1700, le=2100, multiple_of=100)] | None = None
    null_values: tuple[str, ...] = ("",)
    columns: dict[ColumnName, Literal["text", "date", "number", "integer"]] = {}

    @model_validator(mode="after")
    def _unambiguous(self) -> CsvFile:
        if "%y" in self.date_format and self.century is None:
            raise ValueError("date_format has a two-digit year (%y): say which century, e.g. century: 1900")
        if self.thousands and self.thousands == self.decimal:
            raise ValueError("the thousands mark and the decimal mark must differ")
        return self


class ParquetFile(Settings):
    """A Parquet file, or several by a glob."""

    format: Literal["parquet"]
    path: PathText


class DuckdbTable(Settings):
    """A table of a DuckDB database, opened read-only."""

    format: Literal["duckdb"]
    path: PathText
    table: str


Source = Annotated[CsvFile | ParquetFile | DuckdbTable, Field(discriminator="format")]


class SimulateSettings(Settings):
    """A book made up by the simulator, for demos and tests."""

    clients: Annotated[int, Field(ge=50, le=5_000_000)] = 6_000
    months: Annotated[int, Field(ge=12, le=240)] = 48
    first_month: Annotated[str, Field(pattern=r"^\d{4}-(0[1-9]|1[0-2])$")] = "2021-01"
    seed: Annotated[int, Field(ge=0)] = 7


class BookSettings(Settings):
    """Where the client book is.

    Either `directory` (one Parquet file per table of the contract, as the simulator writes), or `sources` (the firm's
    files, each under a name) with `views` (per table of the contract, one SQL query over those names).

    `observed_from` and `observed_until` bound what the firm's records can show: events before the first day, or from
    the second day on, would not be in them. Left out, they are read off the balances, else off the newest dated fact.
    """

    directory: PathText | None = None
    simulate: SimulateSettings | None = None
    sources: dict[Name, Source] = {}
    views: dict[str, str] = {}
    extra_columns: dict[str, dict[ColumnName, Literal["text", "number", "date"]]] = {}
    observed_from: dt.date | None = None
    observed_until: dt.date | None = None

    @model_validator(mode="after")
    def _one_way(self) -> BookSettings:
        if (self.directory is None) == (not self.views):
            raise ValueError("give either directory, or sources with views")
        if self.simulate is not None and self.directory is None:
            raise ValueError("simulate needs a directory to write to")
        for day in (self.observed_from, self.observed_until):
            if day is not None and day.day != 1:
                raise ValueError(f"observed_from and observed_until must be first days of a month, not {day}")
        return self


GROUPS = (
    "tenure",
    "holdings",
    "bundles",
    "coverage",
    "balances",
    "interactions",
    "text",
    "life_events",
    "household",
    "person",
    "calendar",
)


BEHAVIOUR = ("tenure", "holdings", "balances", "interactions", "text", "life_events")
"""Groups of features of what a client does, apart from who the client is and with whom."""


class CoverageTarget(Settings):
    """The families of products that the clients of a segment should hold.

    `when` is a condition over age, kind and what clients declare (income, net_worth, marital_status, children,
    occupation, region); left out, it holds for everyone.
    """

    segment: Name
    when: str = "TRUE"
    families: Annotated[tuple[str, ...], Field(min_length=1)]


class TopicSettings(Settings):
    """Topics learnt from the words of clients' messages: how many at most, or none at all."""

    enabled: bool = True
    components: Annotated[int, Field(ge=1, le=32)] = 8


class FeatureSettings(Settings):
    """Which feature groups to use; a group whose table is missing switches itself off and says so.

    `own`: Python files of the firm's, each a group of its own features. `coverage`: what clients should hold, by
    segment; a client belongs to the first segment whose condition is true. `topics`: read beside the group `text`, so
    not without it.
    """

    groups: tuple[Literal[GROUPS], ...] = GROUPS  # type: ignore[valid-type]
    exclude: tuple[str, ...] = ()
    own: tuple[PathText, ...] = ()
    coverage: tuple[CoverageTarget, ...] = ()
    topics: TopicSettings = TopicSettings()

    @property
    def reads_topics(self) -> bool:
        """Whether models learn topics: a firm that leaves out `text` wants no message read."""
        return self.topics.enabled and "text" in self.groups

    @model_validator(mode="after")
    def _segments_once(self) -> FeatureSettings:
        names = [target.segment for target in self.coverage]
        if len(set(names)) < len(names):
            raise ValueError("each segment of coverage must be named once")
        return self


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


class TrainingSettings(Settings):
    """How models are made and judged.

    `every`: months between training cuts. `history`: months of the book that must lie before the first cut. `tests`:
    out-of-time test dates, `test_spacing` months apart, the newest last. `calibration_share`: part of the households
    kept out of the fit, on whose latest matured cuts the model is calibrated. `bootstrap`: draws behind an interval.
    `unit`: what is drawn as one for it, a household, a cohort (all who joined in the same month), or, by `auto`, the
    one of the two by which events come in larger lumps.
    """

    every: Annotated[int, Field(ge=1, le=12)] = 3
    history: Annotated[int, Field(ge=0, le=60)] = 6
    tests: Annotated[int, Field(ge=1, le=12)] = 2
    test_spacing: Annotated[int, Field(ge=1, le=24)] = 6
    calibration_share: Annotated[float, Field(gt=0, lt=0.5)] = 0.25
    bootstrap: Annotated[int, Field(ge=20, le=2000)] = 200
    unit: Literal["auto", "household", "cohort"] = "auto"
    seed: Annotated[int, Field(ge=0)] = 7
    parameters: dict[str, float | int | bool | None] = {}


class TuningSettings(Settings):
    """How `appetence tune` searches parameters.

    `trials`: sets of parameters tried in all, the one in use among them. `time_budget`: minutes of wall clock, features
    and tests included. `folds`: dates inside the training period by which a set is judged; a short book gives fewer.
    """

    trials: Annotated[int, Field(ge=2, le=1000)] = 40
    time_budget: Annotated[float, Field(gt=0, le=10_080)] = 30.0
    folds: Annotated[int, Field(ge=1, le=12)] = 3


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


class BacktestSettings(Settings):
    """Dates at which `appetence backtest` makes the models again as of then: how many, and months between them."""

    tests: Annotated[int, Field(ge=1, le=60)] = 6
    spacing: Annotated[int, Field(ge=1, le=24)] = 6


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


class ScoringSettings(Settings):
    """Where scores go, and which shares of the book are the `high` and `medium` tiers of attrition risk."""

    database: PathText
    high: Annotated[float, Field(gt=0, lt=1)] = 0.10
    medium: Annotated[float, Field(gt=0, lt=1)] = 0.20
    reasons: Annotated[int, Field(ge=1, le=20)] = 5


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


class TrackingSettings(Settings):
    """Where MLflow keeps runs and models: `mlflow.db` and `artifacts/` below this folder."""

    directory: PathText = "mlruns"


class Config(Settings):
    """A firm's whole configuration."""

    name: Name
    title: str = ""
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] = "EUR"
    languages: tuple[Literal["fr", "en"], ...] = ("fr", "en")
    book: BookSettings
    features: FeatureSettings = FeatureSettings()
    attrition: AttritionSettings = AttritionSettings()
    erosion: ErosionSettings = ErosionSettings()
    next_product: NextProductSettings = NextProductSettings()
    questions: tuple[OwnQuestion, ...] = ()
    credit: CreditSettings = CreditSettings()
    uplift: UpliftSettings = UpliftSettings()
    training: TrainingSettings = TrainingSettings()
    tuning: TuningSettings = TuningSettings()
    backtest: BacktestSettings = BacktestSettings()
    value: ValueSettings = ValueSettings()
    scoring: ScoringSettings
    scenarios: ScenarioSettings = ScenarioSettings()
    reports: ReportSettings
    tracking: TrackingSettings = TrackingSettings()

    @field_validator("questions")
    @classmethod
    def _questions_once(cls, questions: tuple[OwnQuestion, ...]) -> tuple[OwnQuestion, ...]:
        names = [question.name for question in questions]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"each question must be named once, not twice: {', '.join(twice)}")
        return questions

    @property
    def asking(self) -> Asking:
        """The settings of all questions, as they are passed inward."""
        return Asking(**{name: getattr(self, name) for name in Asking.model_fields})


_Read = TypeVar("_Read", bound=Settings)


def load_config(path: Path | str, env: Mapping[str, str] | None = None) -> Config:
    """Read and check a config file; see `read_settings`."""
    return read_settings(path, Config, "config", env)


def read_settings(path: Path | str, model: type[_Read], what: str, env: Mapping[str, str] | None = None) -> _Read:
    """Read and check a YAML file of settings.

    Parameters
    ----------
    path
        A YAML file.
    model
        The settings that it holds.
    what
        What such a file is called in messages.
    env
        What `${NAME}` in paths refers to; `os.environ` by default.

    Raises
    ------
    UsageError
        The file is missing, is not YAML, or breaks the settings; the message holds every mistake with its place, and
        the nearest known key for an unknown one.
    """
    path = Path(path)
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        hint = "Give one with --config" if what == "config" else None
        raise UsageError(f"the {what} must be a file that exists", str(path), hint) from None
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"the {what} must be a readable UTF-8 file", f"{path}: {error}") from None
    except yaml.YAMLError as error:
        raise UsageError(f"the {what} must be valid YAML", f"{path}: {' '.join(str(error).split())}") from None
    if not isinstance(raw, dict):
        raise UsageError(f"the {what} must be a YAML mapping of sections", f"{path}: {type(raw).__name__}")
    try:
        return model.model_validate(raw, context={"env": os.environ if env is None else env})
    except ValidationError as error:
        mistakes = "\n".join(f"  - {line}" for line in _mistakes(error, model))
        raise UsageError(f"{path} has {error.error_count()} mistake(s):\n{mistakes}") from None


def _mistakes(error: ValidationError, model: type[Settings]) -> Iterator[str]:
    for item in error.errors(include_url=False):
        place = ".".join(str(part) for part in item["loc"]) or "(top level)"
        if item["type"] == "extra_forbidden":
            near = nearest(str(item["loc"][-1]), _keys_at(item["loc"][:-1], model))
            yield f"{place}: unknown key" + (f", did you mean {near!r}?" if near else "")
        else:
            got = item["input"]
            shown = f" (got {got!r})" if isinstance(got, str | int | float | bool) and len(repr(got)) < 80 else ""
            yield f"{place}: {item['msg'].removeprefix('Value error, ')}{shown}"


def _keys_at(place: tuple[int | str, ...], tree: type[Settings]) -> list[str]:
    """Return the keys known at a place of the settings tree."""
    models: list[Any] = [tree]
    for part in place:
        found: list[Any] = []
        for model in models:
            if part in model.model_fields:
                found += _models_in(model.model_fields[part].annotation)
        models = found or models  # a dictionary's key, or a union's tag, stays at the same models
    return [key for model in models for key in model.model_fields]


def _models_in(annotation: Any) -> list[Any]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    if get_origin(annotation) in (Union, dict, tuple, list, Annotated) or get_args(annotation):
        return [model for part in get_args(annotation) for model in _models_in(part)]
    return []
