"""Batches of a split as tf.data: windows in an order, or streams side by side; inputs, targets and weights out."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqapp.contract import Windows
from seqapp.contract.head import Tensor
from seqapp.data.streams import Layout, Streams

LENGTHS = 16  # steps


class Epoch:
    """One pass over a split: `steps` batches of `(inputs, targets, weights, fresh)`, to be had from any of them on.

    `fresh` bool `(batch,)` says which rows begin at a zero state; the others go on from the batch before.
    """

    def __init__(self, split: Windows | Streams, batch_size: int, random: np.random.Generator | None = None) -> None:
        """In training order, decided by `random`; without it in the order of the split."""
        self.split, self.batch_size = split, batch_size
        if isinstance(split, Streams):
            self.plan: Any = split.training(batch_size, random) if random else split.scoring(batch_size)
            self.steps = self.plan.steps
        else:
            self.plan = random.permutation(split.count) if random else np.arange(split.count)
            self.steps = -(-split.count // batch_size)

    def batches(self, start: int = 0) -> Any:
        """A tf.data.Dataset of the batches from number `start` on."""
        if isinstance(self.split, Streams):
            return stream_batches(self.split, self.plan, start)
        import tensorflow as tf

        made = batches(self.split, self.plan[start * self.batch_size :], self.batch_size)
        return made.map(lambda *batch: (*batch, tf.fill([batch[0].shape[0]], True)))


def training_epoch(split: Windows | Streams, batch_size: int, seed: int, epoch: int) -> Epoch:
    """Fixed by seed and epoch alone, so that a resumed run can take it up in the middle."""
    return Epoch(split, batch_size, np.random.default_rng([seed, epoch]))


def batches(windows: Windows, order: NDArray[Any], batch_size: int) -> Any:
    """A tf.data.Dataset of `(inputs, targets, weights)` batches in this order, all of one size.

    The last one is filled up with its last window at weight 0, in a resumed epoch too, and windows whose length differs
    from batch to batch are made longer with steps of weight 0, to a multiple of `LENGTHS`: every new shape would be
    compiled anew.
    """
    import tensorflow as tf

    size = min(batch_size, windows.count)
    filled = np.pad(np.asarray(order, np.int64), (0, -len(order) % size), mode="edge")
    real = np.arange(len(filled)) < len(order)

    def gather(indices: Tensor, real: Tensor) -> tuple[Tensor, ...]:
        inputs, targets, weights = windows.gather(indices)
        weights = tf.where(tf.reshape(real, [-1] + [1] * (len(weights.shape) - 1)), weights, 0)
        same = inputs.shape[1] is not None
        return tuple(part if same else _lengthened(part) for part in (inputs, targets, weights))

    return _pipeline(tf.data.Dataset.from_tensor_slices((filled, real)).batch(size, drop_remainder=True), gather)


def stream_batches(streams: Streams, layout: Layout, start: int) -> Any:
    """A tf.data.Dataset of `(inputs, targets, weights, fresh)`, a batch for each step from `start` on."""
    import tensorflow as tf

    def read(step: NDArray[np.int64]) -> tuple[NDArray[Any], ...]:
        chosen = layout.at(int(step))
        inputs, targets, weights = streams.read(chosen)
        return inputs, targets, weights * chosen.real[:, np.newaxis].astype(np.float32), chosen.fresh

    def gather(step: Tensor) -> tuple[Tensor, ...]:
        *parts, fresh = tf.numpy_function(read, [step], (tf.int32, tf.int32, tf.float32, tf.bool))
        shaped = [tf.ensure_shape(part, [layout.rows, layout.length]) for part in parts]
        return *shaped, tf.ensure_shape(fresh, [layout.rows])

    return _pipeline(tf.data.Dataset.range(start, layout.steps), gather)


def _pipeline(chosen: Any, gather: Any) -> Any:
    import tensorflow as tf

    options = tf.data.Options()
    options.autotune.enabled = False  # its thread is waited for at the end of an epoch, for as long as the epoch took
    return chosen.map(gather, num_parallel_calls=2, deterministic=True).prefetch(2).with_options(options)


def _lengthened(part: Tensor) -> Tensor:
    """The sequence `(batch, steps, ...)` with zeros at the end, up to a multiple of `LENGTHS` steps."""
    import tensorflow as tf

    return tf.pad(part, [[0, 0], [0, -tf.shape(part)[1] % LENGTHS]] + [[0, 0]] * (len(part.shape) - 2))
