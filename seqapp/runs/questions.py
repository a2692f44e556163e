"""The inputs that follow a run's own data: what `predict` answers when no inputs are passed."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqapp.contract import Raw, Task
from seqapp.errors import BadInput
from seqapp.runs.run import Run


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
