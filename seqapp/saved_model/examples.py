"""What a model's signatures may be asked: a server's warm-up requests, and what its page begins with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqapp.contract import Raw, Task
from seqapp.errors import BadInput
from seqapp.runs.run import Run
from seqapp.saved_model.functions import Function


def latest(run: Run, task: Task) -> Raw:
    """The question after the last row of the run's own data, as run.json keeps it.

    Raises:
        BadInput: what is there is no question of the task.
    """
    asked, about = run.record["latest"], run.record.get("about_latest", {})
    wanted = {name: (spec.shape.as_list(), spec.dtype.name) for name, spec in task.signature().items()}
    held = {name: _array(value) for name, value in (about | asked).items()}
    rows = {array.shape[:1] for array in held.values()}
    fitting = [_fits(held[name], *wanted[name]) for name in held.keys() & wanted.keys()]
    if len(rows) != 1 or asked.keys() != wanted.keys() or not all(fitting):
        named = ", ".join(f"{name} {kind} {shape}" for name, (shape, kind) in wanted.items())
        raise BadInput(f"{run.folder / 'run.json'}: latest: expected {named}. Ask about a file of your own.")
    return held


def _array(value: Any) -> NDArray[Any]:
    """A list of lists as an array; one without axes where it is none."""
    try:
        array = np.asarray(value)
        array = array.astype(np.float64) if array.dtype == object else array  # JSON has no NaN: a gap is null
    except (ValueError, TypeError, OverflowError):
        return np.zeros(())
    return array if array.dtype.kind in "biufU" else np.zeros(())


def _fits(array: NDArray[Any], shape: list[int | None], kind: str) -> bool:
    right = array.dtype.kind == "U" if kind == "string" else array.dtype.kind in "biuf"
    same = all(size in (None, there) for size, there in zip(shape, array.shape, strict=False))
    return right and len(shape) == array.ndim and same and array.size > 0


def examples(task: Task, asked: Raw, functions: Mapping[str, Function]) -> dict[str, Raw]:
    """One question for each signature, as tensors by input name: the task's own, else a row of zeros if it is answered.

    Each was asked once.
    """
    told, found = task.examples({name: asked[name] for name in task.signature()}), {}
    for name, function in functions.items():
        raw = told.get(name) or {key: _zeros(spec) for key, spec in function.inputs.items()}
        try:
            function(**raw)
        except BadInput:
            if name in told:
                raise
            continue
        found[name] = function.tensors(raw)
    return found


def _zeros(spec: Any) -> NDArray[Any]:
    """One row of zeros or empty texts."""
    nothing: Any = "" if spec.dtype.name == "string" else 0
    return np.full([1 if size is None else size for size in spec.shape], nothing, spec.dtype.as_numpy_dtype)
