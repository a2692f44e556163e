"""The Makefile: what is out of date is made, what is not is left alone, what fails leaves nothing. A stub stands for seqapp."""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest
from conftest import ROOT

from seqapp import rooms

STUB = """#!/bin/sh
echo "$@" >> calls
case "$1" in
  train) for word in "$@"; do test "$previous" = --out && out=$word; previous=$word; done
         rm -rf "$out"; mkdir -p "$out"; echo '{}' > "$out/run.json"
         test ! -e fail-training || exit 1 ;;
  evaluate) test ! -e fail-evaluation || exit 1
         echo '{}' > "$2/metrics.json" ;;
esac
"""


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A tree with the Makefile, the rooms, and a stub in place of seqapp that writes down how it was called."""
    for name in ("Makefile", "setup.cfg", "pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, tmp_path / name)
    for room in ("datasets", "models"):
        (tmp_path / room).mkdir()
        for file in (ROOT / room).glob("*.py"):
            shutil.copy(file, tmp_path / room / file.name)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "seqapp").write_text(STUB)
    (tmp_path / "bin" / "seqapp").chmod(0o755)
    (tmp_path / "bin" / ".installed").touch()
    return tmp_path


def make(tree: Path, *arguments: str, code: int = 0) -> list[str]:
    """Run make; gives the calls of seqapp that it made."""
    (tree / "calls").unlink(missing_ok=True)
    # a make that runs these tests must not lend its own settings to the one under test
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    command = ["make", "BIN=bin", *arguments]
    done = subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode != 0) == bool(code), done.stdout + done.stderr
    return (tree / "calls").read_text().splitlines() if (tree / "calls").exists() else []


def touch(path: Path) -> None:
    """Make a file newer than all that was made before."""
    later = time.time() + 5
    os.utime(path, (later, later))


METRICS = "runs/weather_dinner-gru/metrics.json"
CALLS = [
    "train weather_dinner --model gru --out runs/weather_dinner-gru --force",
    "evaluate runs/weather_dinner-gru",
]


def test_make_alone_lists_the_targets() -> None:
    done = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True)
    for target in ("demo", "test", "check", "all", "setup", "bench", "runs/DATASET-MODEL/metrics.json"):
        assert target in done.stdout
    assert "weather_dinner" in done.stdout


def test_a_pair_is_trained_and_evaluated_once(tree: Path) -> None:
    assert make(tree, METRICS) == CALLS
    assert make(tree, METRICS) == []


def test_all_is_every_dataset_with_every_model(tree: Path) -> None:
    calls = make(tree, "all")
    trained = [tuple(call.split()[1:4:2]) for call in calls if call.startswith("train")]
    assert sorted(trained) == list(itertools.product(rooms.names("datasets"), rooms.names("models")))
    assert make(tree, "all") == []


def test_a_changed_file_rebuilds_only_what_depends_on_it(tree: Path) -> None:
    make(tree, "all")
    touch(tree / "datasets" / "stock.py")
    assert {call.split()[1] for call in make(tree, "all") if call.startswith("train")} == {"stock"}
    for file in tree.glob("runs/*/metrics.json"):
        touch(file)
    os.utime(tree / "models" / "gru.py", (time.time() + 60, time.time() + 60))
    assert {call.split()[3] for call in make(tree, "all") if call.startswith("train")} == {"gru"}


def test_a_changed_data_file_or_changed_options_rebuild_only_their_dataset(tree: Path) -> None:
    (tree / "prices.csv").write_text("close\n1\n")
    make(tree, "all")
    own = ["DATA_stock=prices.csv", "OPTIONS_stock=--csv prices.csv"]
    calls = [call for call in make(tree, "all", *own) if call.startswith("train")]
    assert [call.split()[1] for call in calls] == ["stock"] * len(rooms.names("models"))
    assert all(call.endswith("--force --csv prices.csv") for call in calls)
    assert make(tree, "all", *own) == []
    touch(tree / "prices.csv")
    assert {call.split()[1] for call in make(tree, "all", *own) if call.startswith("train")} == {"stock"}


@pytest.mark.parametrize("step", ["fail-training", "fail-evaluation"])
def test_a_failed_step_leaves_no_target_behind_and_is_made_again(step: str, tree: Path) -> None:
    (tree / step).touch()
    make(tree, METRICS, code=2)
    assert not (tree / METRICS).exists()
    (tree / step).unlink()
    assert make(tree, METRICS) == CALLS
    assert (tree / METRICS).exists()
