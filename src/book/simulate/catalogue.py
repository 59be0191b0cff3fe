"""The products of a French bancassureur: what they are, what they earn, who buys them, how their balances move."""

from __future__ import annotations

import enum
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from appetence.book.simulate.arrays import Ints, Numbers
from appetence.book.simulate.calendar import Calendar
from appetence.book.simulate.columns import NO_DAY, contract_table, dates, money

TASTES = ("banking", "saving", "borrowing", "insuring")
"""Each client has a taste for each, unseen but for what the client holds."""


class Money(enum.Enum):
    """How a contract's balance behaves."""

    ACCOUNT = "returns to a few weeks' income"
    SAVINGS = "grows by contributions and return"
    CREDIT = "is repaid in equal instalments"
    NONE = "there is none"


@dataclass(frozen=True)
class Product:
    """One product.

    Parameters
    ----------
    margin, margin_kind
        As in the contract: a share of the balance a year, or money a year.
    cost_ratio
        Share of the revenue spent on servicing and claims; revenue less cost is the margin, on average.
    monthly_rate
        Probability that a typical eligible client who does not hold it buys it in a month.
    drop_rate
        Probability that a contract is closed in a month by a client who keeps others.
    age_peak, age_width
        Demand falls off with the age's distance from the peak, as a normal curve does; companies have no age.
    income, wealth
        Log-odds of buying per standard deviation of log income and log net worth.
    entry
        Weight as the first product of a new client.
    claims
        Claims a year that reach the advisor.
    opening, spread
        Median opening balance as a share of yearly income, and the standard deviation of its logarithm.
    saving
        Monthly contribution as a share of monthly income.
    interest, beta
        Monthly certain return, and exposure to the market.
    cap
        Legal ceiling of deposits.
    terms
        Months to the term, one drawn at the opening; empty: no term.
    launch
        Month of the window, as a share of it, when the product comes on sale; None: before.
    """

    product_id: str
    label_en: str
    label_fr: str
    family: str
    taste: str
    margin: float
    margin_kind: str
    acquisition_cost: float
    cost_ratio: float
    monthly_rate: float
    drop_rate: float
    persons_only: bool = True
    ages: tuple[int, int] = (18, 120)
    age_peak: float = 45.0
    age_width: float = 22.0
    income: float = 0.2
    wealth: float = 0.2
    entry: float = 0.0
    company_entry: float = 0.0
    needs: str | None = None
    most: int = 1
    money: Money = Money.NONE
    claims: float = 0.0
    opening: float = 0.0
    spread: float = 0.8
    saving: float = 0.0
    interest: float = 0.0
    beta: float = 0.0
    cap: float = np.inf
    terms: tuple[int, ...] = ()
    launch: float | None = None

    @property
    def eligibility(self) -> str | None:
        """The rule as an SQL condition over `age` and `kind`; a company has no age."""
        low, high = self.ages
        by_age = f"age BETWEEN {low} AND {high}" if high < 120 else f"age >= {low}" if low > 0 else None
        if self.persons_only:
            return "kind = 'person'" if by_age is None else f"kind = 'person' AND {by_age}"
        return None if by_age is None else f"kind = 'company' OR {by_age}"


ACCOUNT, SAVINGS, CREDIT = Money.ACCOUNT, Money.SAVINGS, Money.CREDIT

PRODUCTS: tuple[Product, ...] = (
    Product(
        "current_account", "Current account", "Compte courant", "account", "banking", 92.0, "amount", 60.0, 0.35,
        0.0048, 0.0035, persons_only=False, ages=(16, 120), age_peak=27, age_width=16, income=0.3, wealth=0.0,
        entry=0.46, company_entry=0.75, money=ACCOUNT, opening=0.10, spread=0.9,
    ),
    Product(
        "premium_card", "Premium card", "Carte premium", "account", "banking", 74.0, "amount", 35.0, 0.30,
        0.0021, 0.0110, persons_only=False, age_peak=38, age_width=13, income=0.9, wealth=0.2,
        needs="current_account",
    ),
    Product(
        "livret_a", "Livret A savings account", "Livret A", "savings", "saving", 0.0055, "rate", 15.0, 0.20,
        0.0036, 0.0085, ages=(0, 120), age_peak=30, age_width=26, income=0.0, wealth=0.3,
        entry=0.10, money=SAVINGS, opening=0.10, spread=1.0, saving=0.03, interest=0.0018, cap=22_950.0,
    ),
    Product(
        "pel", "Home savings plan", "Plan épargne logement", "savings", "saving", 0.0085, "rate", 40.0, 0.20,
        0.0011, 0.0085, age_peak=28, age_width=9, income=0.3, wealth=0.3,
        money=SAVINGS, opening=0.12, spread=0.7, saving=0.04, interest=0.0016, cap=61_200.0,
    ),
    Product(
        "term_deposit", "Term deposit", "Compte à terme", "savings", "saving", 0.0060, "rate", 30.0, 0.15,
        0.0014, 0.0030, persons_only=False, age_peak=64, age_width=13, income=0.1, wealth=0.9,
        most=2, money=SAVINGS, opening=0.45, spread=0.8, interest=0.0024, terms=(12, 24, 36), launch=0.4,
    ),
    Product(
        "life_insurance", "Life insurance savings", "Assurance vie", "savings", "saving", 0.0095, "rate", 180.0, 0.25,
        0.0017, 0.0055, ages=(18, 85), age_peak=57, age_width=14, income=0.3, wealth=0.9,
        entry=0.03, most=2, money=SAVINGS, opening=0.5, spread=1.1, saving=0.035, interest=0.0015, beta=0.35,
    ),
    Product(
        "per", "Retirement savings plan", "Plan épargne retraite", "retirement", "saving", 0.0110, "rate", 210.0, 0.25,
        0.0013, 0.0040, ages=(18, 67), age_peak=50, age_width=8, income=0.9, wealth=0.3,
        money=SAVINGS, opening=0.15, spread=0.8, saving=0.05, interest=0.0010, beta=0.6,
    ),
    Product(
        "securities", "Share savings plan and securities", "PEA et compte-titres", "investment", "saving",
        0.0080, "rate", 120.0, 0.30,
        0.0010, 0.0080, persons_only=False, age_peak=46, age_width=12, income=0.7, wealth=0.9,
        money=SAVINGS, opening=0.3, spread=1.2, saving=0.02, beta=1.0,
    ),
    Product(
        "home_loan", "Home loan", "Prêt immobilier", "credit", "borrowing", 0.0075, "rate", 900.0, 0.25,
        0.0009, 0.0020, ages=(20, 70), age_peak=35, age_width=8, income=0.7, wealth=0.1,
        entry=0.05, money=CREDIT, opening=4.2, spread=0.4, terms=(180, 240, 300),
    ),
    Product(
        "loan_insurance", "Loan insurance", "Assurance emprunteur", "insurance", "insuring", 190.0, "amount", 90.0,
        0.60,
        0.0030, 0.0080, ages=(20, 75), age_peak=36, age_width=12, income=0.1, wealth=-0.2, needs="home_loan",
    ),
    Product(
        "consumer_loan", "Car or consumer loan", "Prêt auto ou consommation", "credit", "borrowing", 0.0290, "rate",
        140.0, 0.35,
        0.0026, 0.0070, ages=(18, 75), age_peak=38, age_width=12, income=0.1, wealth=-0.8,
        entry=0.02, most=2, money=CREDIT, opening=0.35, spread=0.5, terms=(24, 36, 48, 60, 72),
    ),
    Product(
        "car_insurance", "Car insurance", "Assurance auto", "insurance", "insuring", 84.0, "amount", 110.0, 0.80,
        0.0031, 0.0110, persons_only=False, age_peak=32, age_width=16, income=0.3, wealth=0.0,
        entry=0.16, company_entry=0.15, most=2, claims=0.10,
    ),
    Product(
        "home_insurance", "Home insurance", "Assurance habitation", "insurance", "insuring", 58.0, "amount", 80.0, 0.75,
        0.0026, 0.0100, age_peak=36, age_width=16, income=0.3, wealth=0.2, entry=0.12, claims=0.07,
    ),
    Product(
        "health", "Health insurance", "Complémentaire santé", "insurance", "insuring", 115.0, "amount", 120.0, 0.82,
        0.0015, 0.0100, persons_only=False, age_peak=61, age_width=13, income=-0.3, wealth=0.1,
        entry=0.04, company_entry=0.10, claims=0.06,
    ),
    Product(
        "protection", "Accident and life protection", "Prévoyance et accidents de la vie", "insurance", "insuring",
        66.0, "amount", 75.0, 0.55,
        0.0015, 0.0100, persons_only=False, ages=(18, 75), age_peak=40, age_width=10, income=0.5, wealth=0.0,
        claims=0.02,
    ),
)  # fmt: skip

INDEX = {product.product_id: index for index, product in enumerate(PRODUCTS)}
COUNT = len(PRODUCTS)


def column(attribute: str) -> Numbers:
    """Return one attribute of all products, in their order."""
    return np.array([getattr(product, attribute) for product in PRODUCTS])


def which(style: Money) -> Ints:
    """Return the indices of the products whose balance behaves so."""
    return np.array([index for index, product in enumerate(PRODUCTS) if product.money is style])


def launch_month(product: Product, calendar: Calendar) -> int:
    """Return the month of the window when the product comes on sale; 0 for one that always was."""
    return 0 if product.launch is None else round(product.launch * calendar.months)


def products_table(calendar: Calendar) -> pa.Table:
    """Return the `products` table."""
    launched = [NO_DAY if p.launch is None else calendar.start(launch_month(p, calendar)) for p in PRODUCTS]
    texts = ("product_id", "label_en", "label_fr", "family", "margin_kind", "eligibility")
    columns = {name: pa.array([getattr(product, name) for product in PRODUCTS], pa.string()) for name in texts}
    columns["launched_on"] = dates(np.array(launched))
    columns["withdrawn_on"] = dates(np.full(COUNT, NO_DAY))
    columns["annual_margin"] = pa.array(column("margin"), pa.float64())
    columns["acquisition_cost"] = money(column("acquisition_cost"))
    return contract_table("products", columns)
