"""What CONTRIBUTING tells a data scientist works as told."""

from __future__ import annotations

import datetime as dt
import re
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import yaml

TEXT = (Path(__file__).parent.parent / "CONTRIBUTING.md").read_text(encoding="utf-8")


@pytest.fixture
def followed(tmp_path, write_book):
    """Do what the walk-through says, in a firm's folder; return the folder."""
    (code,) = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    (addition,) = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)
    (place,) = re.findall(r"Save as `(.*?)`", TEXT)
    (tmp_path / place).parent.mkdir()
    (tmp_path / place).write_text(code, encoding="utf-8")
    clients = [
        {"client_id": "1", "joined_on": dt.date(2015, 1, 1)},
        {"client_id": "2", "joined_on": dt.date(2019, 12, 31), "referred_by": "1"},
        {"client_id": "3", "joined_on": dt.date(2020, 1, 1), "referred_by": "1"},
        {"client_id": "4", "joined_on": dt.date(2020, 12, 31), "referred_by": "1"},
        {"client_id": "5", "joined_on": dt.date(2021, 1, 1), "referred_by": "1"},
    ]
    write_book(tmp_path / "book", {"clients": clients, "contracts": [{"client_id": "1"}]})
    firm = {
        "name": "firm",
        "book": {"directory": "book", "observed_from": dt.date(2019, 1, 1), "observed_until": dt.date(2021, 6, 1)},
        "scoring": {"database": "scores.duckdb"},
        "reports": {"directory": "reports"},
    }
    (tmp_path / "firm.yaml").write_text(yaml.safe_dump(firm | yaml.safe_load(addition)), encoding="utf-8")
    return tmp_path


def test_a_group_of_ones_own_is_one_file_and_one_line(followed):
    command = [sys.executable, "-m", "appetence", "features", "-c", "firm.yaml", "-m", "2020-12", "--out", "f.parquet"]
    done = subprocess.run(command, cwd=followed, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    table = pq.read_table(followed / "f.parquet")
    assert table["client_id"].to_pylist() == ["1"]
    assert table["referrals_12m"].to_pylist() == [2]  # 3 and 4: 2 came too early, 5 too late


def test_every_file_it_points_to_is_there():
    root = Path(__file__).parent.parent
    named = re.findall(r"`((?:src|tests|docs|configs|benchmarks)/[\w./]+)`", TEXT)
    assert len(named) >= 3
    assert [name for name in named if not (root / name).exists()] == []
