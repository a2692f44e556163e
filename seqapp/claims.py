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
    with _locked(folder) as alone:
        if not alone:
            raise BadInput(f"{folder}: another training is at work in it. Wait for it, or use another --out.")
        yield


def in_use(folder: Path) -> bool:
    """Whether a training is at work in the folder."""
    with _locked(folder) as alone:
        return not alone


@contextmanager
def _locked(folder: Path) -> Iterator[bool]:
    """Lock the folder, if nobody else has; whether that could be done."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        alone = True
    except OSError as error:
        alone = not isinstance(error, BlockingIOError)  # else a file system without locks
    try:
        yield alone
    finally:
        os.close(descriptor)
