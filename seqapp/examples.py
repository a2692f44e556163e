"""What a model's signatures may be asked: a server's warm-up requests, and what its page begins with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqapp.contract import Raw, Task
from seqapp.errors import BadInput
from seqapp.signatures import Function


def examples(task: Task, latest: Raw, functions: Mapping[str, Function]) -> dict[str, Raw]:
    """One question for each signature, as tensors by input name: the task's own, else a row of zeros if it is answered.

    Each was asked once.
    """
    told, found = task.examples(latest), {}
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
