"""A client's sheet in words: who is comparable, what is missing, what is coming, what to say, and by which channel.

All lists are cut to a length at which a sheet prints on one page, and say how many more there are.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple, TypeVar

from appetence.config import ReportSettings
from appetence.explain.glossary import in_words
from appetence.reports.channels import channels_of
from appetence.reports.gaps import Gap, Rules
from appetence.reports.language import CODE_LENGTH, NOTHING, Pen, shortened
from appetence.reports.moments import Moment, moments_of
from appetence.reports.peers import Evidence, Trait
from appetence.reports.sayings import TEXTS, Saying, what_to_say
from appetence.reports.sheets import Offer, Sheet
from appetence.reports.situations import Holding, Situation
from appetence.scoring.tables import AGAIN

LINES = MappingProxyType({"holdings": 9, "gaps": 6, "moments": 5, "household": 4})
"""Lines that each list may take on paper, those told of what is left out among them."""

WIDTHS = MappingProxyType({"holdings": 20, "gaps": 44, "moments": 52})
"""Characters that surely go on one line of each; members of the household are cut after one."""

COVER_SHOWN = 3
"""Products told of each member of the household."""

NAMED = 2
"""Members of the household named beside what they hold."""

T = TypeVar("T")

TITLE_LENGTH = 48
LABEL_LENGTH = 48
NAME_LENGTH = 32
"""Characters of the client's name, a product's, and another person's, beyond which they are cut on a sheet."""


KNOWLEDGE = frozenset({"events", "contacts", "consents", "households", "terms", "reviews"})
"""What a firm may record of clients beside their contracts."""


class Line(NamedTuple):
    """A sentence, and in which manner it is meant: `say`, `do` or `avoid`."""

    manner: str
    text: str


class Happening(NamedTuple):
    """A key moment in words, whether it is only supposed, and the products that it calls for."""

    text: str
    supposed: bool
    products: tuple[str, ...]

    def length(self) -> int:
        """Return how many characters it takes, about."""
        return len(self.text) + 25 * self.supposed + sum(len(product) + 4 for product in self.products)


class Missing(NamedTuple):
    """A gap in words: what, the share of comparable clients who have it, and who of the household does."""

    name: str
    is_target: bool
    share: str
    members: tuple[str, ...]

    def length(self) -> int:
        """Return how many characters it takes, about."""
        return len(self.name) + 18 * self.is_target + sum(len(member) + 12 for member in self.members)


class Cover(NamedTuple):
    """What a member of the household holds, in words."""

    client_id: str
    name: str
    text: str


class Brief(NamedTuple):
    """All that a sheet says beside scores and reasons; `more_…` counts what is left out.

    `channel` is empty, and so are `household` and `moments`, where nothing is known: `knows` tells whether the firm
    records such things at all.
    """

    name: str
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
    knows: frozenset[str]

    @property
    def has_balances(self) -> bool:
        """Whether a balance is known of any contract shown."""
        return any(holding.balance is not None for holding in self.holdings)

    @property
    def has_flows(self) -> bool:
        """Whether net flows are known of any contract shown."""
        return any(holding.net_flow is not None for holding in self.holdings)


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
    knows
        Of `KNOWLEDGE`, what the firm records.
    """

    def __init__(
        self,
        pen: Pen,
        label: Callable[[str], str],
        families: Mapping[str, str],
        cut: dt.date,
        settings: ReportSettings,
        rules: Rules | None = None,
        knows: frozenset[str] = KNOWLEDGE,
    ) -> None:
        self._pen, self._families, self._cut, self._settings = pen, families, cut, settings
        self._name_of = label
        self._labels: dict[str, str] = {}
        self._rules, self._knows = rules, knows
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
        moments = moments_of(
            who, self._cut, self._settings, self._families, self._rules, has_reviews="reviews" in self._knows
        )
        lines = [
            Line(one.manner, self._said(one))
            for one in what_to_say(sheet, self._cut, moments, channels, self._families)
        ]
        held = sorted(who.holdings, key=lambda h: (-abs(h.balance or 0.0), h.opened_on, h.product_id))
        # a label is cut after two lines
        contracts, more_contracts = _fitting(
            held, "holdings", lambda holding: min(len(self._label(holding.product_id)), 2 * WIDTHS["holdings"])
        )
        gaps, more_gaps = _fitting([self._missing(gap) for gap in sheet.gaps], "gaps", Missing.length)
        happenings = [self._happening(moment) for moment in moments]
        told, more_moments = _fitting(happenings, "moments", Happening.length)
        covers = [Cover(member.client_id, _name(member), self._cover(member)) for member in sheet.household]
        members, more_members = _fitting(covers, "household", lambda _: 1)
        return Brief(
            shortened(sheet.name, TITLE_LENGTH),
            tuple(line for line in lines if line.manner != "avoid"),
            tuple(line for line in lines if line.manner == "avoid"),
            self._channel(channels.best, channels.is_preferred),
            channels.phone,
            channels.marketing,
            self._peers(sheet),
            gaps,
            more_gaps,
            told,
            more_moments,
            contracts,
            more_contracts,
            members,
            more_members,
            self._knows,
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
            words = self._words(moment.event.kind)
            text = f"{words[:1].upper()}{words[1:]}, {pen.month(moment.event.occurred_on)}"
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
        shown = labels if len(labels) <= COVER_SHOWN else labels[: COVER_SHOWN - 1]
        more = [self._pen("more", count=len(labels) - len(shown))] if len(labels) > len(shown) else []
        return " ".join([", ".join(shown), *more])

    def _channel(self, best: str | None, is_preferred: bool) -> str:
        if best is None:
            return ""
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
        if product_id not in self._labels:
            self._labels[product_id] = shortened(self._name_of(product_id), LABEL_LENGTH)
        return self._labels[product_id]

    def _words(self, code: str | None) -> str:
        return shortened(in_words(code or "", self._pen.language), CODE_LENGTH)


def _name(who: Situation) -> str:
    return shortened(who.name or who.client_id, NAME_LENGTH)


def _fitting(entries: Sequence[T], name: str, length: Callable[[T], int]) -> tuple[tuple[T, ...], int]:
    """Return as many entries as have room on paper, and how many are left out: the words for those take a line."""
    lines = [math.ceil(length(entry) / WIDTHS.get(name, 1)) or 1 for entry in entries]
    shown = len(entries)
    while shown and sum(lines[:shown]) + (shown < len(entries)) > LINES[name]:
        shown -= 1
    return tuple(entries[:shown]), len(entries) - shown
