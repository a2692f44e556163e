"""Commands of seqapp as processes of their own that begin at once: forked from one that has TensorFlow loaded.

What it leaves out is the loading, in which nothing is read or written; so a kill falls into the work itself.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

ROOT = Path(__file__).resolve().parents[2]
MODULES = (
    "seqapp.cli",
    "seqapp.api.train",
    "seqapp.api.evaluate",
    "seqapp.api.export",
    "seqapp.commands._output",
    "seqapp.api.compare",
)


@dataclass
class Row:
    """A line of the table: what was done, how many times, and what went wrong."""

    what: str
    times: int = 0
    failures: list[str] = field(default_factory=list)

    def check(self, holds: bool, failure: str) -> None:
        """Note a failure, unless it holds."""
        if not holds:
            self.failures.append(failure)


class Job:
    """A command at work, its output in a file; ended with the block."""

    def __init__(self, folder: Path, *arguments: object) -> None:
        self.output = folder / f"output-{time.monotonic_ns()}"
        words = [str(argument) for argument in arguments]
        self.process = _context().Process(target=_command, args=(words, str(folder), str(self.output)))
        self.process.start()
        while not self.output.exists() and self.process.exitcode is None:
            time.sleep(0.001)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.process.kill()
        self.process.join()
        self.output.unlink(missing_ok=True)

    def ended(self, seconds: float = 600.0) -> int:
        """Wait for its exit code; negative is the signal that ended it."""
        self.process.join(seconds)
        code = self.process.exitcode
        if code is None:
            raise TimeoutError(f"still at work after {seconds:.0f} s: {self.text()}")
        return code

    def text(self) -> str:
        """What it has written so far, errors included."""
        return self.output.read_text(errors="replace") if self.output.is_file() else ""

    def stop(self, number: signal.Signals, moment: Callable[[], bool]) -> int:
        """Send a signal as soon as it is the moment, if that is before its end; wait for the exit code."""
        while self.process.exitcode is None:
            if moment():
                with contextlib.suppress(ProcessLookupError):  # it has come to its end just now
                    os.kill(self.process.pid or 0, number)
                break
            time.sleep(0.001)
        return self.ended()


def run(folder: Path, *arguments: object, code: int = 0) -> str:
    """What a command says; RuntimeError if it ends with another code."""
    with Job(folder, *arguments) as job:
        result = job.ended()
        if result != code:
            raise RuntimeError(f"seqapp {' '.join(map(str, arguments))}: exit code {result}, not {code}: {job.text()}")
        return job.text()


def seconds(folder: Path, *arguments: object) -> float:
    """How long a command takes that comes to its end."""
    began = time.monotonic()
    run(folder, *arguments)
    return time.monotonic() - began


def _context() -> Any:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    searched = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    if str(ROOT) not in searched:  # else what is installed would be loaded, not what lies beside this file
        os.environ["PYTHONPATH"] = os.pathsep.join([str(ROOT), *filter(None, searched)])
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tensorflow", "keras", *MODULES])
    return context


def _command(arguments: list[str], folder: str, output: str) -> None:
    """Run it in this process, in a folder, with stdout and stderr in a file."""
    with Path(output).open("wb") as file:
        for descriptor in (1, 2):
            os.dup2(file.fileno(), descriptor)
    os.chdir(folder)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # which a shell's background job has ignored
    from seqapp.cli import main

    try:
        main(arguments, prog_name="seqapp")
    finally:
        sys.stdout.flush()
