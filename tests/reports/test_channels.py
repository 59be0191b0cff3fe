"""Channels: the client's own choice where it is allowed, never one that the client refuses."""

import datetime as dt

import pytest

from appetence.reports.channels import Channels, channels_of
from appetence.reports.situations import Contact, Situation


@pytest.mark.parametrize(
    ("preferred", "last", "refuses", "told"),
    [
        ("email", "phone", (), Channels("email", True, True, True)),
        ("phone", "branch", (), Channels("phone", True, True, True)),
        ("phone", "branch", ("phone",), Channels("branch", False, False, True)),
        ("phone", "phone", ("phone", "marketing"), Channels(None, False, False, False)),
        (None, "app", ("marketing",), Channels("app", False, True, False)),
        (None, None, (), Channels(None, False, True, True)),
    ],
)
def test_the_best_channel_is_the_preferred_one_if_allowed_else_the_last_one(preferred, last, refuses, told):
    contact = None if last is None else Contact(dt.date(2023, 9, 1), last, "call", 1, None, None)
    facts = {} if preferred is None else {"preferred_channel": preferred}
    who = Situation("1", None, "person", 40, None, None, facts, contact=contact, refuses=frozenset(refuses))
    assert channels_of(who) == told
