"""What the README tells a newcomer works as told."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_ten_line_book_passes_its_checks(tmp_path):
    customers, policies = re.findall(r"```csv\n(.*?)```", README, re.DOTALL)
    (config,) = re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)
    for name, text in (("customers.csv", customers), ("policies.csv", policies), ("myfirm.yaml", config)):
        (tmp_path / name).write_text(text, encoding="utf-8")
    command = [sys.executable, "-m", "appetence", "check", "-c", "myfirm.yaml"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "the book may be used" in done.stdout


def test_every_file_it_points_to_is_there():
    links = re.findall(r"\]\((?!http)([^)#]+)\)", README)
    assert len(links) > 8
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_every_command_it_names_exists():
    done = subprocess.run([sys.executable, "-m", "appetence", "--help"], capture_output=True, text=True, check=True)
    named = set(re.findall(r"`appetence ([a-z]+)", README))
    assert {"run", "check", "train", "score", "explain", "report"} <= named
    assert all(re.search(rf"^  {name} ", done.stdout, re.MULTILINE) for name in named)
