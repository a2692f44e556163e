"""Ctrl-C and SIGTERM: they end a command at once and with one line, but training only between two steps.

A profiler hook delays a signal that arrives inside TensorFlow until TensorFlow returns, because TensorFlow 2.21 does
not withstand an exception at every moment: its Python code keeps locks, its C++ loses the exception or leaves an
operation unfinished, or it raises an error of another kind because of it. tests/torture/stops.py found this with
signals at random moments; test_inside_tensorflow_a_stop_takes_effect_when_that_is_left (tests/runs) fails without the
hook.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

TENSORFLOW = f"{os.sep}tensorflow{os.sep}"
KERAS = f"{os.sep}keras{os.sep}"
SEQAPP = os.path.dirname(os.path.dirname(__file__)) + os.sep

_received: list[int] = []  # signals, since `raise_on_signal` was entered


@contextmanager
def raise_on_signal() -> Iterator[None]:
    """Raise KeyboardInterrupt on SIGTERM and Ctrl-C, so that unfinished files are deleted.

    Inside TensorFlow the first signal waits until TensorFlow returns to other code (the module says why).

    Raises:
        KeyboardInterrupt: on a signal, also where a library raised another error because of it.
    """

    def handle(number: int, frame: FrameType | None) -> None:
        _received.append(number)
        if len(_received) > 1 or not _inside_tensorflow(frame):
            raise KeyboardInterrupt
        sys.setprofile(_raise_outside_tensorflow)

    _received.clear()
    with _handle(handle, signal.SIGINT, signal.SIGTERM):
        try:
            yield
        except Exception as error:
            if is_interrupt(error):
                raise KeyboardInterrupt from error
            raise
        finally:
            if _received:
                sys.setprofile(None)
                _received.clear()


def is_interrupt(error: BaseException) -> bool:
    """Return whether an error is an interrupt, or what a library raised because of one."""
    return isinstance(error, KeyboardInterrupt) or bool(_received)


@contextmanager
def defer_signals() -> Iterator[list[int]]:
    """Yield a list that collects SIGINT and SIGTERM, to be looked at between two steps.

    Raises:
        KeyboardInterrupt: on a second signal, at once.
    """
    received: list[int] = []

    def handle(number: int, _frame: Any) -> None:
        if received:
            raise KeyboardInterrupt
        received.append(number)

    with _handle(handle, signal.SIGINT, signal.SIGTERM):
        yield received


def _raise_outside_tensorflow(frame: FrameType, event: str, _argument: Any) -> None:
    """As a profiler, which is called at each return: raise KeyboardInterrupt when TensorFlow returns."""
    if event == "return" and not _inside_tensorflow(frame.f_back):
        sys.setprofile(None)
        raise KeyboardInterrupt


def _inside_tensorflow(frame: FrameType | None) -> bool:
    """Return whether this frame is TensorFlow's, or of a library that TensorFlow called."""
    while frame is not None:
        file = frame.f_code.co_filename
        if TENSORFLOW in file:
            return True
        if KERAS in file or file.startswith(SEQAPP):
            return False
        frame = frame.f_back
    return False


@contextmanager
def _handle(action: Callable[[int, Any], None], *numbers: signal.Signals) -> Iterator[None]:
    """Handle these signals, except those that the process was started to ignore, as a script's background jobs are.

    Only the main thread can; in other threads this does nothing.
    """
    main = threading.current_thread() is threading.main_thread()
    handled = [number for number in numbers if main and signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, action) for number in handled}
    try:
        yield
    finally:
        for number, former in before.items():
            signal.signal(number, former)
