"""Define what training and scoring iterate over: the examples of one split, in epochs of batches."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from seqapp.contract.batch import WHOLE, Batch, Shard


class Epoch(Protocol):
    """One pass over a split, or a worker's share of it: `steps` batches of `rows` rows each."""

    @property
    def steps(self) -> int:
        """How many batches."""

    @property
    def rows(self) -> int:
        """Rows of each batch."""

    def batches(self, start: int = 0) -> Any:
        """A tf.data.Dataset of each `Batch` from number `start` on."""

    def in_order(self, parts: list[NDArray[Any]]) -> NDArray[Any]:
        """One part of each batch `(rows, …)` as one array in the order of the split."""


class Examples(Protocol):
    """The examples of one split; `Windows` and `Streams` (seqapp/data) are two kinds."""

    @property
    def count(self) -> int:
        """How many examples there are."""

    @property
    def carries_state(self) -> bool:
        """Whether a batch continues the rows of the batch before."""

    def training(self, batch_size: int, random: np.random.Generator, shard: Shard = WHOLE) -> Epoch:
        """An epoch in an order that `random` decides.

        Args:
            batch_size: rows of a global batch.
            random: the same state gives the same epoch, on every worker.
            shard: this worker's rows of each global batch.
        """

    def scoring(self, batch_size: int | None = None, shard: Shard = WHOLE) -> Epoch:
        """Every scored case once, in order; without a batch size, in batches that suit the split."""

    def first(self, count: int) -> Batch:
        """At most `count` examples spread over the split, as NumPy arrays, for checks."""

    def probes(self, count: int, steps: int) -> Batch | None:
        """At most `count` sequences of one length, `steps` at most, which end at a scored step, as NumPy arrays.

        Targets `(sequences, …)` and weights `(sequences,)` are those of the last step. None if no step is scored.
        """
