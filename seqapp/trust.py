"""Whose code may run: a run folder is data, and a dataset or model file that it names or carries is code.

A file that was named on a command line here is the user's own; it is noted in the user's state folder, outside of all
run folders, by its path and by what it held. A run folder gets a file run that was noted: by its path, or, where it
lies in the run folder itself, by what it holds. All other files only where SEQAPP_TRUST names them.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

from seqapp.errors import BadInput

_named: set[tuple[str, str]] = set()  # by this process, which may not be able to write


def note(file: Path, content: bytes) -> None:
    """Remember a file that was named on a command line, and what it holds."""
    entry = _entry(file, content)
    if entry in _noted():
        return
    _named.add(entry)
    try:
        _notes().parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with _notes().open("a", encoding="utf-8") as notes:
            notes.write(json.dumps(entry) + "\n")
    except (OSError, RuntimeError):
        pass  # no home, or one that cannot be written: it holds for this process alone


def asked_for(file: Path) -> bool:
    """Whether SEQAPP_TRUST, paths with colons between them, names the file."""
    asked = [path for path in os.environ.get("SEQAPP_TRUST", "").split(os.pathsep) if path]
    return file.resolve() in [Path(path).resolve() for path in asked]


def require(folder: Path, file: Path, content: bytes) -> None:
    """Let the run in `folder` have this file run, or stop.

    Raises:
        BadInput: nobody here has named it.
    """
    path, held = _entry(file, content)
    inside = file.resolve().is_relative_to(folder.resolve())
    if asked_for(file) or any(held == other if inside else path == named for named, other in _noted()):
        return
    raise BadInput(
        f"{folder}: this run needs {file}, which is code, and nobody has named it on a command line here. "
        f"Read it; if you trust it, put SEQAPP_TRUST='{file}' before the command."
    )


def _entry(file: Path, content: bytes) -> tuple[str, str]:
    return str(file.resolve()), hashlib.sha256(content).hexdigest()


def _notes() -> Path:
    base = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(base) / "seqapp" / "files.jsonl"


def _noted() -> set[tuple[str, str]]:
    found = set(_named)
    try:
        for line in _notes().read_text(encoding="utf-8").splitlines():
            path, held = json.loads(line)
            found.add((path, held))
    except (OSError, RuntimeError, ValueError, TypeError):
        pass  # not there, or not whole: what is not read is asked for again
    return found
