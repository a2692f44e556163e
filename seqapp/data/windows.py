"""Windows: examples that do not depend on each other, gathered by index."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqapp.contract import WHOLE, Batch, Shard, Tensor
from seqapp.data.epochs import batches
from seqapp.system.tensorflow import tf

ROWS = 64  # of a batch that is scored


@dataclass(frozen=True)
class WindowsEpoch:
    """One pass over windows in an `order` `(windows,)`, of which a worker reads its `shard` of each batch."""

    gather: Callable[[Tensor], Batch]
    order: NDArray[Any]
    batch_size: int
    shard: Shard

    @property
    def steps(self) -> int:
        """Batches."""
        return -(-len(self.order) // self.batch_size)

    @property
    def rows(self) -> int:
        """Rows of each batch that this worker reads."""
        return len(np.array_split(np.arange(min(self.batch_size, len(self.order))), self.shard.count)[self.shard.index])

    def batches(self, start: int = 0) -> Any:
        """A tf.data.Dataset of the batches from number `start` on."""
        size = min(self.batch_size, len(self.order))
        return batches(self.gather, self.order[start * self.batch_size :], size, self.shard)

    def in_order(self, parts: list[NDArray[Any]]) -> NDArray[Any]:
        """One part of each batch, one after the other, with lengths that differ padded with zeros."""
        if parts[0].ndim > 1:
            longest = max(part.shape[1] for part in parts)
            parts = [
                np.pad(part, [(0, 0), (0, longest - part.shape[1]), *[(0, 0)] * (part.ndim - 2)]) for part in parts
            ]
        return np.concatenate(parts)


@dataclass(frozen=True)
class Windows:
    """`count` examples of one split; `gather(indices)` gives a batch of them with TensorFlow ops.

    `gather` takes int64 `(batch,)`. The same index always gives the same example, so an epoch is an order of indices.
    """

    count: int
    gather: Callable[[Tensor], Batch]

    @classmethod
    def from_arrays(
        cls,
        inputs: NDArray[Any],
        targets: NDArray[Any],
        weights: NDArray[Any],
        context: dict[str, NDArray[Any]] | None = None,
        lengths: dict[str, NDArray[Any]] | None = None,
    ) -> Windows:
        """Windows that lie ready in memory, the axes as in `Batch`."""
        arrays = tf.nest.map_structure(
            tf.constant, Batch(inputs, targets, np.asarray(weights, np.float32), context or {}, lengths or {})
        )
        return cls(len(inputs), lambda indices: tf.nest.map_structure(lambda array: tf.gather(array, indices), arrays))

    @property
    def carries_state(self) -> bool:
        """No: each window starts at a zero state."""
        return False

    def training(self, batch_size: int, random: np.random.Generator, shard: Shard = WHOLE) -> WindowsEpoch:
        """All windows once, shuffled."""
        return WindowsEpoch(self.gather, random.permutation(self.count), batch_size, shard)

    def scoring(self, batch_size: int | None = None, shard: Shard = WHOLE) -> WindowsEpoch:
        """All windows once, in order."""
        return WindowsEpoch(self.gather, np.arange(self.count), batch_size or ROWS, shard)

    def first(self, count: int) -> Batch:
        """At most `count` windows evenly spread over the split."""
        spread = np.unique(np.linspace(0, self.count - 1, count).astype(int))
        return _numpy(next(iter(batches(self.gather, spread, len(spread)))))

    def probes(self, count: int, steps: int) -> Batch | None:
        """Sequences evenly spread; where windows are shorter than `steps`, as long as half of them can fill.

        A sequence is the earliest part of its window that ends at a scored step, so it begins where the window does
        if it can.
        """
        batch = _numpy(self.gather(tf.constant(_evenly(self.count, 2 * count))))
        scored = _scored_steps(batch)
        width = scored.shape[1]
        reach = np.where(scored.any(1), width - scored[:, ::-1].argmax(1), 0)  # steps up to the last scored one
        length = min(steps, int(np.sort(reach)[len(reach) // 2]))
        if not length:
            return None
        ends = scored & (np.arange(width) >= length - 1)
        rows = np.flatnonzero(ends.any(1))
        rows = rows[_evenly(len(rows), count)]
        end = ends[rows].argmax(1)
        targets = batch.targets[rows, end] if batch.weights.ndim == 2 else batch.targets[rows]
        inputs = batch.inputs[rows[:, None], end[:, None] + np.arange(1 - length, 1)]
        context = {name: values[rows] for name, values in batch.context.items()}
        lengths = {name: values[rows] for name, values in batch.lengths.items() if name in context}
        return Batch(inputs, targets, np.ones(len(rows), np.float32), context, lengths)


def _scored_steps(batch: Batch) -> NDArray[np.bool_]:
    """Which steps are scored, `(batch, steps)`; where a whole sequence is, its last step that counts."""
    if batch.weights.ndim == 2:
        return np.asarray(batch.weights > 0)
    width = batch.inputs.shape[1]
    last = batch.lengths.get("inputs", np.full(len(batch.inputs), width)) - 1
    return np.asarray((np.arange(width) == last[:, None]) & (batch.weights > 0)[:, None])


def _numpy(batch: Batch) -> Batch:
    numpy: Batch = tf.nest.map_structure(np.asarray, batch)
    return numpy


def _evenly(total: int, count: int) -> NDArray[np.int64]:
    """At most `count` numbers below `total`, evenly spread, ascending: 10, 3 -> 0, 4, 9."""
    return np.unique(np.linspace(0, total - 1, min(count, total)).astype(np.int64))
