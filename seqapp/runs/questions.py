"""The inputs of a question to a run: from a file, standard input or a text; by default, what follows its own data."""

from __future__ import annotations

import logging
import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqapp.contract import Raw, Task
from seqapp.errors import BadInput
from seqapp.runs.run import Run
from seqapp.system.input import read_input

FILE_NAME = re.compile(r"\S+\.(txt|csv|tsv|json|jsonl|log|md)")  # not meant as a text
logger = logging.getLogger(__name__)


def question(run: Run, task: Task, source: str | None, file_only: bool = False) -> Raw:
    """Read the inputs of a question, and log what the user should know about them.

    Args:
        run: the run.
        task: its task, which reads the inputs.
        source: a path, "-" for standard input, or the text itself; None for what follows the run's own data.
        file_only: `source` is never the text itself.

    Returns:
        An array by input name, each of shape `(1, …)`.

    Raises:
        BadInput: the task does not take the inputs.
    """
    raw = latest(run, task) if source is None else _read(task, source, file_only)
    if remark := task.remark(raw):
        logger.warning("%s", remark)
    return raw


def _read(task: Task, source: str, file_only: bool) -> Raw:
    if task.literal and not file_only and source != "-" and not _exists(source):
        if FILE_NAME.fullmatch(source):
            raise BadInput(
                f"{source}: no such file. To ask about these words themselves, pipe them in: "
                f"printf %s '{source}' | seqapp … -"
            )
        return task.read(source, "input")
    content, name = read_input(source, "what to predict from")
    return task.read(task.decode(content, name), name)


def _exists(source: str) -> bool:
    try:
        return bool(source) and Path(source).exists()
    except OSError:  # longer than a file's name can be
        return False


def latest(run: Run, task: Task) -> Raw:
    """Return the inputs after the last row of the run's own data, as run.json stores them.

    Args:
        run: the run.
        task: its task, whose signature the inputs must fit.

    Returns:
        An array by input name, each of shape `(1, …)`, and further arrays that describe them.

    Raises:
        BadInput: run.json has other names, types or shapes.
    """
    inputs, about = run.record["latest"], run.record.get("about_latest", {})
    expected = {name: (spec.shape.as_list(), spec.dtype.name) for name, spec in task.signature().items()}
    arrays = {name: _to_array(value) for name, value in (about | inputs).items()}
    rows = {array.shape[:1] for array in arrays.values()}
    fits = [_fits(arrays[name], *expected[name]) for name in arrays.keys() & expected.keys()]
    if len(rows) != 1 or inputs.keys() != expected.keys() or not all(fits):
        specs = ", ".join(f"{name} {dtype} {shape}" for name, (shape, dtype) in expected.items())
        raise BadInput(f"{run.folder / 'run.json'}: latest: expected {specs}. Pass a file of your own.")
    return arrays


def _to_array(value: Any) -> NDArray[Any]:
    """Convert nested lists to an array; return one without axes if they are ragged or hold other values."""
    try:
        array = np.asarray(value)
        array = array.astype(np.float64) if array.dtype == object else array  # JSON has no NaN: a gap is null
    except (ValueError, TypeError, OverflowError):
        return np.zeros(())
    return array if array.dtype.kind in "biufU" else np.zeros(())


def _fits(array: NDArray[Any], shape: list[int | None], dtype: str) -> bool:
    """Whether an array has a dtype that can be converted, and a shape in which None is an axis of any size."""
    same_kind = array.dtype.kind == "U" if dtype == "string" else array.dtype.kind in "biuf"
    same_sizes = all(size in (None, actual) for size, actual in zip(shape, array.shape, strict=False))
    return same_kind and len(shape) == array.ndim and same_sizes and array.size > 0
