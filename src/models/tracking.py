"""MLflow: runs, models, versions and aliases. The only module that touches it.

The store is a SQLite file with a folder of artefacts beside it, no server. Paths are made absolute when the store is
opened; where the folder has been moved since, the paths that MLflow keeps are rewritten first.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
import warnings
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

from appetence.config import TrackingSettings
from appetence.models.artefact import Artefact
from appetence.models.verdicts import Verdict

CHAMPION, FALLBACK = "champion", "fallback"
"""Aliases: the version that beat its baselines, and what scores while there is none."""

STATE, VERDICT, VERDICT_FR, BOOK = "state", "verdict", "verdict_fr", "book_fingerprint"
"""Tags of a question's run."""

_SHA, _APPROVED = "sha256.", "approved_"
_FILES_FOLDER = "artifacts"
_BATCH = 800  # MLflow takes at most 1000 metrics, parameters and tags at once
_PACKAGES = ("lightgbm", "scikit-learn", "numpy", "pandas", "pyarrow", "scipy")
_ROOT_TAG = "appetence.root"
_PATH_COLUMNS = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("model_versions", "source"),
    ("model_versions", "storage_location"),
)


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
    """

    name: str
    params: Mapping[str, object] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)
    series: Mapping[str, Mapping[int, float]] = field(default_factory=dict)


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
        {file: hash} as approved; empty where the version was never approved.
    approved_by, approved_at, reason
        Of the approval; empty where there was none.
    horizon
        Months of the label window.
    directory
        Where its files are.
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
        self.uri = f"sqlite:///{self._root / 'mlflow.db'}"
        mlflow = _import_mlflow()
        _rebase(self._root)
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

    def register(self, name: str, artefact: Artefact, run_id: str, folder: str = "model") -> StoredVersion:
        """Log an artefact with a run, in a folder, and register it as a version with no alias and no approval."""
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
            tags={"kind": artefact.kind, "question": artefact.question, "horizon": str(artefact.horizon)},
            description=artefact.verdict,
        )
        return self._stored(found)

    def approve(self, stored: StoredVersion, alias: str, approved_by: str, reason: Verdict) -> StoredVersion:
        """Give a version an alias, and record with it who approved it, why, when, and the hashes of its files."""
        tags = {f"{_SHA}{file.name}": file_sha256(file) for file in sorted(stored.directory.iterdir())}
        tags |= {
            f"{_APPROVED}by": approved_by,
            f"{_APPROVED}at": datetime.now(UTC).isoformat(timespec="seconds"),
            f"{_APPROVED}because": reason.en,
            f"{_APPROVED}because_fr": reason.fr,
        }
        for key, value in tags.items():
            self._client.set_model_version_tag(stored.name, str(stored.version), key, value)
        self._client.set_registered_model_alias(stored.name, alias, str(stored.version))
        return self._stored(self._client.get_model_version(stored.name, str(stored.version)))

    def version_at(self, name: str, alias: str) -> StoredVersion | None:
        """Return the version that an alias points to; None where the model or the alias does not exist."""
        from mlflow.exceptions import MlflowException

        try:
            return self._stored(self._client.get_model_version_by_alias(name, alias))
        except MlflowException as error:
            if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
                return None
            raise

    def refusals(self, book_fingerprint: str) -> dict[str, Verdict]:
        """Return the questions that were refused on a book with this fingerprint, each with the newest reason."""
        text = f"tags.{STATE} = 'refused' AND tags.{BOOK} = '{book_fingerprint}'"
        runs = self._client.search_runs([self._experiment], text, order_by=["attributes.start_time ASC"])
        return {run.info.run_name: Verdict(run.data.tags[VERDICT], run.data.tags[VERDICT_FR]) for run in runs}

    def names(self, prefix: str) -> list[str]:
        """Return the names of the registered models that start with a prefix, sorted."""
        found, token = [], None
        while True:
            page = self._client.search_registered_models(max_results=200, page_token=token)
            found += [model.name for model in page if model.name.startswith(prefix)]
            token = page.token
            if not token:
                return sorted(found)

    def _experiment_id(self, name: str) -> str:
        found = self._client.get_experiment_by_name(name)
        if found is not None:
            return str(found.experiment_id)
        return str(
            self._client.create_experiment(name, artifact_location=_uri(self._root), tags={_ROOT_TAG: _uri(self._root)})
        )

    def _start(self, record: RunRecord, parent: str | None) -> str:
        from mlflow.entities import Metric, Param

        tags = dict(record.tags) | ({} if parent is None else {"mlflow.parentRunId": parent})
        run = self._client.create_run(self._experiment, run_name=record.name, tags=tags)
        run_id = str(run.info.run_id)
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
        with TemporaryDirectory() as folder:
            for path, content in record.texts.items():
                target = Path(folder, path)
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_text(content, encoding="utf-8")
            if record.texts:
                self._client.log_artifacts(run_id, folder)
        return run_id

    def _stored(self, found: Any) -> StoredVersion:
        tags = dict(found.tags)
        return StoredVersion(
            name=str(found.name),
            version=int(found.version),
            horizon=int(tags["horizon"]),
            aliases=tuple(found.aliases),
            run_id=str(found.run_id),
            sha256={key.removeprefix(_SHA): value for key, value in tags.items() if key.startswith(_SHA)},
            approved_by=tags.get(f"{_APPROVED}by", ""),
            approved_at=tags.get(f"{_APPROVED}at", ""),
            reason=Verdict(tags.get(f"{_APPROVED}because", ""), tags.get(f"{_APPROVED}because_fr", "")),
            directory=_local(str(found.source)) / _FILES_FOLDER,
        )


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, as hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


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


def _uri(root: Path) -> str:
    return (root / _FILES_FOLDER).as_uri()


def _local(uri: str) -> Path:
    return Path(url2pathname(urlsplit(uri).path))


def _rebase(root: Path) -> None:
    """Rewrite the absolute paths in the store where its folder has been moved or copied since they were written."""
    database = root / "mlflow.db"
    if not database.exists():
        return
    new = _uri(root)
    with closing(sqlite3.connect(database)) as connection, connection:
        known = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'experiment_tags'"
        if connection.execute(known).fetchone() is None:
            return
        tagged = "SELECT DISTINCT value FROM experiment_tags WHERE key = ? AND value <> ?"
        for (old,) in connection.execute(tagged, (_ROOT_TAG, new)).fetchall():
            for table, column in _PATH_COLUMNS:
                connection.execute(
                    f"UPDATE {table} SET {column} = ? || substr({column}, ?) "  # noqa: S608 - names of ours
                    f"WHERE substr({column}, 1, ?) = ?",
                    (new, len(old) + 1, len(old), old),
                )
            connection.execute(
                "UPDATE experiment_tags SET value = ? WHERE key = ? AND value = ?", (new, _ROOT_TAG, old)
            )
