"""Which run a month needs: none, a first one, or one that replaces what is published."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from appetence.errors import PublicationError, UsageError
from appetence.months import Month
from appetence.scoring.sink_duckdb import DuckdbSink, PublishedRun


@dataclass(frozen=True)
class Plan:
    """What identifies a run: the same month, facts, objections, models and settings give the same scores.

    Parameters
    ----------
    supersedes
        The run published for the month that this one replaces, or None.
    """

    run_id: str
    month: Month
    fingerprint: str
    models: str
    settings: str
    supersedes: str | None
    why: str | None


def scorable_month(text: str | None, observed_from: Month, newest: Month) -> Month:
    """Return the month asked for, or the newest full one.

    Raises
    ------
    UsageError
        The book holds no facts of that month.
    """
    month = newest if text is None else Month.parse(text)
    if not observed_from <= month <= newest:
        raise UsageError(
            f"the month must be one that the book shows in full, {observed_from} to {newest}",
            str(month),
            "Load the month's facts first, or name an earlier month",
        )
    return month


def canonical(value: Mapping[str, Any]) -> str:
    """Return JSON that is the same for equal values."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def with_objections(book_fingerprint: str, objecting: Iterable[str]) -> str:
    """Return the fingerprint of the facts together with who may not be scored."""
    digest = hashlib.sha256(book_fingerprint.encode())
    for client_id in sorted(objecting):
        digest.update(b"\0" + client_id.encode())
    return digest.hexdigest()


def plan_run(
    sink: DuckdbSink, month: Month, fingerprint: str, models: str, settings: str, why: str | None
) -> Plan | PublishedRun:
    """Decide; a `PublishedRun` means that nothing is to be done.

    Raises
    ------
    PublicationError
        The month was published from something else, and no reason was given to replace it.
    """
    shown = sink.published(str(month))
    if shown is not None:
        differing = [
            name
            for name, old, new in (
                ("book", shown.book_fingerprint, fingerprint),
                ("models", shown.models, models),
                ("settings", shown.settings, settings),
            )
            if old != new
        ]
        if not differing:
            return shown
        if why is None:
            raise PublicationError(
                f"{month} is published already as run {shown.run_id}, and may be replaced only on purpose",
                f"another {' and other '.join(differing)}",
                f'To replace it: appetence score --month {month} --revise --why "…"; the old run is kept',
            )
    digest = hashlib.sha256("\n".join((str(month), fingerprint, models, settings)).encode()).hexdigest()
    attempt = sink.runs_of(str(month)) + 1
    return Plan(
        f"{month}-{attempt}-{digest[:8]}",
        month,
        fingerprint,
        models,
        settings,
        None if shown is None else shown.run_id,
        why,
    )
