"""Being stopped: at once and with one line everywhere, but between two steps while a training is at work."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

TENSORFLOW, KERAS, OWN = (
    f"{os.sep}tensorflow{os.sep}",
    f"{os.sep}keras{os.sep}",
    os.path.dirname(os.path.dirname(__file__)) + os.sep,
)

_caught: list[int] = []  # signals, since `terminable` was entered


@contextmanager
def terminable() -> Iterator[None]:
    """Let SIGTERM and Ctrl-C raise KeyboardInterrupt, so that what is half done is cleared away.

    In the middle of TensorFlow that waits until it returns to other code: it would keep its locks, and its C++ may lose
    the exception, leave an operation half made, or make an error of another kind of it, which is taken for what it was.
    """

    def stop(number: int, frame: FrameType | None) -> None:
        _caught.append(number)
        if len(_caught) > 1 or not _inside(frame):
            raise KeyboardInterrupt
        sys.setprofile(_stop_outside)

    _caught.clear()
    with _handled(stop, signal.SIGINT, signal.SIGTERM):
        try:
            yield
        except Exception as error:
            if is_stop(error):
                raise KeyboardInterrupt from error
            raise
        finally:
            if _caught:
                sys.setprofile(None)
                _caught.clear()


def is_stop(error: BaseException) -> bool:
    """Whether this is a stop, or what a library has made of one."""
    return isinstance(error, KeyboardInterrupt) or bool(_caught)


@contextmanager
def interruptible() -> Iterator[list[int]]:
    """Collect SIGINT and SIGTERM to be acted on between two steps; a second one takes effect at once."""
    caught: list[int] = []

    def note(number: int, _frame: Any) -> None:
        if caught:
            raise KeyboardInterrupt
        caught.append(number)

    with _handled(note, signal.SIGINT, signal.SIGTERM):
        yield caught


def _stop_outside(frame: FrameType, event: str, _argument: Any) -> None:
    """As a profiler, which sees each return: raise KeyboardInterrupt when TensorFlow is left."""
    if event == "return" and not _inside(frame.f_back):
        sys.setprofile(None)
        raise KeyboardInterrupt


def _inside(frame: FrameType | None) -> bool:
    """Whether TensorFlow is at work here, or has called what is."""
    while frame is not None:
        file = frame.f_code.co_filename
        if TENSORFLOW in file:
            return True
        if KERAS in file or file.startswith(OWN):
            return False
        frame = frame.f_back
    return False


@contextmanager
def _handled(handler: Callable[[int, Any], None], *numbers: signal.Signals) -> Iterator[None]:
    """Handle these signals, but for those that the process was started to ignore, as a script's background jobs are.

    Only the main thread can; elsewhere all stays as it is.
    """
    main = threading.current_thread() is threading.main_thread()
    heard = [number for number in numbers if main and signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, handler) for number in heard}
    try:
        yield
    finally:
        for number, former in before.items():
            signal.signal(number, former)
