"""One training at a time in a run folder: a lock that the system takes back when the process ends, however it ends."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from seqapp.errors import BadInput

PATIENCE = 1.0  # seconds: others hold the lock for a moment to see whether a training is at work


@contextmanager
def claimed(folder: Path) -> Iterator[None]:
    """Keep other trainings out of the folder, which is there.

    Raises:
        BadInput: another one is at work in it.
    """
    with _locked(folder, fcntl.LOCK_EX, PATIENCE) as alone:
        if not alone:
            raise _busy(folder)
        yield


def refuse_busy(folder: Path) -> None:
    """Refuse a folder, if it is there, in which a training is at work: sooner than `claimed` can be asked.

    Raises:
        BadInput: there is one.
    """
    if folder.is_dir() and in_use(folder):
        raise _busy(folder)


@contextmanager
def at_rest(folder: Path) -> Iterator[bool]:
    """Whether no training is at work in the folder; if so, none begins before this ends."""
    with _locked(folder, fcntl.LOCK_SH) as free:
        yield free


def in_use(folder: Path) -> bool:
    """Whether a training is at work in the folder."""
    with at_rest(folder) as free:
        return not free


def _busy(folder: Path) -> BadInput:
    return BadInput(f"{folder}: another training is at work in it. Wait for it, or use another --out.")


@contextmanager
def _locked(folder: Path, kind: int, patience: float = 0.0) -> Iterator[bool]:
    """Lock the folder, if nobody else has; whether that could be done."""
    descriptor = os.open(folder, os.O_RDONLY)
    deadline = time.monotonic() + patience
    try:
        while not (done := _try(descriptor, kind)) and time.monotonic() < deadline:
            time.sleep(0.05)
        yield done
    finally:
        os.close(descriptor)


def _try(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except OSError as error:
        return not isinstance(error, BlockingIOError)  # else a file system without locks
    return True
