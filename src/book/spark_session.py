"""The Spark session that a book is opened on: the one a cluster gives, or one on this machine."""

from __future__ import annotations

import importlib.util
import os
import shutil
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING

from appetence.errors import UsageError

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

LOCAL = {
    "spark.master": "local[*]",
    "spark.app.name": "appetence",
    "spark.driver.host": "127.0.0.1",  # no port is open to the network, and no name of the machine is looked up
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.log.level": "ERROR",
}
"""Settings of a session on this machine, beside those that depend on it."""

SEMANTICS = {
    # An overflow, or text that is no number, stops the work as it does on DuckDB; without, it would be a wrong number
    # or a null. Division by zero stops it too, where DuckDB has null: hence `ratio`.
    "spark.sql.ansi.enabled": "true",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.parquet.datetimeRebaseModeInRead": "CORRECTED",  # a day before 1582 is the day that the file says
}
"""What a number means, whatever the session was set to before."""


def require_spark() -> None:
    """Raise where pyspark or Java is missing.

    Raises
    ------
    UsageError
        Says which, and how to get it.
    """
    if importlib.util.find_spec("pyspark") is None:
        raise UsageError(
            "Spark must be installed", "no package pyspark", "`make spark`, or pip install 'appetence[spark]'"
        )
    home = os.environ.get("JAVA_HOME")
    if shutil.which("java") is None and not (home and Path(home, "bin", "java").exists()):
        raise UsageError(
            "Spark must find Java", "no `java` on the path", "Install Java 17 or newer: Debian's default-jre-headless"
        )


@contextmanager
def opened_session(**settings: str) -> Iterator[SparkSession]:
    """Give the Spark session that is there already; else a new one, which is stopped in the end.

    A new one is the cluster's where spark-submit runs this process, and on this machine otherwise.

    Parameters
    ----------
    settings
        Of a session on this machine, beside or instead of `LOCAL`.

    Raises
    ------
    UsageError
        pyspark or Java is missing, or Spark does not start.
    """
    require_spark()
    _load_pyspark()
    from pyspark.sql import SparkSession

    there = SparkSession.getActiveSession()
    if there is not None:
        yield there
        return
    if "PYSPARK_GATEWAY_PORT" not in os.environ:
        _start(LOCAL | _of_this_machine() | settings)
    session = SparkSession.builder.getOrCreate()
    try:
        yield session
    finally:
        session.stop()


def _load_pyspark() -> None:
    """Load what pyspark loads at its first call of Java, without its warning that pandas is newer than it knows.

    No pandas passes between us: tables come and go as Arrow.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas", FutureWarning)
        import pyspark.testing.utils  # noqa: F401


def _start(settings: Mapping[str, str]) -> None:
    """Start Spark on this machine, with what Java says of itself kept from the terminal."""
    from pyspark import SparkConf, SparkContext
    from pyspark.errors import PySparkException
    from pyspark.java_gateway import launch_gateway

    conf = SparkConf().setAll(list(settings.items()))
    with tempfile.TemporaryFile() as log:
        try:
            # a Java that an earlier session of this process has left is used again: pyspark can have one only
            gateway = SparkContext._gateway or launch_gateway(conf, {"stderr": log})
            SparkContext(conf=conf, gateway=gateway)
        except PySparkException:
            raise UsageError("Spark must start", _last_line(log), "Spark 4 needs Java 17 or newer") from None


def _last_line(log: IO[bytes]) -> str:
    log.seek(0)
    lines = log.read().decode(errors="replace").split("\n")
    return next((line.strip() for line in reversed(lines) if line.strip()), "nothing told")


def _of_this_machine() -> dict[str, str]:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20
    return {
        "spark.driver.memory": f"{max(memory // 2, 1024)}m",
        # Spark's own 200 are meant for a cluster: most would be empty
        "spark.sql.shuffle.partitions": str(4 * (os.cpu_count() or 1)),
    }
