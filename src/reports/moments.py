"""Key moments: what has happened to a client or is about to, and the product that the firm relates to it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from appetence.config import ReportSettings
from appetence.months import shift
from appetence.reports.gaps import Rules
from appetence.reports.situations import TERM_MONTHS, LifeEvent, Situation

_YEARS = 5
"""Anniversaries of joining that are told: the first, and each of so many years."""

_SOON = 3
"""Months ahead in which an anniversary is told."""


class Moment(NamedTuple):
    """One moment.

    Parameters
    ----------
    kind
        `event`, `term`, `birthday`, `anniversary` or `review`.
    on
        Its day; of a review, that of the last one, None where there never was one.
    event
        The life event.
    product_id
        Of a term, the product.
    number
        Of a birthday the age, of an anniversary the years.
    products
        Products that the firm relates to a life event, which the client may buy and does not hold.
    """

    kind: str
    on: dt.date | None
    event: LifeEvent | None = None
    product_id: str | None = None
    number: int = 0
    products: tuple[str, ...] = ()


def moments_of(
    who: Situation,
    cut: dt.date,
    settings: ReportSettings,
    families: Mapping[str, str],
    rules: Rules | None = None,
    *,
    has_reviews: bool = False,
) -> tuple[Moment, ...]:
    """Return a client's moments: life events, terms, birthdays, anniversaries, and a review that is due.

    Parameters
    ----------
    settings
        `events` names the products or families related to life events, `birthdays` the ages, `review_months` how often
        there is to be a review.
    rules
        Which products a client may buy; None: nothing is related to an event.
    has_reviews
        Whether the firm records reviews at all.
    """
    found = [
        Moment("event", event.occurred_on, event, products=_related(who, event, settings, families, rules))
        for event in who.events
    ]
    found += [Moment("term", holding.ends_on, product_id=holding.product_id) for holding in who.near_terms(cut)]
    if who.birth_date is not None and who.kind == "person":
        days = ((age, _anniversary(who.birth_date, age)) for age in settings.birthdays)
        found += [Moment("birthday", day, number=age) for age, day in days if cut <= day < shift(cut, TERM_MONTHS)]
    if who.joined_on is not None:
        years = shift(cut, _SOON).year - who.joined_on.year
        days = ((number, _anniversary(who.joined_on, number)) for number in (years - 1, years))
        found += [
            Moment("anniversary", day, number=number)
            for number, day in days
            if (number == 1 or (number > 0 and number % _YEARS == 0)) and cut <= day < shift(cut, _SOON)
        ]
    if has_reviews and is_review_due(who, cut, settings.review_months):
        found.append(Moment("review", who.contact.review_on if who.contact else None))
    return tuple(found)


def is_review_due(who: Situation, cut: dt.date, months: int) -> bool:
    """Return whether there was no review in so many months; a client who joined in them has time."""
    since = shift(cut, -months)
    reviewed = who.contact.review_on if who.contact else None
    return (reviewed or who.joined_on or dt.date.min) < since


def _related(
    who: Situation, event: LifeEvent, settings: ReportSettings, families: Mapping[str, str], rules: Rules | None
) -> tuple[str, ...]:
    named: Sequence[str] = settings.events.get(event.kind, ())
    if rules is None or not named:
        return ()
    products = [p for name in named for p, family in families.items() if name in (p, family)]
    return tuple(p for p in dict.fromkeys(products) if p not in who.products and rules.may_hold(who, p))


def _anniversary(day: dt.date, years: int) -> dt.date:
    """Return the day so many years on; that of 29 February is 1 March where there is none."""
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return dt.date(day.year + years, 3, 1) if day.month == 2 and day.day == 29 else dt.date.max
