"""Files and folders that appear whole or not at all: written in a draft beside the target, flushed, then renamed.

A draft is a hidden folder `.<name>.<8 hex digits>.partial`, locked as long as its maker lives. What a killed process
leaves of one is deleted by the next that writes there.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import re
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from seqapp.errors import BadInput, WorkFailed
from seqapp.system.text import portable

DRAFT = re.compile(r"\..+\.[0-9a-f]{8}\.partial")
WAYS_OUT = {
    errno.ENOSPC: "Free some",
    errno.EDQUOT: "Free some",
    errno.EFBIG: "Raise the limit (ulimit -f)",
    errno.ENOENT: "Choose another place",
    errno.EROFS: "Make it writable",
    errno.EACCES: "Make it writable",
    errno.EPERM: "Make it writable",
}


class NotWritten(OSError):
    """A file could not be written; what lay under its name before is untouched."""

    def __str__(self) -> str:
        return f"{self.strerror}: {self.filename} was not written"


def told(error: OSError) -> str:
    """An error of the disk in one line: what could not be done, what helps, and what to do then, if a note says it.

    Example: "No space left on device: runs/a/model.keras was not written. Free some and go on with: …"
    """
    then = getattr(error, "__notes__", ["run the same command again."])[-1]
    about = ": ".join(str(part) for part in (error.strerror or type(error).__name__, error.filename) if part)
    said = str(error) if isinstance(error, NotWritten) else about
    return f"{said}. {WAYS_OUT.get(error.errno or 0, 'Mend that')} and {then}"


def publish(path: Path, write: Callable[[Path], Any]) -> None:
    """Let `write` make a file of the same name in a draft, and put it in the place of `path` by one rename.

    Raises:
        NotWritten: the disk is full, read-only or broken.
    """
    with draft(path) as folder:
        made = folder / path.name
        write(made)
        flush(made)
        made.replace(path)
        flush(path.parent)


@contextmanager
def draft(path: Path) -> Iterator[Path]:
    """A folder beside `path` to make it in; deleted in the end with all that was not moved out of it.

    Raises:
        NotWritten: the disk is full, read-only or broken; for other errors of the body that say so, too.
    """
    with _disk_errors(path), contextlib.ExitStack() as stack:
        make_folder(path.parent)
        sweep(path.parent)
        while (folder := _locked_folder(path, stack)) is None:
            pass
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        yield folder


def check_writable(path: Path) -> None:
    """Find out before the work whether its result can be written.

    Raises:
        NotWritten: it cannot.
    """
    with draft(path):
        pass


def make_folder(folder: Path) -> None:
    """Make a folder and those above it, as lasting as the files in it."""
    if folder.is_dir():
        return
    make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    flush(folder.parent)


def sweep(folder: Path) -> None:
    """Delete the drafts that killed processes left in a folder; those of living ones stay."""
    for left in folder.iterdir():
        if not is_draft(left):
            continue
        with contextlib.suppress(OSError), _open(left) as descriptor:  # another is deleting it, or its maker lives
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(left)


def is_draft(path: Path) -> bool:
    """Whether this is the draft of a process, dead or alive."""
    return bool(DRAFT.fullmatch(path.name)) and path.is_dir() and not path.is_symlink()


def flush(path: Path) -> None:
    """Wait until a file, or a folder's list of names, is on the disk."""
    with _open(path) as descriptor:
        try:
            os.fsync(descriptor)
        except OSError as error:
            if error.errno != errno.EINVAL or not path.is_dir():  # a file system that flushes no folders
                raise


def _locked_folder(path: Path, stack: contextlib.ExitStack) -> Path | None:
    """A new draft, locked until the stack ends; None if a sweep took it before it was."""
    folder = path.with_name(f".{path.stem[:100]}.{secrets.token_hex(4)}.partial")
    folder.mkdir()
    try:
        descriptor = stack.enter_context(_open(folder))
        with contextlib.suppress(OSError):  # swept just now, which the next line sees; or a file system without locks
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        return folder if os.path.samestat(os.fstat(descriptor), folder.stat()) else None
    except FileNotFoundError:
        return None


@contextmanager
def _open(path: Path) -> Iterator[int]:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def _disk_errors(path: Path) -> Iterator[None]:
    """Errors of the disk, by whatever library they come, as NotWritten."""
    try:
        yield
    except (BadInput, WorkFailed, NotWritten):
        raise
    except Exception as error:
        if (number := _number(error)) is None:
            raise
        raise NotWritten(number, os.strerror(number), str(path)) from error


def _number(error: BaseException | None) -> int | None:
    """The system's number of an error; by its words, or those of its cause, where a library made another of it."""
    if isinstance(error, OSError) and error.errno:
        return error.errno
    while error is not None:
        for number in WAYS_OUT:
            if os.strerror(number).lower() in str(error).lower():
                return number
        error = error.__cause__ or error.__context__
    return None


def publish_json(path: Path, document: Any) -> None:
    """Write one JSON document, readable by people and by strict parsers (no NaN)."""
    publish(path, lambda temporary: temporary.write_text(as_text(document), encoding="utf-8"))


def as_text(document: Any) -> str:
    """The document as the text that `publish_json` writes; with escapes where it holds what is not UTF-8."""
    document = finite(document)
    text = json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False)
    try:
        text.encode()
    except UnicodeEncodeError:
        text = json.dumps(document, indent=2, allow_nan=False)
    return text + "\n"


def json_line(document: Any) -> str:
    """The document on one line, for people and other programs: what is not UTF-8 is `{"b64": "…"}`."""
    return json.dumps(portable(document), ensure_ascii=False, allow_nan=False)


def finite(value: Any) -> Any:
    """The same document with None where a number is not finite: JSON has no word for it."""
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    if (isinstance(value, float) and value != value) or value in (float("inf"), float("-inf")):
        return None
    return value
