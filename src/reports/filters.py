"""What an advisor's page can be narrowed down by, and its alerts and their rules in words."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

from appetence.reports.alerts import GROWTH, KINDS, RETENTION, Alert, Rules
from appetence.reports.data import PublishedScores
from appetence.reports.language import NOTHING, Pen
from appetence.reports.portfolios import TIERS
from appetence.reports.sheets import Sheet

Choice = tuple[str, Sequence[tuple[str, str]]]
"""A name, and (value, words) of what can be chosen."""


def alert_kinds(alerts: Sequence[Alert]) -> Mapping[str, str]:
    """Return per client all that a filter of alerts may ask for: `any`, the sides, the kinds."""
    found: dict[str, set[str]] = defaultdict(set)
    for alert in alerts:
        found[alert.sheet.client_id] |= {"any", alert.side, alert.kind}
    return {client_id: " ".join(sorted(kinds)) for client_id, kinds in found.items()}


def channel_kinds(sheet: Sheet) -> str:
    """Return all that a filter of channels may ask for."""
    refuses = sheet.situation.refuses
    return " ".join(("no-" if purpose in refuses else "") + purpose for purpose in ("phone", "marketing"))


def choices_of(pen: Pen, published: PublishedScores, alerts: Sequence[Alert], products: Sequence[str]) -> list[Choice]:
    """Return what the clients of a page can be narrowed down by; what the page does not have is left out.

    Parameters
    ----------
    products
        Labels of the best products, in the order of their numbers.
    """
    found: list[Choice] = []
    if published.has_attrition:
        found.append(("tier", [(tier, pen(f"tier_{tier}")) for tier in TIERS]))
    if products:
        labelled = sorted(enumerate(products), key=lambda one: one[1].casefold())
        found.append(("product", [(str(number), label) for number, label in labelled]))
    if alerts:
        kinds = {alert.kind for alert in alerts}
        sides = [(side, pen(f"side_{side}")) for side in ("retention", "growth") if kinds & set(_SIDES[side])]
        named = [(kind, pen(f"alert_{kind}")) for kind in KINDS if kind in kinds]
        found.append(("alert", [("any", pen("filter_any")), *sides, *named]))
    channels = ("phone", "no-phone", "marketing", "no-marketing")
    found.append(("channel", [(name, pen(f"channel_{name.replace('-', '_')}")) for name in channels]))
    return found


_SIDES = {"retention": RETENTION, "growth": GROWTH}


def say_rules(rules: Rules, pen: Pen, published: PublishedScores) -> list[tuple[str, str]]:
    """Return the rules that a month can tell, as (kind, words); those without what they need are left out."""
    told: list[tuple[str, str]] = []
    settings, month = rules.settings, rules.earlier
    since = pen.month(month.start) if month is not None else ""
    if month is not None and published.has_attrition:
        told.append(("rose", pen("rule_rose", month=since)))
    if rules.least_outflow:
        money = pen.money(rules.least_outflow)
        told.append(("outflow", pen("rule_outflow", money=money, share=pen.share(settings.outflow))))
    told.append(("complaint", pen("rule_complaint")))
    told.append(("term", pen("rule_term", months=pen.count(settings.term_months, "month"))))
    if published.products.num_rows:
        told.append(("event", pen("rule_event")))
        if month is not None:
            told.append(("crossed", pen("rule_crossed", times=pen.count(settings.times_average), month=since)))
    return told


def say_alert(alert: Alert, pen: Pen, offered: Callable[[str, str], str]) -> str:
    """Return why a client is on the list.

    Parameters
    ----------
    offered
        Names a product as it is proposed.
    """
    sheet, offer = alert.sheet, alert.offer
    parts: list[str] = []
    if alert.kind == "rose" and alert.before is not None:
        before = NOTHING if alert.before.risk is None else pen.share(alert.before.risk)
        after = NOTHING if sheet.attrition is None else pen.share(sheet.attrition)
        parts = [pen("why_rose", before=before, after=after), *(one.text(pen.language) for one in sheet.why[:1])]
    elif alert.kind == "outflow" and sheet.erosion is not None:
        times = pen("why_outflow", times=pen.count(sheet.erosion.lift))
        parts = [times, *(one.text(pen.language) for one in sheet.erosion.why[:1])]
    elif alert.kind == "complaint" and sheet.situation.contact is not None:
        day = sheet.situation.contact.complaint_on
        parts = [pen("why_complaint", date=pen.day(day))] if day is not None else []
    elif alert.kind == "term" and alert.holding is not None and alert.holding.ends_on is not None:
        product = offered(alert.holding.product_id, "")
        parts = [pen("why_term", product=product, date=pen.day(alert.holding.ends_on))]
    elif alert.kind == "event" and alert.event is not None and offer is not None:
        parts = [
            pen(
                "why_event",
                event=pen.code(alert.event.kind),
                month=pen.month(alert.event.occurred_on),
                product=offered(offer.product_id, offer.purchase),
                share=pen.share(offer.probability),
                times=pen.count(offer.lift),
            )
        ]
    elif alert.kind == "crossed" and offer is not None and alert.was is not None:
        parts = [
            pen(
                "why_crossed",
                product=offered(offer.product_id, offer.purchase),
                before=pen.share(alert.was),
                after=pen.share(offer.probability),
                times=pen.count(offer.lift),
            )
        ]
    return " · ".join(parts)
