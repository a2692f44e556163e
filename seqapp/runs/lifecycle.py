"""How a run begins and goes on: a kill at any moment leaves the old run whole, or the new one ready for --resume.

One rename decides: the new run.json takes the old one's place, saying that the training has not begun. From there on
the rest of the old run is cleared away, by this process or by the one that goes on.
"""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from seqapp.errors import BadInput
from seqapp.runs.run import Run
from seqapp.system.files import is_draft
from seqapp.system.signals import defer_signals, is_interrupt


def refuse_to_overwrite(folder: Path, force: bool) -> None:
    """Refuse a folder that holds a run, unless it is given up by `force`, or anything else.

    Raises:
        BadInput: it does.
    """
    there = next(path for path in (folder, *folder.parents) if path.exists())
    if not there.is_dir():
        raise BadInput(f"--out: expected a folder, got the file '{there}'.")
    held = [path.name for path in folder.iterdir() if not is_draft(path)] if folder.exists() else []
    if held and "run.json" not in held:
        raise BadInput(f"{folder}: not a run folder (no run.json), and not empty. Choose another --out.")
    if held and not force:
        raise BadInput(
            f"{folder} already exists. Use --resume to continue, --force to start over, or --out for another folder."
        )


def refuse_nothing(folder: Path) -> None:
    """Refuse to go on where a training was stopped before it wrote its run.json.

    Raises:
        BadInput: there is an empty folder.
    """
    if folder.is_dir() and all(is_draft(path) for path in folder.iterdir()):
        raise BadInput(f"{folder}: empty: its training was interrupted before it started. Start it without --resume.")


def begin(run: Run) -> Run:
    """Clear away what was there before the run, unless that is done."""
    if run.record.get("begun", True):
        return run
    for held in run.folder.iterdir():
        if held.name != "run.json" and not is_draft(held):
            shutil.rmtree(held) if held.is_dir() and not held.is_symlink() else held.unlink()
    return run.update(begun=True)


@contextmanager
def begun(new: Run) -> Iterator[Run]:
    """Let a new run take the old one's place; a stop meanwhile waits until it can be said how to go on.

    Raises:
        KeyboardInterrupt: with the command that goes on.
    """
    with defer_signals() as stopped:
        run = new.update(begun=False)  # the old run ends here
    with resumable(run):
        if stopped:
            raise KeyboardInterrupt
        yield begin(run)


def epochs(run: Run) -> int:
    """How many epochs of it are done; 0 where there are none or only the untrained network was validated."""
    history = run.folder / "history.csv"
    lines = history.read_bytes().splitlines() if history.is_file() else []
    return max(len(lines) - 1 - 1, 0)


def is_untrained(run: Run) -> bool:
    """Whether a training was stopped before its first checkpoint, so that nothing is lost by beginning it again."""
    begun = run.record.get("finished") or (run.folder / "checkpoints" / "last.npz").exists()
    return not begun and epochs(run) == 0


@contextmanager
def resumable(run: Run) -> Iterator[None]:
    """Say how to go on where a training is interrupted or the disk fails.

    Raises:
        KeyboardInterrupt: with the command.
        OSError: the disk's, with the command as its note.
    """
    command = (
        f"seqapp train {shlex.quote(run.record['rooms']['dataset'])} --out {shlex.quote(str(run.folder))} --resume"
    )
    try:
        yield
    except (KeyboardInterrupt, Exception) as error:
        if is_interrupt(error):
            raise KeyboardInterrupt(f"Continue with: {command}") from None
        if isinstance(error, OSError):
            error.add_note(f"continue with: {command}")
        raise
