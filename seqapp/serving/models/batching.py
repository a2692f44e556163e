"""Micro-batching: requests that arrive within a moment for one signature, in the same shapes, run as one batch.

Nothing is padded: requests of other shapes form batches of their own, so an answer equals that of the request alone, up
to the rounding of floats in a larger product. A batch that fails is run again request by request.
The thread of the request that opens a batch runs it; the requests that join it wait.
"""

from __future__ import annotations

import threading
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqapp.serving.models.version import Signature, Version

Arrays = dict[str, NDArray[Any]]


def run_alone(version: Version, signature: Signature, inputs: Arrays) -> Arrays:
    """Answer one request by itself. The argument `version` keeps it in memory meanwhile."""
    return signature(inputs)


@dataclass
class Batch:
    """Requests that are run together, and the result of each."""

    signature: Signature
    requests: list[Arrays] = field(default_factory=list)
    results: dict[int, Arrays | Exception] = field(default_factory=dict)  # by index; each is taken once
    rows: int = 0
    closed: threading.Event = field(default_factory=threading.Event)  # accepts no further requests
    done: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Call the signature once for all requests, or for each by itself if that fails."""
        try:
            self.results = dict(enumerate(_run_together(self.signature, self.requests)))
        except Exception as error:
            single = len(self.requests) == 1
            self.results = dict(
                enumerate([error] if single else [_result_or_error(self.signature, each) for each in self.requests])
            )
        finally:
            self.done.set()


class Batcher:
    """Runs requests in batches.

    Args:
        size: maximum number of rows in a batch.
        seconds: how long a batch waits to fill.
    """

    def __init__(self, size: int, seconds: float) -> None:
        self.size, self.seconds = size, seconds
        self._open: dict[Hashable, Batch] = {}
        self._lock = threading.Lock()

    def __call__(self, version: Version, signature: Signature, inputs: Arrays) -> Arrays:
        """Answer a request, in a batch if the signature allows it.

        Args:
            version: the version the signature belongs to.
            signature: the signature to call.
            inputs: by name, each of shape `(rows, …)` where the request can be batched.

        Returns:
            The outputs by name.

        Raises:
            StatusError: the model rejects the inputs.
        """
        rows = {len(array) if array.ndim else 0 for array in inputs.values()}
        if len(rows) > 1 or not signature.is_batched or not 0 < max(rows) < self.size:
            return run_alone(version, signature, inputs)
        key = (id(signature), *((name, array.shape[1:]) for name, array in inputs.items()))
        batch, index = self._join(key, signature, inputs, max(rows))
        if index == 0:
            batch.closed.wait(self.seconds)
            self._close(key, batch)
            batch.run()
        batch.done.wait()
        result = batch.results.pop(index)
        try:
            if isinstance(result, Exception):
                raise result
            return result
        finally:
            del result  # the exception refers to this frame, which would keep the exception and the version alive

    def _join(self, key: Hashable, signature: Signature, inputs: Arrays, rows: int) -> tuple[Batch, int]:
        """Add a request to the open batch for `key`, or to a new one.

        Args:
            key: equal for requests that can run together.
            signature: the signature to call.
            inputs: the request.
            rows: the number of its rows.

        Returns:
            The batch, and the request's index in it. A batch that is full now is closed.
        """
        with self._lock:
            batch = self._open.get(key)
            if batch is not None and batch.rows + rows > self.size:
                batch.closed.set()
                batch = None
            if batch is None:
                batch = self._open[key] = Batch(signature)
            batch.requests.append(inputs)
            batch.rows += rows
            if batch.rows == self.size:
                batch.closed.set()
                del self._open[key]
            return batch, len(batch.requests) - 1

    def _close(self, key: Hashable, batch: Batch) -> None:
        with self._lock:
            if self._open.get(key) is batch:
                del self._open[key]


def _run_together(signature: Signature, requests: list[Arrays]) -> list[Arrays]:
    """Answer several requests by one call."""
    if len(requests) == 1:
        return [signature(requests[0])]
    sizes = [len(next(iter(inputs.values()))) for inputs in requests]
    outputs = signature({name: np.concatenate([inputs[name] for inputs in requests]) for name in requests[0]})
    if any(len(array) != sum(sizes) for array in outputs.values()):
        raise ValueError("an output has another number of rows than the inputs")
    ends = np.cumsum(sizes)
    return [
        {name: array[end - size : end] for name, array in outputs.items()}
        for size, end in zip(sizes, ends, strict=True)
    ]


def _result_or_error(signature: Signature, inputs: Arrays) -> Arrays | Exception:
    try:
        return signature(inputs)
    except Exception as error:
        return error
