"""One training at a time in a run folder: a lock that the system takes back when the process ends, however it ends."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from seqapp.errors import BadInput


@contextmanager
def claimed(folder: Path) -> Iterator[None]:
    """Keep other trainings out of the folder, which is there.

    Raises:
        BadInput: another one is at work in it.
    """
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        if not _locked(descriptor):
            raise BadInput(f"{folder}: another training is at work in it. Wait for it, or use another --out.")
        yield
    finally:
        os.close(descriptor)


def in_use(folder: Path) -> bool:
    """Whether a training is at work in the folder."""
    if not folder.is_dir():
        return False
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        return not _locked(descriptor)
    finally:
        os.close(descriptor)


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return not isinstance(error, BlockingIOError)  # else a file system without locks
    return True
