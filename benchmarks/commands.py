"""A seqapp command as a user runs it, in a process of its own, with its wall time and its memory."""

from __future__ import annotations

import os
import subprocess
import sys
import time


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
