"""The registered model as MLflow's own tools use it: the scores must be the job's."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from appetence.cli import app
from appetence.models.registry import resolve
from appetence.models.tracking import TrackingStore

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
LONGEST_START = 120.0
"""Seconds: the server imports MLflow twice, on a machine that may be busy."""


@pytest.fixture(scope="module")
def rows(firm, tmp_path_factory) -> pa.Table:
    """The rows that the model of attrition reads, of the month that was scored, as the README has them written."""
    (told,) = re.findall(r"^    appetence (features .*?) +#", README, re.MULTILINE)
    out = tmp_path_factory.mktemp("rows") / "rows.parquet"
    asked = told.replace("rows.parquet", str(out)).split()
    done = CliRunner().invoke(app, [*asked, "--config", str(firm.path)])
    assert done.exit_code == 0, done.output
    return pq.read_table(out)


@pytest.fixture(scope="module")
def published(firm, rows) -> np.ndarray:
    """The job's scores of those rows, in their order."""
    with duckdb.connect(str(firm.config.scoring.database), read_only=True) as connection:
        scores = dict(
            connection.execute("SELECT client_id, attrition_probability FROM current_client_scores").fetchall()
        )
    assert set(scores) == set(rows["client_id"].to_pylist())
    return np.array([scores[client] for client in rows["client_id"].to_pylist()])


@pytest.fixture(scope="module")
def uri(firm) -> str:
    ref = resolve(TrackingStore(firm.config.tracking, firm.config.name), firm.config.name, "attrition")
    return f"models:/{ref.name}@{ref.alias}"


@pytest.fixture(scope="module")
def environment(firm) -> dict[str, str]:
    store = f"sqlite:///{Path(firm.config.tracking.directory).resolve() / 'mlflow.db'}"
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])  # it runs `uvicorn` by its name
    return {**os.environ, "PATH": path, "MLFLOW_TRACKING_URI": store, "MLFLOW_DISABLE_TELEMETRY": "true"}


@pytest.fixture(scope="module")
def post(uri, environment, tmp_path_factory) -> Iterator[Callable[[bytes, str], tuple[int, str]]]:
    """Return a function that sends a body to `mlflow models serve`, and returns the status and the answer."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (told,) = re.findall(r"^    MLFLOW_TRACKING_URI=\S+ mlflow (.*)$", README, re.MULTILINE)
    asked = told.replace("models:/demo.attrition@champion", uri).replace("5001", str(port)).split()
    command = [sys.executable, "-m", "mlflow", *asked, "--workers", "1"]
    log = tmp_path_factory.mktemp("serve") / "log.txt"
    with log.open("w", encoding="utf-8") as out:
        server = subprocess.Popen(
            command, env=environment, stdout=out, stderr=subprocess.STDOUT, cwd=log.parent, start_new_session=True
        )
    try:
        _wait(server, port, log)

        def send(body: bytes, kind: str) -> tuple[int, str]:
            with closing(HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
                connection.request("POST", "/invocations", body, {"Content-Type": kind})
                response = connection.getresponse()
                return response.status, response.read().decode()

        yield send
    finally:
        os.killpg(server.pid, signal.SIGTERM)  # the server and its workers, which are a session of their own
        server.wait(timeout=30)


def _wait(server: subprocess.Popen[bytes], port: int, log: Path) -> None:
    until = time.monotonic() + LONGEST_START
    while time.monotonic() < until:
        with closing(HTTPConnection("127.0.0.1", port, timeout=5)) as connection:
            try:
                connection.request("GET", "/ping")
                if connection.getresponse().status == 200:
                    return
            except OSError:
                assert server.poll() is None, log.read_text(encoding="utf-8")
        time.sleep(0.2)
    pytest.fail(log.read_text(encoding="utf-8"))


def test_the_rows_hold_what_is_hard_to_send(rows, firm):
    """Blanks in numbers and codes, flags, and topics of messages: without these the tests below would prove little."""
    assert any(name.startswith("message_topic_") for name in rows.column_names)
    kinds = {str(field.type) for field in rows.schema}
    assert {"bool", "string", "double"} <= kinds
    blank = {str(rows.schema.field(name).type) for name in rows.column_names if rows[name].null_count}
    assert {"double", "string"} <= blank


def test_mlflow_serves_the_jobs_own_scores(post, rows, published):
    frame = rows.drop_columns(["client_id", "cut"]).to_pandas()
    split = {"columns": list(frame.columns), "data": _plain(frame)}
    parquet = pa.BufferOutputStream()
    pq.write_table(rows, parquet)  # the file as `appetence features --question` writes it, keys and all
    for body, kind in (
        (json.dumps({"dataframe_split": split}).encode(), "application/json"),
        (frame.to_csv(index=False).encode(), "text/csv"),
        (parquet.getvalue().to_pybytes(), *re.findall(r'curl .* -H "Content-Type: (.*?)" \S+/invocations', README)),
    ):
        status, answer = post(body, kind)
        assert status == 200, answer
        found = [row["probability"] for row in json.loads(answer)["predictions"]]
        np.testing.assert_allclose(found, published, rtol=0, atol=1e-9, err_msg=kind)


def _plain(frame: pd.DataFrame) -> list[list[object]]:
    """Return the rows as JSON has them: null for what is missing."""
    return [[None if pd.isna(value) else value for value in row] for row in frame.astype(object).to_numpy().tolist()]


def test_a_row_without_a_feature_is_refused_and_names_it(post, rows):
    frame = rows.drop_columns(["client_id", "cut", "tenure"]).slice(0, 2).to_pandas()
    status, answer = post(frame.to_csv(index=False).encode(), "text/csv")
    assert status == 400
    assert "tenure" in answer


@pytest.mark.filterwarnings("ignore:PySpark does not yet fully support pandas:FutureWarning")
def test_spark_gives_the_jobs_own_scores(spark, uri, environment, rows, published, monkeypatch, tmp_path):
    import mlflow
    from pyspark.sql.functions import struct

    monkeypatch.setenv("MLFLOW_TRACKING_URI", environment["MLFLOW_TRACKING_URI"])
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    monkeypatch.setattr(spark.sparkContext, "pythonExec", sys.executable)  # by itself it takes the path's `python3`
    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(environment["MLFLOW_TRACKING_URI"])
    try:
        score = mlflow.pyfunc.spark_udf(spark, uri, env_manager="local")
        pq.write_table(rows, tmp_path / "rows.parquet")
        frame = spark.read.parquet(str(tmp_path / "rows.parquet"))
        read = [name for name in rows.column_names if name not in ("client_id", "cut")]
        found = frame.select("client_id", score(struct(*read)).alias("probability")).collect()
    finally:
        mlflow.set_tracking_uri(before)
    scores = {row["client_id"]: row["probability"] for row in found}
    in_order = [scores[client] for client in rows["client_id"].to_pylist()]
    np.testing.assert_allclose(in_order, published, rtol=0, atol=1e-9)
