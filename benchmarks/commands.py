"""Commands as users run them: each in its own process, with its wall time and memory."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

Part = Callable[[Path, Path, list[str]], None]  # takes the data, a folder to work in, and seeds


def seqapp(*arguments: object) -> tuple[str, float, float]:
    """Run a command; return its stdout, its wall seconds and its peak memory in MB."""
    start = time.perf_counter()
    command = [sys.executable, "-m", "seqapp", *map(str, arguments)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        output = process.stdout.read() if process.stdout else ""
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return output, time.perf_counter() - start, usage.ru_maxrss / 1024


def run_parts(all_parts: Mapping[str, Part], parts: str, seeds: str) -> None:
    """Run the parts that the command line names on the data that it names.

    Args:
        all_parts: by name.
        parts: default of --parts, names joined by commas.
        seeds: default of --seeds, numbers joined by commas.
    """
    parser = argparse.ArgumentParser()
    parser.add_argument("data", type=Path)
    parser.add_argument("--parts", default=parts)
    parser.add_argument("--seeds", default=seeds)
    arguments = parser.parse_args()
    for part in arguments.parts.split(","):
        print(f"\n## {part}", flush=True)
        with tempfile.TemporaryDirectory() as folder:
            all_parts[part](arguments.data.resolve(), Path(folder), arguments.seeds.split(","))
