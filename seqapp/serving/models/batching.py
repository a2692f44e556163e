"""Micro-batching: requests that ask one signature the same shapes within a moment run as one batch.

Nothing is padded: requests of other shapes form batches of their own, so an answer is what it would be alone, up to the
last digits of floats that a larger product rounds differently. A batch that fails is run again request by request.
The request that opens a batch runs it, in its own thread; those that join wait for it.
"""

from __future__ import annotations

import threading
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqapp.serving.models.version import Signature, Version
from seqapp.serving.rest.rest import at_once

Arrays = dict[str, NDArray[Any]]


@dataclass
class Batch:
    """Requests that wait to be run together, and what came of each."""

    signature: Signature
    given: list[Arrays] = field(default_factory=list)
    made: dict[int, Arrays | Exception] = field(default_factory=dict)  # by place; each is taken once
    rows: int = 0
    closed: threading.Event = field(default_factory=threading.Event)  # nobody joins any more
    done: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """One call for all, or one for each where that fails."""
        try:
            self.made = dict(enumerate(_together(self.signature, self.given)))
        except Exception as error:
            alone = len(self.given) == 1
            self.made = dict(enumerate([error] if alone else [_alone(self.signature, given) for given in self.given]))
        finally:
            self.done.set()


class Batcher:
    """Runs batches of `size` rows at most, waiting up to `seconds` for a batch to fill."""

    def __init__(self, size: int, seconds: float) -> None:
        self.size, self.seconds = size, seconds
        self._open: dict[Hashable, Batch] = {}
        self._lock = threading.Lock()

    def __call__(self, version: Version, signature: Signature, given: Arrays) -> Arrays:
        """Answer a request, in a batch where the signature allows it."""
        rows = {len(array) if array.ndim else 0 for array in given.values()}
        if len(rows) > 1 or not signature.batched or not 0 < max(rows) < self.size:
            return at_once(version, signature, given)
        key = (id(signature), *((name, array.shape[1:]) for name, array in given.items()))
        batch, place = self._join(key, signature, given, max(rows))
        if place == 0:
            batch.closed.wait(self.seconds)
            self._close(key, batch)
            batch.run()
        batch.done.wait()
        made = batch.made.pop(place)
        try:
            if isinstance(made, Exception):
                raise made
            return made
        finally:
            del made  # an exception holds this frame, and with it the version, as long as the frame holds it

    def _join(self, key: Hashable, signature: Signature, given: Arrays, rows: int) -> tuple[Batch, int]:
        """The batch of a request and its place there; a full one is closed."""
        with self._lock:
            batch = self._open.get(key)
            if batch is not None and batch.rows + rows > self.size:
                batch.closed.set()
                batch = None
            if batch is None:
                batch = self._open[key] = Batch(signature)
            batch.given.append(given)
            batch.rows += rows
            if batch.rows == self.size:
                batch.closed.set()
                del self._open[key]
            return batch, len(batch.given) - 1

    def _close(self, key: Hashable, batch: Batch) -> None:
        with self._lock:
            if self._open.get(key) is batch:
                del self._open[key]


def _together(signature: Signature, given: list[Arrays]) -> list[Arrays]:
    """The answer to each request out of one call."""
    if len(given) == 1:
        return [signature(given[0])]
    sizes = [len(next(iter(each.values()))) for each in given]
    made = signature({name: np.concatenate([each[name] for each in given]) for name in given[0]})
    if any(len(array) != sum(sizes) for array in made.values()):
        raise ValueError("the signature does not answer row by row")
    ends = np.cumsum(sizes)
    return [
        {name: array[end - size : end] for name, array in made.items()} for size, end in zip(sizes, ends, strict=True)
    ]


def _alone(signature: Signature, given: Arrays) -> Arrays | Exception:
    try:
        return signature(given)
    except Exception as error:
        return error
