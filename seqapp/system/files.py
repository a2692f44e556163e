"""Files and folders that appear complete or not at all: written in a draft beside the target, flushed, then renamed.

A draft is a hidden folder `.<name>.<8 hex digits>.partial`, locked while the process that made it lives. The draft of a
killed process is deleted by the next process that writes there.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import os
import re
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from seqapp.errors import BadInput, WorkFailed

DRAFT = re.compile(r"\..+\.[0-9a-f]{8}\.partial")
REMEDY_BY_ERROR = {
    errno.ENOSPC: "Free some",
    errno.EDQUOT: "Free some",
    errno.EFBIG: "Raise the limit (ulimit -f)",
    errno.ENOENT: "Choose another place",
    errno.EROFS: "Make it writable",
    errno.EACCES: "Make it writable",
    errno.EPERM: "Make it writable",
}


class NotWritten(OSError):
    """A file could not be written; the file that had its name before is unchanged."""

    def __str__(self) -> str:
        return f"{self.strerror}: {self.filename} was not written"


def describe_os_error(error: OSError) -> str:
    """Describe an error of the disk in one line: what failed, what helps, and how to continue, if a note says that.

    Example: "No space left on device: runs/a/model.keras was not written. Free some and continue with: …"
    """
    next_step = getattr(error, "__notes__", ["rerun the command."])[-1]
    parts = (error.strerror or type(error).__name__, error.filename)
    failure = str(error) if isinstance(error, NotWritten) else ": ".join(str(part) for part in parts if part)
    return f"{failure}. {REMEDY_BY_ERROR.get(error.errno or 0, 'Fix this')} and {next_step}"


def publish(path: Path, write: Callable[[Path], Any]) -> None:
    """Write a file in a draft and put it in the place of `path` by one rename.

    Args:
        path: the file to replace, or to make.
        write: is called with the path to write to, which has the same name in another folder.

    Raises:
        NotWritten: the disk is full, read-only or broken.
    """
    with draft(path) as folder:
        complete = folder / path.name
        write(complete)
        flush(complete)
        complete.replace(path)
        flush(path.parent)


@contextmanager
def draft(path: Path) -> Iterator[Path]:
    """Yield a folder beside `path` to write it in; deleted afterwards with everything that was not moved out of it.

    Raises:
        NotWritten: the disk is full, read-only or broken; also where the body raises another error because of that.
    """
    with _disk_errors(path), contextlib.ExitStack() as stack:
        make_folder(path.parent)
        sweep(path.parent)
        while (folder := _locked_folder(path, stack)) is None:
            pass
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        yield folder


def check_writable(path: Path) -> None:
    """Raise before the work if its result cannot be written.

    Raises:
        NotWritten: the disk is full, read-only or broken.
    """
    with draft(path):
        pass


def make_folder(folder: Path) -> None:
    """Make a folder and its parents, flushed to the disk as files are."""
    if folder.is_dir():
        return
    make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    flush(folder.parent)


def sweep(folder: Path) -> None:
    """Delete the drafts of killed processes in a folder; those of living processes stay."""
    for path in folder.iterdir():
        if not is_draft(path):
            continue
        with contextlib.suppress(OSError), _open(path) as descriptor:  # another deletes it, or its process lives
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(path)


def is_draft(path: Path) -> bool:
    """Return whether a path is the draft of a process, dead or alive."""
    return bool(DRAFT.fullmatch(path.name)) and path.is_dir() and not path.is_symlink()


def sha256(*parts: bytes | str) -> str:
    """Return the SHA-256 checksum of data, such as the bytes of generated arrays, in hexadecimal digits."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part.encode() if isinstance(part, str) else part)
    return digest.hexdigest()


def flush(path: Path) -> None:
    """Wait until a file, or a folder's list of names, is on the disk."""
    with _open(path) as descriptor:
        try:
            os.fsync(descriptor)
        except OSError as error:
            if error.errno != errno.EINVAL or not path.is_dir():  # a file system that flushes no folders
                raise


def _locked_folder(path: Path, stack: contextlib.ExitStack) -> Path | None:
    """Make a draft, locked until the stack ends; None if another process swept it before it was locked."""
    folder = path.with_name(f".{path.stem[:100]}.{secrets.token_hex(4)}.partial")
    folder.mkdir()
    try:
        descriptor = stack.enter_context(_open(folder))
        with contextlib.suppress(OSError):  # swept meanwhile, which the next line sees; or a file system without locks
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
    """Turn errors of the disk, whichever library raises them, into NotWritten."""
    try:
        yield
    except (BadInput, WorkFailed, NotWritten):
        raise
    except Exception as error:
        if (number := _number(error)) is None:
            raise
        raise NotWritten(number, os.strerror(number), str(path)) from error


def _number(error: BaseException | None) -> int | None:
    """Return the system's number of an error; by its text, or its cause's, where a library raised another error."""
    if isinstance(error, OSError) and error.errno:
        return error.errno
    while error is not None:
        for number in REMEDY_BY_ERROR:
            if os.strerror(number).lower() in str(error).lower():
                return number
        error = error.__cause__ or error.__context__
    return None
