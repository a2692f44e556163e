"""How a run starts and continues: a kill at any moment leaves the old run complete, or the new one ready for --resume.

One rename decides: the new run.json replaces the old one and says that training has not started. From there on, the
rest of the old run is deleted, by this process or by the one that resumes.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from seqapp.errors import BadInput
from seqapp.runs.run import Run
from seqapp.system.files import is_draft
from seqapp.system.signals import defer_signals, is_interrupt


def refuse_to_overwrite(folder: Path, force: bool) -> None:
    """Raise unless the folder is empty or missing, or holds a run and `force` is set.

    Raises:
        BadInput: a run or another file would be overwritten.
    """
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    if not existing.is_dir():
        raise BadInput(f"--out: expected a folder, got the file '{existing}'.")
    names = [path.name for path in folder.iterdir() if not is_draft(path)] if folder.exists() else []
    if names and "run.json" not in names:
        raise BadInput(f"{folder}: not a run folder (no run.json), and not empty. Choose another --out.")
    if names and not force:
        raise BadInput(
            f"{folder} already exists. Use --resume to continue, --force to start over, or --out for another folder."
        )


def refuse_empty(folder: Path) -> None:
    """Raise if a training run cannot be resumed because it was interrupted before it wrote its run.json.

    Raises:
        BadInput: the folder is empty.
    """
    if folder.is_dir() and all(is_draft(path) for path in folder.iterdir()):
        raise BadInput(f"{folder}: empty: its training was interrupted before it started. Start it without --resume.")


def delete_old_run(run: Run) -> Run:
    """Delete what an earlier run left in the folder, unless that is done."""
    if run.record.get("begun", True):
        return run
    for path in run.folder.iterdir():
        if path.name != "run.json" and not is_draft(path):
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    return run.update(begun=True)


@contextmanager
def replace_run(new: Run) -> Iterator[Run]:
    """Replace the run in the folder by a new one; a signal meanwhile waits until the command to resume is known.

    Raises:
        KeyboardInterrupt: with the command that resumes.
    """
    with defer_signals() as received:
        run = new.update(begun=False)  # the old run ends here
    with resumable(run):
        if received:
            raise KeyboardInterrupt
        yield delete_old_run(run)


def finished_epochs(run: Run) -> int:
    """Return the number of finished epochs; 0 if only the untrained network was validated."""
    history = run.folder / "history.csv"
    lines = history.read_bytes().splitlines() if history.is_file() else []
    return max(len(lines) - 1 - 1, 0)  # without the header and epoch 0


def is_untrained(run: Run) -> bool:
    """Return whether a training run was interrupted before its first checkpoint: starting over loses nothing."""
    has_checkpoint = run.record.get("finished") or (run.folder / "checkpoints" / "last.npz").exists()
    return not has_checkpoint and finished_epochs(run) == 0


@contextmanager
def resumable(run: Run) -> Iterator[None]:
    """Add the command that resumes to an interrupt or an error of the disk.

    Raises:
        KeyboardInterrupt: with the command.
        OSError: the disk's, with the command as its note.
    """
    try:
        yield
    except (KeyboardInterrupt, Exception) as error:
        if is_interrupt(error):
            raise KeyboardInterrupt(f"Continue with: {run.resume_command}") from None
        if isinstance(error, OSError):
            error.add_note(f"continue with: {run.resume_command}")
        raise
