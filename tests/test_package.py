"""The package as others get it: a wheel with every module, and no import against the arrows."""

import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from appetence import __version__

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    out = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(out)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (built,) = out.glob("*.whl")
    return set(zipfile.ZipFile(built).namelist())


def test_the_wheel_holds_every_file_of_the_package(wheel):
    files = [p for p in (ROOT / "src").rglob("*") if p.is_file() and "__pycache__" not in p.parts]
    expected = {f"appetence/{path.relative_to(ROOT / 'src').as_posix()}" for path in files}
    assert "appetence/cli.py" in expected
    assert expected <= wheel
    assert {name for name in wheel if not name.startswith("appetence/")} == {
        name for name in wheel if name.split("/")[0].endswith(".dist-info")
    }


def test_the_version_is_said_once():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["version"] == __version__


def test_every_folder_of_the_package_is_a_package():
    folders = {path.parent for path in (ROOT / "src").rglob("*.py")}
    assert all((folder / "__init__.py").exists() for folder in folders)
