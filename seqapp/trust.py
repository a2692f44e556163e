"""Which code may run: a run folder is data, but a dataset or model file that it names or contains is code.

A file that the user named on a command line is the user's own; its path and its checksum are noted in the user's state
folder, outside of all run folders. For a run folder, a file is executed that was noted: by its path, or, if the file
lies in the run folder itself, by its checksum. Any other file is executed only if SEQAPP_TRUST names it.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

from seqapp.errors import BadInput
from seqapp.system.files import sha256

_named: set[tuple[str, str]] = set()  # by this process, which may not be able to write the notes


def note(file: Path, content: bytes) -> None:
    """Remember a file that the user named on a command line, and the checksum of its content."""
    entry = _entry(file, content)
    if entry in _entries():
        return
    _named.add(entry)
    try:
        _notes().parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with _notes().open("a", encoding="utf-8") as notes:
            notes.write(json.dumps(entry) + "\n")
    except (OSError, RuntimeError):
        pass  # no home folder, or not writable: the note is valid for this process only


def is_trusted(file: Path) -> bool:
    """Return whether SEQAPP_TRUST, paths with colons between them, names the file."""
    paths = [path for path in os.environ.get("SEQAPP_TRUST", "").split(os.pathsep) if path]
    return file.resolve() in [Path(path).resolve() for path in paths]


def require(folder: Path, file: Path, content: bytes) -> None:
    """Raise unless the run in `folder` may have this file executed.

    Raises:
        BadInput: the user has not named the file.
    """
    path, checksum = _entry(file, content)
    inside = file.resolve().is_relative_to(folder.resolve())
    known = any(checksum == each_checksum if inside else path == each for each, each_checksum in _entries())
    if is_trusted(file) or known:
        return
    raise BadInput(
        f"{folder}: this run needs {file}, which is code, and nobody has named it on a command line here. "
        f"Read it; if you trust it, put SEQAPP_TRUST='{file}' before the command."
    )


def _entry(file: Path, content: bytes) -> tuple[str, str]:
    return str(file.resolve()), sha256(content)


def _notes() -> Path:
    base = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(base) / "seqapp" / "files.jsonl"


def _entries() -> set[tuple[str, str]]:
    entries = set(_named)
    try:
        for line in _notes().read_text(encoding="utf-8").splitlines():
            path, checksum = json.loads(line)
            entries.add((path, checksum))
    except (OSError, RuntimeError, ValueError, TypeError):
        pass  # missing or damaged: the user is asked again about a file that is not read
    return entries
