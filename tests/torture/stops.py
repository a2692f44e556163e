"""Ctrl-C and SIGTERM at random moments: one line, exit code 130, nothing half-written, and work that can go on."""

from __future__ import annotations

import json
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

from tests.torture.jobs import Job, Row, run, seconds
from tests.torture.kills import TRAIN, different, torn, undisturbed

SIGNALS = (signal.SIGINT, signal.SIGTERM)


def stops(folder: Path, times: int, random: Random) -> Iterator[Row]:
    """A training run, continued as it says; and every other command."""
    straight, _ = undisturbed(folder)
    yield _training(folder, straight, times, random)
    compared = ["compare", "recall", "--models", "simple_rnn,gru", *TRAIN[2:6], "--epochs", "1", "--engine", "keras"]
    commands: list[list[Any]] = [["evaluate", straight], ["export", straight], ["predict", straight], compared]
    for command in commands:
        yield _other(folder, straight, command, max(times // 5, 1), random)


def _training(folder: Path, straight: Path, times: int, random: Random) -> Row:
    row, again = Row("train stopped with Ctrl-C or SIGTERM, continued as it says: the same bits"), folder / "run"
    took = seconds(folder, *TRAIN, "--out", again)
    while row.times < times:
        shutil.rmtree(again, ignore_errors=True)
        message = _stopped(folder, [*TRAIN, "--out", again], took, row, random)
        if message is None:
            continue
        row.failures += [f"torn: {file}" for file in torn(folder)]
        record = again / "run.json"
        if not record.exists():
            row.check(message == "Interrupted.\n", f"says something else: {message}")
            run(folder, *TRAIN, "--out", again)
        elif not json.loads(record.read_bytes())["finished"]:
            words = f"Interrupted. Continue with: seqapp train recall --out {again} --resume"
            row.check(message.endswith(f"{words}\n"), f"does not say how to go on: {message}")
            run(folder, "train", "recall", "--out", again, "--resume")
        row.failures += [f"not as undisturbed: {what}" for what in different(straight, again)]
    return row


def _other(folder: Path, straight: Path, command: list[Any], times: int, random: Random) -> Row:
    row = Row(f"{command[0]} stopped with Ctrl-C or SIGTERM: one line, nothing half-written")
    took = seconds(folder, *command)
    while row.times < times:
        shutil.rmtree(folder / "runs", ignore_errors=True)  # of compare
        message = _stopped(folder, command, took, row, random)
        row.failures += [f"torn: {file}" for file in torn(folder)]
        left = [str(path) for path in folder.rglob(".*.partial")]
        row.check(not left, f"left behind: {left}")
        if message is not None and command[0] != "compare":
            row.check(message == "Interrupted.\n", f"not one line: {message}")
    return row


def _stopped(folder: Path, command: list[Any], took: float, row: Row, random: Random) -> str | None:
    """What a command says that is stopped at a random moment; None if it was at its end before."""
    with Job(folder, *command) as job:
        due = time.monotonic() + random.uniform(0.05, took)  # sooner, Python itself has hardly begun
        code = job.stop(random.choice(SIGNALS), lambda: time.monotonic() >= due)
        message = job.text()
    row.times += code != 0
    row.check(code in (0, 130), f"exit code {code}: {message}")
    row.check("Traceback" not in message, message)
    return message if code else None
