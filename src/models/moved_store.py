"""Where MLflow's store keeps its files, and what to do where its folder was moved: it keeps absolute paths."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

FILES_FOLDER = "artifacts"
"""Below the store's folder, and below a logged model."""

ROOT_TAG = "appetence.root"
"""Tag of an experiment: where its files were when it was made, or last opened."""

_PATH_COLUMNS = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("model_versions", "source"),
    ("model_versions", "storage_location"),
)


def files_uri(root: Path) -> str:
    """Return the address of the files of a store in a folder."""
    return (root / FILES_FOLDER).as_uri()


def local_path(uri: str) -> Path:
    """Return the path of a file address."""
    return Path(url2pathname(urlsplit(uri).path))


def rebase(root: Path) -> None:
    """Rewrite the absolute paths in the store where its folder has been moved or copied since they were written."""
    database = root / "mlflow.db"
    if not database.exists():
        return
    new = files_uri(root)
    with closing(sqlite3.connect(database)) as connection, connection:
        known = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'experiment_tags'"
        if connection.execute(known).fetchone() is None:
            return
        tagged = "SELECT DISTINCT value FROM experiment_tags WHERE key = ? AND value <> ?"
        for (old,) in connection.execute(tagged, (ROOT_TAG, new)).fetchall():
            for table, column in _PATH_COLUMNS:
                connection.execute(
                    f"UPDATE {table} SET {column} = ? || substr({column}, ?) "  # noqa: S608 - names of ours
                    f"WHERE substr({column}, 1, ?) = ?",
                    (new, len(old) + 1, len(old), old),
                )
            connection.execute("UPDATE experiment_tags SET value = ? WHERE key = ? AND value = ?", (new, ROOT_TAG, old))
