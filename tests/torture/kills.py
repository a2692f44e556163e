"""Kills: train, export and evaluate ended with SIGKILL at random moments, the writing of files among them.

Half of the moments are drawn from the time that a command takes; the other half fall right after a draft of a file
has appeared, where the chance to tear something is greatest. After each kill, everything under its final name must be
whole; and whoever goes on must come to the very bits of a run that nothing disturbed.
"""

from __future__ import annotations

import contextlib
import csv
import functools
import io
import json
import os
import shutil
import signal
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from tests.torture.jobs import Job, Row, run, seconds

TRAIN = ["train", "recall", "--gap", "10", "--sequences", "400", "--model", "simple_rnn", "--units", "8", "--epochs",
         "2", "--batch-size", "16", "--dropout", "0.2", "--checkpoint-every", "1", "--engine", "keras"]  # fmt: skip
DRAFTS = {"train": 40, "evaluate": 2, "export": 2}  # written one after the other, about


def train(folder: Path, kills: int, random: Random) -> Iterator[Row]:
    """Training runs in a new folder."""
    row, again = Row("train killed, continued: the same bits"), folder / "run"
    straight, took = undisturbed(folder)
    for _ in range(kills):
        _kill(folder, again, [*TRAIN, "--out", again], took, row, random)
        _resume(folder, again, straight, took, row, random)
        shutil.rmtree(again)
    yield row


def force(folder: Path, kills: int, random: Random) -> Iterator[Row]:
    """Training runs in place of another run: that one is whole, or the new one can be continued."""
    row = Row("train --force killed: the old run whole, or the new one continued: the same bits")
    straight, _ = undisturbed(folder)
    old, again = folder / "old", folder / "run"
    run(folder, *TRAIN, "--seed", 7, "--out", old)
    for _ in range(kills):
        shutil.copytree(old, again)
        _kill(folder, again, [*TRAIN, "--out", again, "--force"], 0.0, row, random, drafts=4)
        if (again / "run.json").read_bytes() == (old / "run.json").read_bytes():
            row.failures += [f"the old run is touched: {what}" for what in different(old, again)]
        else:
            _resume(folder, again, straight, 1.0, row, random)
        shutil.rmtree(again)
    yield row


@functools.cache
def undisturbed(folder: Path) -> tuple[Path, float]:
    """A run that nothing disturbs, and its seconds."""
    straight = folder / "straight"
    return straight, seconds(folder, *TRAIN, "--out", straight)


def _resume(folder: Path, again: Path, straight: Path, took: float, row: Row, random: Random) -> None:
    """Go on to the end, in one case of three killed once more; compare."""
    question = [*TRAIN, "--out", again]
    if not (again / "run.json").exists():
        message = run(folder, *question, "--resume", code=2)
        row.check(message.count("\n") == 1 and "train" in message, f"not one line that says what to do: {message}")
        run(folder, *question)
    elif random.random() < 1 / 3:
        _kill(folder, again, [*question, "--resume"], took, row, random, always=False)
        run(folder, *question, "--resume")
    else:
        run(folder, *question, "--resume")
    row.failures += [f"not as undisturbed: {what}" for what in different(straight, again)]
    left = [str(path) for path in again.rglob(".*")]
    row.check(not left, f"left behind: {left}")


def evaluate(folder: Path, kills: int, random: Random) -> Iterator[Row]:
    """Evaluations of one run, with and without an older metrics.json."""
    row = Row("evaluate killed: metrics.json whole, old or absent")
    previous = Path(shutil.copytree(undisturbed(folder)[0], folder / "evaluated"))
    took, metrics = seconds(folder, "evaluate", previous), previous / "metrics.json"
    document = metrics.read_bytes()
    for number in range(kills):
        if number % 2:
            metrics.unlink(missing_ok=True)
        _kill(folder, previous, ["evaluate", previous], took, row, random)
        row.check(not metrics.exists() or metrics.read_bytes() == document, "metrics.json says something else")
    run(folder, "evaluate", previous)
    row.check(metrics.read_bytes() == document, "metrics.json says something else in the end")
    row.check(not list(previous.glob(".*")), "left behind in the run folder")
    yield row


def export(folder: Path, kills: int, random: Random) -> Iterator[Row]:
    """Exports of one run, each a version more where it comes to its end."""
    row = Row("export killed: each version whole or absent")
    previous = Path(shutil.copytree(undisturbed(folder)[0], folder / "exported"))
    took, to = seconds(folder, "export", previous), previous / "export"
    for _ in range(kills):
        _kill(folder, previous, ["export", previous], took, row, random)
    before = len(_versions(to))
    run(folder, "export", previous)
    row.check(_versions(to) == list(range(1, before + 2)), f"versions {_versions(to)}")
    row.check(not list(to.glob(".*")), "left behind in the export folder")
    yield row


def _versions(to: Path) -> list[int]:
    return sorted(int(path.name) for path in to.iterdir() if path.name.isdecimal())


def _kill(
    folder: Path, watched: Path, question: list[Any], took: float, row: Row, random: Random, **options: Any
) -> None:
    """Kill a command before its end, and look at what it leaves; without `always`, be content if it has ended."""
    most = options.get("drafts") or DRAFTS[question[0]]
    code = 0
    while code == 0:
        timed = took > 0 and random.random() < 0.5
        moment = _after(random.uniform(0, took)) if timed else _after_drafts(watched, random.randint(1, most), random)
        with Job(folder, *question) as job:
            code = job.stop(signal.SIGKILL, moment)
            row.check(code in (0, -signal.SIGKILL), f"exit code {code}: {job.text()}")
        row.failures += [f"torn: {file}" for file in torn(watched)]
        if code == 0 and not options.get("always", True):
            return
        if code == 0 and question[0] == "train":
            shutil.rmtree(watched)
            if "--force" in question:
                shutil.copytree(folder / "old", watched)
        most = max(most // 2, 1)
    row.times += 1


def _after(pause: float) -> Callable[[], bool]:
    due = time.monotonic() + pause
    return lambda: time.monotonic() >= due


def _after_drafts(watched: Path, count: int, random: Random) -> Callable[[], bool]:
    """A moment after n drafts have been seen in a folder and those in it."""
    seen: set[str] = set()

    def moment() -> bool:
        before = len(seen)
        for folder in (watched, watched / "checkpoints", watched / "export"):
            with contextlib.suppress(FileNotFoundError):
                seen.update(name for name in os.listdir(folder) if name.endswith(".partial"))
        if len(seen) > before and len(seen) >= count:
            time.sleep(random.choice([0, 0.001, 0.01, 0.1]) * random.random())
            return True
        return False

    return moment


def torn(folder: Path) -> Iterator[str]:
    """Files under a final name that cannot be read to their end."""
    for path in folder.rglob("*"):
        if path.is_dir() or any(part.endswith(".partial") for part in path.parts):
            continue
        try:
            _read(path)
        except Exception as error:  # each format has errors of its own
            yield f"{path}: {error}"


def _read(path: Path) -> None:
    if path.suffix == ".json":
        json.loads(path.read_text())
    elif path.suffix == ".csv":
        if not path.read_text().endswith("\n") or len({len(row) for row in _rows(path)}) != 1:
            raise ValueError("rows of several lengths")
    elif path.suffix in (".npz", ".keras"):
        _arrays(path)
    elif path.name == "saved_model.pb":
        import tensorflow as tf

        tf.saved_model.load(str(path.parent))


def _arrays(path: Path) -> dict[str, Any]:
    """All that an archive holds, by name; without what differs from run to run."""
    if path.suffix == ".npz":
        with np.load(io.BytesIO(path.read_bytes())) as contents:
            result: dict[str, Any] = {name: contents[name] for name in contents.files if name != "position"}
            position = json.loads(contents["position"].tobytes())
        return result | {"position": [position["epoch"], position["step"], position["best"], position["finished"]]}
    import h5py

    result = {}
    with zipfile.ZipFile(path) as archive:
        json.loads(archive.read("config.json"))
        with h5py.File(io.BytesIO(archive.read("model.weights.h5"))) as contents:
            contents.visititems(
                lambda name, one: result.update({name: one[()]}) if isinstance(one, h5py.Dataset) else None
            )
    return result


def different(one: Path, two: Path) -> Iterator[str]:
    """In what two finished runs differ, times of day and durations aside."""
    for name in ("checkpoints/last.npz", "model.keras"):
        first, second = (_arrays(folder / name) for folder in (one, two))
        same = first.keys() == second.keys() and all(np.array_equal(first[key], second[key]) for key in first)
        if not same:
            yield name
    first_rows, second_rows = (_history(folder) for folder in (one, two))
    if first_rows != second_rows:
        yield "history.csv"
    first_record, second_record = (_record(folder) for folder in (one, two))
    yield from (f"run.json: {key}" for key in first_record if first_record[key] != second_record.get(key))


def _history(folder: Path) -> list[list[str]]:
    return [row[:-1] for row in _rows(folder / "history.csv")]


def _rows(path: Path) -> list[list[str]]:
    return list(csv.reader(path.read_text().splitlines()))


def _record(folder: Path) -> dict[str, Any]:
    contents = json.loads((folder / "run.json").read_text())
    return {name: value for name, value in contents.items() if name not in ("seconds", "command")}
