"""What the README tells a newcomer works as told."""

import datetime as dt
import re
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import yaml
from pydantic import TypeAdapter

from appetence.config import Asking, OwnQuestion, ReportSettings
from appetence.models.questions import ask
from appetence.targets.own import own_targets

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_ten_line_book_passes_its_checks(tmp_path):
    customers, policies = re.findall(r"```csv\n(.*?)```", README, re.DOTALL)
    config, *_ = re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)
    for name, text in (("customers.csv", customers), ("policies.csv", policies), ("myfirm.yaml", config)):
        (tmp_path / name).write_text(text, encoding="utf-8")
    command = [sys.executable, "-m", "appetence", "check", "-c", "myfirm.yaml"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "the book may be used" in done.stdout


def test_the_question_of_a_firms_own_is_asked_as_told(make_book):
    _, text, *_ = re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)
    (question,) = TypeAdapter(tuple[OwnQuestion, ...]).validate_python(yaml.safe_load(text)["questions"])
    complaint = {"kind": "complaint", "at": dt.date(2022, 6, 30)}
    book = make_book(
        {
            "contracts": [
                {"client_id": "1", "contract_id": "a", "opened_on": dt.date(2020, 1, 1)},
                {"client_id": "2", "contract_id": "b", "opened_on": dt.date(2021, 1, 1)},
                {"client_id": "3", "contract_id": "c", "opened_on": dt.date(2018, 1, 1)},
            ],
            "interactions": [
                {"client_id": "1", "interaction_id": "1", **complaint, "known_on": dt.date(2022, 8, 1)},
                {"client_id": "2", "interaction_id": "2", **complaint, "kind": "call"},
                {"client_id": "3", "interaction_id": "3", **complaint},
            ],
        }
    )
    (asked,) = [one for one in ask(book, Asking(questions=(question,))).questions if one.kind == "own"]
    spine = pa.table({"client_id": ["1", "2", "3"], "cut": pa.array([dt.date(2022, 1, 1)] * 3, pa.date32())})
    found = own_targets(book, spine, question, asked.window.gap, asked.window.horizon)
    # the third client's contract is more than three years old
    assert [(row["client_id"], row["status"]) for row in found.to_pylist()] == [
        ("1", "happened"),
        ("2", "not_happened"),
    ]


def test_the_settings_of_a_sheet_are_valid():
    (text,) = (block for block in re.findall(r"```yaml\n(.*?)```", README, re.DOTALL) if block.startswith("reports:"))
    found = ReportSettings.model_validate(yaml.safe_load(text)["reports"])
    assert found.texts["news"]["fr"].startswith("« Quoi de neuf")
    assert found.events == {"new_home": ("home_loan", "home_insurance")}


def test_every_file_it_points_to_is_there():
    links = re.findall(r"\]\((?!http)([^)#]+)\)", README)
    assert len(links) > 8
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_every_command_it_names_exists():
    done = subprocess.run([sys.executable, "-m", "appetence", "--help"], capture_output=True, text=True, check=True)
    named = set(re.findall(r"`appetence ([a-z]+)", README))
    assert {"run", "check", "train", "score", "explain", "report"} <= named
    assert all(re.search(rf"^  {name} ", done.stdout, re.MULTILINE) for name in named)
