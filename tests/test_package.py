"""Installed as a package: the command, its rooms and its sample data; nothing but `seqapp` appears in site-packages."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`pip install .` into an empty folder, from a copy of the tracked files."""
    source, target = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("site")
    for name in ("seqapp", "datasets", "models", "setup.cfg", "pyproject.toml", "README.md"):
        subprocess.run(["cp", "-r", str(ROOT / name), str(source)], check=True)
    command = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        "--target",
        str(target),
        str(source),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return target


def run(installed: Path, *arguments: str) -> str:
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    command = [sys.executable, "-P", "-c", "from seqapp.cli import main; main()", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, cwd=installed, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_nothing_but_seqapp_appears(installed: Path) -> None:
    result = {path.name for path in installed.iterdir() if not path.name.endswith(".dist-info")}
    assert result == {"seqapp", "bin"}
    assert {path.name for path in (installed / "bin").iterdir()} == {"seqapp"}


@pytest.mark.slow
def test_the_rooms_and_the_sample_data_are_in_it(installed: Path) -> None:
    assert "weather_dinner" in run(installed, "list")
    assert (installed / "seqapp" / "datasets" / "samples" / "dinners.csv").is_file()
    assert (installed / "seqapp" / "datasets" / "README.md").is_file()
    where = subprocess.run(
        [sys.executable, "-P", "-c", "import seqapp; print(seqapp.__file__)"], capture_output=True, text=True, cwd="/",
        env={**os.environ, "PYTHONPATH": str(installed)}, check=True,
    ).stdout  # fmt: skip
    assert str(installed) in where


@pytest.mark.slow
def test_an_installed_seqapp_trains(installed: Path, tmp_path: Path) -> None:
    message = run(installed, "train", "fibonacci", "--sequences", "100", "--test-digits", "30", "--epochs", "1",
               "--out", str(tmp_path / "run"))  # fmt: skip
    assert "22410 parameters" in message


@pytest.mark.slow
def test_every_module_of_the_checkout_is_in_it(installed: Path) -> None:
    contents = {str(file.relative_to(ROOT)) for file in (ROOT / "seqapp").rglob("*.py")}
    assert contents == {name for name in contents if (installed / name).is_file()}
