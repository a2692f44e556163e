"""How a server of many short-lived threads keeps its memory."""

from __future__ import annotations

import contextlib
import ctypes

M_ARENA_MAX = -8  # malloc.h


def share_one_heap() -> None:
    """Let all threads allocate from one heap, where the C library is glibc; call it before there are others.

    By default each has its own, up to eight for a core, and what one request frees there the next, in another thread,
    cannot use: a server under load grows for hours.
    """
    with contextlib.suppress(AttributeError):
        ctypes.CDLL(None).mallopt(M_ARENA_MAX, 1)
