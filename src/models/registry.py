"""From an alias to a model that may be used: resolved once, copied, verified, tried elsewhere, and only then loaded.

MLflow's own loaders are not used: they would run code and unpickle whatever the store holds. Here the files are copied
to a private folder, their hashes compared with those approved, and they are parsed and scored in another process first,
because a corrupt model text aborts the process that LightGBM runs in.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import quote

from appetence.errors import AppetenceError, ArtefactError, UsageError
from appetence.models.artefact import CONTRACT_FILE, GOLDEN_FILE, MODEL_FILE, SEVERITY_FILE, TOPICS_FILE, Artefact
from appetence.models.tracking import CHAMPION, FALLBACK, StoredVersion, TrackingStore, file_sha256

_TRIAL_SECONDS = 300
_FILES = (MODEL_FILE, CONTRACT_FILE, GOLDEN_FILE, TOPICS_FILE, SEVERITY_FILE)


@dataclass(frozen=True)
class ModelRef:
    """A version that an alias pointed to when it was resolved.

    Attributes
    ----------
    question
        `attrition`, `buy:<product_id>` …
    alias
        `champion`, or `fallback` where no version beat its baselines; empty for a version taken by its number.
    stored
        The version, with the hashes of its files.
    """

    question: str
    alias: str
    stored: StoredVersion

    @property
    def name(self) -> str:
        """Name of the registered model."""
        return self.stored.name

    @property
    def version(self) -> int:
        """Version of the registered model."""
        return self.stored.version


def model_name(config_name: str, question: str) -> str:
    """Return the registered model's name of a question; MLflow allows no slash and no colon in it.

    >>> model_name("demo", "buy:home_loan")
    'demo.buy.home_loan'
    >>> model_name("demo", "buy:A/7")
    'demo.buy.A%2F7'
    """
    kind, _, product = question.partition(":")
    return ".".join([config_name, kind, *([quote(product, safe="")] if product else [])])


def resolve(store: TrackingStore, config_name: str, question: str) -> ModelRef | None:
    """Return what scores a question: the champion, else the fallback, else None."""
    name = model_name(config_name, question)
    for alias in (CHAMPION, FALLBACK):
        stored = store.version_at(name, alias)
        if stored is not None:
            return ModelRef(question, alias, stored)
    return None


def version_of(store: TrackingStore, config_name: str, question: str, version: int) -> ModelRef:
    """Return a version of a question's model by its number.

    Raises
    ------
    UsageError
        There is no such version; the message lists those there are.
    """
    stored = store.versions(model_name(config_name, question))
    for one in stored:
        if one.version == version:
            return ModelRef(question, "", one)
    known = ", ".join(str(one.version) for one in stored) or "none"
    raise UsageError(f"the version must be one of {question}'s", str(version), f"There are: {known}")


def recorded(store: TrackingStore, question: str, name: str, sha256: Mapping[str, str]) -> ModelRef | None:
    """Return the version of a registered model whose files have these hashes, as a run once recorded them.

    Returns
    -------
    ModelRef or None
        None where no version has them, or none that was ever approved: what nobody approved is not loaded.
    """
    for stored in reversed(store.versions(name)):
        if sha256 and dict(stored.sha256) == dict(sha256) and stored.approved_at:
            return ModelRef(question, "", stored)
    return None


def load_models(refs: Iterable[ModelRef]) -> dict[str, Artefact]:
    """Verify and load models, all tried in one process.

    Returns
    -------
    dict
        {question: artefact}

    Raises
    ------
    ArtefactError
        A file is missing, differs from what was approved, cannot be parsed, answers another question, or gives its
        golden rows other probabilities.
    """
    refs = list(refs)
    return {ref.question: artefact for ref, artefact in zip(refs, load_versions(refs), strict=True)}


def load_versions(refs: Sequence[ModelRef]) -> list[Artefact]:
    """Verify and load models in their order, as `load_models` does; several may answer the same question."""
    with TemporaryDirectory(prefix="appetence-models-") as folder:
        copies = [_copy(ref, Path(folder, str(i))) for i, ref in enumerate(refs)]
        try_in_another_process(copies)
        loaded = []
        for ref, copy in zip(refs, copies, strict=True):
            artefact = Artefact.load(copy)
            if artefact.question != ref.question:
                raise ArtefactError(f"{_label(ref)} must answer {ref.question!r}", repr(artefact.question))
            artefact.check_golden()
            loaded.append(artefact)
    return loaded


def load(ref: ModelRef) -> Artefact:
    """Verify and load one model; see `load_models`."""
    return load_models([ref])[ref.question]


def try_in_another_process(directories: Sequence[Path]) -> None:
    """Parse stored models and score their golden rows where a crash does no harm.

    Raises
    ------
    ArtefactError
        The first one that fails, with its reason, or that ends the process.
    """
    if not directories:
        return
    command = [sys.executable, "-c", "from appetence.models.registry import _trial; _trial()", *map(str, directories)]
    try:
        # LightGBM tells of a corrupt file on standard output, with bytes that are no text
        trial = subprocess.run(  # noqa: S603 - this interpreter, and folders of ours
            command, capture_output=True, encoding="utf-8", errors="replace", timeout=_TRIAL_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        raise ArtefactError(f"Stored models must load within {_TRIAL_SECONDS} seconds", "no end") from None
    lines = [line.split("\t", 1) for line in trial.stdout.splitlines() if line.startswith(("ok\t", "bad\t"))]
    for state, message in lines:
        if state == "bad":
            raise ArtefactError(message)
    if trial.returncode != 0 or len(lines) != len(directories):
        raise ArtefactError(
            f"{MODEL_FILE} must be a model that LightGBM can parse",
            f"one that ended the process that tried it (exit code {trial.returncode})",
            "The file is corrupt or cut short: restore it, or train again",
        )


def _trial() -> None:
    """Run in the other process: one line per model, written before the next is touched."""
    for directory in sys.argv[1:]:
        try:
            Artefact.load(Path(directory)).check_golden()
            line = "ok\t"
        except AppetenceError as error:
            line = "bad\t" + " ".join(str(error).split())
        sys.stdout.write(line + "\n")
        sys.stdout.flush()


def _copy(ref: ModelRef, target: Path) -> Path:
    """Copy a version's files, and compare the copies with the hashes approved."""
    approved = ref.stored.sha256
    if not {CONTRACT_FILE, GOLDEN_FILE} <= set(approved) <= set(_FILES):
        raise ArtefactError(f"{_label(ref)} must have an approval with the hashes of its files", sorted(approved))
    target.mkdir()
    for file, expected in approved.items():
        try:
            shutil.copyfile(ref.stored.directory / file, target / file)
        except OSError as error:
            raise ArtefactError(f"{_label(ref)} must have its file {file}", type(error).__name__) from None
        if file_sha256(target / file) != expected:
            after = ref.stored.approved_at or ref.stored.registered_at
            raise ArtefactError(
                f"{_label(ref)} must be what was approved",
                f"another {file}",
                f"The file was changed after {after}: restore it, or train again",
            )
    return target


def _label(ref: ModelRef) -> str:
    return f"Version {ref.version} of {ref.name}"
