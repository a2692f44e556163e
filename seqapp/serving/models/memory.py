"""Keep the memory of a long-running server small, with many short-lived threads and model versions. glibc only."""

from __future__ import annotations

import contextlib
import ctypes

M_ARENA_MAX = -8  # malloc.h


def use_one_arena() -> None:
    """Let all threads allocate from one heap. Call it before other threads exist.

    By default glibc gives threads heaps of their own, up to eight per core. What one request frees in one of them, the
    next request cannot use in another thread, so a server under load grows for hours.
    """
    with contextlib.suppress(AttributeError):
        ctypes.CDLL(None).mallopt(M_ARENA_MAX, 1)


def trim_heap() -> None:
    """Return free memory in the heap to the operating system.

    Loading a model takes tens of megabytes for a moment, while the previous version is still in memory. Once freed,
    they would stay with the process, below whatever was allocated meanwhile.
    """
    with contextlib.suppress(AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
