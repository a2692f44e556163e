"""Benchmarks of commands as users run them: each in a process of its own, with its wall time and its memory."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

Part = Callable[[Path, Path, list[str]], None]  # of the data, a folder to work in, and seeds


def seqapp(*arguments: object) -> tuple[str, float, float]:
    """A command's stdout, its wall seconds and its peak memory in MB."""
    began = time.perf_counter()
    command = [sys.executable, "-m", "seqapp", *map(str, arguments)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        said = process.stdout.read() if process.stdout else ""
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return said, time.perf_counter() - began, used.ru_maxrss / 1024


def run_parts(known: Mapping[str, Part], parts: str, seeds: str) -> None:
    """Run the parts that the command line names, `parts` and `seeds` by default, on the data that it names."""
    parser = argparse.ArgumentParser()
    parser.add_argument("data", type=Path)
    parser.add_argument("--parts", default=parts)
    parser.add_argument("--seeds", default=seeds)
    chosen = parser.parse_args()
    for part in chosen.parts.split(","):
        print(f"\n## {part}", flush=True)
        with tempfile.TemporaryDirectory() as folder:
            known[part](chosen.data.resolve(), Path(folder), chosen.seeds.split(","))
