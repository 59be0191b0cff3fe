"""The columns of a call list: what an advisor sorts and filters by, in the order of reading."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from appetence.reports.alerts import Rules
from appetence.reports.data import PublishedScores
from appetence.reports.language import Pen
from appetence.reports.lists import Column, Kind, best_offer
from appetence.reports.sheets import Offer, Reason, Sheet

_REASONS = 2


def columns_of(
    pen: Pen,
    published: PublishedScores,
    offered: Callable[[str, str], str],
    rules: Rules,
    advisors: Mapping[str | None, str] | None,
) -> list[Column]:
    """Return the columns of a list; what the month has not scored is left out.

    Parameters
    ----------
    offered
        Names a product as it is proposed.
    advisors
        Names, for a list of more than one advisor's clients.
    """
    who = [_column(pen, "client_id", Kind.TEXT, 12, lambda s: s.client_id), _column(pen, "name", Kind.TEXT, 26, _name)]
    if advisors is not None:
        who.append(_column(pen, "advisor", Kind.TEXT, 22, lambda s: advisors.get(s.advisor_id)))
    leaving = [
        _column(pen, "tier", Kind.TEXT, 10, lambda s: pen(f"tier_{s.tier}") if s.tier else None),
        _column(pen, "risk", Kind.SHARE, 10, lambda s: s.attrition),
        _column(pen, "reasons", Kind.TEXT, 55, lambda s: _told(s.why, pen)),
    ]
    outflow = _column(pen, "outflow", Kind.MONEY, 12, lambda s: s.erosion.outflow if s.erosion else None)
    buying = [
        _column(pen, "product", Kind.TEXT, 26, _of_offer(lambda o: offered(o.product_id, o.purchase))),
        _column(pen, "chance", Kind.SHARE, 12, _of_offer(lambda o: o.probability)),
        _column(pen, "worth", Kind.MONEY, 12, _of_offer(lambda o: o.expected_value)),
        _column(pen, "why_product", Kind.TEXT, 45, _of_offer(lambda o: _told(o.why, pen))),
    ]
    value = _column(pen, "value", Kind.MONEY, 12, lambda s: s.lifetime_value)
    stake = _column(pen, "at_stake", Kind.MONEY, 12, lambda s: s.at_stake)
    potential = _column(pen, "potential", Kind.MONEY, 12, lambda s: s.potential)
    has_offers = published.products.num_rows > 0
    return [
        *who,
        *(leaving[:2] if published.has_attrition else ()),
        *((stake,) if published.has_attrition and published.has_value else ()),
        *((value,) if published.has_value else ()),
        *((outflow,) if published.has_erosion else ()),
        *((potential,) if has_offers else ()),
        *(buying if has_offers else ()),
        *(leaving[2:] if published.has_attrition else ()),
        _column(pen, "alerts", Kind.TEXT, 24, lambda s: _alerts(s, rules, pen)),
        _column(pen, "phone", Kind.TEXT, 11, lambda s: pen("refused" if "phone" in s.situation.refuses else "allowed")),
        _column(
            pen,
            "marketing",
            Kind.TEXT,
            11,
            lambda s: pen("refused" if "marketing" in s.situation.refuses else "allowed"),
        ),
        _column(pen, "last_contact", Kind.DATE, 12, lambda s: s.situation.contact.at if s.situation.contact else None),
    ]


def _column(pen: Pen, name: str, kind: Kind, width: int, value: Callable[[Sheet], Any]) -> Column:
    return Column(pen(f"column_{name}"), kind, width, value)


def _name(sheet: Sheet) -> str | None:
    return sheet.situation.name


def _of_offer(value: Callable[[Offer], Any]) -> Callable[[Sheet], Any]:
    def take(sheet: Sheet) -> Any:
        offer = best_offer(sheet)
        return None if offer is None else value(offer)

    return take


def _told(reasons: Sequence[Reason], pen: Pen) -> str | None:
    return " · ".join(reason.text(pen.language) for reason in reasons[:_REASONS]) or None


def _alerts(sheet: Sheet, rules: Rules, pen: Pen) -> str | None:
    kinds = dict.fromkeys(alert.kind for alert in rules.alerts_of([sheet]))
    return ", ".join(pen(f"alert_{kind}") for kind in kinds) or None
