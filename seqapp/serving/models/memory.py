"""How a server of many short-lived threads, whose models come and go, keeps its memory (with glibc; else as it is)."""

from __future__ import annotations

import contextlib
import ctypes

M_ARENA_MAX = -8  # malloc.h


def share_one_heap() -> None:
    """Let all threads allocate from one heap; call it before there are others.

    By default each has its own, up to eight for a core, and what one request frees there the next, in another thread,
    cannot use: a server under load grows for hours.
    """
    with contextlib.suppress(AttributeError):
        ctypes.CDLL(None).mallopt(M_ARENA_MAX, 1)


def give_back() -> None:
    """Hand what lies free in the heap to the system again.

    To load a model takes tens of megabytes for a moment, while the one before it is still there: freed, they would stay
    with the process below whatever was allocated meanwhile.
    """
    with contextlib.suppress(AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
