from __future__ import annotations

import datetime as dt
import json
import subprocess
import sys

import pytest
import yaml

from appetence.config import Asking, FeatureSettings, TrainingSettings
from appetence.models.leaks import LeakReport, find_leaks
from appetence.models.leaks.report import DETECTORS, SHOWN
from appetence.models.leaks.result import Result

CLEAR = Result("time travel", "3 features", "rows that change", 0.0, 0.0)
FOUND = Result("identifiers", "2 ids", "AUC", 0.31, 0.15, "finding", tuple("abcdefghij"), (), "ask how it was made")
SKIPPED = Result("single features", "too few events to tell", state="skipped")


def test_a_row_per_detector_and_below_it_where_its_findings_are():
    report = LeakReport((CLEAR, FOUND, SKIPPED), {"buy": "one product"})
    lines = list(report.lines())
    assert lines[0].split()[:4] == ["detector", "verdict", "figure", "limit"]
    assert lines[1].split("  ")[0] == "time travel"
    assert "FINDING  0.310   0.150  AUC" in next(line for line in lines if line.startswith("identifiers"))
    assert sum(line.startswith("    found: ") for line in lines) == SHOWN + 1
    assert "    ask how it was made" in lines
    assert "not looked at: buy: one product" in lines
    assert lines[-1].startswith("leaks were found")


def test_only_findings_are_no_pass_and_json_has_no_nan():
    assert not LeakReport((CLEAR, FOUND), {}).ok
    assert LeakReport((CLEAR, SKIPPED, Result("a", "b", state="note")), {}).ok
    found = json.loads(json.dumps(LeakReport((CLEAR, FOUND, SKIPPED), {}).as_dict(), allow_nan=False))
    assert [one["figure"] for one in found["detectors"]] == [0.0, 0.31, None]


NINE = [{"client_id": str(i), "product_id": "PQ"[i % 2]} for i in range(9)]


@pytest.mark.parametrize(
    ("tables", "settings"),
    [
        ({"contracts": NINE}, {}),
        ({"contracts": NINE[:1]}, {"observed_from": dt.date(2023, 11, 1)}),
        (
            {"contracts": NINE[:1], "client_facts": [{"client_id": "0", "region": None}], "life_events": []},
            {"observed_until": dt.date(2020, 2, 1)},
        ),
    ],
)
def test_a_small_or_short_book_is_told_so_and_never_a_crash(make_book, tables, settings):
    few = FeatureSettings(groups=("tenure", "calendar"))
    asked = (Asking(), few, TrainingSettings())
    report = find_leaks(make_book(tables, **settings), *asked)
    assert report.ok
    states = {result.detector: result.state for result in report.results}
    assert list(states) == [name for name, _ in DETECTORS]
    assert states["single features"] == states["target permuted"] == states["identifiers"] == "skipped"
    assert list(report.lines())[-1] == "no leak was found"


def test_the_command_fails_on_a_finding_names_it_and_tells_no_client(tmp_path, write_book):
    (tmp_path / "peeking.py").write_text(
        """
from appetence.features.asof import KEY
from appetence.features.catalogue import Feature, Unit, Wording

TOLD = Wording("Told", "Told {value}")
FEATURES = (Feature("contracts_ever", "peeking", "profile", Unit.COUNT, TOLD, TOLD),)


def build(known):
    contracts = known.book.table("contracts").group_by("client_id").agg(n=lambda t: t.count())
    return known.spine.left_join(contracts, "client_id").select(*KEY, contracts_ever="n")
""",
        encoding="utf-8",
    )
    write_book(
        tmp_path / "book",
        {"contracts": [{"client_id": "secret-1"}, {"client_id": "secret-1", "opened_on": dt.date(2023, 6, 1)}]},
    )
    config = {
        "name": "firm",
        "book": {"directory": "book", "observed_from": "2020-01-01", "observed_until": "2024-01-01"},
        "features": {"groups": ["tenure"], "own": ["peeking.py"]},
        "scoring": {"database": "scores.duckdb"},
        "reports": {"directory": "reports"},
    }
    (tmp_path / "firm.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    command = [sys.executable, "-m", "appetence", "check", "--leaks", "-c", "firm.yaml", "--json"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    found = {one["detector"]: one for one in json.loads(done.stdout)["detectors"]}
    assert found["time travel"]["names"] == ["contracts_ever"]
    assert [name for name, one in found.items() if one["state"] == "finding"] == ["time travel"]
    assert "secret" not in done.stdout + done.stderr
