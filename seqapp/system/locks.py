"""One training run at a time in a run folder: a lock that the system releases when its process ends."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from seqapp.errors import BadInput

LOCK_TIMEOUT = 1.0  # seconds: other commands hold the lock for a moment to see whether a folder is in use


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep other training runs out of an existing folder.

    Raises:
        BadInput: another process is training in it.
    """
    with _lock(folder, fcntl.LOCK_EX, LOCK_TIMEOUT) as success:
        if not success:
            raise _in_use_error(folder)
        yield


def refuse_in_use(folder: Path) -> None:
    """Raise if the folder exists and a process is training in it; earlier than `locked` can be entered.

    Raises:
        BadInput: there is one.
    """
    if folder.is_dir() and in_use(folder):
        raise _in_use_error(folder)


@contextmanager
def idle(folder: Path) -> Iterator[bool]:
    """Yield whether no process is training in the folder; if so, none can start until this ends."""
    with _lock(folder, fcntl.LOCK_SH) as success:
        yield success


def in_use(folder: Path) -> bool:
    """Return whether a process is training in the folder."""
    with idle(folder) as is_idle:
        return not is_idle


def _in_use_error(folder: Path) -> BadInput:
    return BadInput(
        f"{folder}: another process is training in this folder. Wait for it to finish, or pass a different --out."
    )


@contextmanager
def _lock(folder: Path, kind: int, timeout: float = 0.0) -> Iterator[bool]:
    """Yield whether the folder could be locked within `timeout` seconds."""
    descriptor = os.open(folder, os.O_RDONLY)
    deadline = time.monotonic() + timeout
    try:
        while not (success := _try_lock(descriptor, kind)) and time.monotonic() < deadline:
            time.sleep(0.05)
        yield success
    finally:
        os.close(descriptor)


def _try_lock(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except OSError as error:
        return not isinstance(error, BlockingIOError)  # any other error: a file system without locks
    return True
