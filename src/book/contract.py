"""The input contract: every table of the client book, declared once.

The mapping casts to these types, the checks read the keys and ranges, the simulator writes these columns, and
`docs/book.md` is generated from this module.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import pyarrow as pa


class Type(enum.Enum):
    """A column's type: its name in the docs, in Arrow and in DuckDB."""

    ID = ("id", pa.string(), "VARCHAR")
    TEXT = ("text", pa.string(), "VARCHAR")
    CODE = ("code", pa.string(), "VARCHAR")
    DATE = ("date", pa.date32(), "DATE")
    MONTH = ("month", pa.date32(), "DATE")
    MONEY = ("money", pa.decimal128(18, 2), "DECIMAL(18, 2)")
    NUMBER = ("number", pa.float64(), "DOUBLE")
    INTEGER = ("integer", pa.int64(), "BIGINT")
    FLAG = ("flag", pa.bool_(), "BOOLEAN")

    def __init__(self, label: str, arrow: pa.DataType, sql: str) -> None:
        self.label = label
        self.arrow = arrow
        self.sql = sql


@dataclass(frozen=True)
class Column:
    """One column of the contract.

    Parameters
    ----------
    name, type, meaning
        As in the docs. A MONTH is a date on the first of the month; MONEY is in the book's one currency.
    required
        False: the column may be absent from the firm's view (it is then all null), and its values may be null.
    values
        The codes allowed, where the list is closed.
    low, high
        The range allowed, both ends included.
    refers_to
        `table.column` that holds this id.
    """

    name: str
    type: Type
    meaning: str
    required: bool = True
    values: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None
    refers_to: str | None = None


@dataclass(frozen=True)
class Table:
    """One table of the contract.

    Parameters
    ----------
    key
        Columns that together name a row once.
    required
        False: a firm may leave the table out; the features and products that need it switch off and say so.
    happened, known
        The two clocks: the column that says when a fact happened and the one that says when the firm knew it. Where
        `known` is optional and null, `happened` serves as both. None: the table holds no dated fact.
    extensible
        The firm may list further columns of its own in the config.
    """

    name: str
    key: tuple[str, ...]
    meaning: str
    columns: tuple[Column, ...]
    required: bool = False
    happened: str | None = None
    known: str | None = None
    extensible: bool = False
    by_name: Mapping[str, Column] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_name", MappingProxyType({column.name: column for column in self.columns}))

    def arrow_schema(self) -> pa.Schema:
        """Return the table's Arrow schema, optional columns included."""
        return pa.schema([pa.field(c.name, c.type.arrow, nullable=not c.required) for c in self.columns])


def _id(name: str, meaning: str, refers_to: str | None = None, *, required: bool = True) -> Column:
    return Column(name, Type.ID, meaning, required=required, refers_to=refers_to)


def _optional(name: str, type_: Type, meaning: str, **kwargs: object) -> Column:
    return Column(name, type_, meaning, required=False, **kwargs)  # type: ignore[arg-type]


_CLIENT = _id("client_id", "The client", "clients.client_id")
_KNOWN = _optional("known_on", Type.DATE, "When the firm knew; null: when it happened")

CLIENTS = Table(
    "clients",
    ("client_id",),
    "Everyone who is or was a client: a person or a company.",
    (
        _id("client_id", "The client's id in the firm's systems, kept as text"),
        _optional("household_id", Type.ID, "Clients who live together share one"),
        _id("advisor_id", "The advisor in charge today", "advisors.advisor_id", required=False),
        Column("kind", Type.CODE, "Person or company", values=("person", "company")),
        _optional("name", Type.TEXT, "Shown to the advisor; never a feature, never logged"),
        _optional("birth_date", Type.DATE, "Of a person"),
        Column("joined_on", Type.DATE, "First day as a client"),
        _optional("source", Type.CODE, "How the client came: referral, campaign, branch …"),
        _id("referred_by", "The client who made the referral", "clients.client_id", required=False),
    ),
    required=True,
    happened="joined_on",
)

CLIENT_FACTS = Table(
    "client_facts",
    ("client_id", "known_on"),
    "What the client declared: a row is valid from known_on until the client's next row.",
    (
        _CLIENT,
        Column("known_on", Type.DATE, "When the firm knew"),
        _optional("income", Type.MONEY, "Declared yearly income", low=0),
        _optional("net_worth", Type.MONEY, "Declared net worth, everywhere"),
        _optional("marital_status", Type.CODE, "single, married, divorced, widowed …"),
        _optional("children", Type.INTEGER, "Dependent children", low=0, high=30),
        _optional("occupation", Type.CODE, "Occupation group"),
        _optional("risk_tolerance", Type.INTEGER, "1 (none) to 5 (high)", low=1, high=5),
        _optional("region", Type.CODE, "Where the client lives"),
        _optional("preferred_channel", Type.CODE, "branch, phone, email, app …"),
    ),
    happened="known_on",
    known="known_on",
    extensible=True,
)

PROTECTED = Table(
    "protected",
    ("client_id",),
    "Protected attributes: read by the fairness audit only, never joined to features.",
    (_CLIENT, _optional("gender", Type.CODE, "As declared")),
    extensible=True,
)

CONSENTS = Table(
    "consents",
    ("client_id", "purpose", "known_on"),
    "What the client agreed or objected to; the newest row per purpose holds. No row: no objection.",
    (
        _CLIENT,
        Column("purpose", Type.CODE, "What for", values=("profiling", "marketing", "phone")),
        Column("known_on", Type.DATE, "When the firm knew"),
        Column("granted", Type.FLAG, "False: the client objects"),
    ),
    happened="known_on",
    known="known_on",
)

ADVISORS = Table(
    "advisors",
    ("advisor_id",),
    "Who looks after clients, and where.",
    (
        _id("advisor_id", "The advisor"),
        Column("name", Type.TEXT, "Shown in the reports"),
        _optional("team", Type.TEXT, "Team"),
        _optional("branch", Type.TEXT, "Branch or agency"),
        _optional("region", Type.TEXT, "Region"),
    ),
)

CREDIT = "credit"
"""The family of products whose balance is owed to us, not held with us."""

PRODUCTS = Table(
    "products",
    ("product_id",),
    "The firm's catalogue of products.",
    (
        _id("product_id", "The product"),
        Column("label_en", Type.TEXT, "Name in English"),
        Column("label_fr", Type.TEXT, "Name in French"),
        Column("family", Type.CODE, "Family: account, savings, credit, insurance …"),
        _optional("launched_on", Type.DATE, "First day on sale"),
        _optional("withdrawn_on", Type.DATE, "First day no longer on sale"),
        Column("annual_margin", Type.NUMBER, "A year's margin of one contract, as margin_kind says"),
        Column(
            "margin_kind",
            Type.CODE,
            "rate: a share of the balance; amount: money per contract",
            values=("rate", "amount"),
        ),
        _optional("acquisition_cost", Type.MONEY, "Cost of one sale", low=0),
        _optional("eligibility", Type.TEXT, "SQL condition over `age` and `kind`; null: everyone"),
    ),
    required=True,
)

CONTRACTS = Table(
    "contracts",
    ("contract_id",),
    "Every contract ever held, closed ones included: without the leavers nothing can be learnt about leaving.",
    (
        _id("contract_id", "The contract"),
        _CLIENT,
        _id("product_id", "The product", "products.product_id"),
        Column("opened_on", Type.DATE, "First day in force"),
        _optional("closed_on", Type.DATE, "First day no longer in force; null while in force"),
        _optional(
            "close_reason",
            Type.CODE,
            "Why it closed. Only `left` is attrition; the others are competing exits. Null on a closed contract: left",
            values=("left", "term", "death", "insurer"),
        ),
        _optional("ends_on", Type.DATE, "Term or next renewal date, as agreed"),
        _optional("known_on", Type.DATE, "When the firm knew of the opening; null: opened_on"),
        _optional("closing_known_on", Type.DATE, "When the firm knew of the closing; null: closed_on"),
    ),
    required=True,
    happened="opened_on",
    known="known_on",
)

BALANCES = Table(
    "balances",
    ("contract_id", "month"),
    "A contract's month: known when the month is over, so at the cut that ends it.",
    (
        _id("contract_id", "The contract", "contracts.contract_id"),
        Column("month", Type.MONTH, "The month, as its first day"),
        Column("balance", Type.MONEY, "At the month's end: assets held with us; outstanding for credit"),
        _optional("net_flow", Type.MONEY, "Paid in less taken out in the month, market move excluded"),
        Column("revenue", Type.MONEY, "Revenue of the month"),
        _optional("cost", Type.MONEY, "Claims and servicing of the month"),
    ),
    happened="month",
)

INTERACTIONS = Table(
    "interactions",
    ("interaction_id",),
    "Contacts in both directions.",
    (
        _id("interaction_id", "The interaction"),
        _CLIENT,
        Column("at", Type.DATE, "When it happened"),
        Column("channel", Type.CODE, "branch, phone, email, app, post …"),
        Column("kind", Type.CODE, "visit, call, email, complaint, claim, review, survey …"),
        _optional("text", Type.TEXT, "What was said or written"),
        _optional("nps", Type.INTEGER, "0 to 10, of a survey", low=0, high=10),
        _optional("outcome", Type.CODE, "How a claim or complaint ended: settled, refused …"),
        _optional("outcome_on", Type.DATE, "When the outcome was known"),
        _KNOWN,
    ),
    happened="at",
    known="known_on",
)

LIFE_EVENTS = Table(
    "life_events",
    ("client_id", "kind", "occurred_on"),
    "Birth, marriage, divorce, death in the family, inheritance, graduation, new home, move, job change, retirement …",
    (
        _CLIENT,
        Column("kind", Type.CODE, "What happened"),
        Column("occurred_on", Type.DATE, "When it happened"),
        Column("known_on", Type.DATE, "When the firm knew"),
        _optional("source", Type.CODE, "questionnaire, crm or inferred", values=("questionnaire", "crm", "inferred")),
    ),
    happened="occurred_on",
    known="known_on",
)

DEFAULTS = Table(
    "defaults",
    ("contract_id", "defaulted_on"),
    "Credit contracts that were not repaid.",
    (
        _id("contract_id", "The contract", "contracts.contract_id"),
        Column("defaulted_on", Type.DATE, "When"),
        Column("exposure", Type.MONEY, "Outstanding then", low=0),
        _optional("recovered", Type.MONEY, "Recovered since", low=0),
    ),
    happened="defaulted_on",
)

OFFERS = Table(
    "offers",
    ("offer_id",),
    "Products proposed, with a random control group where the firm kept one.",
    (
        _id("offer_id", "The offer"),
        _id("client_id", "The client", "clients.client_id", required=False),
        _id("prospect_id", "Or the prospect", "prospects.prospect_id", required=False),
        _id("product_id", "The product", "products.product_id"),
        Column("made_on", Type.DATE, "When"),
        Column("channel", Type.CODE, "How"),
        _optional("campaign_id", Type.ID, "Of a campaign"),
        _optional("held_out", Type.FLAG, "True: drawn at random into the control group, nothing was sent"),
        _optional("outcome", Type.CODE, "accepted, refused or none", values=("accepted", "refused", "none")),
        _optional("outcome_on", Type.DATE, "When the outcome was known"),
    ),
    happened="made_on",
)

PROSPECTS = Table(
    "prospects",
    ("prospect_id",),
    "People and companies who are not clients yet.",
    (
        _id("prospect_id", "The prospect"),
        _id("advisor_id", "The advisor in charge", "advisors.advisor_id", required=False),
        Column("kind", Type.CODE, "Person or company", values=("person", "company")),
        Column("identified_on", Type.DATE, "First known"),
        _optional("source", Type.CODE, "How the prospect was found"),
        _id("became_client_id", "The client it became", "clients.client_id", required=False),
    ),
    happened="identified_on",
)

PROSPECT_STATUS = Table(
    "prospect_status",
    ("prospect_id", "status", "known_on"),
    "Each step of a prospect: identified, qualified, contacted, engaged, client, lost.",
    (
        _id("prospect_id", "The prospect", "prospects.prospect_id"),
        Column(
            "status",
            Type.CODE,
            "The step reached",
            values=("identified", "qualified", "contacted", "engaged", "client", "lost"),
        ),
        Column("known_on", Type.DATE, "When"),
        _optional("competitor", Type.TEXT, "Of a prospect lost"),
    ),
    happened="known_on",
    known="known_on",
)

TABLES: Mapping[str, Table] = MappingProxyType(
    {
        table.name: table
        for table in (
            CLIENTS,
            CLIENT_FACTS,
            PROTECTED,
            CONSENTS,
            ADVISORS,
            PRODUCTS,
            CONTRACTS,
            BALANCES,
            INTERACTIONS,
            LIFE_EVENTS,
            DEFAULTS,
            OFFERS,
            PROSPECTS,
            PROSPECT_STATUS,
        )
    }
)
