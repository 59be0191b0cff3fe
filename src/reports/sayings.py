"""What to say: a few sentences for a meeting, from what the client's own file holds and what the models advise.

No score is ever spoken, nothing that a model or the firm only supposes of a client's life, and nothing of anyone else.
Who has a complaint open, or has lately lost someone, is not sold anything in the same breath.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, NamedTuple

from appetence.book.contract import CREDIT
from appetence.months import shift
from appetence.reports.channels import Channels
from appetence.reports.gaps import USUAL
from appetence.reports.moments import Moment
from appetence.scoring.tables import AGAIN

if TYPE_CHECKING:
    from appetence.reports.sheets import Offer, Sheet

SPOKEN = 4
"""Sentences at most, with what to avoid as one of them: what can be read in a minute beside the rest."""

OPEN_MONTHS = 3
"""Months for which a complaint or claim without a known outcome is taken to be open: firms must answer in two."""

GRIEF = frozenset({"death_in_family", "family_death", "divorce", "separation", "job_loss"})
"""Life events after which help is offered, and nothing is sold, for `GRIEF_MONTHS` months."""

GRIEF_MONTHS = 6
_LOW_RATING = 6  # of 10: what the Net Promoter Score calls a detractor
_ADULT = 18
_NEW_MONTHS = 6

TEXTS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "complaint": (
            "“First, about your complaint of {date}: what do you expect of us today?”",
            "« Je reviens d'abord vers vous au sujet de votre réclamation du {date} : qu'attendez-vous de nous "
            "aujourd'hui ? »",
        ),
        "claim": (
            "“First, how is your claim of {date} going? Is there anything I can help you with?”",
            "« Tout d'abord, où en est votre sinistre du {date} ? Puis-je vous aider dans vos démarches ? »",
        ),
        "grief": (
            "Ask with tact how the client is, and offer help with the formalities ({event}, {month}).",
            "Prendre des nouvelles avec tact et proposer une aide pour les démarches ({event}, {month}).",
        ),
        "minor": (
            "Under age: speak with the legal representative.",
            "Client mineur : s'adresser à son représentant légal.",
        ),
        "event": (
            "“You told us of a change ({event}, {month}): what does it mean for your plans?”",
            "« Vous nous avez fait part d'un changement ({event}, {month}) : qu'est-ce que cela change pour vos "
            "projets ? »",
        ),
        "referral": (
            "“Thank you for recommending us to people you know.”",
            "« Merci de votre confiance : vous nous avez recommandés autour de vous. »",
        ),
        "anniversary": (
            "“We shall soon have been working together for {years}: thank you for your loyalty.”",
            "« Nous fêterons bientôt {years} de relation : merci de votre fidélité. »",
        ),
        "welcome": (
            "“Welcome: are your first months with us going as you wish?”",
            "« Bienvenue : vos premiers mois avec nous se passent-ils comme vous le souhaitez ? »",
        ),
        "term": (
            "“Your contract ({product}) reaches its term on {date}: what are your plans for what follows?”",
            "« Votre contrat ({product}) arrive à échéance le {date} : que souhaitez-vous en faire ensuite ? »",
        ),
        "rating": (
            "“You gave us {score} out of 10: what should we do better for you?”",
            "« Vous nous avez donné la note de {score} sur 10 : que devrions-nous mieux faire pour vous ? »",
        ),
        "satisfaction": (
            "“What do you expect of your advisor, and what could we do better for you?”",
            "« Qu'attendez-vous de votre conseiller, et que pourrions-nous mieux faire pour vous ? »",
        ),
        "plans": (
            "“Do you have plans in the coming months that will need part of your savings?”",
            "« Avez-vous, dans les prochains mois, un projet qui mobilisera une partie de vos avoirs ? »",
        ),
        "news": (
            "“Has anything changed in your situation or your plans since we last spoke?”",
            "« Y a-t-il du nouveau dans votre situation ou vos projets depuis notre dernier échange ? »",
        ),
        "review": (
            "“May I suggest that we take the time to go over your whole situation?”",
            "« Je vous propose de prendre le temps de faire ensemble le point sur votre situation. »",
        ),
        "offer": (
            "“I suggest that we see together whether this would suit you: {product}.”",
            "« Je vous propose de voir ensemble si ce produit vous conviendrait : {product}. »",
        ),
        "offer_again": (
            "“I suggest that we see together whether another contract would suit you: {product}.”",
            "« Je vous propose de voir ensemble si un contrat de plus vous conviendrait : {product}. »",
        ),
        "offer_event": (
            "“After this change, I suggest that we look together at: {product}.”",
            "« À la suite de ce changement, je vous propose d'étudier ensemble : {product}. »",
        ),
        "offer_credit": (
            "“Do you have a project to finance? We can look into it together: {product}.”",
            "« Avez-vous un projet à financer ? Nous pouvons l'étudier ensemble : {product}. »",
        ),
        "offer_peers": (
            "“{product}: {share} of our clients with a profile close to yours have it. I suggest that we see together "
            "whether it would suit you.”",
            "« {product} : {share} de nos clients au profil proche du vôtre en sont équipés. Je vous propose de voir "
            "ensemble si cela vous conviendrait. »",
        ),
        "wait_complaint": (
            "No offer until the complaint is settled.",
            "Pas d'offre tant que la réclamation n'est pas réglée.",
        ),
        "wait_grief": (
            "No offer on the occasion of this event.",
            "Pas d'offre à l'occasion de cet événement.",
        ),
        "no_marketing": (
            "Objects to marketing: offer nothing unasked, answer what the client asks.",
            "Opposition à la prospection : ne rien proposer de soi-même, répondre aux demandes du client.",
        ),
        "no_phone": (
            "Objects to calls: do not canvass by phone.",
            "Opposition au démarchage téléphonique : ne pas appeler pour proposer.",
        ),
    }
)
"""Per name, English and French; a firm puts its own in their place by `reports.texts`."""

_MANNERS: Mapping[str, Literal["do", "avoid"]] = {
    "grief": "do",
    "minor": "do",
    "wait_complaint": "avoid",
    "wait_grief": "avoid",
    "no_marketing": "avoid",
    "no_phone": "avoid",
}


class Saying(NamedTuple):
    """One sentence by its name, with what goes into its places; dates, months and numbers are not written out yet."""

    name: str
    values: Mapping[str, object] = MappingProxyType({})

    @property
    def manner(self) -> Literal["say", "do", "avoid"]:
        """Whether it is to be said to the client, to be done, or tells what not to do."""
        return _MANNERS.get(self.name, "say")


def what_to_say(
    sheet: Sheet, cut: dt.date, moments: Sequence[Moment], channels: Channels, families: Mapping[str, str]
) -> tuple[Saying, ...]:
    """Return what an advisor may say to a client, in its order, then what to leave.

    Parameters
    ----------
    cut
        The day after the month that was scored.
    moments, channels
        As `moments_of` and `channels_of` return them for the client.
    families
        Family per product.
    """
    who = sheet.situation
    told = [moment for moment in moments if moment.event is not None and moment.event.is_told]
    sad = [m for m in moments if m.event and m.event.kind in GRIEF and _within(m.on, cut, GRIEF_MONTHS)]
    complaint = _open(who.contact.open_complaint_on if who.contact else None, cut)
    is_minor = who.kind == "person" and who.age is not None and who.age < _ADULT
    opening = _opening(sheet, cut, next((m for m in sad if m in told), None))
    if is_minor:
        opening = [Saying("minor"), *opening[:1]]
    elif not opening:
        opening = _thanks(sheet, cut, moments)
    glad = next((m for m in told if m.event and m.event.kind not in GRIEF and _within(m.on, cut, 12)), None)
    offer = None if complaint or sad or is_minor or not channels.marketing else _offer(sheet, glad, families)
    spoken = opening[:2] if is_minor or complaint else opening[:1]
    avoided = _avoided(complaint is not None, bool(sad), channels)
    most = SPOKEN - bool(avoided)
    room = most - len(spoken) - (offer is not None)
    spoken += _questions(sheet, cut, moments, glad)[: min(room, 2)]
    spoken += [offer] if offer is not None else []
    if len(spoken) < most and any(moment.kind == "review" for moment in moments):
        spoken.append(Saying("review"))
    return (*spoken, *avoided)


def _opening(sheet: Sheet, cut: dt.date, sad: Moment | None) -> list[Saying]:
    """Return what cannot wait: a complaint comes before everything."""
    contact = sheet.situation.contact
    found = []
    for name, day in (
        ("complaint", contact.open_complaint_on if contact else None),
        ("claim", contact.open_claim_on if contact else None),
    ):
        if _open(day, cut):
            found.append(Saying(name, {"date": day}))
    if sad is not None and sad.event is not None:
        found.append(Saying("grief", {"event": sad.event.kind, "month": sad.on}))
    return found


def _thanks(sheet: Sheet, cut: dt.date, moments: Sequence[Moment]) -> list[Saying]:
    who = sheet.situation
    if who.referrals:
        return [Saying("referral")]
    years = next((moment.number for moment in moments if moment.kind == "anniversary"), None)
    if years is not None:
        return [Saying("anniversary", {"years": years})]
    return [Saying("welcome")] if _within(who.joined_on, cut, _NEW_MONTHS) else []


def _questions(sheet: Sheet, cut: dt.date, moments: Sequence[Moment], glad: Moment | None) -> list[Saying]:
    """Return what to ask, the most telling first: facts before what the models make of them."""
    who, found = sheet.situation, []
    if glad is not None and glad.event is not None:
        found.append(Saying("event", {"event": glad.event.kind, "month": glad.on}))
    term = next((moment for moment in moments if moment.kind == "term"), None)
    if term is not None:
        found.append(Saying("term", {"product": term.product_id, "date": term.on}))
    contact = who.contact
    if contact and contact.nps is not None and contact.nps <= _LOW_RATING and _within(contact.nps_on, cut, 12):
        found.append(Saying("rating", {"score": contact.nps}))
    elif sheet.tier in ("high", "medium"):
        found.append(Saying("satisfaction"))
    if sheet.erosion is not None and sheet.erosion.lift > 1:
        found.append(Saying("plans"))
    return found or [Saying("news")]


def _offer(sheet: Sheet, glad: Moment | None, families: Mapping[str, str]) -> Saying | None:
    """Return the best offer that the client is ready for; one that a change in life calls for comes first."""
    ready: list[Offer] = [offer for offer in sheet.offers if offer.is_ready]
    called = [offer for offer in ready if glad is not None and offer.product_id in glad.products]
    best = next(iter(called or ready), None)
    if best is None:
        return None
    values: dict[str, object] = {"product": best.product_id}
    if called:
        return Saying("offer_event", values)
    if families.get(best.product_id) == CREDIT:
        return Saying("offer_credit", values)
    if best.purchase == AGAIN:
        return Saying("offer_again", values)
    evidence = sheet.peers.evidence(best.product_id) if sheet.peers else None
    if evidence is not None and evidence.share is not None and evidence.share >= USUAL:
        return Saying("offer_peers", values | {"share": evidence.share})
    return Saying("offer", values)


def _avoided(complains: bool, grieves: bool, channels: Channels) -> list[Saying]:
    reasons = (
        ("no_marketing", not channels.marketing),
        ("wait_complaint", complains and channels.marketing),
        ("wait_grief", grieves and not complains and channels.marketing),
        ("no_phone", not channels.phone),
    )
    return [Saying(name) for name, holds in reasons if holds]


def _open(day: dt.date | None, cut: dt.date) -> dt.date | None:
    return day if _within(day, cut, OPEN_MONTHS) else None


def _within(day: dt.date | None, cut: dt.date, months: int) -> bool:
    """Return whether a day lies in the months before the cut."""
    return day is not None and shift(cut, -months) <= day < cut
