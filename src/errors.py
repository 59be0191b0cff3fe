"""Errors that a user can act on: the requirement, the value received, a hint."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class AppetenceError(Exception):
    """A failed check or a refusal, told in one message (exit code 1).

    Parameters
    ----------
    requirement
        What must hold, as a sentence without a final stop.
    got
        What was found instead. Never a client's name, text or figures: keys and counts only.
    hint
        What to do about it.
    """

    exit_code = 1

    def __init__(self, requirement: str, got: object = None, hint: str | None = None) -> None:
        self.requirement = requirement
        self.got = got
        self.hint = hint
        message = requirement if got is None else f"{requirement}, but got {got}"
        super().__init__(message if hint is None else f"{message}. {hint}")


class UsageError(AppetenceError):
    """A command or a config that cannot be read as meant (exit code 2)."""

    exit_code = 2


class BookError(AppetenceError):
    """The client book, or its mapping, breaks the contract."""


class ArtefactError(AppetenceError):
    """A stored model that is corrupt, altered or made for something else."""


class PublicationError(AppetenceError):
    """A run that may not be published, or not again."""


def nearest(name: str, options: Iterable[str]) -> str | None:
    """Return the option that looks most like `name`, or None where none does.

    >>> nearest("opend_on", ["client_id", "opened_on"])
    'opened_on'
    """
    found = difflib.get_close_matches(name, list(options), n=1, cutoff=0.5)
    return found[0] if found else None


def did_you_mean(name: str, options: Iterable[str]) -> str:
    """Return a hint that names the nearest option, or lists them all.

    >>> did_you_mean("colour", ["red", "green"])
    'Known are: green, red'
    """
    options = list(options)
    near = nearest(name, options)
    return f"Did you mean {near!r}?" if near else "Known are: " + ", ".join(sorted(options))
