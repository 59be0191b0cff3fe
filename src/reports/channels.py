"""Channels: which ways of reaching a client are allowed, and which one to take."""

from __future__ import annotations

from typing import NamedTuple

from appetence.reports.situations import Situation

PHONE = "phone"


class Channels(NamedTuple):
    """How a client may be reached.

    Parameters
    ----------
    best
        The channel to take: the client's own choice where it is allowed, else that of the last contact; None where
        neither is known or allowed.
    is_preferred
        Whether it is the client's own choice.
    phone, marketing
        Whether calls, and offers that nobody asked for, are allowed.
    """

    best: str | None
    is_preferred: bool
    phone: bool
    marketing: bool


def channels_of(who: Situation) -> Channels:
    """Return how a client may be reached, by the newest word on it."""
    phone, marketing = "phone" not in who.refuses, "marketing" not in who.refuses
    preferred = who.facts.get("preferred_channel")
    last = who.contact.channel if who.contact else None
    allowed = [channel for channel in (preferred, last) if channel is not None and (phone or channel != PHONE)]
    best = allowed[0] if allowed else None
    return Channels(best, best is not None and best == preferred, phone, marketing)
