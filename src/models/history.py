"""Who put which version in use, when, why, and on what figures: one dated row per promotion, never rewritten.

A row is kept as a tag of the version that was promoted. All rows of a question are also written as `promotions.json`
beside that version's files, for whoever reads the store without this package.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from appetence.errors import ArtefactError
from appetence.models.tracking import CHAMPION, FALLBACK, StoredVersion

HISTORY_FILE = "promotions.json"


class Promotion(BaseModel):
    """One row of a question's history.

    Attributes
    ----------
    alias
        What the version became: `champion`, or `fallback` while there was no champion.
    at
        ISO 8601, UTC.
    by, why
        The approver and the reason in their own words, or the rule that promoted a first version, and its verdict.
    overruled
        A person promoted it although the gate said no.
    from_version
        What scored before; None where nothing did.
    sha256
        {file: hash} of the version that was promoted.
    gate
        Figures of the comparison, `Gate.as_dict`; None where there was nothing to compare with, or older stores.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    question: str
    alias: str
    at: str
    by: str
    why: str
    overruled: bool = False
    from_version: int | None
    to_version: int
    sha256: dict[str, str]
    gate: dict[str, Any] | None = None

    @property
    def line(self) -> str:
        """Return the row for a reader."""
        before = "" if self.from_version is None else f" in place of version {self.from_version}"
        over = ", although the gate said no" if self.overruled else ""
        return f"{self.at}  version {self.to_version} became {self.alias}{before}{over}, by {self.by}: {self.why}"


def promotions(versions: Iterable[StoredVersion]) -> list[Promotion]:
    """Return the history of a question from its versions, oldest first.

    Raises
    ------
    ArtefactError
        A row that this package has not written.
    """
    rows = [row for stored in versions for row in _rows(stored)]
    return sorted(rows, key=lambda row: row.at)  # stable: rows of one second stay in the order of their versions


def history_file(rows: Sequence[Promotion]) -> dict[str, str]:
    """Return the history as a run's file: path and content."""
    content = [row.model_dump(mode="json") for row in rows]
    return {HISTORY_FILE: json.dumps(content, ensure_ascii=False, indent=1, sort_keys=True)}


def _rows(stored: StoredVersion) -> list[Promotion]:
    try:
        found = [Promotion.model_validate_json(text) for text in stored.promotions]
    except ValidationError:
        raise ArtefactError(
            f"the history of {stored.name} must be as it was written", f"another row with version {stored.version}"
        ) from None
    if found or not stored.approved_at:
        return found
    return [_before_rows(stored)]


def _before_rows(stored: StoredVersion) -> Promotion:
    """Return the approval of a version that was made before there were rows."""
    return Promotion(
        question=stored.question,
        alias=FALLBACK if FALLBACK in stored.aliases else CHAMPION,
        at=stored.approved_at,
        by=stored.approved_by,
        why=stored.reason.en,
        from_version=None,
        to_version=stored.version,
        sha256=dict(stored.sha256),
    )
