"""A client's sheet in words: who is comparable, what is missing, what is coming, what to say, and by which channel.

All lists are cut to a length at which a sheet prints on one page, and say how many more there are.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from appetence.config import ReportSettings
from appetence.explain.glossary import in_words
from appetence.explain.wording import visible
from appetence.reports.channels import channels_of
from appetence.reports.gaps import GAPS_SHOWN, Gap, Rules
from appetence.reports.language import NOTHING, Pen
from appetence.reports.moments import MOMENTS_SHOWN, Moment, moments_of
from appetence.reports.peers import Evidence, Trait
from appetence.reports.sayings import TEXTS, Saying, what_to_say
from appetence.reports.sheets import Offer, Sheet
from appetence.reports.situations import Holding, Situation
from appetence.scoring.tables import AGAIN

HOLDINGS_SHOWN = 8
MEMBERS_SHOWN = 4
COVER_SHOWN = 3
"""Products told of each member of the household."""

NAMED = 2
"""Members of the household named beside what they hold."""

LABEL_LENGTH = 60
NAME_LENGTH = 40
"""Characters of a product's and of a person's name, beyond which it is cut on a sheet."""


class Line(NamedTuple):
    """A sentence, and in which manner it is meant: `say`, `do` or `avoid`."""

    manner: str
    text: str


class Happening(NamedTuple):
    """A key moment in words, whether it is only supposed, and the products that it calls for."""

    text: str
    supposed: bool
    products: tuple[str, ...]


class Missing(NamedTuple):
    """A gap in words: what, the share of comparable clients who have it, and who of the household does."""

    name: str
    is_target: bool
    share: str
    members: tuple[str, ...]


class Cover(NamedTuple):
    """What a member of the household holds, in words."""

    client_id: str
    name: str
    text: str


class Brief(NamedTuple):
    """All that a sheet says beside scores and reasons; `more_…` counts what is left out."""

    lines: tuple[Line, ...]
    avoid: tuple[Line, ...]
    channel: str
    phone: bool
    marketing: bool
    peers: str
    gaps: tuple[Missing, ...]
    more_gaps: int
    moments: tuple[Happening, ...]
    more_moments: int
    holdings: tuple[Holding, ...]
    more_holdings: int
    household: tuple[Cover, ...]
    more_members: int


class Briefer:
    """Writes briefs in one language.

    Parameters
    ----------
    pen
        With the words of `SHEET_WORDS` beside its own.
    label
        Names a product.
    families
        Family per product.
    cut
        The day after the month that was scored.
    has_reviews
        Whether the firm records reviews.
    """

    def __init__(
        self,
        pen: Pen,
        label: Callable[[str], str],
        families: Mapping[str, str],
        cut: dt.date,
        settings: ReportSettings,
        rules: Rules | None = None,
        *,
        has_reviews: bool = False,
    ) -> None:
        self._pen, self._families, self._cut, self._settings = pen, families, cut, settings
        self._name_of = label
        self._rules, self._has_reviews = rules, has_reviews
        place = 0 if pen.language == "en" else 1
        own = {name: told[pen.language] for name, told in settings.texts.items() if pen.language in told}
        self._texts = Pen(
            pen.language,
            pen.currency,
            {n: (t[place], t[place]) for n, t in TEXTS.items()} | {name: (text, text) for name, text in own.items()},
        )

    def brief(self, sheet: Sheet) -> Brief:
        """Return what there is to say of a client."""
        who = sheet.situation
        channels = channels_of(who)
        moments = moments_of(who, self._cut, self._settings, self._families, self._rules, has_reviews=self._has_reviews)
        lines = [
            Line(one.manner, self._said(one))
            for one in what_to_say(sheet, self._cut, moments, channels, self._families)
        ]
        held = sorted(who.holdings, key=lambda h: (-abs(h.balance or 0.0), h.opened_on, h.product_id))
        shown = _room(len(held), HOLDINGS_SHOWN)
        members, gaps = _room(len(sheet.household), MEMBERS_SHOWN), _room(len(sheet.gaps), GAPS_SHOWN)
        told = _room(len(moments), MOMENTS_SHOWN)
        return Brief(
            tuple(line for line in lines if line.manner != "avoid"),
            tuple(line for line in lines if line.manner == "avoid"),
            self._channel(channels.best, channels.is_preferred),
            channels.phone,
            channels.marketing,
            self._peers(sheet),
            tuple(self._missing(gap) for gap in sheet.gaps[:gaps]),
            len(sheet.gaps) - gaps,
            tuple(self._happening(moment) for moment in moments[:told]),
            len(moments) - told,
            tuple(held[:shown]),
            len(held) - shown,
            tuple(Cover(member.client_id, _name(member), self._cover(member)) for member in sheet.household[:members]),
            len(sheet.household) - members,
        )

    def evidence(self, sheet: Sheet, offer: Offer) -> str:
        """Return in a line what comparable clients did about a product; empty where there is nothing to tell."""
        found = sheet.peers.evidence(offer.product_id) if sheet.peers else None
        if found is None:
            return ""
        if offer.purchase == AGAIN:
            return self._several(found)
        parts = [self._holding(found)]
        if parts[0] and found.buyers is not None:
            parts.append(self._pen("peers_bought", count=self._pen.count(found.buyers)))
        return ", ".join(part for part in parts if part)

    def _several(self, found: Evidence) -> str:
        if found.several is None:
            return ""
        return self._pen("peers_several", share=self._pen.share(found.several / found.among))

    def _holding(self, found: Evidence | None) -> str:
        if found is not None and found.nearly_all:
            return self._pen("peers_all")
        if found is None or found.share is None:
            return ""
        return self._pen("peers_hold", share=self._pen.share(found.share))

    def _peers(self, sheet: Sheet) -> str:
        if sheet.peers is None:
            return ""
        kind = next((trait.code for trait in sheet.peers.traits if trait.name == "kind"), None)
        traits = [self._trait(trait) for trait in sheet.peers.traits]
        told = ", ".join([self._pen(f"trait_{kind or 'person'}"), *(text for text in traits if text)])
        return self._pen("peers", count=self._pen.count(sheet.peers.count), traits=told)

    def _trait(self, trait: Trait) -> str:
        """Write what comparable clients share; a band open at both ends says nothing."""
        if trait.name == "kind" or (trait.code is None and trait.low is None and trait.high is None):
            return ""
        if trait.code is not None:
            return self._pen("trait_first_family", family=self._words(trait.code))
        low, high = trait.low, trait.high
        if trait.name == "age" and high is not None:
            high -= 1
        write = self._pen.money if trait.name in ("income", "net_worth") else self._pen.count
        if low == high and low is not None:
            return self._pen("trait_risk_tolerance_one", low=write(low))
        ending = "" if low is not None and high is not None else "_high" if low is None else "_low"
        ends = {name: write(end) for name, end in (("low", low), ("high", high)) if end is not None}
        return self._pen(f"trait_{trait.name}{ending}", **ends)

    def _missing(self, gap: Gap) -> Missing:
        name = (
            self._label(gap.product_id) if gap.product_id else self._pen("gap_family", family=self._words(gap.family))
        )
        members = tuple(_name(member) for member in gap.members[:NAMED])
        return Missing(name, gap.is_target, self._share(gap.evidence), members)

    def _share(self, found: Evidence | None) -> str:
        if found is not None and found.nearly_all:
            return self._pen("nearly_all")
        return NOTHING if found is None or found.share is None else self._pen.share(found.share)

    def _happening(self, moment: Moment) -> Happening:
        pen, day = self._pen, "" if moment.on is None else self._pen.day(moment.on)
        products = tuple(self._label(product_id) for product_id in moment.products[:COVER_SHOWN])
        if moment.kind == "event" and moment.event is not None:
            text = f"{pen.code(moment.event.kind)}, {pen.month(moment.event.occurred_on)}"
            return Happening(text, not moment.event.is_told, products)
        if moment.kind == "term":
            return Happening(pen("moment_term", date=day, product=self._label(moment.product_id or "")), False, ())
        if moment.kind == "birthday":
            return Happening(pen("moment_birthday", age=pen.count(moment.number, "year_old"), date=day), False, ())
        if moment.kind == "anniversary":
            return Happening(pen("moment_anniversary", years=self._years(moment.number), date=day), False, ())
        key = "moment_review" if moment.on is not None else "moment_first_review"
        return Happening(pen(key, date=day) if day else pen(key), False, ())

    def _years(self, number: int) -> str:
        return self._pen.count(number, "year")

    def _cover(self, member: Situation) -> str:
        labels = list(dict.fromkeys(self._label(holding.product_id) for holding in member.holdings))
        if not labels:
            return self._pen("no_cover")
        shown = _room(len(labels), COVER_SHOWN)
        more = [self._pen("more", count=len(labels) - shown)] if len(labels) > shown else []
        return " ".join([", ".join(labels[:shown]), *more])

    def _channel(self, best: str | None, is_preferred: bool) -> str:
        if best is None:
            return self._pen("channel_unknown")
        return self._pen("channel_preferred" if is_preferred else "channel_last", channel=self._words(best))

    def _said(self, saying: Saying) -> str:
        write: Mapping[str, Callable[[Any], str]] = {
            "date": self._pen.day,
            "month": self._pen.month,
            "event": self._words,
            "product": self._label,
            "share": self._pen.share,
            "years": self._years,
            "score": self._pen.count,
        }
        return self._texts(saying.name, **{name: write[name](value) for name, value in saying.values.items()})

    def _label(self, product_id: str) -> str:
        return shortened(self._name_of(product_id))

    def _words(self, code: str | None) -> str:
        return shortened(in_words(code or "", self._pen.language))


def shortened(text: str, most: int = LABEL_LENGTH) -> str:
    """Return a text that is no longer than so many characters, what is cut off told by an ellipsis."""
    text = visible(text)
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def _name(who: Situation) -> str:
    return shortened(who.name or who.client_id, NAME_LENGTH)


def _room(count: int, most: int) -> int:
    """Return how many of a list are shown: never all but one, whose place the words for it would take."""
    return count if count <= most else most - 1
