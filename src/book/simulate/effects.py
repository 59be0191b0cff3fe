"""The planted effects: everything that makes one client leave, drain or buy more than another, in one table.

An effect adds `log_odds` to the log-odds of the question's monthly probability. It is either *recent* (`months` set: it
acts while the trigger happened in the last `months` months — or, with `absent`, while it did not) or a *trait*
(`months` None: `log_odds` per unit of the trait). Tests recover several of them from the data.

Of a product's demand, the smooth part (age, income, wealth, taste) stands with the product in `catalogue`.
"""

from __future__ import annotations

from dataclasses import dataclass

LEAVING = "attrition"
DRAINING = "erosion"
DROPPING = "drop"
ANY_PRODUCT = "purchase"

SEASON = (0.35, 0.05, 0.0, 0.0, -0.05, -0.1, -0.2, -0.35, 0.4, 0.1, 0.0, -0.2)
"""Log-odds by month of the year, of leaving and of buying alike: peaks in January and September."""

JOINT_SALE = 0.6
"""Probability that a home loan is sold together with its insurance."""


@dataclass(frozen=True)
class Effect:
    """One planted effect.

    Parameters
    ----------
    question
        LEAVING, DRAINING (starting to), DROPPING (one contract of several), a product's id (buying it) or ANY_PRODUCT.
    trigger
        The event, contact or trait that acts.
    log_odds
        Added to the log-odds of the monthly probability, per unit.
    meaning
        In words.
    months
        How long after the trigger it acts; None for a trait.
    absent
        It acts when the trigger did *not* happen in the last `months` months.
    """

    question: str
    trigger: str
    log_odds: float
    meaning: str
    months: int | None = None
    absent: bool = False


EFFECTS: tuple[Effect, ...] = (
    # leaving
    Effect(LEAVING, "complaint", 1.3, "A complaint in the last 3 months", 3),
    Effect(LEAVING, "competitor", 1.2, "Spoke of a competitor in the last 3 months", 3),
    Effect(LEAVING, "fees", 0.5, "Spoke of fees in the last 3 months", 3),
    Effect(LEAVING, "contact", 0.6, "Neglect: no advisor contact in the last 12 months", 12, absent=True),
    Effect(LEAVING, "joined", 0.7, "Early tenure: joined in the last 12 months", 12),
    Effect(LEAVING, "joined", 0.4, "Joined in the last 36 months", 36),
    Effect(LEAVING, "move", 0.9, "Moved in the last 6 months", 6),
    Effect(LEAVING, "divorce", 1.0, "Divorced in the last 6 months", 6),
    Effect(LEAVING, "job_change", 0.3, "Changed jobs in the last 6 months", 6),
    Effect(LEAVING, "inheritance", 0.3, "Inherited in the last 6 months", 6),
    Effect(LEAVING, "drop", 0.9, "Closed one of several contracts in the last 3 months", 3),
    Effect(LEAVING, "credit_end", 0.9, "A credit was repaid in the last 3 months", 3),
    Effect(LEAVING, "member_left", 1.5, "Another member of the household left in the last 6 months", 6),
    Effect(LEAVING, "draining", 2.0, "Money has been draining away"),
    Effect(LEAVING, "multi_holding", -0.55, "Each distinct product beyond the first, up to five"),
    Effect(LEAVING, "home_loan", -0.9, "Holds a home loan"),
    Effect(LEAVING, "current_account", -0.4, "Holds a current account"),
    Effect(LEAVING, "long_tenure", -0.5, "Joined more than 10 years ago"),
    Effect(LEAVING, "young", 0.5, "Aged 18 to 29"),
    Effect(LEAVING, "senior", -0.4, "Aged 65 or more"),
    Effect(LEAVING, "minor", -0.8, "Aged under 18"),
    Effect(LEAVING, "referred", -0.4, "Came by referral"),
    Effect(LEAVING, "comparison", 0.6, "Came by a comparison site"),
    Effect(LEAVING, "satisfaction", -0.4, "Per standard deviation of satisfaction, which surveys show with noise"),
    Effect(LEAVING, "advisor_quality", -0.2, "Per standard deviation of the advisor's quality"),
    Effect(LEAVING, "frailty", 0.4, "Per standard deviation of what nobody can see"),
    # silent erosion
    Effect(DRAINING, "complaint", 1.4, "A complaint in the last 3 months", 3),
    Effect(DRAINING, "competitor", 1.6, "Spoke of a competitor in the last 3 months", 3),
    Effect(DRAINING, "contact", 0.7, "Neglect: no advisor contact in the last 12 months", 12, absent=True),
    Effect(DRAINING, "inheritance", 0.6, "Inherited in the last 6 months", 6),
    Effect(DRAINING, "satisfaction", -0.4, "Per standard deviation of satisfaction"),
    # closing one contract of several
    Effect(DROPPING, "draining", 1.1, "Money has been draining away"),
    Effect(DROPPING, "complaint", 0.7, "A complaint in the last 3 months", 3),
    Effect(DROPPING, "claim", 0.5, "A claim in the last 3 months", 3),
    # buying anything
    Effect(ANY_PRODUCT, "complaint", -0.9, "A complaint in the last 3 months", 3),
    Effect(ANY_PRODUCT, "draining", -1.2, "Money has been draining away"),
    Effect(ANY_PRODUCT, "offered", 0.9, "The product was offered in the last 3 months (not to the control group)", 3),
    Effect(ANY_PRODUCT, "household", 0.5, "Another member of the household holds the product"),
    Effect(ANY_PRODUCT, "main_bank", 0.5, "Holds a current account"),
    # buying one product, after a life event
    Effect("home_loan", "new_home", 2.9, "Bought or is buying a home in the last 6 months", 6),
    Effect("home_loan", "marriage", 0.9, "Married in the last 6 months", 6),
    Effect("home_loan", "birth", 0.8, "A child was born in the last 6 months", 6),
    Effect("home_insurance", "new_home", 2.2, "Bought or is buying a home in the last 6 months", 6),
    Effect("home_insurance", "move", 1.5, "Moved in the last 6 months", 6),
    Effect("home_insurance", "divorce", 1.0, "Divorced in the last 6 months", 6),
    Effect("car_insurance", "move", 0.6, "Moved in the last 6 months", 6),
    Effect("car_insurance", "graduation", 1.2, "Graduated in the last 6 months", 6),
    Effect("consumer_loan", "graduation", 1.1, "Graduated in the last 6 months", 6),
    Effect("consumer_loan", "marriage", 0.9, "Married in the last 6 months", 6),
    Effect("premium_card", "graduation", 1.2, "Graduated in the last 6 months", 6),
    Effect("premium_card", "job_change", 1.1, "Changed jobs in the last 6 months", 6),
    Effect("current_account", "graduation", 1.2, "Graduated in the last 6 months", 6),
    Effect("current_account", "job_change", 0.8, "Changed jobs in the last 6 months", 6),
    Effect("livret_a", "birth", 1.2, "A child was born in the last 6 months", 6),
    Effect("protection", "birth", 1.6, "A child was born in the last 6 months", 6),
    Effect("protection", "marriage", 0.9, "Married in the last 6 months", 6),
    Effect("protection", "death_in_family", 1.2, "A death in the family in the last 6 months", 6),
    Effect("health", "birth", 1.1, "A child was born in the last 6 months", 6),
    Effect("health", "job_change", 1.0, "Changed jobs in the last 6 months", 6),
    Effect("health", "retirement", 1.9, "Retired in the last 6 months", 6),
    Effect("life_insurance", "inheritance", 2.0, "Inherited in the last 6 months", 6),
    Effect("life_insurance", "birth", 0.8, "A child was born in the last 6 months", 6),
    Effect("life_insurance", "death_in_family", 0.8, "A death in the family in the last 6 months", 6),
    Effect("securities", "inheritance", 1.5, "Inherited in the last 6 months", 6),
    Effect("term_deposit", "inheritance", 1.6, "Inherited in the last 6 months", 6),
    Effect("per", "job_change", 1.0, "Changed jobs in the last 6 months", 6),
    Effect("pel", "marriage", 0.9, "Married in the last 6 months", 6),
    # … after another purchase (which bundles go together)
    Effect("car_insurance", "bought_consumer_loan", 1.7, "Took a consumer loan in the last 6 months", 6),
    Effect("home_insurance", "bought_home_loan", 2.0, "Took a home loan in the last 6 months", 6),
    Effect("home_insurance", "bought_car_insurance", 0.8, "Bought car insurance in the last 6 months", 6),
    Effect("protection", "bought_home_loan", 1.0, "Took a home loan in the last 6 months", 6),
    # … after speaking of a project
    Effect("home_loan", "project_home", 1.9, "Spoke of buying a home in the last 3 months", 3),
    Effect("consumer_loan", "project_car", 2.1, "Spoke of buying a car in the last 3 months", 3),
    Effect("car_insurance", "project_car", 1.2, "Spoke of buying a car in the last 3 months", 3),
    Effect("per", "project_retirement", 2.0, "Spoke of retirement in the last 3 months", 3),
    Effect("life_insurance", "project_savings", 1.5, "Spoke of placing money in the last 3 months", 3),
    Effect("term_deposit", "project_savings", 1.5, "Spoke of placing money in the last 3 months", 3),
    # … with money lying idle
    Effect("life_insurance", "liquid", 0.9, "More than 12,000 on the current account"),
    Effect("term_deposit", "liquid", 1.3, "More than 12,000 on the current account"),
    Effect("securities", "liquid", 0.7, "More than 12,000 on the current account"),
)


def effects_on(question: str) -> tuple[Effect, ...]:
    """Return the effects on one question, in the order of the table."""
    return tuple(effect for effect in EFFECTS if effect.question == question)


def log_odds(question: str, trigger: str) -> float:
    """Return one effect's log-odds; KeyError where there is none.

    >>> log_odds(LEAVING, "draining")
    2.0
    """
    for effect in EFFECTS:
        if (effect.question, effect.trigger) == (question, trigger):
            return effect.log_odds
    raise KeyError((question, trigger))
