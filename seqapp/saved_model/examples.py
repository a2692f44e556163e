"""Example requests for each signature: a server runs them to warm up, and its page starts from them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqapp.contract import Raw, Task
from seqapp.errors import BadInput
from seqapp.saved_model.functions import Function


def example_requests(task: Task, latest: Raw, functions: Mapping[str, Function]) -> dict[str, Raw]:
    """Return one example request per signature: the task's own, or a row of zeros if the signature accepts that.

    Args:
        task: may define examples.
        latest: the inputs that follow the training data, by name.
        functions: the compiled signatures by name; each is called once with its example.

    Returns:
        Tensors by input name, by signature.

    Raises:
        BadInput: a signature rejects the task's example.
    """
    examples = task.example_requests({name: latest[name] for name in task.signature()})
    requests = {}
    for name, function in functions.items():
        raw = examples.get(name) or {key: _zeros(spec) for key, spec in function.inputs.items()}
        try:
            function(**raw)
        except BadInput:
            if name in examples:
                raise
            continue
        requests[name] = function.tensors(raw)
    return requests


def _zeros(spec: Any) -> NDArray[Any]:
    """Return one row of zeros or empty texts."""
    value: Any = "" if spec.dtype.name == "string" else 0
    return np.full([1 if size is None else size for size in spec.shape], value, spec.dtype.as_numpy_dtype)
