"""The same feature table from DuckDB and from Spark, over random small books full of awkward facts."""

from __future__ import annotations

import math
import os
import re
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import yaml

from appetence.book.spark import SparkBook
from appetence.config import CoverageTarget, FeatureSettings, load_config
from appetence.features.catalogue import Unit
from appetence.features.pipeline import build_features
from appetence.features.population import population
from appetence.run import write_features

CONTRIBUTING = Path(__file__).parents[2] / "CONTRIBUTING.md"
COVERAGE = (
    CoverageTarget(segment="firms", when="kind = 'company' AND age IS NULL", families=("account", "credit")),
    CoverageTarget(segment="young", when="NOT age >= 21", families=("account", "savings", "account")),
    CoverageTarget(segment="wealthy", when="income > 30000.5 OR net_worth > 50000", families=("Épargne retraite",)),
    CoverageTarget(segment="parents", when="children BETWEEN 1 AND 3", families=("savings",)),
)


@pytest.fixture
def own(tmp_path):
    """Return the settings of a firm's own group: the one that CONTRIBUTING walks through."""
    (code,) = re.findall(r"```python\n(.*?)```", CONTRIBUTING.read_text(encoding="utf-8"), re.DOTALL)
    (tmp_path / "referrals.py").write_text(code, encoding="utf-8")
    return FeatureSettings(own=(str(tmp_path / "referrals.py"),), coverage=COVERAGE)


@pytest.mark.parametrize("seed", [11, 12, 13])
def test_features_are_the_same_on_both_engines(seed, spark, own, random_rows, open_rows, every_client, monkeypatch):
    monkeypatch.setattr("appetence.features.bundles.FEWEST_HOLDERS", 1)  # pairs of few holders, so that there are some
    rows = random_rows(seed)
    spine = every_client(rows)
    cuts = set(spine["cut"].to_pylist())
    with open_rows(rows, observed_from=None, observed_until=None) as book, SparkBook(book.settings, spark) as other:
        expected, found = build_features(book, spine, own), build_features(other, spine, own)
        assert population(other, cuts).equals(population(book, cuts))
        assert (other.observed_from, other.observed_until) == (book.observed_from, book.observed_until)
    assert found.features == expected.features
    assert found.switched_off == expected.switched_off == ()
    assert found.data.schema == expected.data.schema
    assert {"coverage_rate", "bundle_lift", "referrals_12m", "declared_pets_owned"} <= set(found.data.column_names)
    for feature in found.features:
        _same(feature, expected.data[feature.name].to_pylist(), found.data[feature.name].to_pylist())


def _same(feature, expected, found):
    """Hold a column to exactly the same nulls, codes, flags and counts; to 1e-9 relative where it is a fraction."""
    exact = feature.unit in {Unit.CODE, Unit.FLAG, Unit.COUNT, Unit.MONTHS, Unit.YEARS}
    for one, other in zip(expected, found, strict=True):
        alike = one == other or (not exact and None not in (one, other) and math.isclose(one, other, rel_tol=1e-9))
        assert alike, f"{feature.name}: {one} on DuckDB, {other} on Spark"


def test_blocks_missing_tables_and_no_rows(spark, make_book, spine):
    book = make_book({"contracts": [{"client_id": "1"}, {"client_id": "2", "contract_id": "2"}]})
    settings = FeatureSettings(groups=("tenure", "balances"))
    asked = spine("1", "2021-01-01", "2022-01-01")
    with SparkBook(book.settings, spark) as other:
        expected = build_features(book, asked, settings)
        found = build_features(other, asked, settings, block=1)
        assert found.data.equals(expected.data)
        assert found.switched_off == expected.switched_off
        nobody = asked.slice(0, 0)
        assert build_features(other, nobody, settings).data.equals(build_features(book, nobody, settings).data)


def test_the_command_writes_the_same_file_and_says_nothing_of_spark(spark, spark_defaults, tmp_path, write_book):
    del spark  # it skips or fails where Spark cannot run
    directory = write_book(tmp_path / "book", {"contracts": [{"client_id": client} for client in ("é", "10", "9")]})
    firm = {
        "name": "firm",
        "book": {"directory": str(directory), "observed_from": "2019-01-01", "observed_until": "2021-06-01"},
        "features": {"groups": ["tenure"]},
        "scoring": {"database": "scores.duckdb"},
        "reports": {"directory": "reports"},
    }
    (tmp_path / "firm.yaml").write_text(yaml.safe_dump(firm), encoding="utf-8")
    write_features(load_config(tmp_path / "firm.yaml"), ["2020-12", "2020-11"], tmp_path / "duckdb.parquet")
    asked = ["-c", "firm.yaml", "-m", "2020-12", "-m", "2020-11", "--engine", "spark", "--out", "spark.parquet"]
    command = [sys.executable, "-W", "default", "-m", "appetence", "features", *asked]
    environment = {**os.environ, "SPARK_CONF_DIR": str(spark_defaults)}
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, env=environment)
    assert (done.returncode, done.stdout, done.stderr) == (0, "6 rows × 5 features in spark.parquet\n", "")
    assert pq.read_table(tmp_path / "spark.parquet").equals(pq.read_table(tmp_path / "duckdb.parquet"))
    assert {path.name for path in tmp_path.iterdir()} == {"book", "firm.yaml", "duckdb.parquet", "spark.parquet"}
