"""MLflow: runs, models, versions and aliases. The only module that touches it.

The store is a SQLite file with a folder of artefacts beside it, no server. Paths are made absolute when the store is
opened; where the folder has been moved since, the paths that MLflow keeps are rewritten first.
"""

from __future__ import annotations

import hashlib
import json
import os
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from appetence.config import TrackingSettings
from appetence.errors import ArtefactError
from appetence.models.artefact import Artefact
from appetence.models.moved_store import FILES_FOLDER, ROOT_TAG, files_uri, local_path, rebase
from appetence.models.verdicts import Verdict

CHAMPION, CHALLENGER, FALLBACK = "champion", "challenger", "fallback"
"""Aliases: the version that scores, a later one that may take its place, and what scores while there is no champion."""

STATE, VERDICT, VERDICT_FR, BOOK = "state", "verdict", "verdict_fr", "book_fingerprint"
DEFINITION = "definition"
"""Tags of a question's run."""

PARENT = "mlflow.parentRunId"
"""MLflow's own tag of a nested run."""

_SHA, _APPROVED, _PROMOTION = "sha256.", "approved_", "promotion."
_DIGEST = 36  # MLflow takes no longer digest of a dataset
_BATCH = 800  # MLflow takes at most 1000 metrics, parameters and tags at once
_PACKAGES = ("lightgbm", "scikit-learn", "numpy", "pandas", "pyarrow", "scipy")


@dataclass(frozen=True)
class Data:
    """What a run used, as MLflow's list of datasets shows it: names, hashes and sizes, never a row.

    Attributes
    ----------
    name, context
        Such as `attrition`, and `training` or `evaluation`.
    digest
        A hash of what it holds; MLflow keeps the first 36 digits.
    book
        The fingerprint of the book that it was made from.
    sizes
        {what: how many}
    features
        Names of the columns, where a model reads them.
    """

    name: str
    context: str
    digest: str
    book: str
    sizes: Mapping[str, int] = field(default_factory=dict)
    features: Sequence[str] = ()


@dataclass(frozen=True)
class RunRecord:
    """What is kept of a training run.

    Attributes
    ----------
    name
        Shown in MLflow's list.
    params, metrics, tags
        As MLflow has them; values of params are written as text.
    texts
        {path: content}: curves, tables and settings as CSV, JSON, SVG or HTML.
    series
        {metric: {step: value}}: what MLflow draws as a curve, such as a figure by test date.
    data
        What was learnt from and tested on.
    """

    name: str
    params: Mapping[str, object] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)
    series: Mapping[str, Mapping[int, float]] = field(default_factory=dict)
    data: Sequence[Data] = ()


@dataclass(frozen=True)
class StoredVersion:
    """A version of a registered model.

    Attributes
    ----------
    name, version
        As registered.
    aliases
        Such as `champion`.
    run_id
        The run that made it.
    sha256
        {file: hash} as registered; what is approved is checked against it.
    approved_by, approved_at, reason
        Of the newest approval; empty where there was none.
    horizon
        Months of the label window.
    definition
        A hash of what a firm's own question asked when the version was made; empty for other kinds.
    directory
        Where its files are.
    question, kind
        What it answers, and `classifier` or `constant`.
    registered_at
        ISO 8601, UTC.
    verdict
        How it did out of time.
    promotions
        A JSON text per promotion, oldest first; see `appetence.models.history`.
    """

    name: str
    version: int
    horizon: int
    aliases: tuple[str, ...]
    run_id: str
    sha256: Mapping[str, str]
    approved_by: str
    approved_at: str
    reason: Verdict
    directory: Path
    question: str
    kind: str
    registered_at: str
    verdict: Verdict
    promotions: tuple[str, ...] = ()
    definition: str = ""


@dataclass(frozen=True)
class RunFigures:
    """What a run holds that was written of it: see `RunRecord`."""

    params: Mapping[str, str]
    metrics: Mapping[str, float]
    tags: Mapping[str, str]


class TrackingStore:
    """MLflow's store of one firm.

    Parameters
    ----------
    settings
        The folder; made where it is missing.
    experiment
        Name of the experiment that runs are filed under.
    """

    def __init__(self, settings: TrackingSettings, experiment: str) -> None:
        self._root = Path(settings.directory).resolve()
        self._root.mkdir(parents=True, exist_ok=True)
        self.directory = self._root
        self.uri = f"sqlite:///{self._root / 'mlflow.db'}"
        mlflow = _import_mlflow()
        rebase(self._root)
        with _quiet():
            self._client = mlflow.MlflowClient(tracking_uri=self.uri, registry_uri=self.uri)
            self._experiment = self._experiment_id(experiment)

    @contextmanager
    def run(self, record: RunRecord, parent: str | None = None) -> Iterator[str]:
        """Open a run, write the record, and yield its id; it ends as FAILED where the block raises."""
        run_id = self._start(record, parent)
        try:
            yield run_id
        except BaseException:
            self._client.set_terminated(run_id, "FAILED")
            raise
        self._client.set_terminated(run_id)

    @contextmanager
    def resumed(self, run_id: str) -> Iterator[str]:
        """Open a run of an earlier process again; it ends as `run` does."""
        self._client.update_run(run_id, status="RUNNING")
        try:
            yield run_id
        except BaseException:
            self._client.set_terminated(run_id, "FAILED")
            raise
        self._client.set_terminated(run_id)

    def add(self, run_id: str, record: RunRecord) -> None:
        """Add figures, tags and files to a run that is open; its name stays."""
        for key, value in record.tags.items():
            self._client.set_tag(run_id, key, value)
        self._log(run_id, record)

    def keep(self, record: RunRecord, parent: str, began: int, ended: int, status: str = "FINISHED") -> str:
        """Write a nested run of something that is over; times in milliseconds since 1970. Return its id."""
        run_id = self._start(record, parent, began)
        self._client.set_terminated(run_id, status, ended)
        return run_id

    def find(self, tags: Mapping[str, str]) -> dict[str, Mapping[str, str]]:
        """Return the runs that bear these tags, the oldest first, and all tags of each.

        Values must be names or hashes: they become part of a query.
        """
        return {str(run.info.run_id): run.data.tags for run in self._search(tags)}

    def forget_unfinished(self, parent: str) -> None:
        """Delete the nested runs that a process was writing when it was killed."""
        for run in self._search({PARENT: parent}):
            if not run.info.end_time:
                self._client.delete_run(run.info.run_id)

    def register(
        self, name: str, artefact: Artefact, run_id: str, folder: str = "model", verdict: Verdict | None = None
    ) -> StoredVersion:
        """Log an artefact with a run, in a folder, and register it as a version with no alias and no approval.

        The hashes of its files are those of what was written here, before MLflow copied them.
        """
        import mlflow
        from mlflow.exceptions import MlflowException
        from mlflow.models import ModelSignature
        from mlflow.types import ColSpec, Schema

        try:
            self._client.create_registered_model(name)
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
        with TemporaryDirectory() as scratch:
            files, model = Path(scratch, "files"), Path(scratch, folder)
            files.mkdir()
            names = artefact.save(files)
            hashes = {f"{_SHA}{file}": file_sha256(files / file) for file in names}
            with _quiet():
                mlflow.pyfunc.save_model(
                    str(model),
                    python_model=_serve_path(),
                    artifacts={file: str(files / file) for file in names},
                    # no schema of inputs: the classifier checks them itself, and takes nulls where MLflow refuses them
                    signature=ModelSignature(outputs=Schema([ColSpec("double", "probability")])),
                    pip_requirements=[f"{package}=={metadata.version(package)}" for package in _PACKAGES],
                )
            self._client.log_artifacts(run_id, str(model), folder)
        run = self._client.get_run(run_id)
        found = self._client.create_model_version(
            name,
            source=f"{run.info.artifact_uri}/{folder}",
            run_id=run_id,
            tags={
                "kind": artefact.kind,
                "question": artefact.question,
                "horizon": str(artefact.horizon),
                DEFINITION: artefact.contract.definition,
                **hashes,
                **(Verdict(artefact.verdict, "") if verdict is None else verdict).as_dict(VERDICT),
            },
            description=artefact.verdict,
        )
        return self._stored(found)

    def approve(
        self,
        stored: StoredVersion,
        alias: str,
        approved_by: str,
        reason: Verdict,
        at: str | None = None,
        row: str | None = None,
    ) -> StoredVersion:
        """Record with a version who approved it, why and when, and then give it an alias.

        Parameters
        ----------
        at
            ISO 8601, UTC; now by default.
        row
            JSON of the promotion, kept with the version for good.

        Raises
        ------
        ArtefactError
            A file is not what was registered.
        """
        at = now() if at is None else at
        tags = {
            **{f"{_SHA}{file}": digest for file, digest in self.hashes(stored).items()},
            f"{_APPROVED}by": approved_by,
            f"{_APPROVED}at": at,
            f"{_APPROVED}because": reason.en,
            f"{_APPROVED}because_fr": reason.fr,
        }
        if row is not None:
            tags[f"{_PROMOTION}{len(stored.promotions):06d}"] = row
        for key, value in tags.items():
            self._client.set_model_version_tag(stored.name, str(stored.version), key, value)
        return self.point(stored, alias)

    def point(self, stored: StoredVersion, alias: str) -> StoredVersion:
        """Give a version an alias, which any other version loses."""
        self._client.set_registered_model_alias(stored.name, alias, str(stored.version))
        return self._stored(self._client.get_model_version(stored.name, str(stored.version)))

    def unpoint(self, stored: StoredVersion, alias: str) -> None:
        """Take an alias from a version; nothing happens where it does not have it."""
        if alias in stored.aliases:
            self._client.delete_registered_model_alias(stored.name, alias)

    def hashes(self, stored: StoredVersion) -> dict[str, str]:
        """Return {file: hash} of a version's files as they are now, which must be as they were registered.

        Raises
        ------
        ArtefactError
            A file is missing, or not what was registered.
        """
        label = f"Version {stored.version} of {stored.name}"
        if not stored.directory.is_dir():
            raise ArtefactError(f"{label} must have its files", "no folder", "Restore the store's artifacts")
        found = {file.name: file_sha256(file) for file in sorted(stored.directory.iterdir())}
        if stored.sha256 and found != stored.sha256:
            changed = sorted(name for name in {*found, *stored.sha256} if found.get(name) != stored.sha256.get(name))
            hint = "The files were changed after that: restore them, or train again"
            raise ArtefactError(f"{label} must be what was registered", f"another {', '.join(changed)}", hint)
        return found

    def versions(self, name: str) -> list[StoredVersion]:
        """Return all versions of a registered model, oldest first; none where it does not exist."""
        found, token = [], None
        while True:
            page = self._client.search_model_versions(f"name = '{name}'", max_results=200, page_token=token)
            found += [one.version for one in page]
            token = page.token
            if not token:
                break
        # the search tells no aliases: each version is asked for by itself
        return [self._stored(self._client.get_model_version(name, str(v))) for v in sorted(map(int, found))]

    def figures(self, run_id: str) -> RunFigures:
        """Return the params, metrics and tags of a run."""
        data = self._client.get_run(run_id).data
        return RunFigures(dict(data.params), dict(data.metrics), dict(data.tags))

    def add_texts(self, run_id: str, texts: Mapping[str, str]) -> None:
        """Write further files of a run; the same path replaces what is there.

        They go where `text` reads them: MLflow remembers by a run's id where it wrote last, for all stores of a
        process, and would write a copied store's files into the store that it was copied from.
        """
        _write(self._artifacts(run_id), texts)

    def text(self, run_id: str, path: str) -> str | None:
        """Return a file of a run; None where there is none."""
        file = self._artifacts(run_id) / path
        return file.read_text(encoding="utf-8") if file.is_file() else None

    def version_at(self, name: str, alias: str) -> StoredVersion | None:
        """Return the version that an alias points to; None where the model or the alias does not exist."""
        from mlflow.exceptions import MlflowException

        try:
            return self._stored(self._client.get_model_version_by_alias(name, alias))
        except MlflowException as error:
            if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
                return None
            raise

    def refusals(self, book_fingerprint: str, definitions: Mapping[str, str] | None = None) -> dict[str, Verdict]:
        """Return the questions that were refused on a book with this fingerprint, each with the newest reason.

        Parameters
        ----------
        definitions
            {question: what it asks now} of a firm's own questions: one that asked something else then is left out.
        """
        asked = definitions or {}
        text = f"tags.{STATE} = 'refused' AND tags.{BOOK} = '{book_fingerprint}'"
        runs = self._client.search_runs([self._experiment], text, order_by=["attributes.start_time ASC"])
        return {
            run.info.run_name: Verdict(run.data.tags[VERDICT], run.data.tags[VERDICT_FR])
            for run in runs
            if run.data.tags.get(DEFINITION, "") in ("", asked.get(run.info.run_name))
        }

    def names(self, prefix: str) -> list[str]:
        """Return the names of the registered models that start with a prefix, sorted."""
        found, token = [], None
        while True:
            page = self._client.search_registered_models(max_results=200, page_token=token)
            found += [model.name for model in page if model.name.startswith(prefix)]
            token = page.token
            if not token:
                return sorted(found)

    def _artifacts(self, run_id: str) -> Path:
        return local_path(str(self._client.get_run(run_id).info.artifact_uri))

    def _search(self, tags: Mapping[str, str]) -> list[Any]:
        text = " AND ".join(f"tags.`{key}` = '{value}'" for key, value in tags.items())
        found: list[Any] = []
        token = None
        while True:
            order = ["attributes.start_time ASC"]
            page = self._client.search_runs([self._experiment], text, order_by=order, page_token=token)
            found += page
            token = page.token
            if not token:
                return found

    def _experiment_id(self, name: str) -> str:
        found = self._client.get_experiment_by_name(name)
        if found is not None:
            return str(found.experiment_id)
        return str(
            self._client.create_experiment(
                name, artifact_location=files_uri(self._root), tags={ROOT_TAG: files_uri(self._root)}
            )
        )

    def _start(self, record: RunRecord, parent: str | None, began: int | None = None) -> str:
        tags = dict(record.tags) | ({} if parent is None else {PARENT: parent})
        run = self._client.create_run(self._experiment, began, tags, record.name)
        self._log(str(run.info.run_id), record)
        return str(run.info.run_id)

    def _log(self, run_id: str, record: RunRecord) -> None:
        from mlflow.entities import Metric, Param

        now = int(datetime.now(UTC).timestamp() * 1000)
        metrics = [Metric(key, float(value), now, 0) for key, value in record.metrics.items()]
        metrics += [
            Metric(key, float(value), now, step)
            for key, values in record.series.items()
            for step, value in values.items()
        ]
        params = [Param(key, str(value)) for key, value in record.params.items()]
        self._client.log_batch(run_id, metrics[:_BATCH], params)
        for start in range(_BATCH, len(metrics), _BATCH):
            self._client.log_batch(run_id, metrics[start : start + _BATCH])
        if record.data:
            self._client.log_inputs(run_id, [_input(data) for data in record.data])
        if record.texts:
            self.add_texts(run_id, record.texts)

    def _stored(self, found: Any) -> StoredVersion:
        tags = dict(found.tags)
        reason = Verdict(tags.get(f"{_APPROVED}because", ""), tags.get(f"{_APPROVED}because_fr", ""))
        # stores of before there were verdicts of versions: what was approved then was approved for its verdict
        verdict = Verdict(tags[VERDICT], tags[VERDICT_FR] or tags[VERDICT]) if VERDICT in tags else reason
        return StoredVersion(
            name=str(found.name),
            version=int(found.version),
            horizon=int(tags["horizon"]),
            aliases=tuple(found.aliases),
            run_id=str(found.run_id),
            sha256={key.removeprefix(_SHA): value for key, value in tags.items() if key.startswith(_SHA)},
            approved_by=tags.get(f"{_APPROVED}by", ""),
            approved_at=tags.get(f"{_APPROVED}at", ""),
            reason=reason,
            directory=local_path(str(found.source)) / FILES_FOLDER,
            question=tags["question"],
            kind=tags["kind"],
            registered_at=_iso(datetime.fromtimestamp(found.creation_timestamp / 1000, UTC)),
            verdict=verdict,
            definition=tags.get(DEFINITION, ""),
            promotions=tuple(tags[key] for key in sorted(tags) if key.startswith(_PROMOTION)),
        )


def now() -> str:
    """Return the time of day as approvals and promotions are dated: ISO 8601, UTC."""
    return _iso(datetime.now(UTC))


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, as hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _input(data: Data) -> Any:
    from mlflow.entities import Dataset, DatasetInput, InputTag

    columns = [{"name": name} for name in data.features]
    dataset = Dataset(
        name=data.name,
        digest=data.digest[:_DIGEST],
        source_type="book",
        source=json.dumps({"book_fingerprint": data.book}),
        schema=json.dumps({"features": columns}) if columns else None,
        profile=json.dumps(dict(data.sizes)),
    )
    return DatasetInput(dataset, [InputTag("mlflow.data.context", data.context)])


def _iso(at: datetime) -> str:
    return at.isoformat(timespec="seconds")


def _write(folder: Path, texts: Mapping[str, str]) -> None:
    for path, content in texts.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(content, encoding="utf-8", newline="\n")


def _import_mlflow() -> Any:
    """Import MLflow with its telemetry off, and without a word about the tables it creates.

    Both are read from the environment when MLflow is imported; a level that the user has set is kept.
    """
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "WARNING")
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    with _quiet():
        import mlflow
        import mlflow.pyfunc
    return mlflow


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence MLflow's advice on type hints and on what its own dependencies deprecate."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _serve_path() -> str:
    """Return the file of the models-from-code model; importing it here would run it."""
    spec = find_spec("appetence.models.serve")
    if spec is None or spec.origin is None:
        raise ImportError("appetence.models.serve is part of this package")
    return spec.origin
