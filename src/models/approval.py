"""Promotion by a person: a version is held to the gate, and put in use, or refused, with the author and the reason."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from appetence.book import Book
from appetence.config import FeatureSettings, TrainingSettings
from appetence.errors import ArtefactError, UsageError
from appetence.models.gate import Contender, Gate, hold_against
from appetence.models.promotion import put_in_use
from appetence.models.questions import Question
from appetence.models.registry import ModelRef, load_versions, model_name, resolve, version_of
from appetence.models.tracking import CHALLENGER, CHAMPION, STATE, TrackingStore
from appetence.models.verdicts import Verdict
from appetence.progress import Progress, silent

LONGEST_NAME, LONGEST_REASON = 200, 2_000
"""Characters."""


@dataclass(frozen=True)
class Approval:
    """Who wants a version promoted, why, and whether against the gate."""

    by: str
    why: str
    anyway: bool = False

    @classmethod
    def of(cls, by: str | None, why: str | None, anyway: bool) -> Approval:
        """Check what a person gave.

        Raises
        ------
        UsageError
            No author, no reason, or one that is too long.
        """
        author, reason = _plain(by), _plain(why)
        if not author:
            hint = "Give --by NAME, or set the environment variable APPETENCE_APPROVER"
            raise UsageError("a promotion must have an author", "none", hint)
        if not reason:
            raise UsageError(
                "a promotion must have a reason", "none", 'For example: --why "better on the spring months"'
            )
        for what, text, longest in (("author", author, LONGEST_NAME), ("reason", reason, LONGEST_REASON)):
            if len(text) > longest:
                raise UsageError(f"the {what} of a promotion must have at most {longest} characters", len(text))
        return cls(author, reason, anyway)


@dataclass(frozen=True)
class PromotionOutcome:
    """What came of it.

    Attributes
    ----------
    promoted
        False: refused, and nothing was changed.
    version, before
        Asked for, and in use until then; `before` is None where nothing was.
    overruled
        Promoted although the gate said no.
    """

    question: str
    promoted: bool
    version: int
    before: int | None
    gate: Gate
    approval: Approval
    overruled: bool

    def as_dict(self) -> dict[str, Any]:
        """Return it for JSON."""
        return {
            "question": self.question,
            "promoted": self.promoted,
            "version": self.version,
            "before": self.before,
            "overruled": self.overruled,
            "by": self.approval.by,
            "why": self.approval.why,
            "gate": self.gate.as_dict(),
        }

    def lines(self) -> Iterator[str]:
        """Return it for a reader."""
        yield f"{self.question}: {self.gate.verdict}."
        if not self.promoted:
            yield f"Refused: version {self.version} is not promoted. To overrule, and have that recorded: --anyway"
            return
        over = ", although the gate said no" if self.overruled else ""
        yield f"Version {self.version} is champion from now on{over} (by {self.approval.by}: {self.approval.why})."
        yield "Published scores stay as they are: the next month is scored with it, or a month anew by"
        yield '  appetence score --month YYYY-MM --revise --why "…"'


def promote(
    store: TrackingStore,
    config_name: str,
    book: Book,
    question: Question,
    version: int | None,
    approval: Approval,
    features: FeatureSettings,
    settings: TrainingSettings,
    progress: Progress = silent,
) -> PromotionOutcome:
    """Hold a version to the gate, and make it champion where it wins, or where a person overrules.

    Parameters
    ----------
    version
        Its number, an older one to roll back; None for the challenger.

    Raises
    ------
    UsageError
        No such version, or it is champion already.
    ArtefactError
        Its files are not what was registered, or it cannot score the features there are: no one can overrule that.
    """
    chosen = _chosen(store, config_name, question.name, version)
    current = resolve(store, config_name, question.name)
    if current is not None and current.alias == CHAMPION and current.version == chosen.version:
        raise UsageError(f"the version to promote must not be in use already for {question.name}", chosen.version)
    progress("checking both models", 0.0)
    new, old, unfit = _contenders(store, chosen, current)
    progress("comparing them on the newest months that are over", 0.2)
    gate = hold_against(book, question, new, old, features, settings, unfit)
    promoted = gate.wins or approval.anyway
    overruled = promoted and not gate.wins
    if promoted:
        why = Verdict(approval.why, approval.why)
        put_in_use(store, chosen.stored, current, CHAMPION, approval.by, why, gate.as_dict(), overruled)
    before = None if current is None else current.version
    return PromotionOutcome(question.name, promoted, chosen.version, before, gate, approval, overruled)


def questions_with_a_challenger(store: TrackingStore, config_name: str, questions: list[str]) -> list[str]:
    """Return the questions that have a challenger."""
    return [q for q in questions if store.version_at(model_name(config_name, q), CHALLENGER) is not None]


def _chosen(store: TrackingStore, config_name: str, question: str, version: int | None) -> ModelRef:
    if version is not None:
        return version_of(store, config_name, question, version)
    stored = store.version_at(model_name(config_name, question), CHALLENGER)
    if stored is None:
        hint = "Train one that beats its baselines (appetence train), or name a version: --version N"
        raise UsageError(f"{question} must have a challenger to promote", "none", hint)
    return ModelRef(question, CHALLENGER, stored)


def _contenders(
    store: TrackingStore, chosen: ModelRef, current: ModelRef | None
) -> tuple[Contender, Contender | None, str | None]:
    """Load both; where what is in use is broken, say how: that must not keep another from taking its place."""
    if current is None:
        (new,) = load_versions([chosen])
        return _contender(store, chosen, new), None, None
    try:
        new, old = load_versions([chosen, current])
    except ArtefactError as error:
        (new,) = load_versions([chosen])  # raises where it is this one that is broken
        return _contender(store, chosen, new), None, error.requirement
    return _contender(store, chosen, new), _contender(store, current, old), None


def _contender(store: TrackingStore, ref: ModelRef, artefact: Any) -> Contender:
    return Contender(ref.version, artefact, store.figures(ref.stored.run_id).tags.get(STATE) == "beats")


def _plain(text: str | None) -> str:
    """Return one line of text: no control characters, nothing that UTF-8 cannot hold."""
    whole = " ".join((text or "").split()).encode("utf-8", "replace").decode("utf-8")
    return "".join(letter for letter in whole if letter.isprintable())
