"""The tables that the job writes: declared once, for every sink.

Each run writes its own rows under its `run_id`; `publications` says which run a month's readers see, and the
`current_*` views read through it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import pyarrow as pa

HORIZONS = (3, 6, 12, 24)
"""Months for which the probability of leaving is written."""


@dataclass(frozen=True)
class ScoreTable:
    """One output table.

    Parameters
    ----------
    key
        Columns that together name a row once.
    meanings
        What each column holds, for the docs.
    before
        {column: value} that rows have which were written when there was no such column.
    """

    name: str
    key: tuple[str, ...]
    schema: pa.Schema
    meanings: dict[str, str]
    before: Mapping[str, str] = field(default_factory=dict)


def _table(name: str, key: tuple[str, ...], *columns: tuple[str, pa.DataType, bool, str]) -> ScoreTable:
    schema = pa.schema([pa.field(column, type_, nullable=nullable) for column, type_, nullable, _ in columns])
    return ScoreTable(name, key, schema, {column: meaning for column, _, _, meaning in columns})


_TEXT, _FLOAT, _INT, _FLAG = pa.string(), pa.float64(), pa.int64(), pa.bool_()
_STAMP = pa.timestamp("us", tz="UTC")
_RUN = ("run_id", _TEXT, False, "The run")
_MONTH = ("month", _TEXT, False, "YYYY-MM: facts known by its end were used")
_CLIENT = ("client_id", _TEXT, False, "The client")

SCORE_RUNS = _table(
    "score_runs",
    ("run_id",),
    _RUN,
    _MONTH,
    ("state", _TEXT, False, "staged, published, superseded or failed"),
    ("started_at", _STAMP, False, "Wall clock"),
    ("finished_at", _STAMP, True, "Wall clock"),
    ("book_fingerprint", _TEXT, False, "Hash of all facts known by the month's end"),
    ("models", _TEXT, False, "JSON: per question the model's name, version, kind, hashes, or why there is none"),
    ("settings", _TEXT, False, "JSON: the resolved config"),
    ("code_version", _TEXT, False, "Of the package"),
    ("clients", _INT, False, "Clients scored"),
    ("objected", _INT, False, "Clients left out because they object to profiling"),
    ("supersedes", _TEXT, True, "The run of the same month that this one replaces"),
    ("why", _TEXT, True, "The reason given for replacing it"),
)

VALUE_TERMS = ("margin", "erosion", "credit", "tail", "low", "high")
"""Of a client's lifetime value, as `value_<term>`: the first four add up to it."""

CLIENT_SCORES = _table(
    "client_scores",
    ("run_id", "client_id"),
    _RUN,
    _MONTH,
    _CLIENT,
    ("advisor_id", _TEXT, True, "The advisor in charge"),
    *(
        (f"attrition_{h}m", _FLOAT, True, f"Probability of leaving by choice within {h} months; null: not modelled")
        for h in HORIZONS
    ),
    ("attrition_probability", _FLOAT, True, "The same for the model's own horizon: the one that the reasons explain"),
    ("attrition_tier", _TEXT, True, "high, medium or low, by rank in the book"),
    (
        "erosion_probability",
        _FLOAT,
        True,
        "Probability that money leaves while the client stays; null: not modelled, or next to no balances to lose",
    ),
    ("expected_outflow", _FLOAT, True, "Money expected to leave that way; null with erosion_probability"),
    ("past_revenue", _FLOAT, True, "Revenue of the last 12 months; null: no balances"),
    ("past_cost", _FLOAT, True, "Costs of claims and servicing in that time"),
    ("past_credit_loss", _FLOAT, True, "Loss on defaults in that time: outstanding times loss given default"),
    ("past_profit", _FLOAT, True, "Revenue less cost less credit loss over the last 12 months; null: no balances"),
    ("lifetime_value", _FLOAT, True, "What the contracts held are worth today: the sum of the next four"),
    ("value_margin", _FLOAT, True, "Discounted margins within the horizon while the client stays"),
    ("value_erosion", _FLOAT, True, "Less margins lost with money that leaves while the client stays: ≤ 0"),
    ("value_credit", _FLOAT, True, "Less expected credit losses: ≤ 0"),
    ("value_tail", _FLOAT, True, "Margins after the horizon, on the book's long-run decline"),
    ("value_low", _FLOAT, True, "Margins within the horizon if the client leaves as early as one in ten do"),
    ("value_high", _FLOAT, True, "The same if the client stays as long as one in ten do, at most the horizon"),
    (
        "potential",
        _FLOAT,
        True,
        "Expected value of all next purchases: sum of probability times value of the sale",
    ),
)

FIRST, AGAIN = "first", "again"
"""Values of `appetence_scores.purchase`."""

APPETENCE_SCORES = replace(
    _table(
        "appetence_scores",
        ("run_id", "client_id", "product_id"),
        _RUN,
        _MONTH,
        _CLIENT,
        ("product_id", _TEXT, False, "A product the client may buy"),
        ("probability", _FLOAT, False, "Of a purchase within the horizon: the first, or another one; see `purchase`"),
        ("expected_value", _FLOAT, True, "Probability times value of the sale; null: its margin is not known"),
        ("rank", _INT, False, "1: the most probable of this client's products"),
        ("modelled", _FLAG, False, "False: the product's base rate, because there is no model that beats it"),
        ("purchase", _TEXT, False, "first: the client has never had the product; again: holds it, or held it"),
    ),
    before={"purchase": FIRST},
)

QUESTION_SCORES = _table(
    "question_scores",
    ("run_id", "client_id", "question"),
    _RUN,
    _MONTH,
    _CLIENT,
    ("question", _TEXT, False, "A question of the firm's own, by its name in the config"),
    ("probability", _FLOAT, False, "That it happens within the question's horizon"),
    ("modelled", _FLAG, False, "False: the question's base rate, because there is no model that beats it"),
)

SCORE_REASONS = _table(
    "score_reasons",
    ("run_id", "client_id", "question", "rank"),
    _RUN,
    _MONTH,
    _CLIENT,
    (
        "question",
        _TEXT,
        False,
        "attrition, erosion, buy:<product_id>, rebuy:<product_id>, or the name of a question of the firm's own",
    ),
    ("rank", _INT, False, "0: the baseline; then the strongest reasons; last: all others together"),
    ("theme", _TEXT, False, "Of the reason; baseline and other are the two rows that are none"),
    ("feature", _TEXT, True, "The theme's strongest feature for this client"),
    ("value", _TEXT, True, "Its value, as in the feature table"),
    ("points", _FLOAT, False, "Percentage points of probability: all rows of a question add up to 100 × the score"),
    ("actionable", _FLAG, False, "Whether an advisor can act on it"),
    ("text_en", _TEXT, False, "The reason in English"),
    ("text_fr", _TEXT, False, "The reason in French"),
)

SCORE_MOVES = _table(
    "score_moves",
    ("run_id", "client_id", "question", "rank"),
    _RUN,
    _MONTH,
    _CLIENT,
    ("question", _TEXT, False, "As of `score_reasons`"),
    ("rank", _INT, False, "1: the client's strongest themes; then facts, model and calibration; last: all the rest"),
    (
        "part",
        _TEXT,
        False,
        "What changed: client, facts (learnt late or corrected since), model, calibration, rest (all that is not "
        "listed); total: the whole difference, where its parts cannot be told; new: no score in the earlier month",
    ),
    ("theme", _TEXT, True, "Of the client's part, as of `score_reasons`"),
    ("feature", _TEXT, True, "The theme's feature that speaks; null where none of its values changed"),
    (
        "points",
        _FLOAT,
        True,
        "Percentage points: all rows of a question add up to 100 × (score less the earlier score); null: new",
    ),
    ("text_en", _TEXT, False, "The change in English"),
    ("text_fr", _TEXT, False, "The change in French"),
    ("against_run", _TEXT, False, "The run compared with: the newest month published before, as its readers saw it"),
    ("against_month", _TEXT, False, "Its month"),
)

SCORE_SCENARIOS = _table(
    "score_scenarios",
    ("run_id", "client_id", "question", "scenario"),
    _RUN,
    _MONTH,
    _CLIENT,
    ("question", _TEXT, False, "attrition or erosion"),
    ("scenario", _TEXT, False, "Its name in the config"),
    ("product_id", _TEXT, True, "The product supposed, of a scenario of one more contract"),
    ("probability_before", _FLOAT, False, "As published"),
    ("probability_after", _FLOAT, False, "What the model answers if the fact is supposed; no promise of an effect"),
    ("points", _FLOAT, False, "Percentage points between the two"),
    ("text_en", _TEXT, False, "What is supposed, in English"),
    ("text_fr", _TEXT, False, "The same in French"),
)

SEGMENTS = _table(
    "segments",
    ("run_id", "client_id"),
    _RUN,
    _MONTH,
    _CLIENT,
    ("segment", _TEXT, False, "By the firm's rules, steady near thresholds"),
    ("by_rule", _TEXT, False, "What the rules as written say this month"),
    ("pending", _TEXT, True, "The segment that the client moves to if next months ask for it too"),
    ("pending_months", _INT, False, "Months in a row that asked for it"),
    ("unknown", _TEXT, True, "Criteria not known though a better segment hangs on them"),
    ("criteria", _TEXT, False, "JSON: their values"),
    ("rules", _TEXT, False, "Version of the rules: a hash"),
)

SEGMENT_CHANGES = _table(
    "segment_changes",
    ("run_id", "client_id"),
    _RUN,
    _MONTH,
    _CLIENT,
    ("segment_from", _TEXT, False, "In the newest month published before"),
    ("segment_to", _TEXT, False, "Now"),
    ("criterion", _TEXT, True, "The first that made the difference; null: the rules changed, or values do not tell"),
    ("value_from", _TEXT, True, "Its value in the last month without a move pending"),
    ("value_to", _TEXT, True, "Its value now"),
    ("text_en", _TEXT, False, "Who moved and why, in English"),
    ("text_fr", _TEXT, False, "The same in French"),
)

BOOK_KPIS = _table(
    "book_kpis",
    ("run_id", "kpi_month", "level", "unit_id", "kpi", "detail"),
    _RUN,
    _MONTH,
    ("kpi_month", _TEXT, False, "YYYY-MM that the figure is of: the month scored and 23 before, each as known then"),
    ("level", _TEXT, False, "company, region, branch, team or advisor"),
    ("unit_id", _TEXT, False, "all; Region / Branch / Team; an advisor's id; empty: clients without an advisor"),
    ("kpi", _TEXT, False, "See docs/kpis.md"),
    ("detail", _TEXT, False, "A segment or source, where the figure has one of each; else empty"),
    ("value", _FLOAT, True, "In the unit of the catalogue"),
    ("numerator", _INT, False, "Whole number (cents, clients, months …) that adds up from advisors to the company"),
    ("denominator", _INT, True, "The same; null: the figure is no ratio"),
    ("previous_year", _FLOAT, True, "Value of the same month a year before"),
    ("trend", _FLOAT, True, "Change since: a share of it for money and counts, else the difference"),
    ("year_to_date", _FLOAT, True, "From January on, as the catalogue says"),
    ("rank", _INT, True, "1: the best of the level; null: too few clients, or nothing to rank"),
    ("of", _INT, True, "Units ranked"),
)

PUBLICATIONS = _table(
    "publications",
    ("month",),
    _MONTH,
    _RUN,
    ("published_at", _STAMP, False, "Wall clock"),
)

RUN_TABLES = (
    CLIENT_SCORES,
    APPETENCE_SCORES,
    QUESTION_SCORES,
    SCORE_REASONS,
    SCORE_MOVES,
    SCORE_SCENARIOS,
    SEGMENTS,
    SEGMENT_CHANGES,
    BOOK_KPIS,
)
"""What a run writes and a publication shows; each has a view `current_<name>` of the newest month published."""

SCORE_TABLES = (SCORE_RUNS, *RUN_TABLES, PUBLICATIONS)


def rows_of_run(table: ScoreTable) -> pa.Schema:
    """Return the columns that a run makes: all but its id and its month."""
    return pa.schema([column for column in table.schema if column.name not in ("run_id", "month")])
